"""Camera clocks put right: captures take the true time, on the true day, before passages form.

A capture that the correction carries over midnight leaves the day of the camera's clock
(`moved_out`) and is built into its true day (`moved_in`), so a day is built from its own captures
and from those of its neighbours that may cross over. Without offsets nothing here costs anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

import polars as pl

from assets.silver._device_days import BEGINS, within_days
from schemas.city_time import INSTANT, city_day
from schemas.ledgers import Merge
from schemas.tables import Table
from warehouse.lake import Lake, empty

RULE = "clock_is_corrected"
_DAY = pl.duration(days=1)
_EARLIEST, _LATEST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


def crossings(seen: pl.DataFrame, offsets: pl.DataFrame) -> pl.DataFrame:
    """Which devices' captures of which day may truly belong to the day before or after.

    Args:
        seen: `event_day`, `device_id`.
        offsets: `assets.site_settings.clock_offsets`.

    Returns:
        `event_day` (by the camera's clock), `to_day`, `device_id`, `offset_seconds`, and the time
        by the camera's clock in which that is so: `valid_from`, `valid_until`.
    """
    offset = pl.duration(seconds="offset_seconds")
    begins = BEGINS.cast(INSTANT)
    is_slow = pl.col("offset_seconds") < 0
    return (
        within_days(seen, offsets)
        .with_columns(
            to_day=pl.col("event_day").dt.offset_by(
                pl.when(is_slow).then(pl.lit("1d")).otherwise(pl.lit("-1d"))
            ),
            valid_from=pl.when(is_slow)
            .then(pl.max_horizontal("valid_from", begins + _DAY + offset))
            .otherwise("valid_from"),
            valid_until=pl.when(is_slow)
            .then("valid_until")
            .otherwise(pl.min_horizontal("valid_until", begins + offset)),
        )
        .filter(pl.col("valid_from") < pl.col("valid_until"))
    )


def captures_of(
    lake: Lake, bronze: Table, days: Sequence[date], crossing: pl.DataFrame
) -> pl.DataFrame:
    """Captures of some days by the cameras' clocks, and those of other days that may belong there.

    Args:
        lake: The lake.
        bronze: A capture table.
        days: The days to be built.
        crossing: `crossings`.
    """
    own = lake.read(bronze, days=days)
    inbound = crossing.filter(
        pl.col("to_day").is_in(list(days)), ~pl.col("event_day").is_in(list(days))
    )
    if inbound.is_empty():
        return own
    parts = [own]
    for (day,), part in inbound.group_by("event_day", maintain_order=True):
        near = lake.scan(bronze).filter(
            pl.col("shot_day") == day,
            pl.col("device_id").is_in(part["device_id"].unique().to_list()),
            pl.col("shot_at").is_between(
                part["valid_from"].min(), part["valid_until"].max(), closed="left"
            ),
        )
        parts.append(near.collect().select(own.columns))
    return pl.concat(parts)


def corrected(
    captures: pl.DataFrame, offsets: pl.DataFrame, days: Sequence[date]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Captures of some days at their true time, and the ledger of those that change their day.

    A track token is the camera's own for one day of its clock: captures that change their day keep
    that day in the token, so that they never join a track of the day they come to.

    Args:
        captures: `captures_of` the days, with `event_day` (the day of the camera's clock).
        offsets: `assets.site_settings.clock_offsets`.
        days: The days being built.

    Returns:
        Captures whose true day is one of `days`, with `clock_offset_s` where any clock was off, and
        true `shot_at`, `shot_day`, `event_day`; `Merge` rows.
    """
    is_off = pl.col("device_id").is_in(offsets["device_id"].unique().implode())
    drifting = captures.filter(is_off)
    if drifting.is_empty():
        return captures, empty(Merge)
    true = _at_true_time(drifting, offsets)
    is_moved = pl.col("shot_day") != pl.col("event_day")
    moved = true.filter(is_moved)
    left = moved.filter(pl.col("event_day").is_in(list(days)))
    came = moved.filter(pl.col("shot_day").is_in(list(days)))
    moves = [_moves(left, "event_day", "shot_at", "moved_out"),
             _moves(came, "shot_day", "sent_at", "moved_in")]  # fmt: skip
    true = true.filter(pl.col("shot_day").is_in(list(days)))
    if "track_token" in true.columns:
        own_token = pl.concat_str("event_day", "track_token", separator="/")
        true = true.with_columns(
            track_token=pl.when(is_moved).then(own_token).otherwise("track_token")
        )
    true = true.with_columns(event_day="shot_day").drop("sent_at")
    others = captures.filter(~is_off).with_columns(clock_offset_s=pl.lit(0, pl.Int64))
    return pl.concat([others, true.select(others.columns)]), pl.concat(moves)


def _at_true_time(drifting: pl.DataFrame, offsets: pl.DataFrame) -> pl.DataFrame:
    """Add `clock_offset_s` and `sent_at`; `shot_at` and `shot_day` become the true ones."""
    stretches = offsets.select(
        "device_id",
        "offset_seconds",
        since=pl.col("valid_from").fill_null(_EARLIEST),
        until=pl.col("valid_until").fill_null(_LATEST),
    ).sort("since")
    found = drifting.sort("shot_at").join_asof(
        stretches, left_on="shot_at", right_on="since", by="device_id", check_sortedness=False
    )  # fmt: skip
    holds = pl.col("shot_at") < pl.col("until")
    offset = pl.when(holds).then("offset_seconds").otherwise(0)
    true = found.with_columns(
        clock_offset_s=offset,
        sent_at="shot_at",
        shot_at=pl.col("shot_at") - pl.duration(seconds=offset),
    )
    return true.with_columns(shot_day=city_day(pl.col("shot_at"))).drop(
        "since", "until", "offset_seconds", strict=False
    )


def _moves(rows: pl.DataFrame, day: str, at: str, outcome: str) -> pl.DataFrame:
    return rows.select(
        event_day=day,
        entity_id="capture_id",
        version_at=at,
        merged_into="capture_id",
        outcome=pl.lit(outcome),
        rule=pl.lit(RULE),
    )
