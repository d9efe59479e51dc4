"""The demo knows what it planted; the lake must find exactly that, row for row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import polars as pl
import pytest

from schemas import tables
from warehouse.home import Home
from warehouse.lake import Lake

CITY = timezone(timedelta(hours=8))
Truth = Callable[[str], pl.DataFrame]

pytestmark = pytest.mark.slow


def same(found: pl.DataFrame, expected: pl.DataFrame) -> None:
    """Equal as sets of rows, over the columns the truth names."""
    columns = expected.columns
    typed = found.select([pl.col(c).cast(expected.schema[c]) for c in columns])
    left, right = typed.sort(columns, nulls_last=True), expected.sort(columns, nulls_last=True)
    if not left.equals(right):
        more = left.join(right, on=columns, how="anti", nulls_equal=True)
        less = right.join(left, on=columns, how="anti", nulls_equal=True)
        raise AssertionError(f"only found: {more.head(5)}\nonly expected: {less.head(5)}\n"
                             f"{left.height} found, {right.height} expected")  # fmt: skip


def silver(lake: Lake, name: str) -> pl.DataFrame:
    return lake.read(tables.table("silver", name))


SILVER_OF_TRUTH = {
    "face_passages": "face_passages",
    "vehicle_passages": "vehicle_passages",
    "nonmotor_passages": "nonmotor_passages",
    "devices": "devices",
    "device_places": "device_places",
    "cases": "grid_cases",
    "rentals": "rentals",
    "buildings": "buildings",
    "sensor_readings": "sensor_readings",
    "fire_alarms": "fire_alarms",
    "fire_inspections": "fire_inspections",
}


@pytest.mark.parametrize("name", SILVER_OF_TRUTH)
def test_silver_holds_exactly_what_the_demo_made(demo_lake: Lake, truth: Truth, name: str) -> None:
    expected = truth(name)
    assert expected.height > 0
    same(silver(demo_lake, SILVER_OF_TRUTH[name]), expected)


def test_sensor_alarms_agree(demo_lake: Lake, truth: Truth) -> None:
    found = silver(demo_lake, "sensor_alarms").with_columns(
        is_cleared=pl.col("cleared_at").is_not_null()
    )
    same(found, truth("sensor_alarms"))


@pytest.mark.parametrize("kind", ["face", "vehicle", "nonmotor"])
def test_capture_ledgers_agree(demo_lake: Lake, truth: Truth, kind: str) -> None:
    names = {"entity_id": "capture_id", "event_day": "shot_day"}
    same(silver(demo_lake, f"{kind}_passages_merges").rename(names), truth(f"{kind}_merges"))
    same(silver(demo_lake, f"{kind}_passages_set_aside").rename(names), truth(f"{kind}_set_aside"))


def test_persons_per_community_agree_but_for_the_few_that_likeness_misses(
    demo_lake: Lake, truth: Truth
) -> None:
    found = dict(silver(demo_lake, "residents")["community_code"].value_counts().iter_rows())
    expected = dict(truth("residents").iter_rows())
    assert found.keys() == expected.keys()
    off = sum(abs(found[code] - expected[code]) for code in expected)
    assert off <= 0.02 * sum(expected.values())


def test_every_quarantined_row_broke_exactly_the_planted_rules(
    demo_lake: Lake, truth: Truth
) -> None:
    files = demo_lake.read(tables.table("ops", "files"), ["file_id", "file_name"])
    expected = truth("quarantined").with_columns(pl.col("rules").list.sort().list.join(","))
    found = pl.concat(
        demo_lake.read(tables.table("quarantine", feed)).select(
            "file_id", "row_number", "item_number", "rules", feed=pl.lit(feed)
        )
        for feed in expected["feed"].unique().sort()
    ).join(files, on="file_id")
    found = found.with_columns(
        pl.col("file_name").str.split("/").list.last(),
        pl.col("rules").list.sort().list.join(","),
    )
    same(found, expected)


def test_no_other_feed_has_quarantined_rows(demo_lake: Lake, truth: Truth) -> None:
    planted = set(truth("quarantined")["feed"])
    found = {
        table.name for table in tables.TABLES
        if table.layer == "quarantine" and demo_lake.read(table, ["file_id"]).height
    }  # fmt: skip
    assert found == planted


def test_arrived_and_refused_rows_are_counted_file_by_file(demo_lake: Lake, truth: Truth) -> None:
    files = demo_lake.read(tables.table("ops", "files"), ["file_id", "file_name"])
    booked = (
        demo_lake.read(tables.table("ops", "row_accounts"))
        .join(files, on="file_id")
        .with_columns(pl.col("file_name").str.split("/").list.last())
    )
    arrived = booked.group_by("file_name").agg(rows=pl.col("arrived").sum())
    expected = truth("arrived").group_by("file_name").agg(rows=pl.col("rows").sum())
    same(arrived.filter(pl.col("rows") > 0), expected.filter(pl.col("rows") > 0))
    refused = booked.group_by("file_name").agg(rows=pl.col("refused").sum())
    expected = truth("refused").group_by("file_name").agg(rows=pl.col("rows").sum())
    same(refused.filter(pl.col("rows") > 0), expected)


def test_unreadable_files_are_set_aside_whole(demo_run: Home, truth: Truth) -> None:
    files = Lake(demo_run).read(tables.table("ops", "files"))
    found = files.filter(pl.col("outcome") == "set_aside").with_columns(
        pl.col("file_name").str.split("/").list.last()
    )
    same(found, truth("set_aside_files").select("source", "file_name"))
    assert found["reason"].null_count() == 0


def test_set_aside_and_superseded_rows_agree(demo_lake: Lake, truth: Truth) -> None:
    sources = ("household", "visits", "property", "self")
    entity = {f"population_{source}": "residents" for source in sources}
    for feed, part in truth("superseded").group_by("feed"):
        name = entity.get(str(feed[0]), str(feed[0]))
        if name == "residents":
            continue  # entities are tokens there; counted below
        ledger = silver(demo_lake, f"{name}_merges").filter(pl.col("outcome") == "superseded")
        same(ledger.group_by("entity_id").agg(rows=pl.len()), part.drop("feed"))
    for feed, part in truth("set_aside").group_by("feed"):
        found = silver(demo_lake, f"{feed[0]}_set_aside")
        by = ["entity_id", "rule", "event_day"]
        same(found.group_by(by).agg(rows=pl.len()), part.drop("feed"))


def gaps_by_hand(demo_lake: Lake) -> set[tuple]:
    """Silences by a plain loop over passages: (day, device, from hour, hours, community)."""
    kinds = dict(silver(demo_lake, "devices").select("device_id", "device_kind").iter_rows())
    seen: dict[tuple, set[int]] = {}
    for name in ("face_passages", "vehicle_passages", "nonmotor_passages"):
        rows = silver(demo_lake, name).select("device_id", "shot_at")
        for device, at in rows.iter_rows():
            local = at + timedelta(hours=8)
            seen.setdefault((local.date(), device), set()).add(local.hour)
    newest = max(day for day, _ in seen)
    until = 1 + max(hour for (day, _), hours in seen.items() if day == newest for hour in hours)
    watched = {
        (day + timedelta(days=n), device)
        for day, device in seen
        for n in range(7)
        if day + timedelta(days=n) <= newest and kinds[device] in ("camera", "gate")
    }
    found = set()
    for day, device in watched:
        run = 0
        for hour in range(7, 20):
            end = min(19, until) if day == newest else 19
            if hour < end and hour not in seen.get((day, device), ()):
                run += 1
                continue
            if run >= 3:
                found.add((day, device, hour - run, run))
            run = 0
            if hour >= end:
                break
    return found


def test_daylight_silences_agree_with_a_plain_loop_and_with_the_planted_one(
    demo_lake: Lake, truth: Truth
) -> None:
    gaps = demo_lake.read(tables.table("topics", "sensing_daylight_gaps"))
    columns = ["sensing_day", "device_id", "from_hour", "hour_count"]
    assert set(gaps.select(columns).iter_rows()) == gaps_by_hand(demo_lake)
    planted = truth("daylight_gaps")
    own = gaps.join(planted.select("sensing_day", "device_id"), on=["sensing_day", "device_id"])
    same(own, planted)
    assert gaps["device_count"].sum() == gaps.select("sensing_day", "device_id").unique().height
    places = {
        device: [(start, end, code) for _, code, _, start, end in part.iter_rows()]
        for (device,), part in silver(demo_lake, "device_places").group_by("device_id")
    }
    for day, device, hour, code in gaps.select(
        "sensing_day", "device_id", "from_hour", "community_code"
    ).iter_rows():
        at = datetime(day.year, day.month, day.day, hour, tzinfo=CITY)
        stood = [c for a, b, c in places[device] if (a is None or a <= at) and (not b or at < b)]
        assert stood == [code]


def test_the_planted_moves_clocks_and_directions_are_there_to_be_found(truth: Truth) -> None:
    faces, vehicles = truth("face_passages"), truth("vehicle_passages")
    assert set(faces["clock_offset_s"]) == {0, -900, 120, -300, 60}
    assert set(vehicles["clock_offset_s"]) == {0, 40}
    for name in ("face_merges", "vehicle_merges"):
        moves = truth(name)["outcome"].value_counts()
        counts = dict(moves.iter_rows())
        assert counts["moved_in"] == counts["moved_out"] > 0
    both = vehicles.drop_nulls("heading")["heading"].n_unique()
    assert both >= 4
    assert vehicles["heading"].null_count() > 0
    for name, moved in (("face_passages", 1), ("vehicle_passages", 1), ("sensor_readings", 1)):
        places = truth(name).group_by("device_id").agg(pl.col("community_code").n_unique())
        assert places.filter(pl.col("community_code") > 1).height == moved, name
    assert truth("device_places")["device_id"].is_duplicated().sum() > 20


def test_what_moves_to_another_day_leaves_one_and_comes_to_the_next(demo_lake: Lake) -> None:
    merges = silver(demo_lake, "face_passages_merges")
    out = merges.filter(pl.col("outcome") == "moved_out")
    came = merges.filter(pl.col("outcome") == "moved_in")
    assert sorted(out["entity_id"]) == sorted(came["entity_id"])
    days = out.join(came, on="entity_id", suffix="_in")
    assert (days["event_day"] != days["event_day_in"]).all()
    city = pl.col("version_at").dt.offset_by("8h").dt.date() == pl.col("event_day_in")
    assert days.select(city.all()).item(), "the row that leaves carries the true time"
