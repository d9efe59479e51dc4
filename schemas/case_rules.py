"""How cases are judged, as data: time limits, office hours, the five indicators, their weights.

Defaults stand in `codes/*.csv` with how sure we are of each row (`own`: no standard's text was
seen); a site puts tables of its own into `HOME/config` (`assets/case_settings.py`). Open
denominators (`codes/case_metrics.csv`) are chosen in `codes/open_denominators.csv`, for they are
part of a metric's definition.
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from schemas import codes
from schemas.contract import Arrival, integer, text
from schemas.grid_cases import CASE_KINDS, TIME_LIMIT_TYPES

STAGES = {
    "verify": "核实",
    "register": "立案",
    "dispatch": "派遣",
    "dispose": "处置",
    "check": "核查",
    "close": "结案",
}
"""Stages with a limit. Counted from: report, report, registration, dispatch, handling; that of
closing from the deadline of handling (`codes/case_lifecycle.csv`)."""

INDICATORS = {
    "clean": "干净",
    "tidy": "整洁",
    "orderly": "有序",
    "safe": "安全",
    "satisfied": "群众满意",
}
SATISFACTION = "satisfied"
REASONS = {
    "not_closed_when_due": "到期未结案",
    "closed_late": "超期结案",
    "reworked": "返工",
    "found_by_residents": "居民先于网格员发现",
    "dissatisfied": "回访不满意",
    "neutral": "回访一般",
}

_CODE = r"^\d{2,5}$"
_CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$"


def _evidence() -> dy.String:
    return text("依据", ("evidence", "依据"), max_length=200)


def _once(*columns: str) -> pl.Expr:
    return pl.struct(columns).is_duplicated().not_()


class TimeLimitRow(Arrival):
    """config/case_time_limits.csv. Grain: stage × kind × beginning of the national code."""

    stage = text("环节", ("stage", "环节"), required=True, codes=STAGES)
    case_kind = text("部件事项", ("case_kind", "部件事项"), codes=CASE_KINDS, note="null: both")
    type_prefix = text("编码前缀", ("type_prefix", "编码前缀"), pattern=_CODE,
                       note="the longest that fits counts; null: all")  # fmt: skip
    time_limit_type = text("时限类型", ("time_limit_type", "时限类型"), required=True,
                           codes=TIME_LIMIT_TYPES)  # fmt: skip
    time_limit = integer("时限", ("time_limit", "时限"), required=True, least=1, most=3650,
                         note="hours or days by its type")  # fmt: skip
    evidence = _evidence()

    @dy.rule()
    def a_stage_has_one_limit_for_a_code(cls) -> pl.Expr:
        """同一环节、同一部件事项、同一编码前缀只能有一个时限"""
        return _once("stage", "case_kind", "type_prefix")

    @dy.rule()
    def a_code_says_whether_it_is_a_component(cls) -> pl.Expr:
        """填写编码前缀时应填写部件事项（同一编码既是部件又是事项）"""
        return pl.col("type_prefix").is_null() | pl.col("case_kind").is_not_null()


class WorkingHoursRow(Arrival):
    """config/working_hours.csv. Grain: one stretch of a working day, by the city clock."""

    start = text("起", ("start", "起"), required=True, pattern=_CLOCK)
    end = text("止", ("end", "止"), required=True, pattern=_CLOCK)
    evidence = _evidence()

    @dy.rule()
    def ends_after_it_begins(cls) -> pl.Expr:
        """止应晚于起"""
        return pl.col("end") > pl.col("start")

    @dy.rule()
    def stretches_do_not_overlap(cls) -> pl.Expr:
        """时段不得重叠"""
        before = pl.col("end").cum_max().shift(1).over(pl.lit(1), order_by="start")
        return (before <= pl.col("start")).fill_null(True)


class WeightRow(Arrival):
    """config/evaluation_weights.csv. Grain: one of the five indicators."""

    indicator = text("指标", ("indicator", "指标"), required=True, codes=INDICATORS)
    weight = integer("权重", ("weight", "权重"), required=True, least=0, most=100, unit="分",
                     note="points of a grid and month; the five make 100")  # fmt: skip
    evidence = _evidence()

    @dy.rule()
    def an_indicator_stands_once(cls) -> pl.Expr:
        """同一指标只能出现一次"""
        return _once("indicator")

    @dy.rule()
    def weights_make_a_hundred(cls) -> pl.Expr:
        """五项权重之和应为100"""
        return pl.col("weight").sum() == 100


class IndicatorRow(Arrival):
    """config/evaluation_indicators.csv. Grain: kind × beginning of the national code."""

    case_kind = text("部件事项", ("case_kind", "部件事项"), required=True, codes=CASE_KINDS)
    type_prefix = text("编码前缀", ("type_prefix", "编码前缀"), pattern=_CODE,
                       note="the longest that fits counts; null: all others")  # fmt: skip
    indicator = text("指标", ("indicator", "指标"), required=True,
                     codes=[one for one in INDICATORS if one != SATISFACTION])  # fmt: skip
    evidence = _evidence()

    @dy.rule()
    def a_code_belongs_to_one_indicator(cls) -> pl.Expr:
        """同一编码前缀只能属于一项指标"""
        return _once("case_kind", "type_prefix")


class ReasonRow(Arrival):
    """config/evaluation_reasons.csv. Grain: one reason for which points are deducted."""

    reason = text("扣分原因", ("reason", "扣分原因"), required=True, codes=REASONS)
    share_percent = integer("扣分比例", ("share_percent", "扣分比例"), required=True, least=0,
                            most=100, unit="%", note="of what the case or visit is worth")  # fmt: skip  # noqa: E501
    evidence = _evidence()

    @dy.rule()
    def a_reason_stands_once(cls) -> pl.Expr:
        """同一原因只能出现一次"""
        return _once("reason")


def open_denominator(rate: str) -> tuple[str, str]:
    """The sum that divides a rate whose denominator no standard fixes, and how it is printed.

    Args:
        rate: `registration`, `rework` or `satisfied` of `codes/open_denominators.csv`.

    Returns:
        Metric id, and a clause for the definition that names the choice and its alternatives.

    Raises:
        ValueError: not exactly one row of the rate is chosen.

    >>> open_denominator("rework")[0]
    'governance_dispose_count'
    """
    rows = codes.table("open_denominators").filter(rate=rate)
    chosen = rows.filter(is_chosen="yes")
    if chosen.height != 1:
        raise ValueError(f"open_denominators.csv: {rate} has {chosen.height} chosen rows, not 1")
    others = "、".join(rows.filter(is_chosen="no")["name"])
    metric, name = chosen.select("denominator", "name").row(0)
    return metric, f"{name}（标准未定分母，本平台取此；另一取法：{others}）"
