"""Periods a number speaks of: city days, ISO weeks, months, quarters, years, to date, as of.

A week begins on Monday (ISO 8601); `to_date` is everything up to the as-of day, `as_of` the newest
state of a register. The city's clock has no summer time, so a period is a run of whole days.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

PERIOD_ZH = {
    "day": "日",
    "week": "周",
    "month": "月",
    "quarter": "季",
    "year": "年",
    "to_date": "累计",
    "as_of": "现状",
}
CALENDAR = ("day", "week", "month", "quarter", "year")
"""Periods that follow one another; they can be compared with the one before."""


def start_of(period: str, day: date) -> date:
    """First day of the period a day lies in.

    >>> start_of("week", date(2027, 1, 1)), start_of("quarter", date(2026, 11, 20))
    (datetime.date(2026, 12, 28), datetime.date(2026, 10, 1))
    """
    match period:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return date(day.year, day.month - (day.month - 1) % 3, 1)
        case "year":
            return date(day.year, 1, 1)
    raise ValueError(f"{period!r} has no calendar; there are {', '.join(CALENDAR)}")


def end_of(period: str, start: date) -> date:
    """Last day of the period that begins on `start`."""
    return next_start(period, start) - timedelta(days=1)


def next_start(period: str, start: date) -> date:
    """First day of the period after the one that begins on `start`."""
    days = {"day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366}
    return start_of(period, start + timedelta(days=days[period]))


def previous_start(period: str, start: date) -> date:
    """First day of the period before the one that begins on `start`."""
    return start_of(period, start - timedelta(days=1))


def last_year_start(period: str, start: date) -> date | None:
    """First day of the same period a year before; weeks go back 52 weeks; 29 February has none."""
    if period == "week":
        return start - timedelta(weeks=52)
    try:
        return start.replace(year=start.year - 1)
    except ValueError:
        return None


def starts(period: str, first: date, last: date) -> Iterator[date]:
    """First days of all periods from that of `first` to that of `last`."""
    start = start_of(period, first)
    while start <= last:
        yield start
        start = next_start(period, start)
