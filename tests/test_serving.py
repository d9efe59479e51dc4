"""Serving generations: cut to areas, carried over where nothing changed, flipped in one step."""

from __future__ import annotations

import json
import os
import random
import threading
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from assets.served import RowsByArea, served_tables
from schemas import tables
from schemas.contract import polars_schema
from schemas.metrics import ServedValue
from warehouse.serving import (
    KEEP_GENERATIONS,
    MANIFEST,
    Generation,
    ServedTable,
    ServingError,
    build_generation,
    current,
    flip,
    serving_file,
)

AREAS = ["350299", "350299001", "350299002", "350299001001", "350299001002", "350299002001"]
TIER = {6: "district", 9: "street", 12: "community"}
CASES = tables.table("topics", "governance_case_days")
DAY = date(2026, 11, 20)


def world(c1: int = 3, c2: int = 4) -> dict[str, int]:
    """Cases by community, and those that could not be placed."""
    return {"350299001001": c1, "350299001002": c2, "350299002001": 5, "unplaced": 1}


def values(cases: dict[str, int]) -> pl.DataFrame:
    codes = [*AREAS, "350299-unplaced"]
    found = {code: sum(n for c, n in cases.items() if c.startswith(code)) for code in codes}
    found |= {"350299-unplaced": cases["unplaced"], "350299": sum(cases.values())}
    return pl.DataFrame(
        [{"metric_id": "governance_case_count", "metric_name": "案件上报数", "unit": "件",
          "topic": "governance", "tier": TIER.get(len(code), "community"), "area_code": code,
          "area_name": code, "period": "day", "period_start": DAY, "period_end": DAY,
          "is_complete": True, "is_newest": True, "value": float(n), "is_withheld": False,
          "grade": "A", "as_of_day": DAY}
         for code, n in found.items()],
        schema=polars_schema(ServedValue),
    )  # fmt: skip


def case_days(cases: dict[str, int]) -> pl.DataFrame:
    return pl.DataFrame(
        [{"report_day": DAY, "community_code": None if code == "unplaced" else code,
          "source_type": "iot", "case_kind": "matter", "type_code": None, "state": "open",
          "case_count": n, "registered_count": 0, "self_handled_count": 0, "rework_count": 0,
          "closing_seconds": 0} for code, n in cases.items()],
        schema=polars_schema(CASES.contract),
    )  # fmt: skip


def build(root: Path, name: str, cases: dict[str, int]) -> Generation:
    return build_generation(
        root, name, AREAS, served_tables(values(cases), {CASES: case_days(cases)})
    )


def ask(file: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(query).fetchall()


def inode(root: Path, generation: str, area: str) -> int:
    return (root / generation / f"{area}.duckdb").stat().st_ino


def test_unchanged_areas_are_carried_over_and_changed_ones_rebuilt(tmp_path: Path) -> None:
    first = build(tmp_path, "g1", world())
    assert (first.rebuilt, first.linked) == (AREAS, [])
    flip(tmp_path, "g1")
    # A community changes: so do those above it, and all that show the totals of those.
    second = build(tmp_path, "g2", world(c2=9))
    assert second.linked == ["350299002001"]
    assert second.rebuilt == [code for code in AREAS if code not in second.linked]
    flip(tmp_path, "g2")
    for area in AREAS:
        is_same = inode(tmp_path, "g1", area) == inode(tmp_path, "g2", area)
        assert is_same == (area in second.linked), area
    third = build(tmp_path, "g3", world(c2=9))
    assert (third.rebuilt, third.linked) == ([], AREAS)
    # A rebuild of equal rows is what a link holds, too.
    fresh = build(tmp_path / "elsewhere", "g3", world(c2=9))
    manifests = [json.loads((tmp_path / where / "g3" / MANIFEST).read_text())["areas"]
                 for where in (".", "elsewhere")]  # fmt: skip
    assert fresh.rebuilt == AREAS
    assert manifests[0] == manifests[1]


def test_an_area_sees_its_own_rows_and_its_parents_totals(tmp_path: Path) -> None:
    cases = world()
    build(tmp_path, "g1", cases)
    flip(tmp_path, "g1")
    for area in AREAS:
        file = serving_file(tmp_path, area)
        own = dict(ask(file, "SELECT area_code, value FROM metric_values"))
        assert set(own) == {c for c in [*AREAS, "350299-unplaced"] if c.startswith(area)}
        parent = dict(ask(file, "SELECT area_code, value FROM parent_values"))
        assert parent == {"350299": {}, "350299001": {"350299": 13.0}, "350299002": {"350299": 13},
                          "350299001001": {"350299001": 7}, "350299001002": {"350299001": 7},
                          "350299002001": {"350299002": 5}}[area]  # fmt: skip
        days = dict(ask(file, "SELECT community_code, case_count FROM governance_case_days"))
        placed = {c: n for c, n in cases.items() if c.startswith(area)}
        assert days == (placed | {None: 1} if area == "350299" else placed)
        assert ask(file, "SELECT count(*) FROM metrics")[0][0] > 0
    assert serving_file(tmp_path) == tmp_path / "current" / "350299.duckdb"


def test_columns_carry_their_chinese_comments(tmp_path: Path) -> None:
    build(tmp_path, "g1", world())
    comments = dict(ask(tmp_path / "g1" / "350299.duckdb", """SELECT column_name, comment
        FROM duckdb_columns() WHERE table_name = 'governance_case_days'"""))  # fmt: skip
    assert comments["case_count"] == "案件数（件）"
    assert set(comments) == set(CASES.contract.columns())


def test_nothing_is_served_before_the_first_flip(tmp_path: Path) -> None:
    build(tmp_path, "g1", world())
    assert current(tmp_path) is None
    with pytest.raises(ServingError, match="nothing is published"):
        serving_file(tmp_path)
    flip(tmp_path, "g1")
    assert current(tmp_path) == "g1"
    with pytest.raises(ServingError, match="no serving file for area 999999"):
        serving_file(tmp_path, "999999")


def test_a_build_that_fails_leaves_the_old_generation_serving(tmp_path: Path) -> None:
    build(tmp_path, "g1", world())
    flip(tmp_path, "g1")
    rows = pl.DataFrame({"a": [1]})
    twice = ServedTable("t", "表", rows, {}, lambda _: rows)
    with pytest.raises(duckdb.Error):
        build_generation(tmp_path, "g2", AREAS, [twice, twice])
    assert current(tmp_path) == "g1"
    assert not (tmp_path / "g2").exists()
    assert build(tmp_path, "g2", world(c1=8)).rebuilt
    flip(tmp_path, "g2")
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".building")] == []


