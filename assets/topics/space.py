"""空间 space: the areas of three tiers, their size and outline."""

import dagster as dg
import polars as pl
import shapely

from assets.building import Clean, about, build_whole, inputs_of, told
from schemas import tables
from schemas.areas import TIERS
from schemas.contract import Contract, integer, number, text
from schemas.table import Table
from schemas.topics import register
from warehouse import builds
from warehouse.lake import Lake

AREAS = tables.table("silver", "areas")


class AreaSummary(Contract):
    """topics.space_areas. Grain: one area of one tier, with its outline for maps."""

    area_code = text("区划代码", required=True)
    area_name = text("名称", required=True)
    tier = text("层级", required=True)
    parent_code = text("上级代码")
    community_count = integer("社区数", required=True, unit="个")
    grid_count = integer("网格数", required=True, unit="个")
    area_m2 = number("面积", required=True, unit="m2")
    centre_longitude = number("中心经度", required=True, unit="degree")
    centre_latitude = number("中心纬度", required=True, unit="degree")
    outline = text("轮廓", required=True, note="GeoJSON geometry")


TABLE = register(
    Table("topics", "space_areas", AreaSummary, "空间 区划", None, ("area_code",),
          "unconditional", True),
)  # fmt: skip


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
