"""Validity of register entries against a plain loop over time, whatever the order of arrival."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.validity import at_instant, duty_periods, periods
from schemas.city_time import INSTANT

START = datetime(2026, 1, 1, tzinfo=UTC)


def day(n: int) -> datetime:
    return START + timedelta(days=n)


def versions_frame(rows: list[tuple[str, str, int, str]]) -> pl.DataFrame:
    return pl.DataFrame(
        [(entity, source, day(at), fact) for entity, source, at, fact in rows],
        schema={"entity_id": pl.String, "source": pl.String, "said_at": INSTANT,
                "place": pl.String},
        orient="row",
    )  # fmt: skip


def whole_frame(rows: set[tuple[str, int]]) -> pl.DataFrame:
    return pl.DataFrame(
        [(source, day(at)) for source, at in sorted(rows)],
        schema={"source": pl.String, "as_of": INSTANT}, orient="row",
    )  # fmt: skip


def by_loop(
    rows: list[tuple[str, str, int, str]], whole: set[tuple[str, int]]
) -> set[tuple[str, int, str]]:
    """(entity, day, place) valid on every day of thirty: what was said last, unless it ended."""
    found = set()
    for entity in {r[0] for r in rows}:
        own = [r for r in rows if r[0] == entity]
        sources = {r[1] for r in own}
        now: tuple[str, str] | None = None
        for at in range(31):
            said = sorted((source, place) for _, source, n, place in own if n == at)
            if said:
                # of several words of one instant the smallest by content counts
                now = min(said)
            elif now and (now[0], at) in whole and now[0] in sources:
                now = None
            if now:
                found.add((entity, at, now[1]))
    return found


def days_of(frame: pl.DataFrame) -> set[tuple[str, int, str]]:
    found = set()
    for at in range(31):
        valid = at_instant(frame, pl.lit(day(at), INSTANT))
        assert valid["entity_id"].is_unique().all()
        found |= {(row["entity_id"], at, row["place"]) for row in valid.iter_rows(named=True)}
    return found


ENTRIES = st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.integers(0, 30),
                    st.sampled_from("PQ"))  # fmt: skip
WHOLE = st.tuples(st.sampled_from("xy"), st.integers(0, 30))


@given(st.lists(ENTRIES, min_size=1, max_size=12), st.sets(WHOLE, max_size=6), st.randoms())
def test_every_day_is_as_a_loop_finds_it(rows, whole, random) -> None:
    shuffled = [*rows, *rows[:2]]
    random.shuffle(shuffled)
    found = periods(versions_frame(shuffled), whole_frame(whole), ["place"])
    assert days_of(found) == by_loop(rows, whole)


def test_what_vanished_is_closed_and_may_come_back() -> None:
    rows = [("a", "x", 1, "P"), ("a", "x", 20, "P"), ("b", "x", 1, "P"), ("b", "x", 10, "P"),
            ("b", "x", 20, "Q")]  # fmt: skip
    found = periods(versions_frame(rows), whole_frame({("x", 10), ("x", 20)}), ["place"])
    assert found.select("entity_id", "place", "valid_from", "valid_until").rows() == [
        ("a", "P", day(1), day(10)),
        ("a", "P", day(20), None),
        ("b", "P", day(1), day(20)),
        ("b", "Q", day(20), None),
    ]


def test_another_source_going_silent_ends_nothing() -> None:
    rows = [("a", "x", 1, "P"), ("a", "y", 5, "P")]
    found = periods(versions_frame(rows), whole_frame({("x", 10)}), ["place"])
    assert found["valid_until"].to_list() == [None]
    found = periods(versions_frame(rows), whole_frame({("y", 10)}), ["place"])
    assert found["valid_until"].to_list() == [day(10)]


Duty = tuple[str, int, int, int | None, str]  # entity, said, first day, day of leaving, role


def duties_frame(rows: list[Duty]) -> pl.DataFrame:
    return pl.DataFrame(
        [(e, "x", day(said), day(first), None if left is None else day(left), role)
         for e, said, first, left, role in rows],
        schema={"entity_id": pl.String, "source": pl.String, "said_at": INSTANT,
                "from_at": INSTANT, "until_at": INSTANT, "place": pl.String},
        orient="row",
    )  # fmt: skip


def duty_by_loop(rows: list[Duty], whole: set[int]) -> set[tuple[str, int, str]]:
    """Who is on duty on every day: the newest word that speaks of the day decides."""
    found = set()
    for entity in {r[0] for r in rows}:
        own = sorted(r[1:] for r in rows if r[0] == entity)
        words: list[tuple] = [(said, said, None) for said in whole - {r[0] for r in own}]
        for said, first, left, role in own:
            is_first = said == min(s for s, f, *_ in own if f == first)
            since = first if is_first else max(first, said if left is None else min(said, left))
            words.append((said, since, (first, left, role)))
        for at in range(31):
            speaking = [(said, what) for said, since, what in words if since <= at]
            what = max(speaking, key=lambda w: w[0], default=(0, None))[1]
            if what and what[0] <= at and (what[1] is None or at < what[1]):
                found.add((entity, at, what[2]))
    return found


DUTIES = st.builds(
    lambda entity, said, first, lasts, role: (entity, said, first, lasts and first + lasts, role),
    st.sampled_from("ab"), st.integers(0, 30), st.sampled_from([2, 9, 20]),
    st.sampled_from([None, 3, 8, 15]), st.sampled_from("PQ"),
)  # fmt: skip


@given(st.lists(DUTIES, min_size=1, max_size=7, unique_by=lambda r: r[:2]),
       st.sets(st.integers(0, 30), max_size=4), st.randoms())  # fmt: skip
@settings(deadline=None)
def test_duty_on_every_day_is_as_a_loop_finds_it(rows, whole, random) -> None:
    shuffled = [*rows, *rows[:2]]
    random.shuffle(shuffled)
    found = duty_periods(
        duties_frame(shuffled), whole_frame({("x", at) for at in whole}), ["place"]
    )
    assert days_of(found) == duty_by_loop(rows, whole)
    touching = found.filter(
        pl.col("entity_id") == pl.col("entity_id").shift(-1),
        pl.col("valid_until") == pl.col("valid_from").shift(-1),
        pl.col("place") == pl.col("place").shift(-1),
    )
    assert touching.is_empty(), "a stretch without change is one"


def test_late_words_about_duty_are_applied_at_their_own_day() -> None:
    rows: list[Duty] = [
        ("role", 1, 0, None, "P"), ("role", 10, 0, None, "Q"),  # another role from the 10th on
        ("late", 12, 3, None, "P"),  # told late; the whole register of the 5th did not have it
        ("left", 1, 0, None, "P"), ("left", 20, 0, 15, "P"),  # left on the 15th, told on the 20th
        ("back", 1, 0, 4, "P"), ("back", 14, 9, None, "P"),  # came back on the 9th
        ("gone", 1, 0, None, "P"),  # left out of the whole register of the 5th
    ]  # fmt: skip
    rows += [(name, 5, 0, None, "P") for name in ("role", "left")]
    found = duty_periods(duties_frame(rows), whole_frame({("x", 5)}), ["place"])
    told = found.select("entity_id", "place", "valid_from", "valid_until").rows()
    assert told == [
        ("back", "P", day(0), day(4)), ("back", "P", day(9), None),
        ("gone", "P", day(0), day(5)), ("late", "P", day(3), None), ("left", "P", day(0), day(15)),
        ("role", "P", day(0), day(10)), ("role", "Q", day(10), None),
    ]  # fmt: skip
