"""就业 employment: persons by state, by schooling and by branch, one attribute at a time."""

import dagster as dg
import ibis.expr.types as ir
from ibis import _

from assets.building import about, told
from assets.topics.marginals import Attribute, count_by, only
from assets.topics.tabulate import topic_whole
from schemas import tables
from schemas.contract import Contract, integer, text
from schemas.employment import (
    EDUCATION_LEVELS,
    EMPLOYMENT_STATES,
    INDUSTRY_SECTIONS,
    WORKING_STATES,
)
from schemas.metric import Metric, Ratio
from schemas.table import Table
from schemas.topics import register
from warehouse.engine import Engine
from warehouse.lake import Lake

PERSONS = tables.table("silver", "employment")
_COUNTS, _STATE = "employment_counts", "employment_state"
_COUNTED_BY = {_STATE: "就业状态", "education_level": "学历层次", "industry_section": "行业门类"}


class EmploymentCount(Contract):
    """topics.employment_counts. Grain: community × attribute × category. No cross-tabulation."""

    community_code = text("社区编码", note="null: unplaced")
    counted_by = text("统计口径", required=True, codes=_COUNTED_BY)
    category = text("分类代码", required=True, note="unknown: not said")
    category_name = text("分类名称", required=True)
    person_count = integer("人数", required=True, unit="人", privacy="sensitive")


TABLE = register(
    Table("topics", _COUNTS, EmploymentCount, "就业 人数", None,
          ("community_code", "counted_by", "category"), "conditional", True),
    Metric("employment_person_count", "就业登记人数", "就业登记中的人数，按公民身份号码去重", "人",
           _COUNTS, "person_count", only(_STATE), counts_persons=True),
    Metric("employment_working_count", "就业人数", "就业状态为单位就业或灵活就业的人数", "人",
           _COUNTS, "person_count", only(_STATE, *WORKING_STATES), counts_persons=True),
    *(
        Metric(f"employment_state_{code}_count", f"{name}人数", f"就业状态为{name}的人数", "人",
               _COUNTS, "person_count", only(_STATE, code), counts_persons=True)
        for code, name in EMPLOYMENT_STATES.items()
    ),
    Ratio("employment_registered_unemployed_share", "登记失业占比",
          "登记失业人数 ÷（就业人数 + 登记失业人数）；不是调查失业率", "%",
          ("employment_state_2_count",),
          ("employment_working_count", "employment_state_2_count")),
)  # fmt: skip


@dg.asset(**about(TABLE), deps=[list(PERSONS.key)], kinds={"ibis", "duckdb", "deltalake"})
def employment_counts(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Persons by state, schooling and branch; counts below k are withheld on publication."""
    return told(topic_whole(lake, TABLE, [PERSONS], count_persons))


def count_persons(engine: Engine) -> ir.Table:
    """Persons by community and each attribute; branches of those who work."""
    persons = engine.table(PERSONS)
    working = persons.filter(_.employment_state.isin(list(WORKING_STATES)))
    return count_by([
        Attribute(_STATE, EMPLOYMENT_STATES, persons),
        Attribute("education_level", EDUCATION_LEVELS, persons),
        Attribute("industry_section", INDUSTRY_SECTIONS, working),
    ])  # fmt: skip
