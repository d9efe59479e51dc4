"""What the bench found, as a table for the screen and a page for the docs."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.table import Table

from .contenders import GOVLAKE, Measure

_PACKAGES = ("duckdb", "polars", "pyarrow", "deltalake", "dataframely", "dagster", "ibis-framework",
             "pandas", "great-expectations", "pyspark-client")  # fmt: skip
_HEAD = """# Benchmarks

Written by `make bench`; every section is one run of it. Everybody reads the same landing files,
keeps the same rules and finds the same rows: passages, merges, quarantined rows with their rules,
hourly counts and daily values are compared row for row with govlake's before a figure is written
down. The floor only parses, writes bronze, forms passages and writes them. The scripts write plain
parquet and one DuckDB file: no Delta, no history, no accounts, no exports, no files per area.

Contenders run one after the other, in turn, each in a fresh process; figures are medians. CPU
seconds are the main figure: wall time depends on who else uses the machine. A ratio is govlake's
figure divided by the other's, so below 1 govlake is better.
"""


@dataclass(frozen=True)
class Target:
    """A promise, and what was measured."""

    what: str
    limit: float
    found: float | None
    unit: str = "×"
    at_least: bool = False

    @property
    def is_met(self) -> bool | None:
        """Whether it holds; None where it was not measured."""
        if self.found is None:
            return None
        return self.found >= self.limit if self.at_least else self.found <= self.limit


@dataclass
class Results:
    """Everything one bench found."""

    days: int
    scale: float
    runs: int
    rows: dict[str, int]
    measures: dict[str, Measure]
    skipped: dict[str, str] = field(default_factory=dict)
    judging: dict[str, float] = field(default_factory=dict)
    rerun: Measure | None = None

    def ratio(self, other: str, figure: str, *, inverse: bool = False) -> float | None:
        """Govlake's figure divided by another's."""
        if other not in self.measures:
            return None
        own, its = getattr(self.measures[GOVLAKE], figure), getattr(self.measures[other], figure)
        return its / own if inverse else own / its

    def targets(self) -> list[Target]:
        """The promises of the capture job, the month's or the short one's."""
        duckdb, is_month = "bare DuckDB", self.days >= 15
        found = [
            Target("CPU against bare DuckDB", 1.0, self.ratio(duckdb, "cpu_s")),
            Target("wall time against bare DuckDB", 0.9 if is_month else 1.2,
                   self.ratio(duckdb, "wall_s")),
        ]  # fmt: skip
        if is_month:
            found.append(Target("peak memory against bare DuckDB", 0.6,
                                self.ratio(duckdb, "peak_gib")))  # fmt: skip
        found += [
            Target("CPU against the floor", 1.8, self.ratio("floor", "cpu_s")),
            Target("CPU of pandas + Great Expectations against govlake's", 6.0,
                   self.ratio("pandas + Great Expectations", "cpu_s", inverse=True), at_least=True),
            Target("peak memory", 2.0, self.measures[GOVLAKE].peak_gib, " GiB"),
        ]  # fmt: skip
        if self.judging:
            found.append(Target("CPU of judging rows against a bare Polars mask", 1.2,
                                self.judging["judge"] / self.judging["mask"]))  # fmt: skip
        if self.rerun and self.judging:
            limit = 5 + 0.05 * self.judging["assets"]
            found.append(Target("CPU of a run with nothing new (5 s + 0.05 s per asset)", limit,
                                self.rerun.cpu_s, " s"))  # fmt: skip
        return found


def screen(results: Results) -> Table:
    """The figures as a rich table."""
    table = Table(title=_title(results))
    table.add_column("contender")
    for column in ("CPU s", "wall s", "peak GiB", "CPU ratio", "wall ratio", "memory ratio"):
        table.add_column(column, justify="right")
    for row in _rows(results):
        table.add_row(*row, style="bold" if row[0] == GOVLAKE else None)
    return table


def verdicts(results: Results) -> Table:
    """The targets as a rich table."""
    table = Table("target", "promised", "found", "")
    for row in _verdicts(results):
        colour = {"met": "green", "missed": "red"}.get(row[-1], "dim")
        table.add_row(*row[:-1], f"[{colour}]{row[-1]}[/]")
    return table


def write_page(results: Results, path: Path) -> None:
    """Put this run's section into the page, in place of an older one of as many days."""
    old = path.read_text() if path.exists() else ""
    sections = dict(re.findall(r"^## (\d+) days?\b.*?\n(.*?)(?=^## |\Z)", old, re.M | re.S))
    titles = dict(re.findall(r"^## ((\d+) days?\b.*)$", old, re.M))
    heads = {days: title for title, days in titles.items()}
    sections[str(results.days)] = _section(results)
    heads[str(results.days)] = _title(results)
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = [f"## {heads[days]}\n\n{sections[days].strip()}\n"
             for days in sorted(sections, key=int, reverse=True)]  # fmt: skip
    path.write_text("\n".join([_HEAD, *parts]))


def _title(results: Results) -> str:
    days = f"{results.days} day{'s' if results.days != 1 else ''}"
    return f"{days}, scale {results.scale:g}"


def _rows(results: Results) -> list[list[str]]:
    found = []
    for name, m in results.measures.items():
        own = [f"{m.cpu_s:.1f}", f"{m.wall_s:.1f}", f"{m.peak_gib:.2f}"]
        ratios = [results.ratio(name, figure) for figure in ("cpu_s", "wall_s", "peak_gib")]
        found.append([name, *own, *(f"{ratio or 0:.2f}" for ratio in ratios)])
    return found


def _verdicts(results: Results) -> list[list[str]]:
    words = {True: "met", False: "missed", None: "not measured"}
    return [
        [
            t.what,
            f"{'≥' if t.at_least else '≤'} {t.limit:.3g}{t.unit}",
            "–" if t.found is None else f"{t.found:.2f}{t.unit}",
            words[t.is_met],
        ]
        for t in results.targets()
    ]


def _section(results: Results) -> str:
    rows = results.rows
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, medians of {results.runs} runs. "
        f"{rows['face_captures']:,} faces, {rows['vehicle_captures']:,} motor and "
        f"{rows['nonmotor_captures']:,} non-motor vehicles in {rows['bytes'] / 1e6:,.0f} MB of "
        "files as landed.",
        "",
        _machine(),
        "",
        "| contender | CPU s | wall s | peak GiB | CPU ratio | wall ratio | memory ratio |",
        "|---|--:|--:|--:|--:|--:|--:|",
        *(f"| {' | '.join(row)} |" for row in _rows(results)),
        *(f"| {name} | {why} ||||||" for name, why in results.skipped.items()),
        "",
        "| target | promised | found | |",
        "|---|--:|--:|---|",
        *(f"| {' | '.join(row)} |" for row in _verdicts(results)),
    ]
    if results.judging:
        j = results.judging
        lines += ["", f"Judging {j['rows']:,.0f} rows of text: {j['judge']:.2f} CPU s; the same "
                  f"rules as a hand-written mask: {j['mask']:.2f} CPU s."]  # fmt: skip
    return "\n".join(lines)


def _machine() -> str:
    info = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*: (.*)$", info.read_text(), re.M) if info.exists() else []
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    packages = []
    for name in _PACKAGES:
        try:
            packages.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return (
        f"{names[0] if names else platform.processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"{platform.system()} {platform.release()}, load {os.getloadavg()[2]:.1f} at the end; "
        f"Python {platform.python_version()}, {', '.join(packages)}."
    )
