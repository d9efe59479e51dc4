"""The books read back from the tables themselves: for the blocking checks and `govlake status`."""

from __future__ import annotations

import polars as pl

from quality.accounting import day_accounts, open_file_accounts
from schemas import tables
from schemas.tables import Table
from warehouse.lake import Lake

ACCOUNTS = tables.table("ops", "row_accounts")
PARTS = ("arrived", "accepted", "quarantined", "refused")


def feed_totals(lake: Lake, feed: str) -> dict[str, int]:
    """What is booked of a feed over all its files: arrived, accepted, quarantined, refused."""
    booked = lake.scan(ACCOUNTS).filter(pl.col("feed") == feed)
    return booked.select(pl.col(*PARTS).sum()).collect().row(0, named=True)


def open_accounts(lake: Lake, feed: str) -> pl.DataFrame:
    """Files of a feed whose account does not agree with the rows really in its tables."""
    booked = lake.scan(ACCOUNTS).filter(pl.col("feed") == feed).collect()
    bronze = lake.read(tables.table("bronze", feed), ["file_id"])
    quarantine = lake.read(tables.table("quarantine", feed), ["file_id"])
    return open_file_accounts(booked, bronze, quarantine)


def silver_account(lake: Lake, name: str) -> pl.DataFrame:
    """A silver table's account by day (see `quality.accounting.day_accounts`)."""
    table = tables.table("silver", name)
    bronze = [tables.table("bronze", feed) for feed in tables.ACCOUNTED[name]]
    return day_accounts(
        pl.concat([_counted(lake, one) for one in bronze]),
        _counted(lake, table),
        _counted(lake, tables.table("silver", f"{name}_merges"), "outcome"),
        _counted(lake, tables.table("silver", f"{name}_set_aside")),
    )


def _counted(lake: Lake, table: Table, *by: str) -> pl.DataFrame:
    day = pl.col(table.partition_by) if table.partition_by else pl.lit(None, pl.Date)
    return lake.scan(table).group_by(day.alias("day"), *by).agg(rows=pl.len()).collect()
