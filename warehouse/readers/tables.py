"""Table files: CSV in UTF-8 or GB18030, and XLSX. Columns are found by name, in any order.

Records are cut by us and parsed by Arrow: one stray quote then costs one row, not the rest of the
file. Unknown columns are reported by name and never read.
"""

from __future__ import annotations

import codecs
import csv
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import fastexcel
import polars as pl
import pyarrow as pa
from pyarrow import csv as arrow_csv

from schemas.contract import Contract, required_columns, wire_columns
from schemas.feeds import Feed
from warehouse.readers import Broken, Chunk, UnreadableFile
from warehouse.readers.stream import LONGEST_LINE, blocks

_SNIFF_BYTES = 4 << 20
_RECORD_LINES = 50
"""A quoted field may run over so many lines; a quote still open then is a stray one."""
LARGEST_SHEET = 512 << 20
ROWS_PER_CHUNK = 50_000


class CsvReader:
    """Reads one CSV file of one feed."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed

    def __call__(self, path: Path) -> Iterator[Chunk]:
        """Chunks of a file in order.

        Raises:
            UnreadableFile: empty, damaged, or a required column is missing.
        """
        header: dict[str, list[int]] | None = None
        width, number = 0, 1
        for records, taken in _records(path):
            chunk = Chunk(bytes_read=taken)
            if header is None:
                names = _fields(records[0])
                header = place_columns(self.feed.contract, names, chunk.unknown)
                width, records = len(names), records[1:]
            self._parse(records, number, width, header, chunk)
            number += len(records)
            yield chunk

    def _parse(
        self,
        records: list[str],
        number: int,
        width: int,
        header: dict[str, list[int]],
        chunk: Chunk,
    ) -> None:
        """Parse records; those of another width or with stray quotes become broken rows."""
        bad: set[int] = {i for i, record in enumerate(records) if record.count('"') % 2}
        good = [(i, record) for i, record in enumerate(records) if i not in bad]
        table, odd = _arrow_table([record for _, record in good], width)
        bad.update(good[i][0] for i in odd)
        for i in sorted(bad):
            length = len(records[i])
            detail = f"not readable as {width} columns ({length} characters)"
            chunk.broken.append(Broken(self.feed.name, number + i, 1, detail))
        kept = [number + i for j, (i, _) in enumerate(good) if j not in odd]
        chunk.rows[self.feed.name] = named(table, header, kept)


def place_columns(
    contract: type[Contract], names: list[str], unknown: Counter[str]
) -> dict[str, list[int]]:
    """Contract column → positions in the file, preferred wire name first.

    Raises:
        UnreadableFile: a required column is missing; the message names it and what was found.
    """
    at = {name.strip().strip("\ufeff"): i for i, name in reversed(list(enumerate(names)))}
    wires = wire_columns(contract)
    placed = {c: [at[w] for w in wire if w in at] for c, wire in wires.items()}
    missing = [wires[c][0] for c in required_columns(contract) if not placed[c]]
    if missing:
        raise UnreadableFile(f"missing required columns: {'、'.join(missing)}")
    wanted = {w for wire in wires.values() for w in wire}
    unknown.update(name[:40] for name in at if name not in wanted)
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


def _fields(record: str) -> list[str]:
    return next(csv.reader([record.replace("\n", " ")]), [])


def _records(path: Path) -> Iterator[tuple[list[str], int]]:
    """Non-blank records, a quoted line break kept inside; decoded as the file is written."""
    decoder: codecs.IncrementalDecoder | None = None
    carry = ""
    taken = 0
    for block, taken in blocks(path, _SNIFF_BYTES):
        if decoder is None:
            decoder = codecs.getincrementaldecoder(encoding_of(block))("replace")
        text = carry + decoder.decode(block)
        text = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
        cut = text.rfind("\n") + 1
        records, rest = _join_quoted(text[:cut].split("\n")[:-1], last=False)
        carry = rest + text[cut:]
        if len(carry) > LONGEST_LINE:
            records, carry = [*records, carry[:1] + '"'], ""
        if records:
            yield records, taken
    if decoder is not None:
        carry += decoder.decode(b"", final=True)
    records, _ = _join_quoted(carry.split("\n"), last=True)
    if records:
        yield records, taken


def _join_quoted(texts: list[str], *, last: bool) -> tuple[list[str], str]:
    """Physical lines as records; what may still continue in the next block is handed back."""
    records: list[str] = []
    i = 0
    while i < len(texts):
        line = texts[i]
        if line.count('"') % 2:
            closing = next(
                (j for j in range(i + 1, min(i + _RECORD_LINES, len(texts)))
                 if texts[j].count('"') % 2), None,
            )  # fmt: skip
            if closing is None and not last and len(texts) - i < _RECORD_LINES:
                return records, "\n".join(texts[i:]) + "\n"
            if closing is not None:
                records.append("\n".join(texts[i : closing + 1]))
                i = closing + 1
                continue
        if line.strip():
            records.append(line)
        i += 1
    return records, ""


def encoding_of(sample: bytes) -> str:
    """UTF-8 (with or without mark) where the sample is it, else GB18030, the national standard.

    >>> encoding_of("姓名".encode("gb18030"))
    'gb18030'
    """
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(sample)
    except UnicodeDecodeError as error:
        # One broken byte in a long UTF-8 file is damage; broken from the start is another encoding.
        damage = len(sample) - len(sample.decode("utf-8", "ignore").encode())
        wide = sum(byte >= 0x80 for byte in sample[:65536]) or 1
        if damage * 20 < wide and error.start > 0:
            return "utf-8"
        return "gb18030"
    return "utf-8"


class XlsxReader:
    """Reads the first sheet of one workbook of one feed; the header is its first row."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed

    def __call__(self, path: Path) -> Iterator[Chunk]:
        """Chunks of a workbook.

        Raises:
            UnreadableFile: no workbook, too large, encrypted, or a required column is missing.
        """
        _refuse_bombs(path)
        try:
            sheet = fastexcel.read_excel(path).load_sheet(0, header_row=None, dtypes="string")
            frame = pl.from_arrow(sheet.to_arrow())
        except (fastexcel.FastExcelError, ValueError, pa.ArrowInvalid) as error:
            raise UnreadableFile(f"not readable as a workbook: {str(error)[:120]}") from error
        assert isinstance(frame, pl.DataFrame)
        if frame.height == 0:
            raise UnreadableFile("the first sheet is empty")
        names = [str(v) if v is not None else "" for v in frame.row(0)]
        chunk = Chunk(bytes_read=path.stat().st_size)
        placed = place_columns(self.feed.contract, names, chunk.unknown)
        body = frame.slice(1).with_row_index("_n", offset=1)
        body = body.filter(
            pl.any_horizontal(pl.exclude("_n").str.strip_chars().str.len_chars() > 0)
        )
        numbers = body["_n"].cast(pl.Int64).to_list()
        chunk.rows[self.feed.name] = named(body.drop("_n").to_arrow(), placed, numbers)
        yield chunk


def _refuse_bombs(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableFile(f"not readable as a workbook: {error}") from error
    if size > LARGEST_SHEET:
        raise UnreadableFile(
            f"expands to {size >> 20} MiB, more than {LARGEST_SHEET >> 20}: refused"
        )
