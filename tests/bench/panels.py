"""How long a panel waits for its query: `python -m tests.bench.panels HOME`.

Asks the district's serving file of a home what panels of a dashboard ask of `metric_values`, each
query of many metrics and areas in turn: by a reader who keeps the file open, as Superset does, and
by one who opens it anew every time. Prints the median and the 95th percentile in ms.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table as Sheet

from warehouse.home import Home
from warehouse.serving import serving_file

ROUNDS = 10
PANELS = {
    "big number with change and grade": """
        SELECT value, change, change_on_year, grade, grade_reason FROM metric_values
        WHERE metric_id = $metric AND area_code = $area AND tier = $tier AND is_newest
          AND period IN ('month', 'as_of')""",
    "trend by day": """
        SELECT period_start, value FROM metric_values
        WHERE metric_id = $metric AND area_code = $area AND tier = $tier AND period = 'day'
        ORDER BY period_start""",
    "areas below, ranked": """
        SELECT area_name, value, change, is_withheld FROM metric_values
        WHERE metric_id = $metric AND tier = 'community' AND area_code LIKE $area || '%'
          AND is_newest AND period IN ('month', 'as_of') ORDER BY value DESC""",
    "table of a topic's metrics": """
        SELECT metric_name, unit, value, change, grade FROM metric_values
        WHERE topic = split_part($metric, '_', 1) AND area_code = $area AND tier = $tier
          AND is_newest AND period IN ('month', 'as_of') ORDER BY metric_name""",
    "metrics by month, pivoted": """
        SELECT period_start, metric_name, sum(value) FROM metric_values
        WHERE topic = split_part($metric, '_', 1) AND area_code = $area AND tier = $tier
          AND period = 'month' GROUP BY ALL ORDER BY 1, 2""",
}
METRICS = (
    "governance_case_count", "passage_motor_count", "sensing_alarm_count", "fire_hazard_count",
    "rentals_whole_mean_rent", "population_person_count",
)  # fmt: skip


def main(home: Path) -> None:
    """Print a line for each panel, and one for all."""
    file = serving_file(Home(home).serving)
    with duckdb.connect(str(file), read_only=True) as connection:
        areas = connection.execute(
            "FROM space_areas SELECT area_code, tier WHERE tier <> 'community' ORDER BY ALL"
        ).fetchall()
        (rows,) = connection.execute("SELECT count(*) FROM metric_values").fetchall()[0]
        kept = {name: _timed(connection, sql, areas) for name, sql in PANELS.items()}
    opened = {name: _timed(file, sql, areas[:1]) for name, sql in PANELS.items()}
    sheet = Sheet("panel", "kept open: median ms", "p95", "opened anew: median ms", "p95")
    for name in PANELS:
        sheet.add_row(name, *_told(kept[name]), *_told(opened[name]))
    every = [[ms for times in found.values() for ms in times] for found in (kept, opened)]
    sheet.add_row("all", *(word for times in every for word in _told(times)))
    console = Console()
    console.print(f"{rows:,} rows of metric_values, {file.stat().st_size / 1e6:,.1f} MB")
    console.print(sheet)


def _timed(
    source: duckdb.DuckDBPyConnection | Path, sql: str, areas: list[tuple[str, str]]
) -> list[float]:
    """Milliseconds of every asking, in turn over metrics and areas."""
    times = []
    for _ in range(ROUNDS):
        for metric in METRICS:
            for area, tier in areas:
                wanted = {"metric": metric, "area": area, "tier": tier}
                start = time.perf_counter()
                _ask(source, sql, {k: v for k, v in wanted.items() if f"${k}" in sql})
                times.append((time.perf_counter() - start) * 1000)
    return times


def _ask(source: duckdb.DuckDBPyConnection | Path, sql: str, wanted: dict[str, str]) -> None:
    if isinstance(source, Path):
        with duckdb.connect(str(source), read_only=True) as connection:
            connection.execute(sql, wanted).fetchall()
    else:
        source.execute(sql, wanted).fetchall()


def _told(times: list[float]) -> tuple[str, str]:
    return f"{statistics.median(times):.1f}", f"{statistics.quantiles(times, n=20)[-1]:.1f}"


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
