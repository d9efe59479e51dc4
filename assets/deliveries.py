"""Whole deliveries of registers: which files are, as of when, and what they no longer hold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fnmatch import fnmatchcase

import polars as pl

from assets.site_settings import SettingsError, read_table
from schemas import tables
from schemas.city_time import start_of_city_day
from schemas.feeds import BY_NAME
from schemas.validity import WholeDeliveryRow
from warehouse.builds import content_fingerprint
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.landing import LandedFile
from warehouse.readers import UnreadableFile

SETTINGS = "deliveries.csv"
TABLE = tables.table("ops", "deliveries")
IN_DELIVERY = "is_in_the_newest_whole_delivery"
_DAY = re.compile(r"(?<!\d)(20\d\d)-?(\d\d)-?(\d\d)(?!\d)")


@dataclass(frozen=True)
class WholeDeliveries:
    """Which files of a site hold a register whole: feed and pattern."""

    patterns: tuple[tuple[str, str], ...]

    def as_of(self, file: LandedFile, feeds: tuple[str, ...]) -> tuple[str, datetime] | None:
        """Feed and as-of of a whole delivery; None for any other file.

        Raises:
            UnreadableFile: the file should be one and does not say as of when.
        """
        for feed, pattern in self.patterns:
            if feed in feeds and fnmatchcase(file.name, pattern):
                return feed, _end_of_day(file)
        return None


def whole_deliveries(home: Home) -> WholeDeliveries:
    """The site's table of whole deliveries.

    Raises:
        SettingsError: it breaks a rule, or names something that is no register.
    """
    rows = read_table(home, SETTINGS, WholeDeliveryRow).rows()
    registers = [name for name, feed in BY_NAME.items() if feed.day_column is None]
    for feed, _ in rows:
        if feed not in registers:
            raise SettingsError(
                f"config/{SETTINGS}: {feed!r} is no register; registers: {', '.join(registers)}: "
                "mend the file and run again"
            )
    return WholeDeliveries(tuple((str(feed), str(pattern)) for feed, pattern in rows))


def deliveries_of(lake: Lake, feed: str) -> pl.DataFrame:
    """`file_id`, `as_of` of every file of a whole delivery of a feed."""
    return lake.book(TABLE).filter(pl.col("feed") == feed).select("file_id", "as_of").unique()


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


def _end_of_day(file: LandedFile) -> datetime:
    found = _DAY.search(file.path.name)
    try:
        spoken_of = date(*map(int, found.groups())) if found else None
    except ValueError:
        spoken_of = None
    if spoken_of is None:
        raise UnreadableFile(
            "a whole register that does not state its day: put it into the name, as in "
            f"{file.path.stem}-20261119{file.path.suffix}"
        )
    return start_of_city_day(spoken_of + timedelta(days=1))
