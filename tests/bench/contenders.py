"""Who runs, and how a run is measured: a fresh process each, its CPU, wall time and peak memory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
GOVLAKE = "govlake"


class BenchFailed(Exception):
    """A contender did not end well, or disagrees; the message is for people."""


@dataclass(frozen=True)
class Measure:
    """One run of one contender."""

    cpu_s: float
    wall_s: float
    peak_gib: float


@dataclass(frozen=True)
class Contender:
    """Somebody who does the capture job.

    Attributes:
        name: As tables show it.
        module: Script below `tests.bench`; None for govlake itself.
        largest_scale: Beyond it the script is left out.
        is_floor: Only its passages are compared.
        missing: Why it cannot run here, or nothing.
    """

    name: str
    module: str | None
    largest_scale: float = 10.0
    is_floor: bool = False
    missing: Callable[[], str | None] = lambda: None


def _spark_missing() -> str | None:
    if shutil.which("java") is None:
        return "no Java here"
    found = subprocess.run(
        [sys.executable, "-c", "import pyspark; print(pyspark.__file__)"],
        capture_output=True, text=True, env=environment(),
    )  # fmt: skip
    if found.returncode or not (Path(found.stdout.strip()).parent / "jars").is_dir():
        return "no full PySpark here, only its client (BENCH_SPARK may name a folder that has it)"
    return None


CONTENDERS = (
    Contender(GOVLAKE, None),
    Contender("bare DuckDB", "rival_duckdb"),
    Contender("bare Polars", "rival_polars"),
    Contender("floor", "floor", is_floor=True),
    Contender("pandas + Great Expectations", "rival_pandas_gx", largest_scale=0.1),
    Contender("PySpark local[2]", "rival_spark", largest_scale=0.1, missing=_spark_missing),
)


def environment() -> dict[str, str]:
    """The same surroundings for everybody."""
    own = {**os.environ, "DAGSTER_DISABLE_TELEMETRY": "yes", "DO_NOT_TRACK": "1",
           "GX_ANALYTICS_ENABLED": "false"}  # fmt: skip
    for name in ("GOVLAKE_HOME", "GOVLAKE_AS_OF", "DAGSTER_HOME"):
        own.pop(name, None)
    path = [os.environ.get("BENCH_SPARK"), str(ROOT), os.environ.get("PYTHONPATH")]
    return {**own, "PYTHONPATH": os.pathsep.join(p for p in path if p)}


def command_of(contender: Contender, home: Path, out: Path) -> list[str]:
    """What starts a contender; govlake works in `out`, a linked copy of the home."""
    if contender.module is None:
        return [sys.executable, "-m", "pipelines", "run", "--home", str(out)]
    return [sys.executable, "-m", f"tests.bench.{contender.module}", str(home / "landing"),
            str(out), str(home / "keys" / "passage.key")]  # fmt: skip


def prepare(contender: Contender, home: Path, out: Path) -> None:
    """Make room for a run; govlake gets a home of its own with the same files (hard links)."""
    shutil.rmtree(out, ignore_errors=True)
    if contender.module is None:
        shutil.copytree(home, out, copy_function=os.link)


def measured(command: list[str], log: Path) -> Measure:
    """Run a command to its end.

    The caller must be small: Linux counts a child's memory from the process that started it.

    Raises:
        BenchFailed: it ended with an error.
    """
    started = time.monotonic()
    with log.open("wb") as said:
        child = subprocess.Popen(
            command, stdout=said, stderr=subprocess.STDOUT, cwd=ROOT, env=environment()
        )
        _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise BenchFailed(f"{' '.join(command[1:4])} ended with {child.returncode}:\n{tail}")
    return Measure(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / (1 << 20))


def helper(*words: str) -> str:
    """Run a part of the bench in a process of its own, so that this one stays small.

    Raises:
        BenchFailed: it ended with an error; its last words are the message.
    """
    done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, cwd=ROOT,
                          env=environment())  # fmt: skip
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-6:])
        raise BenchFailed(f"{words[0]}: {tail}")
    return done.stdout


def middle(measures: Iterable[Measure]) -> Measure:
    """Medians."""
    every = list(measures)
    return Measure(*(median(getattr(m, f) for m in every) for f in Measure.__dataclass_fields__))
