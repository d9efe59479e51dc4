"""Every period of every metric, against plain loops and numbers worked out by hand."""

from __future__ import annotations

import calendar as python_calendar
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import polars as pl
import pytest

from assets.measuring import unsummed
from assets.period_values import Span, calendar, windows
from assets.statistics import PERIODS, daily_values, period_values
from assets.timing import AsOf
from schemas import tables
from schemas.contract import polars_schema
from schemas.metric import Quantile
from schemas.periods import CALENDAR, end_of, last_year_start, next_start, previous_start, start_of
from warehouse import builds
from warehouse.builds import Built
from warehouse.engine import Engine
from warehouse.home import Home
from warehouse.lake import Lake

DISTRICT, STREET, NOWHERE = "350299", "350299001", "350299-unplaced"
ONE, TWO = "350299001001", "350299002001"
CASES = tables.table("topics", "governance_case_days")
VISITS = tables.table("topics", "governance_satisfaction_days")
STAFF = tables.table("topics", "governance_grids")
FIRST, LAST = date(2025, 1, 1), date(2026, 11, 19)


def cases_on(day: date) -> dict[str | None, int]:
    """Cases of a day by community: uneven, with days on which nothing happens."""
    n = day.toordinal()
    return {ONE: n % 5, TWO: n % 3 if n % 7 else 0, None: 1 if day.day == 29 else 0}


def days(first: date = FIRST, last: date = LAST) -> Iterator[date]:
    for n in range((last - first).days + 1):
        yield first + timedelta(days=n)


def fill(lake: Lake, table: tables.Table, rows: list[dict[str, Any]], **missing: object) -> None:
    """Write a topic table as its asset would, noting its parts."""
    schema = polars_schema(table.contract)
    blank = {name: missing.get(name, 0 if t == pl.Int64 else "x") for name, t in schema.items()}
    frame = pl.DataFrame([blank | row for row in rows], schema=schema)
    if table.partition_by is None:
        lake.replace(table, frame)
        builds.record(lake, table, {builds.WHOLE: Built("i", "c", frame.height)})
        return
    own = frame[table.partition_by].unique().to_list()
    lake.replace_parts(table, frame, own)
    inputs = {str(day): "i" for day in own}
    builds.record(lake, table, builds.built_parts(table, frame, inputs))


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """period_values of two years of cases in two communities."""
    home = Home(tmp_path_factory.mktemp("periods"))
    home.prepare()
    lake = Lake(home)
    areas = tables.table("silver", "areas")
    when = datetime(2025, 1, 1, tzinfo=UTC)
    lake.replace(areas, pl.DataFrame([
        {"area_code": code, "area_name": code, "tier": tier, "parent_code": code[:-3],
         "shape": b"", "centre_longitude": 118.0, "centre_latitude": 24.0, "area_m2": 1.0,
         "former_codes": [], "updated_at": when}
        for code, tier in [(DISTRICT, "district"), (STREET, "street"), ("350299002", "street"),
                           (ONE, "community"), (TWO, "community")]
    ], schema=polars_schema(areas.contract)))  # fmt: skip
    fill(lake, CASES, [
        {"report_day": day, "community_code": code, "state": "closed" if day.day % 2 else "open",
         "source_type": "public", "case_count": count, "closing_seconds": count * 3600}
        for day in days() for code, count in cases_on(day).items() if count
    ])  # fmt: skip
    fill(lake, VISITS, [
        {"visited_day": day, "community_code": ONE, "answer": answer, "visit_count": count}
        for day in days(date(2026, 10, 1)) for answer, count in (("satisfied", 3), ("neutral", 1))
        if day.day % 2
    ])  # fmt: skip
    staffed = {ONE: (4, 3), TWO: (12, 3)}
    fill(lake, STAFF, [{"community_code": code, "grid_count": grids, "staffed_grid_count": own}
                       for code, (grids, own) in staffed.items()])  # fmt: skip
    as_of = AsOf(datetime(2026, 11, 19, 16, tzinfo=UTC))  # midnight in the city
    with dg.DagsterInstance.ephemeral() as instance:
        done = dg.materialize(
            [daily_values, period_values],  # pyright: ignore[reportArgumentType]
            instance=instance,
            resources={"lake": lake, "as_of": as_of},
        )  # fmt: skip
    assert done.success
    return lake.read(PERIODS)


