"""silver.devices: one row per device, newest version; silver.device_places: where each stood when.

Facts of devices are placed by the second: a camera that was moved leaves what it saw before in the
community where it stood.
"""

from datetime import UTC, datetime

import dagster as dg
import polars as pl

from assets.building import Clean, about, build_whole, inputs_of, told
from assets.deliveries import deliveries_digest, deliveries_of, set_vanished_aside, vanished
from quality.coordinates import in_wgs84
from quality.deduplicate import newest_per_key
from quality.placing import Communities
from schemas import tables
from schemas.city_time import INSTANT
from schemas.contract import polars_schema
from schemas.feeds import BY_NAME
from schemas.ledgers import SetAside
from warehouse import builds
from warehouse.lake import Lake, empty

BRONZE = tables.table("bronze", "devices")
AREAS = tables.table("silver", "areas")
TABLE = tables.table("silver", "devices")
PLACES = tables.table("silver", "device_places")
KEYS = [list(TABLE.key), list(PLACES.key)]
"""What facts of devices are built after: the register, whose account gates them, and the places."""

_EARLIEST = datetime(1, 1, 2, tzinfo=UTC)


@dg.asset(
    **about(TABLE, "big-data"),
    deps=[list(BRONZE.key), list(AREAS.key)],
    kinds={"polars", "deltalake", "geopandas"},
)
def devices(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per device code: newest version, placed by its code, else by its point."""
    return told(
        build_whole(
            lake, TABLE, inputs_of(_inputs(lake), deliveries_digest(lake, "devices")),
            lambda: clean(lake.read(BRONZE), lake.read(AREAS), deliveries_of(lake, "devices")),
        )
    )  # fmt: skip


@dg.asset(
    **about(PLACES, "big-data"),
    deps=[list(BRONZE.key), list(AREAS.key)],
    kinds={"polars", "deltalake", "geopandas"},
)
def device_places(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Where every device stood when, from all versions of the register ever delivered."""
    return told(
        build_whole(
            lake, PLACES, _inputs(lake), lambda: Clean(places(lake.read(BRONZE), lake.read(AREAS)))
        )
    )


def _inputs(lake: Lake) -> str:
    return inputs_of(*builds.arrived(lake, "devices").values(), builds.content_of(lake, AREAS))


def clean(rows: pl.DataFrame, areas: pl.DataFrame, whole: pl.DataFrame | None = None) -> Clean:
    """Newest version of every device the register still holds, in its community.

    Args:
        rows: bronze.devices.
        areas: silver.areas.
        whole: `deliveries_of` the feed; None: there was no whole delivery.
    """
    kept = newest_per_key(rows, "device_id", ("updated_at",), happened="updated_at",
                          rule="older_version")  # fmt: skip
    stands, gone = kept.rows, empty(SetAside)
    if whole is not None:
        vanishing = vanished(rows, whole, "device_id", "updated_at")
        stands, gone = set_vanished_aside(stands, vanishing, "device_id", "updated_at")
    placed = Communities(areas).place(in_wgs84(stands, BY_NAME["devices"]))
    return Clean(placed.with_columns(is_online=pl.col("online_code") == "1"), kept.ledger, gone)


def places(rows: pl.DataFrame, areas: pl.DataFrame) -> pl.DataFrame:
    """Where every device stood when.

    Every version is placed as the newest is; of several of one instant the one counts that would
    count as the newest. Versions that follow each other in one community are one stretch. A stretch
    begins when its first version was updated, the first one at the beginning of time.

    Args:
        rows: bronze.devices, all versions.
        areas: silver.areas.

    Returns:
        `DevicePlace` rows.
    """
    version = pl.concat_str("device_id", pl.col("updated_at").dt.epoch("us"), separator="@")
    kept = newest_per_key(rows.with_columns(version=version), "version", ("updated_at",),
                          happened="updated_at", rule="older_version")  # fmt: skip
    versions = Communities(areas).place(in_wgs84(kept.rows, BY_NAME["devices"]))
    versions = versions.sort("device_id", "updated_at")
    is_other = ~(
        pl.col("device_id").eq_missing(pl.col("device_id").shift())
        & pl.col("community_code").eq_missing(pl.col("community_code").shift())
    )
    stretches = (
        versions.with_columns(stretch=is_other.cum_sum())
        .group_by("stretch", maintain_order=True)
        .agg(
            pl.col("device_id", "community_code").first(),
            pl.col("placed_by").last(),
            valid_from=pl.col("updated_at").first(),
        )
    )
    is_first = pl.col("device_id").is_first_distinct()
    return stretches.with_columns(
        valid_from=pl.when(~is_first).then("valid_from"),
        valid_until=pl.col("valid_from").shift(-1).over("device_id"),
    ).select(list(polars_schema(PLACES.contract)))


def placements(lake: Lake) -> pl.DataFrame:
    """Device, community (null: unplaced) and stretch of time, for facts that carry a device code.

    A device is registered if it stands here at all, whatever the time.
    """
    return lake.read(PLACES, ["device_id", "community_code", "valid_from", "valid_until"])


def placed(rows: pl.DataFrame, known: pl.DataFrame, at: str) -> pl.DataFrame:
    """Facts with the community in which their device stood at their own time.

    Only devices that were moved within the time of the facts are looked up by time.

    Args:
        rows: Facts with `device_id`, without `community_code`.
        known: `placements`.
        at: The facts' own instant.
    """
    first, last = (pl.lit(one, INSTANT) for one in (rows[at].min(), rows[at].max()))
    during = known.filter(
        pl.col("valid_from").is_null() | (pl.col("valid_from") <= last),
        pl.col("valid_until").is_null() | (pl.col("valid_until") > first),
    )
    is_moved = during["device_id"].is_duplicated()
    still = during.filter(~is_moved).select("device_id", "community_code")
    if not is_moved.any():
        return rows.join(still, on="device_id", how="left")
    moved = during.filter(is_moved).select(
        "device_id", "community_code", since=pl.col("valid_from").fill_null(_EARLIEST)
    )
    of_moved = pl.col("device_id").is_in(moved["device_id"].unique().implode())
    looked_up = rows.filter(of_moved).sort(at).join_asof(
        moved.sort("since"), left_on=at, right_on="since", by="device_id", check_sortedness=False
    )  # fmt: skip
    unmoved = rows.filter(~of_moved).join(still, on="device_id", how="left")
    return pl.concat([unmoved, looked_up.select(unmoved.columns)])


def split_unregistered(
    rows: pl.DataFrame, known: pl.DataFrame, key: str, happened: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Facts of registered devices, and a set-aside row for every other.

    Args:
        rows: Facts with `device_id` and `event_day`.
        known: `placements`.
        key: Column that names the fact.
        happened: Instant that goes to the ledger as the row's own time.
    """
    registered = known.select("device_id").unique()
    own = rows.join(registered, on="device_id", how="semi")
    others = rows.join(registered, on="device_id", how="anti")
    return own, others.select(
        "event_day",
        entity_id=pl.col(key),
        version_at=pl.col(happened),
        rule=pl.lit("device_is_registered"),
    )
