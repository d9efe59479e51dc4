"""消防 fire: inspections and hazards, alarms, and incidents derived from unit responses."""

from datetime import date

import dagster as dg
import ibis.expr.types as ir
from ibis import _

from assets.building import about, told
from assets.topics.tabulate import day_inputs, topic_days
from schemas import tables
from schemas.contract import Contract, day, instant, integer, text
from schemas.metric import Metric, Ratio
from schemas.table import Table
from schemas.topics import register
from warehouse.engine import Engine
from warehouse.lake import Lake

INSPECTIONS = tables.table("silver", "fire_inspections")
ALARMS = tables.table("silver", "fire_alarms")
RESPONSES = tables.table("silver", "fire_responses")
_KINDS = {"ibis", "duckdb", "deltalake"}


class InspectionDay(Contract):
    """topics.fire_inspection_days. Grain: day × community."""

    fire_day = day("日期", required=True)
    community_code = text("社区编码", note="null: unplaced")
    inspection_count = integer("检查数", required=True, unit="次")
    hazard_count = integer("隐患数", required=True, unit="处")
    rectified_count = integer("已整改数", required=True, unit="处")


class AlarmDay(Contract):
    """topics.fire_alarm_days. Grain: day × community × kind of alarm."""

    fire_day = day("日期", required=True)
    community_code = text("社区编码", note="null: unplaced")
    alarm_kind = text("报警类型", required=True)
    alarm_count = integer("报警数", required=True, unit="次")
    confirmed_count = integer("确认火警数", required=True, unit="次")


class FireIncident(Contract):
    """topics.fire_incidents. Grain: one incident, over all its units."""

    received_day = day("接警日", required=True)
    incident_number = text("事件编号", required=True)
    call_type = text("警情类型", required=True)
    community_code = text("社区编码", note="null: unplaced")
    unit_count = integer("出动单位数", required=True, unit="个")
    received_at = instant("接警时间", required=True, note="first of its units")
    first_on_scene_at = instant("首到时间", note="first unit with a known arrival")
    response_seconds = integer("响应时长", unit="s")


INSPECTION_DAYS = register(
    Table("topics", "fire_inspection_days", InspectionDay, "消防 检查日", "fire_day",
          ("community_code",), "conditional", True),
    Metric("fire_inspection_count", "消防检查数", "按检查日", "次",
           "fire_inspection_days", "inspection_count", (), "fire_day"),
    Metric("fire_hazard_count", "消防隐患数", "检查发现的隐患，按检查日", "处",
           "fire_inspection_days", "hazard_count", (), "fire_day"),
    Metric("fire_rectified_count", "隐患已整改数", "已整改的隐患，按检查日", "处",
           "fire_inspection_days", "rectified_count", (), "fire_day"),
    Ratio("fire_rectified_share", "当期隐患整改率", "隐患已整改数 ÷ 消防隐患数，按检查日", "%",
          ("fire_rectified_count",), ("fire_hazard_count",)),
)  # fmt: skip

ALARM_DAYS = register(
    Table("topics", "fire_alarm_days", AlarmDay, "消防 报警日", "fire_day",
          ("community_code", "alarm_kind"), "conditional", True),
    Metric("fire_alarm_count", "火警报警数", "消防控制室火警报警，按报警日", "次",
           "fire_alarm_days", "alarm_count", (("alarm_kind", ("fire",)),), "fire_day"),
    Metric("fire_confirmed_count", "确认火警数", "经确认的火警，按报警日", "次",
           "fire_alarm_days", "confirmed_count", (), "fire_day"),
    Ratio("fire_confirmed_share", "火警确认率", "确认火警数 ÷ 火警报警数，按报警日", "%",
          ("fire_confirmed_count",), ("fire_alarm_count",)),
)  # fmt: skip

INCIDENTS = register(
    Table("topics", "fire_incidents", FireIncident, "消防 出动事件", "received_day",
          ("incident_number",), "conditional", True),
    Metric("fire_incident_count", "消防出动事件数", "出动事件，按接警日；多个单位计一次", "件",
           "fire_incidents", None, (), "received_day"),
)  # fmt: skip


@dg.asset(**about(INSPECTION_DAYS), deps=[list(INSPECTIONS.key)], kinds=_KINDS)
def fire_inspection_days(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Inspections, hazards found and hazards rectified by day of inspection."""
    inputs = day_inputs(lake, INSPECTIONS)
    return told(topic_days(lake, INSPECTION_DAYS, inputs, count_inspections))


@dg.asset(**about(ALARM_DAYS), deps=[list(ALARMS.key)], kinds=_KINDS)
def fire_alarm_days(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Alarms of fire control rooms by day, and how many were confirmed."""
    return told(topic_days(lake, ALARM_DAYS, day_inputs(lake, ALARMS), count_alarms))


@dg.asset(**about(INCIDENTS), deps=[list(RESPONSES.key)], kinds=_KINDS)
def fire_incidents(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per incident: units sent, first arrival, response time where it is known."""
    return told(topic_days(lake, INCIDENTS, day_inputs(lake, RESPONSES), derive_incidents))


def count_inspections(engine: Engine, days: list[date]) -> ir.Table:
    """Inspections of some days."""
    rows = engine.table(INSPECTIONS, days)
    own = rows.mutate(fire_day=_.inspected_day)
    return own.group_by("fire_day", "community_code").aggregate(
        inspection_count=_.count(),
        hazard_count=_.hazard_count.sum(),
        rectified_count=_.rectified_count.sum(),
    )


def count_alarms(engine: Engine, days: list[date]) -> ir.Table:
    """Alarms of some days."""
    rows = engine.table(ALARMS, days)
    own = rows.mutate(
        fire_day=_.alarmed_day, confirmed=_.is_confirmed.fill_null(False).cast("int64")
    )
    return own.group_by("fire_day", "community_code", "alarm_kind").aggregate(
        alarm_count=_.count(), confirmed_count=_.confirmed.sum()
    )


def derive_incidents(engine: Engine, days: list[date]) -> ir.Table:
    """Incidents whose calls came in on some days.

    The response time runs from the first call to the first unit known to have arrived; units that
    never reported an arrival leave it unknown, not zero.
    """
    rows = engine.table(RESPONSES, days)
    incidents = rows.group_by("received_day", "incident_number").aggregate(
        call_type=_.call_type.min(),
        community_code=_.community_code.min(),
        unit_count=_.count(),
        received_at=_.received_at.min(),
        first_on_scene_at=_.on_scene_at.min(),
    )
    seconds = _.first_on_scene_at.epoch_seconds() - _.received_at.epoch_seconds()
    return incidents.mutate(response_seconds=seconds.cast("int64"))
