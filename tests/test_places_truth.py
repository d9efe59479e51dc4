"""Places and events of the demo: silver and topics against its truth and against plain loops."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, timedelta

import polars as pl
import pytest
from support import newest_values
from test_truth import same, silver

from schemas import tables
from warehouse.lake import Lake

Truth = Callable[[str], pl.DataFrame]

pytestmark = pytest.mark.slow


def topic(lake: Lake, name: str) -> pl.DataFrame:
    return lake.read(tables.table("topics", name))


def counted(rows: pl.DataFrame, by: list[str], what: str) -> dict[tuple, int]:
    """A topic's counts; one row per key."""
    assert not rows.select(by).is_duplicated().any()
    return {key: n for *own, n in rows.select(*by, what).iter_rows() if n for key in [tuple(own)]}


def today(demo_lake: Lake) -> date:
    as_of = demo_lake.home.demo_as_of()
    assert as_of is not None
    return (as_of + timedelta(hours=8)).date()


@pytest.mark.parametrize("name", ["components", "dwellings", "satisfaction_visits"])
def test_silver_holds_exactly_what_the_demo_made(demo_lake: Lake, truth: Truth, name: str) -> None:
    expected = truth(name)
    assert expected.height > 50
    same(silver(demo_lake, name), expected)


@pytest.mark.parametrize("name", ["ai_video_events", "iot_events"])
def test_events_agree_with_their_handling(demo_lake: Lake, truth: Truth, name: str) -> None:
    seconds = (pl.col("handled_at") - pl.col("happened_at")).dt.total_seconds()
    expected = truth(name)
    assert expected.height > 50
    assert 0 < expected["handled_seconds"].null_count() < expected.height
    same(silver(demo_lake, name).with_columns(handled_seconds=seconds), expected)


def test_grid_staff_are_tokens_at_their_posts(demo_lake: Lake, truth: Truth) -> None:
    found, expected = silver(demo_lake, "grid_staff"), truth("grid_staff")
    same(found, expected.drop("staff_number"))
    assert found["staff_token"].str.contains("^[0-9a-f]{24}$").all()
    assert found["staff_token"].n_unique() == expected["staff_number"].n_unique()
    grids = found.group_by("staff_token").agg(pl.col("grid_code").sort())["grid_code"].to_list()
    by_number = expected.group_by("staff_number").agg(pl.col("grid_code").sort())["grid_code"]
    assert sorted(grids) == sorted(by_number.to_list())
    merges = silver(demo_lake, "grid_staff_merges")
    assert merges.height > 10
    assert merges["entity_id"].str.contains(r"^[0-9a-f]{24}/\d{15}$").all()


def test_components_are_placed_in_every_way(truth: Truth) -> None:
    assert set(truth("components")["placed_by"]) == {"code", "name", "point", "unplaced"}


def test_components_are_counted_by_class_and_state(demo_lake: Lake, truth: Truth) -> None:
    by = ["community_code", "type_code", "department_name", "component_state"]
    expected = Counter(truth("components").select(by).iter_rows())
    assert counted(topic(demo_lake, "components_counts"), by, "component_count") == expected


def test_dwellings_are_counted_by_use_and_state(demo_lake: Lake, truth: Truth) -> None:
    by = ["community_code", "dwelling_use", "dwelling_state"]
    rows = truth("dwellings")
    found = topic(demo_lake, "buildings_dwellings")
    assert counted(found, by, "dwelling_count") == Counter(rows.select(by).iter_rows())
    assert found["area_known_count"].sum() == rows["area_m2"].count()
    area = sum(round(a * 100) for a in rows["area_m2"] if a is not None) / 100
    assert found["area_m2"].sum() == pytest.approx(area, abs=0.001)


