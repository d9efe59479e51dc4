"""Face captures of 示范区: bursts of shots at one camera, the planted cases, and their truth.

A passage is known by construction (`unit`): the rows are made from passages, not grouped back.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from pipelines.demo.cameras import Cameras, at_true_time, awake, silent_on
from pipelines.demo.captures import (
    COMMON_FAULTS,
    LATE,
    MAIN,
    REFUSED,
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
from pipelines.demo.devices import CHANGING_ROOM, GHOSTS
from pipelines.demo.plan import Plan, pick
from pipelines.demo.site_cases import site_shots

SHOTS_PER_PASSAGE = (0.22, 0.24, 0.22, 0.18, 0.14)
UNTRACKED = 0.15
FAULTS_OF_FACES = (*COMMON_FAULTS, "truncated", "wrong_subtype_face")
_MARK = "FORBIDDEN"
_ESTIMATES = (
    '"GenderCode":"1","AgeUpLimit":45,"AgeLowerLimit":35,"IsDriver":2,"IsForeigner":2,'
    '"IsSuspectedTerrorist":2,"IsCriminalInvolved":2,"IsVictim":2,'
)
_FORBIDDEN = (
    f'"IDNumber":"{_MARK}-1","Name":"{_MARK}-2","EthicCode":"{_MARK}-3",'
    f'"Similaritydegree":"{_MARK}-4","FacialFeature":"{_MARK}-5","VendorX":"{_MARK}-6",'
)


def render(rows: pl.DataFrame) -> pl.Series:
    """Rows to send as FaceObject texts."""
    image = pl.col("capture_id").str.head(41)
    return rows.select(
        pl.concat_str(
            pl.lit('{"FaceID":"'), "id_text",
            pl.lit('","InfoKind":1,"SourceID":"'), image, pl.lit('",'),
            json_field("DeviceID", "device"),
            pl.lit('"ShotTime":"'), "shot",
            pl.lit('","FaceAppearTime":"'), "appear",
            pl.lit('","FaceDisAppearTime":"'), "disappear",
            pl.lit('","LeftTopX":'), pl.coalesce("left_text", pl.col("left").cast(pl.String)),
            pl.lit(',"LeftTopY":'), pl.col("top").cast(pl.String),
            pl.lit(',"RightBtmX":'), pl.col("right").cast(pl.String),
            pl.lit(',"RightBtmY":'), pl.col("bottom").cast(pl.String), pl.lit(","),
            json_field("EntryTime", "entry"),
            json_field("TrackToken", "token"),
            pl.col("extras").fill_null(""),
            pl.lit('"SubImageList":{"SubImageInfoObject":[{"ImageID":"'), image,
            pl.lit('","Type":"14","Width":1920,"Height":1080,"Data":"'),
            pl.when(pl.col("extras") == _FORBIDDEN).then(pl.lit(_MARK)).otherwise(pl.lit("")),
            pl.lit('"}]}}'),
        )
    ).to_series()  # fmt: skip


FACE = Kind("face_captures", "face", "Face", "06", "ShotTime", render)


def faces_of_day(plan: Plan, cameras: Cameras, clock: DayClock, shots: int) -> pl.DataFrame:
    """Make the rows of one day, note their truth, and return all rows to send, with texts."""
    rng = plan.rng("faces", clock.day)
    made = _passages(rng, awake(plan, cameras, clock.day), shots)
    planted = planted_shots(plan, cameras, clock.day)
    camera = np.r_[made["camera"], planted["camera"]].astype(np.int64)
    sec = np.r_[made["sec"], planted["sec"]].astype(np.int64)
    unit = np.r_[made["unit"], planted["unit"]].astype(np.int64)
    tracked = np.r_[made["tracked"], np.ones(len(planted["sec"]), dtype=bool)]
    token = pl.concat([made["token"], planted["token"]])
    number = running_number(camera, sec)
    rows = good_rows(rng, FACE, clock, pick(cameras.ids, camera), sec, number)
    is_open = clock.day < plan.last_day
    rows = at_true_time(plan, cameras, camera, clock.day, rows).with_columns(
        slot=pl.Series(slots(rng, sec, 30, is_open=is_open)),
        token=token,
        unit=pl.Series(unit),
        tracked=pl.Series(tracked),
        extras=pl.Series(_extras(rng, len(rows)), dtype=pl.String),
    )
    rows = _level_ties(rows, set(planted["tied"]))
    same, changed = resend(rng, rows)
    _note_truth(plan, clock.day, rows, same, changed)
    others = [same, changed.drop("nr"), *_odd_rows(plan, rng, cameras, clock, len(rows))]
    sent = pl.concat([rows, *(other.select(rows.columns) for other in others)])
    if is_open:
        late_copy = pl.Series(rng.random(len(same)) < 0.2)
        position = pl.arange(len(rows), len(rows) + len(same), eager=True).filter(late_copy)
        sent = sent.with_columns(
            slot=pl.when(pl.int_range(pl.len()).is_in(position.implode()))
            .then(LATE)
            .otherwise("slot")
        )
    return with_texts(sent, clock)


def _passages(rng: np.random.Generator, cameras: Cameras, shots: int) -> dict:
    """Exactly so many shots, in bursts of 1 to 5 that share camera and token."""
    sizes = rng.choice(5, shots // 2 + 10, p=SHOTS_PER_PASSAGE) + 1
    sizes = sizes[: int(np.searchsorted(np.cumsum(sizes), shots)) + 1]
    sizes[-1] -= int(sizes.sum()) - shots
    count = len(sizes)
    camera = rng.choice(len(cameras.share), count, p=cameras.share)
    start = seconds_of_day(rng, cameras.profile[camera], 86_400 - 60)
    tracked = rng.random(count) >= UNTRACKED
    token = pl.Series(running_number(camera, start) + 1).cast(pl.String)
    passage = np.repeat(np.arange(count), sizes)
    first = np.r_[0, np.cumsum(sizes)[:-1]]
    gap = rng.integers(1, 9, shots)
    gap[first] = 0
    offset = np.cumsum(gap)
    offset -= offset[first][passage]
    known = tracked[passage]
    texts = pl.DataFrame({"t": pick(token, passage), "k": known})
    return {
        "camera": camera[passage],
        "sec": start[passage] + offset,
        # A shot without a token is a passage of its own.
        "unit": np.where(known, passage, count + np.arange(shots)),
        "tracked": known,
        "token": texts.select(pl.when("k").then("t")).to_series(),
    }


def planted_shots(plan: Plan, cameras: Cameras, day: date) -> dict:
    """The stated cases of one day: seconds per unit, by token and camera.

    Two units with one token are two passages: after a gap over 30 s, or across midnight.
    """
    rng = plan.rng("planted", day)
    busy = rng.permutation(len(cameras.share))
    camera = busy[busy != silent_on(plan, cameras, day)][:8].tolist()
    at = (rng.integers(0, 500, 8) + 14_400 + np.arange(8) * 6000).tolist()
    cases: list[tuple[int, str, list[list[int]]]] = [
        (camera[0], "P1", [[at[0], at[0] + 5], [at[0] + 5 + 61]]),
        (camera[1], "P2", [[at[1]], [at[1] + 600, at[1] + 604], [at[1] + 5000]]),
        (camera[2], "P3", [[at[2], at[2] + 30, at[2] + 60]]),
        (camera[3], "P4", [[at[3]], [at[3] + 31]]),
        (camera[4], "P5", [[at[4], at[4] + 4, at[4] + 8]]),
        (camera[5], "P6", [[at[5], at[5], at[5] + 3]]),
        (camera[6], "P7", [[at[6], at[6] + 2]]),
        (camera[6], "P8", [[at[6] + 1, at[6] + 3]]),
        (camera[7], "P7", [[at[6] + 4]]),
    ]
    for start, seconds in ((day - timedelta(days=1), [2, 6]), (day, [86_392, 86_397])):
        if plan.all_days[0] <= start < plan.last_day:
            same = int(plan.rng("midnight", start).integers(len(cameras.share)))
            cases.append((same, f"P9-{start:%d}", [seconds]))
    cases += site_shots(plan, cameras.ids, day)
    found = [
        (which, second, token, -1 - 10 * n - u, token in ("P5", "P6"))
        for n, (which, token, units) in enumerate(cases)
        for u, unit in enumerate(units)
        for second in unit
    ]
    which, second, token, unit, tied = zip(*found, strict=True)
    return {
        "camera": np.array(which),
        "sec": np.array(second),
        "token": pl.Series(token),
        "unit": np.array(unit),
        "tied": [u for u, is_tied in zip(unit, tied, strict=True) if is_tied],
    }


def _level_ties(rows: pl.DataFrame, units: set[int]) -> pl.DataFrame:
    """Give all shots of some units the same box, so that time and id must decide."""
    tied = pl.col("unit").is_in(sorted(units))
    new = [
        pl.when(tied).then(pl.lit(value)).otherwise(column).alias(column)
        for column, value in (("left", 800), ("top", 300), ("right", 900), ("bottom", 430))
    ]
    return rows.with_columns(new)


def _extras(rng: np.random.Generator, count: int) -> list[str | None] | pl.Series:
    """Further fields: estimates of the person, companions, and planted forbidden values."""
    draw = rng.random(count)
    kind = np.select([draw < 0.3, draw < 0.4], [1, 2], 0)
    kind[rng.integers(0, count, 5)] = 3
    texts = pl.Series(["", _ESTIMATES, '"AccompanyNumber":1,', _FORBIDDEN])
    return pick(texts, kind)


def _odd_rows(
    plan: Plan, rng: np.random.Generator, cameras: Cameras, clock: DayClock, count: int
) -> list[pl.DataFrame]:
    """Rows with faults, rows of unregistered cameras, watch-list lines; truth of the second."""
    faulty = max(2 * len(FAULTS_OF_FACES), count // 4000)
    which = rng.choice(len(cameras.share), faulty, p=cameras.share)
    sec = rng.integers(10_800, 79_200, faulty)
    bad = good_rows(
        rng, FACE, clock, pick(cameras.ids, which), sec, 90_000 + np.arange(faulty) % 9000
    )
    bad = plant_faults(
        rng, _plain(bad, rng).with_columns(slot=pl.Series(np.arange(faulty) // 11 % 2)),
        FAULTS_OF_FACES, clock,
    )  # fmt: skip
    ghosts = pl.Series([GHOSTS["camera"], CHANGING_ROOM])
    unknown = max(6, count // 5000)
    sec = np.sort(rng.integers(10_800, 79_200, unknown))
    strange = good_rows(
        rng, FACE, clock, pick(ghosts, np.arange(unknown) % 2), sec, np.arange(unknown)
    )
    strange = _plain(strange, rng)
    strange = pl.concat([strange, strange.head(2)])
    plan.truth.add("face_set_aside", set_aside(strange, clock.day))
    refused = bad.head(2).with_columns(fault=pl.lit(REFUSED), slot=pl.lit(MAIN, dtype=pl.Int64))
    return [bad, strange, refused]


def _plain(rows: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Single rows outside any passage; every third holds forbidden fields."""
    extras = pl.Series(np.where(np.arange(len(rows)) % 3 == 0, _FORBIDDEN, ""))
    return rows.with_columns(
        token=pl.Series([f"S{n}" for n in range(len(rows))]),
        unit=pl.lit(0, dtype=pl.Int64),
        tracked=pl.lit(True),
        extras=extras,
        community=pl.lit(None, dtype=pl.String),
    )


