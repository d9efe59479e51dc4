"""视频 video: cameras, gates and other devices by community."""

import dagster as dg
import ibis.expr.types as ir
from ibis import _

from assets.building import about, told
from assets.topics.tabulate import topic_whole
from schemas import tables
from schemas.contract import Contract, integer, text
from schemas.metric import Metric, Ratio
from schemas.table import Table
from schemas.topics import register
from warehouse.engine import Engine
from warehouse.lake import Lake

DEVICES = tables.table("silver", "devices")


class DeviceSummary(Contract):
    """topics.video_devices. Grain: community × kind of device."""

    community_code = text("社区编码", note="null: unplaced")
    device_kind = text("设备类型", required=True)
    device_count = integer("设备数", required=True, unit="台")
    online_count = integer("在线数", required=True, unit="台")


TABLE = register(
    Table("topics", "video_devices", DeviceSummary, "视频 设备", None,
          ("community_code", "device_kind"), "conditional", True),
    Metric("video_camera_count", "摄像机数", "设备台账中的摄像机", "台",
           "video_devices", "device_count", (("device_kind", ("camera",)),)),
    Metric("video_gate_count", "卡口数", "设备台账中的卡口", "台",
           "video_devices", "device_count", (("device_kind", ("gate",)),)),
    Metric("sensing_device_count", "感知设备数", "烟感、消火栓压力计、水浸传感器", "台",
           "video_devices", "device_count",
           (("device_kind", ("smoke_sensor", "hydrant_sensor", "water_sensor")),)),
    Metric("sensing_online_count", "在线感知设备数", "在线状态为1的感知设备", "台",
           "video_devices", "online_count",
           (("device_kind", ("smoke_sensor", "hydrant_sensor", "water_sensor")),)),
    Metric("video_online_camera_count", "在线摄像机数", "设备台账中在线的摄像机", "台",
           "video_devices", "online_count", (("device_kind", ("camera",)),)),
    Ratio("video_camera_online_share", "摄像机在线率", "在线摄像机数 ÷ 摄像机数", "%",
          ("video_online_camera_count",), ("video_camera_count",)),
    Ratio("sensing_sensor_online_share", "感知设备在线率", "在线感知设备数 ÷ 感知设备数", "%",
          ("sensing_online_count",), ("sensing_device_count",)),
)  # fmt: skip


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
