"""The page the bench writes: sections, targets with what was found, the machine."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.table import Table

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


def verdicts(targets: Iterable[Target]) -> Table:
    """The targets as a rich table."""
    table = Table("target", "promised", "found", "")
    for row in _verdicts(targets):
        colour = {"met": "green", "missed": "red"}.get(row[-1], "dim")
        table.add_row(*row[:-1], f"[{colour}]{row[-1]}[/]")
    return table


def write_page(title: str, body: str, path: Path) -> None:
    """Put this run's section into the page, in place of an older one of its kind."""
    old = path.read_text() if path.exists() else ""
    sections = dict(re.findall(r"^## ([^\n]*)\n(.*?)(?=^## |\Z)", old, re.M | re.S))
    kept = {t: text for t, text in sections.items() if _kind(t) != _kind(title)}
    ordered = sorted({**kept, title: body}.items(), key=lambda one: _kind(one[0]))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([_HEAD, *(f"## {t}\n\n{text.strip()}\n" for t, text in ordered)]))


def _kind(title: str) -> tuple[bool, int, str]:
    """What a section is about, whatever its scale; captures of many days come first."""
    kind = title.split(",", 1)[0]
    days = re.match(r"\d+", kind)
    return (days is None, -int(days[0]) if days else 0, kind)


def _verdicts(targets: Iterable[Target]) -> list[list[str]]:
    words = {True: "met", False: "missed", None: "not measured"}
    return [
        [
            t.what,
            f"{'≥' if t.at_least else '≤'} {t.limit:.3g}{t.unit}",
            "–" if t.found is None else f"{t.found:.2f}{t.unit}",
            words[t.is_met],
        ]
        for t in targets
    ]


def promises(targets: Iterable[Target]) -> list[str]:
    """The targets as lines of a page's table."""
    rows = (f"| {' | '.join(row)} |" for row in _verdicts(targets))
    return ["| target | promised | found | |", "|---|--:|--:|---|", *rows]


def machine() -> str:
    """What it ran on, and with what."""
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
