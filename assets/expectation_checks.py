"""Expectations of published tables as Dagster checks: two per table.

What *blocks* stops everything made of the table, so no generation is flipped. What *grades* warns,
and greys its numbers (`check_results.py`). *Notes* fail no check: they are told beside the latter,
for a check costs Dagster 36 ms of CPU and ten commits, more than judging a table.

The tables of one step are judged together. No table of a step
is made of another of the same step, or they would wait for each other.
"""

import os
from collections import defaultdict
from collections.abc import Iterator

import dagster as dg

import assets.topics  # noqa: F401 - registers every topic and its metrics
from assets.lineage import dependencies
from assets.timing import AsOf
from assets.validating import PERIODS, Entry, published, validate
from quality.expectations import DIMENSIONS, Severity, Verdict
from quality.validation.pages import page_name
from schemas.table import Table
from warehouse.home import Home
from warehouse.lake import Lake

ADDRESS_VARIABLE = "GOVLAKE_QUALITY_URL"
"""Where the site serves `HOME/quality`, for links from the Dagster UI; else the file is named."""

NAMES: dict[Severity, str] = {
    "block": "expectations_that_block",
    "grade": "expectations_that_grade",
}
_DESCRIPTIONS: dict[Severity, str] = {
    "block": "符合契约：主键唯一、必填齐全、代码与数值合规、社区在册；不符则阻断发布",
    "grade": "数量与往常相当、来源按时更新、跨表一致；不符则影响质量等级，并列出提示",
}
_STATISTICS_BLOCK = "三级合计一致、等于主题库合计、比率等于分子除以分母；不符则阻断发布"
_SHOWN = 20


def waves() -> list[list[Table]]:
    """Published tables in steps: each is made of tables of earlier steps only."""
    known = dependencies()
    depths: dict[tuple[str, str], int] = {}

    def depth(key: tuple[str, str]) -> int:
        if key not in depths:
            depths[key] = (key[0] == "topics") + max(map(depth, known.get(key, ())), default=0)
        return depths[key]

    found: dict[int, list[Table]] = defaultdict(list)
    for table in published():
        if table is not PERIODS:
            found[depth(table.key)].append(table)
    return [*(found[n] for n in sorted(found)), [PERIODS]]


def _specs(table: Table) -> Iterator[dg.AssetCheckSpec]:
    severities: tuple[Severity, ...] = ("block",) if table is PERIODS else ("block", "grade")
    for severity in severities:
        words = _STATISTICS_BLOCK if table is PERIODS else _DESCRIPTIONS[severity]
        yield dg.AssetCheckSpec(
            NAMES[severity], asset=list(table.key), description=f"{table.zh}：{words}",
            blocking=severity == "block",
        )  # fmt: skip


def _checks(step: str, of: list[Table]) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(
        name=step, specs=[spec for table in of for spec in _specs(table)], can_subset=True
    )
    def checks(
        context: dg.AssetCheckExecutionContext,
        lake: dg.ResourceParam[Lake],
        as_of: dg.ResourceParam[AsOf],
    ) -> Iterator[dg.AssetCheckResult]:
        keys = context.selected_asset_check_keys
        wanted = [one for one in of if any(_key(k.asset_key) == one.key for k in keys)]
        entries = validate(lake, as_of, wanted)
        for table in wanted:
            for severity, name in NAMES.items():
                if dg.AssetCheckKey(dg.AssetKey(list(table.key)), name) in keys:
                    yield result(lake.home, table, entries[table.label], severity)

    return checks


def result(home: Home, table: Table, entry: Entry, severity: Severity) -> dg.AssetCheckResult:
    """How the expectations of a consequence came out, in Chinese, with the page to look at."""
    notes = [one for one in entry.verdicts if one.severity == "note" and severity == "grade"]
    own = [one for one in entry.verdicts if one.severity == severity]
    failed, told = ([one for one in of if not one.passed] for of in (own, notes))
    every = [*own, *notes]
    return dg.AssetCheckResult(
        asset_key=list(table.key),
        check_name=NAMES[severity],
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if severity == "block" else dg.AssetCheckSeverity.WARN,
        description="；".join(one.zh for one in failed) or None,
        metadata={
            "expectations": len(every),
            "failed": len(failed),
            **({"不符": dg.MetadataValue.md(_table(failed))} if failed else {}),
            **({"提示": dg.MetadataValue.md(_table(told))} if told else {}),
            **{d: _share(every, d) for d in DIMENSIONS if any(o.dimension == d for o in every)},
            "Data Docs": link(home, table),
        },
    )


def link(home: Home, table: Table) -> dg.MetadataValue:
    """The page of a table."""
    address = os.environ.get(ADDRESS_VARIABLE, "").rstrip("/")
    name = page_name(table.label)
    if address:
        return dg.MetadataValue.url(f"{address}/{name}")
    return dg.MetadataValue.path(str(home.quality / name))


def _share(verdicts: list[Verdict], dimension: str) -> str:
    own = [one.passed for one in verdicts if one.dimension == dimension]
    return f"{sum(own)} / {len(own)}"


def _table(failed: list[Verdict]) -> str:
    lines = [f"| {one.zh} | {one.dimension} | {one.found} | {one.remedy} |" for one in failed]
    return "\n".join(["| 期望 | 维度 | 实际 | 处置 |", "|---|---|---|---|", *lines[:_SHOWN]])


def _key(asset: dg.AssetKey) -> tuple[str, ...]:
    return tuple(asset.path)


EXPECTATION_CHECKS = [
    _checks("expectations_of_statistics" if of == [PERIODS] else f"expectations_of_topics_{n}", of)
    for n, of in enumerate(waves(), start=1)
]
