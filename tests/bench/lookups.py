"""How long an analyst waits for one passage, or for one device's day: `HOME`.

Prints JSON: kind of lookup → median ms over many ids, each asked once, the table opened every time
(`kept open`: once). Ids are of one day in the middle of the history.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
from deltalake import DeltaTable
from duckdb_extensions import import_extension

from schemas import tables
from warehouse.home import Home
from warehouse.lake import Lake

TABLE = tables.table("silver", "face_passages")
TIMES = 25

Ask = Callable[[str, str], int]


def main(home: Path) -> dict[str, float]:
    """Median milliseconds by kind of lookup."""
    lake = Lake(Home(home))
    path, day = str(lake.path(TABLE)), middle_day(lake)
    rows = lake.read(TABLE, ["passage_id", "device_id"], days=[day])
    asked = rows.sample(min(TIMES, rows.height), seed=1)
    of_device = dict(rows["device_id"].value_counts().iter_rows())
    found = {}
    for name, ask in (in_duckdb(path, day) | in_polars(path, day)).items():
        found[f"id and day, {name}"] = timed(
            lambda value, ask=ask: ask("passage_id", value), asked["passage_id"].to_list(), {}
        )
        found[f"a device's day, {name}"] = timed(
            lambda value, ask=ask: ask("device_id", value), asked["device_id"].to_list(), of_device
        )
    return found


def middle_day(lake: Lake) -> date:
    """A day in the middle of the table."""
    days = lake.scan(TABLE).select(pl.col("shot_day").unique().sort()).collect().to_series()
    return days[len(days) // 2]


def in_duckdb(path: str, day: date) -> dict[str, Ask]:
    """Through DuckDB's Delta extension, by a view and by an attached table."""
    import_extension("delta")
    connection = duckdb.connect()
    connection.execute("LOAD delta")
    quoted = path.replace("'", "''")
    connection.execute(f"CREATE VIEW passages AS FROM delta_scan('{quoted}')")
    connection.execute(f"ATTACH '{quoted}' AS attached (TYPE delta, PIN_SNAPSHOT)")

    def asking(table: str) -> Ask:
        def ask(column: str, value: str) -> int:
            sql = f"SELECT * FROM {table} WHERE shot_day = ? AND {column} = ?"
            return connection.execute(sql, [day, value]).to_arrow_table().num_rows

        return ask

    return {"DuckDB": asking("passages"), "DuckDB kept open": asking("attached")}


def in_polars(path: str, day: date) -> dict[str, Ask]:
    """Through Polars' Delta reader, by path and by a table opened once."""

    def asking(source: str | DeltaTable) -> Ask:
        def ask(column: str, value: str) -> int:
            rows = pl.scan_delta(source).filter(pl.col("shot_day") == day, pl.col(column) == value)
            return rows.collect().height

        return ask

    return {"Polars": asking(path), "Polars kept open": asking(DeltaTable(path))}


def timed(ask: Callable[[str], int], values: list[str], expected: dict[str, int]) -> float:
    """Median milliseconds of asking for each value; every answer is checked."""
    ask(values[0])
    took = []
    for value in values:
        started = time.perf_counter()
        rows = ask(value)
        took.append(1000 * (time.perf_counter() - started))
        if rows != expected.get(value, 1):
            raise SystemExit(f"a lookup found {rows} rows")
    return round(statistics.median(took), 2)


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
