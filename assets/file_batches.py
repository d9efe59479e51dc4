"""A batch of files on its way into the lake: rows gathered, judged together, written together.

Many small files cost as little as one large one: their rows are judged in one go and told apart by
their file id. Memory is bounded by the two limits below, whatever the size of a file.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from assets.file_accounts import Account
from assets.retention import closed_through
from quality.judging import UNREADABLE_ROW, judge
from quality.sealing import without_sealed_days
from schemas import tables
from schemas.feeds import BY_NAME
from schemas.ledgers import QuarantinedRow
from warehouse.lake import Lake, empty
from warehouse.memory import give_back
from warehouse.readers import Broken, Chunk, UnreadableFile

ROWS_PER_JUDGEMENT = 50_000
ROWS_PER_COMMIT = 160_000
HOPELESS_ROWS = 100_000
"""A file of which not one of so many rows can be accepted is the wrong file; it is set aside."""

Book = dict[str, Account]
"""Feed → its account, for one file."""


@dataclass
class FileBatch:
    """The rows of a batch of files, and the account of every file."""

    lake: Lake
    books: defaultdict[str, Book] = field(default_factory=lambda: defaultdict(dict))
    _texts: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    _accepted: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    _quarantined: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    _unjudged: int = 0
    _unwritten: int = 0
    _written: set[str] = field(default_factory=set)

    def account(self, file_id: str, feed: str) -> Account:
        """The account of one feed of one file."""
        return self.books[file_id].setdefault(feed, Account())

    def add(self, file_id: str, chunk: Chunk, default: str) -> None:
        """Take over a chunk of a file; what is refused is booked on the `default` feed."""
        for feed, texts in chunk.rows.items():
            self.account(file_id, feed).arrived += texts.height
            self._texts.setdefault(feed, []).append(texts.with_columns(file_id=pl.lit(file_id)))
            self._unjudged += texts.height
        self._set_broken(file_id, chunk)
        account = self.account(file_id, default)
        account.arrived += chunk.refused
        account.refused += chunk.refused
        account.dropped.update(chunk.dropped)
        account.unknown.update(chunk.unknown)
        if self._unjudged >= ROWS_PER_JUDGEMENT:
            self.judge()
            self._refuse_hopeless(file_id)
        if self._unwritten >= ROWS_PER_COMMIT:
            self.write()

    def judge(self) -> None:
        """Judge the rows gathered so far and book them file by file."""
        for feed, frames in self._texts.items():
            for part in pl.concat(frames, how="diagonal").iter_slices(2 * ROWS_PER_JUDGEMENT):
                judged = judge(BY_NAME[feed].contract, part)
                through = closed_through(self.lake, feed)
                judged = without_sealed_days(BY_NAME[feed], judged, part, through)
                self._book(feed, judged.accepted, judged.quarantined)
                self._hold(feed, judged.accepted, judged.quarantined)
        self._texts.clear()
        self._unjudged = 0

    def write(self) -> None:
        """Judge and append everything held to bronze and quarantine."""
        self.judge()
        for layer, held in (("bronze", self._accepted), ("quarantine", self._quarantined)):
            for feed, frames in held.items():
                rows = pl.concat(frames)
                if rows.height:
                    self.lake.append(tables.BY_KEY[(layer, feed)], rows)
                    self._written.update(rows["file_id"].unique())
            held.clear()
        self._unwritten = 0
        give_back()

    def forget(self, file_id: str) -> None:
        """Take back every row of a file that turned out unreadable further down."""
        self.books.pop(file_id, None)
        for held in (self._texts, self._accepted, self._quarantined):
            for feed, frames in held.items():
                held[feed] = [f.filter(pl.col("file_id") != file_id) for f in frames]
        if file_id in self._written:
            for feed in BY_NAME:
                for layer in ("bronze", "quarantine"):
                    self.lake.delete(tables.BY_KEY[(layer, feed)], f"file_id = '{file_id}'")

    def _hold(self, feed: str, accepted: pl.DataFrame, quarantined: pl.DataFrame) -> None:
        self._accepted.setdefault(feed, []).append(accepted)
        self._quarantined.setdefault(feed, []).append(quarantined)
        self._unwritten += accepted.height + quarantined.height

    def _book(self, feed: str, accepted: pl.DataFrame, quarantined: pl.DataFrame) -> None:
        for file_id, rows in _by_file(accepted):
            account = self.account(file_id, feed)
            account.accepted += rows.height
            if day := BY_NAME[feed].day_column:
                account.days.update(rows[day].unique())
        for file_id, rows in _by_file(quarantined):
            account = self.account(file_id, feed)
            account.quarantined += rows.height
            account.rules.update(rows["rules"].explode())

    def _refuse_hopeless(self, file_id: str) -> None:
        """A large file of which nothing can be accepted is the wrong file, or made to fill disks.

        Raises:
            UnreadableFile: many rows arrived and not one of them was accepted.
        """
        accounts = self.books[file_id].values()
        arrived = sum(account.arrived for account in accounts)
        if arrived > HOPELESS_ROWS and not any(account.accepted for account in accounts):
            rules = sum((account.rules for account in accounts), Counter[str]())
            worst = rules.most_common(1)[0][0] if rules else UNREADABLE_ROW
            raise UnreadableFile(
                f"not one of its first {arrived:,} rows is acceptable; most often broken: {worst}"
            )

    def _set_broken(self, file_id: str, chunk: Chunk) -> None:
        """Quarantine rows that could not be parsed."""
        by_feed: dict[str, list[Broken]] = {}
        for broken in chunk.broken:
            by_feed.setdefault(broken.feed, []).append(broken)
        for feed, several in by_feed.items():
            account = self.account(file_id, feed)
            account.arrived += len(several)
            account.quarantined += len(several)
            account.rules[UNREADABLE_ROW] += len(several)
            frame = pl.DataFrame(
                {
                    "row_number": [one.row_number for one in several],
                    "item_number": [one.item_number for one in several],
                    "detail": [one.detail for one in several],
                }
            ).with_columns(
                file_id=pl.lit(file_id), rules=pl.lit([UNREADABLE_ROW]), row=pl.lit(None, pl.String)
            )
            schema = empty(QuarantinedRow).schema
            quarantined = frame.select([pl.col(name).cast(t) for name, t in schema.items()])
            self._hold(feed, empty(BY_NAME[feed].contract), quarantined)
            self._refuse_hopeless(file_id)


def _by_file(rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    for (file_id,), part in rows.group_by("file_id"):
        yield str(file_id), part
