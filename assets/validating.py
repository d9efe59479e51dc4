"""Published tables held against their expectations; a table that stands as it stood is not again.

How each came out is noted beside the books (`lake/ops/_validations`), with how much a register held
as of earlier days. The notes are a memo: without them everything is judged again, and the past of
registers begins anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from assets.accounts import tiers_out
from assets.grading import feed_states
from assets.lineage import feeds_of
from assets.timing import AsOf
from quality.expectations import (
    AGREEMENTS,
    Known,
    Suite,
    statistics_suite,
    sums_by_place,
    topic_suite,
)
from quality.grading import FeedState
from quality.validation.pages import (
    HOME_PAGE,
    Entry,
    as_json,
    from_json,
    home_page,
    page_name,
    table_page,
)
from schemas import tables
from schemas.metrics import METRICS, summed
from schemas.table import Table
from warehouse import builds
from warehouse.lake import Lake

AREAS = tables.table("silver", "areas")
ACCOUNTS = tables.table("ops", "row_accounts")
PERIODS = tables.table("statistics", "period_values")
KEPT_DAYS = 60
"""As-of days whose amounts are kept of a register."""


@dataclass(frozen=True)
class _Note:
    """What is kept of a table: in which state it was judged, how, and the amounts of its past."""

    state: str
    entry: Entry
    past: Mapping[str, Mapping[str, float]]


def published() -> list[Table]:
    """Tables that have expectations: the topics, and the statistics made of them."""
    return [*(one for one in tables.TABLES if one.layer == "topics"), PERIODS]


def validate(lake: Lake, as_of: AsOf, wanted: Iterable[Table]) -> dict[str, Entry]:
    """Hold tables against their expectations and write their pages.

    Args:
        lake: The lake.
        as_of: When it speaks of.
        wanted: Published tables.

    Returns:
        Label → how its expectations came out.

    Raises:
        JudgingError: an expectation could not be evaluated.
    """
    feeds = feed_states(lake, {})
    found, changed = {}, False
    judge: Callable[[Suite], tuple[list[Any], Any]] | None = None
    for table in wanted:
        own = [feeds[name] for name in feeds_of(table) if feeds[name].arrived]
        state, note = _state(lake, as_of, table, own), _recall(lake, table)
        page = lake.home.quality / page_name(table.label)
        if note and note.state == state and page.exists():
            found[table.label] = note.entry
            continue
        suite, now = _suite(lake, as_of, table, own, note)
        if judge is None:
            from quality.validation.judging import Judge  # 1.6 s of CPU: only where needed

            judge = Judge().judge
        verdicts, result = judge(suite)
        entry = Entry(table.label, table.zh, suite.at, suite.row_count, tuple(verdicts))
        _write(page, table_page(entry, result))
        _remember(lake, table, _Note(state, entry, _past(note, as_of, now)))
        found[table.label], changed = entry, True
    if changed or not (lake.home.quality / HOME_PAGE).exists():
        notes = (_recall(lake, table) for table in published())
        _write(lake.home.quality / HOME_PAGE, home_page([n.entry for n in notes if n]))
    return found


def _state(lake: Lake, as_of: AsOf, table: Table, feeds: list[FeedState]) -> str:
    """Everything a verdict depends on."""
    beside = [tables.table("topics", name) for name in _read_beside(table)]
    return builds.fingerprint(
        builds.code_fingerprint(), as_of.last_day, as_of.full_day, lake.state(table),
        *(builds.content_of(lake, one) for one in (table, AREAS, *beside)),
        *((one.zh, one.newest, one.is_daily) for one in feeds),
    )  # fmt: skip


def _read_beside(table: Table) -> list[str]:
    """Names of other topic tables a table is held against."""
    if table is PERIODS:
        return sorted({one.table for one in METRICS})
    own = [one for one in AGREEMENTS if one.table == table.name]
    return sorted({summed(name).table for one in own for name in (*one.left, *one.right)})


def _suite(
    lake: Lake, as_of: AsOf, table: Table, feeds: list[FeedState], note: _Note | None
) -> tuple[Suite, dict[str, float]]:
    parts = builds.parts_of(lake, table)
    booked = sum(part.rows for part in parts.values()) if parts else None
    rows = lake.scan(table)
    if table is PERIODS:
        out = tiers_out(lake, table.name)
        return statistics_suite(table, rows, booked, as_of.last_day, _totals(lake), out), {}
    areas = lake.read(AREAS, ["area_code", "tier"]).filter(pl.col("tier") == "community")
    today = as_of.last_day.isoformat()
    before = [amounts for day, amounts in sorted(note.past.items()) if day < today] if note else []
    known = Known(
        communities=areas["area_code"].to_list(), feeds=feeds, last=as_of.last_day,
        full=as_of.full_day, booked=booked, before=before,
        read=lambda name: lake.scan(tables.table("topics", name)),
    )  # fmt: skip
    return topic_suite(table, rows, known)


def _totals(lake: Lake) -> dict[str, float]:
    """Metric id → its sum over the topic table; tables without rows say nothing."""
    found: dict[str, float] = {}
    for name in _read_beside(PERIODS):
        table = tables.table("topics", name)
        sums = sums_by_place([m for m in METRICS if m.table == name], lake.scan(table))
        if sums.height:
            found |= sums.drop("community_code").sum().row(0, named=True)
    return found


def _past(
    note: _Note | None, as_of: AsOf, now: Mapping[str, float]
) -> Mapping[str, Mapping[str, float]]:
    past = {**(note.past if note else {}), **({as_of.last_day.isoformat(): now} if now else {})}
    return dict(sorted(past.items())[-KEPT_DAYS:])


# --- memo and pages -----------------------------------------------------------------------------


def _memo(lake: Lake, table: Table) -> Path:
    return lake.home.lake / "ops" / "_validations" / f"{table.label}.json"


def _recall(lake: Lake, table: Table) -> _Note | None:
    """What is noted of a table; nothing where the memo is missing or damaged."""
    try:
        kept = json.loads(_memo(lake, table).read_text())
        return _Note(kept["state"], from_json(kept["entry"]), kept["past"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _remember(lake: Lake, table: Table, note: _Note) -> None:
    kept = {"state": note.state, "entry": as_json(note.entry), "past": note.past}
    _write(_memo(lake, table), json.dumps(kept, ensure_ascii=False))


def _write(path: Path, text: str) -> None:
    """Whole or not at all, readable as serving files are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.chmod(0o640)
    part.replace(path)


__all__ = ["Entry", "published", "validate"]
