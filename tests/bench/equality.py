"""Whether a bare script found what govlake found: row for row, a city day at a time."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

import assets.topics  # noqa: F401 - registers the topic tables
from schemas import tables
from schemas.contract import PROVENANCE, polars_schema
from schemas.tables import Table
from warehouse.home import Home
from warehouse.lake import Lake

from .fields import KINDS

PASSAGES = [tables.table("silver", f"{short}_passages") for short in KINDS]
LEDGERS = [
    tables.table("silver", f"{short}_passages_{ledger}")
    for short in KINDS
    for ledger in ("merges", "set_aside")
]
# Rows and columns that come from site settings or other topics: no script knows of them, and in a
# home of captures alone, without settings, they say nothing.
_OWN_COLUMNS = {"clock_offset_s": 0, "heading": None}
_OWN_METRICS = pl.col("metric_id").str.starts_with("passage_")
_FILES = {"topics.passage_device_hours": "hours.parquet",
          "statistics.daily_values": "daily_values.parquet"}  # fmt: skip


class Unequal(AssertionError):
    """A script and govlake disagree. Names tables, days and counts, never rows' values."""


def check_equal(home: Home, out: Path, *, passages_only: bool = False) -> dict[str, int]:
    """Compare what a script wrote with govlake's lake.

    Args:
        home: Where govlake ran.
        out: The script's output folder.
        passages_only: Compare nothing but passages (for the floor).

    Returns:
        Table → rows found equal.

    Raises:
        Unequal: a table differs.
    """
    lake = Lake(home)
    found = {table.label: _same_days(lake, table, out) for table in PASSAGES}
    if passages_only:
        return found
    counted = [tables.BY_KEY[(layer, name)] for layer, _, name in
               (label.partition(".") for label in _FILES)]  # fmt: skip
    found |= {table.label: _same_days(lake, table, out) for table in (*LEDGERS, *counted)}
    return found | {"quarantine": _same_quarantine(lake, out), "bronze": _same_bronze(lake, out)}


def _same_days(lake: Lake, table: Table, out: Path) -> int:
    """Rows of a daily table, after comparing every day of it."""
    assert table.partition_by is not None
    own = pl.scan_parquet(out / _FILES.get(table.label, f"{_short(table.name)}/*.parquet"))
    day = pl.col(table.partition_by)
    days = {
        *lake.scan(table).select(day.unique()).collect().to_series(),
        *own.select(day.unique()).collect().to_series(),
    }
    rows = 0
    for one in sorted(days):
        expected = lake.read(table, days=[one])
        if "metric_id" in expected.columns:
            expected = expected.filter(_OWN_METRICS)
        got = own.filter(day == one).collect()
        got = got.with_columns(pl.lit(v).alias(c) for c, v in _OWN_COLUMNS.items()
                               if c in expected.columns)  # fmt: skip
        _compare(f"{table.label} {one}", got, expected, polars_schema(table.contract))
        rows += expected.height
    return rows


def _short(name: str) -> str:
    """Folder of a silver table in a script's output."""
    short = name.split("_", 1)[0]
    return name.replace(f"{short}_passages_", f"{short}_")


def _same_quarantine(lake: Lake, out: Path) -> int:
    """Quarantined rows by file name, row, item and rules."""
    files = lake.read(tables.table("ops", "files"), ["file_id", "file_name"])
    parts = []
    for kind in KINDS.values():
        held = lake.read(tables.table("quarantine", kind.feed), [*PROVENANCE, "rules"])
        parts.append(held.join(files, on="file_id").with_columns(feed=pl.lit(kind.feed)))
    expected = pl.concat(parts).rename({"file_name": "file"})
    got = pl.read_parquet(out / "quarantined.parquet")
    schema = {"feed": pl.String(), "file": pl.String(), "row_number": pl.Int64(),
              "item_number": pl.Int64(), "rules": pl.String()}  # fmt: skip
    tidy = (pl.col("file").str.split("/").list.last(), pl.col("rules").list.sort().list.join(","))
    _compare("quarantine", got.with_columns(tidy), expected.with_columns(tidy), schema)
    return expected.height


def _same_bronze(lake: Lake, out: Path) -> int:
    """Accepted rows, compared by number."""
    total = 0
    for short, kind in KINDS.items():
        own = pl.scan_parquet(out / "bronze" / short / "*.parquet")
        expected, got = (
            rows.select(pl.len()).collect().item()
            for rows in (lake.scan(tables.table("bronze", kind.feed)), own)
        )
        if got != expected:
            raise Unequal(f"bronze.{kind.feed}: {got} rows accepted, govlake accepted {expected}")
        total += expected
    return total


def _compare(
    what: str, got: pl.DataFrame, expected: pl.DataFrame, schema: dict[str, pl.DataType]
) -> None:
    left, right = _plain(got, schema), _plain(expected, schema)
    if left.equals(right):
        return
    columns = list(schema)
    more = left.join(right, on=columns, how="anti", nulls_equal=True).height
    less = right.join(left, on=columns, how="anti", nulls_equal=True).height
    differing = [c for c in columns if not left[c].sort().equals(right[c].sort())]
    raise Unequal(
        f"{what}: {left.height} rows, govlake has {right.height}; {more} only here, {less} only in "
        f"govlake; columns that differ: {', '.join(differing)}"
    )


def _plain(frame: pl.DataFrame, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """The contract's columns and types in one order of rows; naive instants are UTC."""
    aware = [
        pl.col(c).dt.replace_time_zone("UTC")
        for c, t in schema.items()
        if isinstance(t, pl.Datetime) and getattr(frame.schema[c], "time_zone", None) is None
    ]
    typed = frame.with_columns(aware).select(pl.col(c).cast(t) for c, t in schema.items())
    return typed.sort(list(schema), nulls_last=True)


if __name__ == "__main__":
    try:
        check_equal(Home(Path(sys.argv[1])), Path(sys.argv[2]), passages_only=len(sys.argv) > 3)
    except Unequal as unequal:
        sys.exit(str(unequal))
