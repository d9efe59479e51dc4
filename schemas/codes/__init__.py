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


def names(table_name: str, list_name: str) -> dict[str, str]:
    """Code → Chinese name of one list of a table with the columns `list, code, name`.

    Args:
        table_name: Such as `social_codes`.
        list_name: Beginning of the list's name, such as `welfare kind`.

    Raises:
        KeyError: the table has no such list.
    """
    own = table(table_name).filter(pl.col("list").str.starts_with(list_name))
    if own.is_empty():
        raise KeyError(f"{table_name} has no list {list_name}")
    return dict(own.select("code", "name").iter_rows())
