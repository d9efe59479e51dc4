"""社区治理 governance: 干净 整洁 有序 安全 群众满意 of every grid and month, scored from its cases.

No official weights or formula were found, so all of it is data (`assets/case_settings.py`) and the
formula is our own. In a month a grid can earn an indicator's weight in points, if there was
anything to judge: cases whose deadline for closing has passed in the month or that were handled on
the spot, by the indicator of their code; for 群众满意 the answered visits. Each of n cases is worth
1/n of the points and loses the share its gravest reason costs (`evaluation_reasons.csv`), once. A
case reported and closed in time costs nothing, however many there are: reporting is never punished.

Points are whole thousandths, booked on the first day of the month and read by month, quarter or
year. Areas above a grid add up points earned and possible and divide once; scores are never
averaged. A grid with nothing to judge has no points possible and no score, not a full one.
"""

from __future__ import annotations

import dagster as dg
import polars as pl

from assets.building import about, told
from assets.case_settings import Evaluation, evaluation
from assets.timing import AsOf
from assets.topics.case_measures import renew_days
from assets.topics.cases import TABLE as CASES
from quality.case_deadlines import by_code
from schemas import tables
from schemas.case_rules import INDICATORS, REASONS, SATISFACTION
from schemas.city_time import city_day
from schemas.contract import Contract, day, flag, integer, number, text
from schemas.metric import Metric, Ratio
from schemas.satisfaction import UNREACHED
from schemas.table import Table
from schemas.topics import register
from warehouse.lake import Lake

VISITS = tables.table("silver", "satisfaction_visits")
LISTED = 20
"""Case numbers a reason lists, the earliest first; `case_count` says how many there are."""

_POINTS, _REASONS = "governance_evaluation_points", "governance_evaluation_reasons"
_SCORES = "governance_evaluation_scores"
_GRID = ["month_start", "community_code", "grid_code"]
_THOUSANDTHS = "千分之一分"


class EvaluationPoint(Contract):
    """topics.governance_evaluation_points. Grain: month × grid × indicator with things to judge."""

    month_start = day("月份", required=True, note="first day of the month")
    community_code = text("社区编码", note="null: unplaced")
    grid_code = text("网格编码", note="null: cases in no known grid, taken together")
    indicator = text("指标", required=True, codes=INDICATORS)
    judged_count = integer("评价件数", required=True, unit="件")
    faulty_count = integer("扣分件数", required=True, unit="件")
    points_possible = integer("应得分", required=True, unit=_THOUSANDTHS)
    points_earned = integer("实得分", required=True, unit=_THOUSANDTHS)
    score = number("得分", unit="分", note="0 to 100; null where the indicator weighs nothing")


class EvaluationReason(Contract):
    """topics.governance_evaluation_reasons. Grain: month × grid × indicator × reason with points lost."""  # noqa: E501 - shown in Dagster as one line

    month_start = day("月份", required=True, note="first day of the month")
    community_code = text("社区编码", note="null: unplaced")
    grid_code = text("网格编码", note="null: cases in no known grid, taken together")
    indicator = text("指标", required=True, codes=INDICATORS)
    reason = text("扣分原因", required=True, codes=REASONS)
    case_count = integer("件数", required=True, unit="件")
    points_deducted = integer("扣分", required=True, unit=_THOUSANDTHS)
    case_numbers = text("案卷号", required=True, note=f"the first {LISTED}, the earliest first")
    is_list_complete = flag("已全部列出", required=True)


class EvaluationScore(Contract):
    """topics.governance_evaluation_scores. Grain: month × grid."""

    month_start = day("月份", required=True, note="first day of the month")
    community_code = text("社区编码", note="null: unplaced")
    grid_code = text("网格编码", note="null: cases in no known grid, taken together")
    clean_score = number("干净", unit="分", note="null: nothing to judge")
    tidy_score = number("整洁", unit="分", note="null: nothing to judge")
    orderly_score = number("有序", unit="分", note="null: nothing to judge")
    safe_score = number("安全", unit="分", note="null: nothing to judge")
    satisfied_score = number("群众满意", unit="分", note="null: nobody answered")
    score = number("综合得分", unit="分", note="points earned of those possible × 100")


