"""Judging arrived rows by their contract: accepted with types, or quarantined with broken rules."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from quality.mapped import BROKEN_BY_MAPPING
from quality.reading import READERS
from schemas.contract import (
    PROVENANCE,
    Contract,
    facts,
    polars_schema,
    rule_sentence,
    wire_columns,
)
from schemas.ledgers import QuarantinedRow

UNREADABLE_ROW = "row_is_readable"
"""The rule broken by text that could not be parsed into columns at all."""

_AT = list(PROVENANCE)


@dataclass(frozen=True)
class Judged:
    """Rows of one chunk, split. Every row that came in is in exactly one of the two."""

    accepted: pl.DataFrame
    quarantined: pl.DataFrame


def judge(contract: type[Contract], texts: pl.DataFrame) -> Judged:
    """Read and judge the rows of a chunk.

    Args:
        contract: The feed's contract.
        texts: One text column per wire column of the contract, plus the provenance columns.

    Returns:
        Accepted rows in the contract's types, and quarantined rows (`QuarantinedRow`) with the
        sorted names of all rules each one broke.
    """
    frame, unreadable = _read(contract, texts)
    if BROKEN_BY_MAPPING in texts.columns:
        unreadable = pl.concat([unreadable, _by_mapping(texts)])
    frame = contract.derive(frame).select(list(contract.columns()))
    is_typed = dict(frame.schema) == polars_schema(contract)
    accepted, failure = contract.filter(frame, cast=not is_typed)
    if unreadable.is_empty() and accepted.height == frame.height:
        return Judged(accepted, empty_quarantine())
    broken = _broken_rules(contract, failure.details(), unreadable)
    if not unreadable.is_empty():
        accepted = accepted.join(unreadable.select(_AT).unique(), on=_AT, how="anti")
    rows = texts.join(broken, on=_AT, how="inner").select(
        *_AT, "rules", row=pl.struct(list(wire_columns(contract))).struct.json_encode()
    )
    quarantined = rows.with_columns(detail=pl.lit(None, pl.String))
    columns = [pl.col(n).cast(t) for n, t in polars_schema(QuarantinedRow).items()]
    return Judged(accepted, quarantined.select(columns))


def _by_mapping(texts: pl.DataFrame) -> pl.DataFrame:
    """(row, rule) for what a mapping could not translate; what follows from it is not repeated."""
    rules = texts.select(*_AT, rule=pl.col(BROKEN_BY_MAPPING)).explode("rule")
    return rules.filter(pl.col("rule").is_not_null())


def empty_quarantine() -> pl.DataFrame:
    """No quarantined rows."""
    return pl.DataFrame(schema=polars_schema(QuarantinedRow))


def _read(contract: type[Contract], texts: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Typed columns, and (row, rule) for every text that was present but could not be read."""
    columns: list[pl.Series] = []
    unread: list[pl.DataFrame] = []
    for name in wire_columns(contract):
        text = texts[name]
        value = READERS[facts(contract, name)["reader"]](text).alias(name)
        columns.append(value)
        if value.null_count() == text.null_count():
            continue
        lost = value.is_null() & text.is_not_null() & (text.str.strip_chars() != "")
        if lost.any():
            where = texts.filter(lost).select(_AT)
            unread.append(where.with_columns(rule=pl.lit(f"{name}_is_readable")))
    frame = texts.select(_AT).with_columns(columns)
    nothing = frame.select(_AT).clear().with_columns(rule=pl.lit(None, pl.String))
    return frame, pl.concat(unread) if unread else nothing


def _broken_rules(
    contract: type[Contract], details: pl.DataFrame, unreadable: pl.DataFrame
) -> pl.DataFrame:
    """Row → sorted rule sentences.

    What follows from an unreadable or missing text is not repeated.
    """
    rules = [c for c in details.columns if c not in contract.columns()]
    invalid = (
        details.select(*_AT, *(pl.col(rule).cast(pl.String) for rule in rules))
        .unpivot(on=rules, index=_AT, variable_name="rule")
        .filter(pl.col("value") == "invalid")
        .select(*_AT, pl.col("rule").replace({rule: rule_sentence(rule) for rule in rules}))
    )
    pairs = pl.concat([unreadable, invalid])
    unread_columns = pl.col("rule").str.replace(r"_is_readable$|_is_mapped: .*$", "")
    absent = unreadable.with_columns(rule=pl.concat_str(unread_columns, pl.lit("_is_present")))
    pairs = pairs.join(absent, on=[*_AT, "rule"], how="anti")
    derived = [f"{c}_is_present" for c in contract.columns()
               if c not in wire_columns(contract) and c not in _AT]  # fmt: skip
    return (
        pairs.with_columns(is_derived=pl.col("rule").is_in(derived))
        .with_columns(only_derived=pl.col("is_derived").all().over(_AT))
        .filter(~pl.col("is_derived") | pl.col("only_derived"))
        .group_by(_AT)
        .agg(rules=pl.col("rule").unique().sort())
    )
