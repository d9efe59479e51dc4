"""Taking in landed files: read, judge, write bronze and quarantine, account, receipt.

Not here: Dagster (`intake.py`), the forms of files (`warehouse/readers`), rules (`schemas`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from assets.deliveries import Deliveries, without_as_of
from assets.file_accounts import Ended, file_account, file_record, receipt_of, write_receipt
from assets.file_batches import FileBatch
from assets.judgements import Rules, judgements, rules_of
from assets.site_mappings import Readers
from quality.mapped import mapped
from schemas import tables
from schemas.feeds import sources
from schemas.ledgers import FileAccount, FileRecord
from schemas.replays import JUDGEMENTS
from schemas.validity import Delivery
from warehouse import journal
from warehouse.builds import fingerprint
from warehouse.lake import Lake, empty
from warehouse.landing import LandedFile, list_files
from warehouse.progress import report
from warehouse.readers import Chunk, MissingColumns, UnreadableFile
from warehouse.readers.ahead import ahead

BATCH_BYTES = 512 << 20
BATCH_FILES = 512


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

    def count(self, batch: FileBatch, ended: list[Ended]) -> None:
        """Add what became of a batch."""
        for one in ended:
            self.files += one.outcome == "taken_in"
            self.seen_before += one.outcome == "seen_before"
            if one.outcome == "set_aside":
                self.set_aside[one.file.name] = one.reason or ""
        for book in batch.books.values():
            for feed, account in book.items():
                self.rows[f"{feed} accepted"] += account.accepted
                self.rows[f"{feed} quarantined"] += account.quarantined
                self.rows[f"{feed} refused"] += account.refused


def take_in(lake: Lake, source: str) -> Intake:
    """Take in every new file of a source; files taken in before are left alone.

    Args:
        lake: The lake of a home; its landing folder is read, never changed.
        source: A source of the registry.

    Returns:
        What happened, by file and rule. An unreadable file is set aside with its reason and
        does not stop the others.
    """
    with lake.home.locked(wait=True):
        return _take_in(lake, source)


def _take_in(lake: Lake, source: str) -> Intake:
    intake = Intake(recovered=journal.recover(lake, source))
    listing = list_files(lake.home.landing, source)
    intake.waiting, intake.refused_files = listing.waiting, listing.refused
    new = list(_identified(new_files(lake, source, listing.files), intake))
    total, done = float(sum(file.size for file, _ in new)), 0.0
    for batch in _batches(new):
        _take_batch(lake, source, batch, intake, done, total)
        done += sum(file.size for file, _ in batch)
        report(f"take in {source}", done, total)
    return intake


def new_files(lake: Lake, source: str, files: list[LandedFile]) -> list[LandedFile]:
    """Files never seen under this name, size and time."""
    known = lake.scan(journal.FILES).filter(pl.col("source") == source).collect()
    seen = set(known.select("file_name", "size_bytes", "modified_ns").iter_rows())
    return [f for f in files if (f.name, f.size, f.modified_ns) not in seen]


def _identified(files: list[LandedFile], intake: Intake) -> Iterator[tuple[LandedFile, str]]:
    """Files with the digest that names them; one we may not read is told and tried again later."""
    for file in files:
        try:
            yield file, file.sha256()[:32]
        except OSError as error:
            intake.refused_files[file.name] = f"cannot be read: {error.strerror}"


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
    own = lake.scan(journal.FILES).filter(pl.col("source") == source)
    known = own.select("file_id", "outcome").collect()
    taken_before = set(known.filter(pl.col("outcome") == "taken_in")["file_id"])
    # the number of files before it tells a batch from the same files delivered once more
    batch_id = fingerprint(source, known.height, *(f"{f.name}:{file_id}" for f, file_id in files))
    written = [tables.BY_KEY[(layer, f.name)] for f in feeds for layer in ("bronze", "quarantine")]
    journal.begin(lake, source, batch_id, written)
    batch = FileBatch(lake)
    rules = rules_of(lake.home)
    readers, stating = Readers(feeds, rules.mappings), rules.deliveries
    given_up: dict[str, str] = {}
    ended: list[Ended] = []
    deliveries: list[dict[str, Any]] = []
    for one in ahead(_pieces(readers, stating, files, taken_before, given_up)):
        file, file_id = one.file, one.file_id
        try:
            if one.chunk is not None and file_id not in given_up:
                batch.add(file_id, one.chunk, feeds[0].name)
                report(f"take in {source}", done + one.chunk.bytes_read, total)
            if one.error is not None and file_id not in given_up:
                raise one.error
        except UnreadableFile as error:
            batch.forget(file_id)
            given_up[file_id] = str(error)
        except OSError as error:
            batch.forget(file_id)
            intake.refused_files[file.name] = f"cannot be read: {error.strerror}"
            continue
        if one.chunk is not None:
            continue
        if file_id in given_up:
            ended.append(Ended(file, file_id, "set_aside", given_up[file_id]))
        elif file_id in taken_before:
            reason = "the same bytes were taken in before"
            ended.append(Ended(file, file_id, "seen_before", reason))
        else:
            batch.account(file_id, feeds[0].name)
            taken_before.add(file_id)
            ended.append(Ended(file, file_id, "taken_in"))
        if one.delivery and file_id not in given_up:
            deliveries.append({"file_id": file_id, **one.delivery})
        done += file.size
    batch.write()
    _commit(lake, source, batch_id, batch, ended, deliveries, rules)
    intake.count(batch, ended)


@dataclass
class _Piece:
    """What reading a file gives next: a chunk, or its end and what ended it."""

    file: LandedFile
    file_id: str
    chunk: Chunk | None = None
    error: UnreadableFile | OSError | None = None
    delivery: dict[str, Any] | None = None


def _pieces(
    readers: Readers,
    stating: Deliveries,
    files: list[tuple[LandedFile, str]],
    taken_before: Collection[str],
    given_up: dict[str, str],
) -> Iterator[_Piece]:
    """Every file piece by piece; bytes met before are not read again."""
    begun: set[str] = set()
    names = tuple(feed.name for feed in readers.feeds)
    for file, file_id in files:
        try:
            stated = stating.of(file, names)
        except UnreadableFile as undated:
            given_up[file_id] = str(undated)
            yield _Piece(file, file_id)
            continue
        error = delivery = None
        if file_id not in taken_before and file_id not in begun:
            begun.add(file_id)
            try:
                mapping = readers.mapping_of(file)
                may_lack = stated.may_lack if stated else ()
                for chunk in readers.of(file, may_lack)(file.path):
                    if mapping:
                        rows = chunk.rows.items()
                        chunk.rows = {feed: mapped(mapping, texts) for feed, texts in rows}
                    if stated:
                        rows = chunk.rows.items()
                        chunk.rows = {feed: stated.seen(texts) for feed, texts in rows}
                    yield _Piece(file, file_id, chunk)
                    if file_id in given_up:
                        break
                if stated:
                    stated.check()
            except MissingColumns as lacking:
                error = without_as_of(lacking) if stated else lacking
            except (UnreadableFile, OSError) as caught:
                error = caught
        if stated and not error:
            delivery = stated.booked()
        yield _Piece(file, file_id, error=error, delivery=delivery)


def _commit(
    lake: Lake,
    source: str,
    batch_id: str,
    batch: FileBatch,
    ended: list[Ended],
    deliveries: list[dict[str, Any]],
    rules: Rules,
) -> None:
    """Book the batch; its last append to `ops.files` is what makes it real."""
    accounts = [
        file_account(file_id, batch_id, feed, one)
        for file_id, book in batch.books.items()
        for feed, one in book.items()
    ]
    records = [file_record(one, source, batch_id) for one in ended]
    lake.append(journal.ACCOUNTS, pl.DataFrame(accounts, schema=empty(FileAccount).schema))
    rows = [{**one, "batch_id": batch_id} for one in deliveries]
    lake.append(journal.DELIVERIES, pl.DataFrame(rows, schema=empty(Delivery).schema))
    names = {one.file_id: one.file.name for one in ended if one.outcome == "taken_in"}
    judged = [(a["feed"], a["file_id"], names[a["file_id"]]) for a in accounts if a["quarantined"]]
    lake.append(JUDGEMENTS, judgements(batch_id, rules, judged))
    lake.append(journal.FILES, pl.DataFrame(records, schema=empty(FileRecord).schema))
    journal.end(lake, source)
    for one in ended:
        book = batch.books.get(one.file_id, {}) if one.outcome == "taken_in" else {}
        write_receipt(lake.home, one.file, receipt_of(one, book))
