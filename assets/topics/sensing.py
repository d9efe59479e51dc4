"""物联感知 sensing: alarms and readings by day and community."""

from datetime import date

import dagster as dg
import ibis.expr.types as ir

from assets.building import about, told
from assets.topics.tabulate import day_inputs, topic_days
from schemas import tables
from schemas.contract import Contract, day, integer, text
from schemas.metric import Metric, Ratio
from schemas.table import Table
from schemas.topics import register
from warehouse.engine import Engine
from warehouse.lake import Lake

ALARMS = tables.table("silver", "sensor_alarms")
READINGS = tables.table("silver", "sensor_readings")


class AlarmDay(Contract):
    """topics.sensing_alarm_days. Grain: day × community × kind of alarm."""

    sensing_day = day("日期", required=True)
    community_code = text("社区编码", note="null: unplaced")
    alarm_kind = text("预警类型", required=True)
    alarm_count = integer("预警数", required=True, unit="次")
    cleared_count = integer("已解除数", required=True, unit="次")


class ReadingDay(Contract):
    """topics.sensing_reading_days. Grain: day × community × quantity × level."""

    sensing_day = day("日期", required=True)
    community_code = text("社区编码", note="null: unplaced")
    quantity = text("物理量", required=True)
    level = text("级别", required=True)
    reading_count = integer("读数数", required=True, unit="次")


ALARM_DAYS = register(
    Table("topics", "sensing_alarm_days", AlarmDay, "物联感知 预警日", "sensing_day",
          ("community_code", "alarm_kind"), "conditional", True),
    Metric("sensing_alarm_count", "感知预警数", "传感器预警，按发生日", "次",
           "sensing_alarm_days", "alarm_count", (), "sensing_day"),
    Metric("sensing_cleared_count", "预警已解除数", "已解除的传感器预警，按发生日", "次",
           "sensing_alarm_days", "cleared_count", (), "sensing_day"),
    Metric("sensing_smoke_alarm_count", "烟雾预警数", "烟感预警，按发生日", "次",
           "sensing_alarm_days", "alarm_count", (("alarm_kind", ("smoke",)),), "sensing_day"),
    Ratio("sensing_cleared_share", "预警解除率", "预警已解除数 ÷ 感知预警数，按发生日", "%",
          ("sensing_cleared_count",), ("sensing_alarm_count",)),
)  # fmt: skip

READING_DAYS = register(
    Table("topics", "sensing_reading_days", ReadingDay, "物联感知 读数日", "sensing_day",
          ("community_code", "quantity", "level"), "conditional", True),
    Metric("fire_low_pressure_count", "消火栓低压读数",
           "静压低于0.14MPa的读数（GB 55036-2022 3.0.3）", "次",
           "sensing_reading_days", "reading_count",
           (("quantity", ("hydrant_pressure",)), ("level", ("warning", "critical", "dry"))),
           "sensing_day"),
)  # fmt: skip


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
