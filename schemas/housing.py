"""Buildings 建筑物 and rentals 出租房.

In shared rentals 合租 the area is the room's but the layout is the flat's: unit rents of the two
ways are never mixed. Codes: `codes/person_housing_codes.csv` (channels are a proposal).
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from schemas.contract import Arrival, Contract, day, geometry, instant, integer, number, text
from schemas.feed import NEWEST, Feed
from schemas.table import Table, with_ledgers

RENT_WAYS = {"1": "整租", "2": "合租"}
RENT_CHANNELS = {
    "1": "中介",
    "2": "个人直租",
    "3": "长租公寓机构",
    "4": "单位宿舍",
    "5": "保障性租赁住房",
    "9": "其他",
}
DANGER_GRADES = ("A", "B", "C", "D")  # JGJ 125
BUILDING_USES = {
    "residential": "住宅",
    "commercial": "商业",
    "public": "公共",
    "industrial": "工业",
}


BUILDING_BY = {
    "code": "楼栋编码",
    "address": "地址",
    "ambiguous": "地址对应多幢楼，未取",
    "unknown": "查无此楼",
    "not_said": "未写楼栋",
}
"""How a row names its building, or why it has none (`quality.addresses.buildings`)."""


class BuildingRow(Arrival):
    """建筑物 bronze.buildings, delivered as CSV (points) or GeoJSON (footprints).

    Grain: one version of one building.
    """

    building_id = text("楼栋编码", ("楼栋编码", "building_id"), required=True, max_length=40)
    building_name = text("楼栋名称", ("楼栋名称", "building_name"), max_length=100)
    address = text("建筑地址", ("建筑地址", "地址", "address"), max_length=200)
    building_use = text("建筑用途", ("建筑用途", "building_use"), codes=BUILDING_USES)
    floor_count = integer("层数", ("层数", "floor_count"), least=1, most=200, unit="层")
    unit_count = integer("单元数", ("单元数", "unit_count"), least=0, most=200, unit="个")
    dwelling_count = integer(
        "房屋套数", ("房屋套数", "dwelling_count"), least=0, most=5000, unit="套"
    )
    self_occupied_count = integer(
        "自住套数", ("自住套数", "self_occupied_count"), least=0, unit="套"
    )
    rented_count = integer("出租套数", ("出租套数", "rented_count"), least=0, unit="套")
    vacant_count = integer("空置套数", ("空置套数", "vacant_count"), least=0, unit="套")
    danger_grade = text("危房等级", ("危房等级", "danger_grade"), codes=DANGER_GRADES)
    community_code = text("社区编码", ("社区编码", "community_code"), pattern=r"^\d{12}$")
    longitude = number("经度", ("经度", "longitude"), least=73.0, most=136.0, unit="degree")
    latitude = number("纬度", ("纬度", "latitude"), least=3.0, most=54.0, unit="degree")
    footprint = geometry("基底范围", "geometry")
    updated_at = instant("更新时间", ("更新时间", "updated_at"), required=True)

    @dy.rule()
    def uses_fit_into_the_dwellings(cls) -> pl.Expr:
        """自住、出租、空置之和不得超过房屋套数"""
        parts = pl.sum_horizontal("self_occupied_count", "rented_count", "vacant_count")
        return (parts <= pl.col("dwelling_count")).fill_null(True)


class Building(Contract):
    """silver.buildings. Grain: one building."""

    building_id = text("楼栋编码", required=True)
    building_name = text("楼栋名称")
    address = text("建筑地址", note="as written")
    standard_address = text("标准地址", note="GB/T 35639-2017 levels, areas filled in by code; "
                            "null: no address, or none that says a place")  # fmt: skip
    building_use = text("建筑用途")
    floor_count = integer("层数", unit="层")
    unit_count = integer("单元数", unit="个")
    dwelling_count = integer("房屋套数", unit="套")
    self_occupied_count = integer("自住套数", unit="套")
    rented_count = integer("出租套数", unit="套")
    vacant_count = integer("空置套数", unit="套")
    danger_grade = text("危房等级")
    community_code = text("社区编码", note="null: unplaced")
    placed_by = text("定位方式", required=True)
    longitude = number("经度", unit="degree")
    latitude = number("纬度", unit="degree")
    updated_at = instant("更新时间", required=True)


class RentalRow(Arrival):
    """出租房 bronze.rentals, delivered as XLSX (first sheet, header in the first row).

    Grain: one version of one registered rental.
    """

    rental_id = text("备案号", ("备案号", "rental_id"), required=True, max_length=40)
    building_id = text("楼栋编码", ("楼栋编码", "building_id"), max_length=40)
    community_code = text("社区编码", ("社区编码", "community_code"), pattern=r"^\d{12}$")
    address = text("房屋地址", ("房屋地址", "地址", "address"), max_length=200, privacy="quasi")
    rent_way = text("租赁方式", ("租赁方式", "rent_way"), required=True, codes=RENT_WAYS)
    rent_channel = text("租赁渠道", ("租赁渠道", "rent_channel"), required=True,
                        codes=RENT_CHANNELS)  # fmt: skip
    area_m2 = number("面积", ("面积", "area_m2"), least=2.0, most=5000.0, unit="m2")
    rent_yuan_per_month = number("月租金", ("月租金", "rent_yuan_per_month"), least=0.0,
                                 most=1_000_000.0, unit="元/月")  # fmt: skip
    tenant_count = integer("租住人数", ("租住人数", "tenant_count"), least=0, most=200, unit="人")
    landlord_name = text("出租人", ("出租人", "landlord_name"), privacy="direct", max_length=60)
    landlord_phone = text("出租人电话", ("出租人电话", "landlord_phone"), privacy="direct")
    starts_day = day("起租日期", ("起租日期", "starts_day"))
    ends_day = day("到期日期", ("到期日期", "ends_day"))
    updated_at = instant("更新时间", ("更新时间", "updated_at"), required=True)

    @dy.rule()
    def ends_after_it_starts(cls) -> pl.Expr:
        """到期日期不得早于起租日期"""
        return (pl.col("ends_day") >= pl.col("starts_day")).fill_null(True)


class Rental(Contract):
    """silver.rentals. Grain: one registered rental."""

    rental_id = text("备案号", required=True)
    building_id = text("楼栋编码", note="registered; null: see building_by")
    building_by = text("楼栋定位方式", required=True, codes=BUILDING_BY)
    community_code = text("社区编码", note="null: unplaced")
    placed_by = text("定位方式", required=True)
    rent_way = text("租赁方式", required=True)
    rent_channel = text("租赁渠道", required=True)
    area_m2 = number("面积", unit="m2")
    rent_yuan_per_month = number("月租金", unit="元/月")
    tenant_count = integer("租住人数", unit="人", privacy="sensitive")
    starts_day = day("起租日期")
    ends_day = day("到期日期")
    updated_at = instant("更新时间", required=True)


FEEDS: tuple[Feed, ...] = (
    Feed("buildings", "建筑物", BuildingRow, "buildings", ("csv", "geojson"), ("building_id",),
         None, NEWEST, "住建"),
    Feed("rentals", "出租房", RentalRow, "rentals", ("xlsx",), ("rental_id",),
         None, NEWEST, "住建"),
)  # fmt: skip
TABLES: tuple[Table, ...] = (
    *with_ledgers(
        Table(
            "silver",
            "buildings",
            Building,
            "建筑物",
            None,
            ("building_id",),
            accounts_for=("buildings",),
        )
    ),
    *with_ledgers(
        Table(
            "silver", "rentals", Rental, "出租房", None, ("rental_id",), accounts_for=("rentals",)
        )
    ),
)
