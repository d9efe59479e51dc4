"""空间 space: the areas of three tiers, their size and outline."""

import dagster as dg
import polars as pl
import shapely

from assets.building import Clean, about, build_whole, inputs_of, told
from schemas import tables
from schemas.areas import TIERS
from warehouse import builds
from warehouse.lake import Lake

AREAS = tables.table("silver", "areas")
TABLE = tables.table("topics", "space_areas")


@dg.asset(**about(TABLE), deps=[list(AREAS.key)], kinds={"polars", "deltalake"})
def space_areas(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per district, street and community: communities and grids in it, size, outline."""
    inputs = inputs_of(builds.content_of(lake, AREAS))
    return told(build_whole(lake, TABLE, inputs, lambda: Clean(summarise(lake.read(AREAS)))))


def summarise(areas: pl.DataFrame) -> pl.DataFrame:
    """Count what lies below every area and write its outline as GeoJSON, to about a metre."""
    own = areas.filter(pl.col("tier").is_in(list(TIERS)))
    below = {
        tier: areas.filter(pl.col("tier") == tier)["area_code"].to_list()
        for tier in ("community", "grid")
    }
    codes = own["area_code"].to_list()

    def inside(tier: str) -> pl.Series:
        return pl.Series([sum(c.startswith(code) for c in below[tier]) for code in codes])

    shapes = shapely.set_precision(shapely.from_wkb(own["shape"].to_list()), 1e-5)
    return own.with_columns(
        community_count=inside("community"),
        grid_count=inside("grid"),
        outline=pl.Series([str(text) for text in shapely.to_geojson(shapes)]),
    )
