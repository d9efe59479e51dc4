"""One new day on top of a history: what it costs, and what lookups cost, before and after upkeep.

The newest day's files and late rows of three earlier days are held back, the rest is taken in; then
a run with nothing new and a run with what was held back are measured in fresh copies of that home.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from .contenders import BenchFailed, Measure, helper, measured, middle

LATE_AFTER = (3, 8, 23)
"""Deliveries of late rows that are held back: so many days before the newest one."""

Tell = Callable[[str, Measure], None]


@dataclass(frozen=True)
class NewDay:
    """What one new day cost after a history.

    Attributes:
        days: Days of history.
        scale: Of the demo district.
        history_rows: Rows of the history.
        new_rows: Rows of the new day and late ones.
        full: The history taken in, in one go.
        idle: A run with nothing new.
        day: A run with the new day.
        upkeep: Upkeep afterwards.
        lookups: Kind of lookup → medians in ms, before and after upkeep.
    """

    days: int
    scale: float
    history_rows: int
    new_rows: int
    full: Measure
    idle: Measure
    day: Measure
    upkeep: Measure | None = None
    lookups: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def net_cpu_s(self) -> float:
        """CPU of the day alone, Dagster's fixed share apart."""
        return self.day.cpu_s - self.idle.cpu_s

    @property
    def share_cpu_s(self) -> float:
        """A day's share of the full build, likewise."""
        return (self.full.cpu_s - self.idle.cpu_s) / self.days

    @property
    def against_its_share(self) -> float:
        """How many of its shares one new day costs."""
        return self.net_cpu_s / self.share_cpu_s


def measure_new_day(
    place: Path, days: int, scale: float, runs: int, tell: Tell, *, with_lookups: bool = False
) -> NewDay:
    """Build a history, then add a day to it.

    Args:
        place: Empty folder to work in.
        days: Days of history.
        scale: Of the demo district.
        runs: Runs of the idle and of the new day; the history is built once.
        tell: Shown every measure as it comes.
        with_lookups: Also measure lookups, upkeep between them.

    Raises:
        BenchFailed: a run failed, or said something else than it should.
    """
    history, held, log = place / "history", place / "held", place / "said.log"
    helper("tests.bench.data", str(history), str(days + 1), str(scale))
    hold_back(history, held)
    full = measured(_run(history), log)
    tell(f"{days} days at once", full)
    history_rows = arrived(log)
    idle, day, home = [], [], place / "home"
    for _ in range(runs):
        copy_home(history, home)
        idle.append(measured(_run(home), log))
        _expect(log, "nothing new")
        tell(f"nothing new after {days} days", idle[-1])
        shutil.copytree(held, home / "landing", dirs_exist_ok=True)
        day.append(measured(_run(home), log))
        tell(f"a new day after {days} days", day[-1])
    rows = arrived(log) - history_rows
    found = NewDay(days, scale, history_rows, rows, full, middle(idle), middle(day))
    if not with_lookups:
        return found
    before = look_up(home)
    upkeep = measured([*_govlake("upkeep", home), "--vacuum-days", "0"], log)
    tell(f"upkeep after {days} days", upkeep)
    after = look_up(home)
    measured(_run(home), log)
    _expect(log, "nothing new")
    both = {kind: (before[kind], after[kind]) for kind in before}
    return NewDay(days, scale, history_rows, rows, full, found.idle, found.day, upkeep, both)


def hold_back(home: Path, held: Path) -> None:
    """Move the newest day's files of captures, and some late rows of earlier ones, out of landing.

    Raises:
        BenchFailed: there are none.
    """
    landing = home / "landing" / "captures"
    names = {path.name: found for path in landing.iterdir()
             if (found := re.search(r"-(\d{4})(\d\d)(\d\d)\b", path.name))}  # fmt: skip
    day_of = {name: date(*map(int, found.groups())) for name, found in names.items()}
    newest = max(day_of.values())
    late = {newest - timedelta(days=back) for back in LATE_AFTER}
    wanted = [
        name
        for name, day in day_of.items()
        # the planted broken files carry the newest day's name too; they are not of that day
        if (day == newest and not re.search("torn|empty", name))
        or (day in late and "-late-" in name)
    ]
    if not any("-late-" in name for name in wanted):
        raise BenchFailed("no late rows to hold back: more days or a larger scale are needed")
    (held / "captures").mkdir(parents=True)
    for name in wanted:
        (landing / name).rename(held / "captures" / name)


def copy_home(home: Path, out: Path) -> None:
    """A home of its own with the same content; files that are never changed are hard links."""
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(home, out, symlinks=True, copy_function=_linked_or_copied)


def arrived(log: Path) -> int:
    """Rows arrived so far, as a run says in the end."""
    found = re.findall(r"^arrived ([\d,]+)", log.read_text(errors="replace"), re.M)
    if not found:
        raise BenchFailed(f"a run did not say how many rows arrived:\n{log.read_text()[-500:]}")
    return int(found[-1].replace(",", ""))


def look_up(home: Path) -> dict[str, float]:
    """Medians in ms, by kind of lookup."""
    return json.loads(helper("tests.bench.lookups", str(home)))


def _linked_or_copied(source: str, target: str) -> str:
    if source.endswith(".parquet") or "/landing/" in source:
        os.link(source, target)
        return target
    return shutil.copy2(source, target)


def _govlake(word: str, home: Path) -> list[str]:
    return [sys.executable, "-m", "pipelines", word, "--home", str(home)]


def _run(home: Path) -> list[str]:
    return _govlake("run", home)


def _expect(log: Path, words: str) -> None:
    if words not in (said := log.read_text(errors="replace")):
        raise BenchFailed(f"a run should have said {words!r}:\n{said[-500:]}")
