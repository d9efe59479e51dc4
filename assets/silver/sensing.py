"""silver.sensor_alarms and silver.sensor_readings: what registered sensors raised and read."""

import dagster as dg
import polars as pl

from assets.building import about, told
from assets.silver._newest import (
    Recipe,
    need_registered_device,
    newest_days,
    recipe_feed,
    stale_event_days,
)
from assets.silver.devices import placements
from assets.timing import CITY_DAY, days_wanted
from schemas import tables
from schemas.sensing import PRESSURE_LEVELS_MPA
from warehouse.builds import content_fingerprint
from warehouse.lake import Lake

ALARMS = tables.table("silver", "sensor_alarms")
READINGS = tables.table("silver", "sensor_readings")
DEVICES = ["silver", "devices"]


def alarm_recipe(lake: Lake) -> Recipe:
    """How alarms are cleaned, with the devices of this lake."""
    known = placements(lake)
    return Recipe(
        ALARMS, recipe_feed("sensor_alarms"), "updated_at",
        lambda rows: rows.join(known, on="device_id", how="left"),
        need_registered_device(known, "updated_at"), (content_fingerprint(known),),
    )  # fmt: skip


def reading_recipe(lake: Lake) -> Recipe:
    """How readings are cleaned, with the devices of this lake."""
    known = placements(lake)
    return Recipe(
        READINGS, recipe_feed("sensor_readings"), "read_at",
        lambda rows: graded(rows.join(known, on="device_id", how="left")),
        need_registered_device(known, "read_at"), (content_fingerprint(known),),
    )  # fmt: skip


@dg.asset(
    **about(ALARMS, "big-data"),
    deps=[["bronze", "sensor_alarms"], DEVICES],
    kinds={"polars", "deltalake"},
)
def sensor_alarms(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per alarm, newest version, in the community of its device."""
    return told(newest_days(lake, alarm_recipe(lake)))


@dg.asset(
    **about(READINGS, "fire-service"),
    deps=[["bronze", "sensor_readings"], DEVICES],
    kinds={"polars", "deltalake"},
    partitions_def=CITY_DAY,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def sensor_readings(
    context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]
) -> dg.MaterializeResult:
    """One row per reading with its level against the thresholds."""
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
        .otherwise(pl.lit("normal"))
    )  # fmt: skip
    smoke = pl.when(value >= 1).then(pl.lit("alarm")).otherwise(pl.lit("normal"))
    is_pressure = pl.col("quantity") == "hydrant_pressure"
    return rows.with_columns(level=pl.when(is_pressure).then(pressure).otherwise(smoke))
