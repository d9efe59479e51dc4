"""City components 城市部件: the census of covers, lamps, signs, bins, trees and the like.

Attributes: GB/T 47678.5-2026 (`codes/component_matter_attributes.csv`); classes:
`codes/gbt47678_5_2026_components_matters.csv`, rows 管理部件; the id of 17 digits names its class
(`codes/id_layouts.csv`). Ids of 16 digits (GB/T 30428.2-2013) are not accepted: for components
there is no crosswalk. Remarks are free text and not taken.
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from schemas import codes
from schemas.city_time import from_wall_clock
from schemas.contract import Arrival, Contract, day, geometry, instant, number, text
from schemas.feed import Feed
from schemas.table import Table, with_ledgers

_CLASSES = codes.table("gbt47678_5_2026_components_matters").filter(pl.col("kind") == "管理部件")
COMPONENT_CLASSES: dict[str, str] = dict(_CLASSES.select("code", "name").iter_rows())
MAJOR_CLASSES: dict[str, str] = dict(_CLASSES.select("major_code", "major_name").iter_rows())
COMPONENT_STATES = ("完好", "破损", "丢失", "废弃", "移除")
DATA_SOURCES = ("实测", "地形图", "基础地理数据", "其他")


class ComponentRow(Arrival):
    """城市部件 bronze.components, CSV or GeoJSON. Grain: one version of one component."""

    component_id = text("部件标识码", ("管理部件标识码", "GLBJBSM", "component_id"), required=True,
                        pattern=r"^\d{17}$")  # fmt: skip
    component_name = text("部件名称", ("管理部件名称", "GLBJMC", "component_name"), required=True,
                          max_length=30)  # fmt: skip
    major_code = text("部件大类", ("部件大类", "major_code"), codes=MAJOR_CLASSES)
    type_code = text("部件小类", ("部件小类", "type_code"), required=True, codes=COMPONENT_CLASSES,
                     note="GB/T 47678.5-2026, five digits")  # fmt: skip
    department_code = text("主管部门代码", ("主管部门代码", "ZGBMDM", "department_code"),
                           required=True, max_length=18)  # fmt: skip
    department_name = text("主管部门", ("主管部门名称", "ZGBMMC", "department_name"), required=True,
                           max_length=100)  # fmt: skip
    owner_name = text("权属单位", ("权属单位名称", "QSDWMC", "owner_name"), max_length=100)
    maintainer_name = text("养护单位", ("养护单位名称", "YHDWMC", "maintainer_name"),
                           max_length=100)  # fmt: skip
    component_state = text("部件状态", ("管理部件状态", "GLBJZT", "component_state"), required=True,
                           codes=COMPONENT_STATES)  # fmt: skip
    data_source = text("数据来源", ("数据来源", "SJLY", "data_source"), codes=DATA_SOURCES)
    grid_code = text("网格编码", ("所在单元网格标识码", "SZDYWGBSM", "grid_code"),
                     pattern=r"^\d{15}$")  # fmt: skip
    community_code = text("社区编码", ("所在社区代码", "SZSQDM", "community_code"),
                          pattern=r"^\d{12}$")  # fmt: skip
    community_name = text("社区名称", ("所在社区名称", "SZSQMC", "community_name"), max_length=50)
    street_name = text("街道名称", ("所在街道名称", "SZJDMC", "street_name"), max_length=50)
    longitude = number("经度", ("经度", "longitude"), least=73.0, most=136.0, unit="degree")
    latitude = number("纬度", ("纬度", "latitude"), least=3.0, most=54.0, unit="degree")
    shape = geometry("几何", "geometry", note="point, line or area")
    initial_day = day("初始日期", ("初始日期", "CSRQ", "initial_day"), required=True)
    changed_day = day("变更日期", ("变更日期", "BGRQ", "changed_day"))
    updated_at = instant("更新时间", ("更新时间", "updated_at"))
    changed_at = instant("版本时间", required=True,
                         note="start of changed_day, else of initial_day")  # fmt: skip

    @classmethod
    def derive(cls, frame: pl.DataFrame) -> pl.DataFrame:
        """Add the instant of the last change; the standard only knows its day."""
        changed = pl.coalesce("changed_day", "initial_day").cast(pl.Datetime("us"))
        return frame.with_columns(changed_at=from_wall_clock(changed))

    @dy.rule()
    def component_id_names_its_class(cls) -> pl.Expr:
        """部件标识码第7至11位应为部件小类代码"""
        named = pl.col("component_id").str.slice(6, 5) == pl.col("type_code")
        return named.fill_null(True)

    @dy.rule()
    def major_class_holds_its_class(cls) -> pl.Expr:
        """部件大类应为部件小类代码的前两位"""
        return (pl.col("type_code").str.head(2) == pl.col("major_code")).fill_null(True)

    @dy.rule()
    def changes_after_it_begins(cls) -> pl.Expr:
        """变更日期不得早于初始日期"""
        return (pl.col("changed_day") >= pl.col("initial_day")).fill_null(True)


class Component(Contract):
    """silver.components. Grain: one component, newest version."""

    component_id = text("部件标识码", required=True)
    component_name = text("部件名称", required=True)
    major_code = text("部件大类", required=True)
    type_code = text("部件小类", required=True)
    department_code = text("主管部门代码", required=True)
    department_name = text("主管部门", required=True)
    owner_name = text("权属单位")
    maintainer_name = text("养护单位")
    component_state = text("部件状态", required=True, codes=COMPONENT_STATES)
    grid_code = text("网格编码", note="as delivered")
    community_code = text("社区编码", note="null: unplaced")
    placed_by = text("定位方式", required=True)
    longitude = number("经度", unit="degree")
    latitude = number("纬度", unit="degree")
    initial_day = day("初始日期", required=True)
    changed_at = instant("版本时间", required=True)


FEEDS: tuple[Feed, ...] = (
    Feed("components", "城市部件", ComponentRow, "components", ("csv", "geojson"),
         ("component_id",), None, ("updated_at", "changed_at"), "城管",
         fresh_days=1096),  # a census is made anew every few years (our default)
)  # fmt: skip
TABLES: tuple[Table, ...] = (
    *with_ledgers(
        Table("silver", "components", Component, "城市部件", None, ("component_id",),
              accounts_for=("components",))
    ),
)  # fmt: skip