def test_video_events_are_counted_by_day(demo_lake: Lake, truth: Truth) -> None:
    expected: dict[tuple, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    columns = ["happened_day", "community_code", "event_kind", "type_code"]
    for *key, said, seconds in (
        truth("ai_video_events").select(*columns, "is_confirmed", "handled_seconds").iter_rows()
    ):
        new = [1, said is True, said is False, seconds is not None, seconds or 0]
        expected[tuple(key)] = [a + b for a, b in zip(expected[tuple(key)], new, strict=True)]
    found = topic(demo_lake, "governance_video_event_days").select(
        pl.col("event_day").alias("happened_day"), *columns[1:], "event_count", "confirmed_count",
        "refuted_count", "handled_count", "handling_seconds",
    )  # fmt: skip
    assert {row[:4]: list(row[4:]) for row in found.iter_rows()} == expected


def test_iot_events_are_counted_by_day(demo_lake: Lake, truth: Truth) -> None:
    by = ["happened_day", "community_code", "system_type", "status_name"]
    rows = truth("iot_events")
    found = topic(demo_lake, "sensing_iot_event_days").rename({"sensing_day": "happened_day"})
    assert counted(found, by, "event_count") == Counter(rows.select(by).iter_rows())
    handled = rows.drop_nulls("handled_seconds")
    assert counted(found, by, "handled_count") == Counter(handled.select(by).iter_rows())
    assert found["handling_seconds"].sum() == handled["handled_seconds"].sum()


def test_visits_are_counted_by_answer(demo_lake: Lake, truth: Truth) -> None:
    by = ["visited_day", "community_code", "answer"]
    rows = truth("satisfaction_visits")
    found = topic(demo_lake, "governance_satisfaction_days")
    assert counted(found, by, "visit_count") == Counter(rows.select(by).iter_rows())
    assert found["score_sum"].sum() == sum(s for s in rows["score"] if s)
    values = newest_values(demo_lake).filter(tier="district")
    said = dict(values.select("metric_id", "value").iter_rows())
    answered = [a for a in rows["answer"] if a != "unreached"]
    assert said["governance_visit_answered_count"] == len(answered)
    happy = [a for a in answered if a in ("satisfied", "fairly_satisfied")]
    assert said["governance_satisfied_count"] == len(happy)


def test_grids_and_their_staff_agree_with_a_plain_loop(demo_lake: Lake, truth: Truth) -> None:
    day = today(demo_lake)
    grids = set(silver(demo_lake, "areas").filter(tier="grid")["area_code"])
    on_duty = [
        post for post in truth("grid_staff").iter_rows(named=True)
        if post["on_duty_from"] <= day and (post["on_duty_until"] or day) >= day
    ]  # fmt: skip
    assert len({p["staff_number"] for p in on_duty}) < len(on_duty) < truth("grid_staff").height
    staffed = {p["grid_code"] for p in on_duty} & grids
    expected: dict[str | None, list[int]] = defaultdict(lambda: [0, 0, 0])
    for grid in grids:
        own = expected[grid[:12]]
        own[0] += 1
        own[1] += grid in staffed
    for post in on_duty:
        expected[post["community_code"]][2] += 1
    found = topic(demo_lake, "governance_grids")
    columns = ["community_code", "grid_count", "staffed_grid_count", "post_count"]
    assert {row[0]: list(row[1:]) for row in found.select(columns).iter_rows()} == expected
    assert (
        found["grid_count"] - found["staffed_grid_count"] == found["unstaffed_grid_count"]
    ).all()
    first: dict[str, dict] = {}
    for post in sorted(on_duty, key=lambda p: p["grid_code"]):
        first.setdefault(post["staff_number"], post)
    people = Counter((p["community_code"], p["staff_role"]) for p in first.values())
    staff = topic(demo_lake, "governance_grid_staff")
    assert counted(staff, ["community_code", "staff_role"], "staff_count") == people


def test_unplaced_rows_count_at_every_tier(demo_lake: Lake, truth: Truth) -> None:
    values = newest_values(demo_lake)
    standing = truth("components").filter(pl.col("component_state") != "移除")
    unplaced = standing["community_code"].null_count()
    assert unplaced > 0
    own = values.filter(metric_id="components_component_count")
    for tier in ("community", "street"):
        nowhere = own.filter(pl.col("area_code").str.ends_with("unplaced"), tier=tier)
        assert nowhere["value"].to_list() == [unplaced]
    assert own.filter(tier="district")["value"].to_list() == [standing.height]


def test_the_planted_spell_is_one_episode(demo_lake: Lake, truth: Truth) -> None:
    planted = truth("fire_episodes")
    found = topic(demo_lake, "fire_episodes").join(
        planted.select("device_id", "opened_at"), on=["device_id", "opened_at"]
    )
    same(found, planted)
    assert (
        found["opened_at"].dt.offset_by("8h").dt.date().to_list() == found["opened_day"].to_list()
    )


def test_episodes_agree_with_a_plain_loop_over_all_readings(demo_lake: Lake) -> None:
    readings = silver(demo_lake, "sensor_readings").sort("read_at", "reading_id")
    is_open: dict[str, list] = {}
    expected = []
    for row in readings.iter_rows(named=True):
        device, is_normal = row["device_id"], row["level"] == "normal"
        if is_normal and device in is_open:
            expected.append((*is_open.pop(device), row["read_at"]))
        elif not is_normal and device not in is_open:
            is_open[device] = [device, row["community_code"], row["read_at"]]
    expected += [(*left, None) for left in is_open.values()]
    found = topic(demo_lake, "fire_episodes")
    columns = ["device_id", "community_code", "opened_at", "closed_at"]
    assert len(expected) > 3
    assert sorted(found.select(columns).iter_rows(), key=str) == sorted(expected, key=str)
    days = topic(demo_lake, "fire_episode_days")
    sums = days.select("episode_count", "closed_count", "open_count", "duration_seconds").sum()
    closed = [e for e in expected if e[3]]
    lasted = sum((e[3] - e[2]).total_seconds() for e in closed)
    assert sums.row(0) == (len(expected), len(closed), len(is_open), lasted)


def test_hidden_dangers_are_overdue_after_their_due_day(demo_lake: Lake, truth: Truth) -> None:
    due = {
        row["inspection_id"]: row["due_day"]
        for row in silver(demo_lake, "fire_inspections").iter_rows(named=True)
    }
    expected: dict[str | None, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for row in truth("fire_inspections").iter_rows(named=True):
        left = row["hazard_count"] - row["rectified_count"]
        is_late = due[row["inspection_id"]] < today(demo_lake)
        new = [row["hazard_count"], row["rectified_count"], left, left * is_late]
        own = expected[row["community_code"]]
        expected[row["community_code"]] = [a + b for a, b in zip(own, new, strict=True)]
    columns = ["community_code", "hazard_count", "rectified_count", "open_count", "overdue_count"]
    found = topic(demo_lake, "fire_hazards").select(columns)
    assert {row[0]: list(row[1:]) for row in found.iter_rows()} == expected
    assert sum(counts[2] for counts in expected.values()) > 0


def test_devices_are_online_offline_or_unknown(demo_lake: Lake) -> None:
    devices = silver(demo_lake, "devices")
    by = ["community_code", "device_kind"]
    found = topic(demo_lake, "sensing_device_states")
    assert counted(found, by, "device_count") == Counter(devices.select(by).iter_rows())
    for column, state in (
        ("online_count", True),
        ("offline_count", False),
        ("unknown_count", None),
    ):
        own = devices.filter(pl.col("is_online").eq_missing(state))
        assert counted(found, by, column) == Counter(own.select(by).iter_rows())
