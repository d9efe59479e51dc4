"""Pulling database sources: `govlake pull`, and the Dagster job `pull` (schedule off at first)."""

import dagster as dg
from rich.console import Console

from assets.pulling import Pulled, pull
from assets.site_mappings import SOURCES_FOLDER, sources_of
from pipelines.errors import RunFailed
from schemas.city_time import CITY_ZONE
from schemas.sources import Source, SourceError
from warehouse.home import Home
from warehouse.lake import Lake


@dg.op(description="读取数据库来源自上次水位以来的新增与变更，写入落地目录；由落地传感器启动读取")
def pull_sources(context: dg.OpExecutionContext, lake: dg.ResourceParam[Lake]) -> None:
    """Land what is new in every database source; one that fails does not stop the others."""
    failed = []
    for source in sources_of(lake.home):
        try:
            done = pull(lake, source)
        except SourceError as error:
            failed.append(str(error))
        else:
            context.log.info(told(done))
    if failed:
        raise dg.Failure("; ".join(failed), allow_retries=False)


@dg.job(name="pull", description="读取数据库来源；不改变数据湖，只向落地目录添加文件")
def pull_job() -> None:
    """Pull every database source into landing."""
    pull_sources()


HOURLY_PULL = dg.ScheduleDefinition(
    name="hourly_pull",
    job=pull_job,
    cron_schedule="10 * * * *",
    execution_timezone=CITY_ZONE,
    description="每小时第10分读取数据库来源（默认关闭）",
)


def run_pull(home: Home, console: Console, name: str | None, since: str | None) -> None:
    """Pull one source, or all of them, and say what came.

    Raises:
        SourceError: there is no such source, or `since` without its name.
        RunFailed: a source could not be read; the others were.
    """
    chosen = _chosen(home, name)
    if since is not None and name is None:
        raise SourceError("--since: say of which source")
    failed = []
    for source in chosen:
        try:
            with console.status(f"pulling {source.name} …"):
                done = pull(Lake(home), source, since)
        except SourceError as error:
            failed.append(str(error))
        else:
            console.print(told(done), highlight=False, soft_wrap=True)
    if failed:
        raise RunFailed("; ".join(failed))


def _chosen(home: Home, name: str | None) -> list[Source]:
    there = sources_of(home)
    found = [source for source in there if name in (None, source.name)]
    if not found:
        names = ", ".join(source.name for source in there) or "none"
        raise SourceError(
            f"no database source{f' {name}' if name else ''}; there are: {names}: describe it in "
            f"{home.config / SOURCES_FOLDER}/<name>.yaml (docs/sources.md)"
        )
    return found


def told(done: Pulled) -> str:
    """What a pull brought, in one line."""
    if not done.files:
        said = f"{done.source}: nothing new since {done.begin}"
    else:
        begin = "the beginning" if done.begin is None else done.begin
        said = (f"{done.source}: {done.rows:,} rows in {len(done.files)} files in "
                f"landing/{done.feed}, from {begin} to {done.end}")  # fmt: skip
    if done.unmarked:
        said += f"; {done.unmarked:,} rows have no usable high-water value and cannot be pulled"
    return said
