"""XLSX workbooks as text frames, and what must be refused before the workbook reader sees it.

The reader sets up every cell of the rectangle a sheet spans: one cell in the last corner of a sheet
would ask for 400 GB and end the process. A zip entry may also say it is smaller than it is.
"""

from __future__ import annotations

import copy
import re
import struct
import zipfile
import zlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import fastexcel
import polars as pl
import pyarrow as pa

from warehouse.landing import open_landed
from warehouse.readers import UnreadableFile
from warehouse.readers.texts import UNREADABLE

LARGEST_SHEET = 512 << 20
MOST_CELLS = 20_000_000

# Cells with a value, rows, and cells that only say where they are by following others.
_CELL = re.compile(
    rb"""<(?:\w+:)?c\s(?:[^<>]*?\s)?r\s*=\s*["']\s*([A-Za-z]+)([0-9]+)\s*["'](?:[^<>]*[^<>/])?>"""
)
_ROW = re.compile(rb"""<(?:\w+:)?row\s(?:[^<>]*?\s)?r\s*=\s*["']\s*([0-9]+)""")
_UNPLACED_CELL = re.compile(rb"""<(?:\w+:)?c(?:\s+[a-qs-z]\w*\s*=\s*["'][^"'<>]*["'])*\s*>""")
_PIECE_BYTES = 1 << 20
_LONGEST_TAG = 4096
_ZIP_ERRORS = (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError, EOFError,
               struct.error, zlib.error, KeyError, IndexError, OverflowError)  # fmt: skip


def first_sheet(path: Path) -> pl.DataFrame:
    """Cells of the first sheet as text, without names; cells without a value are null.

    Raises:
        UnreadableFile: no workbook, damaged, encrypted, or larger than a sheet can sensibly be.
    """
    with open_landed(path) as file:
        _refuse_bombs(file)
        file.seek(0)
        packed = file.read()  # what was checked, whatever the path leads to by now
    try:
        sheet = fastexcel.read_excel(packed).load_sheet(0, header_row=None, dtypes="string")
        batch, failed = sheet.to_arrow_with_errors()
        frame = pl.from_arrow(batch)
    except (fastexcel.FastExcelError, ValueError, pa.ArrowInvalid) as error:
        raise UnreadableFile(f"not readable as a workbook: {_one_line(error)}") from error
    except BaseException as error:
        # A panic in the Rust library derives from BaseException and has no importable name.
        if type(error).__name__ != "PanicException":
            raise
        raise UnreadableFile(f"not readable as a workbook: {_one_line(error)}") from None
    assert isinstance(frame, pl.DataFrame)
    if frame.height == 0:
        raise UnreadableFile("the first sheet is empty")
    # A failed formula (#N/A) or an impossible date is an unreadable value, not an empty cell.
    places: dict[int, list[int]] = defaultdict(list)
    for one in failed.errors if failed else []:
        places[one.offset_position[1]].append(one.offset_position[0])
    return frame.with_columns(
        frame.to_series(column).scatter(rows, UNREADABLE) for column, rows in places.items()
    )


def _refuse_bombs(file: BinaryIO) -> None:
    size = 0
    try:
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                if entry.flag_bits & 1:
                    raise UnreadableFile("the workbook is encrypted")
                size = _unpacked(archive, entry, size)
    except _ZIP_ERRORS as error:
        raise UnreadableFile(f"not readable as a workbook: {_one_line(error)}") from error


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, size: int) -> int:
    """Unpack one entry and let it go again; the unpacked size so far.

    Raises:
        UnreadableFile: too large, or its cells span too wide.
    """
    truthful = copy.copy(entry)
    truthful.file_size = LARGEST_SHEET + 1  # read on past the size the entry claims
    span, tail = _Span(), b""
    with archive.open(truthful) as stream:
        while piece := stream.read(_PIECE_BYTES):
            size += len(piece)
            if size > LARGEST_SHEET:
                raise UnreadableFile(f"expands to more than {LARGEST_SHEET >> 20} MiB: refused")
            text = tail + piece
            span.see(text)
            tail = text[max(text.rfind(b"<"), len(text) - _LONGEST_TAG) :]
    return size


@dataclass
class _Span:
    """How far the cells of a sheet reach from its first corner."""

    rows: int = 1
    columns: int = 1

    def see(self, text: bytes) -> None:
        """Take a piece of a sheet's XML into account.

        Raises:
            UnreadableFile: the cells span too wide.
        """
        for letters, digits in _CELL.findall(text):
            self.rows = max(self.rows, int(digits[:9]))
            self.columns = max(self.columns, _column(letters))
        if _UNPLACED_CELL.search(text):
            self.rows = max(self.rows, *(int(digits[:9]) for digits in _ROW.findall(text)), 1)
        if self.rows * self.columns > MOST_CELLS:
            raise UnreadableFile(f"a sheet spans more than {MOST_CELLS:,} cells: refused")


def _column(letters: bytes) -> int:
    """Number of a column, from 1: `A`, `Z`, `AA`."""
    number = 0
    for letter in letters[:6].upper():
        number = number * 26 + letter - 64
    return number


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:120]
