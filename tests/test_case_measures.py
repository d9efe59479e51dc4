"""Case measures and the five indicators: against plain loops, on cases by hand and in the demo."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import case_loops
import dagster as dg
import polars as pl
import pytest
import shapely
from case_loops import Row, city

from assets.case_settings import deadlines, evaluation
from assets.silver.grid_cases import in_grids
from assets.timing import AsOf
from assets.topics.case_measures import MEASURES, measured
from assets.topics.case_measures import TABLE as DAYS
from assets.topics.cases import TABLE as CASES
from assets.topics.cases import governance_cases, timed
from assets.topics.evaluation import (
    LISTED,
    POINTS,
    SCORES,
    WHY,
    judged_cases,
    judged_visits,
    points,
    reasons,
    scores,
)
from quality.placing import Grids
from schemas import tables
from schemas.city_time import CITY_TZ
from schemas.contract import polars_schema
from schemas.metrics import BY_ID, Ratio, summed
from warehouse import builds
from warehouse.home import Home
from warehouse.lake import Lake

SILVER, VISITS = tables.table("silver", "grid_cases"), tables.table("silver", "satisfaction_visits")
ONE, TWO = "350299001001", "350299002001"
AS_OF = AsOf(datetime(2026, 10, 31, 9, tzinfo=CITY_TZ))
NAMES = [one.name for one in MEASURES]
BLANK: Row = dict.fromkeys(polars_schema(SILVER.contract))
TIMES = ("verified_at", "registered_at", "dispatched_at", "handled_at", "checked_at", "closed_at")


def made_up(count: int, seed: int = 7) -> list[Row]:
    """Cases around National Day 2026 (off 1-7 October, worked 20 September and 10 October)."""
    draw = random.Random(seed)
    rows = []
    for n in range(count):
        at = datetime(2026, 9, 17, tzinfo=UTC) + timedelta(minutes=draw.randrange(60 * 24 * 44))
        spot, cancelled = draw.random() < 0.2, draw.random() < 0.1
        row = BLANK | {
            "case_number": f"A{n:05d}", "source_type": draw.choice(["collector", "public", "iot"]),
            "case_kind": draw.choice(["matter", "component"]),
            "type_code": draw.choice(["01001", "06011", "06013", "08004", "09012", "10002", None]),
            "community_code": draw.choice([ONE, TWO, None]), "reported_at": at,
            "is_self_handled": spot, "rework_count": draw.choice([0, 0, 0, 1, 2]),
            "verify_result": draw.choice([None, "exist", "not_exist"]),
            "is_registration_right": draw.choice([None, True, False]),
            "return_count": draw.choice([None, 0, 1]),
        }  # fmt: skip
        if row["community_code"] and draw.random() < 0.9:
            row["grid_code"] = f"{row['community_code']}00{draw.randrange(1, 4)}"
        if draw.random() < 0.3:
            row["time_limit"] = draw.randrange(1, 6)
            row["time_limit_type"] = draw.choice(
                ["urgent_hour", "work_hour", "work_day", "natural_day"]
            )
        if draw.random() < 0.1:
            row["deadline_at"] = at + timedelta(hours=draw.randrange(1, 200))
        stages = ("handled_at", "closed_at") if spot else TIMES[: draw.randrange(len(TIMES) + 1)]
        for stage in stages:
            at += timedelta(minutes=draw.choice([1, 30, 240, 1440, 4000]))
            row[stage] = at
        if cancelled:
            row["cancelled_at"] = at
        rows.append(
            row | {"updated_at": at, "state": state(row), "report_day": city(row["reported_at"])}
        )
    return rows


def state(row: Row) -> str:
    return "cancelled" if row["cancelled_at"] else "closed" if row["closed_at"] else "open"


def frame(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=polars_schema(SILVER.contract))


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


def case(number: str, report: str, **at: Any) -> Row:
    """A matter of dirt (06011): dispatch within 2 hours, handled in 1 day, closed 2 days later."""

    def instant(text: object) -> object:
        return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=CITY_TZ)

    times = {name: instant(value) for name, value in at.items() if name.endswith("_at")}
    row = BLANK | {
        "case_number": number, "source_type": "collector", "case_kind": "matter",
        "type_code": "06011", "community_code": ONE, "grid_code": f"{ONE}001",
        "is_self_handled": False, "rework_count": 0, "reported_at": instant(report),
    } | at | times  # fmt: skip
    return row | {"updated_at": row["reported_at"], "state": state(row),
                  "report_day": city(row["reported_at"])}  # fmt: skip


SENT = {"registered_at": "09-30 09:00", "dispatched_at": "09-30 10:00"}
BY_HAND = [
    # handling is due on the first working day after the holidays, 8 October 10:00; closing two
    # working days on, on 10 October 10:00, for that Saturday is worked on
    case("in time", "09-30 08:30", **SENT, handled_at="10-08 09:59", closed_at="10-10 10:00"),
    case("late", "09-30 08:30", **SENT, handled_at="10-08 10:01", closed_at="10-10 10:01"),
    case("never", "09-30 08:30", **SENT),
    case("cancelled", "09-30 08:30", **SENT, cancelled_at="10-05 12:00"),
    case("not registered", "09-30 08:30"),
    case("on the spot", "09-30 08:30", is_self_handled=True, handled_at="09-30 08:40",
         closed_at="09-30 08:41"),
    # due on a month's last working day, closing in the next month: after the as-of
    case("month end", "10-29 08:30", registered_at="10-29 09:00", dispatched_at="10-29 10:00"),
]  # fmt: skip


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
    assert "registered_valid_count" in reported
    assert reported["registered_valid_count"] == 3


def test_what_has_no_deadline_is_counted_and_not_needed(home: Home) -> None:
    (home.config).mkdir(exist_ok=True)
    (home.config / "case_time_limits.csv").write_text(
        "stage,time_limit_type,time_limit\nverify,work_hour,2\nregister,work_hour,3\n"
        "dispatch,work_hour,2\ndispose,work_day,1\ncheck,work_day,1\n", encoding="utf-8"
    )  # fmt: skip
    found = timed(frame(BY_HAND), deadlines(home))
    totals = measured(found.lazy(), AS_OF).select(NAMES).sum().row(0, named=True)
    assert totals["undated_count"] == 4, "registered and not cancelled"
    assert totals["need_archive_count"] == 0
    assert totals["need_dispose_count"] == 4


@pytest.fixture
def made(home: Home) -> tuple[list[Row], list[Row], pl.DataFrame]:
    """Cases, visits about them, and what of both is judged."""
    cases, draw = made_up(600, seed=11), random.Random(3)
    visits = [
        {"case_number": c["case_number"], "community_code": c["community_code"],
         "answer": draw.choice(["satisfied", "neutral", "dissatisfied", "unreached"]),
         "visited_at": c["reported_at"] + timedelta(days=draw.randrange(9))}
        for c in cases[::3] + cases[::30]
    ]  # fmt: skip
    rules, own = evaluation(home), timed(frame(cases), deadlines(home))
    answers = pl.DataFrame(visits, schema_overrides={"visited_at": pl.Datetime("us", "UTC")})
    grids = own.select("case_number", "grid_code")
    rows = [judged_cases(own, rules, AS_OF), judged_visits(answers, grids, rules, AS_OF)]
    return cases, visits, pl.concat(rows)


KEY = ("month_start", "community_code", "grid_code", "indicator")


def by_key(rows: pl.DataFrame, *columns: str) -> dict[tuple, tuple]:
    found = {r[: len(KEY)]: r[len(KEY) :] for r in rows.select(*KEY, *columns).rows()}
    assert len(found) == rows.height
    return found


def test_points_equal_a_plain_loop(made: tuple, home: Home) -> None:
    cases, visits, rows = made
    expected = case_loops.judged(cases, visits, AS_OF.instant)
    found = points(rows, evaluation(home))
    weights = dict.fromkeys(("clean", "tidy", "orderly", "safe", "satisfied"), 20)
    assert {k[3] for k in expected} >= {"clean", "orderly", "safe", "satisfied"}
    columns = ("judged_count", "faulty_count", "points_possible", "points_earned")
    assert by_key(found, *columns) == case_loops.points(expected, weights)
    for earned, possible, score in found.select(*columns[:1:-1], "score").rows():
        assert score == pytest.approx(100 * earned / possible)


def test_reasons_lead_from_every_lost_point_to_its_cases(made: tuple, home: Home) -> None:
    cases, visits, rows = made
    rules = evaluation(home)
    why, found = reasons(rows, rules), points(rows, rules)
    expected: dict[tuple, list[str]] = defaultdict(list)
    for key, judged in case_loops.judged(cases, visits, AS_OF.instant).items():
        for number, reason in judged:
            if reason:
                expected[*key, reason].append(number)
    listed = why.select(*KEY, "reason", "case_count", "case_numbers", "is_list_complete").rows()
    assert {r[:5] for r in listed} == set(expected)
    for *key, count, numbers, complete in listed:
        own = expected[tuple(key)]
        shown = numbers.split("、")
        assert count == len(own)
        assert len(shown) == min(count, LISTED)
        assert complete == (count <= LISTED)
        assert not Counter(shown) - Counter(own)
    lost = why.group_by(KEY).agg(pl.col("points_deducted").sum())
    both = found.join(lost, on=KEY, how="left", nulls_equal=True)
    gone = pl.col("points_possible") - pl.col("points_earned")
    assert both.select((gone == pl.col("points_deducted").fill_null(0)).all()).item()
    assert found.select((pl.col("points_earned") >= 0).all()).item()


def test_a_long_list_is_cut_after_the_earliest(home: Home) -> None:
    cases = [
        case(f"N{n:02d}", "09-01 08:30", registered_at="09-01 09:00",
             dispatched_at=f"09-01 10:{59 - n:02d}")
        for n in range(30)
    ]  # fmt: skip
    rules = evaluation(home)
    (row,) = reasons(
        judged_cases(timed(frame(cases), deadlines(home)), rules, AS_OF), rules
    ).to_dicts()
    assert (row["case_count"], row["points_deducted"], row["is_list_complete"]) == (
        30,
        20_000,
        False,
    )
    assert row["case_numbers"].split("、") == [f"N{n:02d}" for n in range(29, 9, -1)]


def test_scores_divide_sums_and_a_grid_without_cases_has_none(home: Home) -> None:
    cases = [*BY_HAND, case("safe", "09-30 08:30", type_code="10002", is_self_handled=True,
                            closed_at="09-30 08:41")]  # fmt: skip
    (home.config).mkdir(exist_ok=True)
    (home.config / "evaluation_weights.csv").write_text(
        "indicator,weight\nclean,60\nsafe,30\ntidy,10\n", encoding="utf-8"
    )
    rules = evaluation(home)
    found = points(judged_cases(timed(frame(cases), deadlines(home)), rules, AS_OF), rules)
    rows = {r["month_start"]: r for r in scores(found).to_dicts()}
    september, october = rows[date(2026, 9, 1)], rows[date(2026, 10, 1)]
    assert (september["clean_score"], september["safe_score"], september["score"]) == (
        100,
        100,
        100,
    )
    # October: one in time, one late (half), one never closed: 1.5 of 3 are lost
    assert (october["clean_score"], october["score"]) == (50, 50)
    assert october["tidy_score"] is october["safe_score"] is october["satisfied_score"] is None


def test_days_are_renewed_when_working_hours_change(lake: Lake) -> None:
    rows = frame(BY_HAND)
    days = rows["report_day"].unique().to_list()
    filled = pl.col("placed_by", "source_code_system", "source_type_code").fill_null("x")
    rows = rows.with_columns(filled)
    lake.replace_parts(SILVER, rows, days)
    builds.record(lake, SILVER, builds.built_parts(SILVER, rows, {str(d): "i" for d in days}))

    def run() -> int:
        with dg.DagsterInstance.ephemeral() as instance:
            done = dg.materialize([governance_cases], resources={"lake": lake}, instance=instance)
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
def test_the_demo_agrees_with_plain_loops(demo_lake: Lake, truth: Callable) -> None:
    cases = demo_lake.read(SILVER).to_dicts()
    assert len(cases) == truth("cases").height > 0
    as_of = datetime(2026, 11, 20, tzinfo=CITY_TZ)
    assert as_book(demo_lake.read(DAYS)) == case_loops.measures(cases, as_of)
    judged = case_loops.judged(cases, demo_lake.read(VISITS).to_dicts(), as_of)
    weights = dict.fromkeys(("clean", "tidy", "orderly", "safe", "satisfied"), 20)
    expected = case_loops.points(judged, weights)
    columns = ("judged_count", "faulty_count", "points_possible", "points_earned")
    assert by_key(demo_lake.read(POINTS), *columns) == expected
    assert demo_lake.read(WHY)["case_count"].sum() == sum(one[1] for one in expected.values())
    assert demo_lake.read(SCORES).height == len({key[:3] for key in expected})
    assert demo_lake.read(CASES)["grid_code"].null_count() < len(cases) / 2
    values = demo_lake.read(tables.table("statistics", "period_values"))
    (row,) = values.filter(
        metric_id="governance_evaluation_score", tier="district", period="month"
    ).to_dicts()
    earned, possible = (sum(one[n] for one in expected.values()) for n in (3, 2))
    assert row["value"] == pytest.approx(100 * earned / possible)


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