def total(area: str, first: date, last: date) -> float:
    """Cases of an area between two days, by a loop."""
    found = 0
    for day in days(first, last):
        for code, count in cases_on(day).items():
            inside = area in (DISTRICT, code or NOWHERE) or (code or "").startswith(area)
            found += count if inside else 0
    return float(found)


def of(book: pl.DataFrame, metric: str, **where: object) -> list[dict[str, Any]]:
    return book.filter(pl.col("metric_id") == metric, **where).to_dicts()


AREAS = [("district", DISTRICT), ("street", STREET), ("community", ONE), ("community", TWO),
         ("community", NOWHERE), ("street", NOWHERE)]  # fmt: skip


@pytest.mark.parametrize("period", CALENDAR)
@pytest.mark.parametrize(("tier", "area"), AREAS)
def test_sums_and_what_they_are_compared_with(
    book: pl.DataFrame, period: str, tier: str, area: str
) -> None:
    rows = of(book, "governance_case_count", period=period, tier=tier, area_code=area)
    assert len(rows) == len({r["period_start"] for r in rows}) > 1
    for row in rows:
        start = row["period_start"]
        end = min(end_of(period, start), LAST)
        assert row["period_end"] == end
        assert row["is_complete"] == (start >= FIRST and end_of(period, start) <= LAST)
        assert row["value"] == total(area, max(start, FIRST), end)
        for column, base in (("previous_value", previous_start(period, start)),
                             ("last_year_value", last_year_start(period, start))):  # fmt: skip
            if base is None or base < FIRST:
                assert row[column] is None
                continue
            whole = end_of(period, base)
            last = whole if row["is_complete"] else min(base + (LAST - start), whole)
            assert row[column] == total(area, base, last), (column, start)


def test_the_running_month_by_hand(book: pl.DataFrame) -> None:
    """19 days of November 2026 against the first 19 of October and of November 2025."""
    (row,) = of(book, "governance_case_count", period="month", tier="district",
                period_start=date(2026, 11, 1))  # fmt: skip

    def by_hand(year: int, month: int) -> float:
        one = [date(year, month, n).toordinal() for n in range(1, 20)]
        return float(sum(n % 5 + (n % 3 if n % 7 else 0) for n in one))

    assert not row["is_complete"]
    assert row["value"] == by_hand(2026, 11)
    assert row["previous_value"] == by_hand(2026, 10)
    assert row["last_year_value"] == by_hand(2025, 11)


def test_an_empty_day_is_zero_and_nothing_is_said_of_the_time_before(book: pl.DataFrame) -> None:
    rows = of(book, "governance_case_count", period="day", area_code=TWO)
    empty = [r["period_start"] for r in rows if r["value"] == 0]
    assert empty == [d for d in days(rows[0]["period_start"]) if not cases_on(d)[TWO]]
    assert min(r["period_start"] for r in of(book, "governance_visit_count", period="day")) == date(
        2026, 10, 1
    )
    assert not of(book, "fire_incident_count")


@pytest.mark.parametrize("period", ["day", "month", "to_date"])
def test_a_ratio_is_a_quotient_of_sums(book: pl.DataFrame, period: str) -> None:
    rows = of(book, "governance_satisfied_share", period=period, tier="district")
    assert rows
    for row in rows:
        start = row["period_start"] or date(2026, 10, 1)
        end = LAST if period == "to_date" else min(end_of(period, start), LAST)
        asked = [d for d in days(start, end) if d.day % 2]
        assert row["denominator"] == 4 * len(asked)
        assert row["value"] == (75.0 if asked else None)


