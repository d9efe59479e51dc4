"""Every contract against hand-written examples: a good row, and one row per rule that breaks it."""

from __future__ import annotations

import inspect
import sys
from collections import Counter

import polars as pl
import pytest
from contract_book import Book, Texts
from contract_examples import BOOKS

from quality.judging import judge
from schemas.contract import (
    PROVENANCE,
    Contract,
    facts,
    polars_schema,
    private_columns,
    rule_reason_zh,
    rule_sentence,
    wire_columns,
)
from schemas.feeds import BY_NAME, FEEDS
from schemas.ledgers import QuarantinedRow
from schemas.metrics import METRICS
from schemas.protection import FORBIDDEN_COLUMN
from schemas.tables import ACCOUNTED, BY_KEY, TABLES

LABELS = [table.label for table in TABLES]
by_feed = pytest.mark.parametrize("name", BY_NAME)
by_table = pytest.mark.parametrize("table", TABLES, ids=LABELS)

# Feeds whose contract and room do not say their grain yet.

UNREADABLE = {"text": "a\x00b", "integer": "12.5", "number": "NaN", "flag": "maybe",
              "instant": "2026-02-30 08:00:00", "date": "2026-02-30", "geometry": "{}"}  # fmt: skip


def breaking(book: Book) -> list[tuple[str, Texts]]:
    """Every rule of a book with the changes to the good row that break it."""
    made: list[tuple[str, Texts]] = []
    made += [(f"{c}_is_present", {c: None}) for c in book.must.split()]
    made += [(f"{c}_is_present", {c: " \u3000"}) for c in book.must.split()]
    made += [(f"{c}_is_a_known_code", {c: "no such code"}) for c in book.codes.split()]
    made += [(f"{c}_is_within_length", {c: "x" * (n + 1)}) for c, n in book.lengths.items()]
    made += [(f"{c}_is_well_formed", {c: bad}) for c, bad in book.badly_formed.items()]
    for column, (least, most) in book.ranges.items():
        along, rule = book.along.get(column, {}), f"{column}_is_within_range"
        made.append((rule, along | {column: str(least - 1)}))
        if most is not None:
            made.append((rule, along | {column: str(most + 1)}))
    return made + book.broken


def borders(book: Book) -> list[tuple[str, Texts]]:
    """Rules with values just inside them."""
    made = [(f"{c}_is_within_length", {c: "x" * n}) for c, n in book.lengths.items()]
    for column, ends in book.ranges.items():
        made += [(f"{column}_is_within_range", {column: str(end)}) for end in ends if end]
    return made


def judged(name: str, changes: list[Texts]) -> tuple[pl.DataFrame, list[list[str]]]:
    """Accepted rows, and the broken rules of every changed row (none where it was accepted)."""
    contract = BY_NAME[name].contract
    rows = [BOOKS[name].good | change for change in changes]
    texts = pl.DataFrame(rows, schema=dict.fromkeys(wire_columns(contract), pl.String))
    texts = texts.with_columns(
        file_id=pl.lit("f"), row_number=pl.int_range(pl.len()), item_number=pl.lit(1, pl.Int32)
    )
    both = judge(contract, texts)
    assert both.accepted.height + both.quarantined.height == len(rows)
    assert both.quarantined.schema == pl.Schema(polars_schema(QuarantinedRow))
    rules: list[list[str]] = [[] for _ in rows]
    for row in both.quarantined.iter_rows(named=True):
        rules[row["row_number"]] = row["rules"]
    return both.accepted, rules


def readers(contract: type[Contract]) -> dict[str, str]:
    return {column: facts(contract, column)["reader"] for column in wire_columns(contract)}


def derived(contract: type[Contract]) -> set[str]:
    return set(contract.columns()) - set(wire_columns(contract)) - set(PROVENANCE)


@by_feed
def test_a_good_row_fills_every_wire_column_and_is_accepted(name: str) -> None:
    contract = BY_NAME[name].contract
    assert list(BOOKS[name].good) == [c for c in BOOKS[name].good if c in wire_columns(contract)]
    assert set(BOOKS[name].good) == set(wire_columns(contract))
    accepted, rules = judged(name, [{}, *BOOKS[name].kept])
    assert rules == [[] for _ in rules]
    assert accepted.schema == pl.Schema(polars_schema(contract))
    filled = {c for c, text in BOOKS[name].good.items() if text is not None}
    assert {c for c in filled | derived(contract) if accepted[c][0] is None} == set()


@by_feed
def test_every_broken_rule_is_reported_by_its_name_and_alone(name: str) -> None:
    made = breaking(BOOKS[name])
    _, rules = judged(name, [changes for _, changes in made])
    for (rule, changes), found in zip(made, rules, strict=True):
        implied = BOOKS[name].implied.get(rule, set())
        assert found in ([rule], sorted({rule, *implied})), (rule, changes)


