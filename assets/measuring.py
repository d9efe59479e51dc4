"""The expression engine of the metric book: an entry becomes an Ibis expression, in one place.

Sums are taken by day and community and added up over tiers and periods. Distinct counts and
quantiles are taken from the rows of every area and period, since they add up over nothing. Ratios
are quotients of finished sums (`period_values.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Protocol

import ibis
import ibis.expr.types as ir
from ibis import Deferred, _

from schemas import tables
from schemas.areas import TIERS, unplaced_code
from schemas.metric import Distinct, Metric, Quantile, Where
from schemas.periods import CALENDAR
from schemas.table import Table

_UNITS = {"day": "D", "week": "W", "month": "M", "quarter": "Q", "year": "Y"}
_KEYS = ("metric_id", "tier", "area_code")
_KEPT = {"community": 12, "street": 9}


class TableSource(Protocol):
    """Where topic tables come from: the engine, or their names alone to show the SQL."""

    def table(self, table: Table, days: Iterable[date] | None = None) -> ir.Table:
        """A topic table, optionally only some days of it."""
        ...


def sum_metric(engine: TableSource, metric: Metric, days: list[date] | None) -> ir.Table:
    """One sum by day (null for stocks) and community: `value_day, metric_id, community_code, value`.

    Args:
        engine: The engine, or names alone.
        metric: A sum of the metric book.
        days: City days to sum; None: all.
    """  # noqa: E501
    rows = _filtered(engine.table(tables.table("topics", metric.table), days), metric.where)
    day = rows[metric.day_column] if metric.day_column else ibis.null("date")
    own = rows.select(
        value_day=day,
        metric_id=ibis.literal(metric.id),
        community_code=rows.community_code,
        measure=rows[metric.measure] if metric.measure else ibis.literal(1),
    )
    summed = own.group_by("value_day", "metric_id", "community_code").aggregate(
        value=_.measure.sum()
    )
    return summed.mutate(value=_.value.cast("float64"))


def at_three_tiers(values: ir.Table, district: str) -> ir.Table:
    """Community values as rows of all three tiers; each tier is the sum of the one below.

    Args:
        values: What `sum_metric` gives.
        district: Code of the district.
    """
    found = []
    for tier in TIERS:
        own = values.select(
            "value_day", "metric_id", "value", tier=ibis.literal(tier),
            area_code=_area(tier, district),
        )  # fmt: skip
        found.append(own.group_by("value_day", *_KEYS).aggregate(value=_.value.sum()))
    return ibis.union(*found)


def sums_by_period(daily: ir.Table) -> ir.Table:
    """Daily sums added up by calendar period and to date.

    Args:
        daily: statistics.daily_values.

    Returns:
        `metric_id, tier, area_code, period, period_start, value`; to_date begins on no day.
    """
    found = []
    for period in (*CALENDAR, "to_date"):
        own = daily.mutate(period=ibis.literal(period), period_start=_start(_.value_day, period))
        found.append(own.group_by(*_KEYS, "period", "period_start").aggregate(value=_.value.sum()))
    return ibis.union(*found)


def sums_between(daily: ir.Table, first: date, last: date) -> ir.Table:
    """Daily sums added up over a run of days, both ends included."""
    own = daily.filter(_.value_day.between(ibis.literal(first), ibis.literal(last)))
    return own.group_by(*_KEYS).aggregate(value=_.value.sum())


def unsummed(
    engine: TableSource,
    entry: Distinct | Quantile,
    district: str,
    tiers: Sequence[str] = TIERS,
    periods: Sequence[str] = (*CALENDAR, "to_date"),
) -> ir.Table:
    """A distinct count or quantile by area and period, from the rows of each.

    Args:
        engine: The engine, or names alone.
        entry: What is counted or ordered.
        district: Code of the district.
        tiers: Tiers wanted.
        periods: Periods wanted.

    Returns:
        The columns of `sums_by_period`.
    """
    rows = _filtered(engine.table(tables.table("topics", entry.table)), entry.where)
    rows = rows.filter(_[entry.column].notnull())
    if isinstance(entry, Distinct):
        value = _.measured.nunique().cast("float64")
    else:
        value = _.measured.cast("float64").quantile(entry.share) * entry.scale
    found = []
    for tier in tiers:
        for period in periods:
            own = rows.select(
                measured=_[entry.column],
                metric_id=ibis.literal(entry.id),
                tier=ibis.literal(tier),
                area_code=_area(tier, district),
                period=ibis.literal(period),
                period_start=_start(_[entry.day_column], period),
            )
            found.append(own.group_by(*_KEYS, "period", "period_start").aggregate(value=value))
    return union(found)


def _filtered(rows: ir.Table, where: Where) -> ir.Table:
    for column, values in where:
        rows = rows.filter(_[column].isin(list(values)))
    return rows


def _area(tier: str, district: str) -> ir.Scalar | Deferred:
    """Code of the area of a tier that a row's community lies in; the bucket for those of none."""
    if tier == "district":
        return ibis.literal(district)
    return _.community_code.left(_KEPT[tier]).fill_null(ibis.literal(unplaced_code(district)))


def _start(day: Deferred, period: str) -> ir.Scalar | Deferred:
    return ibis.null("date") if period == "to_date" else day.truncate(_UNITS[period]).cast("date")


def union(parts: Iterable[ir.Table]) -> ir.Table:
    """All rows of all parts; of one part, itself."""
    first, *rest = parts
    return ibis.union(first, *rest) if rest else first
