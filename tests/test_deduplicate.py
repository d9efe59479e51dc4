"""De-duplication against plain loops over dictionaries, on small inputs full of ties."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loops import (
    Row,
    face_rank,
    loop_newest,
    loop_passages,
    one_pass_of_a_face,
    one_pass_of_a_vehicle,
    vehicle_rank,
)

from quality.deduplicate import Kept, face_passages, newest_per_key, vehicle_passages
from schemas.city_time import INSTANT
from schemas.contract import PROVENANCE

BASE = datetime(2026, 11, 20, tzinfo=UTC)
TINY = 0.000001
TOMORROW = BASE.date() + timedelta(days=1)
DEVICES, DAYS = ("d1", "d1", "d1", "d2"), (BASE.date(), BASE.date(), BASE.date(), TOMORROW)
FACE_GAPS = (0, 1, 15, 30, 30 + TINY)
VEHICLE_GAPS = (0, 1, 5, 10, 10 + TINY, 60, 60 + TINY)
PLATES = (None, "闽D12345", "闽DI2345", "闽D1234S", "闽DI234S", "闽D12348", "闽D1234B", "粤D12345")
SHARED = {"capture_id": pl.String, "device_id": pl.String, "shot_day": pl.Date,
          "event_day": pl.Date, "shot_at": INSTANT, "entered_at": INSTANT,
          "triggered_at": INSTANT}  # fmt: skip
FACE = SHARED | {"track_token": pl.String, "left_px": pl.Int64, "top_px": pl.Int64,
                 "right_px": pl.Int64, "bottom_px": pl.Int64}  # fmt: skip
VEHICLE = SHARED | {"plate": pl.String, "lane_number": pl.Int64, "plate_reliability": pl.Int64}
ARRIVED = dict(zip(PROVENANCE, (pl.String, pl.Int64, pl.Int32), strict=True))

quick = settings(deadline=None, max_examples=60)
thorough = settings(deadline=None, max_examples=200)
entries = st.sampled_from([None, 0, 0, 5])


def moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else BASE + timedelta(seconds=seconds)


@st.composite
def captured(draw: st.DrawFn, gaps: tuple, **kinds: tuple) -> list[Row]:
    """Shots in bursts of few values each; ids repeat now and then, with equal or other content."""
    rows: list[Row] = []
    clock = 0.0
    pools = {
        name: draw(st.lists(st.sampled_from(kind), min_size=1, max_size=3))
        for name, kind in ({"gap": gaps} | kinds).items()
    }
    for number in range(draw(st.integers(0, 9))):
        clock += draw(st.sampled_from(pools["gap"]))
        day = draw(st.sampled_from(DAYS))
        rows.append({
            "capture_id": draw(st.sampled_from([*[f"c{number}"] * 5, "c0"])),
            "device_id": draw(st.sampled_from(DEVICES)), "shot_day": day, "event_day": day,
            "shot_at": moment(clock), "entered_at": moment(draw(entries)),
            "triggered_at": moment(draw(entries)),
            **{name: draw(st.sampled_from(pools[name])) for name in kinds},
        })  # fmt: skip
        if draw(st.integers(0, 3)) == 0:
            rows.append(dict(rows[-1]))
    return rows


face_rows = captured(FACE_GAPS, track_token=(None, "a", "a", "b"), left_px=(0, 1), top_px=(0, 1),
                     right_px=(2, 3), bottom_px=(2, 3))  # fmt: skip
vehicle_rows = captured(VEHICLE_GAPS, plate=PLATES, lane_number=(None, 1, 1, 2),
                        plate_reliability=(None, 80, 90))  # fmt: skip


def framed(rows: list[Row], schema: dict[str, Any], seed: int = 0) -> pl.DataFrame:
    """The rows in any order, arrived in any files."""
    hand = random.Random(seed)
    rows = [row | {"file_id": hand.choice("xyz"), "row_number": hand.randrange(99),
                   "item_number": hand.randrange(9)} for row in rows]  # fmt: skip
    hand.shuffle(rows)
    return pl.DataFrame(rows, schema=ARRIVED | schema)


def booked(ledger: pl.DataFrame) -> Counter:
    return Counter(ledger.select("entity_id", "merged_into", "outcome", "rule").iter_rows())


def found(kept: Kept, count: str) -> set[tuple]:
    columns = ["capture_id", "device_id", "started_at", "ended_at", count]
    return set(kept.rows.select(columns).iter_rows())


def known_content(kept: Kept) -> tuple[list, list]:
    rows = kept.rows.drop(PROVENANCE)
    return (sorted(rows.sort(rows.columns).rows(), key=repr), sorted(kept.ledger.rows(), key=repr))


@quick
@given(face_rows)
def test_face_passages_agree_with_a_plain_loop(rows: list[Row]) -> None:
    kept = face_passages(framed(rows, FACE))
    passages, ledger = loop_passages(rows, one_pass_of_a_face, face_rank)
    assert found(kept, "shot_count") == passages
    assert booked(kept.ledger) == ledger
    assert kept.rows.height == len(passages)
    assert kept.rows.height + kept.ledger.height == len(rows)
    tracked = {r["capture_id"] for r in loop_newest(rows, "capture_id", ("entered_at",
               "triggered_at")) if r["track_token"]}  # fmt: skip
    assert set(kept.rows.filter("is_tracked")["capture_id"]) <= tracked
    assert "track_token" not in kept.rows.columns


@thorough
@given(vehicle_rows)
def test_vehicle_passages_agree_with_a_plain_loop(rows: list[Row]) -> None:
    kept = vehicle_passages(framed(rows, VEHICLE))
    passages, ledger = loop_passages(rows, one_pass_of_a_vehicle, vehicle_rank)
    assert found(kept, "reading_count") == passages
    assert booked(kept.ledger) == ledger
    assert kept.rows.height + kept.ledger.height == len(rows)


@quick
@given(face_rows, vehicle_rows, st.integers(0, 99))
def test_neither_order_nor_files_decide_what_is_kept(
    faces: list[Row], vehicles: list[Row], seed: int
) -> None:
    for rows, schema, form in ((faces, FACE, face_passages), (vehicles, VEHICLE, vehicle_passages)):
        assert known_content(form(framed(rows, schema))) == known_content(
            form(framed(rows, schema, seed))
        )


@quick
@given(vehicle_rows)
def test_newest_per_key_agrees_with_a_plain_loop(rows: list[Row]) -> None:
    versions = ("entered_at", "triggered_at")
    kept = newest_per_key(framed(rows, VEHICLE), "capture_id", versions,
                          happened="shot_at", rule="older")  # fmt: skip
    expected = [tuple(row[c] for c in VEHICLE) for row in loop_newest(rows, "capture_id", versions)]
    assert Counter(kept.rows.select(list(VEHICLE)).iter_rows()) == Counter(expected)
    assert kept.rows.height + kept.ledger.height == len(rows)
    assert kept.rows["capture_id"].is_unique().all()


def shot(number: int, seconds: float, mark: str, schema: dict[str, Any]) -> Row:
    """A shot in lane 1 with a box that grows with its number."""
    row = dict.fromkeys(schema) | {"capture_id": f"c{number}", "device_id": "d1",
        "shot_day": BASE.date(), "event_day": BASE.date(), "shot_at": moment(seconds)}  # fmt: skip
    box = {"left_px": 0, "top_px": 0, "right_px": 1 + number, "bottom_px": 1}
    return row | (
        box | {"track_token": mark} if schema is FACE else {"plate": mark, "lane_number": 1}
    )


@pytest.mark.parametrize(
    ("schema", "shots", "passages"),
    [
        (FACE, [(0, "a"), (30, "a")], 1),
        (FACE, [(0, "a"), (30 + TINY, "a")], 2),
        (FACE, [(0, "a"), (1, "b"), (25, "a"), (50, "a")], 2),
        (VEHICLE, [(0, PLATES[1]), (60, PLATES[1])], 1),
        (VEHICLE, [(0, PLATES[1]), (60 + TINY, PLATES[1])], 2),
        (VEHICLE, [(0, PLATES[1]), (10, PLATES[2])], 1),
        (VEHICLE, [(0, PLATES[1]), (10 + TINY, PLATES[2])], 2),
        # two characters apart, and no third reading between them
        (VEHICLE, [(0, PLATES[1]), (1, PLATES[4])], 2),
        (VEHICLE, [(0, PLATES[1]), (1, PLATES[4]), (2, PLATES[3])], 1),
        # the nearest neighbour in time is another reading of the same plate
        (VEHICLE, [(0, PLATES[2]), (1, PLATES[1]), (2, PLATES[1])], 1),
        (VEHICLE, [(0, PLATES[5]), (1, PLATES[1]), (2, PLATES[6])], 2),
    ],
)
def test_gaps_and_confusions_on_the_border(
    schema: dict[str, Any], shots: list[tuple[float, str]], passages: int
) -> None:
    form = face_passages if schema is FACE else vehicle_passages
    rows = [shot(number, at, mark, schema) for number, (at, mark) in enumerate(shots)]
    assert form(framed(rows, schema)).rows.height == passages


def test_ledger_rows_carry_the_day_and_time_of_the_row_itself() -> None:
    rows = [shot(0, 0, "a", FACE), shot(1, 1, "a", FACE)]
    ledger = face_passages(framed(rows, FACE)).ledger.to_dicts()
    assert ledger == [
        {"event_day": BASE.date(), "entity_id": "c0", "version_at": BASE, "merged_into": "c1",
         "outcome": "merged", "rule": "same_passage"}
    ]  # fmt: skip
