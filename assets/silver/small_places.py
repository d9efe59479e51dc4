"""silver.small_places: newest version of every small place, placed, in its building if known."""

import dagster as dg
import polars as pl

from assets.building import about
from assets.silver._buildings import (
    AREAS,
    BUILDINGS,
    content_of_buildings,
    known_buildings,
    told_with_buildings,
)
from assets.silver._newest import newest_register, recipe_feed
from quality.coordinates import in_wgs84
from quality.placing import Communities
from schemas import tables
from warehouse.lake import Lake

TABLE = tables.table("silver", "small_places")
ORDER = ("code", "grid", "name", "point")


@dg.asset(
    **about(TABLE, "fire-service"),
    deps=[["bronze", "small_places"], list(AREAS.key), list(BUILDINGS.key)],
    kinds={"polars", "deltalake", "geopandas"},
)
def small_places(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per place; names and phones of operators stay behind in bronze."""
    communities, feed = Communities(lake.read(AREAS)), recipe_feed("small_places")
    buildings = known_buildings(lake)
    outcome = newest_register(
        lake, TABLE, feed, "updated_at",
        lambda rows: finish(buildings.find(communities.place(in_wgs84(rows, feed), ORDER))),
        content_of_buildings(lake),
    )  # fmt: skip
    return told_with_buildings(lake, TABLE, outcome)


def finish(rows: pl.DataFrame) -> pl.DataFrame:
    """Hazards without a figure count as none."""
    return rows.with_columns(pl.col("hazard_count", "rectified_count").fill_null(0))
