"""silver.grid_cases: one row per case number: newest version, standard code, placed."""

import dagster as dg
import polars as pl

from assets.building import about, told
from assets.silver._newest import Recipe, newest_days, recipe_feed
from quality.case_codes import national_code
from quality.coordinates import in_wgs84
from quality.placing import Communities
from schemas import tables
from warehouse import builds
from warehouse.lake import Lake

AREAS = tables.table("silver", "areas")
TABLE = tables.table("silver", "grid_cases")


def recipe(lake: Lake) -> Recipe:
    """How cases are cleaned, with the areas of this lake."""
    communities = Communities(lake.read(AREAS))
    return Recipe(
        TABLE, recipe_feed("grid_cases"), "updated_at", lambda rows: finish(rows, communities),
        other_inputs=(builds.content_of(lake, AREAS),),
    )  # fmt: skip


@dg.asset(
    **about(TABLE, "urban-management"),
    deps=[["bronze", "grid_cases"], list(AREAS.key)],
    kinds={"polars", "deltalake", "geopandas"},
)
def grid_cases(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per case: newest version of its life cycle, national code, in its community."""
    return told(newest_days(lake, recipe(lake)))


def finish(rows: pl.DataFrame, communities: Communities) -> pl.DataFrame:
    """State, national code and community of the newest versions.

    Args:
        rows: Newest versions with bronze columns.
        communities: Where cases can lie.
    """
    state = (
        pl.when(pl.col("cancelled_at").is_not_null()).then(pl.lit("cancelled"))
        .when(pl.col("closed_at").is_not_null()).then(pl.lit("closed"))
        .otherwise(pl.lit("open"))
    )  # fmt: skip
    coded = national_code(rows.rename({"type_code": "source_type_code"}))
    return communities.place(in_wgs84(coded, recipe_feed("grid_cases"))).with_columns(
        state=state,
        source_code_system=pl.col("code_system"),
        rework_count=pl.col("rework_count").fill_null(0),
        is_self_handled=pl.col("is_self_handled").fill_null(value=False),
    )
