"""What lies in quarantine: counted for everybody, row by row for who may see, as sheets for owners.

Counts hold no value of a row. Sheets lie in `HOME/repairs` (0700, files 0600) until the day in
their name. Not here: writing a look into the access register (`pipelines/repairing.py`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from assets.corrections import FEED, FILE, ITEM, NOTES, ROW
from assets.judgements import due, rules_of
from assets.originals import AT, kept_texts
from assets.replaying import names_of_files, rows_by_file
from quality.remedies import columns_of, reason_zh, remedy_zh
from schemas import tables
from schemas.city_time import city_date_of, city_day
from schemas.contract import Contract, facts, wire_columns
from schemas.feed import Feed
from schemas.feeds import BY_NAME, FEEDS
from warehouse import journal
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.sheets import write_sheet

KEPT_DAYS = 30
_UNTIL = re.compile(r"-until-(\d{8})")


@dataclass(frozen=True)
class Wanted:
    """Which rows are meant; what is None or empty does not matter.

    Attributes:
        feeds: Names of feeds.
        rule: A broken rule; of a mapping also without the value it lacks.
        file: Part of the landing file's name, or the beginning of its id.
        day: City day the file was delivered.
    """

    feeds: Collection[str] = ()
    rule: str | None = None
    file: str | None = None
    day: date | None = None

    def of_feeds(self) -> Iterator[Feed]:
        """The feeds that are meant.

        Raises:
            ValueError: one is not known.
        """
        if unknown := sorted(set(self.feeds) - set(BY_NAME)):
            raise ValueError(f"no feed is called {unknown[0]}; feeds: {', '.join(BY_NAME)}")
        return (feed for feed in FEEDS if not self.feeds or feed.name in self.feeds)


def counts(lake: Lake, wanted: Wanted) -> pl.DataFrame:
    """Quarantined rows by feed, rule, file and day of delivery.

    Returns:
        `feed`, `rule`, `file_name`, `day`, `rows`, and `is_due`: whether the rules in force may
        judge them otherwise. A row that broke two rules counts under both.
    """
    rules, files = rules_of(lake.home), names_of_files(lake)
    first = {one: names[0] for one, names in files.items()}
    about, parts = _delivered(lake), []
    for feed in wanted.of_feeds():
        again = due(lake, rules, feed.name, rows_by_file(lake, feed.name), first)
        held = lake.scan(tables.table("quarantine", feed.name)).select("file_id", "rules")
        by = held.explode("rules").group_by("file_id", rule="rules").agg(rows=pl.len()).collect()
        named = by.join(about, on="file_id", how="left").filter(_meant(wanted))
        is_due = pl.col("file_id").is_in(again) & (pl.col("rule") != "row_is_readable")
        parts.append(named.with_columns(feed=pl.lit(feed.name), is_due=is_due))
    columns = ["feed", "rule", "file_name", "day", "rows", "is_due"]
    return pl.concat(parts).select(columns).sort("feed", "rule", "day", "file_name")


def rows_of(lake: Lake, feed: Feed, wanted: Wanted) -> pl.DataFrame:
    """Quarantined rows of a feed, with `file_name` and `day`; those of one rule, file, day."""
    held = lake.read(tables.table("quarantine", feed.name))
    rules = held.select(*AT, rule="rules").explode("rule")
    named = rules.join(_delivered(lake), on="file_id", how="left").filter(_meant(wanted))
    about = named.select(*AT, "file_name", "day").unique()
    return held.join(about, on=AT).sort("file_name", "row_number", "item_number")


def broken_columns(contract: type[Contract], rows: pl.DataFrame) -> list[str]:
    """Columns the broken rules of some rows speak of: what a look needs to show, and no more."""
    rules = rows["rules"].explode().drop_nulls().unique()
    named = {column for rule in rules for column in columns_of(contract, rule)}
    return [column for column in wire_columns(contract) if column in named]


def sheet(feed: Feed, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows as their owner mends them: which row, why, what to do, and the columns as delivered.

    Args:
        feed: The feed.
        rows: `rows_of` it.
    """
    contract = feed.contract
    columns = {name: names[0] for name, names in wire_columns(contract).items()}
    known = {rule: (reason_zh(contract, rule), remedy_zh(contract, rule))
             for rule in rows["rules"].explode().drop_nulls().unique()}  # fmt: skip
    rules = rows["rules"].to_list()
    notes = dict(zip(NOTES, (
        rows["file_name"].to_list(),
        ["；".join(broken) for broken in rules],
        ["；".join(known[rule][0] for rule in broken) for broken in rules],
        ["；".join(dict.fromkeys(known[rule][1] for rule in broken)) for broken in rules],
        rows["detail"].to_list(),
        [None] * rows.height,
    ), strict=True))  # fmt: skip
    origin = {FEED: [feed.name] * rows.height, FILE: rows["file_id"].to_list(),
              ROW: rows["row_number"].cast(pl.String).to_list(),
              ITEM: rows["item_number"].cast(pl.String).to_list()}  # fmt: skip
    own = rows.select(pl.col(AT[0]), *(pl.col(n).cast(t) for n, t in _NUMBERS.items()))
    texts = own.join(kept_texts(contract, rows), on=AT, how="left", maintain_order="left")
    about = pl.DataFrame({**origin, **notes}, schema=dict.fromkeys((*origin, *notes), pl.String))
    return about.hstack(texts.select(pl.col(name).alias(wire) for name, wire in columns.items()))


