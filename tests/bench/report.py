"""What the bench found, as a table for the screen and a page for the docs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.table import Table

from .contenders import GOVLAKE, Measure
from .page import Target, machine, promises
from .plan import FEEDS


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
    start: Measure | None = None
    tenth: Measure | None = None
    tenth_rows: int = 0

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
        if self.tenth:
            own = self.measures[GOVLAKE]
            times = sum(self.rows[feed] for feed in FEEDS) / self.tenth_rows
            found += [
                Target(f"peak memory for {times:.1f} times the rows", 1.2,
                       own.peak_gib / self.tenth.peak_gib),
                Target(f"CPU for {times:.1f} times the rows", times,
                       own.cpu_s / self.tenth.cpu_s),
            ]  # fmt: skip
        return found


def screen(results: Results) -> Table:
    """The figures as a rich table."""
    table = Table(title=title(results))
    table.add_column("contender")
    for column in ("CPU s", "wall s", "peak GiB", "CPU ratio", "wall ratio", "memory ratio"):
        table.add_column(column, justify="right")
    for row in _rows(results):
        table.add_row(*row, style="bold" if row[0] == GOVLAKE else None)
    return table


def title(results: Results) -> str:
    """Heading of the section."""
    days = f"{results.days} day{'s' if results.days != 1 else ''}"
    return f"{days}, scale {results.scale:g}"


def _rows(results: Results) -> list[list[str]]:
    found = []
    for name, m in results.measures.items():
        own = [f"{m.cpu_s:.1f}", f"{m.wall_s:.1f}", f"{m.peak_gib:.2f}"]
        ratios = [results.ratio(name, figure) for figure in ("cpu_s", "wall_s", "peak_gib")]
        found.append([name, *own, *(f"{ratio or 0:.2f}" for ratio in ratios)])
    return found


def section(results: Results) -> str:
    """The section of the page."""
    rows = results.rows
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, medians of {results.runs} runs. "
        f"{rows['face_captures']:,} faces, {rows['vehicle_captures']:,} motor and "
        f"{rows['nonmotor_captures']:,} non-motor vehicles in {rows['bytes'] / 1e6:,.0f} MB of "
        "files as landed.",
        "",
        machine(),
        "",
        "| contender | CPU s | wall s | peak GiB | CPU ratio | wall ratio | memory ratio |",
        "|---|--:|--:|--:|--:|--:|--:|",
        *(f"| {' | '.join(row)} |" for row in _rows(results)),
        *(f"| {name} | {why} ||||||" for name, why in results.skipped.items()),
        "",
        *promises(results.targets()),
    ]
    if results.judging:
        j = results.judging
        lines += ["", f"Judging {j['rows']:,.0f} rows of text: {j['judge']:.2f} CPU s; the same "
                  f"rules as a hand-written mask: {j['mask']:.2f} CPU s."]  # fmt: skip
    if results.rerun and results.start:
        own, idle = results.measures[GOVLAKE], results.rerun
        lines += ["", f"Dagster's fixed share: a run with nothing new takes {idle.cpu_s:.1f} CPU s "
                  f"({idle.cpu_s / own.cpu_s:.0%} of the run above), {results.start.cpu_s:.1f} of "
                  "them for starting Python and loading the graph."]  # fmt: skip
    if results.tenth:
        t = results.tenth
        lines += ["", f"With {results.tenth_rows:,} rows: {t.cpu_s:.1f} CPU s, "
                  f"{t.peak_gib:.2f} GiB."]  # fmt: skip
    return "\n".join(lines)
