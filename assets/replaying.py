"""Replaying quarantine: rows are judged again, and those that pass go where they would have gone.

A batch of rows moves in one step: bronze gets them, quarantine loses them, the accounts say so, and
the append to `ops.replays` makes it real; killed before that, the journal puts everything back. So
nothing is counted twice, nothing is lost, and a second replay finds nothing to do. Not here: files
that correct rows (`corrections.py`), where texts come from (`originals.py`).
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import polars as pl

from assets.file_accounts import Account, file_account
from assets.judgements import Rules, due, judgements, rules_of
from assets.originals import AT, as_row, kept_texts, texts_of
from assets.repair_receipts import amend_receipts
from assets.retention import closed_through
from quality.judging import judge
from quality.sealing import without_sealed_days
from schemas import tables
from schemas.feed import Feed
from schemas.feeds import sources
from schemas.ledgers import FileAccount
from schemas.replays import JUDGEMENTS, REPLAYS, Replay
from warehouse import journal
from warehouse.builds import fingerprint
from warehouse.lake import Lake, empty
from warehouse.progress import report

FILES_AT_ONCE = 512
ROWS_AT_ONCE = 50_000
_KEY = "quarantine"


@dataclass(frozen=True)
class Order:
    """Who has rows replayed, and why; both are kept in `ops.replays`."""

    username: str
    reason: str


@dataclass
class Replayed:
    """What became of replayed rows, for people.

    Attributes:
        accepted: Feed → rows that left quarantine for bronze.
        anew: Feed → rows quarantined anew: with another text, or for other reasons.
        unchanged: Feed → rows judged and left as they were.
        left: File → why rows of it could not be judged again.
        unknown: File of corrections → rows it names that are not in quarantine (any more).
        set_aside: File of corrections → why it cannot be used.
        recovered: Batches that a killed run had left half done, undone first.
    """

    accepted: Counter[str] = field(default_factory=Counter)
    anew: Counter[str] = field(default_factory=Counter)
    unchanged: Counter[str] = field(default_factory=Counter)
    left: dict[str, str] = field(default_factory=dict)
    unknown: Counter[str] = field(default_factory=Counter)
    set_aside: dict[str, str] = field(default_factory=dict)
    recovered: list[str] = field(default_factory=list)


def recover_all(lake: Lake) -> list[str]:
    """Undo what killed runs left half done, of any source."""
    undone = (journal.recover(lake, source) for source in sources())
    return [batch for batch in undone if batch]


def judge_again(
    lake: Lake, order: Order, done: Replayed, feeds: Collection[str] = (), *, everything: bool
) -> None:
    """Judge quarantined rows again that the rules in force may judge otherwise.

    Args:
        lake: The lake; its home is held by the caller.
        order: Who, and why.
        done: Where what became of them is counted.
        feeds: Only these; none: all.
        everything: Also rows that were judged by the rules in force.

    Raises:
        MappingError: a mapping of the site cannot be used.
    """
    rules, files = rules_of(lake.home), names_of_files(lake)
    first = {file_id: names[0] for file_id, names in files.items()}
    wanted = [feed for several in sources().values() for feed in several
              if not feeds or feed.name in feeds]  # fmt: skip
    for number, feed in enumerate(wanted):
        held = rows_by_file(lake, feed.name)
        again = sorted(held) if everything else due(lake, rules, feed.name, held, first)
        for some in _batches(again, held):
            _judge_batch(lake, order, done, feed, some, rules, files)
        report("judge again", number + 1, len(wanted))


def rows_by_file(lake: Lake, feed: str) -> dict[str, int]:
    """File id → rows of it in quarantine."""
    rows = lake.scan(tables.table("quarantine", feed)).group_by("file_id").len().collect()
    return dict(rows.iter_rows())


def names_of_files(lake: Lake) -> dict[str, list[str]]:
    """File id → the names under which it was delivered, the one it was taken in by first."""
    found: dict[str, list[str]] = {}
    records = lake.book(journal.FILES).filter(pl.col("outcome") != "set_aside")
    records = records.sort((pl.col("outcome") == "seen_before"), "file_name")
    for file_id, name in records.select("file_id", "file_name").iter_rows():
        found.setdefault(file_id, []).append(name)
    return found


def _batches(files: Sequence[str], held: dict[str, int]) -> Iterator[list[str]]:
    some: list[str] = []
    rows = 0
    for one in files:
        if some and (rows + held[one] > ROWS_AT_ONCE or len(some) == FILES_AT_ONCE):
            yield some
            some, rows = [], 0
        some.append(one)
        rows += held[one]
    if some:
        yield some


def _judge_batch(
    lake: Lake,
    order: Order,
    done: Replayed,
    feed: Feed,
    some: list[str],
    rules: Rules,
    files: dict[str, list[str]],
) -> None:
    held = lake.scan(tables.table("quarantine", feed.name))
    rows = held.filter(pl.col("file_id").is_in(some)).collect()
    own = {one: files[one] for one in some if one in files}
    found = texts_of(lake.home, rules, feed, rows, own)
    done.left |= found.left
    cannot = {one for one, names in own.items() if names[0] in found.left}
    judged = [(feed.name, one, own[one][0]) for one in some if one in own and one not in cannot]
    step = Step(lake, order, feed, rows, found.rows)
    step.commit(done, "rules", judgements(step.batch_id, rules, judged))


class Step:
    """Rows of one feed that are judged together and move together."""

    def __init__(
        self, lake: Lake, order: Order, feed: Feed, rows: pl.DataFrame, texts: pl.DataFrame
    ) -> None:
        """Judge.

        Args:
            lake: The lake.
            order: Who, and why.
            feed: The feed.
            rows: Every quarantined row of the files concerned.
            texts: What some of them are to be judged as.
        """
        self.lake, self.order, self.feed, self.rows = lake, order, feed, rows
        self.at = datetime.now(UTC)
        self.batch_id = fingerprint("replay", self.at.isoformat(), feed.name, texts.height)
        contract = feed.contract
        single = _keyed(rows).group_by(AT).len().filter(pl.col("len") == 1)
        texts = texts.join(single, on=AT, how="semi")
        through = closed_through(lake, feed.name)
        judged = without_sealed_days(feed, judge(contract, texts), texts, through)
        self.accepted = judged.accepted
        before = kept_texts(contract, rows).select(*AT, before=as_row(contract))
        self.now = (
            texts.select(*AT, now=as_row(contract))
            .join(_keyed(rows).select(*AT, rules_before="rules"), on=AT)
            .join(before, on=AT, how="left")
            .join(_keyed(judged.quarantined).select(*AT, rules_after="rules"), on=AT, how="left")
        )
        stays = pl.col("rules_after").is_not_null()
        same = pl.col("before").eq_missing(pl.col("now")) & (
            pl.col("rules_after").list.sort() == pl.col("rules_before").list.sort()
        )
        self.moved = self.now.filter(~(stays & same))
        again = self.moved.filter(stays).select(AT)
        self.anew = _keyed(judged.quarantined).join(again, on=AT, how="semi")

    def commit(
        self,
        done: Replayed,
        cause: str,
        judged: pl.DataFrame,
        correction: str | None = None,
    ) -> None:
        """Write what changes, all of it or nothing.

        Args:
            done: Where it is counted.
            cause: `rules` or `correction`.
            judged: Rows of `ops.judgements` that belong to it.
            correction: The file of corrections, by its id.
        """
        lake, name = self.lake, self.feed.name
        if self.moved.is_empty():
            lake.append(JUDGEMENTS, judged)
        else:
            touched = sorted(set(self.moved["file_id"]))
            bronze, quarantine = (tables.table(layer, name) for layer in ("bronze", "quarantine"))
            journal.begin(lake, self.feed.source, self.batch_id, [bronze, quarantine], REPLAYS)
            lake.append(bronze, self.accepted)
            quoted = ", ".join(f"'{one}'" for one in touched)
            lake.delete(quarantine, f"file_id IN ({quoted})")
            lake.append(quarantine, self._remaining(touched))
            lake.append(journal.ACCOUNTS, self._accounts())
            lake.append(JUDGEMENTS, judged)
            lake.append(REPLAYS, self._ledger(cause, correction))
            journal.end(lake, self.feed.source)
            amend_receipts(lake, touched, name)
        done.accepted[name] += self.accepted.height
        done.anew[name] += self.anew.height
        done.unchanged[name] += self.now.height - self.moved.height

    def _remaining(self, touched: list[str]) -> pl.DataFrame:
        """What quarantine holds of some files from now on."""
        stay = _keyed(self.rows).join(self.moved.select(AT), on=AT, how="anti")
        kept = pl.concat([stay, self.anew.select(stay.columns)])
        return kept.filter(pl.col("file_id").is_in(touched))

    def _accounts(self) -> pl.DataFrame:
        """Entries that take what was accepted off the quarantined rows of each file."""
        day = self.feed.day_column
        entries = []
        for (file_id,), rows in self.accepted.group_by("file_id", maintain_order=True):
            days = set(rows[day].unique()) if day else set()
            account = Account(accepted=rows.height, quarantined=-rows.height, days=days)
            entries.append(file_account(str(file_id), self.batch_id, self.feed.name, account))
        return pl.DataFrame(entries, schema=empty(FileAccount).schema)

    def _ledger(self, cause: str, correction: str | None) -> pl.DataFrame:
        key = self.lake.home.key(_KEY)

        def digest(text: str) -> str:
            return hmac.digest(key, text.encode(), "sha256").hex()[:32]

        facts: dict[str, Any] = {
            "batch_id": self.batch_id, "replayed_at": self.at, "username": self.order.username,
            "reason": self.order.reason, "cause": cause, "correction": correction,
            "feed": self.feed.name,
        }  # fmt: skip
        stays = pl.col("rules_after").is_not_null()
        rows = self.moved.sort(AT).with_columns(
            *(pl.lit(value).alias(name) for name, value in facts.items()),
            outcome=pl.when(stays).then(pl.lit("quarantined")).otherwise(pl.lit("accepted")),
            rules_after=pl.col("rules_after").fill_null([]),
            content_before=pl.Series([t and digest(t) for t in self.moved.sort(AT)["before"]],
                                     dtype=pl.String),
            content_after=pl.Series([digest(t) for t in self.moved.sort(AT)["now"]],
                                    dtype=pl.String),
        )  # fmt: skip
        return rows.select(pl.col(n).cast(t) for n, t in empty(Replay).schema.items())


def _keyed(rows: pl.DataFrame) -> pl.DataFrame:
    """Quarantined rows whose provenance has the types of the contracts."""
    return rows.with_columns(
        pl.col("row_number").cast(pl.Int64), pl.col("item_number").cast(pl.Int32)
    )
