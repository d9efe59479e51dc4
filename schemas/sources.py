"""Database sources: a table or query of a PostgreSQL database that feeds a known feed.

A source is a small YAML file of the site (`HOME/config/sources/<name>.yaml`): a mapping, and where
the rows are. `docs/sources.md` shows one. It names the environment variable that holds the
database's address and never holds that address, which may carry a password.

Not here: reading rows (`warehouse/postgres.py`), laying them into landing (`assets/pulling.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from schemas.mappings import Faults, Mapping, MappingError, mapping_of

BATCH_ROWS = 200_000
SETTLE_SECONDS = 60

_OWN = ("connection", "table", "query", "high_water", "batch_rows", "settle_seconds")
_MAPPED = ("feed", "columns", "constants", "values", "time_formats", "time_zone",
           "coordinate_system", "note")  # fmt: skip
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class SourceError(MappingError):
    """A source cannot be used or read; the message names it and the remedy, never a secret."""


@dataclass(frozen=True)
class Source:
    """Where rows of a feed are read from a database.

    Attributes:
        name: Of the file, without its extension; part of the names of the files it lands.
        mapping: How its columns and codes become the feed's.
        connection: Name of the environment variable that holds the database's address.
        table: Table or view, `schema.name`; None: `query` says what to read.
        query: A SELECT; None: `table` says what to read.
        high_water: Column that grows when a row is added or changed.
        batch_rows: Rows of a landed file, about.
        settle_seconds: How old a time of change must be to be read: what was written at that time
            is committed by then.
    """

    name: str
    mapping: Mapping
    connection: str
    table: str | None
    query: str | None
    high_water: str
    batch_rows: int = BATCH_ROWS
    settle_seconds: int = SETTLE_SECONDS

    @property
    def columns(self) -> tuple[str, ...]:
        """The database's columns that are read, and no others."""
        named = (name for names in self.mapping.wires.values() for name in names)
        return tuple(dict.fromkeys(named))

    @property
    def folder(self) -> str:
        """Folder below `landing/` its files are laid into."""
        return self.mapping.feed.name


def source_of(name: str, document: Any) -> Source:
    """A source from its parsed YAML.

    Raises:
        MappingError: a key is missing or not known, or the mapping in it cannot be used.
    """
    fault = Faults(name, kind="source", of_rows=True)
    if not _NAME.fullmatch(name):
        raise fault("the name of the file: has small letters, digits and _ only")
    given = fault.table(document, "the file")
    fault.only(given, (*_OWN, *_MAPPED), "key")
    connection = given.get("connection")
    if not isinstance(connection, str) or not _VARIABLE.fullmatch(connection):
        raise fault(
            "connection: should be the name of an environment variable that holds the address of "
            "the database, never the address itself"
        )
    table, query = (_text(fault, given, key) for key in ("table", "query"))
    if (table is None) == (query is None):
        raise fault("either table or query says what to read")
    high_water = _text(fault, given, "high_water")
    if high_water is None:
        raise fault("high_water: name the column that grows when a row is added or changed")
    mapped = {key: value for key, value in given.items() if key in _MAPPED}
    pattern = f"{given.get('feed')}/db-{name}-*"
    return Source(
        name,
        mapping_of(name, mapped | {"files": pattern}, fault),
        connection,
        table,
        query.strip().rstrip(";") if query else None,
        high_water,
        _whole(fault, given, "batch_rows", BATCH_ROWS, least=1),
        _whole(fault, given, "settle_seconds", SETTLE_SECONDS, least=0),
    )


def _text(fault: Faults, given: dict[str, Any], key: str) -> str | None:
    value = given.get(key)
    if value is not None and not (isinstance(value, str) and value.strip()):
        raise fault(f"{key}: should be text")
    return value


def _whole(fault: Faults, given: dict[str, Any], key: str, usual: int, *, least: int) -> int:
    value = given.get(key, usual)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise fault(f"{key}: should be a whole number, {least} or more")
    return value
