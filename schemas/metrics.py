"""The metric book: a statistic stands here once, and everything about it follows.

First form: additive measures over topic tables, by community and up. Rates, periods and disclosure
control over person tables join in later; until then counts of persons below k are withheld and no
cross-tabulation of persons is published.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.contract import Contract, day, flag, number, text
from schemas.protection import SMALLEST_PERSON_COUNT, Sharing


@dataclass(frozen=True)
class Metric:
    """One statistic.

    Attributes:
        id: English name, `<topic>_<what>`.
        zh: Chinese name.
        definition: One sentence, in Chinese: what is counted, over what.
        unit: Unit of the value.
        table: Topic table it is summed from.
        measure: Column that is summed.
        where: Column → allowed values.
        day_column: City day of the events; None: a stock, as of the newest registers.
        counts_persons: Whether values below k are withheld.
        sharing: Sharing class.
    """

    id: str
    zh: str
    definition: str
    unit: str
    table: str
    measure: str
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    day_column: str | None = None
    counts_persons: bool = False
    sharing: Sharing = "conditional"

    @property
    def topic(self) -> str:
        """The topic database it belongs to."""
        return self.table.split("_", 1)[0]


METRICS: tuple[Metric, ...] = (
    Metric("passage_face_count", "人员通行量", "单台相机一次经过计一次，跨相机不关联", "次",
           "passage_device_hours", "passage_count", (("passage_kind", ("face",)),), "shot_day"),
    Metric("passage_face_shot_count", "人脸抓拍量", "去除重复上报后的抓拍张数", "张",
           "passage_device_hours", "shot_count", (("passage_kind", ("face",)),), "shot_day"),
)  # fmt: skip

BY_ID = {metric.id: metric for metric in METRICS}


class DailyValue(Contract):
    """statistics.daily_values. Grain: metric × area × day, before withholding."""

    value_day = day("日期", required=True)
    metric_id = text("指标", required=True)
    tier = text("层级", required=True)
    area_code = text("区划代码", required=True, note="`<district>-unplaced` holds what has no place")
    value = number("数值", required=True)


class CurrentValue(Contract):
    """statistics.current_values. Grain: metric × area, to date or as of the newest registers."""

    metric_id = text("指标", required=True)
    tier = text("层级", required=True)
    area_code = text("区划代码", required=True)
    value = number("数值", required=True)


class ServedValue(Contract):
    """metric_values of a serving file. Grain: metric × area × period; small person counts withheld."""

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


__all__ = ["BY_ID", "METRICS", "CurrentValue", "DailyValue", "Metric", "ServedValue"]
