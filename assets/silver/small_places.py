"""silver.small_places: newest version of every small place, placed by code, grid, name or point."""

import dagster as dg
import polars as pl

from assets.building import about, told
from assets.silver._newest import newest_register, recipe_feed
from quality.coordinates import in_wgs84
from quality.placing import Communities
from schemas import tables
from warehouse import builds
from warehouse.lake import Lake

AREAS = tables.table("silver", "areas")
TABLE = tables.table("silver", "small_places")
ORDER = ("code", "grid", "name", "point")


@dg.asset(
    **about(TABLE, "fire-service"),
    deps=[["bronze", "small_places"], list(AREAS.key)],
    kinds={"polars", "deltalake", "geopandas"},
)
def small_places(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per place; names and phones of operators stay behind in bronze."""
    communities, feed = Communities(lake.read(AREAS)), recipe_feed("small_places")
    return told(
        newest_register(
            lake, TABLE, feed, "updated_at",
            lambda rows: finish(communities.place(in_wgs84(rows, feed), ORDER)),
            [builds.content_of(lake, AREAS)],
        )
    )  # fmt: skip


def finish(rows: pl.DataFrame) -> pl.DataFrame:
    """Hazards without a figure count as none."""
    return rows.with_columns(pl.col("hazard_count", "rectified_count").fill_null(0))
