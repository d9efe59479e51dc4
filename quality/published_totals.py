"""Totals other people published: set against ours, or judged on their own arithmetic.

A figure that does not fit is no proof of a fault. Every finding therefore says what it can mean and
what it cannot; which of the possible reasons holds, only whoever wrote the document can say.
Figures are judged as printed: an average of 3,262 stands for all averages that round or were cut to
it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from schemas.metrics import BY_ID, Metric


@dataclass(frozen=True)
class Figure:
    """One published figure.

    Attributes:
        document: Where it stands.
        label: What it is called there.
        value: As printed, without thousands separators.
        metric_id: Ours for the same thing.
        area_code: Area it is of; None: the district.
        start: First day it is of; None: not said, or everything up to `end`.
        end: Last day it is of.
        days: Days it is of; from `start` and `end` where those are known.
        part_of: Label of the total it is a part of.
        rate_of: Label of what it is the daily average of.
    """

    document: str
    label: str
    value: Decimal
    metric_id: str | None = None
    area_code: str | None = None
    start: date | None = None
    end: date | None = None
    days: int | None = None
    part_of: str | None = None
    rate_of: str | None = None


@dataclass(frozen=True)
class Finding:
    """What was found of a figure: a name for it and a sentence with the numbers."""

    document: str
    label: str
    name: str
    says: str

    @property
    def meaning(self) -> Meaning | None:
        """What it can mean and what it cannot; None where nothing is wrong."""
        return MEANINGS.get(self.name)


@dataclass(frozen=True)
class Meaning:
    """Reasons that would explain a finding, and some that would not."""

    can: str
    cannot: str


MEANINGS = {
    "parts_exceed": Meaning(
        "the total is of fewer sources, fewer kinds, a shorter time or a smaller place than its "
        "parts; or it counts something coarser (cases made of several events, devices); or parts "
        "overlap, one thing being listed under several",
        "a kind was left out of the list, or numbers were rounded: the first leaves parts below "
        "their total, the second moves the sum by less than one for each part",
    ),
    "parts_fall_short": Meaning(
        "a kind is not listed; things without kind or place are in the total only; or the total is "
        "of a longer time or a larger place",
        "parts overlap and nothing else is amiss: counting twice makes the sum larger",
    ),
    "rate_of_other_days": Meaning(
        "the average was taken over another run of days (an earlier draft, working days, the days "
        "the system was up), or of another total than the one beside it",
        "rounding or cutting of digits: both are allowed for; that average and total both speak of "
        "the days said",
    ),
    "rate_of_no_days": Meaning(
        "the average is of another total than the one beside it, or was written down wrong",
        "a plain average of this total over any whole number of days",
    ),
    "differs_from_ours": Meaning(
        "rows that came, or were corrected, after the document; another rule of counting; a scope "
        "that only the names have in common; things without place, which ours has in the district",
        "that one of the two is wrong: each may be right of what it counts",
    ),
}


def figures(rows: pl.DataFrame) -> list[Figure]:
    """Rows of `PublishedTotalRow` as figures."""
    return [_figure(row) for row in rows.iter_rows(named=True)]


def _figure(row: Mapping[str, Any]) -> Figure:
    start, end = row["period_start"], row["period_end"]
    days = (end - start).days + 1 if start and end else row["days"]
    value = Decimal(row["value"].replace(",", ""))
    return Figure(row["document"], row["label"], value, row["metric_id"], row["area_code"], start,
                  end, days, row["part_of"], row["rate_of"])  # fmt: skip


def judged(published: Iterable[Figure], ours: pl.DataFrame, district: str) -> list[Finding]:
    """Everything that can be said of published figures, in their order.

    Args:
        published: Figures; totals named stand among those of the same document.
        ours: metric_values of the district.
        district: Code of the district.
    """
    every = list(published)
    by_label = {(one.document, one.label): one for one in every}
    found = []
    for one in every:
        parts = [p for p in every if (p.document, p.part_of) == (one.document, one.label)]
        if parts:
            found.append(_of_parts(one, parts))
        if one.rate_of:
            found.append(_of_rate(one, by_label[one.document, one.rate_of]))
        if one.metric_id:
            found.append(_beside_ours(one, ours, district))
    return found


def _of_parts(total: Figure, parts: list[Figure]) -> Finding:
    added = sum((one.value for one in parts), Decimal(0))
    # every figure may be off by half of its last printed digit, as may the total
    slack = sum((_unit(one) for one in (total, *parts) if _unit(one) < 1), Decimal(0)) / 2
    difference = added - total.value
    of = "the part is" if len(parts) == 1 else f"{len(parts)} parts add up to"
    says = f"{of} {added:,}, the total is {total.value:,}"
    if abs(difference) <= slack:
        return Finding(total.document, total.label, "parts_add_up", says)
    name = "parts_exceed" if difference > 0 else "parts_fall_short"
    times = f", {added / total.value:.2f} times as much" if total.value > 0 else ""
    return Finding(total.document, total.label, name, f"{says}: {difference:+,}{times}")


def _of_rate(rate: Figure, total: Figure) -> Finding:
    days = rate.days or total.days
    few, many = days_that_fit(total.value, rate.value)
    said = f"{total.value:,} at {rate.value:,} a day"
    if few > many:
        return Finding(rate.document, rate.label, "rate_of_no_days", f"{said} fits no whole days")
    fits = f"{said} fits {few:,} days" if few == many else f"{said} fits {few:,} to {many:,} days"
    if days is None:
        return Finding(rate.document, rate.label, "rate_tells_days", fits)
    if few <= days <= many:
        return Finding(rate.document, rate.label, "rate_fits", f"{fits}, and {days:,} are said")
    own = total.value / days
    says = f"{fits}, not the {days:,} said: over those it would be {own:,.1f} a day"
    return Finding(rate.document, rate.label, "rate_of_other_days", says)


def days_that_fit(total: Decimal, rate: Decimal) -> tuple[int, int]:
    """The fewest and the most whole days whose average of a total is printed as `rate`.

    Printed averages are rounded or cut, so the true one lies from half a last digit below to one
    above, the upper end left out. The fewest are more than the most where no number of days fits.

    >>> days_that_fit(Decimal(100), Decimal("33.3"))
    (3, 3)
    """
    unit = Decimal(1).scaleb(_exponent(rate))
    low, high = rate - unit / 2, rate + unit
    fewest = math.floor(total / high) + 1
    most = math.floor(total / low) if low > 0 else 10**6
    return max(fewest, 1), most


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _unit(one: Figure) -> Decimal:
    """What the last printed digit is worth; of whole numbers, counts, 1."""
    return Decimal(1).scaleb(_exponent(one.value))


def _beside_ours(one: Figure, ours: pl.DataFrame, district: str) -> Finding:
    mine = our_value(ours, one.metric_id or "", one.area_code or district, one.start, one.end)
    if mine is None:
        says = f"{one.metric_id}: no value of ours for that area and time, or it is withheld"
        return Finding(one.document, one.label, "not_comparable", says)
    says = f"{one.value:,} published, {mine:,.10g} ours ({one.metric_id})"
    if abs(float(one.value) - mine) <= float(_unit(one)) / 2 * (_unit(one) < 1) + 1e-9:
        return Finding(one.document, one.label, "agrees_with_ours", says)
    return Finding(one.document, one.label, "differs_from_ours",
                   f"{says}: {float(one.value) - mine:+,.10g}")  # fmt: skip


def our_value(
    ours: pl.DataFrame, metric_id: str, area: str, start: date | None, end: date | None
) -> float | None:
    """Our value of an area over a run of days, or the newest where no days are named.

    Args:
        ours: metric_values.
        metric_id: One of the book.
        area: Area code; the bucket of the unplaced is of no document.
        start: First day; None: all that is known up to `end`, or as of it.
        end: Last day; None: the as-of day.

    Returns:
        The value of a period with just these days; of a sum, else that of the days added up, if
        all are there; else nothing.
    """
    own = ours.filter((pl.col("metric_id") == metric_id) & (pl.col("area_code") == area))
    is_period = (
        pl.col("period").is_in(["to_date", "as_of"])
        if start is None
        else pl.col("period_start") == start
    )
    same = own.filter(is_period)
    if end is not None:
        same = same.filter(pl.col("period_end") == end)
    if same.height:
        return _number(same.filter(~pl.col("is_withheld"))["value"].drop_nulls().first())
    if start is None or end is None or not isinstance(BY_ID.get(metric_id), Metric):
        return None
    days = own.filter((pl.col("period") == "day") & pl.col("period_start").is_between(start, end))
    whole = days.height == (end - start).days + 1 and not days["is_withheld"].any()
    return _number(days["value"].sum()) if whole else None


def _number(value: object) -> float | None:
    return value if isinstance(value, float) else None


__all__ = [
    "MEANINGS",
    "Figure",
    "Finding",
    "Meaning",
    "days_that_fit",
    "figures",
    "judged",
    "our_value",
]
