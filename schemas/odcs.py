"""Export contracts: a topic's tables as an Open Data Contract Standard document (ODCS 3.0.2).

Everything comes from the contracts in `schemas`. ODCS 3.0 has no logical type for instants: they
are `date`, and `physicalType` says which. Field names: ODCS v3.0.2, sections fundamentals, schema,
data quality, SLA, custom properties (bitol.io, Apache-2.0).

Not here: which version a table has (`published.py`), where the document lies (`warehouse`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from schemas.contract import column_rules, facts, row_rules, rule_reason_zh
from schemas.dictionary import english, grain
from schemas.protection import SHARING_ZH, SMALLEST_PERSON_COUNT
from schemas.published import PublishedColumn
from schemas.table import Table

API_VERSION = "v3.0.2"
_LOGICAL = {"string": "string", "int64": "integer", "int32": "integer", "double": "number",
            "boolean": "boolean", "date": "date", "binary": "string"}  # fmt: skip
_INSTANT = "yyyy-MM-dd'T'HH:mm:ss.SSSSSSX"


@dataclass(frozen=True)
class PublishedTable:
    """A table of a release, without its rows.

    Attributes:
        topic: Its topic, the data product it belongs to.
        name: Its name within the topic.
        table: Where its contract stands.
        version: Semantic version of its columns.
        columns: As published.
        newest_day: Newest city day it holds; None for stocks and empty tables.
    """

    topic: str
    name: str
    table: Table
    version: str
    columns: tuple[PublishedColumn, ...]
    newest_day: date | None

    @property
    def label(self) -> str:
        """`<topic>.<table>`."""
        return f"{self.topic}.{self.name}"


def topic_zh(tables: Sequence[PublishedTable]) -> str:
    """What people call a topic: the first word of its tables' names."""
    return tables[0].table.zh.split()[0] if tables[0].table.layer == "topics" else "统计"


def contract_of(
    tables: Sequence[PublishedTable], version: str, release: str, as_of: datetime
) -> dict[str, Any]:
    """The contract of one topic.

    Args:
        tables: The tables of one topic.
        version: Of the contract.
        release: The release it lies in.
        as_of: Instant the rows speak of.

    Returns:
        The document, ready to be written as YAML.
    """
    topic, zh = tables[0].topic, topic_zh(tables)
    return {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": f"urn:govlake:product:{topic}",
        "name": zh,
        "version": version,
        "status": "active",
        "domain": "city governance",
        "dataProduct": topic,
        "description": {
            "purpose": f"{zh}主题数据，供下游系统按共享类别使用",
            "usage": "Read a table's folder as hive-partitioned parquet; instants are UTC, days "
                     "are city dates (Asia/Shanghai).",
            "limitations": f"人数小于 {SMALLEST_PERSON_COUNT} 的计数已隐去（空值）。Counts of "
                           f"persons below {SMALLEST_PERSON_COUNT} are withheld: null, not zero.",
        },
        "servers": [{"server": "release", "type": "local", "path": ".", "format": "parquet"}],
        "schema": [_object(t) for t in tables],
        "slaProperties": _sla(tables, as_of),
        "customProperties": [_custom("release", release)],
    }  # fmt: skip


def _object(one: PublishedTable) -> dict[str, Any]:
    rules = [_rule(one.table, rule) for rule in row_rules(one.table.contract)]
    return {
        "name": one.name,
        "physicalName": f"{one.topic}/{one.name}",
        "logicalType": "object",
        "physicalType": "parquet",
        "businessName": one.table.zh,
        "description": f"{one.topic}: {english(one.name)}",
        "dataGranularityDescription": grain(one.table.contract),
        "tags": [one.table.sharing],
        "properties": [_property(one, column) for column in one.columns],
        **({"quality": rules} if rules else {}),
        "customProperties": [
            _custom("schemaVersion", one.version),
            _custom("sharingClass", one.table.sharing),
            _custom("sharingClassZh", SHARING_ZH[one.table.sharing]),
        ],
    }


def _property(one: PublishedTable, column: PublishedColumn) -> dict[str, Any]:
    contract = one.table.contract
    about = facts(contract, column.name) if column.name in contract.columns() else {}
    note = f"; {about['note']}" if about.get("note") else ""
    custom = [_custom("unit", column.unit)] if column.unit else []
    if about.get("codes"):
        zh = about.get("codes_zh", {})
        custom.append(_custom("codes", {code: zh.get(code, code) for code in about["codes"]}))
    rules = column_rules(contract, column.name) if column.name in contract.columns() else []
    if not column.required:  # withheld where the contract itself forbids nulls
        rules = [rule for rule in rules if rule != "is_present"]
    quality = [_rule(one.table, f"{column.name}_{rule}") for rule in rules]
    return {
        "name": column.name,
        "businessName": column.title,
        "description": f"{english(column.name)}{note}",
        **_logical(column.type),
        "physicalType": column.type,
        "required": column.required,
        **({"partitioned": True, "partitionKeyPosition": 1} if column.partition else {}),
        "classification": column.privacy,
        **({"quality": quality} if quality else {}),
        **({"customProperties": custom} if custom else {}),
    }


def _logical(physical: str) -> dict[str, Any]:
    if physical.startswith("list<"):
        inner = physical.removeprefix("list<").removesuffix(">")
        return {"logicalType": "array", "items": _logical(inner)}
    if physical.startswith("timestamp"):
        return {"logicalType": "date", "logicalTypeOptions": {"format": _INSTANT}}
    if physical == "date":
        return {"logicalType": "date", "logicalTypeOptions": {"format": "yyyy-MM-dd"}}
    return {"logicalType": _LOGICAL[physical]}


def _rule(table: Table, sentence: str) -> dict[str, Any]:
    """A rule that holds for every row, under the name quarantine reports it by."""
    return {"name": sentence, "type": "text",
            "description": rule_reason_zh(table.contract, sentence)}  # fmt: skip


def _sla(tables: Sequence[PublishedTable], as_of: datetime) -> list[dict[str, Any]]:
    """How fresh this release is: what holds, not what is promised."""
    newest = [
        {"property": "newestDay", "value": t.newest_day.isoformat(), "element": t.name}
        for t in tables if t.newest_day
    ]  # fmt: skip
    return [{"property": "asOf", "value": as_of.isoformat(), "driver": "operational"}, *newest]


def _custom(name: str, value: object) -> dict[str, Any]:
    return {"property": name, "value": value}
