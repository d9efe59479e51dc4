"""Non-motor vehicle captures of 示范区: every object is a passage, only resent ones are merged."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.demo.cameras import Cameras, at_true_time, awake
from pipelines.demo.captures import (
    COMMON_FAULTS,
    MAIN,
    Kind,
    changed_days,
    good_rows,
    json_field,
    plant_faults,
    resend,
    set_aside,
    slots,
    superseded,
    with_texts,
)
from pipelines.demo.clocks import DayClock, running_number, seconds_of_day
from pipelines.demo.devices import GHOSTS
from pipelines.demo.plan import Plan, pick

FAULTS_OF_NONMOTORS = (*COMMON_FAULTS, "text_speed", "wrong_subtype_nonmotor")


def render(rows: pl.DataFrame) -> pl.Series:
    """Rows to send as NonMotorVehicleObject texts."""
    image = pl.col("capture_id").str.head(41)
    return rows.select(
        pl.concat_str(
            pl.lit('{"NonMotorVehicleID":"'), "id_text",
            pl.lit('","InfoKind":1,"SourceID":"'), image, pl.lit('",'),
            json_field("DeviceID", "device"),
            pl.lit('"AppearTime":"'), "shot",
            pl.lit('","LeftTopX":'), pl.coalesce("left_text", pl.col("left").cast(pl.String)),
            pl.lit(',"LeftTopY":'), pl.col("top").cast(pl.String),
            pl.lit(',"RightBtmX":'), pl.col("right").cast(pl.String),
            pl.lit(',"RightBtmY":'), pl.col("bottom").cast(pl.String),
            pl.lit(',"HasPlate":"0","Speed":'), "speed_text",
            pl.lit(',"VehicleColor":'), "colour_text", pl.lit(","),
            json_field("EntryTime", "entry"),
            pl.lit('"SubImageList":{"SubImageInfoObject":[{"ImageID":"'), image,
            pl.lit('","Type":"12","Width":1920,"Height":1080,"Data":""}]}}'),
        )
    ).to_series()  # fmt: skip


NONMOTOR = Kind("nonmotor_captures", "nonmotor", "NonMotorVehicle", "03", "AppearTime", render)


def nonmotors_of_day(plan: Plan, cameras: Cameras, clock: DayClock, count: int) -> pl.DataFrame:
    """Make the rows of one day, note their truth, and return all rows to send, with texts."""
    rng = plan.rng("nonmotors", clock.day)
    camera = rng.choice(len(cameras.share), count, p=awake(plan, cameras, clock.day).share)
    sec = seconds_of_day(rng, cameras.profile[camera], 86_400 - 60)
    rows = good_rows(
        rng, NONMOTOR, clock, pick(cameras.ids, camera), sec, running_number(camera, sec)
    )
    rows = at_true_time(plan, cameras, camera, clock.day, rows)
    rows = _with_fields(rng, rows).with_columns(
        slot=pl.Series(slots(rng, sec, 5, is_open=clock.day < plan.last_day))
    )
    same, changed = resend(rng, rows)
    plan.truth.add(
        "nonmotor_passages",
        rows.rename(
            {"capture_id": "passage_id", "device": "device_id", "community": "community_code"}
        ),
    )
    copies = pl.concat([same, changed.drop("nr")])
    plan.truth.add("nonmotor_merges", superseded(copies))
    sent = pl.concat([rows, copies.select(rows.columns)])
    plan.truth.add("nonmotor_merges", changed_days(sent, clock.day))
    others = (same, changed, *_odd_rows(plan, rng, cameras, clock))
    return with_texts(pl.concat([rows, *(o.select(rows.columns) for o in others)]), clock)


def _odd_rows(
    plan: Plan, rng: np.random.Generator, cameras: Cameras, clock: DayClock
) -> list[pl.DataFrame]:
    """Rows with faults, and a row of an unregistered camera with its truth."""
    faulty = len(FAULTS_OF_NONMOTORS)
    which = rng.choice(len(cameras.share), faulty, p=cameras.share)
    late_enough = rng.integers(10_800, 79_200, faulty)
    bad = good_rows(
        rng, NONMOTOR, clock, pick(cameras.ids, which), late_enough, 90_000 + np.arange(faulty)
    )
    bad = plant_faults(rng, _with_fields(rng, bad), FAULTS_OF_NONMOTORS, clock).with_columns(
        speed_text=pl.when(pl.col("fault") == "text_speed")
        .then(pl.lit('"fast"'))
        .otherwise("speed_text"),
        slot=pl.lit(MAIN, dtype=pl.Int64),
        community=pl.lit(None, pl.String),
    )
    ghost = pl.Series([GHOSTS["camera"]])
    strange = good_rows(rng, NONMOTOR, clock, ghost, np.array([50_000]), np.array([1]))
    strange = _with_fields(rng, strange).with_columns(community=pl.lit(None, pl.String))
    plan.truth.add("nonmotor_set_aside", set_aside(strange, clock.day))
    return [bad, strange]


def _with_fields(rng: np.random.Generator, rows: pl.DataFrame) -> pl.DataFrame:
    speed = np.round(rng.uniform(3, 30, len(rows)), 1)
    colour = rng.integers(1, 10, len(rows))
    return rows.with_columns(
        speed_text=pl.Series(speed).cast(pl.String), colour_text=pl.Series(colour).cast(pl.String)
    )
