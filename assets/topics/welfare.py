"""救助 welfare: persons, households and amounts of aid in force, by kind; classes of 低保."""

import dagster as dg
import ibis
import ibis.expr.types as ir
from ibis import _

from assets.building import about, told
from assets.topics.marginals import Attribute, count_by, only
from assets.topics.tabulate import topic_whole
from schemas import tables
from schemas.contract import Contract, integer, number, text
from schemas.metric import Metric
from schemas.protection import SMALLEST_PERSON_COUNT
from schemas.table import Table
from schemas.topics import register
from schemas.welfare import SUBSISTENCE, WELFARE_CLASSES, WELFARE_KINDS
from warehouse.engine import Engine
from warehouse.lake import Lake

GRANTS = tables.table("silver", "welfare_grants")
_COUNTS, _KIND, _CLASS = "welfare_counts", "welfare_kind", "welfare_class"
_COUNTED_BY = {_KIND: "救助类别", _CLASS: "低保类别"}


class WelfareCount(Contract):
    """topics.welfare_counts. Grain: community × attribute × category, aid in force. No cross-tabulation."""  # noqa: E501 - shown in Dagster as one line

    community_code = text("社区编码", note="null: unplaced")
    counted_by = text("统计口径", required=True, codes=_COUNTED_BY)
    category = text("分类代码", required=True, note="unknown: not said")
    category_name = text("分类名称", required=True)
    person_count = integer("人数", required=True, unit="人", privacy="sensitive")
    household_count = integer("户数", required=True, unit="户", privacy="sensitive",
                              note="rows of heads of households")  # fmt: skip
    amount_yuan_per_month = number(
        "月救助金额合计", unit="元/月",
        note=f"by kind only; null where it tells of fewer than {SMALLEST_PERSON_COUNT} persons",
    )  # fmt: skip


TABLE = register(
    Table("topics", _COUNTS, WelfareCount, "救助 人数", None,
          ("community_code", "counted_by", "category"), "conditional", True),
    *(
        Metric(f"welfare_kind_{code}_person_count", f"{name}人数", f"正在享受{name}的人数", "人",
               _COUNTS, "person_count", only(_KIND, code), counts_persons=True)
        for code, name in WELFARE_KINDS.items()
    ),
    Metric("welfare_subsistence_household_count", "低保户数", "正在享受低保的户数，按户主计", "户",
           _COUNTS, "household_count", only(_KIND, SUBSISTENCE), counts_persons=True),
    *(
        Metric(f"welfare_class_{code.lower()}_person_count", f"低保{name}人数",
               f"正在享受最低生活保障且类别为{name}的人数", "人",
               _COUNTS, "person_count", only(_CLASS, code), counts_persons=True)
        for code, name in WELFARE_CLASSES.items()
    ),
)  # fmt: skip


@dg.asset(**about(TABLE), deps=[list(GRANTS.key)], kinds={"ibis", "duckdb", "deltalake"})
def welfare_counts(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Aid in force by kind and class; counts below k are withheld on publication."""
    return told(topic_whole(lake, TABLE, [GRANTS], count_grants))


def count_grants(engine: Engine) -> ir.Table:
    """Persons, households and amounts by community and kind, and by community and class.

    A person with aid of two kinds counts in both. Amounts are summed in whole fen: doubles would
    add up differently in another order.
    """
    grants = engine.table(GRANTS).filter(_.is_in_force)
    grants = grants.mutate(amount_fen=(_.amount_yuan_per_month * 100).round().cast("int64"))
    counted = count_by(
        [
            Attribute(_KIND, WELFARE_KINDS, grants),
            Attribute(_CLASS, WELFARE_CLASSES, grants.filter(_.welfare_kind == SUBSISTENCE)),
        ],
        household_count=_.is_household_head.cast("int64").sum(),
        amount_fen=_.amount_fen.sum().fill_null(0),
    )
    tells_of_many = (_.counted_by == _KIND) & (_.person_count >= SMALLEST_PERSON_COUNT)
    return counted.mutate(
        amount_yuan_per_month=ibis.cases((tells_of_many, _.amount_fen / 100.0))
    ).drop("amount_fen")
