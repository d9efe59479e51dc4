"""社区治理 governance: satisfaction visits by day, community and answer.

满意率 is satisfied visits over answered ones, both summed first; visits nobody answered are counted
and left out of it (our default: `codes/case_metrics.csv` leaves the denominator open, and
`codes/open_denominators.csv` chooses it).
"""

from datetime import date

import dagster as dg
import ibis.expr.types as ir
from ibis import _

from assets.building import about, told
from assets.topics.tabulate import day_inputs, topic_days
from schemas import tables
from schemas.case_rules import open_denominator
from schemas.contract import Contract, day, integer, text
from schemas.metric import Metric, Ratio
from schemas.satisfaction import ANSWERS, SATISFIED, UNREACHED
from schemas.table import Table
from schemas.topics import register
from warehouse.engine import Engine
from warehouse.lake import Lake

VISITS = tables.table("silver", "satisfaction_visits")
_DIVISOR, _CLAUSE = open_denominator("satisfied")


class SatisfactionDay(Contract):
    """topics.governance_satisfaction_days. Grain: day × community × answer."""

    visited_day = day("日期", required=True)
    community_code = text("社区编码", note="null: unplaced")
    answer = text("评价", required=True, codes=ANSWERS)
    visit_count = integer("回访数", required=True, unit="次")
    scored_count = integer("评分数", required=True, unit="次")
    score_sum = integer("评分合计", required=True, unit="分")


TABLE = register(
    Table("topics", "governance_satisfaction_days", SatisfactionDay, "社区治理 满意度日",
          "visited_day", ("community_code", "answer"), "conditional", True),
    Metric("governance_visit_count", "回访数", "满意度回访（含未接通），按回访日", "次",
           "governance_satisfaction_days", "visit_count", (), "visited_day"),
    Metric("governance_visit_answered_count", "有效回访数", "得到评价的回访，按回访日", "次",
           "governance_satisfaction_days", "visit_count",
           (("answer", tuple(a for a in ANSWERS if a != UNREACHED)),), "visited_day"),
    Metric("governance_satisfied_count", "满意数",
           "评价为满意或基本满意的回访，按回访日；除以有效回访数为满意率（先合计后相除）", "次",
           "governance_satisfaction_days", "visit_count", (("answer", SATISFIED),),
           "visited_day"),
    Metric("governance_dissatisfied_count", "不满意数", "评价为不满意的回访，按回访日", "次",
           "governance_satisfaction_days", "visit_count", (("answer", ("dissatisfied",)),),
           "visited_day"),
    Ratio("governance_satisfied_share", "满意率", f"满意数 ÷ {_CLAUSE}", "%",
          ("governance_satisfied_count",), (_DIVISOR,)),
    Metric("governance_scored_visit_count", "有评分回访数", "给出评分的回访，按回访日", "次",
           "governance_satisfaction_days", "scored_count", (), "visited_day"),
    Metric("governance_visit_score_sum", "回访评分合计", "回访评分之和，按回访日", "分",
           "governance_satisfaction_days", "score_sum", (), "visited_day"),
    Ratio("governance_mean_visit_score", "回访平均分", "回访评分合计 ÷ 有评分回访数", "分",
          ("governance_visit_score_sum",), ("governance_scored_visit_count",), scale=1.0),
)  # fmt: skip


@dg.asset(**about(TABLE), deps=[list(VISITS.key)], kinds={"ibis", "duckdb", "deltalake"})
def governance_satisfaction_days(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Visits by the day they were made on and by answer."""
    return told(topic_days(lake, TABLE, day_inputs(lake, VISITS), count_visits))


def count_visits(engine: Engine, days: list[date]) -> ir.Table:
    """Visits of some days."""
    visits = engine.table(VISITS, days)
    return visits.group_by("visited_day", "community_code", "answer").aggregate(
        visit_count=_.count(),
        scored_count=_.score.count(),
        score_sum=_.score.sum().fill_null(0),
    )
