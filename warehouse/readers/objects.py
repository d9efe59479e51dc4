"""JSON objects: GA/T 1400 messages in all their wire forms, and plain NDJSON.

One object per line is the fast path: DuckDB transforms a block of lines, reading only the fields
the contract names. Messages (a post or a notification, one per line or one per file) are taken
apart first (`messages.py`) and their objects go the same way. Forbidden fields are counted by name;
their values are never extracted (`schemas/protection.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from schemas.feeds import Feed
from warehouse.readers import Broken, Chunk, Naming, UnreadableFile
from warehouse.readers.fields import FieldReader, describe
from warehouse.readers.messages import (
    BROKEN,
    ID_FIELDS,
    Opener,
    Taken,
    bare_kind,
    holds_messages,
    may_be_message,
    parsed,
    understood,
)
from warehouse.readers.stream import LONGEST_LINE, Lines, lines, whole

LARGEST_DOCUMENT = 256 << 20

_FIRST_KIND = next(iter(ID_FIELDS.values()))
_BLANKS = np.frombuffer(b" \t\r\v\f\n", np.uint8)


class ObjectReader:
    """Reads one file of JSON objects for the feeds of one source."""

    def __init__(
        self,
        feeds: Sequence[Feed],
        default_feed: str | None = None,
        naming: Naming | None = None,
    ) -> None:
        self.feeds = {f.name: f for f in feeds}
        kinds = {f.object_name: f.name for f in feeds if f.object_name}
        self.opener = Opener(kinds, default_feed or feeds[0].name)
        self.fields = FieldReader(naming)

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
            document = understood(whole(path, LARGEST_DOCUMENT).removeprefix(b"\xef\xbb\xbf"))
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
            begins_as = bare_kind(block.data, offsets)
            if holds_messages(block.data, offsets, begins_as):
                chunk = self._mixed(table, block.bytes_read)
            else:
                chunk = Chunk(bytes_read=block.bytes_read)
                self._bare(table, chunk, begins_as)
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
        if (document := understood(line)) is BROKEN:
            feed = self.opener.feed_of(text)
            taken.broken.append(Broken(feed, number, 1, describe(len(text))))
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
        for name, found in taken.objects.items():
            table = pa.table(
                {
                    "line": pa.array(found.texts, pa.large_binary()).cast(pa.large_string()),
                    "row_number": pa.array(found.row_numbers, pa.int64()),
                    "item_number": pa.array(found.item_numbers, pa.int32()),
                    "trigger_time": pa.array(found.trigger_times, pa.large_string()),
                }
            )
            self.fields.read(table, self.feeds[name], chunk)
        return chunk

    def _bare(self, table: pa.Table, chunk: Chunk, begins_as: str | None = None) -> None:
        """Sort bare object lines to their feeds by the id field they carry.

        Args:
            table: The lines.
            chunk: Takes their rows.
            begins_as: What every line begins as, where that is known. An id of the first kind
                decides, whatever else stands in the line.
        """
        table = table.append_column("item_number", pa.array(np.ones(len(table), np.int32)))
        table = table.append_column("trigger_time", pa.nulls(len(table), pa.large_string()))
        feed_of_kind, default = self.opener.feed_of_kind, self.opener.default
        if not feed_of_kind or (begins_as == _FIRST_KIND and begins_as in feed_of_kind):
            feed = feed_of_kind.get(begins_as or "", default)
            self.fields.read(table, self.feeds[feed], chunk)
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
            self.fields.read(part.drop("feed").to_arrow(), self.feeds[str(name)], chunk)


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
    starts_blank = np.flatnonzero(np.isin(firsts, _BLANKS))
    blank = [n for n in starts_blank if not data[offsets[n] : offsets[n + 1]].strip()]
    return table.filter(pa.array(~np.isin(np.arange(count), blank))) if blank else table


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
