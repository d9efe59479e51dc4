"""建筑物 buildings: buildings and dwellings by community and use."""

import dagster as dg
import ibis.expr.types as ir
from ibis import _

from assets.building import about, told
from assets.topics.tabulate import topic_whole
from schemas import tables
from warehouse.engine import Engine
from warehouse.lake import Lake

BUILDINGS = tables.table("silver", "buildings")
TABLE = tables.table("topics", "buildings_counts")
_SUMMED = ("unit_count", "dwelling_count", "self_occupied_count", "rented_count", "vacant_count")


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