def test_a_generation_that_is_already_there_is_not_built_again(tmp_path: Path) -> None:
    build(tmp_path, "g1", world())
    before = {area: inode(tmp_path, "g1", area) for area in AREAS}
    assert build(tmp_path, "g1", world()).rebuilt == []
    assert {area: inode(tmp_path, "g1", area) for area in AREAS} == before


def test_old_generations_are_cleared_and_the_current_one_never(tmp_path: Path) -> None:
    names = [f"g{n}" for n in range(KEEP_GENERATIONS + 3)]
    for age, name in enumerate(names):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (age, age))
    flip(tmp_path, names[0])  # the oldest of all
    left = {p.name for p in tmp_path.iterdir() if not p.is_symlink()}
    assert left == {names[0], *names[-(KEEP_GENERATIONS - 1) :]}
    assert current(tmp_path) == names[0]
    flip(tmp_path, names[-1])
    assert {p.name for p in tmp_path.iterdir() if not p.is_symlink()} == left


def test_readers_always_see_one_whole_generation(tmp_path: Path) -> None:
    """While generations flip, two tables of a file agree and no file is ever missing."""

    def mark(name: str, number: int) -> ServedTable:
        rows = pl.DataFrame({"generation": [number]})
        return ServedTable(name, "表", rows, {}, lambda _: rows)

    def publish(number: int) -> None:
        served = [mark("one", number), mark("two", number)]
        build_generation(tmp_path, f"g{number:03d}", AREAS[:2], served)
        flip(tmp_path, f"g{number:03d}")

    publish(0)
    seen: list[tuple[int, int]] = []
    errors: list[BaseException] = []
    is_done = threading.Event()

    def read() -> None:
        query = "SELECT one.generation, two.generation FROM one, two"
        try:
            while not is_done.is_set():
                seen.extend(ask(serving_file(tmp_path, AREAS[1]), query))
        except Exception as error:  # noqa: BLE001 - handed to the test below
            errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 12):
        publish(number)
    is_done.set()
    reader.join()
    assert errors == []
    assert len(set(seen)) > 1, "the reader was too slow to see a flip"
    assert all(one == two for one, two in seen)
    assert [one for one, _ in seen] == sorted(one for one, _ in seen)
    assert current(tmp_path) == "g011"


def test_there_is_never_a_moment_without_a_current_generation(tmp_path: Path) -> None:
    for name in ("g1", "g2"):
        build_generation(tmp_path, name, AREAS[:1], [])
    flip(tmp_path, "g1")
    link, is_done, failures = tmp_path / "current", threading.Event(), []

    def read() -> None:
        while not is_done.is_set():
            if not (link / MANIFEST).exists():
                failures.append(1)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(800):
        flip(tmp_path, f"g{number % 2 + 1}")
    is_done.set()
    for reader in readers:
        reader.join()
    assert failures == []


def test_rows_by_area_are_what_a_filter_over_all_rows_finds() -> None:
    codes = [None, *AREAS, "350299-unplaced"]
    dice = random.Random(1)
    rows = pl.DataFrame({"area_code": [dice.choice(codes) for _ in range(500)], "n": range(500)})
    by_area = RowsByArea(rows, "area_code")
    own = pl.col("area_code")
    for code in [*AREAS, "350299003"]:
        below = rows.filter(own.str.starts_with(code).fill_null(len(code) == 6))
        assert by_area.below(code).equals(below)
        above = {9: code[:6], 12: code[:9]}.get(len(code), "none")
        assert by_area.of_parent(code).equals(rows.filter(own == above))
