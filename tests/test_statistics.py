"""Every statistic adds up over the tiers, and equals a plain count over the topic tables."""

from __future__ import annotations

import statistics as python_statistics
from collections import defaultdict

import duckdb
import polars as pl
import pytest
from support import newest_values

from schemas import tables
from schemas.metric import Distinct, Quantile, Ratio
from schemas.metrics import BOOK, METRICS, counts_persons, summed
from warehouse import serving
from warehouse.home import Home
from warehouse.lake import Lake

pytestmark = pytest.mark.slow

DISTRICT, NOWHERE = "350299", "350299-unplaced"


def by_hand(lake: Lake, metric_id: str) -> dict[tuple[str | None, str, str], float]:
    """(day, tier, area) → value, by a plain loop over the topic table."""
    metric = summed(metric_id)
    found: dict[tuple[str | None, str, str], float] = defaultdict(float)
    for row in lake.read(tables.table("topics", metric.table)).iter_rows(named=True):
        if any(row[column] not in values for column, values in metric.where):
            continue
        amount = float(row[metric.measure]) if metric.measure else 1.0
        day = str(row[metric.day_column]) if metric.day_column else None
        code = row["community_code"]
        for tier, area in (
            ("community", code or NOWHERE),
            ("street", code[:9] if code else NOWHERE),
            ("district", DISTRICT),
        ):
            found[day, tier, area] += amount
    return dict(found)


@pytest.mark.parametrize("metric_id", [m.id for m in METRICS if m.day_column])
def test_daily_values_equal_a_plain_count(demo_lake: Lake, metric_id: str) -> None:
    rows = demo_lake.read(tables.table("statistics", "daily_values")).filter(
        pl.col("metric_id") == metric_id
    )
    found = {
        (str(day), tier, area): value
        for day, tier, area, value in rows.select(
            "value_day", "tier", "area_code", "value"
        ).iter_rows()
    }
    assert found == by_hand(demo_lake, metric_id)


@pytest.mark.parametrize("metric_id", [m.id for m in METRICS])
def test_newest_values_equal_a_plain_count(demo_lake: Lake, metric_id: str) -> None:
    rows = newest_values(demo_lake).filter(pl.col("metric_id") == metric_id)
    found = {(tier, area): v for tier, area, v in rows.select("tier", "area_code", "value").rows()}
    expected: dict[tuple[str, str], float] = defaultdict(float)
    for (_, tier, area), value in by_hand(demo_lake, metric_id).items():
        expected[tier, area] += value
    assert {key: value for key, value in found.items() if value} == {
        key: value for key, value in expected.items() if value
    }
    assert found.keys() >= expected.keys()


def to_date(lake: Lake, metric_id: str) -> dict[tuple[str, str], float]:
    """(tier, area) → everything a sum counts, by a plain loop."""
    found: dict[tuple[str, str], float] = defaultdict(float)
    for (_, tier, area), value in by_hand(lake, metric_id).items():
        found[tier, area] += value
    return found


@pytest.mark.parametrize("ratio", [m for m in BOOK if isinstance(m, Ratio)], ids=lambda m: m.id)
def test_ratios_equal_quotients_of_plain_counts(demo_lake: Lake, ratio: Ratio) -> None:
    above = [to_date(demo_lake, one) for one in ratio.numerator]
    below = [to_date(demo_lake, one) for one in ratio.denominator]
    rows = newest_values(demo_lake).filter(pl.col("metric_id") == ratio.id)
    known = [one for one in (*ratio.numerator, *ratio.denominator)
             if newest_values(demo_lake).filter(pl.col("metric_id") == one).height]  # fmt: skip
    assert rows.height or len(known) < len(ratio.numerator) + len(ratio.denominator)
    for tier, area, value in rows.select("tier", "area_code", "value").iter_rows():
        upper, lower = (sum(one.get((tier, area), 0.0) for one in side) for side in (above, below))
        expected = upper * ratio.scale / lower if lower else None
        assert value == (pytest.approx(expected) if expected is not None else None), (tier, area)


