"""Judging rows by their contract against the same rules as a bare Polars mask: `LANDING`.

Prints JSON: CPU seconds of both on one chunk of text, rows in it, assets of the graph.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import polars as pl

from pipelines.definitions import defs
from quality.judging import judge
from schemas.feeds import sources
from warehouse.readers.objects import ObjectReader

from .fields import KINDS
from .landing import capture_files
from .polars_reading import split

ROWS = 400_000
TIMES = 3


def main(landing: Path) -> dict[str, float]:
    """Judge the same chunk both ways, in turn."""
    texts = chunk(landing)
    renamed = texts.rename({"file_id": "file"})
    contract = next(f.contract for f in sources()["captures"] if f.name == "face_captures")
    ways = {
        "judge": lambda: judge(contract, texts).accepted.height,
        "mask": lambda: split(KINDS["face"], renamed)[0].height,
    }
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    accepted = set()
    for way in [*ways] * TIMES:
        seconds, height = timed(ways[way])
        cpu[way].append(seconds)
        accepted.add(height)
    if len(accepted) > 1:
        raise SystemExit(f"judge and mask accept different numbers of rows: {accepted}")
    medians = {name: statistics.median(seconds) for name, seconds in cpu.items()}
    found = defs if isinstance(defs, dg.Definitions) else defs()
    graph = found.resolve_asset_graph()
    return {**medians, "rows": texts.height, "assets": len(graph.executable_asset_keys)}


def timed(work: Callable[[], int]) -> tuple[float, int]:
    """CPU seconds over all threads, and what came of it."""
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


def chunk(landing: Path) -> pl.DataFrame:
    """Texts of face captures as the platform's reader gives them, repeated up to `ROWS`."""
    read = ObjectReader(sources()["captures"])
    parts: list[pl.DataFrame] = []
    for path in capture_files(landing).bare["face"]:
        own = [one.rows["face_captures"] for one in read(path)]
        parts += [texts.with_columns(file_id=pl.lit(path.name)) for texts in own]
        if sum(part.height for part in parts) >= ROWS:
            break
    texts = pl.concat(parts)
    texts = pl.concat([texts] * -(-ROWS // texts.height)).head(ROWS)
    # Every row is judged as a row of its own.
    return texts.with_columns(row_number=pl.int_range(1, ROWS + 1, dtype=pl.Int64)).rechunk()


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
