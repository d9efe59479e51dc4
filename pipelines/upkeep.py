"""Upkeep as people start it (`govlake upkeep`) and as Dagster does (job `upkeep`)."""

from datetime import UTC, datetime

import dagster as dg
from rich.console import Console
from rich.table import Table as Sheet

from assets.accounts import all_that_is_open
from assets.quarantined import expire
from assets.retention import Expiry, expire_all
from assets.upkeep import Tidied, tidy_all
from pipelines.access import update_register
from pipelines.errors import RunFailed
from pipelines.settings import as_of_of, vacuum_days
from schemas.city_time import city_date_of
from warehouse.home import Home, HomeError
from warehouse.lake import Lake

OPEN = "row accounts do not close"


class UpkeepConfig(dg.Config):
    """What can be asked of one upkeep.

    Attributes:
        vacuum_days: Days that replaced files stay; None: as the home's settings say.
    """

    vacuum_days: float | None = None


@dg.op(description="合并小文件、清理过期版本、汇总事务日志；随后逐表重算全部行账")
def tidy_tables(
    context: dg.OpExecutionContext, config: UpkeepConfig, lake: dg.ResourceParam[Lake]
) -> None:
    """Tidy every table, then count every account whole."""
    days = vacuum_days() if config.vacuum_days is None else config.vacuum_days
    done = tidy_all(lake, vacuum_days=days, wait=True)
    for one in done:
        if one.left_alone:
            context.log.warning(f"{one.label} left alone: {one.left_alone}")
    context.add_output_metadata({
        "tables_tidied": sum(one.did_something for one in done),
        "files_removed": sum(one.removed for one in done),
        "bytes_freed": sum(one.freed_bytes for one in done),
    })  # fmt: skip
    for one in expire_all(lake, city_date_of(as_of_of(lake.home)), wait=True):
        context.log.info(_said(one, dry_run=False))
    expire(lake.home, city_date_of(datetime.now(UTC)))
    if found := all_that_is_open(lake):
        raise dg.Failure(f"{OPEN}: {', '.join(found)}")


@dg.job(name="upkeep", description="每日维护：文件、版本、日志、到期明细与行账；不改变任何结果")
def upkeep_job() -> None:
    """Upkeep of the lake; rows expire after their feed's retention."""
    tidy_tables()


def run_upkeep(home: Home, console: Console, *, days: float | None, dry_run: bool) -> None:
    """Tidy a home and say what was done, table by table.

    Args:
        home: The home.
        console: Where to.
        days: Days that replaced files stay; None: as the settings say.
        dry_run: Tell what is due only.

    Raises:
        HomeError: there is no lake, or another run is at work.
        RunFailed: an account does not close.
    """
    if not home.lake.is_dir():
        raise HomeError(f"{home.root} holds no lake yet: run `govlake run` first")
    lake = Lake(home)
    days = vacuum_days() if days is None else days
    done = tidy_all(lake, vacuum_days=days, dry_run=dry_run)
    show_upkeep(done, console, dry_run=dry_run)
    for one in expire_all(lake, city_date_of(as_of_of(home)), dry_run=dry_run):
        console.print(_said(one, dry_run=dry_run), soft_wrap=True,
                      style="yellow" if one.left_alone else None)  # fmt: skip
    if dry_run:
        return
    if gone := expire(lake.home, city_date_of(datetime.now(UTC))):
        console.print(f"sheets of quarantined rows: {gone:,} expired")
    if found := all_that_is_open(lake):
        raise RunFailed(f"{OPEN}: {', '.join(found)}; see `govlake status`")
    console.print("every row account closes, counted whole")
    added, expired = update_register(lake)
    if added or expired:
        console.print(f"access register: {added:,} acts added, {expired:,} expired")


def _said(one: Expiry, *, dry_run: bool) -> str:
    """One line about the expiry of a source."""
    if one.left_alone:
        return f"retention of {one.source} left alone: {one.left_alone}"
    verb = "would expire" if dry_run else "expired, erased and sealed (ops.erasures)"
    return (f"{one.source} to {one.through}: {one.rows:,} rows, {one.files:,} landing files "
            f"{verb}")  # fmt: skip


def show_upkeep(done: list[Tidied], console: Console, *, dry_run: bool) -> None:
    """What was done (or is due), one line per table that needed it."""
    for one in done:
        if one.left_alone:
            console.print(f"left alone: {one.label}: {one.left_alone}", style="yellow")
    busy = [one for one in done if one.did_something]
    if not busy:
        console.print("nothing to do: every table is in order")
        return
    sheet = Sheet(title="维护 (upkeep)" + (", dry run" if dry_run else ""), padding=(0, 0, 0, 1))
    sheet.add_column("table", no_wrap=True)
    for name in ("files", "after", "parts joined", "files removed", "MB freed", "log"):
        sheet.add_column(name, justify="right")
    for one in busy:
        sheet.add_row(
            one.label, f"{one.files_before:,}", "?" if dry_run and one.parts else
            f"{one.files_after:,}", f"{one.parts:,}", f"{one.removed:,}",
            f"{one.freed_bytes / 1e6:,.1f}", "summed up" if one.has_checkpoint else "",
        )  # fmt: skip
    console.print(sheet)
    removed, freed = sum(o.removed for o in busy), sum(o.freed_bytes for o in busy) / 1e6
    verb = "are due" if dry_run else "tidied"
    console.print(f"{len(busy)} tables {verb}; {removed:,} files, {freed:,.1f} MB freed")
