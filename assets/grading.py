"""Grades of published numbers: the state of every feed, and what it means for each metric."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from assets.lineage import feeds_of
from assets.timing import AsOf
from quality.grading import FeedState, grade
from schemas import tables
from schemas.city_time import city_date_of
from schemas.feed import Feed
from schemas.feeds import BY_NAME, FEEDS
from schemas.metrics import BOOK, Entry, Ratio, sums_of, tables_of
from warehouse import builds
from warehouse.lake import Lake

ACCOUNTS = tables.table("ops", "row_accounts")

Failed = Mapping[str, tuple[str, ...]]
"""Feed → Chinese names of checks of its tables that failed without blocking."""


def metric_feeds(entry: Entry) -> tuple[str, ...]:
    """Names of the feeds a metric is computed from, in registry order."""
    names = {name for one in sums_of(entry) or (entry,) for name in _feeds_of_one(one)}
    return tuple(name for name in BY_NAME if name in names)


def _feeds_of_one(entry: Entry) -> tuple[str, ...]:
    own = () if isinstance(entry, Ratio) else entry.feeds
    return own or tuple(
        name for table in tables_of(entry) for name in feeds_of(tables.table("topics", table))
    )


def feed_states(lake: Lake, failed: Failed) -> dict[str, FeedState]:
    """What the books say of every feed.

    Args:
        lake: The lake.
        failed: Checks that failed without blocking.
    """
    booked = lake.book(ACCOUNTS).group_by("feed").agg(pl.col("arrived", "quarantined").sum())
    counts = {name: (arrived, quarantined) for name, arrived, quarantined in booked.rows()}
    return {feed.name: _state(lake, feed, counts, failed) for feed in FEEDS}


def _state(
    lake: Lake, feed: Feed, counts: Mapping[str, tuple[int, int]], failed: Failed
) -> FeedState:
    arrived, quarantined = counts.get(feed.name, (0, 0))
    parts = builds.arrived(lake, feed.name)
    days = {date.fromisoformat(part) for part in parts if part != builds.WHOLE}
    newest = max(days) if days else _newest_version(lake, feed) if parts else None
    return FeedState(feed.zh, arrived, quarantined, frozenset(days), newest, feed.is_daily,
                     feed.stays_fresh_for, tuple(failed.get(feed.name, ())))  # fmt: skip


def _newest_version(lake: Lake, feed: Feed) -> date | None:
    """City day of a register's newest row."""
    table = tables.table("bronze", feed.name)
    newest = lake.scan(table).select(pl.max_horizontal(feed.version_columns).max()).collect().item()
    return city_date_of(newest) if newest else None


def grades(values: pl.DataFrame, states: Mapping[str, FeedState], as_of: AsOf) -> pl.DataFrame:
    """The grade of every metric and period.

    Args:
        values: Has `metric_id, period, period_start, period_end`.
        states: What `feed_states` gives.
        as_of: When the values speak of.

    Returns:
        `metric_id, period, period_start, grade, grade_reason`, a row for each that occurs.
    """
    feeds = {entry.id: metric_feeds(entry) for entry in BOOK}
    known: dict[tuple[tuple[str, ...], date | None, date], tuple[str, str | None]] = {}
    rows = []
    keys = ["metric_id", "period", "period_start", "period_end"]
    for metric, period, start, end in values.select(keys).unique().sort(keys).iter_rows():
        case = (feeds[metric], start, end)
        if case not in known:
            own = [states[name] for name in feeds[metric]]
            # a stock speaks of its newest state, not of the days of a period
            first = end if period == "as_of" else start
            known[case] = grade(own, first, end, as_of.last_day)
        rows.append((metric, period, start, *known[case]))
    schema = {"metric_id": pl.String, "period": pl.String, "period_start": pl.Date,
              "grade": pl.String, "grade_reason": pl.String}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")
