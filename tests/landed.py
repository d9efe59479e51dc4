"""Rows of landed files by the dumbest reading of each form, for plain loops over them."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

Row = dict[str, str | None]


def lines_of(path: Path) -> Iterator[Row]:
    """Rows of a CSV, a workbook of text cells or a file of JSON lines, blanks as None."""
    if path.suffix == ".xlsx":
        rows = cells_of(path)
        header = next(rows)
        yield from (dict(zip(header, row, strict=True)) for row in rows)
        return
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030")
    if path.suffix == ".ndjson":
        yield from (json.loads(line) for line in text.splitlines())
        return
    for row in csv.DictReader(io.StringIO(text)):
        yield {name: value or None for name, value in row.items()}


def cells_of(path: Path) -> Iterator[list]:
    """Rows of cells of the first sheet: a workbook is zipped XML, its texts stand apart."""
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(path) as book:
        texts = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        words = ["".join(t.itertext()) for t in texts.iter(f"{space}si")]
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    width = 0
    for row in sheet.iter(f"{space}row"):
        found = {}
        for cell in row:
            value = cell.find(f"{space}v")
            if value is not None:
                found[cell.attrib["r"].rstrip("0123456789")] = words[int(value.text or "")]
        width = width or len(found)
        yield [found.get(chr(ord("A") + n)) for n in range(width)]
