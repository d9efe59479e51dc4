"""silver.dwellings: newest version of every dwelling, where its building lies."""

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
from quality.addresses import LEVELS, parse, standard
from schemas import tables
from warehouse.lake import Lake

TABLE = tables.table("silver", "dwellings")


@dg.asset(
    **about(TABLE, "housing"),
    deps=[["bronze", "dwellings"], list(AREAS.key), list(BUILDINGS.key)],
    kinds={"polars", "deltalake"},
)
def dwellings(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per dwelling; those of unknown buildings lie nowhere until it is known."""
    buildings = known_buildings(lake)
    addresses = lake.read(BUILDINGS, ["building_id", "standard_address"])
    outcome = newest_register(
        lake, TABLE, recipe_feed("dwellings"), "updated_at",
        lambda rows: with_addresses(buildings.find(rows), addresses), content_of_buildings(lake),
    )  # fmt: skip
    return told_with_buildings(lake, TABLE, outcome)


def with_addresses(rows: pl.DataFrame, buildings: pl.DataFrame) -> pl.DataFrame:
    """Standard address of every dwelling: its building's, with its own unit, floor and room.

    Args:
        rows: `building_id`, `unit_number`, `floor_number`, `room_number`.
        buildings: `building_id`, `standard_address`.

    Returns:
        The rows with `standard_address`; null where the building is unknown or has none, or unit
        and room are nothing that an address says.
    """
    floor = pl.col("floor_number")
    inside = rows.select(
        pl.concat_str(
            pl.col("unit_number").str.strip_suffix("单元") + "单元",
            pl.when(floor < 0).then(pl.format("B{}层", -floor))
            .when(floor > 0).then(pl.format("{}层", floor)),
            pl.col("room_number").str.strip_suffix("室") + "室",
            ignore_nulls=True,
        )
    ).to_series()  # fmt: skip
    levels = parse(inside)  # rooms of all buildings are numbered alike: few texts are read
    others = [level for level in (*LEVELS, "rest") if level not in {"unit", "floor", "room"}]
    is_odd = levels.select(pl.any_horizontal(pl.col(others).is_not_null())).to_series()
    joined = rows.join(buildings, on="building_id", how="left", maintain_order="left")
    line = joined["standard_address"] + standard(levels)
    return joined.with_columns(standard_address=line.set(is_odd, None))
