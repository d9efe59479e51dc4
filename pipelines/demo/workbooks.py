"""XLSX workbooks of text cells; the same rows give the same bytes."""

from __future__ import annotations

import io
from datetime import datetime

import polars as pl
import xlsxwriter


def workbook(rows: pl.DataFrame, sheet_name: str) -> bytes:
    """One sheet, header in the first row, every value as text; null is an empty cell."""
    memory = io.BytesIO()
    book = xlsxwriter.Workbook(memory, {"in_memory": True})
    book.set_properties({"created": datetime(2026, 1, 1)})
    sheet = book.add_worksheet(sheet_name)
    for c, column in enumerate(rows.columns):
        sheet.write_string(0, c, column)
        for r, value in enumerate(rows[column].cast(pl.String).to_list(), 1):
            if value is not None:
                sheet.write_string(r, c, value)
    book.close()
    return memory.getvalue()