def test_ratios_are_never_averaged_and_need_a_divisor(book: pl.DataFrame) -> None:
    by_area = {r["area_code"]: r for r in of(book, "governance_staffed_grid_share")}
    assert by_area[ONE]["value"] == 75.0
    assert by_area[TWO]["value"] == 25.0
    assert by_area[DISTRICT]["value"] == 37.5  # 6 of 16, not the mean of 75 and 25
    assert by_area[NOWHERE]["value"] is None
    assert by_area[NOWHERE]["denominator"] == 0
    assert {r["period"] for r in by_area.values()} == {"as_of"}
    assert {r["previous_value"] for r in by_area.values()} == {None}


@pytest.mark.parametrize("period", CALENDAR)
def test_periods_follow_one_another_without_gap(period: str) -> None:
    for day in days(date(2019, 12, 20), date(2029, 1, 10)):
        start = start_of(period, day)
        end = end_of(period, start)
        assert start <= day <= end
        assert start_of(period, end) == start
        assert next_start(period, start) == end + timedelta(days=1)
        assert previous_start(period, next_start(period, start)) == start
        then = last_year_start(period, start)
        if then is None:
            assert (day.month, day.day) == (2, 29)
            assert period == "day"
        elif period == "week":
            assert then.weekday() == 0
        else:
            assert (then.year, then.month, then.day) == (start.year - 1, start.month, start.day)


def test_a_running_period_is_set_against_as_many_days() -> None:
    span = Span(date(2024, 1, 1), date(2025, 3, 30), date(2025, 3, 30))
    found = {(w.period, w.base): (w.first, w.last) for w in windows(span)}
    # 30 days of March against all 28 of February; weeks end on a Sunday, so this one is over
    assert found["month", "previous"] == (date(2025, 2, 1), date(2025, 2, 28))
    assert found["month", "last_year"] == (date(2024, 3, 1), date(2024, 3, 30))
    assert found["quarter", "previous"] == (date(2024, 10, 1), date(2024, 12, 28))
    assert found["year", "previous"] == (date(2024, 1, 1), date(2024, 3, 29))
    assert ("week", "previous") not in found
    assert python_calendar.isleap(2024)


def test_a_day_without_end_is_not_over() -> None:
    noon = AsOf(datetime(2026, 11, 19, 4, tzinfo=UTC))
    assert (noon.last_day, noon.full_day) == (date(2026, 11, 19), date(2026, 11, 18))
    midnight = AsOf(datetime(2026, 11, 19, 16, tzinfo=UTC))
    assert (midnight.last_day, midnight.full_day) == (date(2026, 11, 19), date(2026, 11, 19))
    periods = calendar(Span(FIRST, noon.last_day, noon.full_day)).filter(period="day").tail(1)
    assert periods["is_complete"].to_list() == [False]


def test_quantiles_and_distinct_counts_equal_plain_python(lake: Lake) -> None:
    own = [{"report_day": day, "community_code": code, "rework_count": n * 7 % 11, "case_count": 1}
           for n, day in enumerate(days(date(2026, 1, 1), date(2026, 3, 5)))
           for code in (ONE, TWO, None)[: n % 3 + 1]]  # fmt: skip
    fill(lake, CASES, own)
    entry = Quantile("governance_made_up", "甲", "乙", "次", CASES.name, "rework_count", 0.9,
                     "report_day")  # fmt: skip
    with Engine(lake) as engine:
        rows = engine.backend.to_polars(unsummed(engine, entry, DISTRICT))
    keys = ("tier", "area_code", "period", "period_start")
    found = {tuple(r[k] for k in keys): r["value"] for r in rows.to_dicts()}
    grouped: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    for row in own:
        code = row["community_code"]
        for tier, area in (("district", DISTRICT), ("street", code[:9] if code else NOWHERE),
                           ("community", code or NOWHERE)):  # fmt: skip
            for period in CALENDAR:
                start = start_of(period, row["report_day"])
                grouped[tier, area, period, start].append(row["rework_count"])
            grouped[tier, area, "to_date", None].append(row["rework_count"])
    assert found.keys() == grouped.keys()
    for key, values in grouped.items():
        ordered = sorted(values)
        place = 0.9 * (len(ordered) - 1)
        low = ordered[int(place)]
        high = ordered[min(int(place) + 1, len(ordered) - 1)]
        assert found[key] == pytest.approx(low + (high - low) * (place - int(place))), key
