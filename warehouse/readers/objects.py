"""JSON objects: GA/T 1400 messages in all their wire forms, and plain NDJSON.

One object per line is the fast path: DuckDB transforms a block of lines, reading only the fields
the contract names. Messages (a post or a notification, one per line or one per file) are taken
apart first and their objects go the same way. Forbidden fields are counted by name; their values
are never extracted (`schemas/protection.py`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

from schemas import protection
from schemas.contract import wire_columns
from schemas.feeds import Feed
from warehouse.readers import Broken, Chunk, UnreadableFile
from warehouse.readers.stream import Lines, lines, whole

LARGEST_DOCUMENT = 256 << 20

# Fields found below the object itself: where, as a path of DuckDB struct access.
# A box is given in the pixels of the source picture; crops travel beside it under ids of their own.
_SCENE = "list_filter(o.SubImageList.SubImageInfoObject, lambda s: s.ImageID = o.SourceID)[1]"
_NESTED = {"Width": f"{_SCENE}.Width", "Height": f"{_SCENE}.Height"}
_SUB_IMAGES = (
    '"SubImageList":{"SubImageInfoObject":'
    '[{"ImageID":"VARCHAR","Width":"VARCHAR","Height":"VARCHAR"}]}'
)
_MARKERS = (b'ListObject"', b'ObjectList"', b'"Disposition')


@dataclass
class _Object:
    """One object taken out of a message."""

    text: str
    row_number: int
    item_number: int
    trigger_time: str | None = None


@dataclass
class _Taken:
    """What a message gave: objects by feed, and what was wrong with it."""

    objects: dict[str, list[_Object]] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)
    refused: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)


class ObjectReader:
    """Reads one file of JSON objects for the feeds of one source."""

    def __init__(self, feeds: Sequence[Feed], default_feed: str | None = None) -> None:
        self.feeds = {f.name: f for f in feeds}
        self.by_object = {f.object_name: f for f in feeds if f.object_name}
        self.default = default_feed or feeds[0].name
        self.connection = duckdb.connect()
        self.connection.execute("SET threads = 1; SET preserve_insertion_order = true")

    def __call__(self, path: Path) -> Iterator[Chunk]:
        """Chunks of a file, line by line, or as one document if that is what it is."""
        first = True
        for block in lines(path):
            if first:
                first = False
                block.data = block.data.removeprefix(b"\xef\xbb\xbf")
                if self._is_one_document(path, block):
                    yield self._document(path, block.bytes_read)
                    return
            yield self._block(block)

    def _is_one_document(self, path: Path, block: Lines) -> bool:
        """A message spread over lines: the first line is no complete JSON, and `.json` says so."""
        if ".json" not in path.suffixes:
            return False
        head = block.data.lstrip().split(b"\n", 1)[0]
        return _parsed(head.decode("utf-8", "replace")) is _BROKEN

    def _document(self, path: Path, bytes_read: int) -> Chunk:
        text = whole(path, LARGEST_DOCUMENT).removeprefix(b"\xef\xbb\xbf")
        document = _parsed(text.decode("utf-8", "replace"))
        if document is _BROKEN:
            raise UnreadableFile("not readable as JSON: neither one message nor one per line")
        taken = _Taken()
        self._take_apart(document, 1, taken)
        return self._chunk(taken, bytes_read)

    def _block(self, block: Lines) -> Chunk:
        data, plain = block.data, True
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            plain = False
        if plain and not any(marker in data for marker in _MARKERS) and b"\n[" not in data:
            chunk = Chunk()
            table = _line_table(data, block.first_number)
            self._bare(table, chunk)
        else:
            chunk = self._mixed(block)
        for number in block.overlong:
            chunk.broken.append(Broken(self.default, number, 1, "line longer than 8 MiB"))
        chunk.bytes_read = block.bytes_read
        return chunk

    def _mixed(self, block: Lines) -> Chunk:
        """A block with messages, or with text that is not UTF-8, beside bare objects."""
        taken = _Taken()
        bare: list[bytes] = []
        numbers: list[int] = []
        for offset, line in enumerate(block.data.split(b"\n")):
            if not line.strip():
                continue
            number = block.first_number + offset
            if any(marker in line for marker in _MARKERS) or line.lstrip()[:1] == b"[":
                document = _parsed(line.decode("utf-8", "replace"))
                if document is _BROKEN:
                    name = self._feed_of(line.decode("utf-8", "replace"))
                    taken.broken.append(Broken(name, number, 1, _describe(len(line))))
                else:
                    self._take_apart(document, number, taken)
            else:
                bare.append(line.decode("utf-8", "replace").encode())
                numbers.append(number)
        chunk = self._chunk(taken, block.bytes_read)
        if bare:
            table = pa.table({"line": pa.array(bare, pa.large_binary()).cast(pa.large_string()),
                              "row_number": pa.array(numbers, pa.int64())})  # fmt: skip
            self._bare(table, chunk)
        return chunk

    # --- messages -----------------------------------------------------------------------------

    def _take_apart(self, document: Any, number: int, taken: _Taken) -> None:
        """Objects of a message, numbered in document order; a watch-list message is refused."""
        if _holds_watch_list(document):
            taken.refused += 1
            return
        found: list[tuple[str, Any, str | None]] = []
        messages = document if isinstance(document, list) else [document]
        for message in messages:
            if isinstance(message, dict):
                self._collect(message, None, found, taken)
            else:
                found.append(("", message, None))
        if not found:
            taken.broken.append(Broken(self.default, number, 1, "a message without objects"))
        for item, (name, value, trigger) in enumerate(found, start=1):
            feed = self.by_object.get(name)
            feed_name = feed.name if feed else self.default
            if not isinstance(value, dict):
                taken.broken.append(Broken(feed_name, number, item, "not a JSON object"))
                continue
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            taken.objects.setdefault(feed_name, []).append(_Object(text, number, item, trigger))

    def _collect(
        self,
        message: dict[str, Any],
        trigger: str | None,
        found: list[tuple[str, Any, str | None]],
        taken: _Taken,
    ) -> None:
        """Walk one message: wrappers, notifications, object lists, or the object itself."""
        if any(feed_key in message for feed_key in _id_fields()):
            name = next(_id_fields()[key] for key in _id_fields() if key in message)
            found.append((name, message, trigger))
            return
        own = message.get("TriggerTime")
        trigger = str(own) if own is not None else trigger
        ordered = [*(n for n in _LIST_ORDER if n in message),
                   *(n for n in message if n not in _LIST_ORDER)]  # fmt: skip
        for name in ordered:
            value = message[name]
            kind = name.removesuffix("Object") if name.endswith("Object") else ""
            if kind in self.by_object:
                found.extend((kind, one, trigger) for one in _listed(value))
            elif name in protection.dropped_fields():
                taken.dropped[name] += 1
            elif name in _WRAPPERS:
                for one in _listed(value):
                    if isinstance(one, dict):
                        self._collect(one, trigger, found, taken)
            elif name not in protection.known_fields():
                taken.unknown[_safe(name)] += 1

    def _chunk(self, taken: _Taken, bytes_read: int) -> Chunk:
        chunk = Chunk(
            broken=taken.broken,
            refused=taken.refused,
            dropped=taken.dropped,
            unknown=taken.unknown,
            bytes_read=bytes_read,
        )
        for name, objects in taken.objects.items():
            table = pa.table(
                {
                    "line": pa.array([o.text for o in objects], pa.large_string()),
                    "row_number": pa.array([o.row_number for o in objects], pa.int64()),
                    "item_number": pa.array([o.item_number for o in objects], pa.int32()),
                    "trigger_time": pa.array([o.trigger_time for o in objects], pa.large_string()),
                }
            )
            self._transform(table, self.feeds[name], chunk)
        return chunk

    # --- bare objects -------------------------------------------------------------------------

    def _bare(self, table: pa.Table, chunk: Chunk) -> None:
        """Sort bare object lines to their feeds by the id field they carry."""
        table = table.append_column("item_number", pa.array(np.ones(len(table), np.int32)))
        table = table.append_column("trigger_time", pa.nulls(len(table), pa.large_string()))
        if not self.by_object:
            self._transform(table, self.feeds[self.default], chunk)
            return
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        kind = pl.lit(None, pl.String)
        for id_field, name in reversed(_id_fields().items()):
            if name in self.by_object:
                has = pl.col("line").str.contains(f'"{id_field}"', literal=True)
                kind = pl.when(has).then(pl.lit(self.by_object[name].name)).otherwise(kind)
        frame = frame.with_columns(feed=kind.fill_null(self.default))
        for (name,), part in frame.group_by("feed", maintain_order=True):
            self._transform(part.drop("feed").to_arrow(), self.feeds[str(name)], chunk)

    def _feed_of(self, text: str) -> str:
        for id_field, name in _id_fields().items():
            if f'"{id_field}"' in text and name in self.by_object:
                return self.by_object[name].name
        return self.default

    def _transform(self, table: pa.Table, feed: Feed, chunk: Chunk) -> None:
        """Fields the contract names, as text; names of all others, counted."""
        self.connection.register("block", table)
        try:
            result = self.connection.execute(_transform_sql(feed.name)).to_arrow_table()
            keys = self.connection.execute(_KEYS_SQL).fetchall()
        finally:
            self.connection.unregister("block")
        frame = pl.from_arrow(result)
        assert isinstance(frame, pl.DataFrame)
        bad = frame.filter(~pl.col("is_object"))
        for row, item, length in bad.select("row_number", "item_number", "length").iter_rows():
            chunk.broken.append(Broken(feed.name, row, item, _describe(length)))
        rows = frame.filter("is_object").drop("is_object", "length")
        if rows.height:
            before = chunk.rows.get(feed.name)
            chunk.rows[feed.name] = rows if before is None else pl.concat([before, rows])
        self._count_fields(keys, feed, chunk)

    def _count_fields(self, keys: list[tuple[Any, ...]], feed: Feed, chunk: Chunk) -> None:
        wanted = {w for wire in wire_columns(feed.contract).values() for w in wire}
        forbidden, known = protection.dropped_fields(), protection.known_fields()
        is_ga1400 = feed.object_name is not None
        for own, nested, times in keys:
            for name in (*(own or ()), *(n for sub in nested or () for n in sub)):
                if name in wanted:
                    continue
                if is_ga1400 and name in forbidden:
                    chunk.dropped[name] += times
                elif not is_ga1400 or name not in known:
                    chunk.unknown[_safe(name)] += times


_WRAPPERS = frozenset(
    {
        "FaceListObject",
        "FaceObjectList",
        "MotorVehicleListObject",
        "MotorVehicleObjectList",
        "NonMotorVehicleListObject",
        "NonMotorVehicleObjectList",
        "SubscribeNotificationListObject",
        "SubscribeNotificationObject",
    }
)
_LIST_ORDER = ("FaceListObject", "FaceObjectList", "MotorVehicleListObject",
               "MotorVehicleObjectList", "NonMotorVehicleListObject",
               "NonMotorVehicleObjectList")  # fmt: skip
_BROKEN = object()


def _id_fields() -> dict[str, str]:
    """Id field → object name."""
    return {
        "FaceID": "Face",
        "MotorVehicleID": "MotorVehicle",
        "NonMotorVehicleID": "NonMotorVehicle",
    }


_KEYS_SQL = """
SELECT own, nested, count(*) FROM (
  SELECT TRY(json_keys(line)) AS own,
         TRY(json_keys(line, '$.SubImageList.SubImageInfoObject[*]')) AS nested
  FROM block)
