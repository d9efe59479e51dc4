"""出租房 rentals: rentals by community, way and channel.

The two ways are kept apart everywhere: in shared rentals 合租 the area is a room's.
"""

import dagster as dg
import ibis.expr.types as ir
from ibis import _

from assets.building import about, told
from assets.topics.tabulate import topic_whole
from schemas import tables
from schemas.contract import Contract, integer, text
from schemas.housing import RENT_CHANNELS, RENT_WAYS
from schemas.metric import Metric, Ratio
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
    rent_known_count = integer("已知租金套数", required=True, unit="套", privacy="sensitive")
    rent_fen_per_month = integer("月租金合计", unit="分/月",
                                 guarded_by="rent_known_count",
                                 note="whole fen: doubles would add up differently in another order")  # fmt: skip  # noqa: E501
    tenant_count = integer("租住人数", required=True, unit="人", privacy="sensitive")


def _rents(way: str, name: str) -> tuple[Metric, Metric, Ratio]:
    """Rents of one way; of shared rentals they are a room's, so the ways are never mixed."""
    code = next(c for c, zh in RENT_WAYS.items() if zh == name)
    where = (("rent_way", (code,)),)
    known, total = f"rentals_{way}_rent_known_count", f"rentals_{way}_rent_fen"
    return (
        Metric(known, f"{name}已知租金套数", f"租赁方式为{name}、填有月租金的出租房", "套",
               "rentals_counts", "rent_known_count", where, counts_persons=True),
        Metric(total, f"{name}月租金合计", f"{name}出租房的月租金之和", "分/月",
               "rentals_counts", "rent_fen_per_month", where, guarded_by=known),
        Ratio(f"rentals_{way}_mean_rent", f"{name}平均租金",
              f"{name}月租金合计 ÷ {name}已知租金套数", "元/月", (total,), (known,), scale=0.01),
    )  # fmt: skip


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
    *(
        Metric(f"rentals_channel_{code}_count", f"{name}套数", f"租赁渠道为{name}的出租房", "套",
               "rentals_counts", "rental_count", (("rent_channel", (code,)),))
        for code, name in RENT_CHANNELS.items()
    ),
    *_rents("whole", "整租"),
    *_rents("shared", "合租"),
    Ratio("rentals_tenants_per_rental", "平均租住人数", "租住人数 ÷ 出租房数", "人/套",
          ("rentals_tenant_count",), ("rentals_rental_count",), scale=1.0),
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
        rent_fen_per_month=_.rent_fen.sum().fill_null(0),
        tenant_count=_.tenant_count.sum().fill_null(0),
    )
