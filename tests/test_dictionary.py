"""The data dictionary: complete, true to the contracts, and as committed."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import polars as pl
import pytest
from support import govlake

from assets.building import about
from assets.served import metric_book
from quality.judging import UNREADABLE_ROW
from schemas.contract import facts, rule_reason_zh, rule_sentence
from schemas.dictionary import _closed_codes, dictionary, grain
from schemas.feeds import FEEDS
from schemas.metric_words import home_of
from schemas.metrics import BOOK, ServedValue
from schemas.protection import PRIVACY_ZH
from schemas.tables import SERVED, TABLES, Table
from warehouse import serving
from warehouse.home import Home
from warehouse.lake import Lake, comments

PAGE = Path(__file__).parent.parent / "docs" / "dictionary.md"
ALL = [*TABLES, *SERVED]


@pytest.fixture(scope="module")
def page() -> str:
    return dictionary(ALL, BOOK)


def section(page: str, label: str) -> str:
    """A table's own part of the page, whichever tables share it."""
    heads = re.split(r'^<a id="', page, flags=re.MULTILINE)[1:]
    ledger = re.sub(r"\.\w+(_merges|_set_aside)$", r".table\1", label)
    ledger = "quarantine.feed" if label.startswith("quarantine.") else ledger
    ledger = "serving.metric_values" if label == "serving.parent_values" else ledger
    return next(part for part in heads if part.startswith(f'{ledger}"'))


def rows_of(part: str) -> dict[str, list[str]]:
    """Column → the cells of its line."""
    lines = [line for line in part.splitlines() if line.startswith("| `")]
    split = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return {cells[0].strip("`"): cells for cells in split}


def test_the_committed_page_is_not_behind(page: str) -> None:
    assert PAGE.read_text(encoding="utf-8") == page, (
        "the contracts have changed: run `govlake dictionary --write docs/dictionary.md`"
    )


def test_the_command_prints_and_writes_it(page: str, tmp_path: Path) -> None:
    govlake("dictionary", "--write", str(tmp_path / "page.md"))
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == page


@pytest.mark.parametrize("table", ALL, ids=lambda t: t.label)
def test_every_column_has_its_line(page: str, table: Table) -> None:
    part = section(page, table.label)
    assert grain(table.contract) in part.replace("\\|", "|")
    found = rows_of(part)
    for name, column in table.contract.columns().items():
        about_it, cells = facts(table.contract, name), found[name]
        assert cells[1].startswith(f"{about_it['zh']}, ")
        assert (cells[4] == "✓") == (not column.nullable)
        assert cells[2].split()[0] in {"text", "integer", "number", "flag", "instant", "date",
                                       "shape", "list"}  # fmt: skip
        if (privacy := about_it["privacy"]) != "open":
            assert cells[5] == f"{privacy} {PRIVACY_ZH[privacy]}"
        for code in about_it.get("codes", ()):
            assert f"`{code}`" in cells[6]
        for wire in about_it.get("wire", ()):
            assert wire in cells[7].split("、")


@pytest.mark.parametrize("feed", FEEDS, ids=lambda f: f.name)
def test_every_rule_of_a_feed_is_told(page: str, feed) -> None:
    part = section(page, f"bronze.{feed.name}")
    found = rows_of(part)
    for rule in feed.contract._validation_rules(with_cast=False):
        column, bar, _ = rule.partition("|")
        sentence = rule_sentence(rule)
        reason = rule_reason_zh(feed.contract, sentence)
        if not bar:
            assert f"* `{sentence}`: {reason}" in part
        elif sentence == f"{column}_is_present":
            assert found[column][4] == "✓"
        else:
            suffix = sentence.removeprefix(f"{column}_")
            assert f"`{suffix}` " in page.split("\n## ")[0]
            assert f"`{suffix}`: " in found[column][6] or suffix == "is_readable"
            assert reason.startswith(str(facts(feed.contract, column)["zh"]))
    assert UNREADABLE_ROW not in part


def test_every_metric_stands_under_its_table(page: str) -> None:
    for metric in BOOK:
        cells = rows_of(section(page, f"topics.{home_of(metric)}"))[metric.id]
        assert cells[1:4] == [metric.zh, metric.definition, metric.unit]


def test_every_link_leads_somewhere(page: str) -> None:
    anchors = set(re.findall(r'<a id="([^"]+)"></a>', page))
    links = set(re.findall(r"\]\(#([^)]+)\)", page))
    assert links <= anchors
    assert len(anchors) == len(re.findall(r"^### ", page, re.MULTILINE))


def test_a_contract_without_a_grain_is_refused() -> None:
    class Nameless(ServedValue):
        """No word of what a row is."""

    with pytest.raises(ValueError, match="Nameless"):
        grain(Nameless)


def test_codes_told_of_a_column_are_those_of_the_feed_it_names(demo_lake: Lake) -> None:
    """Silver and topic columns have codes, or point to a feed's: their values are among them."""
    closed, seen = _closed_codes(ALL), 0
    for table in (t for t in TABLES if t.layer in ("silver", "topics")):
        for name in table.contract.columns():
            label = facts(table.contract, name).get("zh")
            source = closed.get((name, str(label)))
            own = facts(table.contract, name).get("codes")
            if source is None and not own:
                continue
            values = set(demo_lake.read(table, [name])[name].drop_nulls())
            known = own or (source and facts(source.contract, name)["codes"])
            assert values <= set(known or ()), (table.label, name)
            seen += 1
    assert seen > 10


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.label)
def test_dagster_shows_grain_key_class_and_units(table: Table) -> None:
    given = about(table)
    shown = given["metadata"]
    assert given["tags"] == {"sharing": table.sharing}
    assert shown["粒度 grain"] == grain(table.contract)
    for column in table.sort_by:
        assert column in shown["主键/排序 key"]
    for column in shown["dagster/column_schema"].columns:
        said = facts(table.contract, column.name)
        assert said["zh"] in column.description
        assert column.tags["privacy"] == said["privacy"]
        assert said.get("unit") is None or said["unit"] in column.description


def test_every_served_table_and_column_has_a_comment(demo_run: Home) -> None:
    file = serving.serving_file(demo_run.serving)
    with duckdb.connect(str(file), read_only=True) as connection:
        tables = connection.execute("SELECT table_name, comment FROM duckdb_tables()").fetchall()
        columns = connection.execute(
            "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal"
        ).fetchall()
    served = {t.name: t for t in ALL if t.layer == "serving" or t.served}
    assert {name for name, _ in tables} == set(served)
    assert all(comment for _, comment in tables)
    for table, column, comment in columns:
        assert comment == comments(served[table])[column], (table, column)
    assert len(columns) == sum(len(t.contract.columns()) for t in served.values())


def test_the_metric_book_is_as_its_contract_says() -> None:
    book = metric_book()
    assert book.height == len(BOOK)
    assert book.schema["is_daily"] == pl.Boolean
