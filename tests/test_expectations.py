"""Expectations of published tables: each kind of fault is found, told, and has its effect."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from assets.timing import AsOf
from quality.expectations import DIMENSIONS, Known, Verdict, statistics_suite, topic_suite
from quality.grading import FeedState
from quality.validation.contracts import grain
from quality.validation.judging import Judge
from schemas import tables
from schemas.contract import polars_schema
from schemas.metrics import BY_ID, Ratio

PEOPLE = tables.table("topics", "population_counts")
MARGINALS = tables.table("topics", "population_marginals")
PASSAGES = tables.table("topics", "passage_device_hours")
PERIODS = tables.table("statistics", "period_values")
FIRST, SECOND = "350299001001", "350299001002"
LAST = date(2026, 11, 19)
AS_OF = AsOf(datetime(2026, 11, 19, 16, tzinfo=UTC))
FRESH = FeedState("户籍人口", 900, 0, frozenset(), LAST, is_daily=False, stays_fresh_for=366)
SECRET = "seen-nowhere"


def frame(table: tables.Table, rows: list[tuple]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=polars_schema(table.contract), orient="row")


def people(*more: tuple, count: int = 300) -> pl.DataFrame:
    rows = [(FIRST, "1", count), (FIRST, "2", 120), (SECOND, "1", 80), (None, "1", 7)]
    return frame(PEOPLE, [*rows, *more])


def by_sex(male: int = 427) -> pl.DataFrame:
    """The people above, by sex and by band of age."""
    rows = []
    for code, first in (("1", male - 87), ("2", 80)):
        rows += [
            (place, "sex_code", code, code, n)
            for place, n in (
                (FIRST, first),
                (SECOND, 60 if code == "1" else 20),
                (None, 7 if code == "1" else 0),
            )
        ]
    rows += [(place, "age_band", "18-34", "18-34", n) for place, n in
             ((FIRST, 420), (SECOND, 80), (None, 7))]  # fmt: skip
    return frame(MARGINALS, rows)


def known(**other: Any) -> Known:
    read = {PEOPLE.name: people().lazy(), MARGINALS.name: by_sex().lazy()}
    base = Known(communities=[FIRST, SECOND], feeds=[FRESH], last=LAST, full=LAST, booked=4,
                 before=[{"1": 380.0, "2": 125.0}] * 3, read=read.__getitem__)  # fmt: skip
    return replace(base, **other)


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()


def verdicts(judge: Judge, table: tables.Table, rows: pl.DataFrame, at: Known) -> list[Verdict]:
    suite, _ = topic_suite(table, rows.lazy(), at)
    return judge.judge(suite)[0]


def failed(found: list[Verdict]) -> list[tuple[str, str, str]]:
    return [(one.severity, one.dimension, one.zh) for one in found if not one.passed]


def test_a_clean_table_passes_and_every_expectation_says_its_dimension(judge: Judge) -> None:
    found = verdicts(judge, PEOPLE, people(), known())
    assert failed(found) == []
    assert {one.dimension for one in found} == set(DIMENSIONS)
    assert all(one.zh and one.remedy and one.found for one in found)
    assert failed(verdicts(judge, MARGINALS, by_sex(), known(booked=None, before=[]))) == []


PLANTED: list[tuple[str, pl.DataFrame, dict[str, Any], tuple[str, str, str], str]] = [
    ("the same row twice", people((SECOND, "1", 80)), {"booked": 5},
     ("block", "准确性", "每行唯一：社区编码、人口类别"), "1 行重复，共 5 行"),
    ("an unplaced row twice", people((None, "1", 7)), {"booked": 5},
     ("block", "准确性", "每行唯一：社区编码、人口类别"), "1 行重复，共 5 行"),
    ("a required column empty", people((SECOND, "2", None)), {"booked": 5},
     ("block", "完整性", "必填列齐全：人口类别、人数"), "1 行不符，共 5 行"),
    ("a code nobody declared", people((SECOND, SECRET, 8)), {"booked": 5},
     ("block", "规范性", "人口类别（population_category）取值在代码表内"), "1 行不符，共 5 行"),
    ("fewer than nobody", people((SECOND, "2", -1)), {"booked": 5},
     ("block", "准确性", "数值在合理范围内，数量不为负"), "1 行不符，共 5 行"),
    ("a community nobody registered", people((SECRET, "1", 8)), {"booked": 5},
     ("block", "一致性", "社区编码均在区划台账内"), "1 行不符，共 5 行"),
    ("rows gone from the disk", people(), {"booked": 6},
     ("block", "可访问性", "写入的行均可读出"), "登记 6 行，读出 4 行"),
    ("half the register gone", people(), {"before": [{"1": 760.0, "2": 260.0}] * 3},
     ("grade", "完整性", "当前总量在此前各次中位数的 0.7 至 1.5 倍之间"),
     "为此前各次中位数的 0.50 倍"),
    ("nothing new for years", people(),
     {"feeds": [replace(FRESH, newest=LAST - timedelta(days=367))]},
     ("grade", "时效性", "户籍人口在 366 天内有更新"), "最新数据为 2025-11-17，已 367 天"),
    ("one of several sources old", people(),
     {"feeds": [FRESH, replace(FRESH, zh="物业", newest=LAST - timedelta(days=400))]},
     ("note", "时效性", "物业在 366 天内有更新"), "最新数据为 2025-10-15，已 400 天"),
    ("made up otherwise", people(), {"before": [{"1": 250.0, "2": 250.0}] * 3},
     ("note", "准确性", "人口类别（population_category）的构成与此前相差不超过 20%"), "相差 26%"),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "other", "wanted", "counts"), [p[1:] for p in PLANTED],
                         ids=[p[0] for p in PLANTED])  # fmt: skip
def test_a_planted_fault_is_found_alone_with_its_consequence(
    judge: Judge, rows: pl.DataFrame, other: dict[str, Any], wanted: tuple, counts: str
) -> None:
    found = verdicts(judge, PEOPLE, rows, known(**other))
    assert failed(found) == [wanted]
    assert next(one.found for one in found if not one.passed) == counts
    assert not any(SECRET in f"{one.zh}{one.found}" for one in found), "values are never told"


def test_a_short_past_judges_nothing(judge: Judge) -> None:
    for before in ([], [{"1": 9000.0}], [{"1": 9000.0}] * 2, [{"1": 3.0}] * 9):
        found = verdicts(judge, PEOPLE, people(), known(before=before))
        assert not [one for one in found if "总量" in one.zh and not one.passed]
        assert [one.severity for one in found if "总量" in one.zh] == ["note"]


def test_tables_that_count_the_same_must_agree(judge: Judge) -> None:
    found = verdicts(judge, MARGINALS, by_sex(426), known(booked=None, before=[], read={
        PEOPLE.name: people().lazy(), MARGINALS.name: by_sex(426).lazy()}.__getitem__))  # fmt: skip
    assert failed(found) == [("grade", "一致性", "各社区按性别合计等于实有人口")]
    assert next(o.found for o in found if not o.passed) == "1 个社区不一致，共 3 个"


@pytest.mark.parametrize(
    ("today", "days", "severity"),
    [(100, 30, None), (31, 30, None), (29, 30, "grade"), (301, 30, "grade"), (0, 30, "grade"),
     (29, 7, None), (29, 8, "grade")],
)  # fmt: skip
def test_the_last_day_is_held_against_the_days_before(
    judge: Judge, today: int, days: int, severity: str | None
) -> None:
    """`days` with the last one; six days before it are too few to judge by."""
    rows = [(LAST - timedelta(days=n), 8, FIRST, "cam", "face", 100, 100) for n in range(1, days)]
    if today:
        rows.append((LAST, 8, FIRST, "cam", "face", today, today))
    daily = replace(FRESH, is_daily=True, stays_fresh_for=2)
    at = known(feeds=[daily], booked=None, before=[])
    found = verdicts(judge, PASSAGES, frame(PASSAGES, rows), at)
    assert [one[0] for one in failed(found) if "最近一天" in one[2]] == (
        [severity] if severity else []
    )


def periods(values: list[tuple[str, str, str, str, date | None, float | None]],
            parts: tuple[float, float] | None = None) -> pl.DataFrame:  # fmt: skip
    rows = [
        {"metric_id": m, "tier": t, "area_code": a, "period": p, "period_start": s,
         "period_end": s or LAST, "is_complete": True, "value": v,
         "numerator": parts[0] if parts else None, "denominator": parts[1] if parts else None}
        for m, t, a, p, s, v in values
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=polars_schema(PERIODS.contract))


def tiers(metric: str, period: str, start: date | None, value: float) -> list[tuple]:
    return [(metric, tier, code, period, start, value) for tier, code in
            (("district", "350299"), ("street", "350299001"), ("community", FIRST))]  # fmt: skip


def stand(
    months: tuple[float, ...] = (3.0, 4.0), total: float = 7.0, ratio: float = 50.0
) -> pl.DataFrame:
    rows = tiers("population_person_count", "as_of", None, 507.0)
    rows += tiers("passage_face_count", "to_date", LAST, total)
    for n, value in enumerate(months):
        rows += tiers("passage_face_count", "month", LAST - timedelta(days=31 * n), value)
    share = next(one for one in BY_ID.values() if isinstance(one, Ratio) and one.scale == 100.0)
    rate = [(share.id, "district", "350299", "as_of", None, ratio)]
    return pl.concat([periods(rows), periods(rate, (2.0, 4.0))])


@pytest.mark.parametrize(
    ("values", "topics", "out", "wanted"),
    [
        (stand(), {}, [], []),
        (stand(), {"population_person_count": 508.0}, [], ["区县值等于主题库合计"]),
        (stand(months=(3.0, 3.0)), {}, [], ["逐月值合计等于累计值"]),
        (stand(ratio=50.1), {}, [], ["比率等于分子除以分母"]),
        (stand(), {}, ["passage_face_count"], ["社区、街道与区县三级合计一致"]),
    ],
)
def test_statistics_that_contradict_themselves_block(
    judge: Judge, values: pl.DataFrame, topics: dict[str, float], out: list[str], wanted: list[str]
) -> None:
    totals = {"population_person_count": 507.0, "passage_face_count": 7.0, **topics}
    steps = pl.DataFrame({"metric_id": out}, schema={"metric_id": pl.String})
    suite = statistics_suite(PERIODS, values.lazy(), None, LAST, totals, steps)
    found = judge.judge(suite)[0]
    assert [one.zh for one in found if not one.passed] == wanted
    assert all(one.severity == "block" for one in found)


def test_what_names_a_row() -> None:
    assert grain(tables.table("topics", "governance_cases")) == ("case_number",)
    assert set(grain(PASSAGES)) == {"shot_day", "community_code", "device_id", "shot_hour",
                                    "passage_kind"}  # fmt: skip
    assert grain(tables.table("topics", "space_areas")) == ("area_code",)
