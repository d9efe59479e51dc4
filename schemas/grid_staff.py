"""Grid staff 网格员: who looks after which grid, in which role, from when until when.

Numbers, names and phones stay in the restricted zone; from silver on a worker is a token. Roles are
a proposal: no national code was found.
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from schemas.contract import Arrival, Contract, day, instant, text
from schemas.feed import NEWEST, Feed
from schemas.table import Table, with_ledgers

STAFF_ROLES = {
    "full_time": "专职网格员",
    "part_time": "兼职网格员",
    "leader": "网格长",
    "police": "网格警务员",
    "volunteer": "志愿网格员",
}


class GridStaffRow(Arrival):
    """网格员 bronze.grid_staff, CSV or XLSX. Grain: one version of one post: worker × grid."""

    staff_number = text("工号", ("工号", "staff_number"), required=True, privacy="direct",
                        max_length=40)  # fmt: skip
    staff_name = text("姓名", ("姓名", "staff_name"), privacy="direct", max_length=60)
    staff_phone = text("联系电话", ("联系电话", "staff_phone"), privacy="direct", max_length=40)
    grid_code = text("网格编码", ("网格编码", "grid_code"), required=True, pattern=r"^\d{15}$")
    community_code = text("社区编码", ("社区编码", "community_code"), pattern=r"^\d{12}$")
    staff_role = text("网格员类型", ("网格员类型", "staff_role"), required=True, codes=STAFF_ROLES)
    on_duty_from = day("到岗日期", ("到岗日期", "on_duty_from"), required=True)
    on_duty_until = day("离岗日期", ("离岗日期", "on_duty_until"),
                        note="last day on duty; null: still there")  # fmt: skip
    updated_at = instant("更新时间", ("更新时间", "updated_at"), required=True)

    @dy.rule()
    def leaves_after_it_begins(cls) -> pl.Expr:
        """离岗日期不得早于到岗日期"""
        return (pl.col("on_duty_until") >= pl.col("on_duty_from")).fill_null(True)


class GridStaff(Contract):
    """silver.grid_staff. Grain: one worker at one grid."""

    staff_token = text("网格员令牌", required=True, note="one key for this topic alone")
    grid_code = text("网格编码", required=True)
    community_code = text("社区编码", note="null: unplaced")
    placed_by = text("定位方式", required=True)
    staff_role = text("网格员类型", required=True, codes=STAFF_ROLES)
    on_duty_from = day("到岗日期", required=True)
    on_duty_until = day("离岗日期", note="last day on duty; null: still there")
    updated_at = instant("更新时间", required=True)


FEEDS: tuple[Feed, ...] = (
    Feed("grid_staff", "网格员", GridStaffRow, "grid_staff", ("csv", "xlsx"),
         ("staff_number", "grid_code"), None, NEWEST, "政法"),
)  # fmt: skip
TABLES: tuple[Table, ...] = (
    *with_ledgers(
        Table("silver", "grid_staff", GridStaff, "网格员", None, ("grid_code", "staff_token"),
              accounts_for=("grid_staff",))
    ),
)  # fmt: skip
