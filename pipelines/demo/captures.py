"""What the three kinds of captures share: rows to send, their faults, their files.

A row to send is a frame row with the object's fields, the fault planted in it (`fault`) and the
file it goes to (`slot`). The kinds of objects differ in their `Kind` only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from pipelines.demo.clocks import DayClock

MAIN, POSTS, PRETTY, NOTIFIED, LATE = range(5)
"""Files of a day: bare lines, one message per line, one whole message, notifications, late."""

REFUSED = "refused"
WATCH_LIST_LINE = (
    '{"DispositionNotificationListObject":{"DispositionNotificationObject":[{"NotificationID":"1",'
    '"Title":"FORBIDDEN","Name":"FORBIDDEN"}]}}'
)

FAULTS: dict[str, tuple[str, ...]] = {
    "other_device": ("capture_id_names_its_device",),
    "other_time": ("capture_id_names_its_shot_time",),
    "entered_too_early": ("is_shot_before_it_is_entered",),
    "inverted_box": ("box_has_an_area",),
    "box_outside": ("box_lies_inside_the_picture",),
    "short_id": ("capture_id_is_well_formed",),
    "text_in_box": ("left_px_is_readable",),
    "impossible_time": ("shot_at_is_readable",),
    "no_device": ("device_id_is_present",),
    "truncated": ("row_is_readable",),
    "impossible_speed": ("speed_kmh_is_within_range",),
    "text_speed": ("speed_kmh_is_readable",),
    "reliability_over_100": ("plate_reliability_is_within_range",),
    "text_lane": ("lane_number_is_readable",),
    "long_class": ("vehicle_class_code_is_within_length",),
    "wrong_subtype_face": ("capture_id_names_a_face",),
    "wrong_subtype_motor": ("capture_id_names_a_motor_vehicle",),
    "wrong_subtype_nonmotor": ("capture_id_names_a_nonmotor_vehicle",),
}
"""Planted fault → exactly the rules it breaks."""

COMMON_FAULTS = tuple(FAULTS)[:9]
OTHER_DEVICE = "35029900001320990009"


@dataclass(frozen=True)
class Kind:
    """One kind of captured object.

    Attributes:
        feed: Its feed.
        short: Beginning of its truth tables and file names.
        name: GA/T 1400 object name.
        subtype: Positions 42–43 of its ids.
        time_field: Wire name of `shot_at`.
        render: Rows to send → JSON text of each object.
    """

    feed: str
    short: str
    name: str
    subtype: str
    time_field: str
    render: Callable[[pl.DataFrame], pl.Series]


def capture_ids(
    kind: Kind, devices: pl.Series, clock: DayClock, seconds: np.ndarray, number: np.ndarray
) -> pl.Series:
    """Ids of 48 digits; `number` tells apart objects of one device in one second."""
    return (
        pl.DataFrame({"d": devices, "t": clock.text(seconds), "n": pl.Series(number % 100_000)})
        .select(
            pl.concat_str(
                "d",
                pl.lit("02"),
                "t",
                pl.col("n").cast(pl.String).str.zfill(5),
                pl.lit(f"{kind.subtype}00001"),
            )
        )
        .to_series()
    )


def boxes(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Random boxes inside a 1920 × 1080 picture, away from its edges."""
    width = rng.integers(60, 260, count)
    height = (width * rng.uniform(1.15, 1.4, count)).astype(np.int64)
    left = rng.integers(10, 1890 - width)
    top = rng.integers(10, 1060 - height)
    return {"left": left, "top": top, "right": left + width, "bottom": top + height}


def good_rows(
    rng: np.random.Generator,
    kind: Kind,
    clock: DayClock,
    devices: pl.Series,
    seconds: np.ndarray,
    number: np.ndarray,
) -> pl.DataFrame:
    """Rows to send without any fault: ids, times, boxes, writing style of the times."""
    count = len(seconds)
    return pl.DataFrame(
        {
            "capture_id": capture_ids(kind, devices, clock, seconds, number),
            "device": devices,
            "sec": seconds,
            "entry_sec": seconds + rng.integers(2, 10, count),
            **boxes(rng, count),
            "style": rng.choice(3, count, p=[0.9, 0.06, 0.04]),
            "slot": np.zeros(count, dtype=np.int64),
        }
    ).with_columns(
        *(pl.lit(None, dtype=pl.String).alias(c) for c in ("fault", "shot", "left_text")),
        id_text=pl.col("capture_id"),
        has_entry=pl.lit(True),
        shot_day=pl.lit(clock.day),
        clock_offset_s=pl.lit(0, pl.Int64),
        apart=pl.lit(1, pl.Int64),
    )


