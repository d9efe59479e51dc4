"""党建 party: members. Published are counts by age band and by sex, nothing else.

Silver keeps a token, the band, the sex and the community; the organisation, the date of joining
and whether somebody is a member on probation or away stay in bronze, where they are checked.
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from schemas import codes
from schemas.city_time import city_day
from schemas.contract import Contract, day, flag, integer, text
from schemas.feed import NEWEST, Feed
from schemas.persons import IdentifiedRow, age_at, birth_day, sex_code
from schemas.table import Table, with_ledgers

MEMBERSHIPS = codes.names("social_codes", "party membership")
SEXES = codes.names("person_housing_codes", "sex")
YOUNGEST = 18
"""Completed years of age at joining: 中国共产党章程 article 1."""
AGE_BANDS = {
    "18-30": "30岁及以下",
    "31-40": "31至40岁",
    "41-50": "41至50岁",
    "51-60": "51至60岁",
    "61+": "61岁及以上",
}
"""Bands of the yearly 党内统计公报, its five-year bands joined in pairs: fewer small counts."""
_LAST_YEARS = (30, 40, 50, 60)


class PartyMemberRow(IdentifiedRow):
    """党员 bronze.party_members, delivered as XLSX. Grain: one version of one member."""

    party_organisation_code = text("党组织代码", ("党组织代码", "party_organisation_code"),
                                   required=True, pattern=r"^[0-9A-Z]{3,40}$",
                                   privacy="quasi")  # fmt: skip
    membership = text("党员类别", ("党员类别", "membership"), codes=MEMBERSHIPS, privacy="quasi")
    join_day = day("入党日期", ("入党日期", "join_day"), privacy="quasi")
    age_years = integer("年龄", ("年龄", "age"), least=YOUNGEST, most=120, unit="岁",
                        privacy="quasi")  # fmt: skip
    sex_code = text("性别", ("性别代码", "性别", "sex_code"), codes=SEXES, privacy="quasi")
    is_floating = flag("流动党员", ("流动党员", "is_floating"), privacy="quasi")

    @dy.rule()
    def joins_at_eighteen_or_later(cls) -> pl.Expr:
        """入党日期应在年满18岁之后（党章第一条）"""
        earliest = birth_day(pl.col("identity_number")).dt.offset_by(f"{YOUNGEST}y")
        return (pl.col("join_day") >= earliest).fill_null(True)

    @dy.rule()
    def joins_before_it_is_reported(cls) -> pl.Expr:
        """入党日期不得晚于更新时间所在日期"""
        return (pl.col("join_day") <= city_day(pl.col("updated_at"))).fill_null(True)

    @dy.rule()
    def age_agrees_with_the_identity_number(cls) -> pl.Expr:
        """年龄应与公民身份号码中的出生日期一致（相差不超过1岁）"""
        age = age_at(birth_day(pl.col("identity_number")), city_day(pl.col("updated_at")))
        return ((pl.col("age_years") - age).abs() <= 1).fill_null(True)

    @dy.rule()
    def sex_agrees_with_the_identity_number(cls) -> pl.Expr:
        """性别应与公民身份号码第17位一致"""
        said = pl.col("sex_code")
        differs = said.is_in(["1", "2"]) & (said != sex_code(pl.col("identity_number")))
        return ~differs.fill_null(False)


class PartyMember(Contract):
    """silver.party_members. Grain: one member (token of the party topic), newest word."""

    person_token = text("人员令牌", required=True, privacy="quasi")
    age_band = text("年龄段", required=True, codes=AGE_BANDS, privacy="quasi",
                    note="on the day of the newest row of the register")  # fmt: skip
    sex_code = text("性别", required=True, codes=SEXES, privacy="quasi")
    community_code = text("社区编码", note="null: unplaced")


def age_band(age: pl.Expr) -> pl.Expr:
    """The band of an age in completed years."""
    *bands, eldest = AGE_BANDS
    in_order = zip(_LAST_YEARS, bands, strict=True)
    return pl.coalesce(
        *(pl.when(age <= last).then(pl.lit(band)) for last, band in in_order),
        pl.when(age.is_not_null()).then(pl.lit(eldest)),
    )


FEEDS: tuple[Feed, ...] = (
    Feed("party_members", "党员", PartyMemberRow, "party_members", ("xlsx",),
         ("identity_number",), None, NEWEST, "组织部门"),
)  # fmt: skip
TABLES: tuple[Table, ...] = (
    *with_ledgers(
        Table("silver", "party_members", PartyMember, "党员", None, ("person_token",),
              accounts_for=("party_members",))
    ),
)  # fmt: skip
