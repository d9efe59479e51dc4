"""党建 party: members by age band and by sex, one at a time. Nothing else is published."""

import dagster as dg
import ibis.expr.types as ir

from assets.building import about, told
from assets.topics.marginals import Attribute, count_by, only
from assets.topics.tabulate import topic_whole
from schemas import tables
from schemas.contract import Contract, integer, text
from schemas.metric import Metric, Ratio
from schemas.party import AGE_BANDS, SEXES
from schemas.table import Table
from schemas.topics import register
from warehouse.engine import Engine
from warehouse.lake import Lake

MEMBERS = tables.table("silver", "party_members")
_COUNTS = "party_member_counts"
_COUNTED_BY = {"age_band": "年龄段", "sex_code": "性别"}


class PartyMemberCount(Contract):
    """topics.party_member_counts. Grain: community × attribute × category. No cross-tabulation."""

    community_code = text("社区编码", note="null: unplaced")
    counted_by = text("统计口径", required=True, codes=_COUNTED_BY)
    category = text("分类代码", required=True)
    category_name = text("分类名称", required=True)
    person_count = integer("党员数", required=True, unit="人", privacy="sensitive")


TABLE = register(
    Table("topics", _COUNTS, PartyMemberCount, "党建 党员数", None,
          ("community_code", "counted_by", "category"), "conditional", True),
    Metric("party_member_count", "党员数", "党员名册中的人数，按公民身份号码去重", "人",
           _COUNTS, "person_count", only("sex_code"), counts_persons=True),
    Metric("party_male_count", "男党员数", "按公民身份号码第17位为男性的党员", "人",
           _COUNTS, "person_count", only("sex_code", "1"), counts_persons=True),
    Metric("party_female_count", "女党员数", "按公民身份号码第17位为女性的党员", "人",
           _COUNTS, "person_count", only("sex_code", "2"), counts_persons=True),
    *(
        Metric(f"party_age_{n}_count", f"{name}党员数", f"名册最新一行当日{name}的党员", "人",
               _COUNTS, "person_count", only("age_band", band), counts_persons=True)
        for n, (band, name) in enumerate(AGE_BANDS.items(), 1)
    ),
    Ratio("party_female_share", "女党员占比", "女党员数 ÷ 党员数", "%",
          ("party_female_count",), ("party_member_count",)),
)  # fmt: skip


@dg.asset(**about(TABLE), deps=[list(MEMBERS.key)], kinds={"ibis", "duckdb", "deltalake"})
def party_member_counts(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Members by age band and by sex; counts below k are withheld on publication."""
    return told(topic_whole(lake, TABLE, [MEMBERS], count_members))


def count_members(engine: Engine) -> ir.Table:
    """Members by community and age band, and by community and sex."""
    members = engine.table(MEMBERS)
    return count_by([Attribute("age_band", AGE_BANDS, members),
                     Attribute("sex_code", SEXES, members)])  # fmt: skip
