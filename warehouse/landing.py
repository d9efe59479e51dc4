"""Landing files: which are there, which are new, which are still being written."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from collections.abc import Collection
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from schemas.feeds import Feed, landing_folders, sources

UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart")
_SETTLE_SECONDS = 2.0

_SUFFIXES = {
    "ga1400": (".json", ".ndjson", ".jsonl"),
    "ndjson": (".ndjson", ".jsonl"),
    "csv": (".csv", ".txt"),
    "xlsx": (".xlsx",),
    "geojson": (".geojson", ".json"),
}
_PACKED = (".gz", ".zst")
CORRECTIONS = "corrections"
"""Folder of files that correct rows of other files; `govlake quarantine replay` reads it."""


@dataclass(frozen=True)
class LandedFile:
    """A file in landing.

    Attributes:
        path: Where it lies.
        name: Its path below `landing/`, as reports name it.
        size: Bytes.
        modified_ns: Last change.
    """

    path: Path
    name: str
    size: int
    modified_ns: int

    def sha256(self) -> str:
        """Digest of the bytes as landed: the file's identity."""
        with open_landed(self.path) as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()


def open_landed(path: Path) -> BufferedReader:
    """Open a file that was listed.

    Raises:
        OSError: it became a link, a pipe or a device since then; none is followed or waited for.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file")
    return os.fdopen(handle, "rb")


@dataclass(frozen=True)
class Listing:
    """What lies in a source's folders."""

    files: list[LandedFile]
    waiting: list[str]
    refused: dict[str, str]


def list_files(landing: Path, source: str) -> Listing:
    """Files of a source in name order; those still being written wait for the next run."""
    return list_folders(landing, landing_folders(source))


def list_folders(landing: Path, folders: Collection[str]) -> Listing:
    """Files below some folders of landing, folder by folder in name order."""
    found: list[tuple[Path, os.stat_result]] = []
    waiting: list[str] = []
    refused: dict[str, str] = {}
    for folder in folders:
        if (landing / folder).is_symlink():
            refused[folder] = "a link: links are never followed"
            continue
        for path in sorted((landing / folder).rglob("*")):
            name = path.relative_to(landing).as_posix()
            about = path.lstat()
            if path.name.startswith(".") or stat.S_ISDIR(about.st_mode):
                continue
            if not stat.S_ISREG(about.st_mode):
                refused[name] = "not a regular file: links and devices are never followed"
            elif path.suffix in UNFINISHED:
                waiting.append(name)
            else:
                found.append((path, about))
    young = [f for f in found if time.time() - f[1].st_mtime < _SETTLE_SECONDS]
    if young:
        time.sleep(_SETTLE_SECONDS / 2)
    growing = {path for path, about in young if _changed(path, about)}
    waiting += [path.relative_to(landing).as_posix() for path in sorted(growing)]
    files = [
        LandedFile(path, path.relative_to(landing).as_posix(), about.st_size, about.st_mtime_ns)
        for path, about in found
        if path not in growing
    ]
    return Listing(files, waiting, refused)


def unread(landing: Path) -> dict[str, str]:
    """What lies in landing and will not be read, with the reason: nothing is ignored in silence."""
    known = {folder for source in sources() for folder in landing_folders(source)}
    found: dict[str, str] = {}
    for path in sorted(landing.iterdir()) if landing.is_dir() else []:
        if path.is_dir() and path.name not in {*known, CORRECTIONS}:
            found[path.name] = "no feed of this name; folders: " + ", ".join(sorted(known))
        elif not path.is_dir():
            found[path.name] = "lies outside the feeds' folders"
    for source in sources():
        for folder in landing_folders(source):
            for path in (landing / folder).rglob("*"):
                name = path.relative_to(landing).as_posix()
                if path.is_symlink() or not (path.is_file() or path.is_dir()):
                    found[name] = "not a regular file: links and devices are never followed"
                elif path.suffix in UNFINISHED:
                    found[name] = "still being written"
    return found


def mapped_form_of(path: Path, forms: Collection[str]) -> str | None:
    """The form of a file whose mapping says what is in it, by its name alone."""
    suffixes, packed = _suffixes(path)
    last = suffixes[-1] if suffixes else ""
    return next((f for f in forms if last in _SUFFIXES[f] and not (packed and f == "xlsx")), None)


def _suffixes(path: Path) -> tuple[list[str], bool]:
    """Extensions in lower case without that of a packing, and whether there was one."""
    suffixes = [s.lower() for s in path.suffixes]
    packed = len(suffixes) > 1 and suffixes[-1] in _PACKED
    return (suffixes[:-1] if packed else suffixes), packed


def _changed(path: Path, before: os.stat_result) -> bool:
    try:
        now = path.lstat()
    except FileNotFoundError:
        return True
    return (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns)


def form_of(path: Path, feeds: tuple[Feed, ...]) -> str | None:
    """The form a file of these feeds is in, by its name; None where no feed takes such files.

    >>> from schemas.feeds import BY_NAME
    >>> form_of(Path("a.ndjson.gz"), (BY_NAME["face_captures"],))
    'ga1400'
    """
    suffixes, packed = _suffixes(path)
    last = suffixes[-1] if suffixes else ""
    for feed in feeds:
        for form in feed.forms:
            if last in _SUFFIXES[form] and not (packed and form == "xlsx"):
                return form
    return None
