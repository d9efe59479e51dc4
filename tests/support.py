"""What tests share: running the command, writing a demo home, comparing tables."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import polars as pl

from schemas import tables
from warehouse.home import Home
from warehouse.lake import Lake

AS_OF = "2026-11-20T00:00:00+08:00"
GOVLAKE = [sys.executable, "-m", "pipelines"]


def govlake(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, as a user does."""
    environment = {**os.environ, "GOVLAKE_AS_OF": "", "DAGSTER_DISABLE_TELEMETRY": "yes"}
    done = subprocess.run(
        [*GOVLAKE, *words], capture_output=True, text=True, env=environment, timeout=900
    )
    if check and done.returncode:
        raise AssertionError(f"govlake {' '.join(words)} failed:\n{done.stdout}\n{done.stderr}")
    return done


def write_demo_home(
    root: Path, *, days: int = 4, scale: float = 0.002, seed: int = 1, feeds: str | None = None
) -> Home:
    """A home with the demo district's files, nothing run yet."""
    words = ["--days", str(days), "--scale", str(scale), "--seed", str(seed), "--as-of", AS_OF]
    govlake("demo", "--home", str(root), *words, *(["--feeds", feeds] if feeds else []))
    return Home(root)


def content(lake: Lake, label: str) -> pl.DataFrame:
    """A table's rows in one fixed order, for comparing lakes row for row."""
    layer, _, name = label.partition(".")
    rows = lake.read(tables.BY_KEY[(layer, name)])
    flat = rows.with_columns(
        pl.col(c).list.join(",") for c, t in rows.schema.items() if t == pl.List(pl.String)
    )
    return flat.sort(flat.columns, nulls_last=True)


def newest_values(lake: Lake) -> pl.DataFrame:
    """Values to date of what happened, and as of the newest registers of what there is."""
    values = lake.read(tables.table("statistics", "period_values"))
    return values.filter(pl.col("period").is_in(["to_date", "as_of"]))
