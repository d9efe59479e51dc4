"""silver.grid_cases: one row per case number: newest version, standard code, placed."""

import dagster as dg
import polars as pl

from assets.building import about, told
from assets.silver._newest import Recipe, newest_days, recipe_feed
from quality.case_codes import national_code
from quality.coordinates import in_wgs84
from quality.placing import Communities, Grids
from schemas import tables
from warehouse import builds
from warehouse.lake import Lake

AREAS = tables.table("silver", "areas")
TABLE = tables.table("silver", "grid_cases")


def recipe(lake: Lake) -> Recipe:
    """How cases are cleaned, with the areas of this lake."""
    areas = lake.read(AREAS)
    communities, grids = Communities(areas), Grids(areas)
    return Recipe(
        TABLE, recipe_feed("grid_cases"), "updated_at",
        lambda rows: finish(rows, communities, grids),
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


def finish(rows: pl.DataFrame, communities: Communities, grids: Grids) -> pl.DataFrame:
    """State, national code, community and grid of the newest versions.

    Args:
        rows: Newest versions with bronze columns.
        communities: Where cases can lie.
        grids: The grids of those communities.
    """
    state = (
        pl.when(pl.col("cancelled_at").is_not_null()).then(pl.lit("cancelled"))
        .when(pl.col("closed_at").is_not_null()).then(pl.lit("closed"))
        .otherwise(pl.lit("open"))
    )  # fmt: skip
    coded = national_code(rows.rename({"type_code": "source_type_code"}))
    placed = communities.place(in_wgs84(coded, recipe_feed("grid_cases")))
    return in_grids(placed, grids).with_columns(
        state=state,
        source_code_system=pl.col("code_system"),
        rework_count=pl.col("rework_count").fill_null(0),
        is_self_handled=pl.col("is_self_handled").fill_null(value=False),
    )


def in_grids(rows: pl.DataFrame, grids: Grids) -> pl.DataFrame:
    """Set `grid_code`: the grid a row names, else that of its point, if its community has it.

    Args:
        rows: Placed rows with `grid_code`, `longitude`, `latitude`, WGS 84.
        grids: All grids.
    """
    by_code = rows.select(grids.known(pl.col("grid_code"))).to_series()
    is_own = pl.col("grid_code").str.starts_with(pl.col("community_code")).fill_null(value=False)
    named = rows.with_columns(by_code.alias("grid_code")).with_columns(
        grid_code=pl.when(is_own).then("grid_code")
    )
    open_points = named.select(
        pl.when(pl.col("grid_code").is_null()).then(pl.col(axis)).alias(axis)
        for axis in ("longitude", "latitude")
    )
    by_point = grids.at_points(open_points).alias("by_point")
    return (
        named.with_columns(by_point)
        .with_columns(grid_code=pl.coalesce("grid_code", "by_point"))
        .with_columns(grid_code=pl.when(is_own).then("grid_code"))
        .drop("by_point")
    )
