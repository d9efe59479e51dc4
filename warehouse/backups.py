"""Backup and restore of a home: whole, checked by checksums, the keys apart from the data.

A backup is a folder: `home/` with the files, `manifest.json` with the SHA-256, size, mode and time
of each, written last, and `manifest.json.sha256`. It holds the restricted zone (0700). Tables come
as they are now: their log and the data files of their newest version. Dagster's and Superset's
SQLite files are copied as SQLite copies them, so both may be up. Keys never lie in it.

Left out: what is made again (tallies, logs of runs), generations and releases not served, sheets
of quarantined rows (they expire; copies would not).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from schemas.tables import TABLES
from warehouse.home import Home, HomeError, key_mark
from warehouse.journal import open_tables
from warehouse.lake import Lake
from warehouse.progress import report
from warehouse.serving import CURRENT
from warehouse.tidying import data_files

MANIFEST = "manifest.json"
_FORM = 1
_WHOLE = ("config", "landing", "receipts", "demo", "quality", "alerts")
_KEPT_APART = ("keys/*.key", "superset/secret_key")
_SQLITE = ("dagster/", "superset/")
_REMADE = ("_tallies", "_journal")
_UNFINISHED = (".part", ".tmp")


@dataclass(frozen=True)
class Saved:
    """What a backup, or the keys beside one, holds.

    Attributes:
        files: How many files.
        size_bytes: Their size.
        made_at: When (ISO instant).
        marks: Topic → mark of the key its tokens were made with.
    """

    files: int
    size_bytes: int
    made_at: str
    marks: dict[str, str]


def back_up(
    home: Home, target: Path, keys_to: Path | None = None, *, landing: bool = True
) -> Saved:
    """Copy a home as it is between two runs.

    Args:
        home: The home; held meanwhile, so that no run changes it.
        target: A folder that is empty or not there yet, outside the home.
        keys_to: Where the keys go, likewise, and outside `target`; None: keys are not copied.
        landing: Whether files of landing are copied, from which a lake can be built anew.

    Raises:
        HomeError: another run is at work, a batch is half taken in, or a folder does not fit.
    """
    if not home.lake.is_dir():
        raise HomeError(f"{home.root} holds no lake yet: run `govlake run` first")
    places = [target, *([keys_to] if keys_to else [])]
    for place in places:
        _check_apart(place, home.root, "the home")
        if place.exists() and (not place.is_dir() or any(place.iterdir())):
            raise HomeError(f"{place} is not empty: a backup needs a folder of its own")
    if keys_to:
        _check_apart(keys_to, target, "the backup: who has both can undo every token")
    with home.locked():
        lake = Lake(home)
        if open_tables(lake):
            raise HomeError("a batch of files is half taken in: run `govlake run` first")
        marks = home.key_marks()
        if keys_to:
            own = sorted(path for one in _KEPT_APART for path in home.root.glob(one))
            _save(home, keys_to, own, marks)
        return _save(home, target, sorted(set(_files(lake, landing=landing))), marks)


def restore(source: Path, home: Home, keys_from: Path | None = None) -> Saved:
    """Lay a backup into an empty home; every checksum is compared before anything is written.

    Args:
        source: The backup.
        home: A home that is empty or not there yet.
        keys_from: What `back_up` wrote as its `keys_to`; None: without keys.

    Raises:
        HomeError: the home is not empty, the backup is damaged or unfinished, or the keys are not
            those of the backup's tokens. Nothing was written then.
    """
    if home.root.exists() and (not home.root.is_dir() or any(home.root.iterdir())):
        raise HomeError(f"{home.root} is not empty: restore into a home of its own")
    noted = read_manifest(source)
    entries = _checked(source, noted)
    kept = _checked(keys_from, read_manifest(keys_from)) if keys_from else []
    if keys_from:
        _check_keys(keys_from, noted["marks"])
    home.prepare()
    (home.root / "superset").mkdir(mode=0o700)
    with home.locked():
        sources = [(source, one) for one in entries] + [(keys_from or source, one) for one in kept]
        for done, (folder, entry) in enumerate(sources, start=1):
            _lay(folder, entry, home.root)
            report("restore", done, len(sources))
        home.prepare()
    return _saved(noted)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a backup.

    Raises:
        HomeError: there is none, or it was changed.
    """
    path = folder / MANIFEST
    digest = folder / f"{MANIFEST}.sha256"
    if not path.exists() or not digest.exists():
        raise HomeError(f"{folder} holds no finished backup ({MANIFEST} is missing)")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != digest.read_text().split()[0]:
        raise HomeError(f"{path} is damaged: take another backup")
    noted = json.loads(data)
    if noted["form"] != _FORM:
        raise HomeError(f"{path} is of form {noted['form']}; this version reads {_FORM}")
    return noted


def _check_apart(place: Path, other: Path, what: str) -> None:
    one, two = place.resolve(), other.resolve()
    if one == two or two in one.parents or one in two.parents:
        raise HomeError(f"{place} is not apart from {what}")


