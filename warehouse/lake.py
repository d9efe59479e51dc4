"""The Delta lake: the only file that opens Delta tables.

Tables lie at `lake/<layer>/<name>`, readable by any Delta reader. One writer per table; a table is
created with its contract's schema, so that an empty one has columns too.

Not here: what upkeep needs besides (`tidying.py`), counts by data file (`tallies.py`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path

import polars as pl
from deltalake import ColumnProperties, DeltaTable, Schema, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from schemas.contract import Contract, facts, polars_schema
from schemas.tables import Table
from warehouse.home import Home

# zstd-1: 1.2 times raw Arrow writing; level 3 costs 15-35 % more CPU for 3 % fewer bytes.
_WRITER = WriterProperties(compression="ZSTD", compression_level=1, max_row_group_size=30_000)
# Bronze is written once and read once: ids and times hardly repeat, and dictionaries of them cost
# a third of the writing and made the files a quarter larger.
_BRONZE_WRITER = WriterProperties(
    compression="ZSTD",
    compression_level=1,
    max_row_group_size=30_000,
    default_column_properties=ColumnProperties(dictionary_enabled=False),
)
_TRIES = 5
# Opening a table reads every commit since its last checkpoint: 8 ms with a hundred of them, 2 with
# ten. Books get dozens of commits a run.
CHECKPOINT_EVERY = 20
# A book that got one small file per batch is made one file again after so many commits.
_BOOK_COMMITS = 50
TARGET_BYTES = 64 << 20

State = tuple[str, int, int]
"""What tells one state of a table from any other: its newest log entry, with size and time."""


class LakeError(Exception):
    """A table could not be read or written. Never quotes row values."""


class Lake:
    """Reads and writes registered tables of one home."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def path(self, table: Table) -> Path:
        """Directory of a table."""
        return self.home.lake / table.layer / table.name

    def exists(self, table: Table) -> bool:
        """Whether the table was ever created."""
        return (self.path(table) / "_delta_log").is_dir()

    def version(self, table: Table) -> int | None:
        """Delta version, None where the table does not exist yet."""
        if not self.exists(table):
            return None
        state = self.state(table)
        return int(state[0][:20]) if state else self.open(table).version()

    def state(self, table: Table) -> State | None:
        """The newest entry of a table's log, told from listing it; None where there is none."""
        log = self.path(table) / "_delta_log"
        names = (name for name in names_in(log) if name[:20].isdigit())
        newest = max(names, default=None)
        if newest is None:
            return None
        about = (log / newest).stat()
        return newest, about.st_size, about.st_mtime_ns

    def create(self, table: Table) -> None:
        """Create the table, empty, if it is not there."""
        if self.exists(table):
            return
        schema = Schema.from_arrow(empty(table.contract).to_arrow().schema)
        path = self.path(table)
        path.mkdir(parents=True, exist_ok=True)
        if table.is_restricted:
            path.chmod(0o700)
        DeltaTable.create(
            str(path),
            schema=schema,
            mode="ignore",
            partition_by=[table.partition_by] if table.partition_by else None,
            name=table.label,
            description=table.zh,
            configuration=properties(table),
        )

    def scan(self, table: Table) -> pl.LazyFrame:
        """The table as a lazy frame; an empty one where it does not exist yet."""
        if not self.exists(table):
            return empty(table.contract).lazy()
        return pl.scan_delta(str(self.path(table)))

    def read(
        self, table: Table, columns: Sequence[str] | None = None, days: Sequence[date] | None = None
    ) -> pl.DataFrame:
        """Rows of a table, optionally only some columns or some values of its partition column."""
        frame = self.scan(table)
        if days is not None:
            if table.partition_by is None:
                raise LakeError(f"{table.label} is not partitioned by day")
            if not days:
                return empty(table.contract).select(columns or pl.all())
            day = pl.col(table.partition_by)
            frame = frame.filter(day.is_between(min(days), max(days)), day.is_in(list(days)))
        return (frame.select(columns) if columns else frame).collect()

    def book(self, table: Table) -> pl.DataFrame:
        """All rows of a small table of the books; read again only when it changed."""
        path, state = str(self.path(table)), self.state(table)
        if path not in _BOOKS or _BOOKS[path][0] != state or state is None:
            _BOOKS[path] = (state, self.read(table))
        return _BOOKS[path][1]

    def append(self, table: Table, rows: pl.DataFrame) -> None:
        """Add rows; none is no commit. A book with many small files is made one file again."""
        if rows.height:
            self._write(table, rows, mode="append")
            if table.layer == "ops" and (self.version(table) or 0) % _BOOK_COMMITS == 0:
                self.compact(table)

    def replace(self, table: Table, rows: pl.DataFrame) -> None:
        """Replace the whole table in one commit."""
        self._write(table, rows, mode="overwrite")

    def replace_parts(self, table: Table, rows: pl.DataFrame, parts: Iterable[date | str]) -> None:
        """Replace some values of the partition column (days, say) in one commit.

        Raises:
            LakeError: rows lie outside `parts`, or the table has no partitions.
        """
        wanted = sorted(set(parts))
        if table.partition_by is None:
            raise LakeError(f"{table.label} has no partitions to replace")
        outside = rows.filter(~pl.col(table.partition_by).is_in(wanted)).height
        if outside:
            raise LakeError(f"{table.label}: {outside} rows lie outside the parts to be replaced")
        if not wanted:
            return
        values = ", ".join(f"'{part}'" for part in wanted)
        self._write(table, rows, mode="overwrite", predicate=f"{table.partition_by} IN ({values})")

    def compact(self, table: Table, part: date | str | None = None) -> None:
        """Write the small files of a table, or of one part of it, as few; the rows stay."""
        where = [(table.partition_by, "=", str(part))] if table.partition_by and part else None
        self.commit(table, lambda: self.open(table).optimize.compact(
            partition_filters=where, target_size=TARGET_BYTES, writer_properties=_writer(table),
            max_concurrent_tasks=1,
        ))  # fmt: skip

    def delete(self, table: Table, predicate: str | None) -> None:
        """Delete the rows an SQL predicate names; None empties the table."""
        if self.exists(table):
            self.commit(table, lambda: self.open(table).delete(predicate))

    def restore(self, table: Table, version: int | None) -> None:
        """Put a table back to an earlier version; None: to before it existed (empty)."""
        now = self.version(table)
        if now is None or now == version:
            return
        if version is None:
            self.delete(table, None)
        else:
            self.commit(table, lambda: self.open(table).restore(version))

    def open(self, table: Table) -> DeltaTable:
        """The Delta table itself, for upkeep."""
        try:
            return DeltaTable(str(self.path(table)))
        except DeltaError as error:
            raise LakeError(
                f"{table.label} cannot be opened ({_first_line(error)}); restore lake/ from "
                "backup, or move the whole lake/ away and run again: it is built anew from landing"
            ) from None

    def _write(
        self, table: Table, rows: pl.DataFrame, *, mode: str, predicate: str | None = None
    ) -> None:
        self.create(table)
        frame = conform(table, rows)

        def write() -> None:
            write_deltalake(
                self.open(table),
                frame,
                mode=mode,  # pyright: ignore[reportArgumentType]
                predicate=predicate,
                writer_properties=_writer(table),
            )

        self.commit(table, write)

    def commit(self, table: Table, action: Callable[[], object]) -> None:
        """Run a commit, again a few times where another writer was faster."""
        for attempt in range(1, _TRIES + 1):
            try:
                action()
                return
            except CommitFailedError as error:
                if attempt == _TRIES:
                    raise LakeError(f"{table.label}: another writer won {_TRIES} times: "
                                    f"{_first_line(error)}") from None  # fmt: skip
                time.sleep(0.1 * 2**attempt)
            except DeltaError as error:
                # delta's own message may preview rows; only its first line is fit for a log
                raise LakeError(f"{table.label}: {_first_line(error)}") from None


