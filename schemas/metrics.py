"""The metric book: a statistic stands once, and everything about it follows.

Sums, ratios of sums, distinct counts and quantiles over the topic tables, by area of three tiers
and by period (`periods.py`). Every topic writes its own into the book (`assets/topics`).
"""

from __future__ import annotations

from schemas.contract import Contract, day, flag, number, text
from schemas.metric import KIND_ZH, KINDS, Distinct, Entry, Metric, Quantile, Ratio, english_name
from schemas.periods import PERIOD_ZH
from schemas.protection import SHARING_ZH

BOOK: list[Entry] = []
METRICS: list[Metric] = []
BY_ID: dict[str, Entry] = {}


def add(*several: Entry) -> None:
    """Write metrics into the book.

    Raises:
        ValueError: there is another of that id, or a ratio is of sums that are not in the book.
    """
    for metric in several:
        if BY_ID.setdefault(metric.id, metric) is not metric:
            raise ValueError(f"metric {metric.id} is declared twice")
        BOOK.append(metric)
        if isinstance(metric, Metric):
            METRICS.append(metric)


def summed(metric_id: str) -> Metric:
    """A sum of the book.

    Raises:
        KeyError: there is no such metric, or it is not a sum.
    """
    metric = BY_ID.get(metric_id)
    if not isinstance(metric, Metric):
        raise KeyError(f"{metric_id} is not a sum of the metric book")
    return metric


def sums_of(entry: Entry) -> tuple[Metric, ...]:
    """The sums a metric is made of: itself, or those above and below a ratio's line."""
    if isinstance(entry, Metric):
        return (entry,)
    if isinstance(entry, Ratio):
        return tuple(summed(one) for one in (*entry.numerator, *entry.denominator))
    return ()


def is_stock(entry: Entry) -> bool:
    """Whether it speaks of the newest registers; else of what happened in a period."""
    if isinstance(entry, Metric):
        return entry.day_column is None
    return bool(sums_of(entry)) and all(is_stock(one) for one in sums_of(entry))


def counts_persons(entry: Entry) -> bool:
    """Whether it counts persons, is a sum over few of them, or would tell such a count."""
    return any(one.counts_persons or one.guarded_by for one in sums_of(entry))


def tables_of(entry: Entry) -> tuple[str, ...]:
    """Names of the topic tables it is computed from."""
    if isinstance(entry, Distinct | Quantile):
        return (entry.table,)
    return tuple(dict.fromkeys(one.table for one in sums_of(entry)))


class DailyValue(Contract):
    """statistics.daily_values. Grain: sum × area × day, where there is something to count."""

    value_day = day("日期", required=True)
    metric_id = text("指标", required=True)
    tier = text("层级", required=True)
    area_code = text(
        "区划代码", required=True, note="`<district>-unplaced` holds what has no place"
    )
    value = number("数值", required=True)


class PeriodValue(Contract):
    """statistics.period_values. Grain: metric × area × period, before withholding; no gaps."""

    metric_id = text("指标", required=True)
    tier = text("层级", required=True)
    area_code = text("区划代码", required=True)
    period = text("期间", required=True, codes=PERIOD_ZH)
    period_start = day("起始日", note="null for as_of")
    period_end = day(
        "截止日", required=True, note="the last day counted; of a running period, the as-of day"
    )
    is_complete = flag("期间已满", required=True, note="known from its first day to its last")
    value = number("数值", note="null: a ratio without divisor, a quantile of nothing")
    numerator = number("分子", note="of a ratio")
    denominator = number("分母", note="of a ratio")
    previous_value = number(
        "上期值", note="a running period is set against the same days of the one before"
    )
    last_year_value = number("上年同期值")


class ServedValue(Contract):
    """metric_values of a serving file. Grain: metric × area × period; small counts withheld."""

    metric_id = text("指标", required=True)
    metric_name = text("指标名称", required=True)
    topic = text("主题", required=True)
    unit = text("单位", required=True)
    tier = text("层级", required=True)
    area_code = text("区划代码", required=True)
    area_name = text("区划名称", required=True)
    period = text("期间", required=True, codes=PERIOD_ZH)
    period_start = day("起始日", note="null for as_of")
    period_end = day("截止日", required=True)
    is_complete = flag("期间已满", required=True)
    is_newest = flag("最新一期", required=True, note="the period the as-of day lies in")
    value = number("数值", note="null when withheld, or when there is no divisor")
    numerator = number("分子")
    denominator = number("分母")
    previous_value = number("上期值")
    change = number("环比", unit="%", note="(value - previous) / previous; null if that is 0")
    last_year_value = number("上年同期值")
    change_on_year = number("同比", unit="%", note="null if last year's is 0 or missing")
    is_withheld = flag("已隐去", required=True)
    withheld_as = text("隐去方式", codes={"primary": "人数过少", "complementary": "防止推算"})
    grade = text("质量等级", required=True, codes={"A": "良好", "B": "一般", "C": "存疑"})
    grade_reason = text("等级说明", note="null for A")
    as_of_day = day("数据截止日", required=True)


class MetricEntry(Contract):
    """metrics of a serving file, the metric book. Grain: one metric."""

    metric_id = text("指标", required=True)
    metric_name = text("指标名称", required=True)
    english_name = text("英文名称", required=True)
    topic = text("主题", required=True)
    kind = text("类型", required=True, codes=KIND_ZH)
    definition = text("定义", required=True)
    unit = text("单位", required=True)
    source_tables = text("来源表", required=True)
    conditions = text("筛选条件", note="column = allowed values; null: all rows")
    numerator = text("分子", note="ids of sums")
    denominator = text("分母", note="ids of sums")
    dimensions = text("可分维度", note="columns of its tables by which rows can be told apart")
    adds_up = flag("可加", required=True, note="over areas and days; else recomputed everywhere")
    is_daily = flag("按日统计", required=True, note="else a stock, as of the newest registers")
    counts_persons = flag("统计人数", required=True, note="values below k are withheld")
    feeds = text("来源数据", required=True, note="feeds it is computed from")
    sharing = text("共享类别", required=True, codes=tuple(SHARING_ZH.values()))


__all__ = [
    "BOOK",
    "BY_ID",
    "KINDS",
    "METRICS",
    "DailyValue",
    "Distinct",
    "Entry",
    "Metric",
    "MetricEntry",
    "PeriodValue",
    "Quantile",
    "Ratio",
    "ServedValue",
    "add",
    "counts_persons",
    "english_name",
    "is_stock",
    "summed",
    "sums_of",
    "tables_of",
]
