"""silver.employment: the newest state of every person, as tokens of the employment topic."""

import dagster as dg
import polars as pl

from assets.building import about, told
from assets.silver._persons import AREAS, PersonRegister, newest_persons
from schemas import tables
from schemas.employment import WORKING_STATES
from warehouse.lake import Lake

TABLE = tables.table("silver", "employment")


def finish(rows: pl.DataFrame) -> pl.DataFrame:
    """The level of schooling; a branch only for those who work: others had one once, if at all."""
    is_working = pl.col("employment_state").is_in(list(WORKING_STATES))
    return rows.with_columns(
        education_level=pl.col("education_code").str.head(1) + "0",
        industry_section=pl.when(is_working).then("industry_section"),
    )


REGISTER = PersonRegister(TABLE, "employment", "employment", finish)


@dg.asset(
    **about(TABLE, "human-resources"),
    deps=[["bronze", "employment"], list(AREAS.key)],
    kinds={"polars", "deltalake"},
)
def employment(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per person, newest word, placed in a community."""
    return told(newest_persons(lake, REGISTER))
