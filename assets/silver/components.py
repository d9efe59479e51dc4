"""silver.components: newest version of every city component, placed."""

from typing import Final

import dagster as dg
import polars as pl

from assets.building import about, told
from assets.silver._newest import newest_register, recipe_feed
from assets.silver.housing import with_points
from quality.coordinates import in_wgs84
from quality.placing import Communities, Way
from schemas import tables
from warehouse import builds
from warehouse.lake import Lake

AREAS = tables.table("silver", "areas")
TABLE = tables.table("silver", "components")
ORDER: Final[tuple[Way, ...]] = ("code", "grid", "name", "point")


@dg.asset(
    **about(TABLE, "urban-management"),
    deps=[["bronze", "components"], list(AREAS.key)],
    kinds={"polars", "deltalake", "geopandas"},
)
def components(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per component: newest version, by code, grid, name or point in its community."""
    communities = Communities(lake.read(AREAS))
    return told(
        newest_register(
            lake, TABLE, recipe_feed("components"), "changed_at",
            lambda rows: finish(rows, communities), [builds.content_of(lake, AREAS)],
        )
    )  # fmt: skip


def finish(rows: pl.DataFrame, communities: Communities) -> pl.DataFrame:
    """Major class, point and community of the newest versions.

    Args:
        rows: Newest versions with bronze columns.
        communities: Where components can lie.
    """
    pointed = with_points(in_wgs84(rows, recipe_feed("components")), "shape")
    return communities.place(pointed, ORDER).with_columns(
        major_code=pl.col("type_code").str.head(2)
    )
