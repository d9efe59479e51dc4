"""Asking a serving file: kept apart from the graph, so that a query starts at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from rich.console import Console
from rich.table import Table as Sheet


def show_query(file: Path, query: str, console: Console, *, csv: bool) -> None:
    """Run one query on a serving file and print what it gives.

    Raises:
        ValueError: DuckDB refused the query; its reason in one line.
    """
    connection = duckdb.connect(
        str(file),
        read_only=True,
        config={"enable_external_access": "false", "lock_configuration": "true"},
    )
    try:
        result = connection.execute(query)
        names = [column[0] for column in result.description or []]
        rows = result.fetchall()
    except duckdb.Error as error:
        raise ValueError(str(error).strip().splitlines()[0]) from None
    finally:
        connection.close()
    show_rows(names, rows, console, csv=csv)


def show_rows(
    names: list[str], rows: list[tuple[Any, ...]], console: Console, *, csv: bool
) -> None:
    """Print what a query gave, as a table or as CSV."""
    if csv:
        frame = pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)
        sys.stdout.write(frame.write_csv())
        return
    sheet = Sheet(*names)
    for row in rows:
        sheet.add_row(*("" if value is None else str(value) for value in row))
    console.print(sheet)
