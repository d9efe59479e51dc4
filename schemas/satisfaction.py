"""Satisfaction visits 满意度回访: what people say once their case was handled.

Names and phones of those asked are not taken. Answers and the reading of a score are ours: no
national scale was found, and the denominator of 满意率 is open (`codes/case_metrics.csv`).
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from schemas.city_time import city_day
from schemas.contract import Arrival, Contract, day, instant, integer, text
from schemas.feed import NEWEST, Feed
from schemas.table import Table, with_ledgers

ANSWERS = {
    "satisfied": "满意",
    "fairly_satisfied": "基本满意",
    "neutral": "一般",
    "dissatisfied": "不满意",
    "unreached": "未接通",
}
ANSWER_OF_SCORE = {5: "satisfied", 4: "fairly_satisfied", 3: "neutral", 2: "dissatisfied",
                   1: "dissatisfied"}  # fmt: skip
SATISFIED = ("satisfied", "fairly_satisfied")
UNREACHED = "unreached"


class SatisfactionVisitRow(Arrival):
    """满意度回访 bronze.satisfaction_visits, CSV or XLSX. Grain: one version of one visit."""

    visit_id = text("回访编号", ("回访编号", "visit_id"), required=True, max_length=40)
    case_number = text("案卷号", ("案卷号", "case_number"), required=True, max_length=32)
    answer = text("评价", ("评价", "answer"), codes=ANSWERS)
    score = integer("评分", ("评分", "score"), least=1, most=5, unit="分")
    visited_at = instant("回访时间", ("回访时间", "visited_at"), required=True)
    updated_at = instant("更新时间", ("更新时间", "updated_at"), required=True)
    visited_day = day("回访日", required=True)

    @classmethod
    def derive(cls, frame: pl.DataFrame) -> pl.DataFrame:
        """Add the city day of the visit."""
        return frame.with_columns(visited_day=city_day(pl.col("visited_at")))

    @dy.rule()
    def is_answered_or_scored(cls) -> pl.Expr:
        """评价与评分至少填一项"""
        return pl.col("answer").is_not_null() | pl.col("score").is_not_null()

    @dy.rule()
    def who_was_not_reached_gives_no_score(cls) -> pl.Expr:
        """未接通的回访不应有评分"""
        return ((pl.col("answer") != UNREACHED) | pl.col("score").is_null()).fill_null(True)

    @dy.rule()
    def is_visited_before_it_is_reported(cls) -> pl.Expr:
        """回访时间不得晚于更新时间（允许300秒误差）"""
        return pl.col("visited_at") <= pl.col("updated_at") + pl.duration(seconds=300)


class SatisfactionVisit(Contract):
    """silver.satisfaction_visits. Grain: one visit about a known case, newest version."""

    visited_day = day("回访日", required=True)
    visit_id = text("回访编号", required=True)
    case_number = text("案卷号", required=True)
    community_code = text("社区编码", note="its case's; null: unplaced")
    answer = text("评价", required=True, codes=ANSWERS, note="from the score where none is given")
    score = integer("评分", unit="分")
    visited_at = instant("回访时间", required=True)
    updated_at = instant("更新时间", required=True)


FEEDS: tuple[Feed, ...] = (
    Feed("satisfaction_visits", "满意度回访", SatisfactionVisitRow, "satisfaction_visits",
         ("csv", "xlsx"), ("visit_id",), "visited_day", NEWEST, "城管"),
)  # fmt: skip
TABLES: tuple[Table, ...] = (
    *with_ledgers(
        Table("silver", "satisfaction_visits", SatisfactionVisit, "满意度回访", "visited_day",
              ("visit_id",), accounts_for=("satisfaction_visits",))
    ),
)  # fmt: skip
