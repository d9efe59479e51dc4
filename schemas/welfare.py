"""救助 welfare: aid to persons by kind, with the class of subsistence allowances 低保.

Kinds: `codes/social_codes.csv` (names seen in published text, numbering ours); classes A, B, C:
`codes/person_housing_codes.csv` (a requirement). A household's aid stands on the row of its head.
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from schemas import codes
from schemas.contract import Contract, day, flag, instant, number, text
from schemas.feed import NEWEST, Feed
from schemas.persons import IdentifiedRow
from schemas.table import Table, with_ledgers

WELFARE_KINDS = codes.names("social_codes", "welfare kind")
WELFARE_CLASSES = codes.names("person_housing_codes", "低保 class")
SUBSISTENCE = "1"


class WelfareRow(IdentifiedRow):
    """救助 bronze.welfare, GB18030 CSV. Grain: one version of one person's aid of one kind."""

    household_number = text("户号", ("户号", "household_number"), privacy="quasi", max_length=40)
    is_household_head = flag("户主", ("是否户主", "户主", "is_household_head"), privacy="quasi",
                             note="or applicant: one a household")  # fmt: skip
    welfare_kind = text("救助类别", ("救助类别", "welfare_kind"), required=True,
                        codes=WELFARE_KINDS, privacy="quasi")  # fmt: skip
    welfare_class = text("低保类别", ("低保类别", "welfare_class"), codes=WELFARE_CLASSES,
                         privacy="quasi")  # fmt: skip
    amount_yuan_per_month = number("月救助金额", ("月救助金额", "amount_yuan_per_month"), least=0.0,
                                   most=100_000.0, unit="元/月", privacy="quasi")  # fmt: skip
    starts_day = day("起始日期", ("起始日期", "starts_day"), required=True, privacy="quasi")
    ends_day = day("终止日期", ("终止日期", "ends_day"), privacy="quasi")

    @dy.rule()
    def ends_after_it_starts(cls) -> pl.Expr:
        """终止日期不得早于起始日期"""
        return (pl.col("ends_day") >= pl.col("starts_day")).fill_null(True)

    @dy.rule()
    def only_subsistence_has_a_class(cls) -> pl.Expr:
        """只有最低生活保障可填低保类别"""
        is_other = pl.col("welfare_kind") != SUBSISTENCE
        return ~(is_other & pl.col("welfare_class").is_not_null()).fill_null(False)


class WelfareGrant(Contract):
    """silver.welfare_grants. Grain: one person (token of the welfare topic) × kind of aid, newest word."""  # noqa: E501 - shown in Dagster as one line

    person_token = text("人员令牌", required=True, privacy="quasi")
    welfare_kind = text("救助类别", required=True, codes=WELFARE_KINDS, privacy="quasi")
    welfare_class = text("低保类别", codes=WELFARE_CLASSES, privacy="quasi")
    is_household_head = flag("户主", required=True, privacy="quasi", note="not said: no")
    amount_yuan_per_month = number("月救助金额", unit="元/月", privacy="quasi")
    starts_day = day("起始日期", required=True, privacy="quasi")
    ends_day = day("终止日期", privacy="quasi", note="null: open")
    is_in_force = flag("有效", required=True, note="on the day of the newest row of the register")
    community_code = text("社区编码", note="null: unplaced")
    placed_by = text("定位方式", required=True)
    updated_at = instant("更新时间", required=True)


FEEDS: tuple[Feed, ...] = (
    Feed("welfare", "救助", WelfareRow, "welfare", ("csv",), ("identity_number", "welfare_kind"),
         None, NEWEST, "民政"),
)  # fmt: skip
TABLES: tuple[Table, ...] = (
    *with_ledgers(
        Table("silver", "welfare_grants", WelfareGrant, "救助", None,
              ("person_token", "welfare_kind"), accounts_for=("welfare",))
    ),
)  # fmt: skip
