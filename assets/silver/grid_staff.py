"""silver.grid_staff: newest version of every worker's post at a grid, the worker a token."""

import dagster as dg
import polars as pl

from assets.building import about, told
from assets.silver._newest import newest_register, recipe_feed
from quality.placing import Communities
from quality.tokens import tokens
from schemas import tables
from warehouse import builds
from warehouse.lake import Lake

AREAS = tables.table("silver", "areas")
TABLE = tables.table("silver", "grid_staff")
TOPIC_KEY = "governance"


@dg.asset(
    **about(TABLE, "political-legal"),
    deps=[["bronze", "grid_staff"], list(AREAS.key)],
    kinds={"polars", "deltalake"},
)
def grid_staff(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per worker and grid; numbers, names and phones stay behind in bronze."""
    communities = Communities(lake.read(AREAS))
    key = lake.home.key(TOPIC_KEY)
    return told(
        newest_register(
            lake, TABLE, recipe_feed("grid_staff"), "updated_at",
            lambda rows: communities.place(rows.rename({"staff_number": "staff_token"})),
            [builds.content_of(lake, AREAS)],
            prepare=lambda rows: without_identity(rows, key),
        )
    )  # fmt: skip


def without_identity(rows: pl.DataFrame, key: bytes) -> pl.DataFrame:
    """Bronze rows with a token as `staff_number`, without names and phones."""
    return rows.with_columns(staff_number=tokens(key, rows["staff_number"])).drop(
        "staff_name", "staff_phone"
    )
