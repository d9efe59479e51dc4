"""Case measures: against plain loops, on cases by hand and in the demo."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime

import case_loops
import dagster as dg
import polars as pl
import pytest
import shapely
from case_rows import AS_OF, BY_HAND, ONE, SILVER, TWO, frame, made_up

from assets.case_settings import deadlines
from assets.silver.grid_cases import in_grids
from assets.topics.case_measures import MEASURES, TABLE, measured
from assets.topics.cases import TABLE as CASES
from assets.topics.cases import governance_cases, timed
from quality.placing import Grids
from schemas.city_time import CITY_TZ
from schemas.metrics import BY_ID, Ratio, summed
from warehouse import builds
from warehouse.home import Home
from warehouse.lake import Lake

NAMES = [one.name for one in MEASURES]


def as_book(rows: pl.DataFrame) -> dict[tuple, Counter[str]]:
    """Rows of the measures as the loop writes them: zeros left out."""
    keys = ("measured_day", "community_code", "case_kind")
    found = {}
    for row in rows.iter_rows(named=True):
        key = tuple(row[k] for k in keys)
        assert key not in found
        found[key] = Counter({name: row[name] for name in NAMES if row[name]})
    return {key: counts for key, counts in found.items() if counts}


def test_measures_equal_a_plain_loop(home: Home) -> None:
    cases = made_up(1500)
    found = as_book(measured(timed(frame(cases), deadlines(home)).lazy(), AS_OF))
    expected = case_loops.measures(cases, AS_OF.instant)
    assert found == expected
    assert {name for counts in expected.values() for name in counts} == set(NAMES) - {
        "undated_count"
    }


def test_deadlines_over_the_holidays_by_hand(home: Home) -> None:
    rows = measured(timed(frame(BY_HAND), deadlines(home)).lazy(), AS_OF)
    found = {key[0]: dict(counts) for key, counts in as_book(rows).items()}
    third = {"need_dispose_count": 3, "dispose_count": 2, "intime_dispose_count": 1}
    assert {d: {n: v for n, v in counts.items() if n in third} for d, counts in found.items()
            if "need_dispose_count" in counts} == {
        date(2026, 10, 8): third, date(2026, 10, 30): {"need_dispose_count": 1},
    }  # fmt: skip
    archived = found[date(2026, 10, 10)]
    assert archived["need_archive_count"] == 3
    assert archived["archive_count"] == 2
    assert archived["intime_archive_count"] == archived["overtime_archive_count"] == 1
    assert {d for d, counts in found.items() if "need_archive_count" in counts} == {
        date(2026, 10, 10)
    }
    reported = found[date(2026, 9, 30)]
    assert reported["valid_report_count"] == 5
    assert reported["registered_valid_count"] == 4


def test_what_has_no_deadline_is_counted_and_not_needed(home: Home) -> None:
    (home.config).mkdir(exist_ok=True)
    (home.config / "case_time_limits.csv").write_text(
        "stage,time_limit_type,time_limit\nverify,work_hour,2\nregister,work_hour,3\n"
        "dispatch,work_hour,2\ndispose,work_day,1\ncheck,work_day,1\n", encoding="utf-8"
    )  # fmt: skip
    found = timed(frame(BY_HAND), deadlines(home))
    totals = measured(found.lazy(), AS_OF).select(NAMES).sum().row(0, named=True)
    assert totals["undated_count"] == 4, "registered, not cancelled, not handled on the spot"
    assert totals["need_archive_count"] == 0
    assert totals["need_dispose_count"] == 4


def test_days_are_renewed_when_working_hours_change(lake: Lake) -> None:
    rows = frame(BY_HAND)
    days = rows["report_day"].unique().to_list()
    filled = pl.col("placed_by", "source_code_system", "source_type_code").fill_null("x")
    rows = rows.with_columns(filled)
    lake.replace_parts(SILVER, rows, days)
    builds.record(lake, SILVER, builds.built_parts(SILVER, rows, {str(d): "i" for d in days}))

    def run() -> int:
        with dg.DagsterInstance.ephemeral() as instance:
            done = dg.materialize(
                [governance_cases],  # pyright: ignore[reportArgumentType]
                resources={"lake": lake}, instance=instance,
            )  # fmt: skip
        (event,) = done.get_asset_materialization_events()
        return int(event.materialization.metadata["renewed_parts"].value)  # pyright: ignore[reportArgumentType]

    assert (run(), run()) == (2, 0)
    lake.home.config.mkdir(exist_ok=True)
    (lake.home.config / "working_hours.csv").write_text("start,end\n09:00,17:00\n")
    assert run() == 2


def test_every_formula_of_the_code_table_is_in_the_book() -> None:
    names = {one.zh for one in BY_ID.values()}
    formulas = {row["metric"].split()[0] for row in case_loops.listed("case_metrics")}
    elsewhere = {"同比", "环比", "结案评分", "网格覆盖"}  # columns of metric_values; see the module
    assert formulas - elsewhere <= names
    for entry in BY_ID.values():
        if isinstance(entry, Ratio):
            for one in (*entry.numerator, *entry.denominator):
                assert summed(one)


@pytest.mark.slow
def test_the_demo_agrees_with_a_plain_loop(demo_lake: Lake, truth: Callable) -> None:
    cases = demo_lake.read(SILVER).to_dicts()
    assert len(cases) == truth("cases").height > 0
    as_of = datetime(2026, 11, 20, tzinfo=CITY_TZ)
    assert as_book(demo_lake.read(TABLE)) == case_loops.measures(cases, as_of)
    assert demo_lake.read(CASES)["grid_code"].null_count() < len(cases) / 2


def test_a_case_is_in_the_grid_it_names_or_lies_in_if_its_community_has_it() -> None:
    east, west = f"{ONE}001", f"{TWO}001"
    areas = pl.DataFrame({
        "area_code": [east, west], "tier": ["grid"] * 2,
        "shape": [shapely.to_wkb(shapely.box(x, 24.0, x + 0.1, 24.1)) for x in (118.0, 118.1)],
    })  # fmt: skip
    rows = [  # community, grid named, longitude -> grid
        (ONE, east, 118.15, east),  # what is named comes before the point
        (ONE, None, 118.05, east),
        (ONE, None, 118.15, None),  # a point in another community
        (ONE, west, 118.05, east),  # a grid of another community, so the point counts
        (ONE, f"{ONE}999", None, None),  # no such grid
        (TWO, None, 118.15, west),
        (None, east, 118.05, None),
    ]
    frame = pl.DataFrame(
        [(community, grid, x, x and 24.05) for community, grid, x, _ in rows], orient="row",
        schema={"community_code": pl.String, "grid_code": pl.String, "longitude": pl.Float64,
                "latitude": pl.Float64},
    )  # fmt: skip
    assert in_grids(frame, Grids(areas))["grid_code"].to_list() == [row[3] for row in rows]
