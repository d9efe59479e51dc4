"""Tables as receivers know them: columns, types, and versions that say whether a reader still fits.

Versions are semantic. A column that is removed, renamed, retyped or may suddenly be null breaks
readers: it needs a higher `major` of its table, set by a person. An added column counts up the
minor version by itself, other wording (labels, units) the patch version.

Not here: the contract as a document (`odcs.py`), where the last release lies (`warehouse`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from schemas.contract import facts
from schemas.table import Table

WITHDRAWN: frozenset[str] = frozenset()
"""Tables that are published no more, on purpose, as `<topic>.<table>`."""

_TYPES = {
    pl.String: "string", pl.Int64: "int64", pl.Int32: "int32", pl.Float64: "double",
    pl.Boolean: "boolean", pl.Date: "date", pl.Binary: "binary",
}  # fmt: skip
_BREAKING = {"type": "of type", "required": "never null:", "partition": "in the path:"}


class BreakingChangeError(ValueError):
    """A release would break readers of the last one; the message says where and what to do."""


@dataclass(frozen=True)
class PublishedColumn:
    """One column of a published table.

    Attributes:
        name: Its name.
        type: Physical type, see `physical_type`.
        title: Chinese label.
        unit: Unit of the values, if any.
        required: Whether it is never null in what is published.
        privacy: Privacy class.
        partition: Whether it stands in the path (`<name>=<value>/`) instead of in the files.
    """

    name: str
    type: str
    title: str
    unit: str | None
    required: bool
    privacy: str
    partition: bool = False


def physical_type(dtype: pl.DataType) -> str:
    """The name under which contracts and manifests tell a column's type.

    >>> physical_type(pl.Datetime("us", "UTC")), physical_type(pl.List(pl.String()))
    ('timestamp[us, UTC]', 'list<string>')

    Raises:
        TypeError: columns of this type are not published.
    """
    if isinstance(dtype, pl.Datetime):
        return f"timestamp[{dtype.time_unit}, {dtype.time_zone}]"
    if isinstance(dtype, pl.List):
        return f"list<{physical_type(dtype.inner)}>"  # pyright: ignore[reportArgumentType]
    if dtype.base_type() not in _TYPES:
        raise TypeError(f"no published type for {dtype}")
    return _TYPES[dtype.base_type()]


def published_columns(
    table: Table, schema: Mapping[str, pl.DataType], day_column: str | None
) -> tuple[PublishedColumn, ...]:
    """The columns of a table as they are published; a partition column comes last, as readers see.

    A `sensitive` column may be null though its contract forbids it: where its count was withheld.
    """
    found = []
    for name, dtype in sorted(schema.items(), key=lambda item: item[0] == day_column):
        about = facts(table.contract, name) if name in table.contract.columns() else {}
        column = table.contract.columns().get(name)
        privacy = about.get("privacy", "open")
        found.append(
            PublishedColumn(
                name, physical_type(dtype), about.get("zh", name), about.get("unit"),
                column is not None and not column.nullable and privacy != "sensitive",
                privacy, name == day_column,
            )
        )  # fmt: skip
    return tuple(found)


def next_version(
    name: str, major: int, columns: Sequence[PublishedColumn], last: Mapping[str, Any] | None
) -> str:
    """The version a table is published under.

    Args:
        name: `<topic>.<table>`.
        major: As its `Table` declares.
        columns: As they are to be published.
        last: `version` and `columns` of the last release; None: never published.

    Raises:
        BreakingChangeError: readers of the last release would break, and `major` does not say so.
    """
    if last is None:
        return f"{major}.0.0"
    was_major, minor, patch = (int(part) for part in last["version"].split("."))
    if major < was_major:
        raise BreakingChangeError(
            f"{name}: declared as major version {major}, but {last['version']} is published: "
            f"a version never goes back; declare `major={was_major}` in its Table"
        )
    if major > was_major:
        return f"{major}.0.0"
    now = {c.name: asdict(c) for c in columns}
    was = {c["name"]: c for c in last["columns"]}
    if broken := _broken(was, now):
        raise BreakingChangeError(
            f"{name} {last['version']}: {'; '.join(broken)}. Readers would break: undo it, or "
            f"declare `major={major + 1}` in its Table and tell the receivers"
        )
    if now.keys() - was.keys():
        return f"{major}.{minor + 1}.0"
    return last["version"] if list(now.values()) == list(was.values()) else (
        f"{major}.{minor}.{patch + 1}"
    )  # fmt: skip


def _broken(was: Mapping[str, dict[str, Any]], now: Mapping[str, dict[str, Any]]) -> list[str]:
    """What would break readers, one clause per column."""
    broken = []
    new = [c for name, c in now.items() if name not in was]
    for name, before in was.items():
        after = now.get(name)
        if after is None:
            alike = [c["name"] for c in new if c["type"] == before["type"]]
            hint = f" (renamed to {' or '.join(alike)}?)" if alike else ""
            broken.append(f"column {name} was {before['type']}, now gone{hint}")
            continue
        for what, words in _BREAKING.items():
            is_breaking = before[what] and not after[what] if what == "required" else (
                before[what] != after[what]
            )  # fmt: skip
            if is_breaking:
                broken.append(f"column {name} was {words} {before[what]}, now {after[what]}")
    return broken


def check_nothing_vanished(now: Sequence[str], last: Sequence[str]) -> None:
    """Refuse a release that lacks a table the last one held.

    Raises:
        BreakingChangeError: a table is gone and not named in `WITHDRAWN`.
    """
    gone = sorted(set(last) - set(now) - WITHDRAWN)
    if gone:
        raise BreakingChangeError(
            f"{', '.join(gone)}: published before, now gone. Put it back (a renamed table is a "
            "new one), or name it in WITHDRAWN in schemas/published.py and tell the receivers"
        )


def product_version(tables: Mapping[str, str], last: Mapping[str, Any] | None) -> str:
    """The version of a topic's contract, which rises as its tables' versions do.

    Args:
        tables: Table → version, now.
        last: `version` and `tables` of the last release; None: never published.

    >>> product_version({"a": "2.0.0"}, {"version": "1.4.2", "tables": {"a": "1.9.0"}})
    '2.0.0'
    >>> product_version({"a": "1.1.0"}, {"version": "1.4.2", "tables": {"a": "1.0.0"}})
    '1.5.0'
    """
    if last is None:
        return "1.0.0"
    parts = [int(part) for part in last["version"].split(".")]
    rises = [_rise(last["tables"].get(name), version) for name, version in tables.items()]
    rises += [0 for name in last["tables"] if name not in tables]
    place = min(rises, default=3)
    if place == 3:
        return last["version"]
    return ".".join(str(p) for p in (*parts[:place], parts[place] + 1, *[0] * (2 - place)))


def _rise(before: str | None, after: str) -> int:
    """Which part of a version rose: 0, 1, 2; 3 for none. A new table is an addition."""
    if before is None:
        return 1
    pairs = zip(before.split("."), after.split("."), strict=True)
    return next((place for place, (b, a) in enumerate(pairs) if b != a), 3)
