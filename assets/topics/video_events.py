"""社区治理 governance: AI video events by day, community, kind and national code."""

from datetime import date

import dagster as dg
import ibis.expr.types as ir
from ibis import _

from assets.building import about, told
from assets.topics.tabulate import day_inputs, topic_days
from schemas import tables
from schemas.contract import Contract, day, integer, text
from schemas.metric import Metric, Ratio
from schemas.table import Table
from schemas.topics import register
from warehouse.engine import Engine
from warehouse.lake import Lake

EVENTS = tables.table("silver", "ai_video_events")


class VideoEventDay(Contract):
    """topics.governance_video_event_days. Grain: day × community × kind of AI event."""

    event_day = day("日期", required=True)
    community_code = text("社区编码", note="null: unplaced")
    event_kind = text("事件类型", required=True)
    type_code = text("类型编码", required=True, note="matter of GB/T 47678.5-2026")
    event_count = integer("事件数", required=True, unit="件")
    confirmed_count = integer("确认属实数", required=True, unit="件")
    refuted_count = integer("误报数", required=True, unit="件")
    handled_count = integer("已处置数", required=True, unit="件")
    handling_seconds = integer(
        "处置时长合计",
        required=True,
        unit="s",
        note="over handled events: handled_at - happened_at",
    )


TABLE = register(
    Table("topics", "governance_video_event_days", VideoEventDay, "社区治理 AI视频事件日",
          "event_day", ("community_code", "event_kind"), "conditional", True),
    Metric("governance_ai_event_count", "AI视频事件数", "算法上报的事件（含误报），按发生日", "件",
           "governance_video_event_days", "event_count", (), "event_day"),
    Metric("governance_ai_confirmed_count", "AI事件确认属实数",
           "经人工确认属实的AI视频事件，按发生日", "件",
           "governance_video_event_days", "confirmed_count", (), "event_day"),
    Metric("governance_ai_refuted_count", "AI事件误报数", "经人工确认不属实的AI视频事件，按发生日",
           "件", "governance_video_event_days", "refuted_count", (), "event_day"),
    Metric("governance_ai_handled_count", "AI事件已处置数", "已处置的AI视频事件，按发生日", "件",
           "governance_video_event_days", "handled_count", (), "event_day"),
    Metric("governance_ai_handling_seconds", "AI事件处置时长合计",
           "已处置AI视频事件自发生至处置的秒数之和，按发生日", "s",
           "governance_video_event_days", "handling_seconds", (), "event_day"),
    Ratio("governance_ai_confirmed_share", "AI事件属实率", "AI事件确认属实数 ÷ AI视频事件数", "%",
          ("governance_ai_confirmed_count",), ("governance_ai_event_count",)),
    Ratio("governance_ai_handled_share", "AI事件处置率", "AI事件已处置数 ÷ AI事件确认属实数", "%",
          ("governance_ai_handled_count",), ("governance_ai_confirmed_count",)),
    Ratio("governance_ai_mean_handling_hours", "AI事件平均处置时长",
          "AI事件处置时长合计 ÷ AI事件已处置数", "h",
          ("governance_ai_handling_seconds",), ("governance_ai_handled_count",), 1 / 3600),
)  # fmt: skip


@dg.asset(**about(TABLE), deps=[list(EVENTS.key)], kinds={"ibis", "duckdb", "deltalake"})
def governance_video_event_days(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """AI events by the day they happened on, as they stand now."""
    return told(topic_days(lake, TABLE, day_inputs(lake, EVENTS), count_events))


def count_events(engine: Engine, days: list[date]) -> ir.Table:
    """AI events of some days."""
    rows = engine.table(EVENTS, days)
    own = rows.mutate(
        event_day=_.happened_day,
        confirmed=_.is_confirmed.fill_null(False).cast("int64"),
        refuted=(~_.is_confirmed).fill_null(False).cast("int64"),
        seconds=_.handled_at.epoch_seconds() - _.happened_at.epoch_seconds(),
    )
    return own.group_by("event_day", "community_code", "event_kind", "type_code").aggregate(
        event_count=_.count(),
        confirmed_count=_.confirmed.sum(),
        refuted_count=_.refuted.sum(),
        handled_count=_.handled_at.count(),
        handling_seconds=_.seconds.sum().fill_null(0),
    )
