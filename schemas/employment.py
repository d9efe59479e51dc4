"""就业 employment: what persons live on, their schooling, and the branch of those who work.

States: `codes/social_codes.csv` (names seen, numbering ours). Schooling: GB/T 4658, of which silver
keeps the level (first digit). Branch: section of GB/T 4754.
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from schemas import codes
from schemas.city_time import city_day
from schemas.contract import Contract, day, instant, text
from schemas.feed import NEWEST, Feed
from schemas.persons import IdentifiedRow
from schemas.table import Table, with_ledgers

EMPLOYMENT_STATES = codes.names("social_codes", "employment state")
EDUCATION_LEVELS = codes.names("social_codes", "education")
INDUSTRY_SECTIONS = codes.names("social_codes", "industry section")
WORKING_STATES = ("1", "3")


class EmploymentRow(IdentifiedRow):
    """就业 bronze.employment, UTF-8 CSV. Grain: one version of one person's state."""

    employment_state = text("就业状态", ("就业状态", "employment_state"), required=True,
                            codes=EMPLOYMENT_STATES, privacy="quasi")  # fmt: skip
    education_code = text("学历代码", ("学历代码", "education_code"), pattern=r"^[1-46-9]\d$",
                          privacy="quasi")  # fmt: skip
    industry_section = text("行业门类", ("行业门类", "industry_section"), codes=INDUSTRY_SECTIONS,
                            privacy="quasi")  # fmt: skip
    registered_day = day("失业登记日期", ("失业登记日期", "registered_day"), privacy="quasi")

    @dy.rule()
    def is_registered_before_it_is_reported(cls) -> pl.Expr:
        """失业登记日期不得晚于更新时间所在日期"""
        return (pl.col("registered_day") <= city_day(pl.col("updated_at"))).fill_null(True)


class Employment(Contract):
    """silver.employment. Grain: one person (token of the employment topic), newest word."""

    person_token = text("人员令牌", required=True, privacy="quasi")
    employment_state = text("就业状态", required=True, codes=EMPLOYMENT_STATES, privacy="quasi")
    education_level = text("学历层次", codes=EDUCATION_LEVELS, privacy="quasi")
    industry_section = text("行业门类", codes=INDUSTRY_SECTIONS, privacy="quasi",
                            note="of those who work; null for others")  # fmt: skip
    community_code = text("社区编码", note="null: unplaced")
    placed_by = text("定位方式", required=True)
    updated_at = instant("更新时间", required=True)


FEEDS: tuple[Feed, ...] = (
    Feed("employment", "就业", EmploymentRow, "employment", ("csv",), ("identity_number",),
         None, NEWEST, "人社"),
)  # fmt: skip
TABLES: tuple[Table, ...] = (
    *with_ledgers(
        Table("silver", "employment", Employment, "就业", None, ("person_token",),
              accounts_for=("employment",))
    ),
)  # fmt: skip
