"""The books read back from the tables themselves: for the blocking checks and `govlake status`.

Every account is always drawn up whole, over all files and days; what was counted in a data file
that has not changed since is remembered (`warehouse/tallies.py`).
"""

from __future__ import annotations

import polars as pl

from quality.accounting import closes, day_accounts, open_file_accounts, tiers_out_of_step
from schemas import tables
from schemas.feeds import FEEDS
from schemas.metrics import METRICS
from schemas.tables import Layer, Table
from warehouse.lake import Lake
from warehouse.seals import expired
from warehouse.tallies import tally

ACCOUNTS = tables.table("ops", "row_accounts")
PARTS = ("arrived", "accepted", "quarantined", "refused")
TIERED = ("daily_values", "period_values")


def feed_totals(lake: Lake, feed: str) -> dict[str, int]:
    """What is booked of a feed over all its files: arrived, accepted, quarantined, refused."""
    return _booked(lake, feed).select(pl.col(*PARTS).sum()).row(0, named=True)


def open_accounts(lake: Lake, feed: str, *, whole: bool = False) -> pl.DataFrame:
    """Files of a feed whose account does not agree with the rows really in its tables.

    Args:
        lake: The lake.
        feed: A feed of the registry.
        whole: Read every data file again, also those counted before.
    """
    return open_file_accounts(
        _booked(lake, feed),
        _held(lake, "bronze", feed, "file_id", whole=whole),
        _held(lake, "quarantine", feed, "file_id", whole=whole),
    )


def silver_account(lake: Lake, name: str, *, whole: bool = False) -> pl.DataFrame:
    """A silver table's account by day (see `quality.accounting.day_accounts`)."""
    table = tables.table("silver", name)
    merges = tables.table("silver", f"{name}_merges")
    set_aside = tables.table("silver", f"{name}_set_aside")
    return day_accounts(
        pl.concat([_held(lake, "bronze", f, "day", whole=whole) for f in tables.ACCOUNTED[name]]),
        _counted(lake, table, "day", whole=whole),
        _counted(lake, merges, "day", "outcome", whole=whole),
        _counted(lake, set_aside, "day", whole=whole),
    )


def tiers_out(lake: Lake, name: str, *, whole: bool = False) -> pl.DataFrame:
    """Sums (by day or period) of a statistics table whose tiers do not add up to the same total."""
    table = tables.table("statistics", name)
    own = (table.partition_by,) if table.partition_by else ("period", "period_start")
    totals = tally(lake, table, ("metric_id", "tier", *own), "value", whole=whole)
    sums = totals.filter(pl.col("metric_id").is_in([metric.id for metric in METRICS]))
    return tiers_out_of_step(sums, ["metric_id", *own])


def all_that_is_open(lake: Lake) -> list[str]:
    """Every account that does not close, counted whole: what the blocking checks promise."""
    feeds = (f"bronze.{f.name}" for f in FEEDS if open_accounts(lake, f.name, whole=True).height)
    silver = (
        f"silver.{n}" for n in tables.ACCOUNTED if not closes(silver_account(lake, n, whole=True))
    )
    tiers = (f"statistics.{n}" for n in TIERED if tiers_out(lake, n, whole=True).height)
    return [*feeds, *silver, *tiers]


def _booked(lake: Lake, feed: str) -> pl.DataFrame:
    return lake.book(ACCOUNTS).filter(pl.col("feed") == feed)


def _held(lake: Lake, layer: Layer, feed: str, by: str, *, whole: bool) -> pl.DataFrame:
    """Rows of a feed in bronze or quarantine, and those that expired from there."""
    there = _counted(lake, tables.table(layer, feed), by, whole=whole)
    gone = expired(lake, feed, layer, by)
    if gone.is_empty():
        return there
    return pl.concat([there, gone.select(there.columns)]).group_by(by).agg(pl.col("rows").sum())


def _counted(lake: Lake, table: Table, *by: str, whole: bool) -> pl.DataFrame:
    """Rows of a table by some of `file_id`, `day`, `outcome`."""
    day = table.partition_by
    known = {"bronze": ["file_id"], "quarantine": ["file_id"]}.get(table.layer, [])
    known += ["outcome"] if table.name.endswith("_merges") else []
    counted = tally(lake, table, [*known, *([day] if day else [])], whole=whole)
    named = counted.with_columns((pl.col(day) if day else pl.lit(None, pl.Date)).alias("day"))
    return named.group_by(by).agg(pl.col("rows").sum())
