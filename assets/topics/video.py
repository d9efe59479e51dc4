"""视频 video: cameras, gates and other devices by community."""

import dagster as dg
import ibis.expr.types as ir
from ibis import _

from assets.building import about, told
from assets.topics.tabulate import topic_whole
from schemas import tables
from warehouse.engine import Engine
from warehouse.lake import Lake

DEVICES = tables.table("silver", "devices")
TABLE = tables.table("topics", "video_devices")


@dg.asset(**about(TABLE), deps=[list(DEVICES.key)], kinds={"ibis", "duckdb", "deltalake"})
def video_devices(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Devices and how many of them are online, by community and kind."""
    return told(topic_whole(lake, TABLE, [DEVICES], count_devices))


def count_devices(engine: Engine) -> ir.Table:
    """Devices by community and kind."""
    devices = engine.table(DEVICES)
    return devices.group_by("community_code", "device_kind").aggregate(
        device_count=_.count(), online_count=_.is_online.fill_null(False).cast("int64").sum()
    )
