"""The city's clock: the one place where instants become city days and back.

Instants are stored in UTC. China has kept UTC+8 without summer time since 1992, and every event
feed is younger than that, so a fixed offset is exact here and far cheaper than a zone lookup per
row.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import polars as pl

CITY_ZONE = "Asia/Shanghai"
CITY_OFFSET = timedelta(hours=8)
CITY_TZ = timezone(CITY_OFFSET)
INSTANT = pl.Datetime("us", "UTC")


def city_day(instant: pl.Expr) -> pl.Expr:
    """The city date (Asia/Shanghai) on which a UTC instant falls."""
    return city_wall_clock(instant).dt.date()


def city_wall_clock(instant: pl.Expr) -> pl.Expr:
    """A UTC instant as naive city time, for hours of the day and for id time stamps."""
    return instant.dt.replace_time_zone(None) + CITY_OFFSET


def from_wall_clock(naive: pl.Expr) -> pl.Expr:
    """Naive city time as a UTC instant (microseconds)."""
    return (naive - CITY_OFFSET).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def city_date_of(instant: datetime) -> date:
    """The city date of one aware instant.

    >>> city_date_of(datetime(2026, 11, 19, 17, 0, tzinfo=UTC))
    datetime.date(2026, 11, 20)
    """
    return (instant.astimezone(UTC) + CITY_OFFSET).date()


def start_of_city_day(day: date) -> datetime:
    """The UTC instant at which a city day begins.

    >>> start_of_city_day(date(2026, 11, 20)).isoformat()
    '2026-11-19T16:00:00+00:00'
    """
    return datetime(day.year, day.month, day.day, tzinfo=UTC) - CITY_OFFSET


def end_of_city_day(day: date) -> datetime:
    """The last moment of a city day: what is said as of a day holds before the next one begins.

    >>> end_of_city_day(date(2026, 11, 19)).isoformat()
    '2026-11-19T15:59:59.999999+00:00'
    """
    return start_of_city_day(day + timedelta(days=1)) - timedelta(microseconds=1)