def _indicator_metrics() -> list[Metric | Ratio]:
    """Points and score of all five indicators together, then of each."""
    found: list[Metric | Ratio] = []
    for code, zh in [("", "综合"), *INDICATORS.items()]:
        name = f"governance_evaluation_{code}_".replace("__", "_")
        where = (("indicator", (code,)),) if code else ()
        what = f"五项指标（{'、'.join(INDICATORS.values())}）" if not code else f"{zh}指标"
        found += [
            Metric(f"{name}points_earned", f"{zh}实得分",
                   f"各网格当月{what}实得分之和，记在当月首日",
                   _THOUSANDTHS, _POINTS, "points_earned", where, "month_start"),
            Metric(f"{name}points_possible", f"{zh}应得分",
                   f"各网格当月{what}应得分（权重，无可评价内容的不计）之和，记在当月首日",
                   _THOUSANDTHS, _POINTS, "points_possible", where, "month_start"),
            Ratio(f"{name}score", f"治理评价{zh}得分",
                  f"{zh}实得分 ÷ {zh}应得分 × 100，先合计后相除；权重与扣分为本平台取法，可配置",
                  "分",
                  (f"{name}points_earned",), (f"{name}points_possible",)),
        ]  # fmt: skip
    return found


POINTS = register(
    Table("topics", _POINTS, EvaluationPoint, "社区治理 评价得分", "month_start",
          ("community_code", "grid_code", "indicator"), "conditional", True),
    *_indicator_metrics(),
)  # fmt: skip
WHY = register(
    Table("topics", _REASONS, EvaluationReason, "社区治理 评价扣分原因", "month_start",
          ("community_code", "grid_code", "indicator", "reason"), "conditional", True)
)  # fmt: skip
SCORES = register(
    Table("topics", _SCORES, EvaluationScore, "社区治理 网格评价", "month_start",
          ("community_code", "grid_code"), "conditional", True)
)  # fmt: skip
_MADE_OF = {"deps": [list(CASES.key), list(VISITS.key)], "kinds": {"polars", "deltalake"}}


@dg.asset(**about(POINTS), **_MADE_OF)
def governance_evaluation_points(
    lake: dg.ResourceParam[Lake], as_of: dg.ResourceParam[AsOf]
) -> dg.MaterializeResult:
    """Points every grid could earn and has earned by indicator and month."""
    rules = evaluation(lake.home)
    return told(renew_days(lake, POINTS, points(judged(lake, rules, as_of), rules)))


@dg.asset(**about(WHY), **_MADE_OF)
def governance_evaluation_reasons(
    lake: dg.ResourceParam[Lake], as_of: dg.ResourceParam[AsOf]
) -> dg.MaterializeResult:
    """Why points were lost, down to the numbers of the cases behind it."""
    rules = evaluation(lake.home)
    return told(renew_days(lake, WHY, reasons(judged(lake, rules, as_of), rules)))


