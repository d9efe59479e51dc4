"""Deliveries of registers: what a file holds, as of when, and what a register no longer holds.

Every file of a register states its as-of: in its name, or by the rows' time of change. One that
states none is refused. Which files do it how is a table of the site, `config/deliveries.csv`; a
file that is not in it holds changes and states its as-of by its rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatchcase
from typing import Any

import polars as pl

from assets.site_settings import SettingsError, read_table
from quality.reading import READERS
from schemas import tables
from schemas.city_time import CITY_TZ, city_date_of, end_of_city_day
from schemas.contract import facts, wire_columns
from schemas.feeds import BY_NAME, Feed
from schemas.validity import DeliveryRow
from warehouse.builds import content_fingerprint
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.landing import LandedFile
from warehouse.readers import MissingColumns, UnreadableFile

SETTINGS = "deliveries.csv"
TABLE = tables.table("ops", "deliveries")
IN_DELIVERY = "is_in_the_newest_whole_delivery"
STATES_AS_OF = "delivery_states_its_as_of"
CHANGED = "updated_at"
NEVER_WHOLE = ("areas",)
"""Areas end by `config/area_changes.csv`, which also says what came after them."""

_DAY = re.compile(r"(?<!\d)(20\d\d)-?(\d\d)-?(\d\d)(?!\d)")
_REMEDY = (
    "bring that column, or put the day into the file's name (…-20261119) and name such files in "
    f"config/{SETTINGS} (docs/operations.md)"
)


@dataclass
class Stated:
    """What a file of a register states; `seen` is shown its rows, `check` judges the whole.

    Attributes:
        feed: The register.
        holds: `whole` or `changes`.
        named: The as-of in its name; None: its rows state it.
        first: Earliest time of change met in its rows.
        last: Latest one.
        rows: How many rows were met.
    """

    feed: str
    holds: str
    named: datetime | None
    first: datetime | None = None
    last: datetime | None = None
    rows: int = 0

    @property
    def may_lack(self) -> tuple[str, ...]:
        """Columns the file need not bring: its name says the same."""
        return (CHANGED,) if self.named else ()

    def seen(self, texts: pl.DataFrame) -> pl.DataFrame:
        """Text rows whose blank times of change are the as-of in the file's name, if there is one.

        Args:
            texts: Rows under contract names, as the readers give them.
        """
        self.rows += texts.height
        if self.named:
            is_written = pl.col(CHANGED).str.strip_chars().str.len_chars() > 0
            as_of = f"{self.named.astimezone(CITY_TZ):%Y-%m-%d %H:%M:%S.%f}"
            return texts.with_columns(
                pl.when(is_written).then(CHANGED).otherwise(pl.lit(as_of)).alias(CHANGED)
            )
        times = _times_of_change(BY_NAME[self.feed], texts)
        found = times.select(pl.min("changed"), last=pl.max("changed")).row(0)
        known = [one for one in (self.first, self.last, *found) if one is not None]
        self.first, self.last = (min(known), max(known)) if known else (None, None)
        return texts

    def check(self) -> None:
        """Judge the file once all its rows were met.

        Raises:
            UnreadableFile: it states no as-of, or several, or is a whole register of nothing.
        """
        if self.holds == "whole" and not self.rows:
            raise UnreadableFile(
                "a whole register without a row would close every entry: deliver it again"
            )
        if self.named or not self.rows:
            return
        if self.first is None or self.last is None:
            raise UnreadableFile(
                f"{STATES_AS_OF}: no row has a readable time of change ({_wires(self.feed)}): "
                f"{_REMEDY}"
            )
        days = city_date_of(self.first), city_date_of(self.last)
        if self.holds == "whole" and days[0] != days[1]:
            raise UnreadableFile(
                f"{STATES_AS_OF}: a whole register speaks of one day, its column "
                f"({_wires(self.feed)}) of {days[0]} to {days[1]}: that is the rows' time of "
                f"change; put the day into the file's name and let config/{SETTINGS} say so"
            )

    def booked(self) -> dict[str, Any] | None:
        """Feed, kind and as-of for `ops.deliveries`; None where there is nothing new to book."""
        as_of = self.named or self.last
        if as_of is None or (self.holds == "changes" and not self.rows):
            return None
        if self.holds == "whole":
            as_of = end_of_city_day(city_date_of(as_of))
        return {"feed": self.feed, "holds": self.holds, "as_of": as_of}


@dataclass(frozen=True)
class Deliveries:
    """How a site's registers are delivered: feed, pattern, what such files hold, stated where."""

    rules: tuple[tuple[str, str, str, str], ...]

    def of(self, file: LandedFile, feeds: tuple[str, ...]) -> Stated | None:
        """What a file states before it is read; None for files of no register.

        Raises:
            UnreadableFile: its name should say as of when and does not.
        """
        for feed, pattern, holds, stated_by in self.rules:
            if feed in feeds and fnmatchcase(file.name, pattern):
                return Stated(feed, holds, _named(file) if stated_by == "name" else None)
        registers = [feed for feed in feeds if BY_NAME[feed].day_column is None]
        return Stated(registers[0], "changes", None) if registers else None


