"""silver.devices: one row per device, newest version, placed in its community."""

import dagster as dg
import polars as pl

from assets.building import Clean, about, build_whole, inputs_of, told
from quality.deduplicate import newest_per_key
from quality.placing import Communities
from schemas import tables
from warehouse import builds
from warehouse.lake import Lake

BRONZE = tables.table("bronze", "devices")
AREAS = tables.table("silver", "areas")
TABLE = tables.table("silver", "devices")


@dg.asset(
    **about(TABLE, "big-data"),
    deps=[list(BRONZE.key), list(AREAS.key)],
    kinds={"polars", "deltalake", "geopandas"},
)
def devices(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per device code: newest version, placed by its code, else by its point."""
    inputs = inputs_of(*builds.arrived(lake, "devices").values(), builds.content_of(lake, AREAS))
    return told(
        build_whole(lake, TABLE, inputs, lambda: clean(lake.read(BRONZE), lake.read(AREAS)))
    )


def clean(rows: pl.DataFrame, areas: pl.DataFrame) -> Clean:
    """Newest version of every device, in its community.

    Args:
        rows: bronze.devices.
        areas: silver.areas.
    """
    kept = newest_per_key(rows, "device_id", ("updated_at",), happened="updated_at",
                          rule="older_version")  # fmt: skip
    placed = Communities(areas).place(kept.rows)
    return Clean(placed.with_columns(is_online=pl.col("online_code") == "1"), kept.ledger)


def placements(lake: Lake) -> pl.DataFrame:
    """Device → community (null: unplaced), for facts that carry a device code."""
    return lake.read(TABLE, ["device_id", "community_code"])


def split_unregistered(
    rows: pl.DataFrame, known: pl.DataFrame, key: str, happened: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Facts of registered devices, and a set-aside row for every other.

    Args:
        rows: Facts with `device_id` and `event_day`.
        known: Registered devices.
        key: Column that names the fact.
        happened: Instant that goes to the ledger as the row's own time.
    """
    own = rows.join(known.select("device_id"), on="device_id", how="semi")
    others = rows.join(known.select("device_id"), on="device_id", how="anti")
    return own, others.select(
        "event_day",
        entity_id=pl.col(key),
        version_at=pl.col(happened),
        rule=pl.lit("device_is_registered"),
    )
