"""Table files: CSV in UTF-8 or GB18030, and XLSX. Columns are found by name, in any order.

Records are cut by us (`records.py`) and parsed by Arrow: one stray quote then costs one row, not
the rest of the file. Unknown columns are reported by name and never read.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
from pyarrow import csv as arrow_csv

from schemas.feeds import Feed
from warehouse.readers import Broken, Chunk, MissingColumns, Naming, UnreadableFile, usual_naming
from warehouse.readers.records import OVERLONG, field_count, fields, records
from warehouse.readers.stream import LONGEST_LINE
from warehouse.readers.texts import count_name, header_name
from warehouse.readers.workbooks import first_sheet

MOST_COLUMNS = 2000
"""More is no table: every column costs memory in every chunk."""


class CsvReader:
    """Reads one CSV file of one feed."""

    def __init__(self, feed: Feed, naming: Naming | None = None) -> None:
        self.feed = feed
        self.naming = naming or usual_naming(feed)

    def __call__(self, path: Path) -> Iterator[Chunk]:
        """Chunks of a file in order.

        Raises:
            UnreadableFile: empty, damaged, or a required column is missing.
        """
        header: dict[str, list[int]] | None = None
        width, number = 0, 1
        for found, taken in records(path, self.naming.encoding):
            chunk = Chunk(bytes_read=taken)
            if header is None:
                names = _header(found[0])
                header = place_columns(self.naming, names, chunk.unknown)
                width, found = len(names), found[1:]
            self._parse(found, number, width, header, chunk)
            number += len(found)
            yield chunk
        if header is None:
            raise UnreadableFile("the file holds nothing but blank lines")

    def _parse(
        self,
        found: list[str],
        number: int,
        width: int,
        header: dict[str, list[int]],
        chunk: Chunk,
    ) -> None:
        """Parse records; those of another width or with stray quotes become broken rows."""
        good = [(i, record) for i, record in enumerate(found) if field_count(record) == width]
        table, odd = _arrow_table([record for _, record in good], width)
        kept = [i for j, (i, _) in enumerate(good) if j not in odd]
        for i in sorted(set(range(len(found))).difference(kept)):
            detail = f"not readable as {width} columns ({len(found[i])} characters)"
            if found[i] == OVERLONG:
                detail = f"line longer than {LONGEST_LINE >> 20} MiB"
            chunk.broken.append(Broken(self.feed.name, number + i, 1, detail))
        chunk.rows[self.feed.name] = named(table, header, [number + i for i in kept])


def place_columns(naming: Naming, names: list[str], unknown: Counter[str]) -> dict[str, list[int]]:
    """Contract column → positions in the file, preferred name first.

    Raises:
        UnreadableFile: a required column is missing; the message names it and what was found.
    """
    at = {name.strip().strip("\ufeff"): i for i, name in reversed(list(enumerate(names)))}
    placed = {c: [at[w] for w in wire if w in at] for c, wire in naming.wires.items()}
    missing = [c for c in naming.required if not placed[c]]
    if missing:
        raise MissingColumns("columns", [naming.wires[c][0] for c in missing], missing)
    known = naming.wanted | naming.ignored
    for name in at:
        if name and name not in known:
            count_name(unknown, header_name(name))
    return placed


def named(table: pa.Table, placed: dict[str, list[int]], numbers: list[int]) -> pl.DataFrame:
    """A positional text table as a frame under contract names; empty text is null."""
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    columns = []
    for column, positions in placed.items():
        texts = [pl.col(frame.columns[p]) for p in positions]
        text = pl.coalesce([pl.when(t.str.len_bytes() > 0).then(t) for t in texts]) if texts else (
            pl.lit(None, pl.String)
        )  # fmt: skip
        columns.append(text.alias(column))
    return frame.select(*columns).with_columns(
        row_number=pl.Series(numbers, dtype=pl.Int64), item_number=pl.lit(1, pl.Int32)
    )


def _arrow_table(records: list[str], width: int) -> tuple[pa.Table, set[int]]:
    """Records as a text table and the positions of those of another width."""
    names = [str(i) for i in range(width)]
    odd: set[int] = set()

    def note(row: arrow_csv.InvalidRow) -> str:
        odd.add(row.number - 1)
        return "skip"

    if not records:
        return pa.table({n: pa.array([], pa.string()) for n in names}), odd
    data = "\n".join(records).encode()
    table = arrow_csv.read_csv(
        pa.py_buffer(data),
        read_options=arrow_csv.ReadOptions(
            column_names=names, use_threads=False, block_size=len(data) + 2
        ),
        parse_options=arrow_csv.ParseOptions(
            newlines_in_values=True, invalid_row_handler=note, ignore_empty_lines=False
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types={n: pa.string() for n in names},
            strings_can_be_null=False,
            quoted_strings_can_be_null=False,
        ),
    )
    return table, odd


def _header(record: str) -> list[str]:
    """Headings of a file.

    Raises:
        UnreadableFile: this is no header.
    """
    try:
        names = fields(record)
    except csv.Error as error:
        raise UnreadableFile(f"not readable as a header: {error}") from error
    if len(names) > MOST_COLUMNS:
        raise UnreadableFile(f"a header of {len(names):,} columns: refused")
    return names


class XlsxReader:
    """Reads the first sheet of one workbook of one feed; the header is its first row."""

    def __init__(self, feed: Feed, naming: Naming | None = None) -> None:
        self.feed = feed
        self.naming = naming or usual_naming(feed)

    def __call__(self, path: Path) -> Iterator[Chunk]:
        """Chunks of a workbook.

        Raises:
            UnreadableFile: no workbook, too large, encrypted, or a required column is missing.
        """
        frame = first_sheet(path)
        names = [str(v) if v is not None else "" for v in frame.row(0)]
        chunk = Chunk(bytes_read=path.stat().st_size)
        placed = place_columns(self.naming, names, chunk.unknown)
        body = frame.slice(1).with_row_index("_n", offset=1)
        body = body.filter(
            pl.any_horizontal(pl.exclude("_n").str.strip_chars().str.len_chars() > 0)
        )
        numbers = body["_n"].cast(pl.Int64).to_list()
        chunk.rows[self.feed.name] = named(body.drop("_n").to_arrow(), placed, numbers)
        yield chunk
