"""silver.satisfaction_visits: newest version of every visit, where its case lies.

A day depends on the cases its own visits name, and on no others.
"""

import dagster as dg
import polars as pl

from assets.building import about, told
from assets.silver._device_days import digests
from assets.silver._newest import Recipe, need_known, newest_days, recipe_feed
from schemas import tables
from schemas.satisfaction import ANSWER_OF_SCORE
from warehouse.lake import Lake

BRONZE = tables.table("bronze", "satisfaction_visits")
CASES = tables.table("silver", "grid_cases")
TABLE = tables.table("silver", "satisfaction_visits")
UNKNOWN_CASE = "case_is_known"


def recipe(lake: Lake) -> Recipe:
    """How visits are cleaned; of the cases only those that are named are read."""
    named = lake.scan(BRONZE).select("case_number", event_day="visited_day").unique().collect()
    cases = (
        lake.scan(CASES)
        .select("case_number", "community_code")
        .join(named.lazy(), on="case_number", how="semi")
        .collect()
    )
    return Recipe(
        TABLE, recipe_feed("satisfaction_visits"), "updated_at",
        lambda rows: finish(rows, cases),
        need_known(cases["case_number"], "case_number", "updated_at", UNKNOWN_CASE),
        day_inputs=digests(named.join(cases, on="case_number")),
    )  # fmt: skip


@dg.asset(
    **about(TABLE, "urban-management"),
    deps=[list(BRONZE.key), list(CASES.key)],
    kinds={"polars", "deltalake"},
)
def satisfaction_visits(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per visit; those about unknown cases are set aside until the case is known."""
    return told(newest_days(lake, recipe(lake)))


def finish(rows: pl.DataFrame, cases: pl.DataFrame) -> pl.DataFrame:
    """Answer and community of the newest versions.

    Args:
        rows: Newest versions with bronze columns, all of known cases.
        cases: `case_number`, `community_code`.
    """
    scored = pl.col("score").replace_strict(ANSWER_OF_SCORE, default=None, return_dtype=pl.String)
    return rows.join(cases, on="case_number", how="left").with_columns(
        answer=pl.coalesce("answer", scored)
    )
