"""物联感知 sensing: alarms and readings by day and community."""

from datetime import date

import dagster as dg
import ibis.expr.types as ir

from assets.building import about, told
from assets.topics.tabulate import day_inputs, topic_days
from schemas import tables
from warehouse.engine import Engine
from warehouse.lake import Lake

ALARMS = tables.table("silver", "sensor_alarms")
READINGS = tables.table("silver", "sensor_readings")
ALARM_DAYS = tables.table("topics", "sensing_alarm_days")
READING_DAYS = tables.table("topics", "sensing_reading_days")


@dg.asset(**about(ALARM_DAYS), deps=[list(ALARMS.key)], kinds={"ibis", "duckdb", "deltalake"})
def sensing_alarm_days(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Alarms by the day they were raised on, and how many of them are cleared."""
    return told(topic_days(lake, ALARM_DAYS, day_inputs(lake, ALARMS), count_alarms))


@dg.asset(**about(READING_DAYS), deps=[list(READINGS.key)], kinds={"ibis", "duckdb", "deltalake"})
def sensing_reading_days(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Readings by day and level against the thresholds."""
    return told(topic_days(lake, READING_DAYS, day_inputs(lake, READINGS), count_readings))


def count_alarms(engine: Engine, days: list[date]) -> ir.Table:
    """Alarms of some days."""
    alarms = engine.table(ALARMS, days)
    own = alarms.mutate(sensing_day=alarms.raised_day)
    return own.group_by("sensing_day", "community_code", "alarm_kind").aggregate(
        alarm_count=own.count(), cleared_count=own.cleared_at.count()
    )


def count_readings(engine: Engine, days: list[date]) -> ir.Table:
    """Readings of some days."""
    readings = engine.table(READINGS, days)
    own = readings.mutate(sensing_day=readings.read_day)
    return own.group_by("sensing_day", "community_code", "quantity", "level").aggregate(
        reading_count=own.count()
    )
