"""`python -m tests.bench`: the capture job, govlake and bare scripts side by side.

Scale, days and runs come from options or from SCALE, DAYS and RUNS (`make bench SCALE=0.05`).
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from .contenders import (
    CONTENDERS,
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
from .report import Results, screen, verdicts, write_page

console = Console()


def bench(
    scale: Annotated[float, typer.Option(envvar="SCALE", help="1.0: 16.8 M faces a month.")] = 0.05,
    days: Annotated[str, typer.Option(envvar="DAYS", help="City days; several: `30,3`.")] = "30",
    runs: Annotated[int, typer.Option(envvar="RUNS", min=1, help="Runs of each contender.")] = 3,
    only: Annotated[str, typer.Option(help="Scripts to run beside govlake, e.g. `floor`.")] = "",
    report: Annotated[Path, typer.Option(help="Page to write.")] = ROOT / "docs/benchmarks.md",
    work: Annotated[Path | None, typer.Option(help="Folder for data; emptied afterwards.")] = None,
) -> None:
    """Run everybody, compare what they found, write down what it cost."""
    for each in days.split(","):
        place = Path(tempfile.mkdtemp(prefix="govlake-bench-", dir=work))
        try:
            results = run_bench(place, int(each), scale, runs, _wanted(only))
        except BenchFailed as failed:
            console.print(f"bench: {failed}", style="red", markup=False, soft_wrap=True)
            sys.exit(1)
        finally:
            shutil.rmtree(place, ignore_errors=True)
        console.print(screen(results), verdicts(results))
        write_page(results, report)
        console.print(f"written: {report}")


def run_bench(
    place: Path, days: int, scale: float, runs: int, contenders: list[Contender]
) -> Results:
    """One bench: data, contenders in turn, equality, the small measurements."""
    home, log = place / "home", place / "said.log"
    console.print(f"writing {days} days at scale {scale:g} …")
    rows = json.loads(helper("tests.bench.data", str(home), str(days), str(scale)))
    skipped: dict[str, str] = {}
    taking_part = []
    for one in contenders:
        why = f"left out above scale {one.largest_scale:g}" if scale > one.largest_scale else None
        if why := why or one.missing():
            skipped[one.name] = why
            console.print(f"{one.name}: {why}")
        else:
            taking_part.append(one)
    measures: dict[str, list[Measure]] = {one.name: [] for one in taking_part}
    rerun = None
    for run in range(runs):
        # The first round starts with govlake, which the others are compared with; then in turn.
        for one in taking_part[run % len(taking_part) :] + taking_part[: run % len(taking_part)]:
            out = place / (one.module or GOVLAKE)
            prepare(one, home, out)
            measures[one.name].append(measured(command_of(one, home, out), log))
            _tell(one, run, measures[one.name][-1])
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
    return Results(days, scale, runs, rows, medians, skipped, judging, rerun)


def _wanted(only: str) -> list[Contender]:
    """Govlake and the scripts asked for; all of them if none is named."""
    names = [name.strip() for name in only.split(",") if name.strip()]
    modules = {one.module for one in CONTENDERS}
    if unknown := [n for n in names if n not in modules]:
        raise typer.BadParameter(f"no script named {', '.join(unknown)}")
    return [o for o in CONTENDERS if o.module is None or not names or o.module in names]


def _tell(one: Contender, run: int, m: Measure) -> None:
    console.print(f"run {run + 1}  {one.name:<28} {m.cpu_s:7.1f} CPU s {m.wall_s:7.1f} s "
                  f"{m.peak_gib:5.2f} GiB")  # fmt: skip


if __name__ == "__main__":
    typer.run(bench)
