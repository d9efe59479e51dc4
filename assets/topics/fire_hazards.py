"""消防 fire: hidden dangers found by inspections: mended, open, overdue, as of the run's city day.

A danger is overdue from the day after its due day; without a due day it is open and never overdue.
"""

from datetime import date

import dagster as dg
import ibis
import ibis.expr.types as ir
from ibis import _

from assets.building import about, told
from assets.timing import AsOf
from assets.topics.tabulate import topic_whole
from schemas import tables
from schemas.contract import Contract, integer, text
from schemas.metric import Metric, Ratio
from schemas.table import Table
from schemas.topics import register
from warehouse.engine import Engine
from warehouse.lake import Lake

INSPECTIONS = tables.table("silver", "fire_inspections")


class HazardCount(Contract):
    """topics.fire_hazards. Grain: community, as of the run's day."""

    community_code = text("社区编码", note="null: unplaced")
    hazard_count = integer("隐患数", required=True, unit="处")
    rectified_count = integer("已整改数", required=True, unit="处")
    open_count = integer("未整改数", required=True, unit="处", note="overdue ones too")
    overdue_count = integer("逾期未整改数", required=True, unit="处")
    undated_count = integer("无期限未整改数", required=True, unit="处")


TABLE = register(
    Table("topics", "fire_hazards", HazardCount, "消防 隐患", None, ("community_code",),
          "conditional", True),
    Metric("fire_known_hazard_count", "累计隐患数", "历次消防检查发现的隐患", "处",
           "fire_hazards", "hazard_count"),
    Metric("fire_closed_hazard_count", "隐患已闭环数", "历次检查发现、现已整改的隐患", "处",
           "fire_hazards", "rectified_count"),
    Metric("fire_open_hazard_count", "隐患未整改数", "历次检查发现、尚未整改的隐患（含逾期）", "处",
           "fire_hazards", "open_count"),
    Metric("fire_overdue_hazard_count", "隐患逾期未整改数",
           "整改期限早于数据截止日、尚未整改的隐患", "处", "fire_hazards", "overdue_count"),
    Ratio("fire_closed_hazard_share", "隐患闭环率", "隐患已闭环数 ÷ 累计隐患数", "%",
          ("fire_closed_hazard_count",), ("fire_known_hazard_count",)),
    Ratio("fire_overdue_hazard_share", "隐患逾期率", "隐患逾期未整改数 ÷ 累计隐患数", "%",
          ("fire_overdue_hazard_count",), ("fire_known_hazard_count",)),
)  # fmt: skip


@dg.asset(**about(TABLE), deps=[list(INSPECTIONS.key)], kinds={"ibis", "duckdb", "deltalake"})
def fire_hazards(
    lake: dg.ResourceParam[Lake], as_of: dg.ResourceParam[AsOf]
) -> dg.MaterializeResult:
    """Dangers over all inspections, in the state they are in as of the run's day."""
    day = as_of.day
    return told(
        topic_whole(lake, TABLE, [INSPECTIONS], lambda e: count_hazards(e, day), also=(day,))
    )


def count_hazards(engine: Engine, day: date) -> ir.Table:
    """Dangers by community.

    Args:
        engine: The engine.
        day: What was due before it and is open is overdue.
    """
    rows = engine.table(INSPECTIONS).mutate(left=_.hazard_count - _.rectified_count)
    is_overdue = (_.due_day < ibis.literal(day)).fill_null(False)
    return rows.group_by("community_code").aggregate(
        hazard_count=_.hazard_count.sum(),
        rectified_count=_.rectified_count.sum(),
        open_count=_.left.sum(),
        overdue_count=_.left.sum(where=is_overdue).fill_null(0),
        undated_count=_.left.sum(where=_.due_day.isnull()).fill_null(0),
    )
