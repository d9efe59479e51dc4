"""silver.party_members: token, age band, sex and community of every member, nothing more."""

import dagster as dg
import polars as pl

from assets.building import about, told
from assets.silver._persons import AREAS, PersonRegister, newest_persons
from schemas import tables
from schemas.party import age_band
from schemas.persons import age_at
from warehouse.lake import Lake

TABLE = tables.table("silver", "party_members")


def finish(rows: pl.DataFrame) -> pl.DataFrame:
    """Age and sex by the identity number, the age on the day of the register's newest row."""
    return rows.with_columns(
        age_band=age_band(age_at(pl.col("born"), pl.col("newest_day"))), sex_code="sex_by_number"
    )


REGISTER = PersonRegister(TABLE, "party_members", "party", finish)


@dg.asset(
    **about(TABLE, "party-affairs"),
    deps=[["bronze", "party_members"], list(AREAS.key)],
    kinds={"polars", "deltalake"},
)
def party_members(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per member, newest word, placed in a community."""
    return told(newest_persons(lake, REGISTER))
