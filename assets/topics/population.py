"""人口 population: how many persons of which category live where. Counts only."""

import dagster as dg
import ibis.expr.types as ir

from assets.building import about, told
from assets.topics.tabulate import topic_whole
from schemas import tables
from warehouse.engine import Engine
from warehouse.lake import Lake

RESIDENTS = tables.table("silver", "residents")
TABLE = tables.table("topics", "population_counts")


@dg.asset(**about(TABLE), deps=[list(RESIDENTS.key)], kinds={"ibis", "duckdb", "deltalake"})
def population_counts(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Persons by community and category; counts below k are withheld on publication."""
    return told(topic_whole(lake, TABLE, [RESIDENTS], count_persons))


def count_persons(engine: Engine) -> ir.Table:
    """Persons by community and category."""
    residents = engine.table(RESIDENTS)
    return residents.group_by("community_code", "population_category").aggregate(
        person_count=residents.count()
    )
