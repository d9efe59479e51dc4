"""What changed in a register by day, and what it held at month ends, from its validity periods.

So that on every day

    stock = listed + opened - closed + moved in - moved out, summed up to that day.

Not here: the periods (`validity.py`), from when on a register is known (`assets/deliveries.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from quality.validity import at_instant
from schemas.city_time import INSTANT, city_date_of, city_day, end_of_city_day

KINDS = ("listed", "opened", "closed", "moved_in", "moved_out")
COUNTS = [f"{kind}_count" for kind in KINDS]
_NOBODY = pl.DataFrame(
    schema={"change_day": pl.Date, "community_code": pl.String}
    | dict.fromkeys(COUNTS, pl.Int64)
)  # fmt: skip


@dataclass(frozen=True)
class Start:
    """From when on a register is known.

    Attributes:
        at: As-of of its first whole delivery; without one, the first instant anything holds from.
        is_whole: Whether there was a whole one: only then an entry it lacks is known to be new.
    """

    at: datetime
    is_whole: bool


def known_since(starts: Mapping[str, Start]) -> Start | None:
    """From when on a register of several sources is known: its first whole delivery, if any."""
    whole = [one for one in starts.values() if one.is_whole]
    return min(whole or starts.values(), key=lambda one: one.at, default=None)


def changes(periods: pl.DataFrame, starts: Mapping[str, Start]) -> pl.DataFrame:
    """Changes of a register by city day and community.

    Args:
        periods: `entity_id`, `source`, `community_code`, `valid_from`, `valid_until`.
        starts: Source → from when on it is known.

    Returns:
        `change_day`, `community_code` and the counts of `KINDS`; none before the first whole
        delivery, for until then nobody knows what was there.
    """
    since = known_since(starts)
    if since is None or not since.is_whole:
        return _NOBODY
    own = periods.sort("entity_id", "valid_from").with_columns(
        before=pl.col("community_code").shift().over("entity_id"),
        goes_on=(pl.col("valid_from") == pl.col("valid_until").shift().over("entity_id"))
        .fill_null(value=False),
        is_continued=(pl.col("valid_until") == pl.col("valid_from").shift(-1).over("entity_id"))
        .fill_null(value=False),
        is_new=_is_after_whole_delivery(starts),
    )  # fmt: skip
    is_moved = pl.col("goes_on") & pl.col("before").ne_missing(pl.col("community_code"))
    found = [
        _events(own.filter(~pl.col("goes_on"), ~pl.col("is_new")), "listed", "valid_from"),
        _events(own.filter(~pl.col("goes_on"), pl.col("is_new")), "opened", "valid_from"),
        _events(own.filter(~pl.col("is_continued")), "closed", "valid_until"),
        _events(own.filter(is_moved), "moved_in", "valid_from"),
        _events(own.filter(is_moved), "moved_out", "valid_from", "before"),
    ]
    later = pl.concat(found).filter(pl.col("at") > since.at)
    there = at_instant(own, pl.lit(since.at, INSTANT)).with_columns(at=pl.lit(since.at, INSTANT))
    return (
        pl.concat([later, _events(there, "listed", "at")])
        .group_by("community_code", change_day=city_day(pl.col("at")))
        .agg((pl.col("kind") == kind).sum().cast(pl.Int64).alias(f"{kind}_count") for kind in KINDS)
        .select(_NOBODY.columns)
    )


def stocks(periods: pl.DataFrame, starts: Mapping[str, Start], today: date) -> pl.DataFrame:
    """What a register held by community at the end of some days.

    Args:
        periods: As for `changes`.
        starts: As for `changes`.
        today: No day after it is asked.

    Returns:
        `stock_day`, `community_code`, `count`, `is_whole`: of the day from which the register is
        known, and of every month's last one since.
    """
    since = known_since(starts)
    days = [] if since is None else stock_days(city_date_of(since.at), today)
    found = [
        at_instant(periods, pl.lit(end_of_city_day(one), INSTANT))
        .group_by("community_code")
        .agg(count=pl.len().cast(pl.Int64))
        .with_columns(stock_day=pl.lit(one), is_whole=pl.lit(since is not None and since.is_whole))
        for one in days
    ]
    nothing = pl.DataFrame(
        schema={"community_code": pl.String, "count": pl.Int64, "stock_day": pl.Date,
                "is_whole": pl.Boolean}
    )  # fmt: skip
    return pl.concat([nothing, *found])


def stock_days(first: date, today: date) -> list[date]:
    """The first day, and every month's last one from then up to today.

    >>> [str(one) for one in stock_days(date(2026, 1, 30), date(2026, 3, 1))]
    ['2026-01-30', '2026-01-31', '2026-02-28']
    """
    ends = pl.date_range(first, today, "1d", eager=True) if first <= today else pl.Series([])
    return [one for one in ends.to_list() if one == first or (one + timedelta(days=1)).day == 1]


def _is_after_whole_delivery(starts: Mapping[str, Start]) -> pl.Expr:
    """Whether an entry begins after its source was first delivered whole."""
    whole = {name: one.at for name, one in starts.items() if one.is_whole}
    known = pl.col("source").replace_strict(whole, default=None, return_dtype=INSTANT)
    return (pl.col("valid_from") > known).fill_null(value=False)


def _events(
    rows: pl.DataFrame, kind: str, at: str, community: str = "community_code"
) -> pl.DataFrame:
    """When and where something of a kind happened; never, where the instant is null."""
    found = rows.select(community_code=community, at=at, kind=pl.lit(kind))
    return found.filter(pl.col("at").is_not_null())
