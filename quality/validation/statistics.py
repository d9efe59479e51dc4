"""What the metric book lets one expect: numbers made in two ways agree.

Sums are taken again from the topic tables with a plain filter, apart from the engine that made the
statistics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from quality.validation.rules import Rule, Within
from schemas.metric import Metric, Ratio
from schemas.metrics import BOOK, METRICS, summed

NEAR = 1e-9
_MEND = "统计与主题库不一致：删除该统计表的构建登记后重新运行；仍不一致则为程序缺陷"


@dataclass(frozen=True)
class Agreement:
    """Two ways to the same number, over different tables or parts of one.

    Attributes:
        zh: What should hold.
        left: Ids of sums that are added up.
        right: Ids of sums that are added up; the first one's table bears the check.
    """

    zh: str
    left: tuple[str, ...]
    right: tuple[str, ...]

    @property
    def table(self) -> str:
        """Name of the topic table whose suite holds it."""
        return summed(self.right[0]).table


AGREEMENTS = (
    Agreement("按性别合计等于实有人口", ("population_person_count",),
              ("population_male_count", "population_female_count", "population_sex_unknown_count")),
    Agreement("按年龄段合计等于实有人口", ("population_person_count",),
              ("population_age_unknown_count",
               *(f"population_age_{n}_count" for n in range(1, 7)))),
    Agreement("整租与合租合计等于出租房数", ("rentals_rental_count",),
              ("rentals_whole_count", "rentals_shared_count")),
    Agreement("有人与无人网格合计等于网格数", ("governance_grid_count",),
              ("governance_staffed_grid_count", "governance_unstaffed_grid_count")),
    Agreement("已办结、未办结与已作废合计等于案件数", ("governance_case_count",),
              ("governance_closed_count", "governance_open_count", "governance_cancelled_count")),
    Agreement("已结束与未结束合计等于警情段数", ("fire_episode_count",),
              ("fire_closed_episode_count", "fire_open_episode_count")),
)  # fmt: skip
"""What must be equal by construction; a difference greys the numbers of the table on the right."""


def sums_by_place(metrics: Sequence[Metric], rows: pl.LazyFrame) -> pl.DataFrame:
    """Sums by community, null for what has no place: a column for each, named by its id.

    Args:
        metrics: Sums of the book over one table.
        rows: That topic table.
    """
    amounts = []
    for one in metrics:
        allowed = [pl.col(n).cast(pl.String).is_in(list(values)) for n, values in one.where]
        if allowed:
            kept = pl.all_horizontal(allowed)
            amount = pl.col(one.measure).filter(kept).sum() if one.measure else kept.sum()
        else:
            amount = pl.col(one.measure).sum() if one.measure else pl.len()
        amounts.append(amount.cast(pl.Float64).alias(one.id))
    return rows.group_by("community_code").agg(amounts).collect()


def agreement_rules(table: str, read: Callable[[str], pl.LazyFrame]) -> Iterable[Rule]:
    """Agreements a topic table bears, by community; none while a table of the pair has no rows.

    Args:
        table: Name of the topic table.
        read: Topic table of a name → its rows.
    """
    for one in AGREEMENTS:
        if one.table != table:
            continue
        left, right = (_added(ids, read) for ids in (one.left, one.right))
        if not left or not right:
            continue
        places = {*left, *right}
        wrong = sum(abs(left.get(p, 0.0) - right.get(p, 0.0)) > NEAR for p in places)
        yield Within(f"各社区{one.zh}", "grade", "一致性",
                     "两表由不同时刻的上游生成时重新运行；仍不一致则核对代码值是否有遗漏",
                     wrong, 0, 0, f"{wrong} 个社区不一致，共 {len(places)} 个")  # fmt: skip


def _added(ids: Iterable[str], read: Callable[[str], pl.LazyFrame]) -> dict[str | None, float]:
    total: dict[str | None, float] = {}
    metrics = [summed(one) for one in ids]
    for table in dict.fromkeys(one.table for one in metrics):
        own = [one for one in metrics if one.table == table]
        for place, *amounts in sums_by_place(own, read(table)).iter_rows():
            total[place] = total.get(place, 0.0) + sum(amounts)
    return total


def statistics_rules(
    district: pl.DataFrame, topics: Mapping[str, float], out_of_step: pl.DataFrame
) -> list[Rule]:
    """What is expected of the values by period.

    Args:
        district: Rows of statistics.period_values of the district.
        topics: Metric id → its sum over the topic table.
        out_of_step: What `quality.accounting.tiers_out_of_step` gives.
    """
    whole = district.filter(pl.col("period").is_in(["to_date", "as_of"]))
    values = dict(whole.select("metric_id", "value").iter_rows())
    events = {one.id for one in METRICS if one.day_column}
    # single days are shown for a while only (`assets/period_values.py`), months always
    by_month = district.filter((pl.col("period") == "month") & pl.col("metric_id").is_in(events))
    monthly = dict(by_month.group_by("metric_id").agg(pl.col("value").sum()).iter_rows())
    steps = out_of_step["metric_id"].n_unique()
    return [
        Within("社区、街道与区县三级合计一致", "block", "一致性", _MEND, steps, 0, 0,
               f"{steps} 项指标不一致"),
        _equal("区县值等于主题库合计", topics, values),
        _equal("逐月值合计等于累计值", monthly, values),
        _ratios(whole),
    ]  # fmt: skip


def _equal(zh: str, one: Mapping[str, float], other: Mapping[str, float]) -> Rule:
    both = sorted(one.keys() & other.keys())
    wrong = [i for i in both if _differ(one[i], other[i])]
    return Within(zh, "block", "一致性", _MEND, len(wrong), 0, 0, _told(wrong, len(both)))


def _ratios(whole: pl.DataFrame) -> Rule:
    """Ratios are quotients of the numerator and denominator beside them."""
    scales = {one.id: one.scale for one in BOOK if isinstance(one, Ratio)}
    columns = ["metric_id", "value", "numerator", "denominator"]
    own = whole.filter(pl.col("metric_id").is_in(list(scales))).select(columns).rows()
    wrong = [
        i for i, value, above, below in own
        if value is not None and _differ(value, scales[i] * above / below)
    ]  # fmt: skip
    return Within("比率等于分子除以分母", "block", "准确性", _MEND, len(wrong), 0, 0,
                  _told(wrong, len(own)))  # fmt: skip


def _differ(one: float, other: float) -> bool:
    return abs(one - other) > NEAR * max(abs(one), abs(other), 1.0)


def _told(wrong: list[str], several: int) -> str:
    named = f"：{'、'.join(wrong[:5])}" if wrong else ""
    return f"{len(wrong)} 项指标不一致，共 {several} 项{named}"
