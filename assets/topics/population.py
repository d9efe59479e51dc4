"""人口 population: how many persons of which category, sex and age live where. Counts only.

Ages are in whole calendar years, the year of the as-of day less that of birth: silver keeps no more
of a birthday than its year.
"""

import dagster as dg
import ibis
import ibis.expr.types as ir
from ibis import _

from assets.building import about, told
from assets.timing import AsOf
from assets.topics.marginals import Attribute, count_by, only
from assets.topics.tabulate import topic_whole
from schemas import tables
from schemas.contract import Contract, integer, text
from schemas.metric import Metric, Ratio
from schemas.persons import UNKNOWN
from schemas.population import (
    AGE_BANDS,
    RESIDENT_CATEGORIES,
    SEX_CODES,
)
from schemas.table import Table
from schemas.topics import register
from warehouse.engine import Engine
from warehouse.lake import Lake

RESIDENTS = tables.table("silver", "residents")
_COUNTED_BY = {"sex_code": "性别", "age_band": "年龄段"}


class PopulationCount(Contract):
    """topics.population_counts. Grain: community × category. No cross-tabulation of persons (part 4)."""  # noqa: E501 - shown in Dagster as one line

    community_code = text("社区编码", note="null: unplaced")
    population_category = text("人口类别", required=True, codes=RESIDENT_CATEGORIES)
    person_count = integer("人数", required=True, unit="人", privacy="sensitive")


class PopulationMarginal(Contract):
    """topics.population_marginals. Grain: community × attribute × category. No cross-tabulation."""

    community_code = text("社区编码", note="null: unplaced")
    counted_by = text("统计口径", required=True, codes=_COUNTED_BY)
    category = text("分类代码", required=True, note="unknown: nobody knows")
    category_name = text("分类名称", required=True)
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
    *(
        Metric(f"population_category_{code}_count", f"{name}人口", f"人口类别为{name}的人数", "人",
               "population_counts", "person_count", (("population_category", (code,)),),
               counts_persons=True)
        for code, name in RESIDENT_CATEGORIES.items() if code not in {"1", "2"}
    ),
    Ratio("population_registered_share", "户籍人口占比", "户籍人口 ÷ 实有人口", "%",
          ("population_registered_count",), ("population_person_count",)),
)  # fmt: skip

MARGINALS = register(
    Table("topics", "population_marginals", PopulationMarginal, "人口 性别与年龄", None,
          ("community_code", "counted_by", "category"), "conditional", True),
    *(
        Metric(f"population_{word}_count", f"{name}人口", f"{how}的实有人口", "人",
               "population_marginals", "person_count", only("sex_code", *codes),
               counts_persons=True)
        for word, name, how, codes in (
            ("male", "男性", "性别为男", ("1",)),
            ("female", "女性", "性别为女", ("2",)),
            ("sex_unknown", "性别未知", "性别未知或未说明", ("0", "9", UNKNOWN)),
        )
    ),
    *(
        Metric(f"population_age_{n}_count", f"{band}岁人口",
               f"截止年份减出生年份为{band}的实有人口", "人",
               "population_marginals", "person_count", only("age_band", band),
               counts_persons=True)
        for n, band in enumerate(AGE_BANDS, 1)
    ),
    Metric("population_age_unknown_count", "年龄未知人口", "出生年份未知的实有人口", "人",
           "population_marginals", "person_count", only("age_band", UNKNOWN), counts_persons=True),
    Ratio("population_elderly_share", "60岁及以上人口占比", "60-79岁与80+岁人口 ÷ 实有人口", "%",
          ("population_age_5_count", "population_age_6_count"), ("population_person_count",)),
    Ratio("population_female_share", "女性人口占比", "女性人口 ÷ 实有人口", "%",
          ("population_female_count",), ("population_person_count",)),
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


@dg.asset(**about(MARGINALS), deps=[list(RESIDENTS.key)], kinds={"ibis", "duckdb", "deltalake"})
def population_marginals(
    lake: dg.ResourceParam[Lake], as_of: dg.ResourceParam[AsOf]
) -> dg.MaterializeResult:
    """Persons by community and sex, and by community and age; small counts are withheld."""
    year = as_of.last_day.year
    return told(
        topic_whole(lake, MARGINALS, [RESIDENTS], lambda e: count_marginals(e, year), also=(year,))
    )


def count_marginals(engine: Engine, year: int) -> ir.Table:
    """Persons by community, by sex and by age band, one attribute at a time.

    Args:
        engine: The engine.
        year: Year of the as-of day.
    """
    age = year - _.birth_year
    bounds = [(band, band.rstrip("+").split("-")) for band in AGE_BANDS]
    band = ibis.cases(
        (age.isnull(), UNKNOWN),
        *((age <= int(ends[1]), name) for name, ends in bounds if len(ends) > 1),
        else_=AGE_BANDS[-1],
    )
    residents = engine.table(RESIDENTS).mutate(age_band=band)
    return count_by(
        [
            Attribute("sex_code", SEX_CODES, residents),
            Attribute("age_band", {band: f"{band}岁" for band in AGE_BANDS}, residents),
        ]
    )
