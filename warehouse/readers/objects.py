"""JSON objects: GA/T 1400 messages in all their wire forms, and plain NDJSON.

One object per line is the fast path: DuckDB transforms a block of lines, reading only the fields
the contract names. Messages (a post or a notification, one per line or one per file) are taken
apart first (`messages.py`) and their objects go the same way. Forbidden fields are counted by name;
their values are never extracted (`schemas/protection.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

from schemas import protection
from schemas.contract import wire_columns
from schemas.feeds import BY_NAME, Feed
from warehouse.readers import Broken, Chunk, UnreadableFile
from warehouse.readers.messages import (
    BROKEN,
    ID_FIELDS,
    Opener,
    Taken,
    holds_messages,
    may_be_message,
    parsed,
)
from warehouse.readers.stream import LONGEST_LINE, Lines, lines, whole
from warehouse.readers.texts import UNREADABLE, count_name, field_name

LARGEST_DOCUMENT = 256 << 20

# Fields found below the object itself: where, as a path of DuckDB struct access.
# A box is given in the pixels of the source picture; crops travel beside it under ids of their own.
_SCENE = "list_filter(o.SubImageList.SubImageInfoObject, lambda s: s.ImageID = o.SourceID)[1]"
_NESTED = {"Width": f"{_SCENE}.Width", "Height": f"{_SCENE}.Height"}
_SUB_IMAGES = (
    '"SubImageList":{"SubImageInfoObject":'
    '[{"ImageID":"VARCHAR","Width":"VARCHAR","Height":"VARCHAR"}]}'
)
_BLANKS = np.frombuffer(b" \t\r\v\f\n", np.uint8)


class ObjectReader:
    """Reads one file of JSON objects for the feeds of one source."""

    def __init__(self, feeds: Sequence[Feed], default_feed: str | None = None) -> None:
        self.feeds = {f.name: f for f in feeds}
        kinds = {f.object_name: f.name for f in feeds if f.object_name}
        self.opener = Opener(kinds, default_feed or feeds[0].name)
        self.connection = duckdb.connect()
        self.connection.execute("SET threads = 1; SET preserve_insertion_order = true")

    def __call__(self, path: Path) -> Iterator[Chunk]:
        """Chunks of a file, line by line, or as one document if that is what it is.

        Raises:
            UnreadableFile: empty, damaged, or a `.json` that is neither a document nor lines.
        """
        first = True
        for block in lines(path):
            if first:
                first = False
                block.data = block.data.removeprefix(b"\xef\xbb\xbf")
                document = self._document(path, block)
                if document is not BROKEN:
                    yield self._opened(document, block.bytes_read)
                    return
            yield self._block(block)

    def _document(self, path: Path, block: Lines) -> Any:
        """A message spread over lines; `BROKEN` where the file is to be read line by line.

        Only a `.json` file can be one, and only if its first line is no JSON by itself. Where the
        whole is none either, one damaged line does not cost the complete objects on the others.
        """
        if ".json" not in (suffix.lower() for suffix in path.suffixes):
            return BROKEN
        if parsed(block.data.lstrip().split(b"\n", 1)[0]) is not BROKEN:
            return BROKEN
        try:
            document = parsed(whole(path, LARGEST_DOCUMENT).removeprefix(b"\xef\xbb\xbf"))
            refusal = UnreadableFile("not readable as JSON: neither one message nor one per line")
        except UnreadableFile as error:
            document, refusal = BROKEN, error
        if document is BROKEN and not _holds_an_object(block.data):
            raise refusal
        return document

    def _opened(self, document: Any, bytes_read: int) -> Chunk:
        taken = Taken()
        self.opener.take_apart(document, 1, taken)
        return self._chunk(taken, bytes_read)

    def _block(self, block: Lines) -> Chunk:
        if not _is_utf8(block.data):
            chunk = self._damaged(block)
        else:
            offsets = _line_offsets(block.data)
            firsts = np.frombuffer(block.data, np.uint8)[offsets[:-1]]
            table = _line_table(block.data, offsets, firsts, block.first_number)
            if holds_messages(block.data, firsts):
                chunk = self._mixed(table, block.bytes_read)
            else:
                chunk = Chunk(bytes_read=block.bytes_read)
                self._bare(table, chunk)
        for number in block.overlong:
            detail = f"line longer than {LONGEST_LINE >> 20} MiB"
            chunk.broken.append(Broken(self.opener.default, number, 1, detail))
        return chunk

    def _mixed(self, table: pa.Table, bytes_read: int) -> Chunk:
        """A block with messages beside bare objects: the few or many messages are taken out."""
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        is_message = frame.select(may_be_message(pl.col("line"))).to_series()
        taken = Taken()
        for line, number in frame.filter(is_message).iter_rows():
            self._open(line.encode(), line, number, taken)
        chunk = self._chunk(taken, bytes_read)
        if not is_message.all():
            self._bare(table.filter((~is_message).to_arrow()), chunk)
        return chunk

    def _damaged(self, block: Lines) -> Chunk:
        """A block with text that is not UTF-8: what cannot be decoded is marked, line by line."""
        taken = Taken()
        bare: list[str] = []
        numbers: list[int] = []
        for number, line in enumerate(block.data.split(b"\n"), start=block.first_number):
            text = line.decode("utf-8", "replace")
            if not line.strip():
                continue
            if holds_messages(line):
                self._open(line, text, number, taken)
            else:
                bare.append(text)
                numbers.append(number)
        chunk = self._chunk(taken, block.bytes_read)
        if bare:
            lines = pa.array(bare, pa.large_string())
            self._bare(pa.table({"line": lines, "row_number": numbers}), chunk)
        return chunk

    def _open(self, line: bytes, text: str, number: int, taken: Taken) -> None:
        if (document := parsed(line)) is BROKEN:
            feed = self.opener.feed_of(text)
            taken.broken.append(Broken(feed, number, 1, _describe(len(text))))
        else:
            self.opener.take_apart(document, number, taken)

    def _chunk(self, taken: Taken, bytes_read: int) -> Chunk:
        chunk = Chunk(
            broken=taken.broken,
            refused=taken.refused,
            dropped=taken.dropped,
            unknown=taken.unknown,
            bytes_read=bytes_read,
        )
        for name, items in taken.items.items():
            table = pa.table(
                {
                    "line": pa.array([o.text for o in items], pa.large_string()),
                    "row_number": pa.array([o.row_number for o in items], pa.int64()),
                    "item_number": pa.array([o.item_number for o in items], pa.int32()),
                    "trigger_time": pa.array([o.trigger_time for o in items], pa.large_string()),
                }
            )
            self._transform(table, self.feeds[name], chunk)
        return chunk

    def _bare(self, table: pa.Table, chunk: Chunk) -> None:
        """Sort bare object lines to their feeds by the id field they carry."""
        table = table.append_column("item_number", pa.array(np.ones(len(table), np.int32)))
        table = table.append_column("trigger_time", pa.nulls(len(table), pa.large_string()))
        feed_of_kind, default = self.opener.feed_of_kind, self.opener.default
        if not feed_of_kind:
            self._transform(table, self.feeds[default], chunk)
            return
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        kind = pl.lit(None, pl.String)
        for id_field, name in reversed(ID_FIELDS.items()):
            if name in feed_of_kind:
                has = pl.col("line").str.contains(f'"{id_field}"', literal=True)
                kind = pl.when(has).then(pl.lit(feed_of_kind[name])).otherwise(kind)
        frame = frame.with_columns(feed=kind.fill_null(default))
        for (name,), part in frame.group_by("feed", maintain_order=True):
            self._transform(part.drop("feed").to_arrow(), self.feeds[str(name)], chunk)

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
        _count_fields(keys, feed, chunk)


def _count_fields(keys: list[tuple[Any, ...]], feed: Feed, chunk: Chunk) -> None:
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
                count_name(chunk.unknown, field_name(name), times)


_KEYS_SQL = """
SELECT own, nested, count(*) FROM (
  SELECT TRY(json_keys(line)) AS own,
         TRY(json_keys(line, '$.SubImageList.SubImageInfoObject[*]')) AS nested
  FROM block)
