"""出租房 rentals: rentals by community, way and channel.

The two ways are kept apart everywhere: in shared rentals 合租 the area is a room's.
"""

import dagster as dg
import ibis.expr.types as ir
from ibis import _

from assets.building import about, told
from assets.topics.tabulate import topic_whole
from schemas import tables
from schemas.contract import Contract, integer, number, text
from schemas.metric import Metric
from schemas.table import Table
from schemas.topics import register
from warehouse.engine import Engine
from warehouse.lake import Lake

RENTALS = tables.table("silver", "rentals")


class RentalCount(Contract):
    """topics.rentals_counts. Grain: community × way × channel."""

    community_code = text("社区编码", note="null: unplaced")
    rent_way = text("租赁方式", required=True)
    rent_channel = text("租赁渠道", required=True)
    rental_count = integer("出租房数", required=True, unit="套")
    rent_known_count = integer("已知租金套数", required=True, unit="套")
    rent_yuan_per_month = number("月租金合计", required=True, unit="元/月")
    tenant_count = integer("租住人数", required=True, unit="人", privacy="sensitive")


TABLE = register(
    Table("topics", "rentals_counts", RentalCount, "出租房 数量", None,
          ("community_code", "rent_way", "rent_channel"), "conditional", True),
    Metric("rentals_rental_count", "出租房数", "备案的出租房", "套",
           "rentals_counts", "rental_count"),
    Metric("rentals_whole_count", "整租数", "租赁方式为整租的出租房", "套",
           "rentals_counts", "rental_count", (("rent_way", ("1",)),)),
    Metric("rentals_shared_count", "合租数", "租赁方式为合租的出租房", "套",
           "rentals_counts", "rental_count", (("rent_way", ("2",)),)),
    Metric("rentals_tenant_count", "租住人数", "出租房租住人数之和", "人",
           "rentals_counts", "tenant_count", counts_persons=True),
)  # fmt: skip


@dg.asset(**about(TABLE), deps=[list(RENTALS.key)], kinds={"ibis", "duckdb", "deltalake"})
def rentals_counts(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Rentals, known rents and tenants; average rents are quotients of these sums."""
    return told(topic_whole(lake, TABLE, [RENTALS], count_rentals))


def count_rentals(engine: Engine) -> ir.Table:
    """Rentals by community, way and channel."""
    rentals = engine.table(RENTALS)
    rentals = rentals.mutate(rent_fen=(_.rent_yuan_per_month * 100).round().cast("int64"))
    return rentals.group_by("community_code", "rent_way", "rent_channel").aggregate(
        rental_count=_.count(),
        rent_known_count=_.rent_yuan_per_month.count(),
        # summed in whole fen: doubles would add up differently in another order
        rent_yuan_per_month=_.rent_fen.sum().fill_null(0) / 100.0,
        tenant_count=_.tenant_count.sum().fill_null(0),
    )
