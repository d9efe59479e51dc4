"""docs/sql.md: every query runs on a serving file, read-only, and answers as the page shows.

And docs/analysts.md names nothing that is not there.
"""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
from sql_page import DEMO, PAGE, answer, queries, renewed

from schemas.metrics import BY_ID, MetricEntry, ServedValue
from schemas.periods import PERIOD_ZH
from schemas.restatements import Restatement
from schemas.tables import SERVED, TABLES
from warehouse.home import Home
from warehouse.serving import serving_file

TEXT = PAGE.read_text(encoding="utf-8")
QUERIES = queries(TEXT)


@pytest.fixture(scope="module")
def file(demo_run: Home) -> Path:
    return serving_file(demo_run.serving)


def test_there_are_ten_questions_each_with_query_and_answer() -> None:
    assert len(QUERIES) == TEXT.count("\n## ") == 10
    assert [shown.count("\n") < 2 for _, shown in QUERIES] == [False] * 10


def test_the_settings_of_the_demo_stand_on_the_page() -> None:
    plain = " ".join(TEXT.split())
    for name, value in zip(DEMO[::2], DEMO[1::2], strict=True):
        assert f"{name} {value}" in plain


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, 11))
def test_a_query_answers_in_the_columns_shown(file: Path, number: int) -> None:
    sql, shown = QUERIES[number - 1]
    with duckdb.connect(str(file), read_only=True) as connection:
        found = answer(connection, sql).splitlines()
        again = answer(connection, sql).splitlines()
    assert found[0] == shown.splitlines()[0]
    assert len(found) > 2, "no rows"
    assert len(found) <= 2 + 6
    assert found == again


@pytest.mark.slow
def test_renewing_twice_changes_nothing_and_only_answers_are_renewed(file: Path) -> None:
    once = renewed(TEXT, file)
    assert renewed(once, file) == once
    assert [sql for sql, _ in queries(once)] == [sql for sql, _ in QUERIES]
    prose = [line for line in TEXT.splitlines() if not line.startswith("|")]
    assert [line for line in once.splitlines() if not line.startswith("|")] == prose


@pytest.mark.slow
def test_streets_and_unplaced_add_up_to_the_district_in_the_second_answer(file: Path) -> None:
    with duckdb.connect(str(file), read_only=True) as connection:
        rows = connection.execute(QUERIES[1][0]).fetchall()
    assert len({cases for _, _, cases, _ in rows}) == 1
    assert len(rows) == 3


def test_the_page_for_analysts_names_tables_and_columns_that_are_there() -> None:
    page = (PAGE.parent / "analysts.md").read_text(encoding="utf-8")
    words = set(re.findall(r"`([a-z][a-z_]*(?:\.[a-z_]+)?)`", page)) - {"deprecated", "current"}
    known = {column for one in (ServedValue, MetricEntry, Restatement) for column in one.columns()}
    known |= {table.name for table in (*SERVED, *TABLES)} | set(PERIOD_ZH) | set(BY_ID)
    known |= {f"metrics.{column}" for column in MetricEntry.columns()}
    assert len(words) > 25
    assert words - known == set()
