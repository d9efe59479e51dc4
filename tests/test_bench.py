"""The bench compares equals: at a tiny scale every script finds exactly what govlake finds."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import zstandard
from bench import new_day_report, report
from bench.contenders import (
    CONTENDERS,
    GOVLAKE,
    ROOT,
    Contender,
    Measure,
    command_of,
    environment,
)
from bench.equality import Unequal, check_equal
from bench.history import NewDay, measure_new_day
from bench.page import write_page
from bench.plan import FEEDS, PARTS, planned
from support import content, govlake, write_demo_home

from schemas.tables import TABLES, table
from warehouse.home import Home
from warehouse.lake import Lake

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


def bare_environment() -> dict[str, str]:
    names = ("SCALE", "DAYS", "RUNS", "ONLY", "HISTORIES")
    return {k: v for k, v in os.environ.items() if k not in names}


def test_the_bench_writes_its_page(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--scale", "0.0005", "--days", "2", "--runs", "1",
         "--only", "rival_duckdb,floor", "--report", str(page), "--work", str(tmp_path)],
        capture_output=True, text=True, cwd=ROOT, timeout=600,
        env=bare_environment(),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    written = page.read_text()
    assert "## 2 days, scale 0.0005" in written
    assert "| bare DuckDB |" in written
    assert "| floor |" in written
    assert "Dagster's fixed share" in written
    assert not [p for p in tmp_path.iterdir() if p != page], "data must not be left behind"


def test_a_new_day_finds_what_everything_at_once_finds(tmp_path: Path) -> None:
    told: list[str] = []
    found = measure_new_day(tmp_path, 4, 0.0005, 1, lambda what, _: told.append(what),
                            with_lookups=True)  # fmt: skip
    assert told == ["4 days at once", "nothing new after 4 days", "a new day after 4 days",
                    "upkeep after 4 days"]  # fmt: skip
    landed = [line for path in (tmp_path / "held").rglob("*") if path.is_file()
              for line in lines_of(path)]  # fmt: skip
    assert found.new_rows >= len(landed) > 0
    assert {kind.split(",")[0] for kind in found.lookups} == {"id and day", "a device's day"}
    # the same files in one go
    other = Home(tmp_path / "other")
    shutil.copytree(tmp_path / "home" / "landing", other.landing)
    shutil.copytree(tmp_path / "home" / "keys", other.keys)
    marker = Home(tmp_path / "home").demo_marker  # values by period speak of the as-of day
    other.demo_marker.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(marker, other.demo_marker)
    govlake("run", "--home", str(other.root))
    one, two = Lake(Home(tmp_path / "home")), Lake(other)
    days = {day for name in ("face", "vehicle") for day in
            two.read(table("silver", f"{name}_passages"), ["shot_day"])["shot_day"]}  # fmt: skip
    assert len(days) == 5
    for each in TABLES:
        if each.layer in ("silver", "topics", "statistics"):
            assert content(one, each.label).equals(content(two, each.label)), each.label


def lines_of(path: Path) -> list[bytes]:
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    if path.suffix == ".zst":
        data = zstandard.ZstdDecompressor().stream_reader(data).read()
    return [line for line in data.splitlines() if line.startswith(b'{"')]


def measure(cpu: float) -> Measure:
    return Measure(cpu, cpu, 1.0)


def new_day(days: int, scale: float, *, full: float, idle: float, day: float) -> NewDay:
    return NewDay(days, scale, 1000, 10, measure(full), measure(idle), measure(day),
                  lookups={"id and day, Polars": (12.0, 9.0)})  # fmt: skip


def test_a_new_day_is_judged_by_its_share_and_by_a_long_history(tmp_path: Path) -> None:
    found = [new_day(30, 0.05, full=64.0, idle=4.0, day=9.0),
             new_day(30, 0.005, full=20.0, idle=4.0, day=6.0),
             new_day(365, 0.005, full=99.0, idle=5.0, day=6.9)]  # fmt: skip
    assert found[0].against_its_share == pytest.approx((9 - 4) / ((64 - 4) / 30))
    told = [(t.what, t.found, t.is_met) for t in new_day_report.targets(found)]
    assert told[:2] == [
        ("CPU of a new day after 30 days, against its 1/30", pytest.approx(2.5), True),
        ("CPU of a new day after 365 days against 30", pytest.approx(1.15), False),
    ]
    assert [met for _, _, met in told[2:4]] == [False, True]
    page = tmp_path / "page.md"
    write_page("3 days, scale 1", "three", page)
    write_page(new_day_report.title(found), new_day_report.section(found), page)
    write_page("30 days, scale 1", "thirty", page)
    write_page("3 days, scale 0.1", "three again", page)
    heads = [line for line in page.read_text().splitlines() if line.startswith("## ")]
    assert heads == ["## 30 days, scale 1", "## 3 days, scale 0.1", "## One new day, scale 0.05"]
    assert "three again" in page.read_text()


def test_a_tenth_of_the_rows_sets_the_limits_for_all_of_them() -> None:
    rows: dict[str, int] = dict.fromkeys(FEEDS, 400)
    results = report.Results(30, 1.0, 1, rows, {GOVLAKE: Measure(50.0, 1, 1.1)},
                             tenth=Measure(6.0, 1, 1.0), tenth_rows=120)  # fmt: skip
    memory, cpu = results.targets()[-2:]
    assert (memory.limit, memory.found) == (1.2, pytest.approx(1.1))
    assert (cpu.limit, cpu.found) == (pytest.approx(10.0), pytest.approx(50 / 6))


@pytest.mark.parametrize(
    ("only", "scripts", "parts"),
    [
        ("", len(SCRIPTS), set()),
        ("floor, rival_duckdb", 2, set()),
        ("rows", 0, {"rows"}),
        ("new_day,lookups", None, {"new_day", "lookups"}),
        ("floor,new_day", 1, {"new_day"}),
        ("govlake", 0, set()),
        ("all", len(SCRIPTS), set(PARTS)),
    ],
)
def test_what_is_measured_is_chosen_by_name(only: str, scripts: int | None, parts: set) -> None:
    plan = planned(only)
    assert plan.parts == parts
    assert len(plan.contenders) == (0 if scripts is None else scripts + 1)
    assert all(one.module is None for one in plan.contenders[:1])


def test_an_unknown_name_is_told_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown: nothing; known: all, .*new_day"):
        planned("nothing")
