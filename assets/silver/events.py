"""silver.ai_video_events and silver.iot_events: what registered devices reported, newest version.

Placed where the device stood when it happened; events of unregistered devices are set aside.
"""

import dagster as dg
import polars as pl

from assets.building import about, told
from assets.silver._device_days import device_days, digests, note_device_days, within_days
from assets.silver._newest import Finish, Recipe, need_registered_device, newest_days, recipe_feed
from assets.silver.devices import KEYS, placed, placements
from schemas import tables
from schemas.iot_events import COMPONENT_STATUS, SYSTEM_STATUS
from schemas.tables import Table
from schemas.video_events import EVENT_CODES
from warehouse.lake import Lake

VIDEO = tables.table("silver", "ai_video_events")
IOT = tables.table("silver", "iot_events")


def coded(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the matter of GB/T 47678.5-2026 of an AI event."""
    return rows.with_columns(type_code=pl.col("event_kind").replace_strict(EVENT_CODES))


def named(rows: pl.DataFrame) -> pl.DataFrame:
    """Add what a status bit means: of the component where it is named, else of the system."""
    bit = pl.col("status_bit")
    of_component = bit.replace_strict(COMPONENT_STATUS, default=None, return_dtype=pl.String)
    of_system = bit.replace_strict(SYSTEM_STATUS, default=None, return_dtype=pl.String)
    is_component = pl.col("component_type").is_not_null()
    return rows.with_columns(
        status_name=pl.when(is_component).then(of_component).otherwise(of_system)
    )


_FINISH: dict[str, Finish] = {VIDEO.name: coded, IOT.name: named}


def recipe(lake: Lake, table: Table) -> Recipe:
    """How one of the two tables is cleaned."""
    known, finish = placements(lake), _FINISH[table.name]
    return Recipe(
        table, recipe_feed(table.name), "updated_at",
        lambda rows: finish(placed(rows, known, "happened_at")),
        need_registered_device(known, "updated_at"),
        day_inputs=digests(within_days(device_days(lake, table.name), known)),
    )  # fmt: skip


def _build(lake: Lake, table: Table) -> dg.MaterializeResult:
    note_device_days(lake, recipe_feed(table.name))
    return told(newest_days(lake, recipe(lake, table)))


@dg.asset(
    **about(VIDEO, "urban-management"),
    deps=[["bronze", VIDEO.name], *KEYS],
    kinds={"polars", "deltalake"},
)
def ai_video_events(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per AI event, newest version, with its national code, where its device stood."""
    return _build(lake, VIDEO)


@dg.asset(
    **about(IOT, "big-data"),
    deps=[["bronze", IOT.name], *KEYS],
    kinds={"polars", "deltalake"},
)
def iot_events(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per IoT event, newest version, with its status in words, where its device stood."""
    return _build(lake, IOT)
