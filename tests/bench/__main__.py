"""`python -m tests.bench`: the capture job, govlake and bare scripts side by side; one new day.

Scale, days, runs and what to measure come from options or from SCALE, DAYS, RUNS and ONLY
(`make bench SCALE=0.05`, `make bench ONLY=all`).
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from . import new_day_report, report
from .contenders import (
    GOVLAKE,
    ROOT,
    BenchFailed,
    Contender,
    Measure,
    command_of,
    helper,
    measured,
    middle,
    prepare,
)
from .history import NewDay, measure_new_day
from .page import verdicts, write_page
from .plan import FEEDS, PARTS, Plan, planned
from .report import Results

LONG_HISTORY_SCALE = 0.005
"""At most so large a district for histories that are compared: a year of it is a million faces."""
console = Console()


def bench(
    scale: Annotated[float, typer.Option(envvar="SCALE", help="1.0: 16.8 M faces a month.")] = 0.05,
    days: Annotated[str, typer.Option(envvar="DAYS", help="City days; several: `30,3`.")] = "30",
    runs: Annotated[int, typer.Option(envvar="RUNS", min=1, help="Runs of each contender.")] = 3,
    only: Annotated[
        str,
        typer.Option(
            envvar="ONLY",
            help="Scripts to run beside govlake (`floor`), parts ("
            + "; ".join(f"`{name}`: {what}" for name, what in PARTS.items())
            + "), or `all`. Nothing: every script, no part.",
        ),
    ] = "",
    histories: Annotated[
        str, typer.Option(envvar="HISTORIES", help="Days of history before a new day.")
    ] = "30,365",
    page: Annotated[Path, typer.Option("--report", help="Page to write.")] = ROOT
    / "docs/benchmarks.md",
    work: Annotated[Path | None, typer.Option(help="Folder for data; emptied afterwards.")] = None,
) -> None:
    """Run everybody, compare what they found, write down what it cost."""
    try:
        plan = planned(only)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    try:
        for each in days.split(",") if plan.contenders else []:
            with _folder(work) as place:
                results = run_bench(place, int(each), scale, runs, plan)
            console.print(report.screen(results), verdicts(results.targets()))
            write_page(report.title(results), report.section(results), page)
        if plan.parts & {"new_day", "lookups"}:
            found = run_histories(work, [int(d) for d in histories.split(",")], scale, runs, plan)
            console.print(new_day_report.screen(found), verdicts(new_day_report.targets(found)))
            write_page(new_day_report.title(found), new_day_report.section(found), page)
    except BenchFailed as failed:
        console.print(f"bench: {failed}", style="red", markup=False, soft_wrap=True)
        sys.exit(1)
    console.print(f"written: {page}")


@contextmanager
def _folder(work: Path | None) -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="govlake-bench-", dir=work))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def run_bench(place: Path, days: int, scale: float, runs: int, plan: Plan) -> Results:
    """The capture job: data, contenders in turn, equality, the small measurements."""
    home, log = place / "home", place / "said.log"
    console.print(f"writing {days} days at scale {scale:g} …")
    rows = json.loads(helper("tests.bench.data", str(home), str(days), str(scale)))
    taking_part, skipped = _taking_part(plan.contenders, scale)
    measures: dict[str, list[Measure]] = {one.name: [] for one in taking_part}
    rerun = None
    for run in range(runs):
        # The first round starts with govlake, which the others are compared with; then in turn.
        for one in taking_part[run % len(taking_part) :] + taking_part[: run % len(taking_part)]:
            out = place / (one.module or GOVLAKE)
            prepare(one, home, out)
            measures[one.name].append(measured(command_of(one, home, out), log))
            _tell(f"run {run + 1}  {one.name}", measures[one.name][-1])
            if run == 0 and one.module is None:
                rerun = measured(command_of(one, home, out), log)
                if "nothing new" not in log.read_text(errors="replace"):
                    console.print("the second run built again: was the code changed meanwhile?")
                    rerun = None
            elif run == 0:
                floor = ["passages"] if one.is_floor else []
                helper("tests.bench.equality", str(place / GOVLAKE), str(out), *floor)
            if one.module is not None:
                shutil.rmtree(out)
    judging = json.loads(helper("tests.bench.judging", str(home / "landing")))
    medians = {name: middle(every) for name, every in measures.items()}
    results = Results(days, scale, runs, rows, medians, skipped, judging, rerun)
    results.start = measured([sys.executable, "-c", "import pipelines.definitions"], log)
    if "rows" in plan.parts:
        shutil.rmtree(place / GOVLAKE)
        _measure_a_tenth(place / "tenth", results)
    return results


def _taking_part(
    contenders: list[Contender], scale: float
) -> tuple[list[Contender], dict[str, str]]:
    """Those who can run here, and why the others cannot."""
    skipped: dict[str, str] = {}
    for one in contenders:
        why = f"left out above scale {one.largest_scale:g}" if scale > one.largest_scale else None
        if why := why or one.missing():
            skipped[one.name] = why
            console.print(f"{one.name}: {why}")
    return [one for one in contenders if one.name not in skipped], skipped


def _measure_a_tenth(place: Path, results: Results) -> None:
    """The same job of govlake for a tenth of the rows."""
    govlake = Contender(GOVLAKE, None)
    home, out, log = place / "home", place / GOVLAKE, place / "said.log"
    words = (str(home), str(results.days), str(results.scale / 10))
    rows = json.loads(helper("tests.bench.data", *words))
    found = []
    for _ in range(results.runs):
        prepare(govlake, home, out)
        found.append(measured(command_of(govlake, home, out), log))
        _tell("a tenth of the rows", found[-1])
    results.tenth, results.tenth_rows = middle(found), sum(rows[feed] for feed in FEEDS)


def run_histories(
    work: Path | None, histories: list[int], scale: float, runs: int, plan: Plan
) -> list[NewDay]:
    """A new day after the first history at the scale asked for, and after all at a small one."""
    small = min(scale, LONG_HISTORY_SCALE)
    asked = [(days, small) for days in histories]
    if scale > small:
        asked.insert(0, (histories[0], scale))
    found = []
    for days, own in asked:
        with _folder(work) as place:
            console.print(f"a new day after {days} days at scale {own:g} …")
            found.append(measure_new_day(place, days, own, runs, _tell,
                                         with_lookups="lookups" in plan.parts))  # fmt: skip
    return found


def _tell(what: str, m: Measure) -> None:
    console.print(f"{what:<36} {m.cpu_s:7.1f} CPU s {m.wall_s:7.1f} s {m.peak_gib:5.2f} GiB")


if __name__ == "__main__":
    typer.run(bench)
