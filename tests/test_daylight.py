"""Daylight silences against a plain loop over hours; only the week after a change is recounted."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from assets.building import Outcome
from assets.topics.daylight import HOURS, TABLE, find_gaps, gap_inputs, newest_day
from assets.topics.tabulate import topic_days
from schemas import tables
from warehouse import builds
from warehouse.lake import Lake, conform

# Ibis 12 asks DuckDB 1.5 for Arrow by its old name.
DAYS = [date(2026, 11, day) for day in range(1, 13)]
KINDS = {"1" * 20: "camera", "2" * 20: "gate", "3" * 20: "smoke_sensor"}
A, B = "350299001001", "350299001002"
MOVED_AT = datetime(2026, 11, 5, 2, tzinfo=UTC)  # 10:00 in the city
CAMERA = next(iter(KINDS))

Seen = dict[tuple[int, str], set[int]]  # day, device → hours with a passage


def stand(lake: Lake) -> None:
    devices, places = (tables.table("silver", n) for n in ("devices", "device_places"))
    nothing = {c: [None] * 3 for c in devices.contract.columns()}
    lake.replace(devices, pl.DataFrame(nothing | {
        "device_id": list(KINDS), "device_kind": list(KINDS.values()), "placed_by": ["code"] * 3,
        "updated_at": [MOVED_AT] * 3}))  # fmt: skip
    others = [(d, A, "code", None, None) for d in KINDS if d != CAMERA]
    lake.replace(places, pl.DataFrame(
        [(CAMERA, A, "code", None, MOVED_AT), (CAMERA, B, "code", MOVED_AT, None), *others],
        {"device_id": pl.String, "community_code": pl.String, "placed_by": pl.String,
         "valid_from": pl.Datetime("us", "UTC"), "valid_until": pl.Datetime("us", "UTC")},
        orient="row"))  # fmt: skip


def pass_by(lake: Lake, seen: Seen) -> None:
    """The hours of all days, as the passage topic leaves them."""
    rows = [(DAYS[n], hour, A, device, "face", 1, 1)
            for (n, device), hours in seen.items() for hour in hours]  # fmt: skip
    frame = conform(HOURS, pl.DataFrame(rows, list(HOURS.contract.columns()), orient="row")
                    if rows else lake.read(HOURS).clear())  # fmt: skip
    lake.replace_parts(HOURS, frame, DAYS)
    days = dict.fromkeys([str(day) for day in DAYS], "")
    builds.record(lake, HOURS, builds.built_parts(HOURS, frame, days))


def build_gaps(lake: Lake) -> Outcome:
    """What the asset does."""
    newest = newest_day(lake)
    inputs = gap_inputs(lake, newest)
    return topic_days(lake, TABLE, inputs, lambda engine, days: find_gaps(engine, days, newest))


def by_hand(seen: Seen) -> set[tuple]:
    held = {n for (n, _), hours in seen.items() if hours}
    newest = max(held, default=-1)
    last = max((h for (n, _), hours in seen.items() if n == newest for h in hours), default=0)
    found = set()
    for n in range(newest + 1):
        for device, kind in KINDS.items():
            week = [seen.get((n - back, device)) for back in range(7)]
            if kind == "smoke_sensor" or not any(week):
                continue
            known = [h for h in range(7, 19) if n < newest or h <= last]
            silent = [h for h in known if h not in seen.get((n, device), set())]
            first = True
            for start in silent:
                if start - 1 in silent:
                    continue
                length = 1
                while start + length in silent:
                    length += 1
                if length >= 3:
                    is_before = (n, start) < (4, 10)
                    code = A if device != CAMERA or is_before else B
                    found.add((DAYS[n], code, device, kind, start, length, int(first)))
                    first = False
    return found


def drawn(hand: random.Random, cells: int) -> Seen:
    """Some days of some devices, each with a few hours, night ones among them."""
    marks = [0, 6, 7, 8, 10, 11, 14, 15, 18, 19, 23]
    return {
        (hand.randrange(12), hand.choice(list(KINDS))): set(hand.sample(marks, hand.randrange(7)))
        for _ in range(cells)
    }


@pytest.mark.parametrize(("seed", "cells"), [(1, 0), (2, 3), (3, 12), (4, 25)])
def test_silences_agree_with_a_plain_loop_also_after_a_change(
    lake: Lake, seed: int, cells: int
) -> None:
    hand = random.Random(seed)
    stand(lake)
    seen = drawn(hand, cells)
    for now in (seen, seen | drawn(hand, 4), seen):
        pass_by(lake, now)
        build_gaps(lake)
        assert set(lake.read(TABLE).iter_rows()) == by_hand(now)
    assert build_gaps(lake).renewed == []


def test_only_the_week_after_a_change_is_counted_again(lake: Lake) -> None:
    stand(lake)
    seen: Seen = {(n, device): {8, 12, 16} for n in range(12) for device in KINDS}
    pass_by(lake, seen)
    assert len(build_gaps(lake).renewed) == 12
    pass_by(lake, seen | {(2, CAMERA): {8}})
    assert build_gaps(lake).renewed == [str(DAYS[n]) for n in range(2, 9)]
    pass_by(lake, seen | {(2, CAMERA): {8}, (11, CAMERA): {8, 9}})
    assert build_gaps(lake).renewed == [str(DAYS[11])]
    places = tables.table("silver", "device_places")
    moved = lake.read(places).with_columns(
        valid_from=pl.col("valid_from") + timedelta(hours=1),
        valid_until=pl.col("valid_until") + timedelta(hours=1),
    )
    lake.replace(places, moved)
    assert build_gaps(lake).renewed == [str(DAYS[4])]


def test_the_rest_of_the_newest_day_is_not_silent_until_a_later_day_says_so(lake: Lake) -> None:
    stand(lake)
    seen: Seen = {(4, CAMERA): {8, 9}}
    pass_by(lake, seen)
    build_gaps(lake)
    assert lake.read(TABLE).is_empty()
    seen |= {(5, device): {6} for device in KINDS}
    pass_by(lake, seen)
    assert build_gaps(lake).renewed == [str(DAYS[4]), str(DAYS[5])]
    # silent from 10:00 on, the second in which it was moved
    assert lake.read(TABLE).rows() == [(DAYS[4], B, CAMERA, "camera", 10, 9, 1)]
