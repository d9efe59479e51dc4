"""silver fire tables: inspections, alarms and unit responses, newest version, placed."""

import dagster as dg
import polars as pl

from assets.building import about, told
from assets.silver._newest import Recipe, newest_days, recipe_feed
from quality.coordinates import in_wgs84
from quality.placing import Communities
from schemas import tables
from schemas.tables import Table
from warehouse import builds
from warehouse.lake import Lake

AREAS = tables.table("silver", "areas")
INSPECTIONS = tables.table("silver", "fire_inspections")
ALARMS = tables.table("silver", "fire_alarms")
RESPONSES = tables.table("silver", "fire_responses")


def _recipe(lake: Lake, table: Table, happened: str) -> Recipe:
    communities = Communities(lake.read(AREAS))
    return Recipe(
        table, recipe_feed(table.name), happened,
        lambda rows: finish(communities.place(in_wgs84(rows, recipe_feed(table.name))), table),
        other_inputs=(builds.content_of(lake, AREAS),),
    )  # fmt: skip


def recipes(lake: Lake) -> list[Recipe]:
    """How the three tables are cleaned."""
    return [
        _recipe(lake, INSPECTIONS, "updated_at"),
        _recipe(lake, ALARMS, "updated_at"),
        _recipe(lake, RESPONSES, "received_at"),
    ]


def finish(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Counts without a figure count as none; a unit at an incident gets its own name."""
    if table is INSPECTIONS:
        return rows.with_columns(pl.col("hazard_count", "rectified_count").fill_null(0))
    if table is RESPONSES:
        return rows.with_columns(response_id="entity_id")
    return rows


def _fire_asset(table: Table, position: int, what: str) -> dg.AssetsDefinition:
    def fire_table(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
        return told(newest_days(lake, recipes(lake)[position]))

    return dg.asset(
        **{**about(table, "fire-service"), "description": what},
        deps=[["bronze", table.name], list(AREAS.key)],
        kinds={"polars", "deltalake", "geopandas"},
    )(fire_table)


fire_inspections = _fire_asset(INSPECTIONS, 0, "One row per inspection, newest version, placed.")
fire_alarms = _fire_asset(ALARMS, 1, "One row per alarm, newest version, placed.")
fire_responses = _fire_asset(RESPONSES, 2, "One row per unit at an incident; gaps stay gaps.")