def export(
    home: Home, feed: Feed, rows: pl.DataFrame, ending: str, days: int, about: dict[str, str]
) -> Path:
    """Write rows as a sheet into the restricted zone; upkeep removes it once it expired.

    Args:
        home: The home.
        feed: The feed.
        rows: `rows_of` it.
        ending: `xlsx` or `csv`.
        days: How long it is kept.
        about: Chinese label → text, for the workbook's second sheet.
    """
    now = datetime.now(UTC)
    until = city_date_of(now) + timedelta(days=days)
    home.repairs.mkdir(parents=True, exist_ok=True)
    home.repairs.chmod(0o700)
    path = home.repairs / f"{feed.name}-{now:%Y%m%dT%H%M%S%f}-until-{until:%Y%m%d}.{ending}"
    write_sheet(path, sheet(feed, rows), {"数据源": feed.zh, "到期删除": str(until), **about})
    return path


def expire(home: Home, today: date) -> int:
    """Remove sheets that expired; how many. What has no day in its name expires by its age."""
    gone = 0
    for path in sorted(home.repairs.rglob("*")) if home.repairs.is_dir() else []:
        if path.is_file() and _last_day(path) < today:
            path.unlink()
            gone += 1
    return gone


def _last_day(path: Path) -> date:
    if found := _UNTIL.search(path.name):
        try:
            return date.fromisoformat(found[1])
        except ValueError:
            pass  # somebody gave it another name
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return city_date_of(changed) + timedelta(days=KEPT_DAYS)


def _delivered(lake: Lake) -> pl.DataFrame:
    """`file_id`, `file_name`, `day` of every file taken in: its city day of delivery."""
    files = lake.book(journal.FILES).filter(outcome="taken_in").sort("modified_ns")
    first = files.unique("file_id", keep="first", maintain_order=True)
    return first.select(
        "file_id", "file_name",
        day=city_day(pl.from_epoch("modified_ns", "ns").dt.replace_time_zone("UTC")),
    )  # fmt: skip


def _meant(wanted: Wanted) -> pl.Expr:
    """Whether a (row, rule) of a file is meant."""
    parts = [pl.lit(value=True)]
    if wanted.rule:
        of_mapping = pl.col("rule").str.starts_with(f"{wanted.rule}: ")
        parts.append((pl.col("rule") == wanted.rule) | of_mapping)
    if wanted.file:
        parts.append(
            pl.col("file_name").str.contains(wanted.file, literal=True)
            | pl.col("file_id").str.starts_with(wanted.file)
        )
    if wanted.day:
        parts.append(pl.col("day") == wanted.day)
    return pl.all_horizontal(parts)


def labels(contract: type[Contract], columns: Collection[str]) -> list[str]:
    """Chinese names of columns."""
    return [str(facts(contract, name).get("zh", name)) for name in columns]


_NUMBERS: dict[str, pl.DataType] = {"row_number": pl.Int64(), "item_number": pl.Int32()}
