"""silver.sensor_edges: how each sensor's day of readings begins and ends, for its other days.

An episode of readings beyond the threshold can last over midnight. A day of episodes then needs to
know how its sensors stood the evening before, and when those it leaves open came back to normal;
both follow from these few rows, so that no day ever reads the readings of another.
"""

from datetime import date

import dagster as dg
import polars as pl

from assets.building import Clean, about, build_days, inputs_of, told
from schemas import tables
from schemas.contract import polars_schema
from schemas.sensing import LEVEL_RANKS
from warehouse import builds
from warehouse.lake import Lake

READINGS = tables.table("silver", "sensor_readings")
TABLE = tables.table("silver", "sensor_edges")
SENSOR = ["device_id", "quantity"]
DAYS_AT_ONCE = 30


@dg.asset(**about(TABLE, "fire-service"), deps=[list(READINGS.key)], kinds={"polars", "deltalake"})
def sensor_edges(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per day and sensor: first and last state, and what lies before the first normal."""
    inputs = {day: inputs_of(one.content) for day, one in builds.parts_of(lake, READINGS).items()}

    def clean(days: list[date]) -> Clean:
        return Clean(edges(lake.read(READINGS, days=days)))

    return told(build_days(lake, TABLE, inputs, clean, at_once=DAYS_AT_ONCE))


def ranked(readings: pl.DataFrame) -> pl.DataFrame:
    """Readings in the order of each sensor's time, with `rank`: 0 normal, more is worse.

    Two readings of one instant are ordered by their ids.
    """
    rank = pl.col("level").replace_strict(LEVEL_RANKS, return_dtype=pl.Int64)
    return readings.with_columns(rank=rank).sort(*SENSOR, "read_at", "reading_id")


def edges(readings: pl.DataFrame) -> pl.DataFrame:
    """`SensorEdge` rows of the readings of some days."""
    is_normal = pl.col("rank") == 0
    before_normal = is_normal.cum_sum() == 0
    return (
        ranked(readings)
        .group_by("read_day", *SENSOR, maintain_order=True)
        .agg(
            is_beyond_at_first=pl.col("rank").first() > 0,
            is_beyond_at_last=pl.col("rank").last() > 0,
            first_normal_at=pl.col("read_at").filter(is_normal).first(),
            count_before_normal=before_normal.sum().cast(pl.Int64),
            rank_before_normal=pl.col("rank").filter(before_normal).max().fill_null(0),
        )
        .select(list(polars_schema(TABLE.contract)))
    )
