"""Mappings: how a supplier's own columns and codes become those of a known feed.

A mapping is a small YAML file of the site (`HOME/config/mappings/<name>.yaml`); a new supplier of a
known feed needs no Python. `docs/mappings.md` shows one. Not here: applying it
(`quality/mapped.py`), drafting one from a sample (`pipelines/drafting.py`).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, get_args

from schemas.contract import facts, required_columns, wire_columns
from schemas.feeds import BY_NAME, CoordinateSystem, Feed

FORMS = ("csv", "xlsx", "ndjson", "geojson")
"""Forms a mapped file may have; GA/T 1400 messages have names of their own."""

_KEYS = ("feed", "files", "encoding", "columns", "constants", "values", "time_formats",
         "time_zone", "coordinate_system", "ignore", "note")  # fmt: skip
_ZONE = re.compile(r"[+-]([01]\d|2[0-3]):[0-5]\d")


class MappingError(ValueError):
    """A mapping cannot be used; the message names file, key and remedy."""


@dataclass(frozen=True)
class Mapping:
    """One supplier's way of writing one feed.

    Attributes:
        name: Of the file, without its extension.
        feed: The feed its rows belong to.
        files: Pattern of landing files it is for, below `landing/` (`fire_responses/sf_*.csv`).
        columns: Contract column → the supplier's columns, the first with a value counts.
        constants: Contract column → text for every row.
        values: Contract column → the supplier's value → ours; others are quarantined by name.
        time_formats: Forms of times the platform does not read by itself (strptime).
        time_zone: Offset of times written without one (`+00:00`); none: city time.
        coordinate_system: Of longitude and latitude as delivered; none: as the feed declares.
        encoding: Of text files; none: UTF-8 or GB18030, told from the bytes.
        ignore: Columns known and not wanted; they are not reported as unknown.
    """

    name: str
    feed: Feed
    files: str
    columns: Table[str, tuple[str, ...]]
    constants: Table[str, str] = field(default_factory=dict)
    values: Table[str, Table[str, str]] = field(default_factory=dict)
    time_formats: tuple[str, ...] = ()
    time_zone: str | None = None
    coordinate_system: str | None = None
    encoding: str | None = None
    ignore: tuple[str, ...] = ()

    def matches(self, file: str) -> bool:
        """Whether a landing file, named below `landing/`, is for this mapping."""
        return fnmatchcase(file, self.files)

    @property
    def required(self) -> tuple[str, ...]:
        """Contract columns without which a row is nothing."""
        return tuple(required_columns(self.feed.contract))

    @property
    def wires(self) -> dict[str, tuple[str, ...]]:
        """Contract column → the supplier's names, for every column the contract reads."""
        return {c: tuple(self.columns.get(c, ())) for c in wire_columns(self.feed.contract)}


def mapping_of(name: str, document: Any, fault: Faults | None = None) -> Mapping:
    """A mapping from its parsed YAML.

    Args:
        name: Of the file, without its extension.
        document: What it holds.
        fault: Words for what is wrong, where this is part of another file than a mapping's.

    Raises:
        MappingError: a key, column, code or form is not known, or a required column has no source.
    """
    fault = fault or Faults(name)
    given = fault.table(document, "the file")
    fault.only(given, _KEYS, "key")
    feed = BY_NAME.get(str(given.get("feed")))
    if feed is None or (feed.object_name and not fault.of_rows):
        known = ", ".join(n for n, f in BY_NAME.items() if fault.of_rows or not f.object_name)
        raise fault(f"feed: {given.get('feed')!r} is none of: {known}")
    wired = wire_columns(feed.contract)
    columns = {
        column: tuple(map(str, source if isinstance(source, list) else [source]))
        for column, source in fault.table(given.get("columns"), "columns").items()
    }
    constants = {
        column: str(text)
        for column, text in fault.table(given.get("constants"), "constants").items()
    }
    values = {
        column: {str(theirs): str(ours) for theirs, ours in fault.table(pairs, column).items()}
        for column, pairs in fault.table(given.get("values"), "values").items()
    }
    for where, named in (("columns", columns), ("constants", constants), ("values", values)):
        fault.only(named, wired, f"{where}: column")
    for column in required_columns(feed.contract):
        if column not in columns and column not in constants:
            zh = facts(feed.contract, column)["zh"]
            raise fault(f"columns: {column}（{zh}） is required and has no source")
    zone = given.get("time_zone")
    if zone is not None and not _ZONE.fullmatch(str(zone)):
        raise fault(f"time_zone: {zone!r} is no offset such as '+08:00' (in quotes)")
    system = given.get("coordinate_system")
    if system is not None and system not in get_args(CoordinateSystem):
        raise fault(
            f"coordinate_system: {system!r} is none of: {', '.join(get_args(CoordinateSystem))}"
        )
    encoding = given.get("encoding")
    if encoding is not None and not _is_encoding(str(encoding)):
        raise fault(f"encoding: {encoding!r} is not known; usual: utf-8, gb18030")
    files = str(given.get("files") or f"{feed.source}/{name}/*")
    if files.split("/", 1)[0] not in {feed.source, feed.name}:
        raise fault(f"files: {files!r} does not begin with the feed's folder {feed.source}/")
    return Mapping(
        name, feed, files, columns, constants, values,
        tuple(map(str, fault.list(given.get("time_formats"), "time_formats"))),
        None if zone is None else str(zone), system,
        None if encoding is None else str(encoding),
        tuple(map(str, fault.list(given.get("ignore"), "ignore"))),
    )  # fmt: skip


def _is_encoding(name: str) -> bool:
    try:
        codecs.lookup(name)
    except LookupError:
        return False
    return True


@dataclass(frozen=True)
class Faults:
    """Words for what is wrong with a mapping.

    Attributes:
        name: Of the file, without its extension.
        kind: What the file is; it lies in `config/<kind>s/`.
        of_rows: Whether rows of feeds that otherwise arrive as messages may be mapped too.
    """

    name: str
    kind: str = "mapping"
    of_rows: bool = False

    def __call__(self, what: str) -> MappingError:
        """The error that says what is wrong, where, and the remedy."""
        remedy = f"mend the {self.kind}, or take it away, and run again"
        return MappingError(f"config/{self.kind}s/{self.name}.yaml: {what}: {remedy}")

    def table(self, value: Any, where: str) -> dict[str, Any]:
        """A value that should be `name: value` lines; none of them where it is missing."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self(f"{where}: should hold `name: value` lines")
        return {str(key): one for key, one in value.items()}

    def list(self, value: Any, where: str) -> list[Any]:
        """A value that should be a list; an empty one where it is missing."""
        if value is None:
            return []
        if not isinstance(value, list):
            raise self(f"{where}: should be a list")
        return value

    def only(self, given: Any, known: Any, what: str) -> None:
        """Refuse names that are not known."""
        if odd := [name for name in given if name not in known]:
            raise self(f"{what} {', '.join(odd)} is not known; known: {', '.join(known)}")
