"""Reading landing files: from bytes in any accepted form to text rows under contract column names.

A reader yields chunks of bounded size. What cannot be read at all raises `UnreadableFile` with a
reason fit for people (the file is set aside whole); a single unreadable line becomes a `Broken` row
beside its good neighbours. Values stay text here: turning text into values is judged in `quality`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from schemas.contract import required_columns, wire_columns
from schemas.feeds import Feed


class UnreadableFile(Exception):
    """A landing file that cannot be taken in as a whole; the message says why, in one line."""


class MissingColumns(UnreadableFile):
    """A file without columns it must bring.

    Attributes:
        columns: Their names in the contract.
    """

    def __init__(self, what: str, names: Sequence[str], columns: Sequence[str]) -> None:
        """`what` they are called in this form of file, and their `names` in it."""
        super().__init__(f"missing required {what}: {'、'.join(names)}")
        self.columns = tuple(columns)


@dataclass
class Broken:
    """A row whose text could not be parsed. The text itself is not kept: it could hold anything."""

    feed: str
    row_number: int
    item_number: int
    detail: str


@dataclass
class Chunk:
    """A bounded piece of a file.

    Attributes:
        rows: Feed → text frame: the contract's wire columns, `row_number`, `item_number`.
        broken: Rows that could not be parsed.
        refused: Watch-list messages, counted and gone.
        dropped: Forbidden field names met, how often; values were never read.
        unknown: Field names no contract knows, how often; values were never read.
        bytes_read: Bytes of the file consumed so far, for progress.
    """

    rows: dict[str, pl.DataFrame] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)
    refused: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    bytes_read: int = 0


@dataclass(frozen=True)
class Naming:
    """What the columns of a feed are called in a file.

    Attributes:
        wires: Contract column → names in the file, the first with a value counts.
        required: Contract columns a file must bring to be taken in at all.
        ignored: Names known and not wanted; others not in `wires` are reported as unknown.
        encoding: Of text files; none: told from the bytes.
    """

    wires: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    ignored: frozenset[str] = frozenset()
    encoding: str | None = None

    def without(self, columns: Collection[str]) -> Naming:
        """The same names in a file that need not bring some columns."""
        return replace(self, required=tuple(c for c in self.required if c not in columns))

    @property
    def wanted(self) -> frozenset[str]:
        """Names that are read."""
        return frozenset(name for wire in self.wires.values() for name in wire)


def usual_naming(feed: Feed) -> Naming:
    """The names a feed's contract gives."""
    return Naming(wire_columns(feed.contract), tuple(required_columns(feed.contract)))


Reader = Callable[[Path], Iterator[Chunk]]

__all__ = ["Broken", "Chunk", "MissingColumns", "Naming", "Reader", "UnreadableFile",
           "usual_naming"]  # fmt: skip
