"""Which days are sealed, and which rows of theirs expired: asked by intake, builds and accounts."""

from __future__ import annotations

from datetime import date

import polars as pl

from schemas.retention import EXPIRED_ROWS, SEALS
from schemas.tables import Table
from warehouse.lake import Lake


def sealed_through(lake: Lake, feed: str) -> date | None:
    """Last sealed city day of a feed; None: every day is open."""
    days = lake.book(SEALS).filter(pl.col("feed") == feed)["sealed_through"].to_list()
    return max(days, default=None)


def not_built_again(lake: Lake, table: Table) -> date | None:
    """Last city day of a silver table that may not be built again; None: every day may.

    Bronze of the days up to it has expired, or is about to: a build would make a fragment of them.
    """
    days = (sealed_through(lake, feed) for feed in table.accounts_for)
    return max((one for one in days if one), default=None)


def expired(lake: Lake, feed: str, layer: str, by: str) -> pl.DataFrame:
    """Rows of a feed that expired from bronze or quarantine.

    Args:
        lake: The lake.
        feed: The feed.
        layer: `bronze` or `quarantine`.
        by: `file_id`, or `day`: city day.

    Returns:
        The column of `by`, and `rows`.
    """
    booked = lake.book(EXPIRED_ROWS).filter(pl.col("feed") == feed, pl.col("layer") == layer)
    named = booked.select("file_id", day="event_day", rows=pl.col("rows").cast(pl.Int64))
    return named.group_by(by).agg(pl.col("rows").sum())
