"""`govlake metrics list` and `show`: the SQL shown is run and gives the values published."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from pipelines.book import app, entry_of, facts
from pipelines.book_sql import steps_of
from schemas import tables
from schemas.metric import Metric, Ratio
from schemas.metrics import BOOK, BY_ID, counts_persons, tables_of
from warehouse.home import Home
from warehouse.serving import serving_file

DISTRICT = "350299"
SERVED = [one for one in BOOK if all(tables.table("topics", t).served for t in tables_of(one))]
OPEN = [one for one in SERVED if not counts_persons(one)]
"""Where counts of persons are withheld, a serving file's topic tables are not whole."""


def said(*words: str) -> str:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_list_has_every_metric_of_a_topic_and_no_other() -> None:
    ids = [line.split("│")[1].strip() for line in said("list", "--topic", "rentals").splitlines()
           if line.startswith("│")]  # fmt: skip
    expected = sorted(i for i, one in BY_ID.items() if one.topic == "rentals")
    assert sorted(i for i in ids if i) == expected


def test_a_topic_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(ValueError, match=r"no topic 'rental'; there are .*rentals"):
        said("list", "--topic", "rental")


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("governance_closed_cuont", "governance_closed_count"),
        ("整租平均", "rentals_whole_mean_rent"),
    ],
)
def test_an_unknown_metric_is_told_with_near_ones(word: str, near: str) -> None:
    with pytest.raises(ValueError, match=rf"no metric '{word}'.*{near}"):
        entry_of(word)


def test_of_an_id_like_none_the_list_is_named() -> None:
    with pytest.raises(ValueError, match="govlake metrics list"):
        entry_of("@@@@")


def test_without_a_publication_show_still_tells_what_a_metric_is(home: Home) -> None:
    text = said("show", "rentals_whole_mean_rent", "--home", str(home.root))
    for word in (
        "整租月租金合计 ÷ 整租已知租金套数",
        "rentals_whole_rent_fen",
        "below the line",
        "topics.rentals_counts",
        "rentals",
        "x 0.01",
        "nothing is published",
    ):
        assert word in text, word


def test_a_table_that_stays_in_the_lake_is_marked() -> None:
    kept = next((one for one in BOOK if one not in SERVED), None)
    assert kept is not None
    assert "(not in serving files)" in facts(kept)["tables"]
    assert "(not" not in facts(OPEN[0])["tables"]


@pytest.fixture(scope="module")
def district(demo_run: Home) -> Path:
    return serving_file(demo_run.serving)


def published(file: Path, metric_id: str) -> dict[tuple[str, str], float]:
    """Values to date or as of, by tier and area."""
    with duckdb.connect(str(file), read_only=True) as connection:
        rows = connection.execute(
            "SELECT tier, area_code, value FROM metric_values WHERE metric_id = ? "
            "AND period IN ('to_date', 'as_of')", [metric_id],
        ).fetchall()  # fmt: skip
    return {(tier, area): value for tier, area, value in rows}


def run(file: Path, sql: str) -> dict[tuple[str, str], float]:
    """What a three-tier query gives, summed by tier and area."""
    with duckdb.connect(str(file), read_only=True) as connection:
        rows = connection.execute(
            f"SELECT tier, area_code, sum(value) FROM ({sql}) GROUP BY ALL"
        ).fetchall()
    return {(tier, area): value for tier, area, value in rows}


@pytest.mark.slow
def test_the_sql_of_every_open_sum_gives_what_is_published(district: Path) -> None:
    sums = [one for one in OPEN if isinstance(one, Metric)]
    assert len(sums) > 50
    for one in sums:
        found = run(district, steps_of(one, DISTRICT)[-1].sql)
        shown = published(district, one.id)
        assert shown == {key: found.get(key, 0.0) for key in shown}, one.id
        assert found.keys() <= shown.keys(), one.id


@pytest.mark.slow
def test_the_two_sides_of_every_open_ratio_give_what_is_published(district: Path) -> None:
    ratios = [one for one in OPEN if isinstance(one, Ratio)]
    assert len(ratios) > 10
    for one in ratios:
        above, below = (run(district, step.sql) for step in steps_of(one, DISTRICT))
        for key, value in published(district, one.id).items():
            divisor = below.get(key, 0.0)
            mine = above.get(key, 0.0) * one.scale / divisor if divisor else None
            assert value == pytest.approx(mine), (one.id, key)


@pytest.mark.slow
def test_the_sql_of_the_others_gives_the_months_of_the_district(district: Path) -> None:
    others = [one for one in SERVED if not isinstance(one, Metric | Ratio)]
    assert others
    with duckdb.connect(str(district), read_only=True) as connection:
        for one in others:
            (step,) = steps_of(one, DISTRICT)
            months = f"SELECT CAST(period_start AS DATE), value FROM ({step.sql})"
            found = connection.execute(months).fetchall()
            shown = connection.execute(
                "SELECT period_start, value FROM metric_values WHERE metric_id = ? "
                "AND tier = 'district' AND period = 'month' AND value <> 0", [one.id],
            ).fetchall()  # fmt: skip
            assert sorted(found) == sorted(shown) != [], one.id


@pytest.mark.slow
def test_show_ends_with_the_newest_value_of_every_period(demo_run: Home, district: Path) -> None:
    text = said("show", "governance_closed_count", "--home", str(demo_run.root))
    with duckdb.connect(str(district), read_only=True) as connection:
        (value,) = connection.execute(
            "SELECT value FROM metric_values WHERE metric_id = 'governance_closed_count' AND "
            "area_code = '350299' AND period = 'to_date'"
        ).fetchall()[0]
    line = next(line for line in text.splitlines() if "to_date 累计" in line)
    assert f"{value:,.10g}" in line.replace("│", " ").split()
    assert [w for w in ("day 日", "week 周", "month 月", "year 年") if w not in text] == []
    street = said(
        "show", "rentals_tenant_count", "--home", str(demo_run.root), "--area", "350299001"
    )
    assert "350299001" in street
