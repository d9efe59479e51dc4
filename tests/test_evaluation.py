"""The five indicators: points and reasons against plain loops, scores by hand, and the demo."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta

import case_loops
import polars as pl
import pytest
from case_loops import Row
from case_rows import AS_OF, BY_HAND, SILVER, case, frame, made_up

from assets.case_settings import deadlines, evaluation
from assets.topics.cases import timed
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
from schemas import tables
from schemas.city_time import CITY_TZ
from warehouse.home import Home
from warehouse.lake import Lake

VISITS = tables.table("silver", "satisfaction_visits")
COUNTS = ("judged_count", "faulty_count", "points_possible", "points_earned")
EQUAL: dict[str, int] = {"clean": 20, "tidy": 20, "orderly": 20, "safe": 20, "satisfied": 20}


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
    found = {r[: len(KEY)]: r[len(KEY) :] for r in rows.select(*KEY, *COUNTS).rows()}
    assert len(found) == rows.height
    return found


def test_points_equal_a_plain_loop(made: tuple, home: Home) -> None:
    cases, visits, rows = made
    expected = case_loops.judged(cases, visits, AS_OF.instant)
    found = points(rows, evaluation(home))
    assert {k[3] for k in expected} >= {"clean", "orderly", "safe", "satisfied"}
    assert by_key(found, *COUNTS) == case_loops.points(expected, EQUAL)
    for earned, possible, score in found.select(*COUNTS[:1:-1], "score").rows():
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


@pytest.mark.slow
def test_the_demo_agrees_with_a_plain_loop(demo_lake: Lake) -> None:
    as_of = datetime(2026, 11, 20, tzinfo=CITY_TZ)
    cases, visits = demo_lake.read(SILVER).to_dicts(), demo_lake.read(VISITS).to_dicts()
    expected = case_loops.points(case_loops.judged(cases, visits, as_of), EQUAL)
    assert by_key(demo_lake.read(POINTS), *COUNTS) == expected
    assert demo_lake.read(WHY)["case_count"].sum() == sum(one[1] for one in expected.values())
    assert demo_lake.read(SCORES).height == len({key[:3] for key in expected})
    values = demo_lake.read(tables.table("statistics", "period_values"))
    (row,) = values.filter(
        metric_id="governance_evaluation_score", tier="district", period="month"
    ).to_dicts()
    earned, possible = (sum(one[n] for one in expected.values()) for n in (3, 2))
    assert row["value"] == pytest.approx(100 * earned / possible)
