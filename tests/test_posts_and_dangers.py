"""Hidden dangers and grid posts turn with the run's day; visits wait for their cases."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest
from contract_book import COMMUNITY, GRID
from small_lake import arrive, read

from assets.silver import grid_staff, satisfaction
from assets.silver._newest import newest_days
from assets.topics.device_states import TABLE as STATES
from assets.topics.device_states import count_states
from assets.topics.fire_hazards import TABLE as HAZARDS
from assets.topics.fire_hazards import count_hazards
from assets.topics.grid_staff import GRID_STAFF, GRIDS, count_grids, count_staff
from schemas import tables
from warehouse.engine import Engine
from warehouse.lake import Lake, empty

# Ibis 12 still calls DuckDB's old name.

INSPECTIONS = tables.table("silver", "fire_inspections")
STAFF, AREAS = tables.table("silver", "grid_staff"), tables.table("silver", "areas")
CASES = tables.table("silver", "grid_cases")
OTHER_GRID = GRID[:-1] + "9"


def filled(table: tables.Table, rows: list[dict]) -> pl.DataFrame:
    """Rows of a table; what is not named is null."""
    return pl.DataFrame(rows, schema=empty(table.contract).schema)


def write(lake: Lake, table: tables.Table, rows: list[dict]) -> None:
    """Rows of a table; required columns that are not named hold anything."""
    blank = {pl.String: "x", pl.Datetime: datetime(2026, 11, 1, tzinfo=UTC), pl.Binary: b"",
             pl.List: []}  # fmt: skip
    columns = table.contract.columns()
    schema = empty(table.contract).schema
    must = {n: blank.get(schema[n].base_type(), 0) for n in schema if not columns[n].nullable}
    full = [must | row for row in rows]
    if table.partition_by is None:
        lake.replace(table, filled(table, full))
    else:
        lake.replace_parts(table, filled(table, full), {row[table.partition_by] for row in rows})


@pytest.mark.parametrize(
    ("day", "overdue"), [(date(2026, 11, 20), 0), (date(2026, 11, 21), 3), (date(2027, 1, 1), 8)]
)
def test_a_danger_is_overdue_from_the_day_after_its_due_day(
    lake: Lake, day: date, overdue: int
) -> None:
    found = date(2026, 11, 1)
    base = {"inspected_day": found, "community_code": COMMUNITY}
    write(lake, INSPECTIONS, [
        base | {"inspection_id": "A", "hazard_count": 4, "rectified_count": 1,
                "due_day": date(2026, 11, 20)},
        base | {"inspection_id": "B", "hazard_count": 5, "rectified_count": 0,
                "due_day": date(2026, 12, 31)},
        base | {"inspection_id": "C", "hazard_count": 2, "rectified_count": 0, "due_day": None},
        base | {"inspection_id": "D", "hazard_count": 6, "rectified_count": 6,
                "due_day": date(2026, 11, 2)},
    ])  # fmt: skip
    with Engine(lake) as engine:
        (row,) = engine.collect(count_hazards(engine, day), HAZARDS.contract).iter_rows(named=True)
    assert row == {
        "community_code": COMMUNITY, "hazard_count": 17, "rectified_count": 7, "open_count": 10,
        "overdue_count": overdue, "undated_count": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("day", "staffed", "posts", "people"),
    [(date(2026, 11, 9), 0, 0, 0), (date(2026, 11, 10), 1, 1, 1), (date(2026, 11, 15), 2, 3, 2),
     (date(2026, 11, 20), 2, 3, 2), (date(2026, 11, 21), 1, 1, 1)],
)  # fmt: skip
def test_posts_hold_from_their_first_day_to_their_last(
    lake: Lake, day: date, staffed: int, posts: int, people: int
) -> None:
    write(lake, AREAS, [{"area_code": grid, "tier": "grid"} for grid in (GRID, OTHER_GRID)])
    first, last = date(2026, 11, 15), date(2026, 11, 20)
    base = {"community_code": COMMUNITY, "staff_role": "full_time"}
    write(lake, STAFF, [
        base | {"staff_token": "a", "grid_code": GRID, "on_duty_from": date(2026, 11, 10)},
        base | {"staff_token": "b", "grid_code": GRID, "on_duty_from": first,
                "on_duty_until": last},
        base | {"staff_token": "b", "grid_code": OTHER_GRID, "on_duty_from": first,
                "on_duty_until": last},
    ])  # fmt: skip
    with Engine(lake) as engine:
        grids = engine.collect(count_grids(engine, day), GRIDS.contract)
        staff = engine.collect(count_staff(engine, day), GRID_STAFF.contract)
    assert grids.rows() == [(COMMUNITY, 2, staffed, 2 - staffed, posts)]
    assert staff["staff_count"].sum() == people


def test_a_worker_is_a_token_before_a_ledger_could_name_one() -> None:
    rows = read("grid_staff", [{}, {"staff_number": "G0002"}])
    made = grid_staff.without_identity(rows, b"k" * 32)
    assert made["staff_number"].n_unique() == 2
    assert made["staff_number"].str.contains("^[0-9a-f]{24}$").all()
    assert not {"staff_name", "staff_phone"} & set(made.columns)


def case(number: str, community: str | None) -> dict:
    return {"report_day": date(2026, 11, 20), "case_number": number, "community_code": community,
            "is_self_handled": False}  # fmt: skip


def test_visits_wait_for_their_case_and_only_their_days_are_built_again(lake: Lake) -> None:
    days = [{"visit_id": f"H{n}", "case_number": f"C{n}", "visited_at": f"2026-11-{n} 08:00:00",
             "updated_at": f"2026-11-{n} 08:00:00"} for n in (21, 22)]  # fmt: skip
    arrive(lake, "satisfaction_visits", read("satisfaction_visits", days))
    write(lake, CASES, [case("C21", None)])

    def build() -> list[str]:
        return newest_days(lake, satisfaction.recipe(lake)).renewed

    assert build() == ["2026-11-21", "2026-11-22"]
    columns = ["visit_id", "community_code"]
    assert lake.read(satisfaction.TABLE, columns).rows() == [("H21", None)]
    aside = tables.table("silver", "satisfaction_visits_set_aside")
    assert lake.read(aside, ["entity_id", "rule"]).rows() == [("H22", "case_is_known")]
    assert build() == []
    write(lake, CASES, [case("C21", None), case("C22", COMMUNITY)])
    assert build() == ["2026-11-22"]
    assert sorted(lake.read(satisfaction.TABLE, columns).rows()) == [
        ("H21", None), ("H22", COMMUNITY)
    ]  # fmt: skip
    assert lake.read(aside).is_empty()
    write(lake, CASES, [case("C21", COMMUNITY), case("C22", COMMUNITY)])
    assert build() == ["2026-11-21"]


def test_a_score_stands_in_for_a_missing_answer() -> None:
    scores = ["5", "4", "3", "2", "1"]
    rows = read("satisfaction_visits", [{"answer": None, "score": s} for s in scores])
    cases = pl.DataFrame({"case_number": ["A1"], "community_code": [COMMUNITY]})
    assert satisfaction.finish(rows, cases)["answer"].to_list() == [
        "satisfied", "fairly_satisfied", "neutral", "dissatisfied", "dissatisfied"
    ]  # fmt: skip


def test_a_device_that_says_nothing_is_neither_online_nor_offline(lake: Lake) -> None:
    base = {"community_code": COMMUNITY, "device_kind": "camera"}
    states = (True, True, False, None)
    devices = [base | {"device_id": str(n), "is_online": s} for n, s in enumerate(states)]
    write(lake, tables.table("silver", "devices"), devices)
    with Engine(lake) as engine:
        found = engine.collect(count_states(engine), STATES.contract)
    assert found.rows() == [(COMMUNITY, "camera", 4, 2, 1, 1)]
