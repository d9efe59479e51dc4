"""silver.welfare_grants: the newest word on every person's aid of every kind."""

import dagster as dg
import polars as pl

from assets.building import about, told
from assets.silver._persons import AREAS, PersonRegister, newest_persons
from schemas import tables
from warehouse.lake import Lake

TABLE = tables.table("silver", "welfare_grants")


def finish(rows: pl.DataFrame) -> pl.DataFrame:
    """Whether aid is in force on the day of the register's newest row."""
    day = pl.col("newest_day")
    not_over = (pl.col("ends_day") >= day).fill_null(True)
    return rows.with_columns(
        pl.col("is_household_head").fill_null(False),
        is_in_force=(pl.col("starts_day") <= day) & not_over,
    )


REGISTER = PersonRegister(TABLE, "welfare", "welfare", finish)


@dg.asset(
    **about(TABLE, "civil-affairs"),
    deps=[["bronze", "welfare"], list(AREAS.key)],
    kinds={"polars", "deltalake"},
)
def welfare_grants(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per person and kind of aid, newest word, placed in a community."""
    return told(newest_persons(lake, REGISTER))
