"""What of a publication is withheld: small counts of persons, and what would give them away."""

from collections.abc import Mapping

import polars as pl

from quality.disclosure import is_small, withhold
from schemas.contract import private_columns
from schemas.metrics import BOOK, Ratio, counts_persons
from schemas.table import Table

_TOLD = ["value", "numerator", "denominator", "previous_value", "change", "last_year_value",
         "change_on_year"]  # fmt: skip


def withheld(
    values: pl.DataFrame, topics: Mapping[Table, pl.DataFrame]
) -> tuple[pl.DataFrame, dict[Table, pl.DataFrame]]:
    """Values and topic tables as they may leave the lake.

    Args:
        values: metric_values, nothing withheld.
        topics: Topic tables that are served.
    """
    own = {
        table: withhold(rows, private_columns(table.contract, "sensitive")).sort(
            rows.columns, nulls_last=True
        )
        for table, rows in topics.items()
    }
    persons = [one.id for one in BOOK if counts_persons(one)]
    ratios = [one.id for one in BOOK if isinstance(one, Ratio)]
    small = pl.when(pl.col("metric_id").is_in(ratios)).then(
        is_small(pl.col("numerator")) | is_small(pl.col("denominator"))
    ).otherwise(is_small(pl.col("value")))  # fmt: skip
    values = values.with_columns(
        is_withheld=(pl.col("metric_id").is_in(persons) & small).fill_null(value=False)
    )
    return values.with_columns(
        pl.when(~pl.col("is_withheld")).then(pl.col(column)).alias(column) for column in _TOLD
    ).with_columns(withheld_as=pl.when("is_withheld").then(pl.lit("primary"))), own
