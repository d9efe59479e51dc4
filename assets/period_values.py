"""Finishing the numbers of every period: no gaps, the values they are compared with, ratios.

Works on what the engine summed, so on metrics × areas × periods, not on rows of events. A metric
has values from the first day on which anything of its table is known: an area without an event in
a later period has 0, not a gap. Nothing is said of the time before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from schemas.metric import Entry, Ratio
from schemas.metrics import PeriodValue, is_stock
from schemas.periods import CALENDAR, end_of, last_year_start, previous_start, start_of, starts

DAYS_SHOWN = 62
"""Single days are shown for two months; topic tables and `daily_values` have all of them."""

AREA = ["tier", "area_code"]
KEYS = ["metric_id", *AREA, "period", "period_start"]
_BASES = {"previous_value": "previous", "last_year_value": "last_year"}


@dataclass(frozen=True)
class Span:
    """Days that are known: from the first with data to the last before the as-of instant.

    Attributes:
        first: First day anything of a table is known of.
        last: The last day counted.
        full: The last day that is over as of the as-of instant.
    """

    first: date
    last: date
    full: date


def calendar(span: Span) -> pl.DataFrame:
    """Every period of a span of days, with those it is compared with.

    Returns:
        `period, period_start, period_end, is_complete`, and `previous_start`, `last_year_start`:
        null where that period is not known from its first day on.
    """
    rows = []
    for period in CALENDAR:
        first = span.first
        if period == "day":
            first = max(first, span.last - timedelta(days=DAYS_SHOWN - 1))
        for start in starts(period, first, span.last):
            bases = (previous_start(period, start), last_year_start(period, start))
            known = [one if one and one >= span.first else None for one in bases]
            is_whole = span.first <= start and end_of(period, start) <= span.full
            rows.append((period, start, min(end_of(period, start), span.last), is_whole, *known))
    rows.append(("to_date", None, span.last, False, None, None))
    schema = {
        "period": pl.String,
        "period_start": pl.Date,
        "period_end": pl.Date,
        "is_complete": pl.Boolean,
        "previous_start": pl.Date,
        "last_year_start": pl.Date,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


@dataclass(frozen=True)
class Window:
    """Days a running period is set against: as many as have passed of it."""

    period: str
    base: str
    first: date
    last: date


def windows(span: Span) -> list[Window]:
    """What the running periods are compared with: the same days of the one before, and last year's.

    The windows of a period that is over are the whole periods themselves, so they are not here.
    """
    found = []
    for period in CALENDAR:
        start = start_of(period, span.last)
        if end_of(period, start) <= span.full:
            continue
        passed = span.last - start
        for name, one in (("previous", previous_start(period, start)),
                          ("last_year", last_year_start(period, start))):  # fmt: skip
            if one is not None and one >= span.first:
                found.append(Window(period, name, one, min(one + passed, end_of(period, one))))
    return found


def without_gaps(
    entries: Iterable[Entry], areas: pl.DataFrame, spans: Mapping[str, Span]
) -> pl.DataFrame:
    """A row for every metric, area and period that can have a value.

    Args:
        entries: Metrics whose tables are in `spans`; stocks get their one period, `as_of`.
        areas: `tier, area_code`, with the buckets of the unplaced.
        spans: Metric id → days known.
    """
    by_span: dict[tuple[Span, bool], list[str]] = {}
    for entry in entries:
        by_span.setdefault((spans[entry.id], is_stock(entry)), []).append(entry.id)
    parts = []
    for (span, stock), ids in by_span.items():
        periods = _as_of(span) if stock else calendar(span)
        metrics = pl.DataFrame({"metric_id": ids}, schema={"metric_id": pl.String})
        parts.append(metrics.join(areas.select(AREA), how="cross").join(periods, how="cross"))
    return pl.concat(parts)


def _as_of(span: Span) -> pl.DataFrame:
    return calendar(span).tail(1).with_columns(period=pl.lit("as_of"))


def compared(
    rows: pl.DataFrame,
    values: pl.DataFrame,
    running: Mapping[Window, pl.DataFrame] | None = None,
    *,
    nothing: float | None = 0.0,
) -> pl.DataFrame:
    """Values and what they are compared with.

    Args:
        rows: What `without_gaps` gives.
        values: `metric_id, tier, area_code, period, period_start, value`.
        running: Sums over the windows of running periods; None: those are not compared.
        nothing: Value of an area and period without rows.
    """
    empty = pl.lit(nothing, pl.Float64)
    found = rows.join(values, on=KEYS, how="left", nulls_equal=True).with_columns(
        pl.col("value").fill_null(empty)
    )
    for column, base in _BASES.items():
        then = values.select(*KEYS[:-1], pl.col("period_start").alias(f"{base}_start"),
                             pl.col("value").alias(column))  # fmt: skip
        found = found.join(then, on=[*KEYS[:-1], f"{base}_start"], how="left")
        found = found.join(_sums_over(running, base), on=[*KEYS[:-1]], how="left")
        amount = pl.when("is_complete").then(pl.col(column).fill_null(empty))
        if running is not None:
            amount = amount.otherwise(pl.col("running").fill_null(empty))
        is_known = pl.col(f"{base}_start").is_not_null()
        found = found.with_columns(pl.when(is_known).then(amount).alias(column)).drop("running")
    unknown = pl.lit(None, pl.Float64)
    return found.with_columns(numerator=unknown, denominator=unknown)


def _sums_over(running: Mapping[Window, pl.DataFrame] | None, base: str) -> pl.DataFrame:
    """Sums over the windows of one base: `metric_id, tier, area_code, period, running`."""
    parts = [
        summed.select(
            "metric_id", *AREA, period=pl.lit(window.period), running=pl.col("value")
        )
        for window, summed in (running or {}).items() if window.base == base
    ]  # fmt: skip
    schema = dict.fromkeys(KEYS[:-1], pl.String) | {"running": pl.Float64}
    return pl.concat(parts) if parts else pl.DataFrame(schema=schema)


def ratio_values(ratio: Ratio, sums: pl.DataFrame, stocks: set[str]) -> pl.DataFrame:
    """A ratio at every area and period of its sums; never an average of ratios.

    Args:
        ratio: A ratio of the metric book.
        sums: Finished values of sums, with what they are compared with.
        stocks: Ids of the sums that are stocks; their newest value divides events of any period,
            then and now.

    Returns:
        Rows like `sums`, with `numerator` and `denominator`.
    """
    own = sums.filter(pl.col("metric_id").is_in([*ratio.numerator, *ratio.denominator]))
    above, below = (_side(own, ids, stocks) for ids in (ratio.numerator, ratio.denominator))
    by = AREA if below.is_stock else [*AREA, "period", "period_start"]
    own_base = ["value"] * 3 if below.is_stock and not above.is_stock else _COMPARED
    divisors = [pl.col(c).alias(f"{to}_below") for c, to in zip(own_base, _COMPARED, strict=True)]
    rows = above.rows.join(
        below.rows.select(*by, *divisors),
        on=by, how="left", nulls_equal=True,
    )  # fmt: skip
    quotients = [
        pl.when(pl.col(f"{c}_below") != 0)
        .then(pl.col(c) * ratio.scale / pl.col(f"{c}_below"))
        .alias(c)
        for c in _COMPARED
    ]
    return rows.with_columns(
        *quotients, numerator=pl.col("value"), denominator=pl.col("value_below"),
        metric_id=pl.lit(ratio.id),
    ).select(sums.columns)  # fmt: skip


_COMPARED = ["value", *_BASES]


@dataclass(frozen=True)
class _Side:
    rows: pl.DataFrame
    is_stock: bool


def _side(sums: pl.DataFrame, ids: tuple[str, ...], stocks: set[str]) -> _Side:
    """Several sums added up; a comparison is unknown where it is unknown of one of them."""
    own = sums.filter(pl.col("metric_id").is_in(ids))
    first = own.filter(pl.col("metric_id") == ids[0])
    if len(ids) > 1:
        by = [*AREA, "period", "period_start"]
        added = own.group_by(by).agg(
            pl.when(pl.col(c).count() == len(ids)).then(pl.col(c).sum()).alias(c) for c in _COMPARED
        )
        first = first.drop(_COMPARED).join(added, on=by, how="left", nulls_equal=True)
    return _Side(first, all(one in stocks for one in ids))


def in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Columns of the contract, in the order of the table."""
    return rows.select(list(PeriodValue.columns())).sort(KEYS, nulls_last=True)