def _note_truth(
    plan: Plan, day: date, rows: pl.DataFrame, same: pl.DataFrame, changed: pl.DataFrame
) -> None:
    """Passages and merges of a day: the box that stands decides which shot is kept."""
    # Shots of one track under another clock, or of another true day, are another passage.
    rows = rows.with_columns(unit=pl.col("unit") * 100 + pl.col("apart"))
    right = rows["right"].to_numpy().copy()
    right[changed["nr"].to_numpy()] = changed["right"].to_numpy()
    shots = (
        rows.select(
            "capture_id",
            "device",
            "community",
            "unit",
            "tracked",
            "sec",
            "shot_day",
            "clock_offset_s",
        )
        .with_columns(area=(pl.Series(right) - rows["left"]) * (rows["bottom"] - rows["top"]))
        .sort("unit", pl.col("area").neg(), "sec", "capture_id")
    )
    best = pl.col("capture_id").first().over("unit")
    shots = shots.with_columns(merged_into=best, shot_count=pl.len().over("unit"))
    kept = pl.col("capture_id") == pl.col("merged_into")
    plan.truth.add(
        "face_passages",
        shots.filter(kept).rename(
            {"capture_id": "passage_id", "device": "device_id", "community": "community_code",
             "tracked": "is_tracked"}
        ),
    )  # fmt: skip
    merged = shots.filter(~kept).with_columns(outcome=pl.lit("merged"), rule=pl.lit("same_passage"))
    plan.truth.add("face_merges", merged)
    copies = pl.concat([same, changed.drop("nr")])
    plan.truth.add("face_merges", superseded(copies))
    plan.truth.add("face_merges", changed_days(pl.concat([rows, copies.select(rows.columns)]), day))
