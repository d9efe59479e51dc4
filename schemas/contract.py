"""Contracts: one description per table, from which everything else about it is computed.

A contract is a dataframely schema whose columns also say what they are called in Chinese, how the
source writes them, their unit and their privacy class. The Delta schema, the rules of quarantine,
Dagster's column schema, DuckDB comments and the data dictionary all come from here.

Not here: how text becomes a value (`quality/reading.py`), where a table lies (`schemas/tables.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import dataframely as dy
import polars as pl

from schemas.city_time import INSTANT

Privacy = Literal["open", "quasi", "direct", "sensitive"]
Reader = Literal["text", "integer", "number", "flag", "instant", "date", "geometry"]

# dataframely names a column rule `<column>|<check>`; owners of data read what should hold.
_SENTENCES = {
    "nullability": "is_present",
    "regex": "is_well_formed",
    "min": "is_within_range",
    "max": "is_within_range",
    "min_exclusive": "is_within_range",
    "max_exclusive": "is_within_range",
    "is_in": "is_a_known_code",
    "min_length": "is_within_length",
    "max_length": "is_within_length",
    "check__known": "is_a_known_code",
    "check__length": "is_within_length",
    "nan": "is_readable",
    "inf": "is_readable",
}
_SENTENCE_ZH = {
    "is_present": "必填",
    "is_readable": "内容可读",
    "is_well_formed": "格式正确",
    "is_within_range": "数值在合理范围内",
    "is_within_length": "长度在限定范围内",
    "is_a_known_code": "取值在代码表内",
}


class Contract(dy.Schema):
    """Base of all contracts: a dataframely schema that knows its labels."""

    @classmethod
    def derive(cls, frame: pl.DataFrame) -> pl.DataFrame:
        """Add the columns that follow from others (a city day, a length). Nothing by default."""
        return frame


class Arrival(Contract):
    """Base of the feeds' contracts: where a row came from. Never part of a row's identity."""

    file_id = dy.String(
        nullable=False, metadata={"zh": "来源文件", "privacy": "open", "provenance": True}
    )
    row_number = dy.Int64(
        nullable=False, metadata={"zh": "行号", "privacy": "open", "provenance": True}
    )
    item_number = dy.Int32(
        nullable=False, metadata={"zh": "报文内序号", "privacy": "open", "provenance": True}
    )


PROVENANCE = ("file_id", "row_number", "item_number")


def _facts(
    zh: str,
    wire: Sequence[str] | str,
    reader: Reader,
    privacy: Privacy,
    unit: str | None,
    note: str | None,
) -> dict[str, Any]:
    names = (wire,) if isinstance(wire, str) else tuple(wire)
    return {
        "zh": zh,
        "wire": names,
        "reader": reader,
        "privacy": privacy,
        "unit": unit,
        "note": note,
    }


def text(
    zh: str,
    wire: Sequence[str] | str = (),
    *,
    required: bool = False,
    pattern: str | None = None,
    codes: Sequence[str] | Mapping[str, str] | None = None,
    privacy: Privacy = "open",
    max_length: int | None = None,
    note: str | None = None,
) -> dy.String:
    """A text column. `codes` closes the list of values; others break `…_is_a_known_code`.

    Given as a mapping, `codes` also say what each of them means in Chinese.
    """
    check: dict[str, Callable[[pl.Expr], pl.Expr]] = {}
    if codes is not None:
        known = list(codes)
        check["known"] = lambda c: c.is_in(known)
    if max_length is not None:  # dataframely's own max_length counts bytes
        check["length"] = lambda c: c.str.len_chars() <= max_length
    return dy.String(
        nullable=not required,
        regex=pattern,
        check=check or None,
        metadata=_facts(zh, wire, "text", privacy, None, note)
        | {
            "codes": tuple(codes or ()),
            "codes_zh": dict(codes) if isinstance(codes, Mapping) else {},
            "max_length": max_length,
        },
    )


def integer(
    zh: str,
    wire: Sequence[str] | str = (),
    *,
    required: bool = False,
    least: int | None = None,
    most: int | None = None,
    unit: str | None = None,
    privacy: Privacy = "open",
    note: str | None = None,
    guarded_by: str | None = None,
) -> dy.Int64:
    """A whole number.

    A sum over few is as telling as a small count: it is withheld wherever the count that
    `guarded_by` names is.
    """
    return dy.Int64(
        nullable=not required,
        min=least,
        max=most,
        metadata=_facts(zh, wire, "integer", privacy, unit, note) | {"guarded_by": guarded_by},
    )


def number(
    zh: str,
    wire: Sequence[str] | str = (),
    *,
    required: bool = False,
    least: float | None = None,
    most: float | None = None,
    unit: str | None = None,
    privacy: Privacy = "open",
    note: str | None = None,
) -> dy.Float64:
    """A measured number; never NaN or infinite."""
    return dy.Float64(
        nullable=not required,
        min=least,
        max=most,
        metadata=_facts(zh, wire, "number", privacy, unit, note),
    )


def flag(
    zh: str,
    wire: Sequence[str] | str = (),
    *,
    required: bool = False,
    privacy: Privacy = "open",
    note: str | None = None,
) -> dy.Bool:
    """A yes or no, however the source spells it (`true`, `"1"`, `是`)."""
    return dy.Bool(nullable=not required, metadata=_facts(zh, wire, "flag", privacy, None, note))


def instant(
    zh: str,
    wire: Sequence[str] | str = (),
    *,
    required: bool = False,
    privacy: Privacy = "open",
    note: str | None = None,
) -> dy.Datetime:
    """An instant, stored in UTC; text without a zone is city time."""
    return dy.Datetime(
        nullable=not required,
        time_unit="us",
        time_zone="UTC",
        metadata=_facts(zh, wire, "instant", privacy, "UTC", note),
    )


def day(
    zh: str,
    wire: Sequence[str] | str = (),
    *,
    required: bool = False,
    privacy: Privacy = "open",
    note: str | None = None,
) -> dy.Date:
    """A city date. With no wire name it is derived by the contract's `derive`."""
    return dy.Date(nullable=not required, metadata=_facts(zh, wire, "date", privacy, None, note))


