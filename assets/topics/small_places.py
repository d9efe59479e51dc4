"""九小场所 small_places: places of the nine kinds, who works there, hazards found and open."""

import dagster as dg
import ibis.expr.types as ir
from ibis import _

from assets.building import about, told
from assets.topics.tabulate import topic_whole
from schemas import tables
from schemas.contract import Contract, integer, text
from schemas.metric import Metric, Ratio
from schemas.small_places import FIRE_LEVELS, PLACE_KINDS
from schemas.table import Table
from schemas.topics import register
from warehouse.engine import Engine
from warehouse.lake import Lake

PLACES = tables.table("silver", "small_places")
_COUNTS = "small_places_counts"


class SmallPlaceCount(Contract):
    """topics.small_places_counts. Grain: community × kind of place × level of fire responsibility."""  # noqa: E501 - shown in Dagster as one line

    community_code = text("社区编码", note="null: unplaced")
    place_kind = text("场所类别", required=True, codes=PLACE_KINDS)
    fire_level = text("消防安全责任级别", required=True, codes=FIRE_LEVELS)
    place_count = integer("场所数", required=True, unit="家")
    inspected_count = integer("已检查场所数", required=True, unit="家")
    hazard_count = integer("隐患数", required=True, unit="处")
    rectified_count = integer("已整改数", required=True, unit="处")
    open_hazard_place_count = integer("有未整改隐患的场所数", required=True, unit="家")
    employee_count = integer("从业人数", required=True, unit="人", privacy="sensitive")


TABLE = register(
    Table("topics", _COUNTS, SmallPlaceCount, "九小场所 数量", None,
          ("community_code", "place_kind", "fire_level"), "conditional", True),
    Metric("small_places_place_count", "九小场所数", "台账中的九小场所", "家",
           _COUNTS, "place_count"),
    *(
        Metric(f"small_places_kind_{code}_count", f"{name}数", f"台账中类别为{name}的场所", "家",
               _COUNTS, "place_count", (("place_kind", (code,)),))
        for code, name in PLACE_KINDS.items()
    ),
    Metric("small_places_inspected_count", "已检查场所数", "有检查日期的九小场所", "家",
           _COUNTS, "inspected_count"),
    Metric("small_places_hazard_count", "九小场所隐患数", "最近检查发现的隐患之和", "处",
           _COUNTS, "hazard_count"),
    Metric("small_places_rectified_count", "九小场所已整改数", "最近检查发现、已整改的隐患", "处",
           _COUNTS, "rectified_count"),
    Metric("small_places_open_hazard_place_count", "有未整改隐患的场所数",
           "隐患数大于已整改数的九小场所", "家", _COUNTS, "open_hazard_place_count"),
    Metric("small_places_employee_count", "九小场所从业人数", "场所从业人数之和，未填的不计", "人",
           _COUNTS, "employee_count", counts_persons=True),
    Ratio("small_places_inspected_share", "九小场所检查率", "已检查场所数 ÷ 九小场所数", "%",
          ("small_places_inspected_count",), ("small_places_place_count",)),
    Ratio("small_places_rectified_share", "九小场所隐患整改率",
          "九小场所已整改数 ÷ 九小场所隐患数", "%",
          ("small_places_rectified_count",), ("small_places_hazard_count",)),
)  # fmt: skip


@dg.asset(**about(TABLE), deps=[list(PLACES.key)], kinds={"ibis", "duckdb", "deltalake"})
def small_places_counts(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Small places by kind and level; small sums of persons are withheld on publication."""
    return told(topic_whole(lake, TABLE, [PLACES], count_places))


def count_places(engine: Engine) -> ir.Table:
    """Small places by community, kind and level."""
    places = engine.table(PLACES)
    is_open = _.hazard_count > _.rectified_count
    return places.group_by("community_code", "place_kind", "fire_level").aggregate(
        place_count=_.count(),
        inspected_count=_.last_inspected_day.count(),
        hazard_count=_.hazard_count.sum(),
        rectified_count=_.rectified_count.sum(),
        open_hazard_place_count=is_open.cast("int64").sum(),
        employee_count=_.employee_count.sum().fill_null(0),
    )
