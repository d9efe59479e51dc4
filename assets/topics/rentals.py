"""出租房 rentals: rentals by community, way and channel.

The two ways are kept apart everywhere: in shared rentals 合租 the area is a room's.
"""

import dagster as dg
import ibis.expr.types as ir
from ibis import _

from assets.building import about, told
from assets.topics.tabulate import topic_whole
from schemas import tables
from warehouse.engine import Engine
from warehouse.lake import Lake

RENTALS = tables.table("silver", "rentals")
TABLE = tables.table("topics", "rentals_counts")


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
