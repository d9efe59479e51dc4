"""What was built from what: the reason a rerun touches nothing.

Every part of a derived table (a city day, or the whole) records the fingerprint of its inputs and
of its own content. A part is stale when the inputs it would be built from today are others.
Content fingerprints are passed downstream, so a rebuild that changed nothing stops there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from schemas import tables
from schemas.tables import Table
from warehouse.lake import Lake
from warehouse.seals import not_built_again

WHOLE = "all"
_BUILDS = tables.table("ops", "builds")
_ACCOUNTS = tables.table("ops", "row_accounts")
_HOUSE = Path(__file__).parent.parent


@dataclass(frozen=True)
class Built:
    """One part of a table as it was last built."""

    inputs: str
    content: str
    rows: int


def fingerprint(*things: object) -> str:
    """A short digest of anything with a stable text.

    >>> fingerprint("a", 1) == fingerprint("a", 1) != fingerprint("a", 2)
    True
    """
    return hashlib.sha256("\x1f".join(map(str, things)).encode()).hexdigest()[:32]


@cache
def code_fingerprint() -> str:
    """Digest of everything that decides what a table holds: contracts, rules, codes, transforms."""
    digest = hashlib.sha256()
    for room in ("schemas", "quality", "assets"):
        for path in sorted((_HOUSE / room).rglob("*")):
            if path.suffix in {".py", ".csv"}:
                digest.update(path.relative_to(_HOUSE).as_posix().encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def content_fingerprint(frame: pl.DataFrame) -> str:
    """Digest of the rows as a set, whatever their order. For noticing change, not for proof."""
    if frame.height == 0:
        return "0"
    flat = frame.with_columns(
        pl.col(name).list.eval(pl.element().cast(pl.String)).list.join("\x1f")
        for name, dtype in frame.schema.items()
        if isinstance(dtype, pl.List)
    )
    one, two = hashed(flat).sum().row(0)
    return f"{frame.height}-{one:x}-{two:x}"


def hashed(frame: pl.DataFrame) -> pl.DataFrame:
    """Two hashes of every row, `one` and `two`; their sums tell sets of rows apart."""
    one = frame.hash_rows(seed=7)
    return pl.DataFrame({"one": one, "two": one // 3 + one % 1_000_003 * 7919})


def built_parts(table: Table, rows: pl.DataFrame, inputs: Mapping[str, str]) -> dict[str, Built]:
    """How some days of a table are built now: their inputs, and the content of each.

    Args:
        table: A table partitioned by day.
        rows: The rows of all those days.
        inputs: ISO day → fingerprint of its inputs.
    """
    assert table.partition_by is not None
    by_day = {str(day): part for (day,), part in rows.group_by(table.partition_by)}
    nothing = rows.clear()
    return {
        day: Built(wanted, content_fingerprint(own := by_day.get(day, nothing)), own.height)
        for day, wanted in inputs.items()
    }


def parts_of(lake: Lake, table: Table) -> dict[str, Built]:
    """Part → how it was last built."""
    return _all_parts(lake).get(table.label, {})


def _all_parts(lake: Lake) -> dict[str, dict[str, Built]]:
    """Table → part → how it was last built; read again only when the book has changed."""
    key = (str(lake.path(_BUILDS)), lake.state(_BUILDS))
    if _READ.get("key") != key:
        book: dict[str, dict[str, Built]] = {}
        columns = ["table_key", "part", "inputs", "content", "rows"]
        for label, part, *built in lake.read(_BUILDS, columns).iter_rows():
            book.setdefault(label, {})[part] = Built(*built)
        _READ.update(key=key, book=book)
    return _READ["book"]


_READ: dict[str, Any] = {}
"""The book as last read, and in which state it was."""


def stale(lake: Lake, table: Table, inputs: Mapping[str, str]) -> list[str]:
    """Parts whose inputs are others than those they were built from, in order; no sealed days."""
    built, sealed = parts_of(lake, table), not_built_again(lake, table)
    return sorted(
        part
        for part, wanted in inputs.items()
        if (part not in built or built[part].inputs != wanted)
        and not (sealed and part <= sealed.isoformat())
    )


def record(lake: Lake, table: Table, built: Mapping[str, Built]) -> None:
    """Note how parts were built, keeping the notes of the others. Last act of a build."""
    with lake.home.locked(wait=True):
        book, before = _all_parts(lake), lake.version(_BUILDS) or 0
        parts = {**book.get(table.label, {}), **built}
        rows = pl.DataFrame(
            [
                {"table_key": table.label, "part": part, "inputs": one.inputs,
                 "content": one.content, "rows": one.rows}
                for part, one in sorted(parts.items())
            ]
        )  # fmt: skip
        lake.replace_parts(_BUILDS, rows, [table.label])
        if lake.version(_BUILDS) == before + 1:  # nobody else's notes came in between
            key = (str(lake.path(_BUILDS)), lake.state(_BUILDS))
            _READ.update(key=key, book={**book, table.label: parts})


def content_of(lake: Lake, table: Table) -> str:
    """One digest over all parts of a table."""
    parts = parts_of(lake, table)
    return fingerprint(*(f"{part}={one.content}" for part, one in sorted(parts.items())))


def arrived(lake: Lake, feed: str) -> dict[str, str]:
    """City day (or `all`) → digest of the files that brought rows of it, for one feed."""
    key = (str(lake.path(_ACCOUNTS)), lake.state(_ACCOUNTS))
    if _ARRIVED.get("key") != key:
        _ARRIVED.clear()
        _ARRIVED["key"] = key
    if feed not in _ARRIVED:
        _ARRIVED[feed] = _arrived(lake.book(_ACCOUNTS), feed)
    return dict(_ARRIVED[feed])


_ARRIVED: dict[str, Any] = {}
"""What arrived by feed, and of which state of the row accounts that was told."""


def _arrived(accounts: pl.DataFrame, feed: str) -> dict[str, str]:
    mine = accounts.filter((pl.col("feed") == feed) & (pl.col("accepted") > 0))
    # a replay brings more rows of a file that was there already
    replayed = pl.concat_str("file_id", "batch_id", separator="/")
    brought = pl.when(pl.col("arrived") == 0).then(replayed).otherwise("file_id")
    mine = mine.with_columns(file_id=brought)
    if tables.table("bronze", feed).partition_by is None:
        return {WHOLE: fingerprint(*sorted(set(mine["file_id"])))} if mine.height else {}
    files = (
        mine.select("file_id", day="days")
        .explode("day")
        .drop_nulls()
        .group_by("day")
        .agg(pl.col("file_id").unique().sort())
        .sort("day")
    )
    return {
        day.isoformat(): fingerprint(*found)
        for day, found in files.select("day", "file_id").iter_rows()
    }
