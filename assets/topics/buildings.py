"""建筑物 buildings: buildings and dwellings by community and use."""

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

BUILDINGS = tables.table("silver", "buildings")
_SUMMED = ("unit_count", "dwelling_count", "self_occupied_count", "rented_count", "vacant_count")


class BuildingCount(Contract):
    """topics.buildings_counts. Grain: community × use of building."""

    community_code = text("社区编码", note="null: unplaced")
    building_use = text("建筑用途")
    building_count = integer("楼栋数", required=True, unit="栋")
    unit_count = integer("单元数", required=True, unit="个")
    dwelling_count = integer("房屋套数", required=True, unit="套")
    self_occupied_count = integer("自住套数", required=True, unit="套")
    rented_count = integer("出租套数", required=True, unit="套")
    vacant_count = integer("空置套数", required=True, unit="套")
    dangerous_count = integer("危房栋数", required=True, unit="栋", note="grades C and D, JGJ 125")


TABLE = register(
    Table("topics", "buildings_counts", BuildingCount, "建筑物 数量", None,
          ("community_code", "building_use"), "unconditional", True),
    Metric("buildings_building_count", "楼栋数", "建筑物台账中的楼栋", "栋",
           "buildings_counts", "building_count", sharing="unconditional"),
    Metric("buildings_unit_count", "单元数", "楼栋单元之和", "个",
           "buildings_counts", "unit_count", sharing="unconditional"),
    Metric("buildings_dwelling_count", "房屋套数", "楼栋房屋套数之和", "套",
           "buildings_counts", "dwelling_count", sharing="unconditional"),
    Metric("buildings_self_occupied_count", "自住套数", "登记为自住的房屋", "套",
           "buildings_counts", "self_occupied_count", sharing="unconditional"),
    Metric("buildings_rented_count", "出租套数", "登记为出租的房屋", "套",
           "buildings_counts", "rented_count", sharing="unconditional"),
    Metric("buildings_vacant_count", "空置套数", "登记为空置的房屋", "套",
           "buildings_counts", "vacant_count", sharing="unconditional"),
    Metric("buildings_dangerous_count", "危房栋数", "JGJ 125 鉴定为C、D级的楼栋", "栋",
           "buildings_counts", "dangerous_count", sharing="unconditional"),
    Ratio("buildings_self_occupied_share", "自住率", "自住套数 ÷ 房屋套数", "%",
          ("buildings_self_occupied_count",), ("buildings_dwelling_count",),
          sharing="unconditional"),
    Ratio("buildings_rented_share", "出租率", "出租套数 ÷ 房屋套数", "%",
          ("buildings_rented_count",), ("buildings_dwelling_count",), sharing="unconditional"),
    Ratio("buildings_vacant_share", "空置率", "空置套数 ÷ 房屋套数", "%",
          ("buildings_vacant_count",), ("buildings_dwelling_count",), sharing="unconditional"),
    Ratio("buildings_dangerous_share", "危房占比", "危房栋数 ÷ 楼栋数", "%",
          ("buildings_dangerous_count",), ("buildings_building_count",), sharing="unconditional"),
)  # fmt: skip


@dg.asset(**about(TABLE), deps=[list(BUILDINGS.key)], kinds={"ibis", "duckdb", "deltalake"})
def buildings_counts(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Buildings, units and dwellings by use; a missing figure counts as none."""
    return told(topic_whole(lake, TABLE, [BUILDINGS], count_buildings))


def count_buildings(engine: Engine) -> ir.Table:
    """Buildings by community and use."""
    buildings = engine.table(BUILDINGS)
    is_dangerous = _.danger_grade.isin(["C", "D"]).fill_null(False)
    return buildings.group_by("community_code", "building_use").aggregate(
        building_count=_.count(),
        dangerous_count=is_dangerous.cast("int64").sum(),
        **{name: _[name].sum().fill_null(0) for name in _SUMMED},
    )
