"""The metric book: a statistic stands once, and everything about it follows.

First form: additive measures over topic tables, by community and up. Rates, periods and disclosure
control over person tables join in later; until then counts of persons below k are withheld and no
cross-tabulation of persons is published. Every topic registers its own (`assets/topics`).
"""

from __future__ import annotations

from schemas.contract import Contract, day, flag, number, text
from schemas.metric import Metric
from schemas.protection import SHARING_ZH, SMALLEST_PERSON_COUNT

METRICS: list[Metric] = []
BY_ID: dict[str, Metric] = {}


def add(*several: Metric) -> None:
    """Write metrics into the book.

    Raises:
        ValueError: there is another of that id.
    """
    for metric in several:
        if BY_ID.setdefault(metric.id, metric) is not metric:
            raise ValueError(f"metric {metric.id} is declared twice")
        METRICS.append(metric)


class DailyValue(Contract):
    """statistics.daily_values. Grain: metric × area × day, before withholding."""

    value_day = day("日期", required=True)
    metric_id = text("指标", required=True)
    tier = text("层级", required=True)
    area_code = text(
        "区划代码", required=True, note="`<district>-unplaced` holds what has no place"
    )
    value = number("数值", required=True)


class CurrentValue(Contract):
    """statistics.current_values. Grain: metric × area, to date or as of the newest registers."""

    metric_id = text("指标", required=True)
    tier = text("层级", required=True)
    area_code = text("区划代码", required=True)
    value = number("数值", required=True)


class ServedValue(Contract):
    """metric_values of a serving file. Grain: metric × area × period; small counts withheld."""

    metric_id = text("指标", required=True)
    metric_name = text("指标名称", required=True)
    unit = text("单位", required=True)
    tier = text("层级", required=True)
    area_code = text("区划代码", required=True)
    area_name = text("区划名称", required=True)
    period = text("期间", required=True, codes=("day", "to_date"))
    period_day = day("日期", note="null for to_date")
    value = number("数值", note=f"null when withheld (persons below {SMALLEST_PERSON_COUNT})")
    is_withheld = flag("已隐去", required=True)


class MetricEntry(Contract):
    """metrics of a serving file, the metric book. Grain: one metric."""

    metric_id = text("指标", required=True)
    metric_name = text("指标名称", required=True)
    topic = text("主题", required=True)
    definition = text("定义", required=True)
    unit = text("单位", required=True)
    is_daily = flag("按日统计", required=True, note="else a stock, as of the newest registers")
    counts_persons = flag("统计人数", required=True, note="values below k are withheld")
    sharing = text("共享类别", required=True, codes=tuple(SHARING_ZH.values()))


__all__ = ["BY_ID", "METRICS", "CurrentValue", "DailyValue", "Metric", "MetricEntry", "ServedValue",
           "add"]  # fmt: skip
