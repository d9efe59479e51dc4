"""What can be wrong with a home on its disk: found, explained, and how to mend it.

Looks only; nothing is changed, no key is made. Not here: what needs the outside world or the
registry's judgement (ports, Superset, feeds overdue: `pipelines/doctor.py`).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import polars as pl
from deltalake.exceptions import DeltaError

from schemas.protection import RESTRICTED_LAYERS
from schemas.tables import BY_KEY, TABLES, Table
from warehouse.home import LOST_KEY, Home, key_mark
from warehouse.lake import Lake, LakeError, names_in
from warehouse.pins import pinned
from warehouse.serving import CURRENT, MANIFEST
from warehouse.tidying import data_files

Severity = Literal["serious", "warning", "info"]
SERIOUS_FREE, LOW_FREE = (1 << 30, 0.02), (5 << 30, 0.10)
"""Bytes, and share of the disk, below which space is nearly or soon gone. Ours: a run at headline
volume writes about 1 GiB before it removes anything."""
SKEW = timedelta(minutes=5)
_MAGIC = b"PAR1"
_WAY_BACK = (
    "restore the home from its backup (`govlake restore`); without one, and while landing/ still "
    "has every file, move the whole lake/ away and run again"
)


@dataclass(frozen=True)
class Finding:
    """Something found.

    Attributes:
        severity: `serious`: data are lost, exposed or cannot be written; `warning`: soon or in
            part; `info`: good to know.
        what: What is so, naming files and tables, never values.
        why: Why it matters.
        remedy: What to do.
    """

    severity: Severity
    what: str
    why: str
    remedy: str


def of_keys(home: Home) -> Iterator[Finding]:
    """Token keys that are missing, damaged, open to others, or not those of the lake."""
    for topic, mark in sorted(home.key_marks().items()):
        path = home.keys / f"{topic}.key"
        why = f"the lake holds tokens of {topic}: nothing of it can be built without its key"
        if not path.exists():
            yield Finding("serious", f"keys/{path.name} is missing", why, LOST_KEY)
            continue
        text = path.read_text().strip()
        if not _is_key(text):
            yield Finding("serious", f"keys/{path.name} is damaged", why, LOST_KEY)
        elif key_mark(bytes.fromhex(text)) != mark:
            yield Finding("serious", f"keys/{path.name} is not the key of the lake's tokens",
                          "the same person would get a second token", LOST_KEY)  # fmt: skip


def _is_key(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")


def of_permissions(home: Home) -> Iterator[Finding]:
    """Restricted folders and keys that others may read; folders we cannot write."""
    zone = [home.lake / layer for layer in RESTRICTED_LAYERS]
    zone += [home.landing, home.receipts, home.repairs, home.keys, home.root / "superset"]
    for path in zone:
        if path.is_dir() and (mode := path.stat().st_mode & 0o777) & 0o077:
            yield Finding("serious", f"{_below(home, path)}/ is open to others (mode {mode:04o})",
                          "direct identifiers, or what opens them, lie there",
                          f"chmod 700 {path}")  # fmt: skip
    for path in sorted(home.keys.glob("*.key")) if home.keys.is_dir() else []:
        if (mode := path.stat().st_mode & 0o777) & 0o077:
            yield Finding("serious", f"keys/{path.name} is open to others (mode {mode:04o})",
                          "who has a key and the restricted zone can undo tokens",
                          f"chmod 600 {path}; if others may have read it, give the topic a new "
                          "key")  # fmt: skip
    written = [home.root, home.lake, home.serving, home.exports, home.receipts, home.keys,
               *(home.lake / layer for layer in sorted({t.layer for t in TABLES}))]  # fmt: skip
    for path in written:
        if path.is_dir() and not os.access(path, os.W_OK | os.X_OK):
            yield Finding("serious", f"{_below(home, path)}/ cannot be written",
                          "a run fails half-way", "give it to the account that runs govlake "
                          f"(chown), or chmod u+rwx {path}")  # fmt: skip
    for path in (home.landing, home.config):
        if path.is_dir() and not os.access(path, os.R_OK | os.X_OK):
            yield Finding("serious", f"{_below(home, path)}/ cannot be read",
                          "nothing of it is taken in", f"chmod u+rx {path}")  # fmt: skip


def of_disk(home: Home, free: int | None = None, total: int | None = None) -> Iterator[Finding]:
    """A disk that is nearly full.

    Args:
        home: The home.
        free: Bytes free; None: look.
        total: Bytes of the disk; None: look.
    """
    if free is None or total is None:
        usage = shutil.disk_usage(home.root)
        free, total = usage.free, usage.total

    def below(limit: tuple[int, float]) -> bool:
        return free < limit[0] or free < limit[1] * total

    if below(LOW_FREE):
        yield Finding(
            "serious" if below(SERIOUS_FREE) else "warning",
            f"{free / 1e9:,.1f} GB of {total / 1e9:,.1f} GB are free",
            "a run writes new files before it removes old ones, and stops where the disk is full",
            "free or add space; `govlake upkeep --vacuum-days 1` removes replaced files sooner",
        )  # fmt: skip


def of_tables(home: Home, *, whole: bool = False) -> Iterator[Finding]:
    """Logs and data files that cannot be read, and folders that are no whole table.

    Args:
        home: The home.
        whole: Read every data file to its end, not only its size, beginning and footer.
    """
    lake = Lake(home)
    for table in TABLES:
        folder = lake.path(table)
        if not folder.is_dir():
            continue
        if not names_in(folder / "_delta_log"):
            if any(folder.rglob("*.parquet")):
                yield Finding("serious", f"{table.label} has data files and no log",
                              "without its log a table cannot be read", _WAY_BACK)  # fmt: skip
            elif (folder / "_delta_log").is_dir():
                yield Finding("serious", f"{table.label} is half made: its log is empty",
                              "every step that reads it fails", "remove that folder and run again: "
                              "it never held a row")  # fmt: skip
            continue
        broken = list(_broken_entries(folder / "_delta_log"))
        for name in broken:
            yield Finding("serious", f"{table.label}: log entry {name} cannot be read",
                          "Delta cannot tell which files the table consists of",
                          _WAY_BACK)  # fmt: skip
        if not broken:
            yield from _of_files(lake, table, whole=whole)
    for folder in sorted(home.lake.glob("*/*/")):
        known = (folder.parent.name, folder.name) in BY_KEY
        if not known and not folder.name.startswith("_"):
            yield Finding("info", f"lake/{folder.parent.name}/{folder.name} is no table of this "
                          "version", "nothing reads or renews it", "remove it once you know where "
                          "it came from")  # fmt: skip


def _broken_entries(log: Path) -> Iterator[str]:
    """Names of entries, from the newest checkpoint on, that are not what they should be."""
    names = sorted(name for name in names_in(log) if name[:20].isdigit())
    checked = max((name[:20] for name in names if ".checkpoint." in name), default="")
    for name in names:
        path = log / name
        if name[:20] < checked:
            continue
        if name.endswith(".json"):
            try:
                actions = [json.loads(line) for line in path.read_bytes().splitlines()]
            except ValueError:
                actions = []
            if not actions:
                yield name
        elif name.endswith(".parquet") and not _opens(path):
            yield name


def _of_files(lake: Lake, table: Table, *, whole: bool) -> Iterator[Finding]:
    try:
        files = data_files(lake, table)
    except (LakeError, DeltaError):
        why = "an entry of its log is missing or contradicts another"
        yield Finding("serious", f"{table.label} cannot be opened", why, _WAY_BACK)
        return
    for name, size in files.select("path", "size_bytes").sort("path").iter_rows():
        path = lake.path(table) / name
        if not path.exists():
            what = "is missing"
        elif path.stat().st_size != size:
            what = f"has {path.stat().st_size:,} bytes instead of {size:,}"
        elif not _opens(path, whole=whole):
            what = "is damaged"
        else:
            continue
        why = "its rows cannot be read, and accounts no longer close"
        yield Finding("serious", f"{table.label}: data file {name} {what}", why, _WAY_BACK)


def _opens(path: Path, *, whole: bool = False) -> bool:
    """Whether a parquet file begins and ends as one and its footer can be read."""
    try:
        with path.open("rb") as handle:
            head = handle.read(4)
            handle.seek(-4, os.SEEK_END)
            if (head, handle.read(4)) != (_MAGIC, _MAGIC):
                return False
        pl.read_parquet_schema(path)
        if whole:
            pl.read_parquet(path, hive_partitioning=False)
    except (OSError, pl.exceptions.PolarsError):
        return False
    return True


def of_leftovers(home: Home) -> Iterator[Finding]:
    """What a killed run left behind; the next one clears it away."""
    for note in sorted((home.lake / "ops" / "_journal").glob("*.json")):
        yield Finding("info", f"a batch of {note.stem} is half taken in", "a run was killed; its "
                      "tables hold rows that are not booked yet",
                      "`govlake run`: it undoes the batch and starts it again")  # fmt: skip
    for root in (home.serving, home.exports):
        for path in sorted(root.glob(".building-*")):
            yield Finding("info", f"{_below(home, path)} is half built", "a run was killed while "
                          "publishing; nobody reads it", "`govlake run` builds it anew; the next "
                          "publication removes it")  # fmt: skip


def of_publication(home: Home) -> Iterator[Finding]:
    """A link that leads nowhere, and a generation somebody holds."""
    for link in (home.serving / CURRENT, home.exports / "latest"):
        if link.is_symlink() and not (link / MANIFEST).exists():
            yield Finding("serious", f"{_below(home, link)} points to what is not there",
                          "dashboards, analysts or downstream systems read nothing",
                          "`govlake publish list` shows what is kept; `govlake publish rollback` "
                          "goes back to it, or restore from backup")  # fmt: skip
    if held := pinned(home.serving):
        yield Finding("info", f"generation {held.generation} is pinned since {held.since}: "
                      f"{held.reason}", "runs go on, and nothing new is published",
                      "`govlake publish unpin` once the reason is gone")  # fmt: skip


def of_clock(home: Home, now: datetime | None = None) -> Iterator[Finding]:
    """A clock of this machine that was set back, and clocks of sources that run ahead.

    Args:
        home: The home.
        now: The present instant; None: this machine's clock.
    """
    latest = (now or datetime.now(UTC)) + SKEW
    written = [*home.lake.glob("ops/*/_delta_log/*.json"), *home.serving.glob(f"*/{MANIFEST}")]
    newest = max((path.stat().st_mtime for path in written), default=0.0)
    if newest > latest.timestamp():
        yield Finding("serious", "this machine's clock is behind what it wrote itself "
                      f"({_ahead(newest, latest)})",
                      "retention, freshness and the order of generations follow the clock",
                      "set the clock (NTP); then run again")  # fmt: skip
    if not home.landing.is_dir():
        return
    ahead = [path for path in home.landing.rglob("*")
             if path.is_file() and path.stat().st_mtime > latest.timestamp()]  # fmt: skip
    for path in sorted(ahead)[:3]:
        yield Finding("warning", f"{_below(home, path)} was changed in the future "
                      f"({_ahead(path.stat().st_mtime, latest)})", "the clock of its source, or "
                      "ours, is off, and so may be the times of its rows",
                      "compare the clocks; `config/captures/clock_offsets.csv` corrects "
                      "cameras")  # fmt: skip
    if len(ahead) > 3:
        yield Finding("warning", f"{len(ahead) - 3:,} more files of landing were changed in the "
                      "future", "as above", "as above")  # fmt: skip


def _ahead(seconds: float, latest: datetime) -> str:
    return f"{seconds - (latest - SKEW).timestamp():,.0f} s ahead"


def _below(home: Home, path: Path) -> str:
    return path.relative_to(home.root).as_posix()
