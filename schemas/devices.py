"""Devices: cameras, gates and sensors by their 20-digit GB/T 28181 code.

Grain of bronze.devices: one version of one device in one delivery. Of silver.devices: one device.
Of silver.device_places: one device in one community for a stretch of time.
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from schemas.contract import Arrival, Contract, day, flag, instant, number, text
from schemas.feed import NEWEST, Feed
from schemas.table import Table, with_ledgers

DEVICE_KINDS = {
    "camera": "摄像机",
    "gate": "卡口",
    "smoke_sensor": "烟感",
    "hydrant_sensor": "消火栓压力计",
    "water_sensor": "水浸传感器",
    "broadcast": "广播",
    "lamp_post": "灯杆",
}

# 公共安全视频图像信息系统管理条例 Art. 8 (`codes/law_requirements.csv`): nothing may film here.
FORBIDDEN_PLACES = ("宿舍", "客房", "浴室", "更衣室", "卫生间", "母婴室")


class DeviceRow(Arrival):
    """设备台账 bronze.devices, delivered as CSV. Grain: one version of one device."""

    device_id = text("设备编码", ("ApeID", "设备编码"), required=True, pattern=r"^\d{20}$")
    device_name = text("设备名称", ("Name", "设备名称"), max_length=100)
    device_kind = text("设备类型", ("DeviceKind", "设备类型"), required=True,
                       codes=DEVICE_KINDS)  # fmt: skip
    longitude = number("经度", ("Longitude", "经度"), least=73.0, most=136.0, unit="degree")
    latitude = number("纬度", ("Latitude", "纬度"), least=3.0, most=54.0, unit="degree")
    community_code = text("社区编码", ("CommunityCode", "社区编码"), pattern=r"^\d{12}$")
    place_type = text("场所类型", ("PlaceType", "场所类型"), max_length=40)
    online_code = text("在线状态", ("IsOnline", "在线状态"), codes=("1", "2", "9"),
                       note="1 在线 2 离线 9 其他 (unverified)")  # fmt: skip
    installed_day = day("安装日期", ("InstalledDate", "安装日期"))
    updated_at = instant("更新时间", ("UpdatedAt", "更新时间"), required=True)

    @dy.rule()
    def stands_where_filming_is_allowed(cls) -> pl.Expr:
        """不得在宿舍、客房、浴室等场所安装图像采集设备（管理条例第八条）"""
        return pl.col("place_type").is_null() | ~(
            pl.col("device_kind").is_in(["camera", "gate"])
            & pl.col("place_type").is_in(list(FORBIDDEN_PLACES))
        )


class Device(Contract):
    """silver.devices. Grain: one device, newest version."""

    device_id = text("设备编码", required=True)
    device_name = text("设备名称")
    device_kind = text("设备类型", required=True, codes=DEVICE_KINDS)
    community_code = text("社区编码", note="null: unplaced")
    placed_by = text("定位方式", required=True, codes=("code", "point", "unplaced"))
    longitude = number("经度", unit="degree")
    latitude = number("纬度", unit="degree")
    place_type = text("场所类型")
    is_online = flag("在线")
    installed_day = day("安装日期")
    updated_at = instant("更新时间", required=True)


class DevicePlace(Contract):
    """silver.device_places. Grain: one device in one community for one stretch of time, half-open.

    The first stretch reaches back to the beginning (`valid_from` null), so that facts before the
    first delivery are placed; the newest one is open (`valid_until` null). A device has no gaps.
    """

    device_id = text("设备编码", required=True)
    community_code = text("社区编码", note="null: unplaced")
    placed_by = text("定位方式", required=True, codes=("code", "point", "unplaced"),
                     note="of the newest version of the stretch")  # fmt: skip
    valid_from = instant("起", note="update time of the first version there; null: open")
    valid_until = instant("止", note="exclusive; null: open")


FEEDS: tuple[Feed, ...] = (
    Feed("devices", "设备台账", DeviceRow, "devices", ("csv",), ("device_id",),
         None, NEWEST, "大数据"),
)  # fmt: skip
TABLES: tuple[Table, ...] = (
    *with_ledgers(
        Table("silver", "devices", Device, "设备", None, ("device_id",), accounts_for=("devices",))
    ),
    Table(
        "silver", "device_places", DevicePlace, "设备位置沿革", None, ("device_id", "valid_from")
    ),
)
