"""silver.buildings and silver.rentals: newest version of every building and rental, placed."""

import dagster as dg
import polars as pl
import shapely

from assets.building import about, told
from assets.silver._buildings import (
    AREAS,
    BUILDINGS,
    content_of_buildings,
    known_buildings,
    told_with_buildings,
)
from assets.silver._newest import newest_register, recipe_feed
from quality.addresses import AddressWords
from quality.coordinates import in_wgs84
from quality.placing import Communities
from schemas import tables
from warehouse import builds
from warehouse.lake import Lake

RENTALS = tables.table("silver", "rentals")


@dg.asset(
    **about(BUILDINGS, "housing"),
    deps=[["bronze", "buildings"], list(AREAS.key)],
    kinds={"polars", "deltalake", "geopandas"},
)
def buildings(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per building; a footprint gives the point where none was written."""
    areas = lake.read(AREAS)
    communities, words, feed = Communities(areas), AddressWords(areas), recipe_feed("buildings")

    def finish(rows: pl.DataFrame) -> pl.DataFrame:
        placed = communities.place(with_points(in_wgs84(rows, feed)))
        return placed.with_columns(words.standard(placed["address"], placed["community_code"]))

    return told(
        newest_register(
            lake, BUILDINGS, feed, "updated_at", finish, [builds.content_of(lake, AREAS)]
        )
    )


def with_points(rows: pl.DataFrame, shape: str = "footprint") -> pl.DataFrame:
    """Fill missing coordinates with a point inside the footprint or any other shape."""
    shapes = shapely.from_wkb(rows[shape].to_list())
    inside = shapely.point_on_surface(shapes)
    x, y = (pl.Series(axis(inside), dtype=pl.Float64).fill_nan(None)
            for axis in (shapely.get_x, shapely.get_y))  # fmt: skip
    return rows.with_columns(
        longitude=pl.col("longitude").fill_null(x), latitude=pl.col("latitude").fill_null(y)
    )


@dg.asset(
    **about(RENTALS, "housing"),
    deps=[["bronze", "rentals"], list(AREAS.key), list(BUILDINGS.key)],
    kinds={"polars", "deltalake"},
)
def rentals(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per registered rental; names and phones of landlords stay behind in bronze."""
    communities, buildings = Communities(lake.read(AREAS)), known_buildings(lake)
    outcome = newest_register(
        lake, RENTALS, recipe_feed("rentals"), "updated_at",
        lambda rows: buildings.find(communities.place(rows)), content_of_buildings(lake),
    )  # fmt: skip
    return told_with_buildings(lake, RENTALS, outcome)
