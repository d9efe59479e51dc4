"""A table that counts persons as an attacker sees it: cells, what is known of each, and equations.

Cells stand in the order of their ids, so nothing depends on the order of rows.

Not here: what the attacker can work out (`attack`), what to hide (`cover`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import polars as pl
from scipy import sparse

from schemas.protection import SMALLEST_PERSON_COUNTS

Numbers: TypeAlias = np.ndarray

SUM_COLUMNS: Final = ("equation", "total", "part")
TIER_PRICE: Final = 5.0
"""A total costs this many of its parts, if the caller gives no weights."""
DEEPEST: Final = 64
"""Levels of sums: more is a circle."""


class UnfitTable(ValueError):
    """A table that cannot be judged; says what is wrong with which cells."""


class SumsDisagree(UnfitTable):
    """A total is not the sum of its parts."""


@dataclass(frozen=True)
class System:
    """Cells in order of id, and equations: each total less its parts is zero.

    Attributes:
        ids: Cell ids.
        value: True values, whole numbers.
        low: What anybody knows the value is not below, once it is hidden.
        high: The same from above; infinite for values of k and more.
        is_small: The count needs protection (primary).
        is_free: May be hidden.
        is_held: Must be hidden, whatever else is.
        weight: Cost of hiding.
        matrix: Equations by cells; +1 a part, -1 the total.
    """

    ids: pl.Series
    value: Numbers
    low: Numbers
    high: Numbers
    is_small: Numbers
    is_free: Numbers
    is_held: Numbers
    weight: Numbers
    matrix: sparse.csr_matrix


def system_of(cells: pl.DataFrame, sums: pl.DataFrame, *, zero_is_small: bool = False) -> System:
    """Check a table and write it as equations.

    A hidden small count is known to lie in 1 to k - 1 (0 to k - 1 if zeros are small too), any
    other hidden count to be k or more: the attacker is assumed to know which are which.

    Args:
        cells: As `disclosure.suppress` describes.
        sums: As `disclosure.suppress` describes.
        zero_is_small: Zeros need protection too; else they are published as zeros.

    Raises:
        UnfitTable: columns, ids or values are not as described.
        SumsDisagree: a total is not the sum of its parts.
    """
    own = checked_cells(cells)
    matrix = checked_sums(own, sums)
    value, k = own["value"].to_numpy().astype(float), own["k"].to_numpy().astype(float)
    is_small = (value < k) & ((value > 0) | zero_is_small)
    return System(
        ids=own["cell"],
        value=value,
        low=np.where(is_small, 0.0 if zero_is_small else 1.0, np.minimum(k, value)),
        high=np.where(is_small, k - 1, np.inf),
        is_small=is_small,
        is_free=(value > 0) | is_small,
        is_held=is_small.copy(),
        weight=weights(own, matrix),
        matrix=matrix,
    )


def checked_cells(cells: pl.DataFrame) -> pl.DataFrame:
    """Cells in order of id, with `k`, or the reason why not."""
    if "k" not in cells.columns and "sharing" in cells.columns:
        unknown = set(cells["sharing"].unique()) - set(SMALLEST_PERSON_COUNTS)
        if unknown:
            raise UnfitTable(f"no k for sharing classes {sorted(map(str, unknown))}")
        k = pl.col("sharing").replace_strict(SMALLEST_PERSON_COUNTS, return_dtype=pl.Int64)
        cells = cells.with_columns(k=k)
    for column in ("cell", "value", "k"):
        if column not in cells.columns:
            raise UnfitTable(f"cells have no column {column}")
        if cells[column].null_count():
            raise UnfitTable(f"{cells[column].null_count()} cells have no {column}")
    _none(cells, pl.col("cell").is_duplicated(), "cells stand twice")
    _none(cells, (pl.col("value") < 0) | (pl.col("k") < 0), "values or k are negative")
    for column in ("value", "k"):
        is_whole = pl.col(column).cast(pl.Float64) == pl.col(column).cast(pl.Float64).floor()
        _none(cells, ~is_whole, f"{column} is no whole number")
    _none(cells, pl.col("k") == 2, "k = 2 protects nobody: what is hidden is known to be 1")
    return cells.sort("cell")


def checked_sums(cells: pl.DataFrame, sums: pl.DataFrame) -> sparse.csr_matrix:
    """Equations by cells, or the reason why not.

    Args:
        cells: Checked cells.
        sums: `total`, `part` and, where a total has several sums, `equation`.
    """
    if "equation" not in sums.columns and "total" in sums.columns:
        sums = sums.with_columns(equation=pl.col("total"))
    if missing := [c for c in SUM_COLUMNS if c not in sums.columns]:
        raise UnfitTable(f"sums have no column {', '.join(missing)}")
    sums = sums.select(SUM_COLUMNS).sort(SUM_COLUMNS)
    totals = sums.group_by("equation").agg(pl.col("total").unique().sort()).sort("equation")
    _none(totals, pl.col("total").list.len() > 1, "equations have several totals", "equation")
    rows = pl.concat(
        [
            sums.select("equation", cell="part", sign=pl.lit(1.0)),
            totals.explode("total").select("equation", cell="total", sign=pl.lit(-1.0)),
        ]
    )
    is_twice = pl.struct("equation", "cell").is_duplicated()
    _none(rows, is_twice, "equations name a cell twice", "equation")
    places = cells.select("cell", "value").with_row_index("column")
    rows = rows.join(places, on="cell", how="left", maintain_order="left")
    _none(rows, pl.col("column").is_null(), "sums name cells that are not there")
    off = (
        rows.group_by("equation")
        .agg(
            pl.col("cell").filter(pl.col("sign") < 0).first(),
            total=pl.col("value").filter(pl.col("sign") < 0).first(),
            parts=pl.col("value").filter(pl.col("sign") > 0).sum(),
        )
        .filter(pl.col("total") != pl.col("parts"))
        .sort("equation")
    )
    if off.height:
        said = "; ".join(f"{e}: {c} is {t:g}, its parts are {p:g}" for e, c, t, p in off[:5].rows())
        raise SumsDisagree(f"{off.height} totals are not the sum of their parts: {said}")
    row = rows["equation"].rank("dense").to_numpy().astype(np.int64) - 1
    entries = (rows["sign"].to_numpy(), (row, rows["column"].to_numpy().astype(np.int64)))
    return sparse.csr_matrix(entries, shape=(totals.height, cells.height))


def row_count(matrix: sparse.csr_matrix) -> int:
    """How many equations a matrix holds."""
    return matrix.indptr.size - 1


def weights(cells: pl.DataFrame, matrix: sparse.csr_matrix) -> Numbers:
    """Costs of hiding: the caller's, or five times dearer per level of sums, large values dearer.

    What was hidden last time costs half, so that releases hide the same cells.
    """
    height = heights(matrix, cells.height)
    if "weight" in cells.columns:
        _none(cells, ~(pl.col("weight") > 0), "weights are not above zero")
        cost = cells["weight"].to_numpy().astype(float)
    else:
        value = cells["value"].to_numpy().astype(float)
        cost = TIER_PRICE**height * (1 + 0.05 * np.log2(1 + value))
    if "was_hidden" in cells.columns:
        cost = np.where(cells["was_hidden"].fill_null(False).to_numpy(), cost / 2, cost)
    return cost


def heights(matrix: sparse.csr_matrix, count: int) -> Numbers:
    """Levels of sums below each of so many cells.

    Raises:
        UnfitTable: a cell is a part of itself.
    """
    entries = sparse.coo_matrix(matrix)
    total = np.zeros(row_count(matrix), dtype=np.int64)
    is_total = entries.data < 0
    total[entries.row[is_total]] = entries.col[is_total]
    parts, rows = entries.col[~is_total], entries.row[~is_total]
    height = np.zeros(count, dtype=np.int64)
    for _ in range(DEEPEST + 1):
        above = height.copy()
        np.maximum.at(above, total[rows], height[parts] + 1)
        if (above == height).all():
            return height
        height = above
    raise UnfitTable(f"a cell is a part of itself, or sums stand more than {DEEPEST} deep")


def _none(rows: pl.DataFrame, is_wrong: pl.Expr, said: str, name: str = "cell") -> None:
    wrong = rows.filter(is_wrong)
    if wrong.height:
        some = ", ".join(str(v) for v in wrong[name].unique().sort()[:5].to_list())
        raise UnfitTable(f"{said}: {some}{' …' if wrong[name].n_unique() > 5 else ''}")