def _files(lake: Lake, *, landing: bool) -> Iterator[Path]:
    """Files and links a backup holds, by their paths in the home."""
    home = lake.home
    for name in _WHOLE:
        if name != "landing" or landing:
            yield from _below(home.root / name)
    for table in TABLES:
        if lake.exists(table):
            folder = lake.path(table)
            yield from (path for path in _below(folder / "_delta_log"))
            yield from (folder / name for name in data_files(lake, table)["path"])
    known = {lake.path(table) for table in TABLES}
    for folder in sorted(home.lake.glob("*/*")):
        if folder.is_file():
            yield folder
        elif folder not in known and folder.name not in _REMADE:
            yield from _below(folder)
    for root, link in ((home.serving, CURRENT), (home.exports, "latest")):
        yield from (path for path in sorted(root.glob("*")) if path.is_file() or path.is_symlink())
        if (root / link).exists():
            yield from _below((root / link).resolve())
    yield from sorted(home.dagster.glob("history/**/*.db"))
    yield from sorted(home.dagster.glob("schedules/*.db"))
    yield from sorted((home.root / "superset").glob("superset.db"))


def _below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or (path.is_file() and path.suffix not in _UNFINISHED):
            yield path


def _save(home: Home, target: Path, files: list[Path], marks: dict[str, str]) -> Saved:
    target.mkdir(parents=True, exist_ok=True)
    target.chmod(0o700)
    entries: list[dict[str, Any]] = []
    for done, path in enumerate(files, start=1):
        name = path.relative_to(home.root).as_posix()
        if path.is_symlink():
            entries.append({"path": name, "link": os.readlink(path)})  # noqa: PTH115 - as written
        else:
            entries.append({"path": name, **_copied(path, name, target / "home" / name)})
        report("backup", done, len(files))
    noted = {
        "form": _FORM, "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "marks": marks, "files": entries,
    }  # fmt: skip
    data = json.dumps(noted, ensure_ascii=False, indent=1).encode()
    (target / f"{MANIFEST}.sha256").write_text(f"{hashlib.sha256(data).hexdigest()}  {MANIFEST}\n")
    part = target / f".{MANIFEST}"
    part.write_bytes(data)
    part.replace(target / MANIFEST)
    return _saved(noted)


def _copied(path: Path, name: str, to: Path) -> dict[str, Any]:
    """Copy a file of a home; what the manifest says of it."""
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    about = path.stat()
    if name.endswith(".db") and name.startswith(_SQLITE):
        to.touch(0o600)
        with closing(sqlite3.connect(path)) as live, closing(sqlite3.connect(to)) as copy:
            live.backup(copy)
    else:
        shutil.copyfile(path, to)
        to.chmod(0o600)
    return {
        "sha256": _digest(to), "size": to.stat().st_size, "mode": about.st_mode & 0o777,
        "modified_ns": about.st_mtime_ns,
    }  # fmt: skip


def _digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _checked(folder: Path, noted: dict[str, Any]) -> list[dict[str, Any]]:
    """Entries of a manifest whose files are what it says.

    Raises:
        HomeError: one is missing, changed, or would lie outside a home.
    """
    entries, wrong = noted["files"], []
    for done, one in enumerate(entries, start=1):
        target = PurePosixPath(one["path"]).parent / one.get("link", "")
        for path in (PurePosixPath(one["path"]), target):
            if path.is_absolute() or ".." in path.parts:
                raise HomeError(f"{folder}: {one['path']} would lie outside the home")
        file = folder / "home" / one["path"]
        if "link" not in one and (not file.is_file() or _digest(file) != one["sha256"]):
            wrong.append(one["path"])
        report("verify", done, len(entries))
    if wrong:
        more = f" and {len(wrong) - 3:,} more" if len(wrong) > 3 else ""
        raise HomeError(f"{folder} is damaged: {', '.join(wrong[:3])}{more} missing or changed; "
                        "nothing was restored")  # fmt: skip
    return entries


def _check_keys(folder: Path, marks: dict[str, str]) -> None:
    for topic, mark in marks.items():
        path = folder / "home" / "keys" / f"{topic}.key"
        if not path.exists() or key_mark(bytes.fromhex(path.read_text().strip())) != mark:
            raise HomeError(f"{folder} does not hold the key of the backup's tokens of {topic}")


def _lay(folder: Path, entry: dict[str, Any], root: Path) -> None:
    to = root / entry["path"]
    to.parent.mkdir(parents=True, exist_ok=True)
    if "link" in entry:
        to.symlink_to(entry["link"])
        return
    shutil.copyfile(folder / "home" / entry["path"], to)
    if _digest(to) != entry["sha256"]:
        raise HomeError(f"{to} was not written as it is in the backup: is the disk sound?")
    to.chmod(entry["mode"])
    # intake knows files by name, size and time
    os.utime(to, ns=(entry["modified_ns"], entry["modified_ns"]))


def _saved(noted: dict[str, Any]) -> Saved:
    sizes = [one["size"] for one in noted["files"] if "size" in one]
    return Saved(len(noted["files"]), sum(sizes), noted["made_at"], noted["marks"])
