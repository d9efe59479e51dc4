"""Pulling a database source: rows beyond its mark become landing files, which intake then reads.

Nothing goes into the lake from here: intake, journal, accounts, receipts and replays stay the one
way in. A file is written under a temporary name and renamed once it is whole; its name carries the
mark it reaches (`warehouse/marks.py`). So a pull that is killed goes on where its last file ended,
and no book has to agree with the files.

A file never ends amid rows that share a mark. Rows at the mark itself are read again by the next
pull, for others may have come to share it; only if they are just those landed before are they left
out. Where they are not, all of them land once more, and the newest version of each counts.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow as pa
import zstandard

from schemas.sources import Source, SourceError
from warehouse import journal
from warehouse.lake import Lake
from warehouse.marks import Mark, Reached, Ties, file_name, kind_of, mark_given, reached_by
from warehouse.postgres import Database, connected


@dataclass
class Pulled:
    """What one pull of one source brought.

    Attributes:
        source: Its name.
        feed: Feed the rows belong to.
        begin: The mark before; None: nothing was ever pulled.
        end: The mark now.
        rows: Rows landed.
        files: Names of the files, below `landing/`.
        unmarked: Rows that cannot be pulled: they have no usable high-water value.
    """

    source: str
    feed: str
    begin: Mark | None = None
    end: Mark | None = None
    rows: int = 0
    files: list[str] = field(default_factory=list)
    unmarked: int = 0


def pull(lake: Lake, source: Source, since: str | None = None) -> Pulled:
    """Land the rows of a source that are new or changed since the pull before.

    Args:
        lake: The lake of a home; files are added to its landing folder.
        source: The source.
        since: Read again from this mark on (a number, day or time) instead of the one reached.

    Raises:
        SourceError: it cannot be read, or another pull of it is at work. Files landed before
            that stay, and count.
    """
    lake.home.prepare()
    folder = lake.home.landing / source.folder
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder, source), connected(source) as database:
        reached = _reached(lake, source, database.kind)
        begin = max((one.end for one in reached), default=None)
        known = {one.ties for one in reached if one.end == begin}
        if since is not None:
            begin, known = _given(source, database.kind, since), set()
        pulled = Pulled(source.name, source.folder, begin, begin)
        spool = _Spool(folder, source)
        try:
            _land(database, spool, pulled, known)
        finally:
            spool.drop()
        pulled.unmarked = database.unmarked()
    return pulled


def _reached(lake: Lake, source: Source, kind: str) -> list[Reached]:
    """How far the source was read, by files in landing and files taken in since removed.

    Raises:
        SourceError: it was read by a column of another kind before.
    """
    landed = [path.name for path in (lake.home.landing / source.folder).iterdir()]
    own = pl.col("file_name").str.starts_with(f"{source.folder}/db-{source.name}-")
    taken = lake.scan(journal.FILES).filter(own).select("file_name").collect()
    reached = reached_by(source.name, [*landed, *taken["file_name"]])
    if any(kind_of(one.end) != kind for one in reached):
        raise SourceError(
            f"source {source.name}: it was read by a high_water of another type before: give the "
            "file config/sources/… another name, and pull again"
        )
    return reached


def _given(source: Source, kind: str, since: str) -> Mark:
    try:
        return mark_given(kind, since)
    except ValueError as error:
        raise SourceError(f"source {source.name}: --since {error}") from None


def _land(database: Database, spool: _Spool, pulled: Pulled, known: set[str]) -> None:
    """Write everything from the mark on, file by file; `known`: ties at the mark landed before."""
    ties, at_mark = Ties(), pulled.begin is not None
    for batch in database.batches(pulled.begin):
        rest = batch
        if at_mark:
            rest = _move(spool, ties, rest, _sharing(rest, pulled.begin))
            if not rest.num_rows:
                continue
            at_mark = False
            if ties.digest in known:
                spool.drop()
        while rest.num_rows:
            room = database.source.batch_rows - spool.rows
            count = min(room, rest.num_rows) if room > 0 else _sharing(rest, ties.mark)
            if count:
                rest = _move(spool, ties, rest, count)
            else:
                _put(spool, ties, pulled)
    if spool.rows and not (at_mark and ties.digest in known):
        _put(spool, ties, pulled)


def _sharing(batch: pa.RecordBatch, mark: Mark | None) -> int:
    """How many rows of a batch have a mark; they stand together."""
    return int((pl.Series(batch.column("mark")) == mark).sum())


def _move(spool: _Spool, ties: Ties, batch: pa.RecordBatch, count: int) -> pa.RecordBatch:
    """Write the first rows of a batch and note their ties; the rest of it."""
    head = batch.slice(0, count)
    if count:
        lines, last = head.column("line").to_pylist(), head.column("mark")[-1].as_py()
        spool.write(lines)
        ties.add(last, lines[count - _sharing(head, last) :])
    return batch.slice(count)


def _put(spool: _Spool, ties: Ties, pulled: Pulled) -> None:
    """Put the file in place: from here on its rows are pulled."""
    assert ties.mark is not None
    name = file_name(pulled.source, pulled.end, Reached(ties.mark, ties.digest))
    pulled.rows += spool.rows
    spool.put(name)
    pulled.files.append(f"{pulled.feed}/{name}")
    pulled.end = ties.mark


class _Spool:
    """A file being written, under a name that intake leaves alone."""

    def __init__(self, folder: Path, source: Source) -> None:
        self.rows = 0
        self._folder = folder
        self._part = folder / f"db-{source.name}.ndjson.zst.part"
        self._stream: zstandard.ZstdCompressionWriter | None = None

    def write(self, lines: list[str]) -> None:
        """Add lines."""
        if self._stream is None:
            handle = self._part.open("wb")
            self._part.chmod(0o600)
            self._stream = zstandard.ZstdCompressor(level=3).stream_writer(handle)
        self._stream.write("".join(f"{line}\n" for line in lines).encode())
        self.rows += len(lines)

    def drop(self) -> None:
        """Forget what was written."""
        self._close()
        self._part.unlink(missing_ok=True)

    def put(self, name: str) -> None:
        """Give the file its name, once it is on the disk."""
        self._close()
        _sync(self._part)
        self._part.replace(self._folder / name)
        _sync(self._folder)

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream, self.rows = None, 0


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _alone(folder: Path, source: Source) -> Iterator[None]:
    """One pull of a source at a time; runs of the lake need not wait for it.

    Raises:
        SourceError: another is at work.
    """
    with (folder / f".db-{source.name}.lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SourceError(
                f"source {source.name}: another pull of it is at work: wait for it to end"
            ) from None
        yield


__all__ = ["Pulled", "pull"]
