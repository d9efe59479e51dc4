"""Time limits in working time: when something is due that may take three working days.

Days off, make-up days 调休 included, are those of `chinesecalendar` (State Council notices, 2004 to
the last year published). Beyond it nothing is guessed: a deadline that needs an unpublished day is
unknown. How limits are counted is our own reading, no standard's text was seen: a working hour is
an hour within office hours of a working day, a working day is as many of them as a day has (from
Tuesday 10:00 one working day ends on Wednesday 10:00), an urgent hour is any hour, a natural day
24 of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache

import chinese_calendar
import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.city_time import CITY_OFFSET, INSTANT

_SECOND = 1_000_000
_HOUR = 3600 * _SECOND
_DAY = 24 * _HOUR
_EPOCH = date(1970, 1, 1)
_OFFSET = round(CITY_OFFSET.total_seconds()) * _SECOND

Micros = NDArray[np.int64]


@cache
def _working_days() -> tuple[int, NDArray[np.bool_]]:
    """Day number since 1970 of the first known day, and for it and all after: is it worked on."""
    years = sorted({day.year for day in chinese_calendar.holidays})
    first, last = date(years[0], 1, 1), date(years[-1], 12, 31)
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return (first - _EPOCH).days, np.array([chinese_calendar.is_workday(day) for day in days])


def last_known_day() -> date:
    """The last day of which it is known whether it is worked on."""
    first, is_worked = _working_days()
    return _EPOCH + timedelta(days=first + len(is_worked) - 1)


class WorkingTime:
    """Office hours over the working days of the national calendar."""

    def __init__(self, hours: Sequence[tuple[str, str]]) -> None:
        """Take the stretches of a working day.

        Args:
            hours: Start and end as `HH:MM`, not overlapping.

        Raises:
            ValueError: there are none.
        """
        if not hours:
            raise ValueError("a working day needs working hours")
        self._stretches = sorted((_clock(start), _clock(end)) for start, end in hours)
        self._per_day = sum(end - start for start, end in self._stretches)
        self._first, self._is_worked = _working_days()
        self._worked_before = np.concatenate([[0], np.cumsum(self._is_worked)]).astype(np.int64)
        self._days = np.flatnonzero(self._is_worked)

    def due(self, start: pl.Series, limit: pl.Series, kind: pl.Series) -> pl.Series:
        """When limits end.

        Args:
            start: Instants from which they count.
            limit: How many hours or days, at least 1.
            kind: `urgent_hour`, `work_hour`, `work_day` or `natural_day`.

        Returns:
            Instants; null where something is missing or the calendar does not reach so far.
        """
        missing = (start.is_null() | limit.is_null() | kind.is_null()).to_numpy()
        at = start.dt.epoch("us").fill_null(0).to_numpy() + _OFFSET
        count = limit.cast(pl.Int64).fill_null(1).to_numpy()
        is_hour, is_office = (
            kind.is_in(names).fill_null(value=False).to_numpy()
            for names in (["urgent_hour", "work_hour"], ["work_hour", "work_day"])
        )
        plain = at + count * np.where(is_hour, _HOUR, _DAY)
        worked = count * np.where(is_hour, _HOUR, self._per_day)
        in_office, known = self._after(at, worked)
        found = np.where(is_office, in_office, plain) - _OFFSET
        unknown = missing | (is_office & ~known)
        return pl.Series(start.name, found).cast(INSTANT).set(pl.Series(unknown), None)

    def _after(self, at: Micros, worked: Micros) -> tuple[Micros, NDArray[np.bool_]]:
        """Wall clock after so much working time, and whether the calendar tells it."""
        day = at // _DAY - self._first
        known = (day >= 0) & (day < len(self._is_worked))
        inside = np.clip(day, 0, len(self._is_worked) - 1)
        clock = at % _DAY
        passed = sum(
            (np.clip(clock - start, 0, end - start) for start, end in self._stretches),
            np.zeros_like(clock),
        )
        before = self._worked_before[inside] * self._per_day
        total = before + np.where(self._is_worked[inside], passed, 0) + worked
        # a limit that ends with the office hours of a day ends then, not on the next morning
        full = (total - 1) // self._per_day
        known &= full < len(self._days)
        on = self._days[np.clip(full, 0, len(self._days) - 1)] + self._first
        return on * _DAY + self._clock_after(total - full * self._per_day), known

    def _clock_after(self, worked: Micros) -> Micros:
        """Time of day when so much of a day's working time has passed (more than none)."""
        clock, before = np.zeros_like(worked), 0
        for start, end in self._stretches:
            here = (worked > before) & (worked <= before + end - start)
            clock = np.where(here, start + worked - before, clock)
            before += end - start
        return clock


def _clock(text: str) -> int:
    """Microseconds since midnight of `HH:MM`."""
    hour, minute = text.split(":")
    return (int(hour) * 60 + int(minute)) * 60 * _SECOND
