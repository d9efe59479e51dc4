"""The bench compares equals: at a tiny scale every script finds exactly what govlake finds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from bench.contenders import CONTENDERS, ROOT, Contender, command_of, environment
from bench.equality import Unequal, check_equal
from support import govlake, write_demo_home

from warehouse.home import Home

pytestmark = pytest.mark.slow
SCRIPTS = [one for one in CONTENDERS if one.module is not None]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Two small days of captures, taken in by govlake."""
    home = write_demo_home(tmp_path_factory.mktemp("bench") / "home", days=2, scale=0.0005,
                           feeds="captures")  # fmt: skip
    govlake("run", "--home", str(home.root))
    return home


def run_script(one: Contender, home: Home, out: Path) -> None:
    if why := one.missing():
        pytest.skip(why)
    done = subprocess.run(command_of(one, home.root, out), capture_output=True, text=True, cwd=ROOT,
                          env=environment(), timeout=600)  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("one", SCRIPTS, ids=lambda one: one.module)
def test_a_script_finds_what_govlake_finds(one: Contender, ran: Home, tmp_path: Path) -> None:
    run_script(one, ran, tmp_path / "out")
    equal = check_equal(ran, tmp_path / "out", passages_only=one.is_floor)
    assert equal["silver.face_passages"] > 0
    assert equal["silver.vehicle_passages"] > 0


@pytest.mark.parametrize(
    ("pattern", "change"),
    [
        ("face_passages/*.parquet", pl.col("shot_count") + 1),
        ("vehicle_merges/*.parquet", pl.col("merged_into").reverse()),
        ("quarantined.parquet", pl.col("row_number") + 1),
        ("daily_values.parquet", pl.col("value") * 2),
    ],
)
def test_a_difference_is_noticed(ran: Home, tmp_path: Path, pattern: str, change: pl.Expr) -> None:
    script = next(one for one in SCRIPTS if one.module == "rival_duckdb")
    run_script(script, ran, tmp_path / "out")
    for path in (tmp_path / "out").glob(pattern):
        pl.read_parquet(path).with_columns(change).write_parquet(path)
    with pytest.raises(Unequal):
        check_equal(ran, tmp_path / "out")


def test_the_bench_writes_its_page(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--scale", "0.0005", "--days", "2", "--runs", "1",
         "--only", "rival_duckdb,floor", "--report", str(page), "--work", str(tmp_path)],
        capture_output=True, text=True, cwd=ROOT, timeout=600,
        env={k: v for k, v in os.environ.items() if k not in ("SCALE", "DAYS", "RUNS")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    written = page.read_text()
    assert "## 2 days, scale 0.0005" in written
    assert "| bare DuckDB |" in written
    assert "| floor |" in written
    assert not [p for p in tmp_path.iterdir() if p != page], "data must not be left behind"
