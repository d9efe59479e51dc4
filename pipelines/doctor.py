"""`govlake doctor`: what is wrong with a home, why it matters, what to do. It changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import polars as pl
from deltalake.exceptions import DeltaError
from rich.console import Console

import assets.topics  # noqa: F401 - registers every topic table
from assets.grading import feed_states
from pipelines.serving_up import Door
from pipelines.settings import as_of_of
from pipelines.superset import superset_python
from schemas import tables
from schemas.city_time import city_date_of
from schemas.feeds import FEEDS
from warehouse import diagnosis
from warehouse.diagnosis import Finding
from warehouse.home import Home, HomeError
from warehouse.lake import Lake, LakeError

_UNREADABLE = (LakeError, DeltaError, OSError, pl.exceptions.PolarsError)
"""How reading a damaged table ends; that it is damaged is a finding already."""
UPKEEP_LATE = 2
"""Days rows may be past their retention before it is told: one more than the daily upkeep needs."""
_STYLES = {"serious": "bold red", "warning": "yellow", "info": "cyan"}
_WORDS = {"serious": "严重 serious", "warning": "注意 warning", "info": "提示 info"}


def examine(home: Home, doors: dict[str, Door], *, whole: bool = False) -> list[Finding]:
    """Everything that is found, the serious first.

    Args:
        home: The home; it need not be healthy.
        doors: Option of `govlake serve` → where it would listen.
        whole: Read every data file to its end.

    Raises:
        HomeError: there is no home.
    """
    if not home.lake.is_dir():
        raise HomeError(f"{home.root} holds no lake yet: run `govlake run` first")
    on_disk = [*diagnosis.of_keys(home), *diagnosis.of_permissions(home), *diagnosis.of_disk(home),
               *diagnosis.of_tables(home, whole=whole), *diagnosis.of_leftovers(home),
               *diagnosis.of_publication(home), *diagnosis.of_clock(home)]  # fmt: skip
    found = [*on_disk, *of_feeds(home), *of_retention(home), *of_ports(doors), *of_superset()]
    return sorted(found, key=lambda one: list(_STYLES).index(one.severity))


def of_feeds(home: Home) -> Iterator[Finding]:
    """Feeds whose newest row is old, or of days to come; as of the run's as-of instant.

    Feeds that never delivered are left out: not every site has them all.
    """
    last = city_date_of(as_of_of(home) - timedelta(microseconds=1))
    try:
        states = feed_states(Lake(home), {})
    except _UNREADABLE:
        return
    for feed in FEEDS:
        newest = states[feed.name].newest
        if newest is None:
            continue
        age = (last - newest).days
        if age > feed.stays_fresh_for:
            yield Finding("warning", f"{feed.name} {feed.zh} is overdue: newest row of {newest}, "
                          f"{age} days ago", f"expected every {feed.stays_fresh_for} days; the "
                          "numbers built on it get a lower grade",
                          f"ask its owner ({feed.owner}); look into landing/{feed.source} and "
                          "`govlake status` for files that wait or were set aside")  # fmt: skip
        elif age < -1:
            yield Finding("warning", f"{feed.name} {feed.zh} has rows of {newest}, {-age} days to "
                          "come", "a clock of its source is off, or the as-of instant is old",
                          "compare the clocks")  # fmt: skip


def of_retention(home: Home) -> Iterator[Finding]:
    """Feeds with rows that should have expired: nobody runs upkeep, or it leaves them alone."""
    today, lake = city_date_of(as_of_of(home)), Lake(home)
    for feed in FEEDS:
        if feed.retention_days is None or feed.day_column is None:
            continue
        try:
            rows = lake.scan(tables.table("bronze", feed.name))
            oldest = rows.select(pl.col(feed.day_column).min()).collect().item()
        except _UNREADABLE:
            continue
        over = (today - oldest).days - feed.retention_days - 1 if oldest else 0
        if over > UPKEEP_LATE:
            yield Finding(
                "warning",
                f"{feed.name} {feed.zh} holds rows of {oldest}, {over} days past their retention",
                "details are kept longer than they may be",
                "`govlake upkeep`, daily; if it leaves them alone, it says why",
            )


def of_ports(doors: dict[str, Door]) -> Iterator[Finding]:
    """Addresses `govlake serve` could not listen on now."""
    for option, door in doors.items():
        try:
            door.check_free(option)
        except HomeError as taken:
            yield Finding("warning", str(taken).split(";")[0], "`govlake serve` needs it (or is "
                          "up already)", f"stop who listens there, or choose another with "
                          f"{option}")  # fmt: skip


def of_superset() -> Iterator[Finding]:
    """Superset's environment, where it is not installed."""
    try:
        superset_python()
    except HomeError as missing:
        what, _, remedy = str(missing).partition(": ")
        yield Finding("info", what, "`govlake serve` has no dashboards", remedy)


def show(found: list[Finding], console: Console) -> bool:
    """Print findings; False where one is serious."""
    for one in found:
        console.print(f"{_WORDS[one.severity]}: {one.what}", style=_STYLES[one.severity],
                      soft_wrap=True, highlight=False)  # fmt: skip
        console.print(f"  why: {one.why}", soft_wrap=True, highlight=False)
        console.print(f"  do:  {one.remedy}", soft_wrap=True, highlight=False)
    counts = {word: sum(one.severity == word for one in found) for word in _STYLES}
    said = " · ".join(f"{count} {word}" for word, count in counts.items() if count)
    console.print(said or "nothing found")
    return not counts["serious"]
