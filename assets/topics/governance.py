"""社区治理 governance: grid cases by day, community, source, national code and state."""

from datetime import date

import dagster as dg
import ibis.expr.types as ir
from ibis import _

from assets.building import about, told
from assets.topics.tabulate import day_inputs, topic_days
from schemas import tables
from schemas.contract import Contract, day, integer, text
from schemas.metric import Metric
from schemas.table import Table
from schemas.topics import register
from warehouse.engine import Engine
from warehouse.lake import Lake

CASES = tables.table("silver", "grid_cases")


class CaseDay(Contract):
    """topics.governance_case_days. Grain: report day × community × source × national code × state."""  # noqa: E501 - shown in Dagster as one line

    report_day = day("上报日", required=True)
    community_code = text("社区编码", note="null: unplaced")
    source_type = text("来源类型", required=True)
    case_kind = text("部件事项", required=True)
    type_code = text("类型编码")
    state = text("状态", required=True)
    case_count = integer("案件数", required=True, unit="件")
    registered_count = integer("立案数", required=True, unit="件")
    self_handled_count = integer("自行处置数", required=True, unit="件")
    rework_count = integer("返工次数", required=True, unit="次")
    closing_seconds = integer(
        "结案时长合计",
        required=True,
        unit="s",
        note="sum over closed cases of closed_at - reported_at",
    )


TABLE = register(
    Table("topics", "governance_case_days", CaseDay, "社区治理 案件日", "report_day",
          ("community_code", "type_code"), "conditional", True),
    Metric("governance_case_count", "案件上报数", "按上报日统计的网格案件", "件",
           "governance_case_days", "case_count", (), "report_day"),
    Metric("governance_closed_count", "已结案数", "按上报日统计、现已结案的案件", "件",
           "governance_case_days", "case_count", (("state", ("closed",)),), "report_day"),
    Metric("governance_open_count", "未结案数", "按上报日统计、尚未结案且未作废的案件", "件",
           "governance_case_days", "case_count", (("state", ("open",)),), "report_day"),
    Metric("governance_cancelled_count", "作废数", "按上报日统计、已作废的案件", "件",
           "governance_case_days", "case_count", (("state", ("cancelled",)),), "report_day"),
    Metric("governance_registered_count", "立案数", "按上报日统计、已立案的案件", "件",
           "governance_case_days", "registered_count", (), "report_day"),
    Metric("governance_collector_count", "网格员上报数", "来源为网格员的案件", "件",
           "governance_case_days", "case_count", (("source_type", ("collector",)),), "report_day"),
    Metric("governance_public_count", "居民上报数", "来源为居民（12345、小程序）的案件", "件",
           "governance_case_days", "case_count", (("source_type", ("public",)),), "report_day"),
    Metric("governance_iot_count", "物联预警案件数", "来源为物联设备的案件", "件",
           "governance_case_days", "case_count", (("source_type", ("iot",)),), "report_day"),
    Metric("governance_video_count", "视频智能案件数", "来源为视频智能的案件", "件",
           "governance_case_days", "case_count", (("source_type", ("video",)),), "report_day"),
    Metric("governance_self_handled_count", "自行处置数", "网格员当场处置的案件", "件",
           "governance_case_days", "self_handled_count", (), "report_day"),
    Metric("governance_rework_count", "返工次数", "核查未通过而退回处置的次数", "次",
           "governance_case_days", "rework_count", (), "report_day"),
    Metric("governance_closing_seconds", "结案时长合计", "已结案案件自上报至结案的秒数之和", "s",
           "governance_case_days", "closing_seconds", (), "report_day"),
)  # fmt: skip


@dg.asset(**about(TABLE), deps=[list(CASES.key)], kinds={"ibis", "duckdb", "deltalake"})
def governance_case_days(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Cases by the day they were reported on, in the state they are in now."""
    return told(topic_days(lake, TABLE, day_inputs(lake, CASES), count_cases))


def count_cases(engine: Engine, days: list[date]) -> ir.Table:
    """Cases of some report days."""
    cases = engine.table(CASES, days)
    seconds = _.closed_at.epoch_seconds() - _.reported_at.epoch_seconds()
    own = cases.mutate(seconds=seconds)
    return own.group_by(
        "report_day", "community_code", "source_type", "case_kind", "type_code", "state"
    ).aggregate(
        case_count=_.count(),
        registered_count=_.registered_at.count(),
        self_handled_count=_.is_self_handled.cast("int64").sum(),
        rework_count=_.rework_count.sum(),
        closing_seconds=_.seconds.sum(where=_.state == "closed").fill_null(0),
    )
