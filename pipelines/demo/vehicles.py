"""Motor vehicle captures of 示范区: readings of plates at gates, and their truth.

As with faces, a passage is known by construction (`unit`).
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from pipelines.demo.cameras import Cameras, at_true_time
from pipelines.demo.captures import (
    COMMON_FAULTS,
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
from pipelines.demo.plates import mask, misread, random_plates, spelled, unread
from pipelines.demo.vehicle_cases import columns, planted_readings

FAULTS_OF_MOTORS = (
    *COMMON_FAULTS,
    "impossible_speed",
    "text_speed",
    "reliability_over_100",
    "text_lane",
    "long_class",
    "wrong_subtype_motor",
)
_FORBIDDEN = (
    '"StorageUrl1":"FORBIDDEN-7","HitMarkInfo":"FORBIDDEN-8","NationalityCode":"FORBIDDEN-9",'
    '"FeatureList":{"FeatureObject":[{"Data":"FORBIDDEN-10"}]},"VendorPlateScore":"FORBIDDEN-11",'
)
_EXTRAS = ("", '"SafetyBelt":1,"Calling":0,"StorageUrl1":"",', '"NumOfPassenger":2,', _FORBIDDEN)
_CLASSES = np.array(["K33", "K31", "K32", "H31", "H38", "K39", "Z19", "X99"])


def render(rows: pl.DataFrame) -> pl.Series:
    """Rows to send as MotorVehicleObject texts."""
    image = pl.col("capture_id").str.head(41)
    return rows.select(
        pl.concat_str(
            pl.lit('{"MotorVehicleID":"'), "id_text",
            pl.lit('","InfoKind":1,"SourceID":"'), image,
            pl.lit('","TollgateID":"'), pl.col("capture_id").str.head(20), pl.lit('",'),
            json_field("DeviceID", "device"),
            pl.lit('"PassTime":"'), "shot",
            pl.lit('","LeftTopX":'), pl.coalesce("left_text", pl.col("left").cast(pl.String)),
            pl.lit(',"LeftTopY":'), pl.col("top").cast(pl.String),
            pl.lit(',"RightBtmX":'), pl.col("right").cast(pl.String),
            pl.lit(',"RightBtmY":'), pl.col("bottom").cast(pl.String),
            pl.lit(',"LaneNo":'), "lane_text", pl.lit(","),
            "plate_text",
            pl.lit('"Speed":'), "speed_text",
            pl.lit(',"Direction":"'), "direction",
            pl.lit('","VehicleClass":"'), "class_code",
            pl.lit('","PlateReliability":'), "reliability_text", pl.lit(","),
            json_field("EntryTime", "entry"),
            pl.col("extras").fill_null(""),
            pl.lit('"SubImageList":{"SubImageInfoObject":[{"ImageID":"'), image,
            pl.lit('","Type":"01","Width":1920,"Height":1080,"Data":""}]}}'),
        )
    ).to_series()  # fmt: skip


MOTOR = Kind("vehicle_captures", "vehicle", "MotorVehicle", "02", "PassTime", render)


def motors_of_day(plan: Plan, gates: Cameras, clock: DayClock, readings: int) -> pl.DataFrame:
    """Make the rows of one day, note their truth, and return all rows to send, with texts."""
    rng = plan.rng("motors", clock.day)
    made = _passages(rng, gates, readings, plan.site.role("fast gate", gates.ids))
    planted = columns(planted_readings(plan, gates.ids, clock.day))
    gate, sec, unit, lane, reliability = (
        np.r_[made[name], planted[name]].astype(np.int64)
        for name in ("gate", "sec", "unit", "lane", "reliability")
    )
    written = spelled(rng, made["plate"]) + planted["plate"]
    plate = [_plain_plate(p) for p in made["plate"] + planted["plate"]]
    number = running_number(gate, sec)
    rows = good_rows(rng, MOTOR, clock, pick(gates.ids, gate), sec, number)
    rows = at_true_time(plan, gates, gate, clock.day, rows)
    rows = _with_fields(rng, rows, written, lane, reliability).with_columns(
        slot=pl.Series(slots(rng, sec, 20, is_open=clock.day < plan.last_day)),
        unit=pl.Series(unit),
        plate=pl.Series(plate),
    )
    same, changed = resend(rng, rows)
    _note_truth(plan, clock.day, rows, pl.concat([same, changed.drop("nr")]))
    others = [same, changed, *_odd_rows(plan, rng, gates, clock, len(rows))]
    return with_texts(pl.concat([rows, *(o.select(rows.columns) for o in others)]), clock)


def _plain_plate(plate: str) -> str | None:
    """A plate without its spelling; None where it was not read."""
    if plate == "无车牌" or "-" in plate:
        return None
    return plate.upper().replace("·", "").replace(" ", "")


def _passages(rng: np.random.Generator, gates: Cameras, readings: int, fast: int | None) -> dict:
    """Exactly so many readings, 1 to 3 per passage, with plates, lanes and misreadings.

    At the gate whose clock is `fast` none begins in the day's first minute, where the true midnight
    might cut it.
    """
    sizes = rng.choice(3, readings + 3, p=[0.55, 0.3, 0.15]) + 1
    sizes = sizes[: int(np.searchsorted(np.cumsum(sizes), readings)) + 1]
    sizes[-1] -= int(sizes.sum()) - readings
    count = len(sizes)
    gate = rng.choice(len(gates.share), count, p=gates.share)
    start = seconds_of_day(rng, gates.profile[gate], 86_400 - 60)
    start = np.where((gate == fast) & (start < 60), 60, start)
    plates = _plates_of_passages(rng, gate, start)
    passage = np.repeat(np.arange(count), sizes)
    first = np.r_[0, np.cumsum(sizes)[:-1]]
    gap = rng.integers(1, 21, readings)
    gap[first] = 0
    offset = np.cumsum(gap)
    offset -= offset[first][passage]
    lane = rng.integers(1, 5, count)[passage]
    lane = np.where((gap > 0) & (rng.random(readings) < 0.1), lane % 4 + 1, lane)
    reliability = rng.integers(70, 100, readings)
    plate = plates[passage].astype(object)
    is_unread = (rng.random(count) < 0.03)[passage]
    for n in np.flatnonzero(is_unread):
        plate[n] = unread(rng, plate[n])
    # The second reading of some passages is misread: close behind the first, in its lane.
    second = first[sizes > 1] + 1
    second = second[(gap[second] <= 10) & (lane[second] == lane[second - 1]) & ~is_unread[second]]
    for n in second[rng.random(len(second)) < 0.15]:
        if (other := misread(rng, str(plate[n]))) is not None:
            plate[n], reliability[n] = other, rng.integers(40, 66)
    return {
        "gate": gate[passage],
        "sec": start[passage] + offset,
        "unit": np.where(is_unread, count + np.arange(readings), passage),
        "lane": lane,
        "reliability": reliability,
        "plate": plate.tolist(),
    }


def _plates_of_passages(
    rng: np.random.Generator, gate: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """A plate for each passage; a vehicle comes back to a gate after 200 s at the earliest."""
    count = len(gate)
    vehicle = rng.integers(0, max(20, count * 2 // 5), count)
    order = np.lexsort((start, vehicle, gate))
    g, v, s = gate[order], vehicle[order], start[order]
    soon = np.r_[False, (g[1:] == g[:-1]) & (v[1:] == v[:-1]) & (s[1:] - s[:-1] < 200)]
    fresh = order[soon]
    vehicle[fresh] = vehicle.max() + 1 + np.arange(len(fresh))
    return random_plates(rng, int(vehicle.max()) + 1)[vehicle]


def _with_fields(
    rng: np.random.Generator,
    rows: pl.DataFrame,
    plates: list[str],
    lane: np.ndarray,
    reliability: np.ndarray,
) -> pl.DataFrame:
    """The fields of a motor vehicle, in the spellings of several vendors."""
    count = len(rows)
    vendor = rng.integers(0, 3, count).tolist()
    colour = rng.integers(1, 10, count).tolist()
    speed = np.round(rng.uniform(5, 90, count), 1)
    extra = rng.choice(4, count, p=[0.55, 0.25, 0.195, 0.005])
    return rows.with_columns(
        plate_text=pl.Series(list(map(_plate_fields, plates, vendor, colour))),
        lane_text=pl.Series(lane).cast(pl.String),
        reliability=pl.Series(reliability),
        reliability_text=pl.Series(reliability).cast(pl.String),
        speed_text=pl.Series(
            [f'"{s}"' if v == 1 else str(s) for s, v in zip(speed.tolist(), vendor, strict=True)]
        ),
        direction=pl.Series([f"{1 + c % 4:02d}" if v else f"{c}" for v, c in
                             zip(vendor, colour, strict=True)]),
        class_code=pl.Series(_CLASSES[rng.integers(0, len(_CLASSES), count)].tolist()),
        extras=pick(pl.Series(_EXTRAS), extra),
    )  # fmt: skip


def _plate_fields(plate: str, vendor: int, colour: int) -> str:
    has = plate != "无车牌"
    flag = f'"{int(has)}"' if vendor == 1 else str(has).lower()
    paint = f'"{colour}"' if vendor == 2 else str(colour)
    green = "52" if len(plate.replace("·", "").replace(" ", "")) == 8 else "02"
    return (
        f'"HasPlate":{flag},"PlateClass":"{green}","PlateColor":{paint},"PlateNo":"{plate}",'
        f'"VehicleColor":{paint},'
    )


def _odd_rows(
    plan: Plan, rng: np.random.Generator, gates: Cameras, clock: DayClock, count: int
) -> list[pl.DataFrame]:
    """Rows with faults, and rows of an unregistered gate with their truth."""
    faulty = max(len(FAULTS_OF_MOTORS), count // 2000)
    which = rng.choice(len(gates.share), faulty, p=gates.share)
    sec = rng.integers(10_800, 79_200, faulty)
    number = 90_000 + np.arange(faulty) % 9000
    bad = good_rows(rng, MOTOR, clock, pick(gates.ids, which), sec, number)
    bad = plant_faults(rng, _plain(rng, bad), FAULTS_OF_MOTORS, clock)
    for column, fault, text in (
        ("speed_text", "impossible_speed", "300"),
        ("speed_text", "text_speed", '"fast"'),
        ("reliability_text", "reliability_over_100", "150"),
        ("lane_text", "text_lane", '"x"'),
        ("class_code", "long_class", "K333"),
    ):
        new = pl.when(pl.col("fault") == fault).then(pl.lit(text)).otherwise(column)
        bad = bad.with_columns(new.alias(column))
    unknown = 3
    ids = pick(pl.Series([GHOSTS["gate"]]), np.zeros(unknown))
    strange = good_rows(rng, MOTOR, clock, ids, 40_000 + np.arange(unknown), np.arange(unknown))
    strange = _plain(rng, strange)
    strange = pl.concat([strange, strange.head(1)])
    plan.truth.add("vehicle_set_aside", set_aside(strange, clock.day))
    return [bad, strange]


def _plain(rng: np.random.Generator, rows: pl.DataFrame) -> pl.DataFrame:
    count = len(rows)
    plates = [f"闽ER{n % 1000:03d}A" for n in range(count)]
    lane, reliability = np.ones(count, dtype=np.int64), np.full(count, 90)
    return _with_fields(rng, rows, plates, lane, reliability).with_columns(
        unit=pl.lit(0, dtype=pl.Int64),
        plate=pl.Series(plates),
        community=pl.lit(None, dtype=pl.String),
    )


def _note_truth(plan: Plan, day: date, rows: pl.DataFrame, copies: pl.DataFrame) -> None:
    """Passages and merges of a day: the most reliable reading is kept."""
    readings = rows.select(
        "capture_id",
        "device",
        "community",
        "sec",
        "reliability",
        "plate",
        "shot_day",
        "clock_offset_s",
        "direction",
        unit=pl.col("unit") * 100 + pl.col("apart"),
    ).sort("unit", pl.col("reliability").neg(), "sec", "capture_id")
    readings = readings.with_columns(
        merged_into=pl.col("capture_id").first().over("unit"),
        kept_plate=pl.col("plate").first().over("unit"),
        reading_count=pl.len().over("unit"),
    )
    kept = pl.col("capture_id") == pl.col("merged_into")
    passages = readings.filter(kept)
    masks = [None if plate is None else mask(plate) for plate in passages["plate"].to_list()]
    meant = [plan.site.heading(d, c) for d, c in passages.select("device", "direction").iter_rows()]
    plan.truth.add(
        "vehicle_passages",
        passages.with_columns(
            pl.Series("plate_mask", masks, dtype=pl.String),
            pl.Series("heading", meant, dtype=pl.String),
        ).rename(
            {"capture_id": "passage_id", "device": "device_id", "community": "community_code"}
        ),
    )
    merged = readings.filter(~kept)
    rule = (
        pl.when(pl.col("plate") == pl.col("kept_plate"))
        .then(pl.lit("same_passage"))
        .otherwise(pl.lit("confused_plate"))
    )
    plan.truth.add("vehicle_merges", merged.with_columns(outcome=pl.lit("merged"), rule=rule))
    plan.truth.add("vehicle_merges", superseded(copies))
    sent = pl.concat([rows, copies.select(rows.columns)])
    plan.truth.add("vehicle_merges", changed_days(sent, day))
