"""Dwellings 房屋: units and rooms of buildings, one by one.

Uses: `codes/person_housing_codes.csv`, list `house use 实有房屋` (numbering ours); states are a
proposal. A dwelling lies where its building lies.
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from schemas.contract import Arrival, Contract, instant, integer, number, text
from schemas.feed import NEWEST, Feed
from schemas.housing import BUILDING_BY
from schemas.table import Table, with_ledgers

DWELLING_USES = {"1": "自住", "2": "出租", "3": "空置", "4": "商用", "9": "其他"}
DWELLING_STATES = {"in_use": "在用", "sealed": "封存", "demolished": "已拆除"}


class DwellingRow(Arrival):
    """房屋 bronze.dwellings, CSV or XLSX. Grain: one version of one dwelling."""

    dwelling_id = text("房屋编码", ("房屋编码", "dwelling_id"), required=True, max_length=60)
    building_id = text("楼栋编码", ("楼栋编码", "building_id"), max_length=40)
    address = text("房屋地址", ("房屋地址", "地址", "address"), max_length=200, privacy="quasi")
    unit_number = text("单元号", ("单元号", "unit_number"), max_length=20)
    floor_number = integer("楼层", ("楼层", "floor_number"), least=-10, most=200, unit="层",
                           note="below ground: negative")  # fmt: skip
    room_number = text("室号", ("室号", "room_number"), required=True, max_length=20,
                       privacy="quasi")  # fmt: skip
    dwelling_use = text("房屋用途", ("房屋用途", "dwelling_use"), required=True,
                        codes=DWELLING_USES)  # fmt: skip
    dwelling_state = text("房屋状态", ("房屋状态", "dwelling_state"), required=True,
                          codes=DWELLING_STATES)  # fmt: skip
    area_m2 = number("建筑面积", ("建筑面积", "area_m2"), least=1.0, most=50_000.0, unit="m2")
    updated_at = instant("更新时间", ("更新时间", "updated_at"), required=True)

    @dy.rule()
    def names_its_building(cls) -> pl.Expr:
        """楼栋编码、房屋地址至少填写一项"""
        return pl.col("building_id").is_not_null() | pl.col("address").is_not_null()


class Dwelling(Contract):
    """silver.dwellings. Grain: one dwelling, newest version."""

    dwelling_id = text("房屋编码", required=True)
    building_id = text("楼栋编码", note="registered; null: see building_by")
    building_by = text("楼栋定位方式", required=True, codes=BUILDING_BY)
    standard_address = text("标准地址", privacy="quasi",
                            note="its building's, with unit, floor and room")  # fmt: skip
    unit_number = text("单元号")
    floor_number = integer("楼层", unit="层")
    room_number = text("室号", required=True, privacy="quasi")
    dwelling_use = text("房屋用途", required=True, codes=DWELLING_USES)
    dwelling_state = text("房屋状态", required=True, codes=DWELLING_STATES)
    area_m2 = number("建筑面积", unit="m2")
    community_code = text("社区编码", note="its building's; null: unplaced")
    updated_at = instant("更新时间", required=True)


FEEDS: tuple[Feed, ...] = (
    Feed("dwellings", "房屋", DwellingRow, "dwellings", ("csv", "xlsx"), ("dwelling_id",),
         None, NEWEST, "住建"),
)  # fmt: skip
TABLES: tuple[Table, ...] = (
    *with_ledgers(
        Table("silver", "dwellings", Dwelling, "房屋", None, ("dwelling_id",),
              accounts_for=("dwellings",))
    ),
)  # fmt: skip