def geometry(
    zh: str, wire: Sequence[str] | str = (), *, required: bool = False, note: str | None = None
) -> dy.Binary:
    """A shape as WKB, longitude and latitude in CGCS2000 / WGS 84 degrees."""
    return dy.Binary(
        nullable=not required, metadata=_facts(zh, wire, "geometry", "open", "degree", note)
    )


def facts(contract: type[Contract], column: str) -> dict[str, Any]:
    """Everything the contract says of a column beside its type and rules."""
    return contract.columns()[column].metadata or {}


def wire_columns(contract: type[Contract]) -> dict[str, tuple[str, ...]]:
    """Contract column → the names under which sources write it, preferred first."""
    return {
        name: wire
        for name, column in contract.columns().items()
        if (wire := (column.metadata or {}).get("wire"))
    }


def required_columns(contract: type[Contract]) -> list[str]:
    """Columns a table file must bring to be taken in at all."""
    columns = contract.columns()
    return [name for name in wire_columns(contract) if not columns[name].nullable]


def polars_schema(contract: type[Contract]) -> dict[str, pl.DataType]:
    """Column → Polars type, in contract order."""
    return {name: column.dtype for name, column in contract.columns().items()}


def private_columns(contract: type[Contract], *classes: Privacy) -> list[str]:
    """Columns whose privacy class is one of `classes`."""
    return [c for c in contract.columns() if facts(contract, c).get("privacy") in classes]


def rule_sentence(rule: str) -> str:
    """The name under which a broken rule is reported.

    >>> rule_sentence("capture_id|nullability")
    'capture_id_is_present'
    >>> rule_sentence("closes_after_it_is_reported")
    'closes_after_it_is_reported'
    """
    column, bar, check = rule.partition("|")
    return f"{column}_{_SENTENCES.get(check, check)}" if bar else rule


def column_rules(contract: type[Contract], column: str) -> list[str]:
    """Rules of one column, under the names they are reported by, without the column's own."""
    own = contract.columns()[column].validation_rules(pl.col(column))
    return list(dict.fromkeys(_SENTENCES.get(check, check) for check in own))


def row_rules(contract: type[Contract]) -> list[str]:
    """Rules over several columns, as sentences, base contracts first."""
    found = (item for one in reversed(contract.__mro__) for item in vars(one).items())
    return list(dict.fromkeys(name for name, rule in found if hasattr(rule, "validation_fn")))


def rule_reason_zh(contract: type[Contract], sentence: str) -> str:
    """A Chinese reason for a broken rule, for the owner of the data."""
    for name in sorted(contract.columns(), key=len, reverse=True):
        tail = sentence.removeprefix(f"{name}_")
        if tail != sentence and tail in _SENTENCE_ZH:
            return f"{facts(contract, name).get('zh', name)}：{_SENTENCE_ZH[tail]}"
    rule = getattr(contract, sentence, None)
    return str(getattr(getattr(rule, "validation_fn", None), "__doc__", None) or sentence)


__all__ = [
    "INSTANT",
    "PROVENANCE",
    "Arrival",
    "Contract",
    "Privacy",
    "Reader",
    "column_rules",
    "day",
    "facts",
    "flag",
    "geometry",
    "instant",
    "integer",
    "number",
    "polars_schema",
    "private_columns",
    "required_columns",
    "row_rules",
    "rule_reason_zh",
    "rule_sentence",
    "text",
    "wire_columns",
]
