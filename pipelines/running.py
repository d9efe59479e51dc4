"""Running the graph from the command: one process, one run at a time, progress for people."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from sqlalchemy import Engine as SqlEngine
from sqlalchemy import event

from pipelines.errors import RunFailed
from pipelines.planning import refresh_tags
from pipelines.preparing import prepare
from schemas.tables import TABLES
from warehouse import serving
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.progress import listening

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class RunReport:
    """What a run did.

    Attributes:
        changed: Labels of tables with a new Delta version.
        generation: The generation being served afterwards.
        published: Whether it is a new one.
        seconds: Wall time.
    """

    changed: list[str] = field(default_factory=list)
    generation: str | None = None
    published: bool = False
    seconds: float = 0.0


@event.listens_for(SqlEngine, "connect")
def _settle_seldom(connection: Any, _record: object) -> None:
    """Dagster's event log need not reach the disk event by event: thousands of waits a run.

    Its databases are in WAL mode: a power cut may cost the last events, never the files. What the
    lake holds does not depend on them.
    """
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = NORMAL")


def run_graph(home: Home, console: Console) -> RunReport:
    """Take in what landed, refresh what it touched, publish.

    Raises:
        RunFailed: a step or a blocking check failed; the generation served before stays.
        HomeError: another run is at work in this home.
    """
    started = time.monotonic()
    with home.locked():
        prepare(home)
        # after `prepare`: definitions read the home from the environment
        from pipelines.definitions import defs

        lake = Lake(home)
        before = {table.label: lake.version(table) for table in TABLES}
        generation = serving.current(home.serving)
        instance = dg.DagsterInstance.get()
        with _progress(console):
            _execute(defs, "take_in", instance, {})
            _execute(defs, "refresh", instance, refresh_tags(lake))
        after = {table.label: lake.version(table) for table in TABLES}
        now = serving.current(home.serving)
    return RunReport(
        changed=[label for label in after if after[label] != before[label]],
        generation=now,
        published=now != generation,
        seconds=time.monotonic() - started,
    )


def _execute(defs: Any, job: str, instance: dg.DagsterInstance, tags: dict[str, str]) -> None:
    definitions = defs if isinstance(defs, dg.Definitions) else defs()
    result = definitions.resolve_job_def(job).execute_in_process(
        instance=instance, run_config=_QUIET, tags=tags, raise_on_error=False
    )
    if result.success:
        return
    reasons = []
    for one in result.all_events:
        if one.is_step_failure and one.step_failure_data.error:
            error = one.step_failure_data.error
            cause = error.cause or error
            if "AssetCheckFailed" in cause.message:
                continue  # named below, by its table and check
            reasons.append(f"{one.step_key}: {cause.message.strip().splitlines()[0]}")
    reasons.extend(
        f"{check.asset_key.to_user_string()}: {check.check_name} failed"
        for check in result.get_asset_check_evaluations()
        if not check.passed
    )
    raise RunFailed(f"{job} failed: {'; '.join(reasons) or 'see the Dagster UI'}")


@contextmanager
def _progress(console: Console) -> Iterator[None]:
    """Progress bars: one per task that is under way or done."""
    bars = Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(),
        console=console, transient=False,
    )  # fmt: skip
    tasks: dict[str, Any] = {}

    def show(task: str, done: float, total: float) -> None:
        if task not in tasks:
            tasks[task] = bars.add_task(task, total=total or 1)
        bars.update(tasks[task], completed=done, total=total or 1)

    with bars, listening(show):
        yield
