"""What a contract lets one expect of the table it describes."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import polars as pl

from quality.validation.rules import Holds, OneOf, Rule, Within
from schemas.contract import Contract, facts
from schemas.table import Table

PLACE = "community_code"
_REBUILD = "核对该表的生成代码与上游清洗层，修正后重新运行"
_MEASURES = ("integer", "number")


def contract_rules(table: Table, communities: Collection[str]) -> list[Rule]:
    """Rules over the rows of a table: required columns, codes, ranges, known communities.

    Args:
        table: A published table.
        communities: Community codes in force.
    """
    return [*_complete(table.contract), *_coded(table.contract), *_ranges(table.contract),
            *_placed(table, communities)]  # fmt: skip


def _complete(contract: type[Contract]) -> Iterable[Rule]:
    needed = [name for name, column in contract.columns().items() if not column.nullable]
    if needed:
        named = "、".join(_zh(contract, name) for name in needed)
        yield Holds(f"必填列齐全：{named}", "block", "完整性", _REBUILD,
                    pl.all_horizontal(pl.col(name).is_not_null() for name in needed))  # fmt: skip


def _coded(contract: type[Contract]) -> Iterable[Rule]:
    for name in contract.columns():
        if codes := facts(contract, name).get("codes"):
            zh = f"{_zh(contract, name)}（{name}）取值在代码表内"
            yield OneOf(zh, "block", "规范性", "在契约的代码表中登记该代码，或在来源处更正",
                        name, tuple(codes))  # fmt: skip


def _ranges(contract: type[Contract]) -> Iterable[Rule]:
    """Bounds of the contract; and no count is below 0."""
    bounds = []
    for name, column in contract.columns().items():
        if facts(contract, name).get("reader") not in _MEASURES:
            continue
        least = getattr(column, "min", None)
        most = getattr(column, "max", None)
        if least is None and name.endswith(("_count", "_seconds", "_m2")):
            least = 0
        if least is not None:
            bounds.append(pl.col(name) >= least)
        if most is not None:
            bounds.append(pl.col(name) <= most)
    if bounds:
        kept = pl.all_horizontal(one.fill_null(value=True) for one in bounds)
        yield Holds("数值在合理范围内，数量不为负", "block", "准确性", _REBUILD, kept)


def _placed(table: Table, communities: Collection[str]) -> Iterable[Rule]:
    """Rows without a community are counted as unplaced; a community there is must be known."""
    if PLACE in table.contract.columns():
        yield Holds("社区编码均在区划台账内", "block", "一致性",
                    "核对区划台账是否缺少该社区，或补充区划变更表",
                    pl.col(PLACE).is_in(list(communities)))  # fmt: skip


def grain(table: Table) -> tuple[str, ...]:
    """Columns that together name one row.

    Rows that are counts by community are named by everything that is no measure; things with a
    number of their own by that alone.

    >>> from schemas import tables
    >>> grain(tables.table("statistics", "daily_values"))
    ('value_day', 'metric_id', 'tier', 'area_code')
    """
    if len(table.sort_by) == 1 and table.sort_by[0].endswith("_number"):
        return table.sort_by
    named = [name for name in (table.partition_by, *table.sort_by) if name]
    if PLACE in table.sort_by:
        columns = table.contract.columns()
        named += [n for n in columns if facts(table.contract, n).get("reader") in _NAMING]
    return tuple(dict.fromkeys(named))


_NAMING = ("text", "date", "flag", "instant")


def row_rules(table: Table, rows: pl.LazyFrame, booked: int | None) -> list[Rule]:
    """What the table as a whole tells: every row stands once, and all that was written can be read.

    Args:
        table: A published table.
        rows: Its rows.
        booked: Rows noted when it was built; None: nothing is noted.
    """
    key = list(grain(table))
    counts = rows.select(pl.len(), pl.struct(key).n_unique().alias("different")).collect()
    read, different = (int(n) for n in counts.row(0))
    named = "、".join(_zh(table.contract, name) for name in key)
    found = [
        Within(f"每行唯一：{named}", "block", "准确性", _REBUILD, read - different, 0, 0,
               f"{read - different} 行重复，共 {read} 行"),
    ]  # fmt: skip
    if booked is not None:
        found.append(
            Within("写入的行均可读出", "block", "可访问性",
                   "数据文件缺失或被改动：从备份恢复该表，或删除其构建登记后重新运行",
                   read - booked, 0, 0, f"登记 {booked} 行，读出 {read} 行")
        )  # fmt: skip
    return [*found]


def _zh(contract: type[Contract], name: str) -> str:
    return str(facts(contract, name).get("zh", name))
