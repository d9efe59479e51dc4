"""城市部件 components: components by community, class and state."""

import dagster as dg
import ibis.expr.types as ir
from ibis import _

from assets.building import about, told
from assets.topics.tabulate import topic_whole
from schemas import tables
from schemas.components import COMPONENT_STATES, MAJOR_CLASSES
from schemas.contract import Contract, integer, text
from schemas.metric import Metric, Ratio
from schemas.table import Table
from schemas.topics import register
from warehouse.engine import Engine
from warehouse.lake import Lake

COMPONENTS = tables.table("silver", "components")
_STANDING = tuple(state for state in COMPONENT_STATES if state != "移除")


class ComponentCount(Contract):
    """topics.components_counts. Grain: community × class × department in charge × state."""

    community_code = text("社区编码", note="null: unplaced")
    major_code = text("部件大类", required=True, codes=MAJOR_CLASSES)
    type_code = text("部件小类", required=True)
    department_name = text("主管部门", required=True)
    component_state = text("部件状态", required=True, codes=COMPONENT_STATES)
    component_count = integer("部件数", required=True, unit="个")


TABLE = register(
    Table("topics", "components_counts", ComponentCount, "城市部件 数量", None,
          ("community_code", "type_code", "component_state"), "unconditional", True),
    Metric("components_component_count", "城市部件数", "普查登记、未移除的管理部件", "个",
           "components_counts", "component_count", (("component_state", _STANDING),),
           sharing="unconditional"),
    Metric("components_damaged_count", "破损部件数", "状态为破损的管理部件", "个",
           "components_counts", "component_count", (("component_state", ("破损",)),),
           sharing="unconditional"),
    Metric("components_lost_count", "丢失部件数", "状态为丢失的管理部件", "个",
           "components_counts", "component_count", (("component_state", ("丢失",)),),
           sharing="unconditional"),
    Metric("components_abandoned_count", "废弃部件数", "状态为废弃的管理部件", "个",
           "components_counts", "component_count", (("component_state", ("废弃",)),),
           sharing="unconditional"),
    Ratio("components_damaged_share", "部件损坏率", "破损、丢失、废弃部件数 ÷ 城市部件数", "%",
          ("components_damaged_count", "components_lost_count", "components_abandoned_count"),
          ("components_component_count",), sharing="unconditional"),
)  # fmt: skip


@dg.asset(**about(TABLE), deps=[list(COMPONENTS.key)], kinds={"ibis", "duckdb", "deltalake"})
def components_counts(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Components by class, department in charge and state."""
    return told(topic_whole(lake, TABLE, [COMPONENTS], count_components))


def count_components(engine: Engine) -> ir.Table:
    """Components by community, class, department and state."""
    components = engine.table(COMPONENTS)
    return components.group_by(
        "community_code", "major_code", "type_code", "department_name", "component_state"
    ).aggregate(component_count=_.count())
