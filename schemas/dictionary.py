"""The data dictionary: what the contracts say of every table, as a page for people.

Chinese comes from the contracts' labels, English from column names, notes and the grain sentence
that opens every contract. Nothing is described here that is not declared there.

Not here: Dagster's column schema (`assets/building.py`), DuckDB comments (`warehouse/lake.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

import polars as pl

from schemas.contract import (
    Contract,
    column_rules,
    facts,
    polars_schema,
    row_rules,
    rule_reason_zh,
    text,
)
from schemas.feeds import BY_NAME as FEEDS
from schemas.metric import Entry, topic_and_table
from schemas.metric_words import home_of, made_of
from schemas.protection import PRIVACY_ZH, SHARING_ZH
from schemas.table import Table

LAYERS = {
    "bronze": ("入库层", "accepted rows as they arrived, typed, every version; restricted zone"),
    "quarantine": ("隔离区", "rows that broke rules, with the names of these; restricted zone"),
    "persons": ("人员归并", "who is one person, in clear; restricted zone"),
    "silver": (
        "清洗层",
        "newest versions, duplicates merged, placed; tokens instead of identities",
    ),
    "topics": ("主题数据库", "counts by area and period; what serving files and exports carry"),
    "statistics": ("统计", "the metric book by area and period, before small counts are withheld"),
    "serving": ("发布", "what serving files and exports hold beside the topics"),
    "ops": ("运行台账", "the operator's books"),
}
_TYPES = {
    pl.String: "text 文本", pl.Int64: "integer 整数", pl.Int32: "integer 整数",
    pl.Float64: "number 数值", pl.Boolean: "flag 是否", pl.Datetime: "instant 时刻",
    pl.Date: "date 日期", pl.Binary: "shape 几何",
}  # fmt: skip
_ENDINGS = (
    (r"^(?:is|has)_(.+)$", r"whether: \1"),
    (r"^(.+)_count$", r"number of: \1"),
)
_SUFFIXES = ("is_present", "is_readable", "is_well_formed", "is_within_range", "is_within_length",
             "is_a_known_code")  # fmt: skip
_EACH = "每表一份 one for every table"
_PREAMBLE = """\
# 数据字典 Data dictionary

Generated from the contracts by `govlake dictionary --write docs/dictionary.md`; a test fails while
this page is behind them. 本页由数据契约自动生成，请勿手工修改。

* **Required 必填**: never null; other columns may be null. Instants are stored in UTC, days are
  city dates (Asia/Shanghai), shapes are WKB in CGCS2000 degrees.
* **Privacy 隐私**: `quasi` 准标识, `direct` 直接标识, `sensitive` 敏感; none: `open` 公开.
* **Rules 规则** of one column are reported as `<column>_<rule>`: {rules}. Values that
  cannot be read as their type break `<column>_is_readable`. Rules over several columns stand below
  the table.