def deliveries_of_site(home: Home) -> Deliveries:
    """The site's table of deliveries.

    Raises:
        SettingsError: it breaks a rule, or names something that is no register.
    """
    registers = [name for name, feed in BY_NAME.items() if feed.day_column is None]
    rules = []
    for feed, pattern, holds, stated_by in read_table(home, SETTINGS, DeliveryRow).rows():
        if feed not in registers:
            raise SettingsError(
                f"config/{SETTINGS}: {feed!r} is no register; registers: {', '.join(registers)}: "
                "mend the file and run again"
            )
        if feed in NEVER_WHOLE and (holds or "whole") == "whole":
            raise SettingsError(
                f"config/{SETTINGS}: {feed!r} is never taken as whole: areas end by "
                "config/area_changes.csv: take the row away and run again"
            )
        rules.append((str(feed), str(pattern), holds or "whole", stated_by or "name"))
    return Deliveries(tuple(rules))


def without_as_of(lacking: MissingColumns) -> UnreadableFile:
    """What to say of a file that lacks columns: if its time of change, what else would do."""
    if CHANGED not in lacking.columns:
        return lacking
    return UnreadableFile(f"{lacking}; {STATES_AS_OF}: {_REMEDY}")


def deliveries_of(lake: Lake, feed: str) -> pl.DataFrame:
    """`file_id`, `as_of` of every file of a whole delivery of a feed."""
    own = lake.book(TABLE).filter(feed=feed, holds="whole")
    return own.select("file_id", "as_of").unique()


def whole_since(lake: Lake, feed: str) -> datetime | None:
    """As-of of a register's first whole delivery; None where it was never delivered whole.

    Not of its first delivery of any kind: that would depend on how rows are cut into files.
    """
    own = lake.book(TABLE).filter(feed=feed, holds="whole")["as_of"].to_list()
    return min(own, default=None)


def deliveries_digest(lake: Lake, *feeds: str) -> str:
    """What a table depends on that depends on deliveries."""
    return "+".join(content_fingerprint(deliveries_of(lake, feed)) for feed in feeds)


def vanished(rows: pl.DataFrame, deliveries: pl.DataFrame, key: str, said: str) -> pl.Series:
    """Keys the newest whole delivery no longer holds and nobody has named since.

    Args:
        rows: All versions, with `file_id`.
        deliveries: `deliveries_of` the feed.
        key: Column that names an entry.
        said: Instant from which on a version holds.
    """
    if deliveries.is_empty():
        return rows[key].clear()
    newest = deliveries["as_of"].max()
    files = deliveries.filter(pl.col("as_of") == newest)["file_id"]
    stands = pl.col("file_id").is_in(files.implode()) | (pl.col(said) > newest)
    return rows.group_by(key).agg(stands.any().alias("stands")).filter(~pl.col("stands"))[key]


def set_vanished_aside(
    rows: pl.DataFrame, gone: pl.Series, key: str, happened: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Entries that stand, and a set-aside row for every one that vanished.

    Args:
        rows: One row per entry.
        gone: Keys that `vanished`.
        key: Column that names an entry.
        happened: Instant that goes to the ledger as the row's own time.
    """
    is_gone = pl.col(key).is_in(gone.implode())
    return rows.filter(~is_gone), rows.filter(is_gone).select(
        event_day=pl.lit(None, pl.Date),
        entity_id=pl.col(key),
        version_at=pl.col(happened),
        rule=pl.lit(IN_DELIVERY),
    )


def statements(rows: pl.DataFrame, deliveries: pl.DataFrame, said: str) -> pl.DataFrame:
    """Versions with `said_at`; an entry of a whole delivery stands once more at its as-of."""
    own = rows.with_columns(said_at=pl.col(said))
    held = rows.join(deliveries, on="file_id").with_columns(
        said_at=pl.max_horizontal(said, "as_of")
    )
    return pl.concat([own, held.select(own.columns)])


def _named(file: LandedFile) -> datetime:
    found = _DAY.search(file.path.name)
    try:
        spoken_of = date(*map(int, found.groups())) if found else None
    except ValueError:
        spoken_of = None
    if spoken_of is None:
        raise UnreadableFile(
            f"{STATES_AS_OF}: its name, which should, does not state its day: put it into the "
            f"name, as in {file.path.stem}-20261119{file.path.suffix}"
        )
    return end_of_city_day(spoken_of)


def _times_of_change(feed: Feed, texts: pl.DataFrame) -> pl.DataFrame:
    """One column: when each row changed, by the newest of its version columns; null: it says not.

    A version column that is derived (components know days) follows from the row's other times.
    """
    readers = {c: facts(feed.contract, c)["reader"] for c in wire_columns(feed.contract)}
    read = [READERS[r](texts[c]).alias(c) for c, r in readers.items() if r in ("instant", "date")]
    times = pl.DataFrame(read)
    if not set(feed.version_columns) <= set(times.columns):
        times = feed.contract.derive(times)
    return times.select(changed=pl.max_horizontal(*feed.version_columns))


def _wires(feed: str) -> str:
    """What the rows' time of change is called in files."""
    return " / ".join(wire_columns(BY_NAME[feed].contract)[CHANGED])
