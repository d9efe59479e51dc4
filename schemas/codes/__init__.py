"""Code tables as CSV, each row with how sure we are of it. Read through `schemas.codes.table`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import polars as pl

FOLDER = Path(__file__).parent


@cache
def table(name: str) -> pl.DataFrame:
    """A code table as text columns, e.g. `table("case_lifecycle")`.

    Raises:
        FileNotFoundError: there is no such table.
    """
    return pl.read_csv(FOLDER / f"{name}.csv", infer_schema=False)
