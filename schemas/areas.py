"""Areas of three tiers and the grid below them: district › street › community › grid.

Grain of bronze.areas: one version of one area in one delivery. Of silver.areas: one area.
Code lengths 6, 9, 12, 15 (NBS division codes; grid by GB/T 47678, `codes/id_layouts.csv`).
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from schemas.contract import Arrival, Contract, day, geometry, instant, number, text
from schemas.feed import NEWEST, Feed
from schemas.table import Table, with_ledgers

TIERS = ("district", "street", "community")
TIER_ZH = {"district": "区县", "street": "街道镇", "community": "社区村", "grid": "网格"}
CODE_LENGTH = {"district": 6, "street": 9, "community": 12, "grid": 15}

UNPLACED = "unplaced"
"""Suffix of the area code that holds what could not be placed: `350299-unplaced`."""


def unplaced_code(district_code: str) -> str:
    """Area code of the bucket of unplaced facts of a district.

    >>> unplaced_code("350299")
    '350299-unplaced'
    """
    return f"{district_code}-{UNPLACED}"


class AreaRow(Arrival):
    """区划与网格 bronze.areas, GeoJSON features. Grain: one version of one area."""

    area_code = text("区划代码", ("area_code", "code", "区划代码"), required=True,
                     pattern=r"^\d{6}(\d{3}){0,3}$")  # fmt: skip
    area_name = text("名称", ("area_name", "name", "名称"), required=True, max_length=60)
    tier = text("层级", ("tier", "level", "层级"), required=True, codes=TIER_ZH)
    parent_code = text("上级代码", ("parent_code", "parent", "上级代码"))
    shape = geometry("范围", "geometry", required=True)
    updated_at = instant("更新时间", ("updated_at", "更新时间"), required=True)

    @dy.rule()
    def code_length_fits_its_tier(cls) -> pl.Expr:
        """区划代码长度应与层级一致（6、9、12、15位）"""
        return pl.col("area_code").str.len_chars() == pl.col("tier").replace_strict(
            CODE_LENGTH, default=None, return_dtype=pl.UInt32
        )

    @dy.rule()
    def code_begins_with_its_parent(cls) -> pl.Expr:
        """区划代码应以上级代码开头"""
        return pl.col("parent_code").is_null() | pl.col("area_code").str.starts_with(
            pl.col("parent_code")
        )


class AreaChangeRow(Arrival):
    """config/area_changes.csv. Grain: one old code and one code that came after it.

    A merger is several old codes with one new one, a new code one with one, a division one old code
    with several new ones.
    """

    old_code = text("原代码", ("old_code", "原代码"), required=True,
                    pattern=r"^\d{6}(\d{3}){0,3}$")  # fmt: skip
    new_code = text("新代码", ("new_code", "新代码"), required=True,
                    pattern=r"^\d{6}(\d{3}){0,3}$")  # fmt: skip
    changed_on = day("变更日期", ("changed_on", "变更日期"), required=True)

    @dy.rule()
    def both_are_of_one_tier(cls) -> pl.Expr:
        """新旧代码应为同一层级（长度相同）"""
        return pl.col("old_code").str.len_chars() == pl.col("new_code").str.len_chars()

    @dy.rule()
    def codes_differ(cls) -> pl.Expr:
        """新旧代码应不同"""
        return pl.col("old_code") != pl.col("new_code")

    @dy.rule()
    def ends_or_begins_on_a_day(cls) -> pl.Expr:
        """同一代码不得在同一天既停用又启用：此后的数据无从分辨"""
        begun = pl.concat_str("new_code", "changed_on", separator="@").implode()
        return ~pl.concat_str("old_code", "changed_on", separator="@").is_in(begun)


class Area(Contract):
    """silver.areas. Grain: one area in force."""

    area_code = text("区划代码", required=True)
    area_name = text("名称", required=True)
    tier = text("层级", required=True, codes=TIER_ZH)
    parent_code = text("上级代码", note="null for the district")
    shape = geometry("范围", required=True)
    centre_longitude = number("中心经度", required=True, unit="degree")
    centre_latitude = number("中心纬度", required=True, unit="degree")
    area_m2 = number("面积", required=True, unit="m2")
    former_codes = dy.List(
        dy.String(), nullable=False,
        metadata={"zh": "原代码", "privacy": "open",
                  "note": "codes whose whole area is part of this one now"},
    )  # fmt: skip
    updated_at = instant("更新时间", required=True)


FEEDS: tuple[Feed, ...] = (
    Feed("areas", "区划与网格", AreaRow, "areas", ("geojson",), ("area_code",),
         None, NEWEST, "民政"),
)  # fmt: skip
TABLES: tuple[Table, ...] = (
    *with_ledgers(
        Table("silver", "areas", Area, "区划", None, ("area_code",), accounts_for=("areas",))
    ),
)
