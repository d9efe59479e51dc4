"""物联感知 sensing: which devices are online, by community and kind.

在线率 is online devices over all of them, both summed first; devices whose register says nothing
count as devices and not as online.
"""

import dagster as dg
import ibis.expr.types as ir
from ibis import _

from assets.building import about, told
from assets.topics.tabulate import topic_whole
from schemas import tables
from schemas.contract import Contract, integer, text
from schemas.devices import DEVICE_KINDS
from schemas.metric import Metric, Ratio
from schemas.table import Table
from schemas.topics import register
from warehouse.engine import Engine
from warehouse.lake import Lake

DEVICES = tables.table("silver", "devices")


class DeviceState(Contract):
    """topics.sensing_device_states. Grain: community × kind of device."""

    community_code = text("社区编码", note="null: unplaced")
    device_kind = text("设备类型", required=True, codes=DEVICE_KINDS)
    device_count = integer("设备数", required=True, unit="台")
    online_count = integer("在线数", required=True, unit="台")
    offline_count = integer("不在线数", required=True, unit="台", note="offline or other")
    unknown_count = integer("状态不明数", required=True, unit="台")


TABLE = register(
    Table("topics", "sensing_device_states", DeviceState, "物联感知 设备状态", None,
          ("community_code", "device_kind"), "conditional", True),
    Metric("sensing_registered_device_count", "设备总数", "设备台账中的全部设备", "台",
           "sensing_device_states", "device_count"),
    Metric("sensing_online_device_count", "在线设备总数",
           "设备台账中在线的设备；除以设备总数为在线率（先合计后相除）", "台",
           "sensing_device_states", "online_count"),
    Metric("sensing_offline_device_count", "不在线设备总数",
           "设备台账中离线或状态为其他的设备", "台", "sensing_device_states", "offline_count"),
    Ratio("sensing_device_online_share", "设备在线率", "在线设备总数 ÷ 设备总数", "%",
          ("sensing_online_device_count",), ("sensing_registered_device_count",)),
)  # fmt: skip


@dg.asset(**about(TABLE), deps=[list(DEVICES.key)], kinds={"ibis", "duckdb", "deltalake"})
def sensing_device_states(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Devices online, not online and of unknown state."""
    return told(topic_whole(lake, TABLE, [DEVICES], count_states))


def count_states(engine: Engine) -> ir.Table:
    """Devices by community and kind."""
    devices = engine.table(DEVICES)
    online = _.is_online.fill_null(False).cast("int64").sum()
    return devices.group_by("community_code", "device_kind").aggregate(
        device_count=_.count(),
        online_count=online,
        offline_count=_.is_online.count() - online,
        unknown_count=_.count() - _.is_online.count(),
    )
