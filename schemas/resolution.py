"""Who is one person: links between records, golden records, and what the others said.

What `quality.resolve` finds in the four sources of population. It names people in clear, so the
layer `persons` is restricted like bronze: 0700, never served, never exported. Here too a person is
the token of the population topic, so that whoever corrects a row of silver.residents finds it.

Not here: what sources send (`population.py`) and what leaves the zone (silver.residents).
"""

from __future__ import annotations

from schemas.contract import Contract, day, flag, instant, number, text
from schemas.population import CATEGORY_CODES, SEX_CODES
from schemas.table import Table

LINK_OUTCOMES = {
    "joined": "合并为一人",
    "agrees": "已为一人",
    "two_identity_numbers": "拒绝：两个有效公民身份号码",
    "ambiguous": "拒绝：与两个号码同样接近",
    "to_look_at": "待人工核对",
}
ATTRIBUTES = {
    "identity_number": "公民身份号码",
    "person_name": "姓名",
    "birth_day": "出生日期",
    "sex_code": "性别",
    "phone": "联系电话",
    "population_category": "人口类别",
    "address": "住址",
}
"""What one source decides, an address as a whole."""
_SOURCE = "feed, or identity_number: read off the number itself"


class PersonRecord(Contract):
    """persons.records. Grain: one record of one source that stands, and whose it is. RESTRICTED."""

    source = text("来源", required=True)
    record_id = text("记录编号", required=True, privacy="direct",
                     note="the number, where sources know people by it")  # fmt: skip
    person_token = text("人员令牌", required=True, privacy="quasi")
    is_numbered = flag("有本人号码", required=True, note="carries the person's valid number")
    updated_at = instant("更新时间", required=True)


class PersonLink(Contract):
    """persons.links. Grain: one link between two records, made or refused. RESTRICTED."""

    source_a = text("来源甲", required=True)
    record_id_a = text("记录编号甲", required=True, privacy="direct")
    source_b = text("来源乙", required=True)
    record_id_b = text("记录编号乙", required=True, privacy="direct")
    weight = number("匹配权重", unit="bit", note="log2 odds; null: one valid number, not weighed")
    probability = number("匹配概率", required=True, least=0.0, most=1.0)
    rule = text("依据", required=True, note="identity_number, or splink: and what agreed")
    outcome = text("结果", required=True, codes=LINK_OUTCOMES)


class GoldenPerson(Contract):
    """persons.golden. Grain: one person, every attribute with the source that decides it. RESTRICTED."""  # noqa: E501 - shown in Dagster as one line

    person_token = text("人员令牌", required=True, privacy="quasi")
    identity_number = text("公民身份号码", privacy="direct")
    identity_number_source = text("公民身份号码来源", note=_SOURCE)
    person_name = text("姓名", privacy="direct")
    person_name_source = text("姓名来源", note=_SOURCE)
    birth_day = day("出生日期", privacy="quasi")
    birth_day_source = text("出生日期来源", note=_SOURCE)
    sex_code = text("性别", codes=SEX_CODES, privacy="quasi")
    sex_code_source = text("性别来源", note=_SOURCE)
    phone = text("联系电话", privacy="direct")
    phone_source = text("联系电话来源", note=_SOURCE)
    population_category = text("人口类别", codes=CATEGORY_CODES, privacy="quasi")
    population_category_source = text("人口类别来源", note=_SOURCE)
    community_code = text("社区编码", note="null: unplaced")
    building_id = text("楼栋编码", privacy="quasi")
    unit_number = text("单元", privacy="quasi")
    dwelling_number = text("房号", privacy="quasi")
    address = text("住址", privacy="direct", note="in one spelling; only without a building's code")
    address_source = text("住址来源", note=_SOURCE)


class PersonConflict(Contract):
    """persons.conflicts. Grain: one statement that was not chosen: who said what. RESTRICTED."""

    person_token = text("人员令牌", required=True, privacy="quasi")
    attribute = text("数据项", required=True, codes=ATTRIBUTES)
    chosen_source = text("采用来源", required=True, note=_SOURCE)
    chosen_record_id = text("采用记录", privacy="direct", note="null: read off the number")
    losing_source = text("未采用来源", required=True)
    losing_record_id = text("未采用记录", required=True, privacy="direct")
    losing_value = text("未采用值", required=True, privacy="direct",
                        note="an address: community|building|unit|room|address")  # fmt: skip
    losing_version_at = instant("未采用值更新时间")


TABLES: tuple[Table, ...] = (
    Table("persons", "records", PersonRecord, "人员归并 记录", None, ("source", "record_id")),
    Table("persons", "links", PersonLink, "人员归并 关联台账", None,
          ("source_a", "record_id_a", "source_b", "record_id_b")),
    Table("persons", "golden", GoldenPerson, "人员归并 一数一源", None, ("person_token",)),
    Table("persons", "conflicts", PersonConflict, "人员归并 冲突", None,
          ("person_token", "attribute", "losing_source", "losing_record_id")),
)  # fmt: skip
