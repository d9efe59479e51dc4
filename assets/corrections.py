"""Files that correct quarantined rows: sheets that were exported, mended and handed back.

They lie in `landing/corrections`, of any feed, and are never changed. A row says which row of
which file it stands for; the columns of the contract are its whole new text, already in standard
codes, so no mapping is applied. Not here: moving the rows (`replaying.py`).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from assets.file_accounts import Ended, file_record, write_receipt
from assets.judgements import Rules, rules_of
from assets.originals import AT
from assets.replaying import Order, Replayed, Step, names_of_files
from quality.reading import read_integer
from schemas import tables
from schemas.contract import wire_columns
from schemas.feed import Feed
from schemas.feeds import BY_NAME, FEEDS
from schemas.ledgers import FileRecord
from schemas.replays import JUDGEMENTS
from warehouse import journal
from warehouse.builds import fingerprint
from warehouse.lake import Lake, empty
from warehouse.landing import CORRECTIONS, LandedFile, form_of, list_folders
from warehouse.readers import Chunk, Naming, UnreadableFile
from warehouse.readers.tables import CsvReader, XlsxReader
from warehouse.sheets import restored

FEED, FILE, ROW, ITEM = "隔离数据源", "隔离文件标识", "隔离行号", "隔离序号"
"""Headings of a sheet that say which row is corrected."""
NOTES = ("隔离来源文件", "隔离规则", "隔离原因", "隔离处理办法", "隔离说明", "更正说明")
"""Headings for the owner's eyes only."""

ORIGIN = {"origin_feed": (FEED,), "origin_file": (FILE,), "origin_row": (ROW,),
           "origin_item": (ITEM,)}  # fmt: skip
_READERS = {"csv": CsvReader, "xlsx": XlsxReader}
_TABLE_FEED = next(feed for feed in FEEDS if {"csv", "xlsx"} <= set(feed.forms))


