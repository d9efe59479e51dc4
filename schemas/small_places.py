"""九小场所 small places: shops, eateries, clinics … too small for the fire brigade's own rounds.

Nine kinds, and what counts as small, are set by provinces and cities: the names follow
`codes/person_housing_codes.csv` (seen in an inspection app; other towns number them otherwise or
write 易燃易爆场所 in place of 网吧), levels of fire responsibility `codes/social_codes.csv` (terms
published, numbering ours). A supplier's own numbers go through a mapping.
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from schemas import codes
from schemas.check_numbers import social_credit_code_is_valid
from schemas.city_time import city_day
from schemas.contract import Arrival, Contract, day, instant, integer, number, text
from schemas.feed import NEWEST, Feed
from schemas.housing import BUILDING_BY
from schemas.table import Table, with_ledgers

PLACE_KINDS = codes.names("person_housing_codes", "nine small places")
FIRE_LEVELS = codes.names("social_codes", "fire responsibility")


class SmallPlaceRow(Arrival):
    """九小场所 bronze.small_places, delivered as CSV. Grain: one version of one place."""

    place_id = text("场所编号", ("场所编号", "place_id"), required=True, max_length=40)
    place_name = text("场所名称", ("场所名称", "place_name"), required=True, max_length=100)
    place_kind = text("场所类别", ("场所类别", "place_kind"), required=True, codes=PLACE_KINDS)
    credit_code = text("统一社会信用代码", ("统一社会信用代码", "credit_code"))
    building_id = text("楼栋编码", ("楼栋编码", "building_id"), max_length=40)
    address = text("场所地址", ("场所地址", "地址", "经营地址", "address"), max_length=200)
    community_code = text("社区编码", ("社区编码", "community_code"), pattern=r"^\d{12}$")
    grid_code = text("网格编码", ("网格编码", "grid_code"), pattern=r"^\d{15}$")
    street_name = text("街道名称", ("街道名称", "street_name"), max_length=60)
    community_name = text("社区名称", ("社区名称", "community_name"), max_length=60)
    longitude = number("经度", ("经度", "longitude"), least=73.0, most=136.0, unit="degree")
    latitude = number("纬度", ("纬度", "latitude"), least=3.0, most=54.0, unit="degree")
    area_m2 = number("建筑面积", ("建筑面积", "area_m2"), least=1.0, most=5000.0, unit="m2")
    employee_count = integer("从业人数", ("从业人数", "employee_count"), least=0, most=1000,
                             unit="人", privacy="sensitive")  # fmt: skip
    operator_name = text("经营者", ("经营者", "operator_name"), privacy="direct", max_length=60)
    operator_phone = text("经营者电话", ("经营者电话", "operator_phone"), privacy="direct",
                          pattern=r"^[0-9+\- ]{7,20}$")  # fmt: skip
    fire_level = text("消防安全责任级别", ("消防安全责任级别", "fire_level"), required=True,
                      codes=FIRE_LEVELS)  # fmt: skip
    last_inspected_day = day("最近检查日期", ("最近检查日期", "last_inspected_day"))
    hazard_count = integer("隐患数", ("隐患数", "hazard_count"), least=0, most=1000, unit="处")
    rectified_count = integer(
        "已整改数", ("已整改数", "rectified_count"), least=0, most=1000, unit="处"
    )
    updated_at = instant("更新时间", ("更新时间", "updated_at"), required=True)

    @dy.rule()
    def credit_code_is_valid(cls) -> pl.Expr:
        """统一社会信用代码应符合GB 32100校验；没有登记的可不填"""
        return social_credit_code_is_valid(pl.col("credit_code")).fill_null(True)

    @dy.rule()
    def rectifies_no_more_than_was_found(cls) -> pl.Expr:
        """已整改数不得超过隐患数"""
        found = pl.col("hazard_count").fill_null(0)
        return (pl.col("rectified_count") <= found).fill_null(True)

    @dy.rule()
    def is_inspected_before_it_is_reported(cls) -> pl.Expr:
        """最近检查日期不得晚于更新时间所在日期"""
        return (pl.col("last_inspected_day") <= city_day(pl.col("updated_at"))).fill_null(True)


class SmallPlace(Contract):
    """silver.small_places. Grain: one place."""

    place_id = text("场所编号", required=True)
    place_name = text("场所名称", required=True)
    place_kind = text("场所类别", required=True, codes=PLACE_KINDS)
    credit_code = text("统一社会信用代码", note="null: not registered, or not said")
    building_id = text("楼栋编码", note="registered; null: see building_by")
    building_by = text("楼栋定位方式", required=True, codes=BUILDING_BY)
    community_code = text("社区编码", note="null: unplaced")
    placed_by = text("定位方式", required=True)
    longitude = number("经度", unit="degree")
    latitude = number("纬度", unit="degree")
    area_m2 = number("建筑面积", unit="m2")
    employee_count = integer("从业人数", unit="人", privacy="sensitive")
    fire_level = text("消防安全责任级别", required=True, codes=FIRE_LEVELS)
    last_inspected_day = day("最近检查日期", note="null: never, or not said")
    hazard_count = integer("隐患数", required=True, unit="处")
    rectified_count = integer("已整改数", required=True, unit="处")
    updated_at = instant("更新时间", required=True)


FEEDS: tuple[Feed, ...] = (
    Feed("small_places", "九小场所", SmallPlaceRow, "small_places", ("csv",), ("place_id",),
         None, NEWEST, "消防"),
)  # fmt: skip
TABLES: tuple[Table, ...] = (
    *with_ledgers(
        Table("silver", "small_places", SmallPlace, "九小场所", None, ("place_id",),
              accounts_for=("small_places",))
    ),
)  # fmt: skip
