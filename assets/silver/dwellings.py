"""silver.dwellings: newest version of every dwelling, where its building lies."""

import dagster as dg

from assets.building import about, told
from assets.silver._newest import need_known, newest_register, recipe_feed
from schemas import tables
from warehouse import builds
from warehouse.lake import Lake

BUILDINGS = tables.table("silver", "buildings")
TABLE = tables.table("silver", "dwellings")
UNKNOWN_BUILDING = "building_is_known"


@dg.asset(
    **about(TABLE, "housing"),
    deps=[["bronze", "dwellings"], list(BUILDINGS.key)],
    kinds={"polars", "deltalake"},
)
def dwellings(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per dwelling; those of unknown buildings are set aside until it is known."""
    buildings = lake.read(BUILDINGS, ["building_id", "community_code"])
    return told(
        newest_register(
            lake, TABLE, recipe_feed("dwellings"), "updated_at",
            lambda rows: rows.join(buildings, on="building_id", how="left"),
            [builds.content_of(lake, BUILDINGS)],
            split=need_known(buildings["building_id"], "building_id", "updated_at",
                             UNKNOWN_BUILDING),
        )
    )  # fmt: skip
