"""The parquet files of a release: one per table and city day, carried over where nothing changed.

`<topic>/<table>/<day column>=YYYY-MM-DD/part-0.parquet`, and `<topic>/<table>/part-0.parquet` for
tables without a day. As Hive and Spark do it, the day stands in the path and not in the file, and
no day is `__HIVE_DEFAULT_PARTITION__`. A day whose rows did not change is a hard link: its file is
neither read nor hashed again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from warehouse.builds import fingerprint, hashed

NO_DAY = "__HIVE_DEFAULT_PARTITION__"
FILE = "part-0.parquet"
NO_ROWS = "1970-01-01"
"""Day under which a table of days keeps its columns while it has no rows: readers tell the type of
the column in the path from it."""


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, as hex digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def write_table(
    building: Path,
    folder: str,
    rows: pl.DataFrame,
    day_column: str | None,
    last: Path,
    before: Mapping[str, dict[str, Any]],
) -> list[dict[str, Any]]:
    """Write or carry over the files of a table.

    Args:
        building: Root of the release being built.
        folder: Of the table, below it.
        rows: In the order they are to be written.
        day_column: Column the files are cut by; None: one file.
        last: Root of the last release.
        before: Path → entry of the last release.

    Returns:
        One entry per file: path, day, rows, bytes, sha256, content.
    """
    contents = contents_by_day(rows, day_column)
    names = {day: f"{folder}/{_part(day_column, day)}{FILE}" for day in contents}
    changed = {
        day for day, name in names.items() if not _is_same(last, before.get(name), contents[day])
    }
    parts = _parts(rows, day_column, changed)
    entries = []
    for day, name in names.items():
        path = building / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if day in changed:
            part = parts[day]
            part.write_parquet(path, compression="zstd", compression_level=3)
            path.chmod(path.stat().st_mode & ~0o222)
            about = {"rows": part.height, "bytes": path.stat().st_size, "sha256": sha256_of(path)}
        else:
            os.link(last / name, path)
            about = {key: before[name][key] for key in ("rows", "bytes", "sha256")}
        entries.append({"path": name, "day": day, **about, "content": contents[day]})
    return entries


def contents_by_day(rows: pl.DataFrame, day_column: str | None) -> dict[str | None, str]:
    """ISO day (None: no day, or no day column) → digest of its rows as a set, and of the columns.

    All rows are hashed at once: cutting a year into days first costs four times as much.
    """
    columns = fingerprint(*rows.schema.items())[:12]
    if rows.is_empty():
        return {NO_ROWS if day_column else None: f"{columns}-0"}
    flat = rows.with_columns(
        pl.col(name).list.eval(pl.element().cast(pl.String)).list.join("\x1f")
        for name, dtype in rows.schema.items()
        if isinstance(dtype, pl.List)
    )
    day = rows[day_column] if day_column else pl.repeat(None, rows.height, eager=True)
    sums = (
        hashed(flat)
        .with_columns(day.cast(pl.String).alias("day"))
        .group_by("day")
        .agg(pl.len(), pl.col("one", "two").sum())
        .sort("day", nulls_last=True)
    )
    return {day: f"{columns}-{n}-{one:x}-{two:x}" for day, n, one, two in sums.iter_rows()}


def _parts(
    rows: pl.DataFrame, day_column: str | None, wanted: set[str | None]
) -> dict[str | None, pl.DataFrame]:
    """Rows of the wanted days, without their day column."""
    if day_column is None or not wanted or rows.is_empty():
        return dict.fromkeys(wanted, rows if day_column is None else rows.drop(day_column))
    day = pl.col(day_column).cast(pl.String)
    mine = rows.filter(day.is_in([d for d in wanted if d]) | (day.is_null() & (None in wanted)))
    cut = mine.partition_by(day_column, as_dict=True, include_key=False, maintain_order=True)
    return {str(key) if key else None: part for (key,), part in cut.items()}


def _part(day_column: str | None, day: str | None) -> str:
    return f"{day_column}={day or NO_DAY}/" if day_column else ""


def _is_same(last: Path, was: Mapping[str, Any] | None, content: str) -> bool:
    """Whether the last release holds these rows, in a file that still has its length."""
    if was is None or was["content"] != content:
        return False
    file = last / was["path"]
    return file.is_file() and file.stat().st_size == was["bytes"]
