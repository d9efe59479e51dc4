"""Retention: rows older than their feed keeps them leave bronze, quarantine, landing, with proof.

In three steps, each of which a killed upkeep takes up again: the feed is sealed through a day; rows
leave the tables in one batch, booked in `ops.expired_rows`; then their bytes leave the disk, and
`ops.erasures` says so. Silver, topics and statistics of sealed days stay as they are. Not here: who
asks for seals (`warehouse/seals.py`), late rows (`quality/sealing.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from assets.accounts import silver_account
from assets.site_settings import clock_offsets
from schemas import tables
from schemas.city_time import city_day
from schemas.feed import Feed
from schemas.feeds import sources
from schemas.retention import ERASURES, EXPIRED_ROWS, SEALS
from schemas.tables import Table
from warehouse import journal, tidying
from warehouse.builds import fingerprint
from warehouse.lake import Lake, empty
from warehouse.seals import sealed_through
from warehouse.tallies import tally

_BATCH = ("batch_id", "feed", "layer", "event_day")


@dataclass(frozen=True)
class Expiry:
    """What expired of a source, or would.

    Attributes:
        source: The source.
        through: Last city day that is sealed.
        rows: Rows that leave bronze and quarantine.
        files: Files that leave landing.
        left_alone: Why nothing was done; None: what was due was done.
    """

    source: str
    through: date
    rows: int = 0
    files: int = 0
    left_alone: str | None = None


def closed_through(lake: Lake, feed: str) -> date | None:
    """Last city day that takes no rows of a feed any more; None: every day does.

    Where camera clocks are corrected, late rows of the first open day may truly belong to the last
    sealed one, which nothing is moved into any more: so that day takes none either.

    Raises:
        SettingsError: the table of clock offsets breaks a rule.
    """
    through = sealed_through(lake, feed)
    if through is None or clock_offsets(lake.home).is_empty():
        return through
    return through + timedelta(days=1)


def expire_all(
    lake: Lake, today: date, *, dry_run: bool = False, wait: bool = False
) -> list[Expiry]:
    """Let expire what is older than its feed keeps it; a second call finds nothing to do.

    Args:
        lake: The lake; its home is held meanwhile.
        today: City day from which days are counted: that of the as-of instant.
        dry_run: Change nothing, tell what is due.
        wait: Wait for another run to end, instead of refusing.

    Raises:
        HomeError: another run is at work.
        LakeError: a table could not be written, or bytes are left on the disk.
    """
    done: list[Expiry] = []
    with lake.home.locked(wait=wait):
        if not dry_run:
            _erase(lake)  # what a killed upkeep had booked and not erased yet
        for source, feeds in sources().items():
            kept = [feed.retention_days for feed in feeds]
            days = [one for one in kept if one is not None]
            if len(days) < len(kept) or not any(f.day_column for f in feeds):
                continue  # a register, or kept until replaced
            if not any(lake.exists(tables.table("bronze", feed.name)) for feed in feeds):
                continue
            one = _expire(lake, source, feeds, today - timedelta(days=max(days) + 1), dry_run)
            if one.rows or one.files or one.left_alone:
                done.append(one)
        if not dry_run:
            _erase(lake)
    return done


def _expire(lake: Lake, source: str, feeds: Sequence[Feed], through: date, dry_run: bool) -> Expiry:
    """Seal the feeds of a source through a day, and take out the rows of it and before.

    Where camera clocks are corrected, the last sealed day keeps its rows one day longer: those that
    truly belong to the first open day are still needed to build that one.
    """
    own = {f"{layer}.{feed.name}" for feed in feeds for layer in ("bronze", "quarantine")}
    if own & journal.open_tables(lake):
        return Expiry(source, through, left_alone="a batch is half done: run `govlake run` first")
    last = through - timedelta(days=1) if clock_offsets(lake.home).height else through
    for feed in feeds:
        if open_days := _not_yet_built(lake, feed, last):
            why = f"{feed.name} has {open_days} days that are not built yet: run `govlake run`"
            return Expiry(source, through, left_alone=why)
    found = pl.concat([_old_rows(lake, feed, last) for feed in feeds])
    files = _old_files(lake, source, [feed.name for feed in feeds], last)
    due = Expiry(source, through, int(found["rows"].sum()), files.height)
    if dry_run:
        return due
    if found.height or files.height:
        _seal(lake, feeds, through)
        _take_out(lake, source, pl.concat([found, files], how="diagonal"))
    return due


def _not_yet_built(lake: Lake, feed: Feed, last: date) -> int:
    """Days up to the last whose accepted rows have not all gone into silver."""
    names = [name for name, of in tables.ACCOUNTED.items() if feed.name in of]
    old = pl.col("day") <= last
    accounts = (silver_account(lake, name).filter(old, pl.col("missing") != 0) for name in names)
    return max((one.height for one in accounts), default=0)


def _old_rows(lake: Lake, feed: Feed, last: date) -> pl.DataFrame:
    """Rows of bronze by their day, of quarantine by the day their file was delivered."""
    assert feed.day_column is not None
    bronze, quarantine = (tables.table(layer, feed.name) for layer in ("bronze", "quarantine"))
    accepted = tally(lake, bronze, ("file_id", feed.day_column)).rename(
        {feed.day_column: "event_day"}
    )
    held = tally(lake, quarantine, ("file_id",)).join(
        _delivered(lake).unique("file_id", keep="first"), on="file_id"
    )
    parts = [(accepted, "bronze"), (held, "quarantine")]
    return pl.concat([
        rows.filter(pl.col("event_day") <= last, pl.col("rows") > 0).select(
            "file_id", "event_day", "rows", layer=pl.lit(layer), feed=pl.lit(feed.name)
        )
        for rows, layer in parts
    ])  # fmt: skip


def _delivered(lake: Lake) -> pl.DataFrame:
    """`ops.files` with `event_day`, the city day of delivery, the first ones first."""
    instant = pl.from_epoch("modified_ns", "ns").dt.replace_time_zone("UTC")
    files = lake.book(journal.FILES).sort("modified_ns", "file_name")
    return files.with_columns(event_day=city_day(instant))


def _old_files(lake: Lake, source: str, feeds: list[str], last: date) -> pl.DataFrame:
    """Files of landing, as they were taken in, that hold nothing newer than the last day."""
    booked = lake.book(journal.ACCOUNTS).filter(pl.col("feed").is_in(feeds))
    newest = booked.group_by("file_id").agg(newest=pl.col("days").explode().max())
    old = (
        _delivered(lake)
        .filter(pl.col("source") == source, pl.col("event_day") <= last)
        .join(newest, on="file_id", how="left")
        .filter(pl.col("newest").is_null() | (pl.col("newest") <= last))
    )
    there = [_is_there(lake, *one) for one in old.select(
        "file_name", "size_bytes", "modified_ns").iter_rows()]  # fmt: skip
    return old.filter(pl.Series(there, dtype=pl.Boolean)).select(
        "file_id", "file_name", "event_day", rows=pl.lit(0, pl.Int64), layer=pl.lit("landing"),
        feed=pl.lit(source),
    )  # fmt: skip


def _is_there(lake: Lake, name: str, size: int, modified_ns: int) -> bool:
    """Whether a file lies in landing as it was when it was read."""
    path = lake.home.landing / name
    if path.is_symlink() or not path.is_file():
        return False
    about = path.stat()
    return (about.st_size, about.st_mtime_ns) == (size, modified_ns)


def _seal(lake: Lake, feeds: Sequence[Feed], through: date) -> None:
    """Note the day, where it is a later one than before."""
    now = datetime.now(UTC)
    rows = [
        {"feed": feed.name, "sealed_through": through, "sealed_at": now}
        for feed in feeds
        if (before := sealed_through(lake, feed.name)) is None or before < through
    ]
    lake.append(SEALS, pl.DataFrame(rows, schema=empty(SEALS.contract).schema))


def _take_out(lake: Lake, source: str, found: pl.DataFrame) -> None:
    """Delete rows and book them, all of it or nothing; the last append makes it real."""
    now = datetime.now(UTC)
    batch_id = fingerprint("expiry", source, now.isoformat())
    rows = found.with_columns(batch_id=pl.lit(batch_id), expired_at=pl.lit(now))
    parts = [
        (_table(layer, feed), part)
        for (layer, feed), part in rows.group_by("layer", "feed", maintain_order=True)
        if layer != "landing"
    ]
    journal.begin(lake, source, batch_id, [table for table, _ in parts], EXPIRED_ROWS)
    for table, part in parts:
        by = (table.partition_by, "event_day") if table.partition_by else ("file_id", "file_id")
        values = ", ".join(f"'{one}'" for one in part[by[1]].unique().sort())
        lake.delete(table, f"{by[0]} IN ({values})")
    lake.append(EXPIRED_ROWS, rows)
    journal.end(lake, source)


def _erase(lake: Lake) -> None:
    """Take the bytes of everything that expired from the disk, and write down that they are gone.

    Raises:
        LakeError: a file is left that is not of the newest version.
    """
    booked, proven = lake.book(EXPIRED_ROWS), lake.book(ERASURES).select(_BATCH)
    pending = booked.join(proven, on=_BATCH, how="anti").sort(_BATCH)
    for (batch_id, feed, layer), part in pending.group_by(_BATCH[:3], maintain_order=True):
        if layer == "landing":
            gone = _without_files(lake, part)
        else:
            gone = _vacuumed(lake, _table(layer, feed))
        days = part.group_by("event_day").agg(pl.col("rows").sum()).sort("event_day")
        last = days["event_day"][-1]
        proof: list[dict[str, Any]] = []
        for one, rows in days.iter_rows():
            own = [size for day, size in gone if (day or last) == one]
            proof.append({"batch_id": batch_id, "feed": feed, "layer": layer, "event_day": one,
                          "rows": rows, "files_removed": len(own), "bytes_removed": sum(own),
                          "is_vacuumed": True, "erased_at": datetime.now(UTC)})  # fmt: skip
        lake.append(ERASURES, pl.DataFrame(proof, schema=empty(ERASURES.contract).schema))


def _table(layer: object, feed: object) -> Table:
    return next(table for table in tables.TABLES if table.key == (layer, feed))


def _without_files(lake: Lake, part: pl.DataFrame) -> list[tuple[date | None, int]]:
    """Remove landing files; day of delivery and size of each."""
    gone: list[tuple[date | None, int]] = []
    known = lake.book(journal.FILES).select("file_id", "file_name", "size_bytes", "modified_ns")
    files = part.join(known, on=["file_id", "file_name"])
    columns = ("event_day", "file_name", "size_bytes", "modified_ns")
    for one, name, size, modified_ns in files.select(columns).unique().iter_rows():
        if _is_there(lake, name, size, modified_ns):
            (lake.home.landing / name).unlink()
            gone.append((one, size))
    return gone


def _vacuumed(lake: Lake, table: Table) -> list[tuple[date | None, int]]:
    """Remove every file that is not of the newest version; day and size of each."""
    folder = lake.path(table)
    old = {p: p.stat().st_size for p in folder.rglob("*.parquet") if _is_data(p)}
    tidying.vacuum(lake, table, 0, dry_run=False)
    live = {folder / name for name in tidying.data_files(lake, table)["path"]}
    left = {path for path in folder.rglob("*.parquet") if _is_data(path)} - live
    for path in left:  # one that no version ever named: left by a killed writer
        path.unlink()
    return [(_day_of(path), size) for path, size in old.items() if not path.exists()]


def _is_data(path: Path) -> bool:
    return "_delta_log" not in path.parts


def _day_of(path: Path) -> date | None:
    """The day a data file's folder is named after (`shot_day=2026-10-20`)."""
    _, equals, value = path.parent.name.partition("=")
    return date.fromisoformat(value) if equals else None
