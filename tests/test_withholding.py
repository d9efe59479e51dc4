"""What is published of persons, attacked: from the files people get, not from what made them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import duckdb
import polars as pl
import pytest

from quality.disclosure import audit
from schemas import tables
from schemas.contract import private_columns
from schemas.metrics import BOOK, METRICS, Ratio, counts_persons, sums_of
from schemas.protection import SMALLEST_PERSON_COUNTS
from warehouse import serving
from warehouse.home import Home
from warehouse.lake import Lake

pytestmark = pytest.mark.slow

NOWHERE = "350299-unplaced"
Cell = tuple[Any, ...]
TABLES = ("population_counts", "population_marginals", "party_member_counts", "employment_counts",
          "welfare_counts", "rentals_counts", "small_places_counts")  # fmt: skip
# Metric of everybody → table and attribute whose categories are everybody, too.
EVERYBODY = [
    ("population_person_count", "population_counts", None),
    ("population_person_count", "population_marginals", "sex_code"),
    ("population_person_count", "population_marginals", "age_band"),
    ("party_member_count", "party_member_counts", "sex_code"),
    ("party_member_count", "party_member_counts", "age_band"),
    ("employment_person_count", "employment_counts", "employment_state"),
    ("welfare_kind_1_person_count", "welfare_counts", "welfare_class"),
]


@pytest.fixture(scope="module")
def shown(demo_run: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(serving.serving_file(demo_run.serving)), read_only=True) as connection:
        yield connection


def truth_of(lake: Lake) -> dict[Cell, int]:
    """Every figure of persons as it is, by metric, tier, area and period."""
    persons = {m.id for m in METRICS if m.counts_persons}
    rows = lake.read(tables.table("statistics", "period_values")).filter(
        pl.col("metric_id").is_in(persons) & ~pl.col("period").is_in(["day", "week"])
    )
    return {
        (metric, tier, area, period, str(start)): int(value)
        for metric, tier, area, period, start, value in rows.select(
            "metric_id", "tier", "area_code", "period", "period_start", "value"
        ).iter_rows()
    }


def area_sums(cells: dict[Cell, int]) -> list[tuple[object, Cell, Cell]]:
    """(equation, total, part): communities in their street, streets in the district."""
    found = []
    for metric, tier, area, period, start in cells:
        if tier == "district":
            continue
        above = "district" if tier == "street" else "street"
        code = "350299" if tier == "street" else NOWHERE if area == NOWHERE else area[:9]
        total = (metric, above, code, period, start)
        found.append(("areas", total, (metric, tier, area, period, start)))
    return found


def test_nothing_withheld_can_be_worked_out(
    demo_run: Home, shown: duckdb.DuckDBPyConnection
) -> None:
    lake = Lake(demo_run)
    cells = truth_of(lake)
    said = shown.execute(
        "SELECT metric_id, tier, area_code, period, period_start::VARCHAR, value FROM metric_values"
    ).fetchall()
    published: dict[Cell, Any] = {
        (m, t, a, p, str(s)): v for m, t, a, p, s, v in said if (m, t, a, p, str(s)) in cells
    }
    assert published.keys() == cells.keys()
    sums = area_sums(cells)
    rows: dict[str, list[dict[str, Any]]] = {}
    for name in TABLES:
        table = tables.table("topics", name)
        held, shows = lake.read(table), shown.execute(f"SELECT * FROM {name}").pl()
        keys = [c for c in held.columns if held.schema[c] == pl.String]
        there = {tuple(r[k] for k in keys): r for r in shows.iter_rows(named=True)}
        rows[name] = list(held.iter_rows(named=True))
        assert len(there) == len(rows[name])
        for row in rows[name]:
            row["key"] = tuple(row[k] for k in keys)
            for measure in private_columns(table.contract, "sensitive"):
                cell = (name, measure, *map(str, row["key"]))
                cells[cell] = row[measure]
                published[cell] = there[row["key"]][measure]
    made = [(m.id, m.table, m.measure, m.where) for m in METRICS
            if m.counts_persons and not m.day_column]  # fmt: skip
    made += [(metric, name, "person_count", (("counted_by", (by,)),) if by else ())
             for metric, name, by in EVERYBODY]  # fmt: skip
    for number, (metric, name, measure, where) in enumerate(made):
        for row in rows[name]:
            if all(row[column] in allowed for column, allowed in where):
                total = (metric, "community", row["community_code"] or NOWHERE, "as_of", "None")
                sums.append((number, total, (name, measure, *map(str, row["key"]))))
    names = {cell: "|".join(cell) for cell in cells}
    frame = pl.DataFrame(
        [(names[c], v, SMALLEST_PERSON_COUNTS["conditional"],
          "" if published[c] is not None else "withheld") for c, v in cells.items()],
        schema=["cell", "value", "k", "withheld"], orient="row",
    )  # fmt: skip
    found = audit(
        frame,
        pl.DataFrame(
            [(f"{n}: {names[t]}", names[t], names[p]) for n, t, p in sums],
            schema=["equation", "total", "part"], orient="row",
        ),
    )  # fmt: skip
    assert found.height > 100
    assert found.filter(~pl.col("is_safe")).is_empty()
    for cell, value in published.items():
        assert value is None or value == cells[cell]


def test_no_quotient_or_change_tells_a_withheld_count(shown: duckdb.DuckDBPyConnection) -> None:
    values = shown.execute("SELECT * FROM metric_values").pl()
    hidden: dict[tuple[object, ...], set[str]] = defaultdict(set)
    keys = ("tier", "area_code", "period", "period_start")
    for row in values.filter(pl.col("is_withheld")).iter_rows(named=True):
        hidden[tuple(row[k] for k in keys)].add(row["metric_id"])
    ratios = {one.id: {m.id for m in sums_of(one)} for one in BOOK if isinstance(one, Ratio)}
    seen = 0
    for row in values.filter(pl.col("metric_id").is_in(list(ratios))).iter_rows(named=True):
        if ratios[row["metric_id"]] & hidden[tuple(row[k] for k in keys)]:
            seen += 1
            assert row["is_withheld"]
            assert [row[c] for c in ("value", "numerator", "denominator")] == [None] * 3
    assert seen > 10
    guarded = [one.id for one in BOOK if counts_persons(one)]
    told = values.filter(pl.col("metric_id").is_in(guarded))
    for column in ("previous_value", "change", "last_year_value", "change_on_year"):
        assert told[column].null_count() == told.height
    assert told.filter(pl.col("period").is_in(["day", "week"])).is_empty()


def test_a_sum_over_few_rentals_is_withheld_with_their_number(
    demo_run: Home, shown: duckdb.DuckDBPyConnection
) -> None:
    rows = shown.execute(
        "SELECT rent_known_count, rent_fen_per_month FROM rentals_counts"
    ).fetchall()
    assert {count is None for count, _ in rows} == {True, False}
    assert all((count is None) == (rent is None) for count, rent in rows)
    held = Lake(demo_run).read(tables.table("topics", "rentals_counts"))
    assert held["rent_fen_per_month"].null_count() == 0


def test_every_area_file_withholds_the_same(demo_run: Home) -> None:
    """What one area is not told, another is not told either."""
    files = sorted((demo_run.serving / "current").glob("350299*.duckdb"))
    wanted: dict[tuple[object, ...], bool] = {}
    for file in files:
        with duckdb.connect(str(file), read_only=True) as connection:
            for *key, is_withheld in connection.execute(
                "SELECT metric_id, area_code, period, period_start, is_withheld FROM metric_values "
                "UNION ALL SELECT metric_id, area_code, period, period_start, is_withheld "
                "FROM parent_values"
            ).fetchall():
                assert wanted.setdefault(tuple(key), is_withheld) == is_withheld
    assert sum(wanted.values()) > 100
