"""High-water marks: how far a database source has been read, kept in the names of its files.

`db-<source>-<from>-<to>-<ties>.ndjson.zst` holds the rows after `from` up to and including `to`;
`ties` is a digest of all rows whose mark is `to`. So the files themselves are the books: a file is
in place whole or not at all, and the newest `to` is the mark.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

Mark = int | date | datetime
"""A value of the high-water column; instants with a zone are UTC, others are as stored."""

START = "start"
_NAME = re.compile(r"db-([a-z0-9_]+)-([a-z0-9T_]+)-([a-z0-9T_]+)-([0-9a-f]{16})\.ndjson\.zst")
_INSTANT = "%Y%m%dT%H%M%S_%f"


def mark_text(mark: Mark) -> str:
    """A mark as part of a file name; its first letter says what kind it is.

    >>> mark_text(-7), mark_text(date(2026, 11, 20))
    ('in7', 'd20261120')
    >>> mark_text(datetime(2026, 11, 20, 8, 30, tzinfo=UTC))
    'z20261120T083000_000000'
    """
    if isinstance(mark, datetime):
        kind, when = ("z", mark.astimezone(UTC)) if mark.tzinfo else ("t", mark)
        return f"{kind}{when.year:04}{when:%m%dT%H%M%S_%f}"
    if isinstance(mark, date):
        return f"d{mark.year:04}{mark:%m%d}"
    return f"i{mark}".replace("-", "n")


def mark_of(text: str) -> Mark:
    """The mark a file name carries.

    Raises:
        ValueError: this is none.

    >>> mark_of(mark_text(-7))
    -7
    """
    kind, rest = text[:1], text[1:]
    if kind == "i":
        return int(rest.replace("n", "-"))
    if kind == "d":
        return datetime.strptime(rest, "%Y%m%d").date()
    instant = datetime.strptime(rest, _INSTANT)
    if kind not in ("t", "z"):
        raise ValueError(f"{text!r} is no mark")
    return instant.replace(tzinfo=UTC) if kind == "z" else instant


def mark_given(kind: str, text: str) -> Mark:
    """A mark as a person writes it, of a kind.

    Raises:
        ValueError: it is none of that kind.

    >>> mark_given("z", "2026-11-20T08:30:00+08:00")
    datetime.datetime(2026, 11, 20, 0, 30, tzinfo=datetime.timezone.utc)
    """
    if kind == "i":
        return int(text)
    if kind == "d":
        return date.fromisoformat(text)
    instant = datetime.fromisoformat(text)
    if kind_of(instant) != kind:
        zone = "with a zone (+08:00)" if kind == "z" else "without a zone"
        raise ValueError(f"{text}: a time {zone} is wanted")
    return mark_of(mark_text(instant))


def kind_of(mark: Mark) -> str:
    """Letter of the kind of a mark: integer, date, time without or with a zone."""
    return mark_text(mark)[0]


@dataclass(frozen=True)
class Reached:
    """How far one file went.

    Attributes:
        end: The mark of its last rows.
        ties: Digest of all rows that had that mark.
    """

    end: Mark
    ties: str


def file_name(source: str, begin: Mark | None, reached: Reached) -> str:
    """Name of a source's file in its landing folder."""
    start = START if begin is None else mark_text(begin)
    return f"db-{source}-{start}-{mark_text(reached.end)}-{reached.ties}.ndjson.zst"


def reached_by(source: str, names: Iterable[str]) -> list[Reached]:
    """How far the files of a source went, told from file names; others are passed over."""
    found = []
    for name in names:
        parts = _NAME.fullmatch(name.rsplit("/", 1)[-1])
        if parts and parts[1] == source:
            found.append(Reached(mark_of(parts[3]), parts[4]))
    return found


@dataclass
class Ties:
    """The rows that share the newest mark met so far: their digest, whatever their order."""

    mark: Mark | None = None
    _rows: int = 0
    _sum: int = field(default=0, repr=False)

    def add(self, mark: Mark, lines: Iterable[str]) -> None:
        """Rows of a mark; a new one begins anew."""
        if mark != self.mark:
            self.mark, self._rows, self._sum = mark, 0, 0
        for line in lines:
            digest = hashlib.blake2b(line.encode(), digest_size=16).digest()
            self._sum = (self._sum + int.from_bytes(digest)) % (1 << 128)
            self._rows += 1

    @property
    def digest(self) -> str:
        """Sixteen hex digits."""
        return hashlib.blake2b(f"{self._rows}:{self._sum}".encode(), digest_size=8).hexdigest()
