"""Which devices sent facts on which day, so that a day depends on those devices only.

The devices of a day follow from the files that brought its rows: they are looked up in bronze once
per state of these files and noted in ops.device_days. What else a day depends on (places, clocks,
directions) then comes down to a digest of the few rows about its own devices.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from assets.building import days_at_once
from schemas import tables
from schemas.city_time import CITY_OFFSET, INSTANT
from schemas.feeds import Feed
from warehouse import builds
from warehouse.lake import Lake

TABLE = tables.table("ops", "device_days")
_DAY = pl.duration(days=1)
BEGINS = (pl.col("event_day").cast(pl.Datetime("us")) - CITY_OFFSET).dt.replace_time_zone("UTC")
"""The instant at which `event_day` begins in the city."""


def note_device_days(lake: Lake, feed: Feed) -> None:
    """Look up the devices of days whose files are others than when they were last looked up."""
    files = builds.arrived(lake, feed.name)
    noted_before = _noted(lake, feed.name, files)
    missing = [day for day in files if day not in noted_before]
    found: list[pl.DataFrame] = []
    at_once = days_at_once(lake, feed.name)
    for start in range(0, len(missing), at_once):
        days = [date.fromisoformat(one) for one in missing[start : start + at_once]]
        found.append(_looked_up(lake, feed, days))
    if not found:
        return
    noted = pl.concat(found).with_columns(
        pl.col("devices").list.sort(),
        feed=pl.lit(feed.name),
        files=pl.col("event_day").cast(pl.String).replace_strict(files, return_dtype=pl.String),
    )
    with lake.home.locked(wait=True):
        lake.append(TABLE, noted)


def _looked_up(lake: Lake, feed: Feed, days: list[date]) -> pl.DataFrame:
    """`event_day`, `devices` of some days, from bronze."""
    bronze, day = tables.table("bronze", feed.name), feed.day_column
    assert day is not None
    if len(days) == 1:  # a headline day: its devices alone, a third of the cost of pairs
        devices = lake.read(bronze, ["device_id"], days)["device_id"].unique()
        return pl.DataFrame({"event_day": days, "devices": [devices]})
    pairs = lake.read(bronze, [day, "device_id"], days).unique()
    return pairs.group_by(pl.col(day).alias("event_day")).agg(devices="device_id")


def device_days(lake: Lake, feed: str) -> pl.DataFrame:
    """`event_day`, `device_id`: who sent facts of a feed when; days not looked up are absent."""
    noted = _noted(lake, feed, builds.arrived(lake, feed))
    rows = [(date.fromisoformat(day), devices) for day, devices in noted.items()]
    schema = {"event_day": pl.Date, "device_id": pl.List(pl.String)}
    return pl.DataFrame(rows, schema, orient="row").explode("device_id", empty_as_null=False)


def _noted(lake: Lake, feed: str, files: Mapping[str, str]) -> dict[str, list[str]]:
    """Day → its devices, of days noted in the present state of their files."""
    rows = lake.book(TABLE).filter(pl.col("feed") == feed)
    return {
        str(row["event_day"]): row["devices"]
        for row in rows.iter_rows(named=True)
        if files.get(str(row["event_day"])) == row["files"]
    }


def within_days(seen: pl.DataFrame, stretches: pl.DataFrame) -> pl.DataFrame:
    """What a table of stretches of time says of the devices of each day, cut to that day.

    Args:
        seen: `event_day`, `device_id`.
        stretches: `device_id`, `valid_from`, `valid_until` and more.

    Returns:
        The columns of both; bounds are filled and lie within the city day.
    """
    begins = BEGINS.cast(INSTANT)
    return (
        seen.join(stretches, on="device_id")
        .with_columns(
            valid_from=pl.max_horizontal("valid_from", begins),
            valid_until=pl.min_horizontal("valid_until", begins + _DAY),
        )
        .filter(pl.col("valid_from") < pl.col("valid_until"))
    )


def digests(rows: pl.DataFrame) -> dict[str, str]:
    """ISO day → digest of its rows as a set, whatever their order; days without rows are absent.

    Args:
        rows: `event_day` and anything else.
    """
    hashes = builds.hashed(rows.drop("event_day"))
    by_day = hashes.with_columns(rows["event_day"]).group_by("event_day").agg(
        pl.len(), pl.col("one", "two").sum()
    )  # fmt: skip
    return {str(day): f"{n}-{one:x}-{two:x}" for day, n, one, two in by_day.iter_rows()}
