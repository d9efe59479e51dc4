"""Grades by a table made by hand, and which feeds a number is graded by."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from assets.grading import metric_feeds
from assets.lineage import CONTEXT, feeds_of
from quality.grading import FeedState, grade
from schemas import tables
from schemas.feeds import BY_NAME
from schemas.metrics import BOOK, BY_ID

LAST = date(2026, 11, 19)
TEN = frozenset(LAST - timedelta(days=n) for n in range(10))
FIRST = min(TEN)


def days_without(*missing: int) -> frozenset[date]:
    """The last ten days but those so many days ago."""
    return TEN - {LAST - timedelta(days=n) for n in missing}


def feed(**facts: Any) -> FeedState:
    """A daily feed in order, but for what is said."""
    own = {"zh": "甲", "arrived": 100, "quarantined": 0, "days": TEN, "newest": LAST,
           "is_daily": True, "stays_fresh_for": 2}  # fmt: skip
    return FeedState(**(own | facts))


def register(**facts: Any) -> FeedState:
    return feed(**({"days": frozenset(), "is_daily": False, "stays_fresh_for": 30} | facts))


CASES: list[tuple[str, FeedState, str, str | None]] = [
    ("in order", feed(), "A", None),
    ("nothing arrived", feed(arrived=0, newest=None, days=frozenset()), "C", "甲尚未到达"),
    ("a day of ten missing", feed(days=days_without(3)), "B", "甲缺1天（共10天）"),
    ("two of ten: just complete enough", feed(days=days_without(3, 4)), "B", "甲缺2天（共10天）"),
    ("three of ten", feed(days=days_without(3, 4, 5)), "C", "甲缺3天（共10天）"),
    ("events, not every day", feed(days=days_without(3, 4, 5), is_daily=False), "A", None),
    ("just fresh", register(newest=LAST - timedelta(days=30)), "A", None),
    ("a day too old", register(newest=LAST - timedelta(days=31)), "B",
     "甲最新数据为2026-10-19，已31天未更新"),
    ("three times its limit", register(newest=LAST - timedelta(days=90)), "B",
     "甲最新数据为2026-08-21，已90天未更新"),
    ("more than three times", register(newest=LAST - timedelta(days=91)), "C",
     "甲最新数据为2026-08-20，已91天未更新"),
    ("quarantined below 2 %", feed(arrived=1000, quarantined=19), "A", None),
    ("2 %", feed(quarantined=2), "B", "甲隔离率2.0%"),
    ("just below 10 %", feed(arrived=1000, quarantined=99), "B", "甲隔离率9.9%"),
    ("10 %", feed(quarantined=10), "C", "甲隔离率10.0%"),
    ("a check failed", feed(failed_checks=("数量突变",)), "B", "甲检查未通过：数量突变"),
    ("two reasons, the worst first", feed(quarantined=2, days=days_without(3, 4, 5)), "C",
     "甲缺3天（共10天）；甲隔离率2.0%"),
    ("two reasons the other way", feed(quarantined=10, days=days_without(3)), "C",
     "甲隔离率10.0%；甲缺1天（共10天）"),
]  # fmt: skip


@pytest.mark.parametrize(("state", "letter", "reason"), [case[1:] for case in CASES],
                         ids=[case[0] for case in CASES])  # fmt: skip
def test_grades_by_hand(state: FeedState, letter: str, reason: str | None) -> None:
    assert grade([state], None, LAST, LAST) == (letter, reason)


def test_only_days_of_the_period_are_wanted() -> None:
    gap = feed(days=days_without(1, 2, 3))
    assert grade([gap], FIRST, LAST - timedelta(days=4), LAST) == ("A", None)
    assert grade([gap], LAST - timedelta(days=3), LAST, LAST)[0] == "C"


def test_days_before_the_first_delivery_are_not_missing() -> None:
    assert grade([feed()], date(2026, 1, 1), LAST, LAST) == ("A", None)


def test_a_number_of_the_past_is_never_too_old() -> None:
    old = register(newest=LAST - timedelta(days=400))
    assert grade([old], date(2025, 1, 1), date(2025, 1, 31), LAST) == ("A", None)
    assert grade([old], None, LAST, LAST)[0] == "C"


def test_the_worst_feed_decides_and_the_same_reason_stands_once() -> None:
    good, bad = feed(zh="乙"), feed(quarantined=50)
    assert grade([good, bad, bad], None, LAST, LAST) == ("C", "甲隔离率50.0%")
    assert grade([], None, LAST, LAST) == ("A", None)


@pytest.mark.parametrize(
    ("table", "feeds"),
    [
        ("governance_case_days", ("grid_cases",)),
        ("fire_inspection_days", ("fire_inspections",)),
        ("governance_satisfaction_days", ("grid_cases", "satisfaction_visits")),
        ("passage_device_hours", ("face_captures", "vehicle_captures", "nonmotor_captures")),
        ("welfare_counts", ("welfare",)),
        # the places themselves are counted
        ("space_areas", ("areas",)), ("video_devices", ("areas", "devices")),
    ],
)  # fmt: skip
def test_feeds_of_topics(table: str, feeds: tuple[str, ...]) -> None:
    assert feeds_of(tables.table("topics", table)) == feeds


def test_residents_come_from_four_sources() -> None:
    own = feeds_of(tables.table("topics", "population_counts"))
    sources = {f"population_{one}" for one in ("household", "visits", "property", "self")}
    assert sources <= set(own)


def test_feeds_that_only_give_places_grade_nothing_else() -> None:
    topics = [table for table in tables.TABLES if table.layer == "topics"]
    assert len(topics) > 20
    for table in topics:
        own = set(feeds_of(table))
        assert own, table.name
        assert own <= CONTEXT or not own & CONTEXT, table.name


def test_every_metric_is_graded_by_feeds_there_are() -> None:
    for entry in BOOK:
        own = metric_feeds(entry)
        assert own, entry.id
        assert list(own) == [name for name in BY_NAME if name in own], entry.id


def test_a_metric_that_names_its_feeds_is_graded_by_those_alone() -> None:
    assert metric_feeds(BY_ID["passage_nonmotor_count"]) == ("nonmotor_captures",)


def test_a_ratio_is_graded_by_the_feeds_of_both_sides() -> None:
    both = metric_feeds(BY_ID["governance_ai_confirmed_share"])
    assert both == metric_feeds(BY_ID["governance_ai_event_count"]) == ("ai_video_events",)
    shots, passages = BY_ID["passage_face_shot_count"], BY_ID["passage_face_count"]
    own = set(metric_feeds(BY_ID["passage_shots_per_face_passage"]))
    assert own == {*metric_feeds(shots), *metric_feeds(passages)}
