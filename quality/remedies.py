"""What the owner of a quarantined row is told: why, which columns are meant, and what to do."""

from __future__ import annotations

import re

import polars as pl

from quality.judging import UNREADABLE_ROW
from quality.sealing import SEALED_DAY
from schemas.contract import Contract, column_rules, facts, row_rules, rule_reason_zh

_CODES_SHOWN = 12
_MAPPED = re.compile(r"^(?P<column>.+)_is_mapped: (?P<value>.*)$", re.DOTALL)
_FORMS = {
    "integer": "应为整数",
    "number": "应为数值，小数点用“.”",
    "flag": "应为“是”或“否”",
    "instant": "应为时间，如 2026-11-19 16:30:00",
    "date": "应为日期，如 2026-11-19",
    "geometry": "应为 GeoJSON 几何",
    "text": "含有乱码或不可见字符，请重新录入",
}
_REMEDIES = {
    "is_present": "请补填该列",
    "is_well_formed": "请按标准规定的格式填写该列",
    "is_within_range": "请核对数值和单位后更正",
    "is_within_length": "请缩短该列内容",
}


def reason_zh(contract: type[Contract], rule: str) -> str:
    """A broken rule in Chinese."""
    if rule == UNREADABLE_ROW:
        return "整行无法按列解析"
    if rule == SEALED_DAY:
        return "该业务日的明细已过保存期，结果已封存"
    if found := _MAPPED.match(rule):
        label = facts(contract, found["column"])["zh"]
        return f"{label}：映射表中没有取值“{found['value']}”"
    return rule_reason_zh(contract, rule)


def remedy_zh(contract: type[Contract], rule: str) -> str:
    """What the owner can do about it, in Chinese."""
    if rule == UNREADABLE_ROW:
        return "原文未保留：请对照原文件该行，在本表补齐各列"
    if rule == SEALED_DAY:
        return "无需更正：封存日的结果不再改动，到期后随隔离明细一并删除"
    if _MAPPED.match(rule):
        return "请在本表填写标准代码；或请平台管理员在映射中补充该取值后重放"
    columns = columns_of(contract, rule)
    column, check = _split(contract, rule)
    if column is None:
        labels = "、".join(str(facts(contract, name).get("zh", name)) for name in columns)
        return f"请核对并更正：{labels}" if labels else "请核对该行后更正"
    if check == "is_readable":
        return _FORMS[facts(contract, column).get("reader") or "text"]
    if check == "is_a_known_code":
        codes, says = (
            facts(contract, column).get("codes") or (),
            facts(contract, column)["codes_zh"],
        )
        shown = "、".join(
            f"{code}（{says[code]}）" if says.get(code, code) != code else str(code)
            for code in codes[:_CODES_SHOWN]
        )
        more = "……" if len(codes) > _CODES_SHOWN else ""
        return f"请填写代码表内的取值：{shown}{more}" if shown else "请填写代码表内的取值"
    return _REMEDIES.get(check, "请核对该列后更正")


def columns_of(contract: type[Contract], rule: str) -> list[str]:
    """Columns of the contract a rule speaks of; none where it speaks of the whole row."""
    if found := _MAPPED.match(rule):
        return [found["column"]]
    column, _ = _split(contract, rule)
    if column is not None:
        return [column]
    if rule in row_rules(contract):
        holds: pl.Expr = getattr(contract, rule).validation_fn(contract)
        return [c for c in contract.columns() if c in holds.meta.root_names()]
    return []


def _split(contract: type[Contract], rule: str) -> tuple[str | None, str]:
    """Column and check of a column's rule; None for rules over several columns."""
    for name in sorted(contract.columns(), key=len, reverse=True):
        check = rule.removeprefix(f"{name}_")
        if check != rule and (check == "is_readable" or check in column_rules(contract, name)):
            return name, check
    return None, rule
