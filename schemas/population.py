"""Population 人口: four sources, one person once.

The household register and grid visits name everybody by number; property companies often have no
number, and people who register themselves give one. Valid numbers match exactly; records without
one are matched by likeness of name, birth date, telephone and address, or are persons of their own
(`quality/resolve.py`). Which source decides an attribute: `codes/source_priority.csv`.

Identity numbers (GB 11643), names and phones live in bronze and in the layer `persons` only
(`resolution.py`), both restricted. From silver on a person is a token of this topic. Codes:
`codes/person_housing_codes.csv` (numbering of categories differs by system).
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from schemas.check_numbers import identity_number_canonical, identity_number_is_valid
from schemas.contract import Arrival, Contract, day, flag, instant, integer, text
from schemas.feed import NEWEST, Feed
from schemas.table import Table, with_ledgers

SEX_CODES = {"0": "未知的性别", "1": "男性", "2": "女性", "9": "未说明的性别"}
CATEGORY_CODES = {"1": "户籍", "2": "流动", "3": "未落户", "4": "境外", "5": "寄住"}
UNKNOWN_SEX = "0"
UNKNOWN_CATEGORY = "0"
RESIDENT_CATEGORIES = CATEGORY_CODES | {UNKNOWN_CATEGORY: "未知"}
"""In silver: the category of the golden record, or unknown where no source gave one."""
OCCUPANT_ROLES = {"1": "业主", "2": "租户", "3": "家属", "9": "其他"}
"""Names in common use by property companies; numbering ours."""
AGE_BANDS = ("0-6", "7-17", "18-34", "35-59", "60-79", "80+")


class PersonRow(Arrival):
    """What both population feeds carry of one person."""

    person_name = text("姓名", ("姓名", "name"), privacy="direct", max_length=60)
    identity_number = text("公民身份号码", ("公民身份号码", "身份证号", "id_number"), required=True,
                           privacy="direct")  # fmt: skip
    sex_code = text("性别", ("性别代码", "性别", "sex_code"), codes=SEX_CODES, privacy="quasi")
    birth_day = day("出生日期", ("出生日期", "birth_date"), privacy="quasi")
    population_category = text("人口类别", ("人口类别", "population_category"), required=True,
                               codes=CATEGORY_CODES)  # fmt: skip
    community_code = text("社区编码", ("社区编码", "community_code"), pattern=r"^\d{12}$")
    building_id = text("楼栋编码", ("楼栋编码", "building_id"), max_length=40)
    dwelling_number = text("房号", ("房号", "dwelling_number"), privacy="quasi", max_length=40)
    phone = text("联系电话", ("联系电话", "phone"), privacy="direct", pattern=r"^[0-9+\- ]{7,20}$")
    updated_at = instant("更新时间", ("更新时间", "updated_at"), required=True)

    @dy.rule()
    def identity_number_is_valid(cls) -> pl.Expr:
        """公民身份号码应符合GB 11643校验且出生日期存在（接受15位旧号）"""
        return identity_number_is_valid(pl.col("identity_number"))

    @dy.rule()
    def birth_day_agrees_with_the_identity_number(cls) -> pl.Expr:
        """出生日期应与公民身份号码一致"""
        number = identity_number_canonical(pl.col("identity_number"))
        born = number.str.slice(6, 8).str.to_date("%Y%m%d", strict=False)
        return (pl.col("birth_day") == born).fill_null(True)


class HouseholdRegisterRow(PersonRow):
    """户籍人口 bronze.population_household, GB18030 CSV with Chinese headers.

    Grain: one version of one person in the household register.
    """

    household_number = text("户号", ("户号", "household_number"), privacy="quasi", max_length=40)


class GridVisitRow(PersonRow):
    """网格走访 bronze.population_visits, UTF-8 CSV.

    Grain: one person as met at one visit.
    """

    is_living_here = flag("在住", ("在住", "is_living_here"))


class PropertyResidentRow(PersonRow):
    """物业住户 bronze.population_property, delivered as XLSX by property companies.

    Grain: one version of one entry of a company's list of residents.
    """

    record_id = text("登记编号", ("登记编号", "record_id"), required=True, max_length=60)
    property_company = text("物业公司", ("物业公司", "property_company"), max_length=100)
    occupant_role = text("住户身份", ("住户身份", "occupant_role"), codes=OCCUPANT_ROLES,
                         privacy="quasi")  # fmt: skip
    unit_number = text("单元", ("单元", "unit_number"), privacy="quasi", max_length=40)
    address = text("住址", ("住址", "地址", "address"), privacy="direct", max_length=200)
    identity_number = text("公民身份号码", ("公民身份号码", "身份证号", "id_number"),
                           privacy="direct",
                           note="often not asked for; null: matched by likeness")  # fmt: skip
    population_category = text("人口类别", ("人口类别", "population_category"),
                               codes=CATEGORY_CODES)  # fmt: skip


class SelfRegistrationRow(PersonRow):
    """自主申报 bronze.population_self, NDJSON from the registration app.

    Grain: one version of one registration.
    """

    record_id = text("登记编号", ("record_id", "登记编号"), required=True, max_length=60)
    unit_number = text("单元", ("unit_number", "单元"), privacy="quasi", max_length=40)
    address = text("住址", ("address", "住址"), privacy="direct", max_length=200)


class Resident(Contract):
    """silver.residents. Grain: one person (token of the population topic), golden record less names."""  # noqa: E501 - shown in Dagster as one line

    person_token = text("人员令牌", required=True, privacy="quasi")
    sex_code = text("性别", required=True, codes=SEX_CODES, privacy="quasi",
                    note="by number, else as said; 0: nobody knows")  # fmt: skip
    birth_year = integer("出生年份", privacy="quasi",
                         note="by number, else as said; null: nobody knows")  # fmt: skip
    population_category = text("人口类别", required=True, codes=RESIDENT_CATEGORIES,
                               privacy="quasi")  # fmt: skip
    community_code = text("社区编码", note="null: unplaced")
    building_id = text("楼栋编码", privacy="quasi")
    is_registered_here = flag("户籍登记", required=True)
    is_visited = flag("走访登记", required=True)
    is_property_listed = flag("物业登记", required=True)
    is_self_registered = flag("自主申报", required=True)
    source_count = integer("来源数", required=True, unit="个")
    updated_at = instant("更新时间", required=True, note="newest of the person's records")


FEEDS: tuple[Feed, ...] = (
    Feed("population_household", "户籍人口", HouseholdRegisterRow, "population_household", ("csv",),
         ("identity_number",), None, NEWEST, "公安"),
    Feed("population_visits", "网格走访", GridVisitRow, "population_visits", ("csv",),
         ("identity_number",), None, NEWEST, "街道"),
    Feed("population_property", "物业住户", PropertyResidentRow, "population_property", ("xlsx",),
         ("record_id",), None, NEWEST, "物业"),
    Feed("population_self", "自主申报", SelfRegistrationRow, "population_self", ("ndjson",),
         ("record_id",), None, NEWEST, "街道"),
)  # fmt: skip
TABLES: tuple[Table, ...] = (
    *with_ledgers(
        Table(
            "silver",
            "residents",
            Resident,
            "实有人口",
            None,
            ("person_token",),
            accounts_for=(
                "population_household",
                "population_visits",
                "population_property",
                "population_self",
            ),
        )
    ),
)
