"""silver.sensor_alarms and silver.sensor_readings: what registered sensors raised and read."""

import dagster as dg
import polars as pl

from assets.building import about, told
from assets.silver._device_days import device_days, digests, note_device_days, within_days
from assets.silver._newest import (
    Recipe,
    need_registered_device,
    newest_days,
    recipe_feed,
    stale_event_days,
)
from assets.silver.devices import KEYS, placed, placements
from assets.timing import CITY_DAY, days_wanted
from schemas import tables
from schemas.sensing import PRESSURE_LEVELS_MPA
from warehouse.lake import Lake

ALARMS = tables.table("silver", "sensor_alarms")
READINGS = tables.table("silver", "sensor_readings")


def alarm_recipe(lake: Lake) -> Recipe:
    """How alarms are cleaned: placed where their sensor stood when they were raised."""
    known = placements(lake)
    return Recipe(
        ALARMS, recipe_feed("sensor_alarms"), "updated_at",
        lambda rows: placed(rows, known, "raised_at"),
        need_registered_device(known, "updated_at"),
        day_inputs=digests(within_days(device_days(lake, "sensor_alarms"), known)),
    )  # fmt: skip


def reading_recipe(lake: Lake) -> Recipe:
    """How readings are cleaned: placed where their sensor stood when it read."""
    known = placements(lake)
    return Recipe(
        READINGS, recipe_feed("sensor_readings"), "read_at",
        lambda rows: graded(placed(rows, known, "read_at")),
        need_registered_device(known, "read_at"),
        day_inputs=digests(within_days(device_days(lake, "sensor_readings"), known)),
    )  # fmt: skip


@dg.asset(
    **about(ALARMS, "big-data"),
    deps=[["bronze", "sensor_alarms"], *KEYS],
    kinds={"polars", "deltalake"},
)
def sensor_alarms(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per alarm, newest version, in the community of its device."""
    note_device_days(lake, recipe_feed("sensor_alarms"))
    return told(newest_days(lake, alarm_recipe(lake)))


@dg.asset(
    **about(READINGS, "fire-service"),
    deps=[["bronze", "sensor_readings"], *KEYS],
    kinds={"polars", "deltalake"},
    partitions_def=CITY_DAY,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def sensor_readings(
    context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]
) -> dg.MaterializeResult:
    """One row per reading with its level against the thresholds."""
    note_device_days(lake, recipe_feed("sensor_readings"))
    return told(newest_days(lake, reading_recipe(lake), days_wanted(context)))


def stale_reading_days(lake: Lake) -> list[str]:
    """Days of readings whose inputs changed since they were built."""
    return stale_event_days(lake, reading_recipe(lake))


def graded(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the level: hydrants by GB 55036-2022 3.0.3 and our own alert steps, smoke by its flag."""
    value = pl.col("value")
    pressure = (
        pl.when(value <= PRESSURE_LEVELS_MPA["dry"]).then(pl.lit("dry"))
        .when(value < PRESSURE_LEVELS_MPA["critical"]).then(pl.lit("critical"))
        .when(value < PRESSURE_LEVELS_MPA["warning"]).then(pl.lit("warning"))
        .when(value > PRESSURE_LEVELS_MPA["over"]).then(pl.lit("over"))
        .otherwise(pl.lit("normal"))
    )  # fmt: skip
    smoke = pl.when(value >= 1).then(pl.lit("alarm")).otherwise(pl.lit("normal"))
    is_pressure = pl.col("quantity") == "hydrant_pressure"
    return rows.with_columns(level=pl.when(is_pressure).then(pressure).otherwise(smoke))
