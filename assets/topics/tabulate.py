"""What topic assets share: building stale days, or the whole, from an Ibis expression."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import ibis.expr.types as ir

from assets.building import Clean, Outcome, build_whole, inputs_of
from schemas.tables import Table
from warehouse import builds
from warehouse.engine import Engine
from warehouse.lake import Lake, conform
from warehouse.progress import report

ROWS_A_PASS = 2_000_000
"""Rows one transform reads: a week of the headline volume; the engine then needs some 200 MB."""


def topic_whole(
    lake: Lake,
    table: Table,
    upstream: list[Table],
    transform: Callable[[Engine], ir.Table],
    *,
    also: Sequence[object] = (),
) -> Outcome:
    """Rebuild a topic table whole if the content of a table it is made from changed.

    Args:
        lake: The lake.
        table: A topic table.
        upstream: Tables it is made from.
        transform: Makes its rows.
        also: What else it depends on: the day as of which it speaks, say.
    """
    inputs = inputs_of(*(builds.content_of(lake, one) for one in upstream), *also)

    def clean() -> Clean:
        with Engine(lake) as engine:
            return Clean(engine.collect(transform(engine), table.contract))

    return build_whole(lake, table, inputs, clean)


def topic_days(
    lake: Lake,
    table: Table,
    inputs: Mapping[str, str],
    transform: Callable[[Engine, list[date]], ir.Table],
    upstream: Sequence[Table] = (),
) -> Outcome:
    """Rebuild the stale days of a topic table, as many in one pass as memory allows.

    Args:
        lake: The lake.
        table: A topic table partitioned by day.
        inputs: ISO day → fingerprint of what the day is made from.
        transform: Makes the rows of the given days.
        upstream: Large tables it is made from, whose rows tell how many days fit into one pass.
    """
    wanted = builds.stale(lake, table, inputs)
    done = 0
    for group in _passes(lake, wanted, upstream):
        days = [date.fromisoformat(day) for day in group]
        with Engine(lake) as engine:
            rows = conform(table, engine.collect(transform(engine, days), table.contract))
        built = builds.built_parts(table, rows, {d: inputs[d] for d in group})
        with lake.home.locked(wait=True):
            lake.replace_parts(table, rows, days)
            builds.record(lake, table, built)
        done += len(group)
        report(f"build {table.label}", done, len(wanted))
    total = sum(one.rows for one in builds.parts_of(lake, table).values())
    return Outcome(wanted, total)


def _passes(lake: Lake, wanted: list[str], upstream: Sequence[Table]) -> list[list[str]]:
    """Days in groups of about `ROWS_A_PASS` rows of what they are made from."""
    parts = [builds.parts_of(lake, table) for table in upstream]
    groups: list[list[str]] = []
    size = 0
    for day in wanted:
        rows = sum(one[day].rows for one in parts if day in one)
        if not groups or size + rows > ROWS_A_PASS:
            groups.append([])
            size = 0
        groups[-1].append(day)
        size += rows
    return groups


def day_inputs(lake: Lake, *upstream: Table) -> dict[str, str]:
    """ISO day → fingerprint of that day's content over several daily tables."""
    contents = [
        {day: built.content for day, built in builds.parts_of(lake, table).items()}
        for table in upstream
    ]
    days = sorted({day for one in contents for day in one})
    return {day: inputs_of(*(one.get(day, "") for one in contents)) for day in days}