@by_feed
def test_values_on_the_border_of_a_rule_keep_it(name: str) -> None:
    made = borders(BOOKS[name])
    _, rules = judged(name, [changes for _, changes in made])
    for (rule, changes), found in zip(made, rules, strict=True):
        assert rule not in found, changes


@by_feed
def test_every_rule_of_a_contract_has_an_example(name: str) -> None:
    contract = BY_NAME[name].contract
    rules = {rule_sentence(rule) for rule in contract._validation_rules(with_cast=False)}
    never_alone = {f"{c}_is_present" for c in (*derived(contract), *PROVENANCE)}
    readable = {f"{c}_is_readable" for c in wire_columns(contract)}
    assert rules - never_alone - readable == {rule for rule, _ in breaking(BOOKS[name])}


@by_feed
def test_unreadable_text_is_reported_as_unreadable_and_nothing_else(name: str) -> None:
    columns = readers(BY_NAME[name].contract)
    _, rules = judged(name, [{c: UNREADABLE[reader]} for c, reader in columns.items()])
    for column, found in zip(columns, rules, strict=True):
        rule = f"{column}_is_readable"
        assert found == sorted({rule, *BOOKS[name].implied.get(rule, set())})


@by_feed
def test_a_row_breaking_two_rules_is_told_of_both(name: str) -> None:
    one, two = BOOKS[name].must.split()[:2]
    _, rules = judged(name, [{one: None, two: UNREADABLE[readers(BY_NAME[name].contract)[two]]}])
    assert rules == [sorted([f"{one}_is_present", f"{two}_is_readable"])]


def test_lengths_are_counted_in_characters() -> None:
    for name, book in BOOKS.items():
        _, rules = judged(name, [{c: "长" * most} for c, most in book.lengths.items()])
        assert all("length" not in rule for found in rules for rule in found), name


@by_feed
def test_every_rule_has_a_chinese_reason(name: str) -> None:
    for rule, _ in breaking(BOOKS[name]):
        reason = rule_reason_zh(BY_NAME[name].contract, rule)
        assert any("\u4e00" <= c <= "\u9fff" for c in reason), rule


def test_every_feed_has_examples() -> None:
    assert sorted(BOOKS) == sorted(feed.name for feed in FEEDS)


# What holds of the contracts as they are written.


def grain_of(contract: type[Contract]) -> str:
    """The contract's own docstring; for rows of feeds also what stands above them."""
    own = inspect.getdoc(contract) or ""
    feed = next((feed for feed in FEEDS if feed.contract is contract), None)
    if feed is None:
        return own
    module = sys.modules[contract.__module__].__doc__ or ""
    assert f"bronze.{feed.name}" in own, "a feed's contract names its table"
    return own + module


@by_table
def test_a_table_says_its_grain(table) -> None:
    assert "Grain" in grain_of(table.contract)


@by_table
def test_every_column_has_its_own_chinese_label(table) -> None:
    labels = {c: facts(table.contract, c).get("zh", "") for c in table.contract.columns()}
    assert all(any("\u4e00" <= c <= "\u9fff" for c in label) for label in labels.values()), labels
    assert [label for label, n in Counter(labels.values()).items() if n > 1] == []


@by_table
def test_no_column_could_hold_what_is_never_let_in(table) -> None:
    assert [c for c in table.contract.columns() if FORBIDDEN_COLUMN.search(c)] == []


@by_table
def test_direct_identifiers_stay_in_the_restricted_zone(table) -> None:
    assert table.is_restricted or not private_columns(table.contract, "direct")


@by_table
def test_partitions_and_sort_orders_name_columns(table) -> None:
    columns = set(table.contract.columns())
    assert {*table.sort_by, table.partition_by or table.sort_by} - {table.sort_by} <= columns


def test_table_names_are_unique_and_accounts_name_tables() -> None:
    assert len(set(LABELS)) == len(TABLES)
    assert {f for feeds in ACCOUNTED.values() for f in feeds} == set(BY_NAME)
    assert all(("silver", name) in BY_KEY for name in ACCOUNTED)


@pytest.mark.parametrize("metric", METRICS, ids=[m.id for m in METRICS])
def test_a_metric_sums_a_whole_number_of_its_topic_table(metric) -> None:
    table = BY_KEY[("topics", metric.table)]
    schema = polars_schema(table.contract)
    assert metric.measure is None or schema[metric.measure] == pl.Int64
    assert metric.day_column is None or schema[metric.day_column] == pl.Date
    assert {column for column, _ in metric.where} <= set(schema)
    assert all(schema[column] == pl.String and values for column, values in metric.where)


def test_feeds_name_columns_they_have() -> None:
    for feed in FEEDS:
        schema = polars_schema(feed.contract)
        assert {*feed.key, *feed.version_columns} <= set(schema), feed.name
        assert feed.day_column is None or schema[feed.day_column] == pl.Date, feed.name
        assert all(str(schema[c]).startswith("Datetime") for c in feed.version_columns), feed.name