def resend(
    rng: np.random.Generator, rows: pl.DataFrame, latest: int = 82_000
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Choose rows the source sends again.

    Args:
        rng: Random stream.
        rows: Good rows as first sent.
        latest: Second of day after which nothing is sent again later.

    Returns:
        Identical copies, and corrected copies with another box and a column `nr`, the position of
        the row they correct. A correction is newer by its entry time or, sent as a notification
        without one, by its trigger time. Rows first sent in notifications are left out: there the
        trigger time may outrun the correction.
    """
    fit = rows.with_row_index("nr").filter((pl.col("slot") < PRETTY) & (pl.col("sec") < latest))
    draw = rng.random(len(fit))
    # a row that a wrong clock puts on another day is always among them
    crosses = rows.filter((pl.col("slot") < PRETTY) & (pl.col("apart") % 3 != 1)).head(1)
    same = pl.concat([fit.filter(pl.Series(draw < 0.010)).drop("nr"), crosses])
    chosen = (draw >= 0.008) & (draw < 0.016)
    count = int(chosen.sum())
    some = fit.filter(pl.Series(chosen))
    # the entry time of a slow clock's row may outrun the trigger time of a notification
    notified = pl.Series(draw[chosen] >= 0.014) & (some["entry_sec"] - some["sec"] < 60)
    changed = some.with_columns(
        entry_sec=pl.col("entry_sec") + pl.Series(rng.integers(60, 1800, count)),
        # Wide enough a change that another shot is often the best one afterwards.
        right=pl.min_horizontal(pl.col("right") + pl.Series(rng.integers(1, 200, count)), 1915),
        has_entry=~notified,
        slot=pl.when(notified).then(NOTIFIED).otherwise("slot").cast(pl.Int64),
    )
    return same, changed


def plant_faults(
    rng: np.random.Generator, rows: pl.DataFrame, faults: tuple[str, ...], clock: DayClock
) -> pl.DataFrame:
    """Turn good single rows into rows with one fault each, fault after fault in turn.

    Args:
        rng: Random stream.
        rows: Good rows with ids of their own, shot between 03:00 and 22:00.
        faults: Names in `FAULTS`.
        clock: The day.
    """
    names = [faults[n % len(faults)] for n in range(len(rows))]
    rows = rows.with_columns(pl.Series("fault", names, dtype=pl.String))
    wrong_shot = clock.text(rows["sec"].to_numpy() + rng.integers(1, 60, len(rows)))
    none = pl.lit(None, dtype=pl.String)
    other_subtype = pl.col("id_text").str.slice(0, 41) + "04" + pl.col("id_text").str.slice(43)
    changes: dict[str, tuple[tuple[str, pl.Expr], ...]] = {
        "device": (("no_device", none), ("other_device", pl.lit(OTHER_DEVICE))),
        "shot": (("impossible_time", pl.lit("20261340996199")), ("other_time", pl.lit(wrong_shot))),
        "entry_sec": (("entered_too_early", pl.col("sec") - 3600),),
        "left": (("inverted_box", pl.col("right")),),
        "right": (("inverted_box", pl.col("right") - 50),),
        "bottom": (("box_outside", pl.lit(1081)),),
        "left_text": (("text_in_box", pl.lit('"abc"')),),
        "slot": (("truncated", pl.lit(MAIN)),),
        "id_text": (
            ("short_id", pl.col("id_text").str.head(47)),
            *((name, other_subtype) for name in FAULTS if name.startswith("wrong_subtype")),
        ),
    }
    news = []
    for column, cases in changes.items():
        new = pl.col(column)
        for name, value in cases:
            new = pl.when(pl.col("fault") == name).then(value).otherwise(new)
        news.append(new.cast(rows.schema[column]).alias(column))
    return rows.with_columns(news)


def with_texts(rows: pl.DataFrame, clock: DayClock) -> pl.DataFrame:
    """Write the times as text, in each row's style; `sort_sec` is the order of arrival."""
    style, sec = rows["style"].to_numpy(), rows["sec"].to_numpy()
    entry_sec = rows["entry_sec"].to_numpy()
    return rows.with_columns(
        shot=pl.coalesce("shot", pl.lit(clock.text(sec, style))),
        appear=pl.lit(clock.text(sec - 1, style)),
        disappear=pl.lit(clock.text(sec + 2, style)),
        entry=pl.when("has_entry").then(pl.lit(clock.text(entry_sec, style))),
    )


def json_field(name: str, column: str, *, quoted: bool = True) -> pl.Expr:
    """`"Name":"value",` or nothing where the value is null."""
    mark = '"' if quoted else ""
    return pl.concat_str(
        pl.lit(f'"{name}":{mark}'), pl.col(column).cast(pl.String), pl.lit(f"{mark},")
    ).fill_null("")


def slots(
    rng: np.random.Generator, seconds: np.ndarray, pretty: int, *, is_open: bool = True
) -> np.ndarray:
    """Which file of the day each row goes to; most to the bare lines."""
    draw = rng.random(len(seconds))
    slot = np.select([draw < 0.84, draw < 0.94], [MAIN, POSTS], NOTIFIED).astype(np.int64)
    slot[(slot == NOTIFIED) & (seconds >= 82_800)] = MAIN
    if pretty and len(slot) > 4 * pretty:
        slot[rng.choice(len(slot), pretty, replace=False)] = PRETTY
    if is_open:
        slot[(draw >= 0.83) & (draw < 0.84)] = LATE
    return slot


def superseded(copies: pl.DataFrame) -> pl.DataFrame:
    """Ledger rows of what was sent again: n copies of one object leave n - 1."""
    return copies.select(
        "capture_id",
        "shot_day",
        merged_into="capture_id",
        outcome=pl.lit("superseded"),
        rule=pl.lit("resent_capture"),
    )


def changed_days(sent: pl.DataFrame, day: date) -> pl.DataFrame:
    """Ledger rows of good rows whose true day is not that of their camera's clock: out and in."""
    elsewhere = sent.filter(pl.col("shot_day") != day).select(
        "capture_id",
        "shot_day",
        merged_into="capture_id",
        outcome=pl.lit("moved_in"),
        rule=pl.lit("clock_is_corrected"),
    )
    left = elsewhere.with_columns(shot_day=pl.lit(day), outcome=pl.lit("moved_out"))
    return pl.concat([elsewhere, left])


def set_aside(rows: pl.DataFrame, day: date) -> pl.DataFrame:
    """Truth of rows whose device stands in no register."""
    return rows.select("capture_id", rule=pl.lit("device_is_registered"), shot_day=pl.lit(day))
