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
) -> Outcome:
    """Rebuild the stale days of a topic table in one pass over just those days.

    Args:
        lake: The lake.
        table: A topic table partitioned by day.
        inputs: ISO day → fingerprint of what the day is made from.
        transform: Makes the rows of the given days.
    """
    wanted = builds.stale(lake, table, inputs)
    if wanted:
        days = [date.fromisoformat(day) for day in wanted]
        with Engine(lake) as engine:
            rows = conform(table, engine.collect(transform(engine, days), table.contract))
        built = builds.built_parts(table, rows, {d: inputs[d] for d in wanted})
        with lake.home.locked(wait=True):
            lake.replace_parts(table, rows, days)
            builds.record(lake, table, built)
        report(f"build {table.label}", len(wanted), len(wanted))
    total = sum(one.rows for one in builds.parts_of(lake, table).values())
    return Outcome(wanted, total)


def day_inputs(lake: Lake, *upstream: Table) -> dict[str, str]:
    """ISO day → fingerprint of that day's content over several daily tables."""
    contents = [
        {day: built.content for day, built in builds.parts_of(lake, table).items()}
        for table in upstream
    ]
    days = sorted({day for one in contents for day in one})
    return {day: inputs_of(*(one.get(day, "") for one in contents)) for day in days}