"""


def grain(contract: type[Contract]) -> str:
    """What one row is: the grain sentence of the contract's docstring, without its full stop.

    Raises:
        ValueError: the docstring has none.
    """
    text = " ".join((contract.__doc__ or "").split())
    found = re.search(r"Grain: (.+?)(?:\.(?:\s|$)|$)", text)
    if found is None:
        raise ValueError(f"{contract.__name__}: its docstring does not say `Grain: …`")
    return found.group(1)


def english(column: str) -> str:
    """A column's name as words.

    >>> english("hazard_count"), english("is_confirmed"), english("received_at")
    ('number of: hazard', 'whether: confirmed', 'received at')
    """
    for pattern, words in _ENDINGS:
        column = re.sub(pattern, words, column)
    return column.replace("_", " ")


def type_words(dtype: pl.DataType) -> str:
    """A column's type in both languages.

    >>> type_words(pl.List(pl.Date()))
    'list of date 日期'
    """
    if isinstance(dtype, pl.List):
        return f"list of {_TYPES[dtype.inner.base_type()]}"
    return _TYPES[dtype.base_type()]


def labelled(table: Table, columns: Iterable[str]) -> str:
    """Columns with their Chinese labels; `-` for none."""
    return "、".join(f"{c} {facts(table.contract, c).get('zh', c)}" for c in columns) or "-"


def dictionary(tables: Sequence[Table], metrics: Sequence[Entry]) -> str:
    """The page, as Markdown.

    Args:
        tables: Every table to be described, topics and serving tables included.
        metrics: The metric book.
    """
    order = list(LAYERS)
    ranked = sorted(
        tables, key=lambda t: (order.index(t.layer), t.name if t.layer == "topics" else "")
    )
    closed = _closed_codes(ranked)
    legend = ",\n  ".join(f"`{s}` {_suffix_zh(s)}" for s in _SUFFIXES)
    out = [_PREAMBLE.format(rules=legend), *_index(ranked), *_topics(ranked, metrics)]
    for layer, several in groupby(ranked, key=lambda t: t.layer):
        zh, words = LAYERS[layer]
        out += [f"## {layer} {zh}", "", f"{words[0].upper()}{words[1:]}.", ""]
        for same in _sections(several):
            out += _section(same, metrics, closed)
    return "\n".join(out).rstrip() + "\n"


def _suffix_zh(suffix: str) -> str:
    return rule_reason_zh(_Any, f"any_{suffix}").partition("：")[2]


class _Any(Contract):
    """For the Chinese of rules any column may have. Grain: none."""

    any = text("任意")


def _sections(tables: Iterable[Table]) -> list[list[Table]]:
    """Tables of one layer, those with the same contract together; ledgers last."""
    found: dict[type[Contract], list[Table]] = {}
    for table in tables:
        found.setdefault(table.contract, []).append(table)
    return sorted(found.values(), key=lambda same: len(same) > 2)


def _title(same: Sequence[Table]) -> str:
    """Label of a section; ledgers, which every table has, go by the pattern of their docstring."""
    if len(same) <= 2:
        return ", ".join(t.label for t in same)
    return (same[0].contract.__doc__ or "").split(". ")[0].strip()


def _anchor(same: Sequence[Table]) -> str:
    return same[0].label if len(same) <= 2 else _title(same).replace("<", "").replace(">", "")


def _index(tables: Sequence[Table]) -> list[str]:
    out = ["## 按层 By layer", "", "| 表 Table | 名称 | 粒度 Grain: one row is |", "|---|---|---|"]
    for _, several in groupby(tables, key=lambda t: t.layer):
        for same in _sections(several):
            zh = "、".join(t.zh for t in same) if len(same) <= 2 else _EACH
            out.append(f"| [`{_title(same)}`](#{_anchor(same)}) | {zh} | "
                       f"{_cell(grain(same[0].contract))} |")  # fmt: skip
    return [*out, ""]


def _topics(tables: Sequence[Table], metrics: Sequence[Entry]) -> list[str]:
    out = ["## 按主题 By topic", "", "| 主题 Topic | 表 Tables | 指标 Metrics |", "|---|---|---|"]
    topics: dict[str, list[Table]] = {}
    for table in tables:
        if table.layer == "topics":
            topics.setdefault(topic_and_table(table.name)[0], []).append(table)
    for topic, own in sorted(topics.items()):
        links = ", ".join(f"[`{t.name}`](#{t.label})" for t in own)
        names = "、".join(m.zh for m in metrics if m.topic == topic) or "-"
        out.append(f"| {own[0].zh.split()[0]} {topic} | {links} | {names} |")
    return [*out, ""]


def _section(
    same: Sequence[Table], metrics: Sequence[Entry], closed: dict[tuple[str, str], Table]
) -> list[str]:
    table, contract, is_ledger = same[0], same[0].contract, len(same) > 2
    zh = _EACH if is_ledger else "、".join(t.zh for t in same)
    out = [f'<a id="{_anchor(same)}"></a>', "", f"### `{_title(same)}` {zh}", ""]
    out += [f"* {line}" for line in _facts(table, is_ledger=is_ledger)]
    out += ["", *_columns(table, closed), ""]
    if rules := row_rules(contract):
        out += [f"* `{rule}`: {rule_reason_zh(contract, rule)}" for rule in rules] + [""]
    if own := [m for m in metrics if table.layer == "topics" and home_of(m) == table.name]:
        out += ["| 指标 Metric | 名称 | 定义 Definition | 单位 Unit | 取自 Made of |",
                "|---|---|---|---|---|"]  # fmt: skip
        out += [f"| `{m.id}` | {m.zh} | {_cell(m.definition)} | {m.unit} | {made_of(m)} |"
                for m in own]  # fmt: skip
        out.append("")
    return out


def _facts(table: Table, *, is_ledger: bool) -> list[str]:
    """Grain, key, partition, sharing; of feeds also how they are delivered."""
    key = "主键 Key" if table.layer == "bronze" else "排序 Sorted by"
    partition = [table.partition_by] if table.partition_by and not is_ledger else []
    out = [
        f"粒度 Grain: {grain(table.contract)}",
        f"{key}: {labelled(table, table.sort_by)} · 分区 Partition: {labelled(table, partition)}"
        f" · 共享 Sharing: {SHARING_ZH[table.sharing]} {table.sharing}",
    ]
    if table.accounts_for:
        links = ", ".join(f"[`bronze.{f}`](#bronze.{f})" for f in table.accounts_for)
        out.append(f"来自 Made from: {links}")
    if table.layer == "bronze":
        feed = FEEDS[table.name]
        keep = f"{feed.retention_days} days" if feed.retention_days else "until replaced"
        system = f" · 坐标系 {feed.coordinate_system}" if feed.has_points else ""
        out.append(f"来源部门 Owner: {feed.owner} · 文件 Files: `landing/{feed.source}/`, "
                   f"{', '.join(feed.forms)} · 保存 Kept: {keep}{system}")  # fmt: skip
    return out


def _columns(table: Table, closed: dict[tuple[str, str], Table]) -> list[str]:
    contract = table.contract
    has_wires = any(facts(contract, c).get("wire") for c in contract.columns())
    heads = ["列 Column", "名称 Label", "类型 Type", "单位 Unit", "必填 Required",
             "隐私 Privacy", "取值与规则 Values and rules"]  # fmt: skip
    heads += ["来源字段 Source names"] if has_wires else []
    out = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name, dtype in polars_schema(contract).items():
        about = facts(contract, name)
        privacy = about.get("privacy", "open")
        cells = [
            f"`{name}`", f"{about.get('zh', name)}, {english(name)}", type_words(dtype),
            _unit(about.get("unit"), dtype), "" if contract.columns()[name].nullable else "✓",
            "" if privacy == "open" else f"{privacy} {PRIVACY_ZH[privacy]}",
            _values(table, name, closed),
        ]  # fmt: skip
        if has_wires:
            cells.append(_cell("、".join(about.get("wire", ()))))
        out.append(f"| {' | '.join(cells)} |")
    return out


def _values(table: Table, name: str, closed: dict[tuple[str, str], Table]) -> str:
    """What a value may be, each under the name of its rule, and the column's note."""
    column, about = table.contract.columns()[name], facts(table.contract, name)
    zh = about.get("codes_zh", {})
    codes = [
        f"`{code}` {zh[code]}" if code in zh else f"`{code}`" for code in about.get("codes", ())
    ]
    found = {
        "is_a_known_code": " · ".join(codes),
        "is_well_formed": f"`{regex}`" if (regex := getattr(column, "regex", None)) else "",
        "is_within_range": _range(getattr(column, "min", None), getattr(column, "max", None)),
        "is_within_length": f"≤ {about.get('max_length')} 字符 characters",
    }
    parts = [f"`{rule}`: {found[rule]}" if table.layer == "bronze" else found[rule]
             for rule in column_rules(table.contract, name) if rule in found]  # fmt: skip
    source = closed.get((name, about.get("zh", "")))
    if source and not codes and isinstance(column.dtype, pl.String):
        parts.append(f"取值见 values: [`{source.label}`](#{source.label})")
    if about.get("note"):
        parts.append(about["note"])
    return _cell("; ".join(parts))


def _closed_codes(tables: Iterable[Table]) -> dict[tuple[str, str], Table]:
    """(Column, label) → the one feed that closes its list of codes, where all feeds agree."""
    found: dict[tuple[str, str], dict[tuple[str, ...], Table]] = {}
    for table in tables:
        for name in table.contract.columns() if table.layer == "bronze" else ():
            about = facts(table.contract, name)
            if about.get("codes"):
                lists = found.setdefault((name, about["zh"]), {})
                lists.setdefault(about["codes"], table)
    return {key: next(iter(lists.values())) for key, lists in found.items() if len(lists) == 1}


def _range(least: float | None, most: float | None) -> str:
    if least is not None and most is not None:
        return f"{least:g} – {most:g}"
    return f"≥ {least:g}" if least is not None else f"≤ {most or 0:g}"


def _unit(unit: str | None, dtype: pl.DataType) -> str:
    """Units; that instants are UTC is said once, at the top."""
    return "" if unit is None or dtype == pl.Datetime else unit


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
