"""建筑物 buildings: dwellings one by one, by community, use and state.

`buildings_counts` holds the figures that buildings state of themselves; the two need not agree.
"""

import dagster as dg
import ibis.expr.types as ir
from ibis import _

from assets.building import about, told
from assets.topics.tabulate import topic_whole
from schemas import tables
from schemas.contract import Contract, integer, number, text
from schemas.dwellings import DWELLING_STATES, DWELLING_USES
from schemas.metric import Metric
from schemas.table import Table
from schemas.topics import register
from warehouse.engine import Engine
from warehouse.lake import Lake

DWELLINGS = tables.table("silver", "dwellings")
_STANDING = tuple(state for state in DWELLING_STATES if state != "demolished")


class DwellingCount(Contract):
    """topics.buildings_dwellings. Grain: community × use × state of dwelling."""

    community_code = text("社区编码", note="null: unplaced")
    dwelling_use = text("房屋用途", required=True, codes=DWELLING_USES)
    dwelling_state = text("房屋状态", required=True, codes=DWELLING_STATES)
    dwelling_count = integer("房屋套数", required=True, unit="套")
    area_known_count = integer("已知面积套数", required=True, unit="套")
    area_m2 = number("建筑面积合计", required=True, unit="m2")


def _of_use(name: str, zh: str, code: str) -> Metric:
    where = (("dwelling_use", (code,)), ("dwelling_state", _STANDING))
    return Metric(f"buildings_registered_{name}_count", f"登记{zh}房屋数",
                  f"逐套登记、未拆除、用途为{zh}的房屋", "套",
                  "buildings_dwellings", "dwelling_count", where)  # fmt: skip


TABLE = register(
    Table("topics", "buildings_dwellings", DwellingCount, "建筑物 房屋", None,
          ("community_code", "dwelling_use", "dwelling_state"), "conditional", True),
    Metric("buildings_registered_dwelling_count", "登记房屋数", "逐套登记、未拆除的房屋", "套",
           "buildings_dwellings", "dwelling_count", (("dwelling_state", _STANDING),)),
    _of_use("own", "自住", "1"),
    _of_use("let", "出租", "2"),
    _of_use("vacant", "空置", "3"),
    _of_use("business", "商用", "4"),
)  # fmt: skip


@dg.asset(**about(TABLE), deps=[list(DWELLINGS.key)], kinds={"ibis", "duckdb", "deltalake"})
def buildings_dwellings(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Dwellings and their area by use and state; averages are quotients of these sums."""
    return told(topic_whole(lake, TABLE, [DWELLINGS], count_dwellings))


def count_dwellings(engine: Engine) -> ir.Table:
    """Dwellings by community, use and state."""
    # summed in whole hundredths: doubles would add up differently in another order
    own = engine.table(DWELLINGS).mutate(hundredths=(_.area_m2 * 100).round().cast("int64"))
    return own.group_by("community_code", "dwelling_use", "dwelling_state").aggregate(
        dwelling_count=_.count(),
        area_known_count=_.area_m2.count(),
        area_m2=_.hundredths.sum().fill_null(0) / 100.0,
    )
