"""Writes table files (CSV) of registers and events, and notes what each carries."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.demo.plan import Plan

UNDECODABLE = "\ue000"
"""Stands for bytes that no encoding of the file can read; replaced when the file is encoded."""

CLOCKS = ("%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S", "%Y-%m-%dT%H:%M:%S+08:00")
"""The three ways in which sources write a time of day (city time)."""


def write_csv(
    plan: Plan,
    feed: str,
    name: str,
    rows: pl.DataFrame,
    encoding: str = "utf-8",
    rules: str = "rules",
) -> None:
    """Write rows as they stand, and note arrivals and rows that must be quarantined.

    Args:
        plan: The demo.
        feed: Feed, which is also its landing folder.
        name: File name.
        rows: Text columns named as the source writes them, and the column `rules`.
        encoding: Of the file; `utf-8-sig` puts a byte order mark in front.
        rules: Column of lists: rules the row breaks, null for good rows; never written.
    """
    text = rows.drop(rules).write_csv()
    data = text.encode(encoding).replace(
        UNDECODABLE.encode(encoding.removesuffix("-sig")), b"\xff\xff"
    )
    plan.landing.write(feed, name, [data])
    note_rows(plan, feed, name, rows[rules])


def note_rows(plan: Plan, feed: str, name: str, rules: pl.Series) -> None:
    """Note arrivals and quarantined rows of a file with one row per data row."""
    plan.truth.arrive(feed, name, len(rules))
    for position in rules.is_not_null().arg_true().to_list():
        plan.truth.quarantine(feed, name, position + 1, rules[position].to_list())


def with_rules(rows: pl.DataFrame, *rules: str) -> pl.DataFrame:
    """Mark rows as breaking these rules; none means the rows are good."""
    mark = pl.lit(None, dtype=pl.List(pl.String))
    if rules:
        mark = pl.concat_list([pl.lit(rule) for rule in rules])
    return rows.with_columns(rules=mark)


def spoil(row: pl.DataFrame, rules: list[str], **values: str | None) -> pl.DataFrame:
    """One good row with some texts replaced, marked with the rules it then breaks."""
    new = [pl.lit(value, dtype=pl.String).alias(column) for column, value in values.items()]
    return with_rules(row.with_columns(new), *rules)


def clock_text(instants: pl.Expr, style: int = 0) -> pl.Expr:
    """City wall-clock times as text in one of `CLOCKS`; null stays null."""
    return instants.dt.strftime(CLOCKS[style])


def wall_clock(plan: Plan, seconds: np.ndarray, name: str = "") -> pl.Series:
    """Naive city times, given as seconds since the first midnight of the demo."""
    first = pl.Series([plan.all_days[0]]).cast(pl.Datetime("us"))[0]
    micro = pl.Series(name, (np.asarray(seconds) * 1_000_000).astype(np.int64))
    return micro.cast(pl.Duration("us")) + first
