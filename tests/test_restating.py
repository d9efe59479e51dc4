"""Published numbers of finished periods that change later: which are told of, and why."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.publish import publish
from assets.restating import changed
from assets.timing import AsOf
from schemas import tables
from schemas.contract import polars_schema
from schemas.metrics import PeriodValue
from warehouse import builds
from warehouse.builds import Built
from warehouse.lake import Lake
from warehouse.serving import serving_file

DISTRICT, STREET, COMMUNITY, NOWHERE = "350299", "350299001", "350299001001", "350299-unplaced"
VALUES = tables.table("statistics", "period_values")
AREAS = tables.table("topics", "space_areas")
RESTATEMENTS = tables.table("ops", "restatements")
CASES, PERSONS = "governance_case_count", "registers_residents_opened_count"
OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
AS_OF = AsOf(datetime(2026, 11, 19, 16, tzinfo=UTC))


def stand(lake: Lake, table: tables.Table, rows: list[dict[str, Any]]) -> None:
    """Write a table as its asset would, noting what it holds."""
    frame = pl.DataFrame(rows, schema=polars_schema(table.contract))
    lake.replace(table, frame)
    built = Built("i", builds.content_fingerprint(frame), frame.height)
    builds.record(lake, table, {builds.WHOLE: built})


def areas(lake: Lake, street: str = "一街") -> None:
    named = [("district", DISTRICT, "示范区"), ("street", STREET, street),
             ("community", COMMUNITY, "一社区")]  # fmt: skip
    stand(lake, AREAS, [
        {"area_code": code, "area_name": name, "tier": tier, "parent_code": code[:-3],
         "community_count": 1, "grid_count": 1, "area_m2": 1.0, "centre_longitude": 118.0,
         "centre_latitude": 24.0, "outline": "{}"}
        for tier, code, name in named
    ])  # fmt: skip


def numbers(lake: Lake, *, october: int = 10, november: int = 5, persons: int = 30) -> None:
    """Cases of a finished and of a running month, persons of the finished one; one community."""
    own = [(CASES, OCTOBER, date(2026, 10, 31), october), (PERSONS, OCTOBER, date(2026, 10, 31),
           persons), (CASES, NOVEMBER, date(2026, 11, 19), november)]  # fmt: skip
    blank = dict.fromkeys(PeriodValue.columns(), None)
    stand(lake, VALUES, [
        blank | {"metric_id": metric, "tier": tier, "area_code": code, "period": "month",
                 "period_start": start, "period_end": end, "is_complete": start == OCTOBER,
                 "value": 0.0 if code == NOWHERE else float(value)}
        for metric, start, end, value in own
        for tier, code in (("district", DISTRICT), ("street", STREET), ("street", NOWHERE),
                           ("community", COMMUNITY), ("community", NOWHERE))
    ])  # fmt: skip


@pytest.fixture
def published(lake: Lake) -> Lake:
    """A home that has published once."""
    areas(lake)
    numbers(lake)
    assert publish(lake, AS_OF) is not None
    return lake


def notes(lake: Lake) -> list[tuple[Any, ...]]:
    found = lake.read(RESTATEMENTS).sort("generation", "metric_id", "area_code")
    return found.select("metric_id", "area_code", "period_start", "was", "now", "reason").rows()


def expected(reason: str, metric: str = CASES, was: float = 10, now: float = 12) -> list[Any]:
    codes = (DISTRICT, STREET, COMMUNITY)
    return [(metric, code, OCTOBER, was, now, reason) for code in codes]


def test_a_first_publication_tells_nothing_and_of_an_unchanged_lake_there_is_none(
    published: Lake,
) -> None:
    assert notes(published) == []
    assert publish(published, AS_OF) is None
    assert notes(published) == []


def test_late_rows_of_a_finished_month_are_told_with_was_and_now(published: Lake) -> None:
    numbers(published, october=12)
    made = publish(published, AS_OF)
    assert made is not None
    assert notes(published) == expected("late_rows")
    assert published.read(RESTATEMENTS)["generation"].unique().to_list() == [made.name]


def test_areas_that_changed_meanwhile_are_the_reason(published: Lake) -> None:
    areas(published, "新一街")
    numbers(published, october=12)
    publish(published, AS_OF)
    assert notes(published) == expected("area_change")


def test_code_that_changed_meanwhile_is_the_reason_before_anything_else(
    published: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builds, "code_fingerprint", lambda: "another")
    areas(published, "新一街")
    numbers(published, october=12)
    publish(published, AS_OF)
    assert notes(published) == expected("rule_change")


def test_a_running_month_may_change_without_a_word_and_older_notes_stay(published: Lake) -> None:
    numbers(published, october=12)
    publish(published, AS_OF)
    numbers(published, october=12, november=50)
    assert publish(published, AS_OF) is not None
    assert notes(published) == expected("late_rows")
    for code, shown in ((DISTRICT, 3), (STREET, 2), (COMMUNITY, 1)):
        with duckdb.connect(
            str(serving_file(published.home.serving, code)), read_only=True
        ) as connection:
            rows = connection.execute("SELECT was, now, reason FROM restatements").fetchall()
        assert rows == [(10.0, 12.0, "late_rows")] * shown


@pytest.mark.parametrize(("was", "now"), [(3, 30), (30, 3)])
def test_counts_withheld_before_or_after_are_never_told(lake: Lake, was: int, now: int) -> None:
    areas(lake)
    numbers(lake, persons=was)
    publish(lake, AS_OF)
    numbers(lake, persons=now, october=12)
    assert publish(lake, AS_OF) is not None
    assert notes(lake) == expected("late_rows"), "of cases only"


def test_counts_of_persons_that_are_shown_are_told(published: Lake) -> None:
    numbers(published, persons=80)
    publish(published, AS_OF)
    assert notes(published) == expected("late_rows", PERSONS, 30, 80)


VALUE = st.one_of(st.none(), st.sampled_from([0.0, 1.0, 2.0, 1e9, 1e9 + 1]))


def frame(rows: dict[str, tuple[bool, bool, float | None]]) -> pl.DataFrame:
    return pl.DataFrame(
        [(CASES, "案件", "street", code, code, "month", OCTOBER, OCTOBER, *row)
         for code, row in rows.items()],
        schema={"metric_id": pl.String, "metric_name": pl.String, "tier": pl.String,
                "area_code": pl.String, "area_name": pl.String, "period": pl.String,
                "period_start": pl.Date, "period_end": pl.Date, "is_complete": pl.Boolean,
                "is_withheld": pl.Boolean, "value": pl.Float64}, orient="row",
    )  # fmt: skip


ROWS = st.fixed_dictionaries(
    {code: st.tuples(st.booleans(), st.booleans(), VALUE) for code in (DISTRICT, STREET)},
    optional={COMMUNITY: st.tuples(st.booleans(), st.booleans(), VALUE)},
)


@settings(max_examples=300)
@given(ROWS, ROWS)
def test_changed_agrees_with_a_plain_loop(
    before: dict[str, tuple[bool, bool, float | None]],
    after: dict[str, tuple[bool, bool, float | None]],
) -> None:
    said = {}
    for code in before.keys() & after.keys():
        (was_over, was_hidden, was), (is_over, is_hidden, now) = before[code], after[code]
        if was_over and is_over and not was_hidden and not is_hidden and was != now:
            said[code] = (was, now)
    found = changed(frame(before), frame(after))
    rows = {code: (was, now) for code, was, now in found.select("area_code", "was", "now").rows()}
    assert rows == {
        code: pair
        for code, pair in said.items()
        if None in pair or abs(pair[0] - pair[1]) > 1e-9 * abs(pair[0])
    }
