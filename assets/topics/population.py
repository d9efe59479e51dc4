"""人口 population: how many persons of which category live where. Counts only."""

import dagster as dg
import ibis.expr.types as ir

from assets.building import about, told
from assets.topics.tabulate import topic_whole
from schemas import tables
from schemas.contract import Contract, integer, text
from schemas.metric import Metric
from schemas.population import RESIDENT_CATEGORIES
from schemas.table import Table
from schemas.topics import register
from warehouse.engine import Engine
from warehouse.lake import Lake

RESIDENTS = tables.table("silver", "residents")


class PopulationCount(Contract):
    """topics.population_counts. Grain: community × category. No cross-tabulation of persons (part 4)."""  # noqa: E501 - shown in Dagster as one line

    community_code = text("社区编码", note="null: unplaced")
    population_category = text("人口类别", required=True, codes=RESIDENT_CATEGORIES)
    person_count = integer("人数", required=True, unit="人", privacy="sensitive")


TABLE = register(
    Table("topics", "population_counts", PopulationCount, "人口 数量", None,
          ("community_code", "population_category"), "conditional", True),
    Metric("population_person_count", "实有人口",
           "四个来源归并为一人一条后的人数（有效号码精确匹配，其余按相似度）", "人",
           "population_counts", "person_count", counts_persons=True),
    Metric("population_registered_count", "户籍人口", "人口类别为户籍的人数", "人",
           "population_counts", "person_count", (("population_category", ("1",)),),
           counts_persons=True),
    Metric("population_floating_count", "流动人口", "人口类别为流动的人数", "人",
           "population_counts", "person_count", (("population_category", ("2",)),),
           counts_persons=True),
)  # fmt: skip


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