@dg.asset(**about(SCORES), deps=[list(POINTS.key)], kinds={"polars", "deltalake"})
def governance_evaluation_scores(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """The five scores of every grid and month side by side."""
    return told(renew_days(lake, SCORES, scores(lake.read(POINTS))))


def judged(lake: Lake, rules: Evaluation, as_of: AsOf) -> pl.DataFrame:
    """Cases and visits that are judged.

    Returns:
        `month_start, community_code, grid_code, indicator, case_number, at, reason, share`; the
        reason is null and the share 0 where nothing is lost. A visit is a row of its own.
    """
    columns = ["case_number", "community_code", "grid_code", "source_type", "case_kind",
               "type_code", "is_self_handled", "state", "rework_count", "report_day",
               "closed_at", "close_due_at", "registered_at"]  # fmt: skip
    cases = lake.read(CASES, columns)
    visits = lake.read(VISITS, ["case_number", "community_code", "answer", "visited_at"])
    grids = cases.select("case_number", "grid_code")
    return pl.concat(
        [judged_cases(cases, rules, as_of), judged_visits(visits, grids, rules, as_of)]
    )


def judged_cases(cases: pl.DataFrame, rules: Evaluation, as_of: AsOf) -> pl.DataFrame:
    """Cases that were due, or handled on the spot, with the gravest of their reasons."""
    is_due = pl.col("registered_at").is_not_null() & (pl.col("close_due_at") <= as_of.instant)
    own = cases.filter((pl.col("state") != "cancelled") & (pl.col("is_self_handled") | is_due))
    codes = own.select("case_kind", "type_code").unique()
    own = own.join(
        by_code(codes, rules.indicators, ["indicator"]),
        on=["case_kind", "type_code"], how="inner", nulls_equal=True,
    )  # fmt: skip
    spot = pl.col("is_self_handled")
    in_time = pl.col("closed_at") <= pl.col("close_due_at")
    found = {
        "not_closed_when_due": ~spot & pl.col("closed_at").is_null(),
        "closed_late": ~spot & ~in_time,
        "reworked": pl.col("rework_count") > 0,
        "found_by_residents": pl.col("source_type") == "public",
    }
    when = pl.when(spot).then("report_day").otherwise(city_day(pl.col("close_due_at")))
    return _with_reason(own.with_columns(on=when, at=pl.col("close_due_at")), found, rules)


def judged_visits(
    visits: pl.DataFrame, grids: pl.DataFrame, rules: Evaluation, as_of: AsOf
) -> pl.DataFrame:
    """Answered visits, in the grid of their case."""
    own = visits.filter(pl.col("answer") != UNREACHED, pl.col("visited_at") <= as_of.instant)
    own = own.join(grids, on="case_number", how="left").with_columns(
        indicator=pl.lit(SATISFACTION), on=city_day(pl.col("visited_at")), at=pl.col("visited_at")
    )
    found = {one: pl.col("answer") == one for one in ("dissatisfied", "neutral")}
    return _with_reason(own, found, rules)


def _with_reason(rows: pl.DataFrame, found: dict[str, pl.Expr], rules: Evaluation) -> pl.DataFrame:
    """The reason that costs most; of equals the first of `REASONS`; none that costs nothing."""
    costs = dict(rules.reasons.select("reason", "share_percent").rows())
    reason, share = pl.lit(None, pl.String), pl.lit(0, pl.Int64)
    for one in sorted(found, key=lambda name: (costs.get(name, 0), -list(REASONS).index(name))):
        if costs.get(one, 0):
            holds = found[one].fill_null(value=False)
            reason = pl.when(holds).then(pl.lit(one)).otherwise(reason)
            share = pl.when(holds).then(pl.lit(costs[one], pl.Int64)).otherwise(share)
    return rows.select(
        pl.col("on").dt.truncate("1mo").alias("month_start"), "community_code", "grid_code",
        "indicator", "case_number", "at", reason=reason, share=share,
    )  # fmt: skip


def reasons(rows: pl.DataFrame, rules: Evaluation) -> pl.DataFrame:
    """Points lost by grid, month, indicator and reason.

    Args:
        rows: What `judged` gives.
        rules: What indicators weigh.
    """
    group = [*_GRID, "indicator"]
    possible = pl.col("weight") * 1000
    counts = rows.group_by(group).agg(judged_count=pl.len()).join(rules.weights, on="indicator")
    lost = (
        rows.filter(pl.col("reason").is_not_null())
        .sort("at", "case_number")
        .group_by(*group, "reason", maintain_order=True)
        .agg(case_count=pl.len(), shares=pl.col("share").sum(), numbers=pl.col("case_number"))
        .join(counts, on=group, nulls_equal=True)
    )
    return lost.select(
        *group, "reason", "case_count",
        # whole division: what is lost never adds up to more than what is possible
        points_deducted=possible * pl.col("shares") // (100 * pl.col("judged_count")),
        case_numbers=pl.col("numbers").list.head(LISTED).list.join("、"),
        is_list_complete=pl.col("case_count") <= LISTED,
    ).cast({"case_count": pl.Int64, "points_deducted": pl.Int64})  # fmt: skip


def points(rows: pl.DataFrame, rules: Evaluation) -> pl.DataFrame:
    """Points possible and earned by grid, month and indicator; what is lost is in `reasons`."""
    group = [*_GRID, "indicator"]
    lost = reasons(rows, rules).group_by(group).agg(lost=pl.col("points_deducted").sum())
    found = (
        rows.group_by(group)
        .agg(judged_count=pl.len(), faulty_count=pl.col("reason").count())
        .join(rules.weights, on="indicator")
        .join(lost, on=group, how="left", nulls_equal=True)
        .with_columns(points_possible=pl.col("weight") * 1000)
        .with_columns(points_earned=pl.col("points_possible") - pl.col("lost").fill_null(0))
    )
    return found.select(
        *group,
        pl.col("judged_count", "faulty_count", "points_possible", "points_earned").cast(pl.Int64),
        score=_of_hundred("points_earned", "points_possible"),
    )


def scores(found: pl.DataFrame) -> pl.DataFrame:
    """Rows of topics.governance_evaluation_points side by side."""
    each = [
        pl.col("score").filter(pl.col("indicator") == one).first().alias(f"{one}_score")
        for one in INDICATORS
    ]
    sums = pl.col("points_earned", "points_possible").sum()
    return (
        found.group_by(_GRID)
        .agg(*each, sums)
        .with_columns(score=_of_hundred("points_earned", "points_possible"))
        .select(list(EvaluationScore.columns()))
    )


def _of_hundred(earned: str, possible: str) -> pl.Expr:
    return pl.when(pl.col(possible) > 0).then(pl.col(earned) * 100.0 / pl.col(possible))