@pytest.mark.parametrize(
    "entry", [m for m in BOOK if isinstance(m, Distinct | Quantile)], ids=lambda m: m.id
)
def test_distinct_counts_and_quantiles_equal_plain_python(
    demo_lake: Lake, entry: Distinct | Quantile
) -> None:
    grouped: dict[tuple[str, str], list[float | str]] = defaultdict(list)
    for row in demo_lake.read(tables.table("topics", entry.table)).iter_rows(named=True):
        if any(row[column] not in values for column, values in entry.where):
            continue
        code, measured = row["community_code"], row[entry.column]
        if measured is not None:
            for tier, area in (("community", code or NOWHERE), ("district", DISTRICT),
                               ("street", code[:9] if code else NOWHERE)):  # fmt: skip
                grouped[tier, area].append(measured)
    rows = newest_values(demo_lake).filter(pl.col("metric_id") == entry.id)
    assert {(t, a) for t, a in rows.select("tier", "area_code").iter_rows()} >= grouped.keys()
    for tier, area, value in rows.select("tier", "area_code", "value").iter_rows():
        own = grouped.get((tier, area), [])
        if isinstance(entry, Distinct):
            assert value == len(set(own)), (tier, area)
        elif len(own) > 1:
            cuts = python_statistics.quantiles(own, n=100, method="inclusive")  # pyright: ignore[reportArgumentType]
            assert value == pytest.approx(cuts[round(entry.share * 100) - 1] * entry.scale)
        else:
            assert value == (pytest.approx(float(own[0]) * entry.scale) if own else None)


@pytest.mark.parametrize("name", ["daily_values", "period_values"])
def test_communities_and_unplaced_sum_to_streets_and_to_the_district(
    demo_lake: Lake, name: str
) -> None:
    values = demo_lake.read(tables.table("statistics", name)).filter(
        pl.col("metric_id").is_in([m.id for m in METRICS])
    )
    by = ["metric_id", *(["value_day"] if name == "daily_values" else ["period", "period_start"])]
    sums = values.group_by(*by, "tier").agg(pl.col("value").sum()).pivot(
        on="tier", index=by, values="value"
    )  # fmt: skip
    assert sums.height > 30
    assert sums.filter(pl.col("community") != pl.col("district")).is_empty()
    assert sums.filter(pl.col("street") != pl.col("district")).is_empty()
    streets = values.filter(
        (pl.col("tier") == "community") & (pl.col("area_code") != NOWHERE)
    ).with_columns(street=pl.col("area_code").str.head(9))
    summed = streets.group_by(*by, "street").agg(total=pl.col("value").sum())
    own = values.filter(pl.col("tier") == "street").rename({"area_code": "street"})
    joined = summed.join(own, on=[*by, "street"], how="full", coalesce=True, nulls_equal=True)
    assert joined.filter(
        (pl.col("street") != NOWHERE) & (pl.col("total") != pl.col("value"))
    ).is_empty()


def test_the_serving_file_shows_what_the_lake_holds(demo_run: Home) -> None:
    lake = Lake(demo_run)
    values = lake.read(tables.table("statistics", "period_values"))
    keys = ("metric_id", "tier", "area_code", "period", "period_start")
    with duckdb.connect(str(serving.serving_file(demo_run.serving)), read_only=True) as connection:
        shown = connection.execute(
            f"SELECT {', '.join(keys)}, value, is_withheld FROM metric_values"
        ).fetchall()
    persons = [one.id for one in BOOK if counts_persons(one)]
    values = values.filter(
        ~pl.col("metric_id").is_in(persons) | ~pl.col("period").is_in(["day", "week"])
    )
    expected = {row[:5]: row[5] for row in values.select(*keys, "value").iter_rows()}
    assert len(shown) == len(expected)
    for *key, value, is_withheld in shown:
        assert is_withheld or value == expected[tuple(key)]


def test_something_is_unplaced_and_shown(demo_run: Home) -> None:
    with duckdb.connect(str(serving.serving_file(demo_run.serving)), read_only=True) as connection:
        shown = connection.execute(
            "SELECT count(*) FROM metric_values WHERE area_name = '未定位' AND value > 0"
        ).fetchone()
    assert shown is not None
    assert shown[0] > 0
