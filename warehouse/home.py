"""A govlake home: where everything of one installation lies, and who may look.

`landing/`, the restricted layers of `lake/` (bronze, quarantine, persons), `receipts/`, `repairs/`
and `keys/` are the restricted zone: their directories are 0700, the key files 0600.
"""

from __future__ import annotations

import fcntl
import hmac
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from schemas.protection import RESTRICTED_LAYERS

LOST_KEY = (
    "put the right key back from its backup; if it is gone for good, move lake/ away and run again "
    "(new tokens: persons and vehicles of before can no longer be matched with those of after)"
)


class HomeError(Exception):
    """Something about the home that a person must mend; the message says what and how."""


@dataclass(frozen=True)
class Home:
    """Paths of one home; nothing is created until `prepare`."""

    root: Path

    @property
    def landing(self) -> Path:
        """Where source systems drop files. Never changed by govlake."""
        return self.root / "landing"

    @property
    def lake(self) -> Path:
        """Delta tables by layer."""
        return self.root / "lake"

    @property
    def serving(self) -> Path:
        """Generations of serving files; `current` points to the one being read."""
        return self.root / "serving"

    @property
    def exports(self) -> Path:
        """Releases for downstream systems; `latest` points to the newest."""
        return self.root / "exports"

    @property
    def quality(self) -> Path:
        """Data Docs: what was expected of every published table, as pages that open offline."""
        return self.root / "quality"

    @property
    def receipts(self) -> Path:
        """One receipt per landed file."""
        return self.root / "receipts"

    @property
    def repairs(self) -> Path:
        """Quarantined rows as sheets for their owners; restricted, and each expires."""
        return self.root / "repairs"

    @property
    def keys(self) -> Path:
        """Token keys, one per topic; back them up apart from the lake."""
        return self.root / "keys"

    @property
    def config(self) -> Path:
        """Site settings; written by people, only ever read by govlake."""
        return self.root / "config"

    @property
    def alerts(self) -> Path:
        """What people were told of, and messages still to be sent."""
        return self.root / "alerts"

    @property
    def dagster(self) -> Path:
        """Dagster's own storage (DAGSTER_HOME)."""
        return self.root / "dagster"

    @property
    def demo_marker(self) -> Path:
        """Present in homes that hold the demo district."""
        return self.root / "demo" / "demo.json"

    def prepare(self) -> None:
        """Create the directories with their permissions."""
        for path in (self.root, self.lake, self.serving, self.exports, self.dagster):
            path.mkdir(parents=True, exist_ok=True)
        zone = (self.lake / layer for layer in RESTRICTED_LAYERS)
        for path in (self.landing, *zone, self.receipts, self.repairs, self.keys):
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(0o700)

    def key(self, topic: str) -> bytes:
        """The token key of a topic, made on first use.

        The lake keeps a mark of every key whose tokens it holds: under another key the same person
        would be two, so a key that was lost is never silently made anew.

        Raises:
            HomeError: the key file is damaged, readable by others, lost, or not the lake's own.
        """
        path, marks = self.keys / f"{topic}.key", self.key_marks()
        if not path.exists() and topic in marks:
            raise HomeError(f"{path} is lost, and the lake holds its tokens: {LOST_KEY}")
        if not path.exists():
            self.keys.mkdir(parents=True, exist_ok=True)
            self.keys.chmod(0o700)
            part = path.with_suffix(".part")
            part.touch(0o600)
            part.write_text(secrets.token_hex(32))
            part.rename(path)
        if path.stat().st_mode & 0o077:
            raise HomeError(f"{path} can be read by others: run chmod 600 on it")
        text = path.read_text().strip()
        if len(text) != 64:
            raise HomeError(f"{path} is damaged (64 hex digits expected): restore it from backup")
        key = bytes.fromhex(text)
        if marks.get(topic, key_mark(key)) != key_mark(key):
            raise HomeError(f"{path} is not the key of the lake's tokens: {LOST_KEY}")
        if topic not in marks:
            self._mark(marks | {topic: key_mark(key)})
        return key

    @property
    def key_marks_file(self) -> Path:
        """Marks of the keys whose tokens the lake holds; goes and comes with the lake."""
        return self.lake / "ops" / "_keys.json"

    def key_marks(self) -> dict[str, str]:
        """Topic → mark of the key its tokens in the lake were made with."""
        path = self.key_marks_file
        return json.loads(path.read_text()) if path.exists() else {}

    def _mark(self, marks: dict[str, str]) -> None:
        path = self.key_marks_file
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(marks, indent=1))
        part.replace(path)

    def demo_as_of(self) -> datetime | None:
        """As-of instant of the demo in this home, or None where there is no demo."""
        if not self.demo_marker.exists():
            return None
        return datetime.fromisoformat(json.loads(self.demo_marker.read_text())["as_of"])

    @contextmanager
    def locked(self, *, wait: bool = False) -> Iterator[None]:
        """Hold the home against other processes; within this process it may be held again.

        Args:
            wait: Wait for another run to end, instead of refusing.

        Raises:
            HomeError: another run holds it.
        """
        if self.root in _HELD:
            yield
            return
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "run.lock").open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                raise HomeError(
                    f"another run is at work in {self.root}; wait for it to end"
                ) from None
            _HELD.add(self.root)
            try:
                yield
            finally:
                _HELD.discard(self.root)


def key_mark(key: bytes) -> str:
    """What tells keys apart and says nothing of them.

    >>> key_mark(b"a" * 32) == key_mark(b"a" * 32) != key_mark(b"b" * 32)
    True
    """
    return hmac.digest(key, b"govlake key mark", "sha256").hex()[:16]


_HELD: set[Path] = set()
"""Homes this process holds."""


def default_home() -> Path:
    """`$GOVLAKE_HOME`, else `./data`."""
    return Path(os.environ.get("GOVLAKE_HOME") or "data").resolve()
