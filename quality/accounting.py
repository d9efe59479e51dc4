"""Row accounts: nothing that arrived may be missing from where it should have gone.

arrived = accepted + quarantined + refused, per file and feed, a file's entries summed up: one of
its intake, and one of every replay that moved rows of it from quarantined to accepted; rows that
expired stay booked, and count where they were (`ops.expired_rows`);
accepted + moved in = kept + merged + superseded + set aside + moved out, per silver table and day
(rows move only where a camera's clock is corrected across midnight; all that move out move in).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl


def open_file_accounts(
    accounts: pl.DataFrame, bronze: pl.DataFrame, quarantine: pl.DataFrame
) -> pl.DataFrame:
    """Files whose account does not close, against the rows really in the tables.

    Args:
        accounts: ops.row_accounts of one feed.
        bronze: `file_id` and how many `rows` of it are in bronze.
        quarantine: `file_id` and how many `rows` of it are in quarantine.

    Returns:
        `file_id`, what was booked and what was found; empty when every account closes.
    """
    parts = ("arrived", "accepted", "quarantined", "refused")
    booked = accounts.group_by("file_id").agg(pl.col(*parts).sum())
    found = booked.join(
        bronze.select("file_id", found_accepted="rows"), on="file_id", how="full", coalesce=True,
    ).join(
        quarantine.select("file_id", found_quarantined="rows"), on="file_id", how="full",
        coalesce=True,
    ).fill_null(0)  # fmt: skip
    return found.filter(
        (pl.col("accepted") != pl.col("found_accepted"))
        | (pl.col("quarantined") != pl.col("found_quarantined"))
        | (pl.col("arrived") != pl.sum_horizontal("accepted", "quarantined", "refused"))
    )


def day_accounts(
    accepted: pl.DataFrame, kept: pl.DataFrame, ledger: pl.DataFrame, set_aside: pl.DataFrame
) -> pl.DataFrame:
    """The account of a silver table by day.

    Args:
        accepted: `day`, `rows`: rows of bronze (summed over the feeds of the table).
        kept: `day`, `rows`: rows of the silver table.
        ledger: `day`, `outcome`, `rows` of its merges.
        set_aside: `day`, `rows`.

    Returns:
        One row per day: accepted, kept, merged, superseded, set_aside, moved_out, moved_in,
        missing (0 when it closes). Registers have one row, with a null day.
    """
    parts = [
        accepted.select("day", what=pl.lit("accepted"), rows="rows"),
        kept.select("day", what=pl.lit("kept"), rows="rows"),
        ledger.select("day", what="outcome", rows="rows"),
        set_aside.select("day", what=pl.lit("set_aside"), rows="rows"),
    ]
    long = pl.concat([p.with_columns(pl.col("rows").cast(pl.Int64)) for p in parts])
    names = ("accepted", "kept", "merged", "superseded", "set_aside", "moved_out", "moved_in")
    return (
        long.group_by("day")
        .agg([pl.col("rows").filter(pl.col("what") == n).sum().alias(n) for n in names])
        .with_columns(
            missing=pl.col("accepted") + pl.col("moved_in")
            - pl.sum_horizontal("kept", "merged", "superseded", "set_aside", "moved_out")
        )
        .sort("day", nulls_last=True)
    )  # fmt: skip


def closes(account: pl.DataFrame) -> bool:
    """Whether a silver table's account closes: no row missing, and what moved out moved in."""
    return (
        not (account["missing"] != 0).any()
        and account["moved_out"].sum() == account["moved_in"].sum()
    )


def tiers_out_of_step(values: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Sums whose tiers do not add up to the same total.

    Args:
        values: `tier`, `value` and the columns of `by`.
        by: What one total is of: a metric, and a day or a period.

    Returns:
        The offenders with the total of each tier; empty when all agree.
    """
    totals = values.group_by(by).agg(
        pl.col("value").filter(pl.col("tier") == tier).sum().alias(tier)
        for tier in ("district", "street", "community")
    )
    near = 1e-9 * pl.col("district").abs() + 1e-9
    return totals.filter(
        ((pl.col("street") - pl.col("district")).abs() > near)
        | ((pl.col("community") - pl.col("district")).abs() > near)
    )