def hand_in(lake: Lake, path: Path) -> None:
    """Lay a file of corrections into landing, under a name of its own.

    Raises:
        ValueError: it is not there, or neither CSV nor XLSX.
    """
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file")
    if form_of(path, (_TABLE_FEED,)) not in _READERS:
        raise ValueError(f"{path.name}: corrections are CSV or XLSX, as `quarantine export` writes")
    folder = lake.home.landing / CORRECTIONS
    folder.mkdir(mode=0o700, exist_ok=True)
    part = folder / f".{path.name}.part"
    shutil.copyfile(path, part)
    part.chmod(0o600)
    part.replace(folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{path.name}")


def apply_corrections(lake: Lake, order: Order, done: Replayed) -> None:
    """Judge the rows of every new file of corrections, oldest file first.

    Args:
        lake: The lake; its home is held by the caller.
        order: Who, and why.
        done: Where what became of them is counted.
    """
    records = lake.book(journal.FILES).filter(source=CORRECTIONS)
    seen = set(records.select("file_name", "size_bytes", "modified_ns").iter_rows())
    known = set(records.filter(pl.col("outcome") == "taken_in")["file_id"])
    files = list_folders(lake.home.landing, (CORRECTIONS,)).files
    for file in sorted(files, key=lambda one: (one.modified_ns, one.name)):
        if (file.name, file.size, file.modified_ns) in seen:
            continue
        file_id = file.sha256()[:32]
        ended = Ended(file, file_id, "taken_in")
        if file_id in known:
            ended = Ended(file, file_id, "seen_before", "the same bytes were taken in before")
        else:
            try:
                _apply(lake, order, done, file, file_id)
            except UnreadableFile as error:
                ended = Ended(file, file_id, "set_aside", str(error))
                done.set_aside[file.name] = str(error)
        # rows that moved are booked already: read again after a kill, the file changes nothing
        batch_id = fingerprint("correction", file.name, file_id, file.modified_ns)
        record = file_record(ended, CORRECTIONS, batch_id)
        lake.append(journal.FILES, pl.DataFrame([record], schema=empty(FileRecord).schema))
        known.add(file_id)


def _apply(lake: Lake, order: Order, done: Replayed, file: LandedFile, file_id: str) -> None:
    feed = _feed_of(file)
    texts = pl.concat(list(_rows(file, feed)))
    twice = texts.filter(texts.select(AT).is_duplicated())
    if twice.height:
        row = twice.sort("own_row")["own_row"][-1]
        raise UnreadableFile(f"row {row}: a row is corrected twice in this file: leave one")
    rules, files = rules_of(lake.home), names_of_files(lake)
    quarantine = lake.scan(tables.table("quarantine", feed.name))
    touched = sorted(set(texts["file_id"]))
    rows = quarantine.filter(pl.col("file_id").is_in(touched)).collect()
    held = rows.select(pl.col(name).cast(texts.schema[name]) for name in AT)
    wanted = texts.drop("own_row").join(held, on=AT, how="semi")
    done.unknown[file.name] += texts.height - wanted.height
    dated = [_dated(rules, files, feed, part) for part in wanted.partition_by("file_id")]
    books = {"accepted": done.accepted, "quarantined_anew": done.anew, "unchanged": done.unchanged}
    before = {outcome: book[feed.name] for outcome, book in books.items()}
    if dated:
        step = Step(lake, order, feed, rows, pl.concat(dated))
        step.commit(done, "correction", empty(JUDGEMENTS.contract), file_id)
    counts = {outcome: book[feed.name] - before[outcome] for outcome, book in books.items()}
    about: dict[str, Any] = {"file": file.name, "file_id": file_id, "feed": feed.name, **counts}
    about["not_in_quarantine"] = done.unknown[file.name]
    write_receipt(lake.home, file, about)


def _dated(
    rules: Rules, files: dict[str, list[str]], feed: Feed, texts: pl.DataFrame
) -> pl.DataFrame:
    """Rows of one file; blank times of change are what the file's name states, if it does."""
    name = files.get(texts["file_id"][0], [""])[0]
    stated = rules.deliveries.of(LandedFile(Path(name), name, 0, 0), (feed.name,))
    return stated.seen(texts) if stated and stated.named else texts


def _feed_of(file: LandedFile) -> Feed:
    """The one feed a file of corrections is for.

    Raises:
        UnreadableFile: it does not say, or names several.
    """
    naming = Naming(ORIGIN, tuple(ORIGIN))
    named: set[str] = set()
    for chunk in _chunks(file, _TABLE_FEED, naming):
        named |= set(chunk.rows[_TABLE_FEED.name]["origin_feed"].str.strip_chars().drop_nulls())
    feed = BY_NAME.get(next(iter(named))) if len(named) == 1 else None
    if feed is None:
        raise UnreadableFile(f"the column {FEED} must name one feed, the same in every row")
    return feed


def _rows(file: LandedFile, feed: Feed) -> Iterator[pl.DataFrame]:
    """The rows somebody filled in: texts, provenance and their own row number.

    Raises:
        UnreadableFile: a row cannot be parsed, or does not say what it corrects.
    """
    columns = list(wire_columns(feed.contract))
    naming = Naming({**wire_columns(feed.contract), **ORIGIN}, tuple(ORIGIN), frozenset(NOTES))
    for chunk in _chunks(file, feed, naming):
        rows = chunk.rows[feed.name].with_columns(restored(pl.col(name)) for name in columns)
        rows = rows.rename({"row_number": "own_row"}).drop("item_number")
        at = rows.select(
            file_id=pl.col("origin_file").str.strip_chars(),
            row_number=read_integer(rows["origin_row"]),
            item_number=read_integer(rows["origin_item"]).cast(pl.Int32, strict=False),
        )
        lost = at.select(pl.any_horizontal(pl.all().is_null())).to_series()
        if lost.any():
            number = rows.filter(lost)["own_row"][0]
            raise UnreadableFile(f"row {number}: {FILE}, {ROW} or {ITEM} is missing or no number")
        filled = pl.any_horizontal(pl.col(columns).str.strip_chars().str.len_chars() > 0)
        yield rows.select(*columns, "own_row").hstack(at).filter(filled)


def _chunks(file: LandedFile, feed: Feed, naming: Naming) -> Iterator[Chunk]:
    form = form_of(file.path, (_TABLE_FEED,))
    if form not in _READERS:
        raise UnreadableFile("corrections are CSV or XLSX, as `quarantine export` writes them")
    for chunk in _READERS[form](feed, naming)(file.path):
        if chunk.broken:
            first = chunk.broken[0]
            raise UnreadableFile(f"row {first.row_number}: {first.detail}")
        yield chunk
