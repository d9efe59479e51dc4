"""The demo knows what it planted; the lake must find exactly that, row for row."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from schemas import tables
from warehouse.home import Home
from warehouse.lake import Lake

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


def test_persons_per_community_agree(demo_lake: Lake, truth: Truth) -> None:
    found = silver(demo_lake, "residents").group_by("community_code").agg(person_count=pl.len())
    same(found, truth("residents"))


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
    entity = {"population_household": "residents", "population_visits": "residents"}
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
