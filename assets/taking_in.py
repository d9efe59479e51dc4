"""Taking in landed files: read, judge, write bronze and quarantine, account, receipt.

Not here: Dagster (`intake.py`), the forms of files (`warehouse/readers`), rules (`schemas`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from assets.file_accounts import Account, file_account, file_record, receipt_of, write_receipt
from quality.judging import UNREADABLE_ROW, judge
from schemas import tables
from schemas.feeds import BY_NAME, Feed, sources
from schemas.ledgers import FileAccount, FileRecord, QuarantinedRow
from warehouse import journal
from warehouse.builds import fingerprint
from warehouse.lake import Lake, empty
from warehouse.landing import LandedFile, form_of, list_files
from warehouse.progress import report
from warehouse.readers import Chunk, Reader, UnreadableFile
from warehouse.readers.objects import ObjectReader
from warehouse.readers.shapes import GeoJsonReader
from warehouse.readers.tables import CsvReader, XlsxReader

BATCH_BYTES = 512 << 20
BATCH_FILES = 64
ROWS_PER_COMMIT = 400_000


@dataclass
class Intake:
    """What one call took in, for people."""

    files: int = 0
    seen_before: int = 0
    waiting: list[str] = field(default_factory=list)
    refused_files: dict[str, str] = field(default_factory=dict)
    set_aside: dict[str, str] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)
    recovered: str | None = None

    def count(self, book: dict[str, Account]) -> None:
        """Add the rows of one file."""
        for feed, one in book.items():
            self.rows[f"{feed} accepted"] += one.accepted
            self.rows[f"{feed} quarantined"] += one.quarantined
            self.rows[f"{feed} refused"] += one.refused


@dataclass
class _Batch:
    """Rows on their way into the lake, written out when there are enough of them."""

    lake: Lake
    accepted: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    quarantined: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    waiting: int = 0
    written: set[str] = field(default_factory=set)

    def add(self, feed: str, accepted: pl.DataFrame, quarantined: pl.DataFrame) -> None:
        self.accepted.setdefault(feed, []).append(accepted)
        self.quarantined.setdefault(feed, []).append(quarantined)
        self.waiting += accepted.height + quarantined.height

    def write(self) -> None:
        for layer, held in (("bronze", self.accepted), ("quarantine", self.quarantined)):
            for feed, frames in held.items():
                rows = pl.concat(frames)
                if rows.height:
                    self.lake.append(tables.BY_KEY[(layer, feed)], rows)
                    self.written.update(rows["file_id"].unique())
        self.accepted.clear()
        self.quarantined.clear()
        self.waiting = 0

    def forget(self, file_id: str) -> None:
        """Take back every row of a file that turned out unreadable further down."""
        for held in (self.accepted, self.quarantined):
            for feed, frames in held.items():
                held[feed] = [f.filter(pl.col("file_id") != file_id) for f in frames]
        if file_id in self.written:
            for feed in BY_NAME:
                for layer in ("bronze", "quarantine"):
                    self.lake.delete(tables.BY_KEY[(layer, feed)], f"file_id = '{file_id}'")


def take_in(lake: Lake, source: str) -> Intake:
    """Take in every new file of a source; files taken in before are left alone.

    Args:
        lake: The lake of a home; its landing folder is read, never changed.
        source: A source of the registry.

    Returns:
        What happened, by file and rule. An unreadable file is set aside with its reason and
        does not stop the others.
    """
    intake = Intake(recovered=journal.recover(lake, source))
    listing = list_files(lake.home.landing, source)
    intake.waiting, intake.refused_files = listing.waiting, listing.refused
    new = list(_new_files(lake, source, listing.files))
    total, done = float(sum(file.size for file, _ in new)), 0.0
    for batch in _batches(new):
        _take_batch(lake, source, batch, intake, done, total)
        done += sum(file.size for file, _ in batch)
        report(f"take in {source}", done, total)
    return intake


def _new_files(
    lake: Lake, source: str, files: list[LandedFile]
) -> Iterator[tuple[LandedFile, str]]:
    """Files never seen under this name, size and time, with their digest."""
    known = lake.scan(journal.FILES).filter(pl.col("source") == source).collect()
    seen = set(known.select("file_name", "size_bytes", "modified_ns").iter_rows())
    for file in files:
        if (file.name, file.size, file.modified_ns) not in seen:
            yield file, file.sha256()[:32]


def _batches(files: list[tuple[LandedFile, str]]) -> Iterator[list[tuple[LandedFile, str]]]:
    batch: list[tuple[LandedFile, str]] = []
    size = 0
    for file, file_id in files:
        if batch and (size + file.size > BATCH_BYTES or len(batch) == BATCH_FILES):
            yield batch
            batch, size = [], 0
        batch.append((file, file_id))
        size += file.size
    if batch:
        yield batch


def _take_batch(
    lake: Lake,
    source: str,
    files: list[tuple[LandedFile, str]],
    intake: Intake,
    done: float,
    total: float,
) -> None:
    """Take in some files and commit them together."""
    feeds = sources()[source]
    batch_id = fingerprint(source, *(f"{file.name}:{file_id}" for file, file_id in files))
    written = [tables.BY_KEY[(layer, f.name)] for f in feeds for layer in ("bronze", "quarantine")]
    journal.begin(lake, source, batch_id, written)
    batch = _Batch(lake)
    taken_before = set(
        lake.scan(journal.FILES).filter(pl.col("outcome") == "taken_in").collect()["file_id"]
    )
    records: list[dict[str, Any]] = []
    accounts: list[dict[str, Any]] = []
    receipts: list[tuple[LandedFile, dict[str, Any]]] = []
    for file, file_id in files:
        outcome, reason = "taken_in", None
        book: dict[str, Account] = {feeds[0].name: Account()}
        if file_id in taken_before:
            outcome, reason, book = "seen_before", "the same bytes were taken in before", {}
            intake.seen_before += 1
        else:
            try:
                for taken in _read_file(lake, file, file_id, feeds, book, batch):
                    report(f"take in {source}", done + taken, total)
                taken_before.add(file_id)
                intake.files += 1
            except UnreadableFile as error:
                outcome, reason, book = "set_aside", str(error), {}
                batch.forget(file_id)
                intake.set_aside[file.name] = reason
        done += file.size
        records.append(file_record(file, file_id, source, batch_id, outcome, reason))
        accounts += [file_account(file_id, batch_id, feed, one) for feed, one in book.items()]
        receipts.append((file, receipt_of(file, file_id, outcome, reason, book)))
        intake.count(book)
    batch.write()
    schema = empty(FileAccount).schema
    lake.append(journal.ACCOUNTS, pl.DataFrame(accounts, schema=schema))
    lake.append(journal.FILES, pl.DataFrame(records, schema=empty(FileRecord).schema))
    journal.end(lake, source)
    for file, receipt in receipts:
        write_receipt(lake.home, file, receipt)


def reader_for(file: LandedFile, feeds: tuple[Feed, ...]) -> Reader:
    """The reader of a file, by its form.

    Raises:
        UnreadableFile: no feed of this folder takes such files.
    """
    form = form_of(file.path, feeds)
    if form in ("ga1400", "ndjson"):
        folder = file.name.split("/", 1)[0]
        return ObjectReader(feeds, folder if folder in {f.name for f in feeds} else None)
    if form == "csv":
        return CsvReader(feeds[0])
    if form == "xlsx":
        return XlsxReader(feeds[0])
    if form == "geojson":
        return GeoJsonReader(feeds[0])
    forms = sorted({form for feed in feeds for form in feed.forms})
    raise UnreadableFile(f"no reader for this kind of file; expected: {', '.join(forms)}")


def _read_file(
    lake: Lake,
    file: LandedFile,
    file_id: str,
    feeds: tuple[Feed, ...],
    book: dict[str, Account],
    batch: _Batch,
) -> Iterator[int]:
    """Judge a file chunk by chunk; yields the bytes consumed."""
    for chunk in reader_for(file, feeds)(file.path):
        _judge_chunk(chunk, file_id, feeds[0].name, book, batch)
        if batch.waiting >= ROWS_PER_COMMIT:
            batch.write()
        yield chunk.bytes_read


def _judge_chunk(
    chunk: Chunk, file_id: str, default: str, book: dict[str, Account], batch: _Batch
) -> None:
    for feed, texts in chunk.rows.items():
        judged = judge(BY_NAME[feed].contract, texts.with_columns(file_id=pl.lit(file_id)))
        account = book.setdefault(feed, Account())
        account.arrived += texts.height
        account.accepted += judged.accepted.height
        account.quarantined += judged.quarantined.height
        if day := BY_NAME[feed].day_column:
            account.days.update(judged.accepted[day].unique())
        account.rules.update(judged.quarantined["rules"].explode().drop_nulls())
        batch.add(feed, judged.accepted, judged.quarantined)
    for broken in chunk.broken:
        account = book.setdefault(broken.feed, Account())
        account.arrived += 1
        account.quarantined += 1
        account.rules[UNREADABLE_ROW] += 1
        row = pl.DataFrame(
            [{"file_id": file_id, "row_number": broken.row_number, "detail": broken.detail,
              "item_number": broken.item_number, "rules": [UNREADABLE_ROW], "row": None}],
            schema=empty(QuarantinedRow).schema,
        )  # fmt: skip
        batch.add(broken.feed, empty(BY_NAME[broken.feed].contract), row)
    account = book[default]
    account.arrived += chunk.refused
    account.refused += chunk.refused
    account.dropped.update(chunk.dropped)
    account.unknown.update(chunk.unknown)


__all__ = ["Intake", "reader_for", "take_in"]
