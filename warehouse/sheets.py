"""Sheets for people to mend: CSV and XLSX in which no cell is ever a formula, closed to others.

A text that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV
Injection); `restored` takes it off again, so that what nobody changed comes back as it was.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import xlsxwriter

MOST_ROWS = 100_000
"""Of a workbook, which is made in memory: temporary files would lie outside the restricted zone."""

LONGEST_CELL = 32_767

# Full-width signs begin formulas, too, where Chinese is typed.
_BEGINS = r"[=+\-@|\t\r\n＝＋－＠]"
_NUMBER = r"^-?\d+(\.\d+)?$"
_RISKY = rf"^'*\s*{_BEGINS}"
_MARKED = rf"^'+\s*{_BEGINS}"


def neutral(text: pl.Expr) -> pl.Expr:
    """Texts no spreadsheet takes for a formula; plain numbers stay as they are."""
    risky = text.str.contains(_RISKY) & ~text.str.contains(_NUMBER)
    return pl.when(~risky).then(text).otherwise(pl.concat_str(pl.lit("'"), text))


def restored(text: pl.Expr) -> pl.Expr:
    """Texts as they were before `neutral`."""
    return pl.when(~text.str.contains(_MARKED)).then(text).otherwise(text.str.slice(1))


def write_sheet(path: Path, rows: pl.DataFrame, about: Mapping[str, str]) -> None:
    """Write a sheet for its owner's eyes (0600) in one step; CSV or XLSX by the name's ending.

    Args:
        path: The file; its folder is there.
        rows: Text columns under the headings people see.
        about: What a workbook's second sheet says of it. A CSV has no room for it.

    Raises:
        ValueError: more rows than fit a workbook.
    """
    safe = rows.select(neutral(pl.col(name)).alias(name) for name in rows.columns)
    if path.suffix == ".xlsx":
        if rows.height > MOST_ROWS:
            raise ValueError(
                f"{rows.height:,} rows are too many for a workbook (at most {MOST_ROWS:,}): "
                "ask for fewer by --rule, --file or --day, or for --csv"
            )
        longest = safe.select(pl.max_horizontal(pl.all().str.len_chars().max())).item() or 0
        if longest > LONGEST_CELL:
            raise ValueError("a text is too long for a cell of a workbook: ask for --csv")
        data = _workbook(safe, about)
    else:
        data = safe.write_csv(include_bom=True, line_terminator="\r\n").encode()
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    part.rename(path)


def _workbook(rows: pl.DataFrame, about: Mapping[str, str]) -> bytes:
    """A workbook of text cells: what is typed into them stays text, too."""
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True}) as book:
        as_text, bold = book.add_format({"num_format": "@"}), book.add_format({"bold": True})
        sheet = book.add_worksheet("隔离行")
        sheet.set_column(0, max(rows.width - 1, 0), 18, as_text)
        sheet.freeze_panes(1, 0)
        for at, name in enumerate(rows.columns):
            sheet.write_string(0, at, name, bold)
        for number, row in enumerate(rows.iter_rows(), 1):
            for at, text in enumerate(row):
                if text is not None:
                    sheet.write_string(number, at, text, as_text)
        notes = book.add_worksheet("说明")
        notes.set_column(0, 0, 16)
        notes.set_column(1, 1, 90)
        for number, (name, text) in enumerate(about.items()):
            notes.write_string(number, 0, name, bold)
            notes.write_string(number, 1, text, as_text)
    return data.getvalue()
