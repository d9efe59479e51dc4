"""Which devices send captures: how busy each is, and at what hours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from pipelines.demo.plan import Plan, pick
from pipelines.demo.site import DAY_S


@dataclass(frozen=True)
class Cameras:
    """Cameras that send: ids, their communities, how busy they are and when.

    Attributes:
        ids: Device ids.
        communities: Community codes, null where unplaced.
        share: How many of the passages each sees; adds up to 1.
        profile: Number of its day rhythm.
    """

    ids: pl.Series
    communities: pl.Series
    share: np.ndarray
    profile: np.ndarray


def cameras_of(plan: Plan, devices: pl.DataFrame, name: str) -> Cameras:
    """Give devices their popularity and rhythm."""
    rng = plan.rng("cameras", name)
    share = rng.lognormal(0.0, 0.9, len(devices))
    profile = rng.choice(3, len(devices), p=[0.5, 0.3, 0.2])
    return Cameras(devices["device_id"], devices["community_code"], share / share.sum(), profile)


def awake(plan: Plan, cameras: Cameras, day: date) -> Cameras:
    """The cameras without the one that is silent that day: it sees only what is planted."""
    silent = silent_on(plan, cameras, day)
    if silent is None:
        return cameras
    share = cameras.share.copy()
    share[silent] = 0.0
    return replace(cameras, share=share / share.sum())


def silent_on(plan: Plan, cameras: Cameras, day: date) -> int | None:
    """Position of the camera that is silent that day; None where there is none."""
    silence = plan.site.silence
    if silence is None or plan.all_days[silence.day] != day:
        return None
    return plan.site.role("silent", cameras.ids)


def at_true_time(
    plan: Plan, cameras: Cameras, which: np.ndarray, day: date, rows: pl.DataFrame
) -> pl.DataFrame:
    """Set what follows from the true time of rows shot by good cameras.

    Adds `community`; sets `shot_day`, `clock_offset_s`, `entry_sec` (the platform's clock is right)
    and `apart`, which differs between rows that no passage can join: of another clock or true day.

    Args:
        plan: The demo.
        cameras: The cameras.
        which: Position of each row's camera.
        day: The day by the cameras' clocks.
        rows: Rows to send, with `sec` by their camera's clock.
    """
    community = pick(cameras.communities, which)
    if not plan.site.clocks:
        return rows.with_columns(community=community)
    start = plan.all_days.index(day) * DAY_S
    seconds = rows["sec"].to_numpy() + start
    offset, clock = plan.site.clock_offsets(cameras.ids, which, seconds)
    true = seconds - offset
    ahead = np.floor_divide(true - start, DAY_S)
    return rows.with_columns(
        community=plan.site.communities(rows["device"], community, true),
        shot_day=pl.lit(day) + pl.duration(days=pl.lit(pl.Series(ahead))),
        clock_offset_s=pl.Series(offset),
        entry_sec=pl.col("entry_sec") - pl.Series(offset),
        apart=pl.Series(clock * 3 + ahead + 1),
    )