GROUP BY ALL
"""


@cache
def _transform_sql(feed_name: str) -> str:
    """One parse per line: only the named fields, as text; null where the line is not an object."""
    from schemas.feeds import BY_NAME

    feed = BY_NAME[feed_name]
    wires = wire_columns(feed.contract)
    flat = dict.fromkeys(w for wire in wires.values() for w in wire if w not in _NESTED)
    fields = [f'"{name}":"VARCHAR"' for name in flat]
    if feed.object_name:
        fields.append(_SUB_IMAGES)
    structure = "{" + ",".join(fields) + "}"
    columns = []
    for column, wire in wires.items():
        parts = [_NESTED[w] if w in _NESTED else f'o."{w}"' for w in wire]
        if "TriggerTime" in wire:
            parts.append("trigger_time")
        columns.append(f"coalesce({', '.join(parts)}) AS {column}")
    return f"""
        SELECT {", ".join(columns)}, row_number, item_number, length(line) AS length,
               o IS NOT NULL AND left(ltrim(line), 1) = '{{' AS is_object
        FROM (SELECT TRY(json_transform(line, '{structure}')) AS o, * FROM block)
    """


def _line_table(data: bytes, first_number: int) -> pa.Table:
    """Non-blank lines of a block and their numbers, without copying the text."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10)
    offsets = np.empty(len(ends) + 1, np.int64)
    offsets[0], offsets[1:] = 0, ends + 1
    array = pa.LargeStringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(data))
    table = pa.table(
        {"line": array, "row_number": np.arange(first_number, first_number + len(ends))}
    )
    if (blank := np.diff(offsets) <= 2).any():
        keep = [bool(line.strip()) for line in data.split(b"\n")[:-1]] if blank.any() else None
        table = table.filter(pa.array(keep))
    return table


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _BROKEN


def _listed(value: Any) -> list[Any]:
    """A list as it is; one thing as a list of one; nothing as nothing."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _holds_watch_list(document: Any, depth: int = 0) -> bool:
    """Whether a disposition (布控) stands anywhere in the outer levels of a message."""
    if depth > 6:
        return False
    if isinstance(document, list):
        return any(_holds_watch_list(one, depth + 1) for one in document)
    if isinstance(document, dict):
        return any(
            name in protection.WATCH_LIST_FIELDS or _holds_watch_list(value, depth + 1)
            for name, value in document.items()
        )
    return False


def _describe(length: int) -> str:
    return f"not readable as a JSON object ({length} characters)"


def _safe(name: str) -> str:
    """A field name fit for a report: short, printable; a name can carry anything too."""
    plain = "".join(c for c in name[:40] if c.isidentifier() or c in "-. ")
    return plain or "(unprintable)"
