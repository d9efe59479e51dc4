"""What is wrong now: failed runs, failed checks, old feeds, a publication that is held up.

Read from Dagster's own records and the books, so that nothing is missed while nobody watches.
Sentences name feeds, tables, jobs and counts; never a value of a row, never the text of an error.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
from dagster import DagsterEventType, DagsterInstance, DagsterRunStatus, RunRecord, RunsFilter
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from assets.checks import CHECKS
from assets.expectation_checks import EXPECTATION_CHECKS
from assets.grading import ACCOUNTS, feed_states
from assets.space_checks import SPACE_CHECKS
from assets.timing import AsOf
from pipelines.access import access_job
from pipelines.alert_book import Condition
from pipelines.jobs import JOBS, REFRESH, TAKE_IN
from pipelines.pulling import pull_job
from pipelines.upkeep import upkeep_job
from quality.grading import FeedState
from schemas import tables
from warehouse import serving
from warehouse.lake import Lake, LakeError
from warehouse.pins import pinned

_BY_HAND = "__ASSET_JOB"
JOBS_ZH = {
    TAKE_IN.name: "读取",
    REFRESH.name: "刷新",
    upkeep_job.name: "维护",
    pull_job.name: "数据库抽取",
    access_job.name: "访问登记",
    _BY_HAND: "手工物化",
}
GENERATION = dg.AssetKey(["serving", "generation"])
_LOOK_BACK = timedelta(days=7)
_RUNS_AT_ONCE = 500
_CHECKS_BACK = 10


@dataclass
class Found:
    """What is wrong, and what could not be looked at.

    Attributes:
        conditions: One per thing that is wrong.
        unknown: Kinds of conditions nothing can be said of now.
        runs_seen: Failed runs that are known from now on.
    """

    conditions: list[Condition] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    runs_seen: list[str] = field(default_factory=list)


def conditions_now(
    instance: DagsterInstance, lake: Lake, as_of: AsOf, runs_seen: Collection[str] | None
) -> Found:
    """Everything that is wrong.

    Args:
        instance: Remembers runs and checks.
        lake: The lake.
        as_of: When feeds are judged.
        runs_seen: Failed runs looked at before; None: this is the first look.
    """
    found = Found()
    found.conditions += _runs(instance, found, runs_seen)
    found.conditions += _checks(instance)
    found.conditions += _publication(instance, lake)
    try:
        found.conditions += stale_feeds(_states(lake), as_of)
    except (LakeError, OSError) as error:
        found.unknown.add("stale")
        found.conditions.append(Condition(
            "books/row_accounts", "error", "行账无法读取，来源是否按时更新未知",
            type(error).__name__,
        ))  # fmt: skip
    return found


def _runs(
    instance: DagsterInstance, found: Found, runs_seen: Collection[str] | None
) -> Iterator[Condition]:
    """Jobs whose last finished run failed; and those that failed and went well since."""
    since = datetime.now(UTC) - _LOOK_BACK
    failures = instance.get_run_records(
        RunsFilter(statuses=[DagsterRunStatus.FAILURE], updated_after=since), limit=_RUNS_AT_ONCE
    )
    found.runs_seen = [one.dagster_run.run_id for one in failures]
    fresh = [] if runs_seen is None else [
        one for one in failures if one.dagster_run.run_id not in runs_seen
    ]  # fmt: skip
    for job in watched_jobs():
        last = _last_finished(instance, job)
        if last and last.dagster_run.status == DagsterRunStatus.FAILURE:
            yield _failed(instance, last)
            continue
        mine = [one for one in fresh if one.dagster_run.job_name == job]
        if mine:
            yield _failed(instance, max(mine, key=_ended), is_over=True)


def watched_jobs() -> list[str]:
    """Every job of the graph, and assets that somebody materialises by themselves."""
    return [*(job.name for job in JOBS), _BY_HAND]


def _last_finished(instance: DagsterInstance, job: str) -> RunRecord | None:
    finished = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE]
    records = instance.get_run_records(RunsFilter(job_name=job, statuses=finished), limit=20)
    return max(records, key=_ended, default=None)


def _ended(record: RunRecord) -> float:
    return record.end_time or record.update_timestamp.timestamp()


def _failed(instance: DagsterInstance, record: RunRecord, *, is_over: bool = False) -> Condition:
    run = record.dagster_run
    steps = instance.get_records_for_run(run.run_id, of_type=DagsterEventType.STEP_FAILURE, limit=5)
    names = [
        one.event_log_entry.dagster_event.step_key
        for one in steps.records
        if one.event_log_entry.dagster_event and one.event_log_entry.dagster_event.step_key
    ]
    where = f"；步骤 {'、'.join(names)}" if names else ""
    job = run.job_name
    return Condition(
        f"run/{job}", "error", f"作业“{JOBS_ZH.get(job, job)}”（{job}）运行失败{where}",
        f"运行 {run.run_id[:8]}，详见 Dagster", is_over,
    )  # fmt: skip


def _checks(instance: DagsterInstance) -> Iterator[Condition]:
    """Checks that did not hold when they were last made."""
    specs = watched_checks()
    storage = instance.event_log_storage
    latest = storage.get_latest_asset_check_execution_by_key(list(specs))
    for key, record in latest.items():
        status = record.status
        if status == AssetCheckExecutionRecordStatus.PLANNED:
            # of a run that is under way, or ended before it: what was found before still counts
            before = storage.get_asset_check_execution_history(key, limit=_CHECKS_BACK)
            status = next((one.status for one in before if one.status != status), status)
        if status == AssetCheckExecutionRecordStatus.FAILED:
            yield _check(specs[key])


def watched_checks() -> dict[dg.AssetCheckKey, dg.AssetCheckSpec]:
    """Every check of the graph."""
    return {
        spec.key: spec
        for one in (*CHECKS, *SPACE_CHECKS, *EXPECTATION_CHECKS) for spec in one.check_specs
    }  # fmt: skip


def _check(spec: dg.AssetCheckSpec) -> Condition:
    layer, name = spec.asset_key.path
    table = tables.BY_KEY.get((layer, name))
    label = f"{table.zh}（{layer}.{name}）" if table else f"{layer}.{name}"
    said = (spec.description or "").split("；", 1)[0].removeprefix(f"{table.zh}：" if table else "")
    consequence = "已阻断下游与发布" if spec.blocking else "相关数字的质量等级可能下降"
    return Condition(
        f"check/{layer}.{name}/{spec.name}", "error" if spec.blocking else "warning",
        f"{label}检查未通过：{said or spec.name}", f"{consequence}；检查 {spec.name}",
    )  # fmt: skip


def _publication(instance: DagsterInstance, lake: Lake) -> Iterator[Condition]:
    """A refresh that ended before it published, and a generation somebody holds."""
    served = serving.current(lake.home.serving) or "无"
    last = _last_finished(instance, REFRESH.name)
    if last and last.dagster_run.status == DagsterRunStatus.FAILURE:
        event = instance.get_latest_materialization_event(GENERATION)
        if event is None or event.run_id != last.dagster_run.run_id:
            yield Condition("publication/blocked", "error", f"发布被阻断，对外仍为 {served}",
                            f"运行 {last.dagster_run.run_id[:8]}")  # fmt: skip
    if held := pinned(lake.home.serving):
        # its reason is free text, and may name somebody
        yield Condition("publication/pinned", "warning", f"发布已人工固定在 {held.generation}",
                        "原因见 govlake publish list")  # fmt: skip


def stale_feeds(states: dict[str, FeedState], as_of: AsOf) -> Iterator[Condition]:
    """Feeds whose newest row is older than they stay fresh for.

    A feed that never arrived is not old: no site has every feed.
    """
    for name, state in states.items():
        if state.newest is None:
            continue
        old = (as_of.last_day - state.newest).days
        if old > state.stays_fresh_for:
            yield Condition(
                f"stale/{name}", "warning",
                f"{state.zh}（{name}）超过 {state.stays_fresh_for} 天未更新",
                f"最新数据为 {state.newest:%Y-%m-%d}，已 {old} 天",
            )  # fmt: skip


def _states(lake: Lake) -> dict[str, FeedState]:
    """States of feeds; looked up again only when something arrived, for it reads registers."""
    key = (str(lake.path(ACCOUNTS)), lake.state(ACCOUNTS))
    if _STATES.get("key") != key:
        _STATES.update(key=key, states=feed_states(lake, {}))
    return _STATES["states"]


_STATES: dict[str, Any] = {}
"""States as last looked up, and of which state of the row accounts."""