GROUP BY ALL
"""


@cache
def _transform_sql(feed_name: str) -> str:
    """One parse per line: only the named fields, as text; null where the line is not an object.

    A list or object where a value should stand would come through as its JSON text, forbidden
    fields inside included: it is replaced.
    """
    feed = BY_NAME[feed_name]
    wires = wire_columns(feed.contract)
    flat = dict.fromkeys(w for wire in wires.values() for w in wire if w not in _NESTED)
    fields = [f'"{name}":"VARCHAR"' for name in flat]
    if feed.object_name:
        fields.append(_SUB_IMAGES)
    structure = "{" + ",".join(fields) + "}"
    columns = []
    for column, wire in wires.items():
        parts = [_NESTED.get(w, f'o."{w}"') for w in wire]
        if "TriggerTime" in wire:
            parts.append("trigger_time")
        text = f"coalesce({', '.join(parts)})"
        is_nested = f"ascii({text}) IN ({ord('[')}, {ord('{')})"
        columns.append(f"CASE WHEN {is_nested} THEN '{UNREADABLE}' ELSE {text} END AS {column}")
    return f"""
        SELECT {", ".join(columns)}, row_number, item_number, length(line) AS length,
               o IS NOT NULL AND left(ltrim(line, ' ' || chr(9) || chr(13)), 1) = '{{' AS is_object
        FROM (SELECT TRY(json_transform(line, '{structure}')) AS o, * FROM block)
    """


def _line_offsets(data: bytes) -> np.ndarray:
    """Where every line of a block begins, and where the last one ends."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
    offsets = np.empty(len(ends) + 1, np.int64)
    offsets[0], offsets[1:] = 0, ends + 1
    return offsets


def _line_table(
    data: bytes, offsets: np.ndarray, firsts: np.ndarray, first_number: int
) -> pa.Table:
    """Non-blank lines of a block and their numbers, without copying the text."""
    count = len(offsets) - 1
    array = pa.LargeStringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(data))
    table = pa.table({"line": array, "row_number": np.arange(first_number, first_number + count)})
    if np.isin(firsts, _BLANKS).any():
        table = table.filter(pa.array([bool(line.strip()) for line in data.split(b"\n")[:-1]]))
    return table


def _holds_an_object(data: bytes) -> bool:
    """Whether some line is a complete object by itself."""
    return any(
        line.lstrip()[:1] == b"{" and isinstance(document := parsed(line), dict) and document
        for line in data.split(b"\n")
    )


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _describe(length: int) -> str:
    return f"not readable as a JSON object ({length} characters)"
