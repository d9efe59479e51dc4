"""物联感知 sensing: IoT events by day, community, system and status (GB/T 26875.3)."""

from datetime import date

import dagster as dg
import ibis.expr.types as ir
from ibis import _

from assets.building import about, told
from assets.topics.tabulate import day_inputs, topic_days
from schemas import tables
from schemas.contract import Contract, day, integer, text
from schemas.iot_events import SYSTEM_TYPES
from schemas.metric import Metric, Ratio
from schemas.table import Table
from schemas.topics import register
from warehouse.engine import Engine
from warehouse.lake import Lake

EVENTS = tables.table("silver", "iot_events")


class IotEventDay(Contract):
    """topics.sensing_iot_event_days. Grain: day × community × system type × status."""

    sensing_day = day("日期", required=True)
    community_code = text("社区编码", note="null: unplaced")
    system_type = text("系统类型", required=True, codes=SYSTEM_TYPES)
    status_name = text("状态", required=True)
    event_count = integer("事件数", required=True, unit="件")
    handled_count = integer("已处置数", required=True, unit="件")
    handling_seconds = integer(
        "处置时长合计",
        required=True,
        unit="s",
        note="over handled events: handled_at - happened_at",
    )


TABLE = register(
    Table("topics", "sensing_iot_event_days", IotEventDay, "物联感知 物联事件日", "sensing_day",
          ("community_code", "system_type", "status_name"), "conditional", True),
    Metric("sensing_iot_event_count", "物联事件数", "物联设备状态事件，按发生日", "件",
           "sensing_iot_event_days", "event_count", (), "sensing_day"),
    Metric("sensing_iot_fire_count", "物联火警事件数", "状态为火警的物联事件，按发生日", "件",
           "sensing_iot_event_days", "event_count", (("status_name", ("火警",)),), "sensing_day"),
    Metric("sensing_iot_fault_count", "物联故障事件数", "状态为故障的物联事件，按发生日", "件",
           "sensing_iot_event_days", "event_count", (("status_name", ("故障",)),), "sensing_day"),
    Metric("sensing_iot_handled_count", "物联事件已处置数", "已处置的物联事件，按发生日", "件",
           "sensing_iot_event_days", "handled_count", (), "sensing_day"),
    Metric("sensing_iot_handling_seconds", "物联事件处置时长合计",
           "已处置物联事件自发生至处置的秒数之和，按发生日", "s",
           "sensing_iot_event_days", "handling_seconds", (), "sensing_day"),
    Ratio("sensing_iot_handled_share", "物联事件处置率", "物联事件已处置数 ÷ 物联事件数", "%",
          ("sensing_iot_handled_count",), ("sensing_iot_event_count",)),
    Ratio("sensing_iot_mean_handling_hours", "物联事件平均处置时长",
          "物联事件处置时长合计 ÷ 物联事件已处置数", "h",
          ("sensing_iot_handling_seconds",), ("sensing_iot_handled_count",), 1 / 3600),
)  # fmt: skip


@dg.asset(**about(TABLE), deps=[list(EVENTS.key)], kinds={"ibis", "duckdb", "deltalake"})
def sensing_iot_event_days(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """IoT events by the day they happened on, as they stand now."""
    return told(topic_days(lake, TABLE, day_inputs(lake, EVENTS), count_events))


def count_events(engine: Engine, days: list[date]) -> ir.Table:
    """IoT events of some days."""
    rows = engine.table(EVENTS, days)
    own = rows.mutate(
        sensing_day=_.happened_day,
        seconds=_.handled_at.epoch_seconds() - _.happened_at.epoch_seconds(),
    )
    return own.group_by("sensing_day", "community_code", "system_type", "status_name").aggregate(
        event_count=_.count(),
        handled_count=_.handled_at.count(),
        handling_seconds=_.seconds.sum().fill_null(0),
    )
