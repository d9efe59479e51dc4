"""Episodes beyond a threshold: against a plain loop over all readings, day by day and late."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import polars as pl
from contract_book import DEVICE
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.building import build_days
from assets.silver import sensor_edges
from assets.silver.sensing import graded
from assets.silver.sensor_edges import edges
from assets.topics import fire_episodes
from assets.topics.fire_episodes import TABLE, episodes, surroundings
from schemas import codes, tables
from schemas.city_time import city_date_of
from schemas.sensing import PRESSURE_LEVELS_MPA
from warehouse import builds
from warehouse.lake import Lake, empty

READINGS = tables.table("silver", "sensor_readings")
START = datetime(2026, 11, 17, 16, tzinfo=UTC)  # midnight of the 18th in the city
DAYS = [date(2026, 11, day) for day in (18, 19, 20, 21)]
OTHER = "35029901001320000002"
WORSE = ("normal", "over", "warning", "critical", "dry", "alarm")
PLACES = {DEVICE: "350299001001", OTHER: None}

Reading = tuple[str, int, float]  # device, hours since the first midnight, pressure

readings = st.lists(
    st.tuples(st.sampled_from([DEVICE, OTHER]), st.integers(0, 95),
              st.sampled_from([0.2, 1.3, 0.13, 0.05, 0.0])),
    max_size=40, unique_by=lambda r: r[:2],
)  # fmt: skip


def rows(found: list[Reading], quantity: str = "hydrant_pressure") -> pl.DataFrame:
    made = [
        {"reading_id": f"{device}-{hour}", "device_id": device, "quantity": quantity,
         "community_code": PLACES[device], "value": value,
         "read_at": (at := START + timedelta(hours=hour)), "read_day": city_date_of(at)}
        for device, hour, value in found
    ]  # fmt: skip
    schema = {name: t for name, t in empty(READINGS.contract).schema.items() if name != "level"}
    return graded(pl.DataFrame(made, schema=schema)).select(empty(READINGS.contract).columns)


def by_hand(found: list[Reading]) -> set[tuple]:
    """One pass over all readings of a sensor in the order of time."""
    levels = {0.2: "normal", 1.3: "over", 0.13: "warning", 0.05: "critical", 0.0: "dry"}
    told = set()
    for device in (DEVICE, OTHER):
        now: list | None = None
        for _, hour, value in sorted(r for r in found if r[0] == device):
            at, level = START + timedelta(hours=hour), levels[value]
            if level == "normal":
                if now:
                    told.add((device, now[0], at, now[1], now[2]))
                now = None
            elif now is None:
                now = [at, level, 1]
            else:
                now = [now[0], max(now[1], level, key=WORSE.index), now[2] + 1]
        if now:
            told.add((device, now[0], None, now[1], now[2]))
    return told


def told(frame: pl.DataFrame) -> set[tuple]:
    for row in frame.iter_rows(named=True):
        assert row["opened_day"] == city_date_of(row["opened_at"])
        assert row["community_code"] == PLACES[row["device_id"]]
        closed = row["closed_at"]
        lasted = (closed - row["opened_at"]).total_seconds() if closed else None
        assert row["duration_seconds"] == lasted
    columns = ("device_id", "opened_at", "closed_at", "worst_level", "reading_count")
    assert not frame.select(columns[:2]).is_duplicated().any()
    return set(frame.select(columns).iter_rows())


@given(readings)
@settings(max_examples=80, deadline=None)
def test_days_built_alone_and_together_agree_with_a_plain_loop(found: list[Reading]) -> None:
    all_rows = rows(found)
    around = surroundings(edges(all_rows))
    own = [pl.col("read_day") == day for day in DAYS]
    alone = pl.concat([episodes(all_rows.filter(day), around.filter(day)) for day in own])
    assert told(episodes(all_rows, around)) == told(alone) == by_hand(found)


def build(lake: Lake) -> list[str]:
    """Edges, then episodes; the days of episodes that were built again."""
    parts = builds.parts_of(lake, READINGS)
    build_days(
        lake, sensor_edges.TABLE, {day: one.content for day, one in parts.items()},
        lambda days: fire_episodes.Clean(edges(lake.read(READINGS, days=days))),
    )  # fmt: skip
    return fire_episodes.build(lake).renewed


def deliver(lake: Lake, found: list[Reading], days: list[date]) -> None:
    """Readings of some days as silver holds them now."""
    own = rows(found).filter(pl.col("read_day").is_in(days))
    inputs = {str(day): builds.content_fingerprint(own.filter(read_day=day)) for day in days}
    build_days(
        lake, READINGS, inputs,
        lambda d: fire_episodes.Clean(own.filter(pl.col("read_day").is_in(d))),
    )  # fmt: skip


def held(lake: Lake) -> set[tuple]:
    return told(lake.read(TABLE))


BEYOND, NORMAL = 0.05, 0.2


def test_an_episode_over_midnight_is_one_and_closes_late(lake: Lake) -> None:
    found = [(DEVICE, 1, NORMAL), (DEVICE, 20, BEYOND), (OTHER, 5, NORMAL)]
    deliver(lake, found, DAYS[:1])
    assert build(lake) == ["2026-11-18"]
    assert held(lake) == by_hand(found)
    found += [(DEVICE, 30, 0.0), (OTHER, 31, NORMAL)]
    deliver(lake, found, DAYS[1:2])
    assert build(lake) == ["2026-11-18", "2026-11-19"], "the open episode grew worse"
    assert held(lake) == by_hand(found)
    found += [(OTHER, 60, BEYOND), (OTHER, 61, NORMAL)]
    deliver(lake, found, DAYS[2:3])
    assert build(lake) == ["2026-11-20"], "nothing is known of the open one that day"
    found += [(DEVICE, 80, NORMAL)]
    deliver(lake, found, DAYS[3:])
    assert build(lake) == ["2026-11-18", "2026-11-19", "2026-11-21"]
    assert held(lake) == by_hand(found)
    ((_, opened, closed, worst, count),) = (e for e in held(lake) if e[0] == DEVICE)
    assert (closed - opened, worst, count) == (timedelta(hours=60), "dry", 2)
    assert build(lake) == []


def test_a_late_normal_reading_cuts_an_episode_in_two(lake: Lake) -> None:
    found = [(DEVICE, 20, BEYOND), (DEVICE, 30, BEYOND), (DEVICE, 50, NORMAL), (OTHER, 90, NORMAL)]
    deliver(lake, found, DAYS)
    build(lake)
    assert len(held(lake)) == 1
    found.append((DEVICE, 25, NORMAL))
    deliver(lake, found, DAYS[1:2])
    assert build(lake) == ["2026-11-18", "2026-11-19"]
    assert held(lake) == by_hand(found)
    assert len(held(lake)) == 2


def test_smoke_opens_at_its_first_alarm() -> None:
    smoke = rows([(DEVICE, 1, 0.0), (DEVICE, 2, 0.0)], "smoke").with_columns(
        level=pl.Series(["alarm", "normal"])
    )
    (row,) = episodes(smoke, surroundings(edges(smoke))).iter_rows(named=True)
    assert (row["worst_level"], row["duration_seconds"]) == ("alarm", 3600)


def test_too_much_pressure_is_a_grade_of_its_own() -> None:
    found = rows([(DEVICE, 1, 1.2), (DEVICE, 2, 1.21), (DEVICE, 3, 1.3), (DEVICE, 5, 0.2),
                  (OTHER, 1, 1.3), (OTHER, 2, 0.13), (OTHER, 3, 0.14)])  # fmt: skip
    opened = episodes(found, surroundings(edges(found))).sort("device_id")
    columns = ("device_id", "worst_level", "reading_count", "duration_seconds")
    assert opened.select(columns).rows() == [
        (DEVICE, "over", 2, 3 * 3600), (OTHER, "warning", 2, 2 * 3600),
    ]  # fmt: skip


def test_steps_are_those_of_the_code_table() -> None:
    rules = codes.table("fire_thresholds").filter(pl.col("quantity") == "platform alert (ours)")
    text = rules["rule"][0]
    assert {
        "warning": float(re.findall(r"warn < ([\d.]+)", text)[0]),
        "critical": float(re.findall(r"critical < ([\d.]+)", text)[0]),
        "dry": float(re.findall(r"dry <= ([\d.]+)", text)[0]),
        "over": float(re.findall(r"over > ([\d.]+)", text)[0]),
    } == PRESSURE_LEVELS_MPA
