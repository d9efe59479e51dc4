"""Deadlines of cases against a clock that is walked stretch by stretch, and dates by hand."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from case_loops import HOURS, walked
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.case_settings import TIME_LIMITS, WEIGHTS, WORKING_HOURS, deadlines, evaluation
from assets.site_settings import SettingsError
from quality.case_deadlines import CALENDAR_ENDS, NO_LIMIT, by_code, with_deadlines
from quality.working_time import WorkingTime, last_known_day
from schemas import tables
from schemas.case_rules import STAGES, open_denominator
from schemas.city_time import CITY_TZ
from schemas.contract import polars_schema
from schemas.metric import Ratio
from schemas.metrics import BY_ID
from warehouse.home import Home

CASES = polars_schema(tables.table("silver", "grid_cases").contract)


def city(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CITY_TZ)


def due(start: datetime | None, limit: int | None, kind: str | None,
        hours: list[tuple[str, str]] = HOURS) -> datetime | None:  # fmt: skip
    found = WorkingTime(hours).due(
        pl.Series([start], dtype=pl.Datetime("us", "UTC")),
        pl.Series([limit], dtype=pl.Int64), pl.Series([kind], dtype=pl.String),
    )  # fmt: skip
    return found[0]


@settings(deadline=None, max_examples=60)
@given(
    st.datetimes(datetime(2025, 9, 20), datetime(2026, 11, 1)),
    st.integers(1, 30),
    st.sampled_from(["work_hour", "work_day", "urgent_hour", "natural_day"]),
    st.sampled_from([HOURS, [("09:00", "17:00")], [("13:30", "17:30"), ("08:30", "11:45")]]),
)
def test_due_is_where_a_walk_along_the_days_ends(start, limit, kind, hours) -> None:
    at = start.replace(tzinfo=CITY_TZ)
    assert due(at, limit, kind, hours) == walked(at, limit, kind, sorted(hours))


# 2026: National Day off 1-7 October, made up for on Sunday 20 September and Saturday 10 October
BY_HAND = [
    ("2026-09-30 10:00", 1, "work_day", "2026-10-08 10:00"),
    ("2026-09-30 10:00", 3, "work_day", "2026-10-10 10:00"),  # a Saturday worked on
    ("2026-09-30 10:00", 4, "work_day", "2026-10-12 10:00"),
    ("2026-09-19 09:00", 1, "work_hour", "2026-09-20 09:00"),  # reported on a free Saturday
    ("2026-11-20 17:30", 1, "work_hour", "2026-11-23 08:30"),  # over a weekend
    ("2026-11-20 11:30", 1, "work_hour", "2026-11-20 14:30"),  # over noon
    ("2026-11-20 14:00", 4, "work_hour", "2026-11-20 18:00"),  # ends with the day
    ("2026-11-20 18:00", 1, "work_day", "2026-11-23 18:00"),
    ("2026-11-20 23:00", 2, "urgent_hour", "2026-11-21 01:00"),
    ("2026-02-27 09:00", 2, "natural_day", "2026-03-01 09:00"),
    ("2026-10-31 08:00", 1, "work_day", "2026-11-02 18:00"),  # a month's end on a Saturday
]


@pytest.mark.parametrize(("start", "limit", "kind", "expected"), BY_HAND)
def test_deadlines_by_hand(start: str, limit: int, kind: str, expected: str) -> None:
    assert due(city(start), limit, kind) == city(expected)


def test_beyond_the_published_calendar_nothing_is_guessed() -> None:
    last = last_known_day()
    evening = datetime.combine(last, time(23), CITY_TZ)
    assert due(evening, 1, "work_hour") is None
    assert due(evening + timedelta(days=40), 1, "work_day") is None
    assert due(evening, 1, "urgent_hour") == evening + timedelta(hours=1)
    assert due(datetime(2003, 12, 31, 9, tzinfo=CITY_TZ), 1, "work_hour") is None
    assert due(None, 1, "work_day") is due(evening, None, "work_day") is due(evening, 1, None)


def case(**changes: Any) -> dict[str, Any]:
    blank: dict[str, Any] = dict.fromkeys(CASES)
    return blank | {"case_kind": "matter", "type_code": "06011"} | changes


LIMITS = pl.DataFrame(
    [
        ("verify", None, None, "work_hour", 2),
        ("register", None, None, "work_hour", 3),
        ("dispatch", None, None, "work_hour", 2),
        ("dispose", "matter", None, "work_day", 1),
        ("dispose", "matter", "06", "work_day", 2),
        ("dispose", "matter", "06013", "urgent_hour", 4),
        ("check", None, None, "work_day", 1),
        ("close", None, None, "work_day", 1),
    ],
    schema=["stage", "case_kind", "type_prefix", "time_limit_type", "time_limit"],
    orient="row",
)


def dated(**changes: Any) -> dict[str, Any]:
    rows = pl.DataFrame([case(**changes)], schema=CASES)
    return with_deadlines(rows, LIMITS, WorkingTime(HOURS)).row(0, named=True)


def test_every_stage_counts_from_the_one_before() -> None:
    row = dated(
        reported_at=city("2026-11-19 08:30"), registered_at=city("2026-11-19 09:00"),
        dispatched_at=city("2026-11-19 10:00"), handled_at=city("2026-11-20 09:00"),
    )  # fmt: skip
    expected = {"verify": "2026-11-19 10:30", "register": "2026-11-19 11:30",
                "dispatch": "2026-11-19 11:00", "dispose": "2026-11-23 10:00",
                "check": "2026-11-23 09:00", "close": "2026-11-24 10:00"}  # fmt: skip
    assert {s: row[f"{s}_due_at"] for s in STAGES} == {s: city(t) for s, t in expected.items()}
    assert row["undated_because"] is None


def test_a_case_not_yet_dispatched_is_due_from_the_deadline_of_its_dispatch() -> None:
    row = dated(reported_at=city("2026-11-19 08:30"), registered_at=city("2026-11-19 09:00"))
    assert row["dispose_due_at"] == city("2026-11-23 11:00")
    assert row["check_due_at"] is None
    assert row["undated_because"] is None


def test_the_sources_own_deadline_comes_first_then_its_limit() -> None:
    stages = {"reported_at": city("2026-11-19 08:30"), "registered_at": city("2026-11-19 09:00"),
              "dispatched_at": city("2026-11-19 10:00")}  # fmt: skip
    limit = {"time_limit": 5, "time_limit_type": "urgent_hour"}
    assert dated(**stages, **limit)["dispose_due_at"] == city("2026-11-19 15:00")
    own = dated(**stages, **limit, deadline_at=city("2026-11-26 12:00"))
    assert own["dispose_due_at"] == city("2026-11-26 12:00")
    assert own["close_due_at"] == city("2026-11-27 12:00")


def test_what_has_no_deadline_says_why() -> None:
    stages = {"reported_at": city("2026-12-30 08:30"), "registered_at": city("2026-12-30 09:00")}
    assert dated(**stages)["undated_because"] == CALENDAR_ENDS
    assert dated(**stages, case_kind="component", type_code="01001")["undated_because"] == NO_LIMIT
    assert dated(reported_at=stages["reported_at"])["undated_because"] is None


@pytest.mark.parametrize(("code", "kind", "limit"), [
    ("06013", "urgent_hour", 4), ("06011", "work_day", 2), ("09001", "work_day", 1),
    (None, "work_day", 1),
])  # fmt: skip
def test_the_longest_prefix_that_fits_counts(code: str | None, kind: str, limit: int) -> None:
    rows = pl.DataFrame({"case_kind": ["matter"], "type_code": [code]},
                        schema={"case_kind": pl.String, "type_code": pl.String})  # fmt: skip
    found = by_code(rows, LIMITS.filter(stage="dispose"), ["time_limit_type", "time_limit"])
    assert found.row(0) == ("matter", code, kind, limit)


def test_defaults_can_be_used_and_a_site_replaces_them_whole(home: Home) -> None:
    assert set(deadlines(home).limits["stage"]) == set(STAGES)
    assert evaluation(home).weights["weight"].sum() == 100
    before = deadlines(home).digest
    write(home.config / WORKING_HOURS, "起,止\n09:00,17:00\n")
    found = deadlines(home)
    assert found.hours.select("start", "end").rows() == [("09:00", "17:00")]
    assert found.digest != before


@pytest.mark.parametrize(("name", "text", "rule"), [
    (WEIGHTS, "indicator,weight\nclean,60\ntidy,50\n", "weights_make_a_hundred"),
    (WEIGHTS, "indicator,weight\nclean,50\nclean,50\n", "an_indicator_stands_once"),
    (WORKING_HOURS, "start,end\n08:00,12:00\n11:00,18:00\n", "stretches_do_not_overlap"),
    (WORKING_HOURS, "start,end\n12:00,08:00\n", "ends_after_it_begins"),
    (WORKING_HOURS, "start,end\n", "no rows"),
    (TIME_LIMITS, "stage,time_limit_type,time_limit\nclose,work_day,1\nclose,work_hour,1\n",
     "a_stage_has_one_limit_for_a_code"),
    (TIME_LIMITS, "stage,type_prefix,time_limit_type,time_limit\nclose,01,work_day,1\n",
     "a_code_says_whether_it_is_a_component"),
])  # fmt: skip
def test_a_table_that_contradicts_itself_is_refused(
    home: Home, name: str, text: str, rule: str
) -> None:
    write(home.config / name, text)
    with pytest.raises(SettingsError, match=rule):
        (evaluation if name == WEIGHTS else deadlines)(home)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("rate", ["registration", "rework", "satisfied"])
def test_open_denominators_are_chosen_and_printed(rate: str) -> None:
    metric, clause = open_denominator(rate)
    ratios = [one for one in BY_ID.values() if isinstance(one, Ratio) and clause in one.definition]
    assert [one.denominator for one in ratios] == [(metric,)]