_BOOKS: dict[str, tuple[State | None, pl.DataFrame]] = {}
"""Books as last read, by path, and in which state they were."""


def properties(table: Table) -> dict[str, str]:
    """Delta properties a table is created with.

    The log notes smallest and largest values of the sorting columns only: those of all columns, of
    365 days, made opening the table dearer than the lookup it was opened for.
    """
    found = {"delta.checkpointInterval": str(CHECKPOINT_EVERY)}
    if table.sort_by:
        found["delta.dataSkippingStatsColumns"] = ",".join(table.sort_by)
    return found


def names_in(log: Path) -> list[str]:
    """Names of the entries of a table's log; none where there is no table."""
    try:
        with os.scandir(log) as entries:
            return [entry.name for entry in entries]
    except FileNotFoundError:
        return []


def _writer(table: Table) -> WriterProperties:
    return _BRONZE_WRITER if table.layer == "bronze" else _WRITER


def empty(contract: type[Contract]) -> pl.DataFrame:
    """No rows, in the contract's columns and types."""
    return pl.DataFrame(schema=polars_schema(contract))


def conform(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows in the contract's column order and exact types, sorted as its files are.

    Raises:
        LakeError: a column is missing, or holds nulls where the contract forbids them.
    """
    schema = polars_schema(table.contract)
    missing = [name for name in schema if name not in rows.columns]
    if missing:
        raise LakeError(f"{table.label}: columns missing before writing: {', '.join(missing)}")
    try:
        frame = rows.select([pl.col(name).cast(dtype) for name, dtype in schema.items()])
    except pl.exceptions.PolarsError:  # its message quotes the values it could not cast
        odd = [name for name, dtype in schema.items() if rows.schema[name] != dtype]
        raise LakeError(
            f"{table.label}: values do not fit the contract: {', '.join(odd)}"
        ) from None
    columns = table.contract.columns()
    nulls = [n for n in schema if not columns[n].nullable and frame[n].null_count()]
    if nulls:
        raise LakeError(f"{table.label}: nulls where the contract forbids them: {', '.join(nulls)}")
    # Bronze lies as it arrived: sorting its long ids cost as much as writing it.
    order = [c for c in (table.partition_by, *table.sort_by) if c and table.layer != "bronze"]
    return frame.sort(order, maintain_order=True) if order else frame


def comments(table: Table) -> dict[str, str]:
    """Column → Chinese label with its unit and note, for readers that show comments."""
    found = {}
    for name in table.contract.columns():
        about = facts(table.contract, name)
        unit = f"（{about['unit']}）" if about.get("unit") else ""
        note = f"；{about['note']}" if about.get("note") else ""
        found[name] = f"{about.get('zh', name)}{unit}{note}"
    return found


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0].split("Preview", 1)[0][:200]
