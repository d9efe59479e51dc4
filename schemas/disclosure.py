"""What the last publication told of persons, and withheld: for the next one. Never published."""

from __future__ import annotations

from schemas.contract import Contract, integer, text


class DisclosedCell(Contract):
    """ops.disclosed_cells. Grain: one figure of persons of the newest publication."""

    cell = text("单元", required=True, note="table and column, or metric, with all that names it")
    value = integer("数值", required=True, unit="人", privacy="sensitive")
    sharing = text("共享类别", required=True)
    one = text("代表单元", note="the cell that stands for this number; null: a zero")
    withheld = text("隐去方式", required=True, codes=("", "primary", "complementary"))


class DisclosedSum(Contract):
    """ops.disclosed_sums. Grain: one part of one sum among those figures."""

    equation = text("等式", required=True)
    total = text("合计单元", required=True)
    part = text("组成单元", required=True)
