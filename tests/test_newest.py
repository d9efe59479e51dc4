"""Newest versions by day: a case that moves to another report day leaves the old one."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta

import polars as pl
import pytest
from contract_examples import BOOKS
from hypothesis import given, settings
from hypothesis import strategies as st
from small_lake import arrive, read

from assets import building
from assets.silver import grid_cases, sensing
from assets.silver._newest import KEY, Recipe, clean_days, newest_days, recipe_feed
from quality.accounting import day_accounts
from schemas import tables
from warehouse.home import Home
from warehouse.lake import Lake

BRONZE, SILVER = tables.table("bronze", "grid_cases"), tables.table("silver", "grid_cases")
MERGES = tables.table("silver", "grid_cases_merges")
DAYS = [date(2026, 11, day) for day in (18, 19, 20)]

Version = tuple[str, int, int]  # case, index of its report day, seconds at which it was updated


def cases(versions: list[Version]) -> pl.DataFrame:
    """Versions of cases, reported at 08:00 of their day and still open."""
    off = {c: None for c in BOOKS["grid_cases"].good if c.endswith("ed_at") and c != "updated_at"}
    updated = datetime(2026, 11, 21, 8)
    return read("grid_cases", [
        off | {"case_number": number, "reported_at": f"{DAYS[day]} 08:00:00",
               "updated_at": f"{updated + timedelta(seconds=at)}", "rework_count": str(at)}
        for number, day, at in versions
    ])  # fmt: skip


def lake_with(root, *files: list[Version]) -> Lake:
    home = Home(root)
    home.prepare()
    lake = Lake(home)
    for file in files:
        arrive(lake, "grid_cases", cases(file))
    return lake


def table_of(lake: Lake, table: tables.Table = SILVER) -> list[tuple]:
    rows = lake.read(table)
    return rows.sort(rows.columns, nulls_last=True).rows()


def found(lake: Lake) -> dict[str, tuple[date, int]]:
    rows = lake.read(SILVER, ["case_number", "report_day", "rework_count"]).rows()
    assert len({row[0] for row in rows}) == len(rows)
    return {number: (day, at) for number, day, at in rows}


def missing(lake: Lake) -> set[int]:
    """Rows per day that no table and no ledger accounts for."""

    def per_day(table: tables.Table, day: str, *more: str) -> pl.DataFrame:
        return lake.read(table).group_by(pl.col(day).alias("day"), *more).agg(rows=pl.len())

    aside = tables.table("silver", "grid_cases_set_aside")
    books = day_accounts(
        per_day(BRONZE, "report_day"),
        per_day(SILVER, "report_day"),
        per_day(MERGES, "event_day", "outcome"),
        per_day(aside, "event_day"),
    )
    return set(books["missing"])


def test_a_newer_version_of_another_day_leaves_the_old_day(tmp_path) -> None:
    lake = lake_with(tmp_path, [("A", 0, 1), ("B", 0, 1)])
    assert newest_days(lake, grid_cases.recipe(lake)).renewed == ["2026-11-18"]
    assert found(lake) == {"A": (DAYS[0], 1), "B": (DAYS[0], 1)}

    arrive(lake, "grid_cases", cases([("A", 2, 5), ("C", 1, 1)]))
    renewed = newest_days(lake, grid_cases.recipe(lake)).renewed
    assert renewed == ["2026-11-18", "2026-11-19", "2026-11-20"]
    assert found(lake) == {"A": (DAYS[2], 5), "B": (DAYS[0], 1), "C": (DAYS[1], 1)}
    left = lake.read(MERGES).select("event_day", "entity_id", "merged_into", "outcome", "rule")
    assert left.rows() == [(DAYS[0], "A", "A", "superseded", "newest_version_is_of_another_day")]
    assert missing(lake) == {0}

    arrive(lake, "grid_cases", cases([("A", 0, 9)]))
    assert newest_days(lake, grid_cases.recipe(lake)).renewed == ["2026-11-18", "2026-11-20"]
    assert found(lake)["A"] == (DAYS[0], 9)
    assert missing(lake) == {0}
    assert newest_days(lake, grid_cases.recipe(lake)).renewed == []


def test_an_older_version_that_arrives_late_changes_nothing_but_the_ledger(tmp_path) -> None:
    lake = lake_with(tmp_path, [("A", 1, 5)])
    newest_days(lake, grid_cases.recipe(lake))
    before = table_of(lake)
    arrive(lake, "grid_cases", cases([("A", 0, 1), ("A", 1, 4)]))
    newest_days(lake, grid_cases.recipe(lake))
    assert table_of(lake) == before
    assert sorted(lake.read(MERGES)["rule"]) == [
        "newest_version_is_of_another_day", "older_version",
    ]  # fmt: skip
    assert missing(lake) == {0}


FILES: list[list[Version]] = [
    [("A", 0, 1), ("B", 0, 2), ("C", 1, 1), ("D", 2, 1)],
    [("A", 1, 3), ("B", 0, 1), ("C", 1, 1), ("C", 1, 2)],
    [("A", 2, 2), ("B", 2, 2), ("E", 1, 0)],
]


def test_days_built_one_by_one_or_together_are_equal(tmp_path, monkeypatch) -> None:
    together = lake_with(tmp_path / "together", *FILES)
    newest_days(together, grid_cases.recipe(together))
    # Each file by itself, then its days alone and backwards.
    apart = lake_with(tmp_path / "apart")
    for file in FILES:
        arrive(apart, "grid_cases", cases(file))
        for day in reversed(DAYS):
            newest_days(apart, grid_cases.recipe(apart), only=[day.isoformat()])
    single = lake_with(tmp_path / "single", *FILES)
    monkeypatch.setattr(building, "ROWS_AT_ONCE", 1)
    assert building.days_at_once(single, "grid_cases") == 1
    newest_days(single, grid_cases.recipe(single))
    for table in (SILVER, MERGES):
        assert table_of(together, table) == table_of(apart, table) == table_of(single, table)
    assert missing(together) == missing(apart) == missing(single) == {0}
    assert found(together)["A"] == (DAYS[1], 3)


def recipe_of_texts() -> Recipe:
    return Recipe(SILVER, recipe_feed("grid_cases"), "updated_at", lambda rows: rows)


versions = st.lists(
    st.tuples(st.sampled_from("ABC"), st.integers(0, 2), st.integers(0, 2)), max_size=10
)


@settings(deadline=None, max_examples=40)
@given(versions, st.randoms())
def test_clean_days_agrees_with_a_plain_loop(rows: list[Version], rng) -> None:
    rng.shuffle(rows)
    # Of equal times the smaller content wins: the earlier report day comes first in it.
    newest = {number: min((v for v in rows if v[0] == number), key=lambda v: (-v[2], v[1]))
              for number, _, _ in rows}  # fmt: skip
    moved = [n for n in newest if len({day for number, day, _ in rows if number == n}) > 1]
    keyed = cases(rows).with_columns(pl.col("case_number").alias(KEY), event_day="report_day")
    map_of = pl.DataFrame({KEY: moved, "newest_day": [DAYS[newest[n][1]] for n in moved]},
                          schema={KEY: pl.String, "newest_day": pl.Date})  # fmt: skip
    for day in range(3):
        own = [v for v in rows if v[1] == day]
        clean = clean_days(keyed.filter(event_day=DAYS[day]), map_of, recipe_of_texts())
        kept = set(clean.rows.select("case_number", "rework_count").rows())
        assert kept == {(n, v[2]) for n, v in newest.items() if v[1] == day}
        assert clean.rows.height + clean.merges.height == len(own)
        elsewhere = Counter(n for n, _, _ in own if newest[n][1] != day)
        rules = clean.merges.filter(rule="newest_version_is_of_another_day")
        assert Counter(rules["entity_id"]) == elsewhere


@pytest.mark.parametrize("is_known", [True, False])
def test_facts_of_unregistered_devices_are_set_aside_before_they_move(lake: Lake, is_known) -> None:
    day = BOOKS["sensor_alarms"].good["raised_at"][:10]
    stranger = {"device_id": "9" * 20, "updated_at": f"{day} 23:00:00",
                "raised_at": "2026-11-19 08:00:00", "cleared_at": None}  # fmt: skip
    arrive(lake, "sensor_alarms", read("sensor_alarms", [{}, stranger]))
    known = [BOOKS["sensor_alarms"].good["device_id"], *(["9" * 20] if is_known else [])]
    places = tables.table("silver", "device_places")
    lake.append(places, pl.DataFrame({
        **{c: [None] * len(known) for c in places.contract.columns()}, "device_id": known,
        "placed_by": "unplaced"}))  # fmt: skip
    recipe = sensing.alarm_recipe(lake)
    newest_days(lake, recipe)
    kept = lake.read(recipe.table, ["raised_day"])["raised_day"].to_list()
    aside = lake.read(tables.table("silver", "sensor_alarms_set_aside"))
    assert kept == [date(2026, 11, 19 if is_known else 20)]
    assert aside["rule"].to_list() == ([] if is_known else ["device_is_registered"])
