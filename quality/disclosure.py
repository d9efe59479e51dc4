"""Withholding small counts of persons. First form: primary suppression only, no cross-tabulations.

Complementary suppression across tiers, so that a withheld count cannot be derived from its
neighbours, is the next step; until then tables that count persons are published by area alone.
"""

from __future__ import annotations

import polars as pl

from schemas.protection import SMALLEST_PERSON_COUNT


def is_small(count: pl.Expr) -> pl.Expr:
    """Whether a count of persons is above zero and below k."""
    return (count > 0) & (count < SMALLEST_PERSON_COUNT)


def withhold(rows: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Null out small counts in the given columns."""
    return rows.with_columns(
        pl.when(is_small(pl.col(c))).then(None).otherwise(pl.col(c)).alias(c) for c in columns
    )
