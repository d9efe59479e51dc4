"""silver.device_periods, silver.grid_staff_periods: registered devices, and staff on duty, when.

Not here: rentals and residents (`periods.py`), where a device stood for what it saw (`devices.py`).
"""

import dagster as dg
import polars as pl

from assets.building import Clean, about, build_whole, inputs_of, told
from assets.deliveries import deliveries_digest, deliveries_of, statements
from assets.silver.grid_staff import TOPIC_KEY, without_identity
from quality.coordinates import in_wgs84
from quality.placing import Communities
from quality.validity import duty_periods, periods
from schemas import tables
from schemas.city_time import from_wall_clock
from schemas.feeds import BY_NAME
from warehouse import builds
from warehouse.lake import Lake

AREAS = tables.table("silver", "areas")
DEVICES = tables.table("silver", "device_periods")
STAFF = tables.table("silver", "grid_staff_periods")


@dg.asset(
    **about(DEVICES, "big-data"),
    deps=[["bronze", "devices"], list(AREAS.key)],
    kinds={"polars", "deltalake", "geopandas"},
)
def device_periods(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Registered devices through time: where, and of which kind."""

    def clean() -> Clean:
        rows = in_wgs84(lake.read(tables.table("bronze", "devices")), BY_NAME["devices"])
        own = deliveries_of(lake, "devices")
        placed = Communities(lake.read(AREAS)).place(rows).with_columns(
            entity_id="device_id", source=pl.lit("devices")
        )  # fmt: skip
        versions = statements(placed, own, "updated_at")
        found = periods(versions, _whole(own, "devices"), ["community_code", "device_kind"])
        return Clean(found.rename({"entity_id": "device_id"}))

    return told(build_whole(lake, DEVICES, _inputs(lake, "devices"), clean))


@dg.asset(
    **about(STAFF, "political-legal"),
    deps=[["bronze", "grid_staff"], list(AREAS.key)],
    kinds={"polars", "deltalake"},
)
def grid_staff_periods(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Staff on duty through time: at which grid, in which role; workers are tokens."""
    key = lake.home.key(TOPIC_KEY)

    def clean() -> Clean:
        rows = without_identity(lake.read(tables.table("bronze", "grid_staff")), key)
        rows = Communities(lake.read(AREAS)).place(rows.rename({"staff_number": "staff_token"}))
        return Clean(on_duty(rows, deliveries_of(lake, "grid_staff")))

    return told(build_whole(lake, STAFF, _inputs(lake, "grid_staff"), clean))


def on_duty(rows: pl.DataFrame, deliveries: pl.DataFrame) -> pl.DataFrame:
    """When which post was held, from all versions of posts.

    Args:
        rows: bronze.grid_staff, placed, with `staff_token`.
        deliveries: `deliveries_of` the feed.
    """
    first, last = (pl.col(c).cast(pl.Datetime("us")) for c in ("on_duty_from", "on_duty_until"))
    post = rows.with_columns(
        entity_id=pl.concat_str("staff_token", "grid_code", separator="/"),
        source=pl.lit("grid_staff"),
        from_at=from_wall_clock(first),
        until_at=from_wall_clock(last + pl.duration(days=1)),
    )
    facts = ["staff_token", "grid_code", "community_code", "staff_role"]
    versions = statements(post, deliveries, "updated_at")
    return duty_periods(versions, _whole(deliveries, "grid_staff"), facts).drop("entity_id")


def _whole(deliveries: pl.DataFrame, source: str) -> pl.DataFrame:
    return deliveries.select("as_of", source=pl.lit(source))


def _inputs(lake: Lake, feed: str) -> str:
    return inputs_of(
        *builds.arrived(lake, feed).values(),
        deliveries_digest(lake, feed),
        builds.content_of(lake, AREAS),
    )
