"""The command: clear errors in one line, exit code 0 only when all is well."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from pathlib import Path

import pytest
from support import govlake

from warehouse.home import Home
from warehouse.lake import Lake

pytestmark = pytest.mark.slow


def said(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join((done.stdout + done.stderr).split())


def test_help_teaches_every_command() -> None:
    text = govlake("--help").stdout
    for word in ("demo", "run", "status", "sql", "serve"):
        assert word in text


def test_status_prints_accounts_and_ends_well(demo_run: Home) -> None:
    done = govlake("status", "--home", str(demo_run.root))
    for word in ("face_captures", "人脸抓拍", "capture_id_names_its_device", "generation g00001"):
        assert word in done.stdout, word
    assert "✗" not in done.stdout


def test_status_fails_where_an_account_does_not_close(demo_run: Home, tmp_path: Path) -> None:
    import shutil

    from schemas import tables

    home = Home(shutil.copytree(demo_run.root, tmp_path / "home", symlinks=True))
    lake, table = Lake(home), tables.table("silver", "grid_cases")
    lake.delete(table, "state = 'cancelled'")
    done = govlake("status", "--home", str(home.root), check=False)
    assert done.returncode == 1
    assert "do NOT close" in said(done)


def test_sql_answers_from_the_serving_file(demo_run: Home) -> None:
    query = (
        "SELECT metric_id, value FROM metric_values WHERE tier = 'district' AND period = 'to_date'"
    )
    done = govlake("sql", "--home", str(demo_run.root), "--csv", query)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert {"passage_face_count", "governance_case_count"} <= {row["metric_id"] for row in rows}


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "ATTACH '/tmp/other.duckdb'",
        "CREATE TABLE t AS SELECT 1",
        "SET enable_external_access = true",
        "SELECT nonsense",
    ],
)
def test_sql_refuses_what_is_outside_in_one_line(demo_run: Home, query: str) -> None:
    done = govlake("sql", "--home", str(demo_run.root), query, check=False)
    assert done.returncode == 1
    assert "Traceback" not in said(done)
    assert said(done).startswith("govlake: ")


def test_sql_before_any_run_says_what_to_do(tmp_path: Path) -> None:
    done = govlake("sql", "--home", str(tmp_path / "new"), "SELECT 1", check=False)
    assert done.returncode == 1
    assert "govlake run" in said(done)


def test_demo_and_real_feeds_never_share_a_home(tmp_path: Path) -> None:
    landing = tmp_path / "home" / "landing" / "devices"
    landing.mkdir(parents=True)
    (landing / "real.csv").write_text("ApeID\n")
    done = govlake("demo", "--home", str(tmp_path / "home"), check=False)
    assert done.returncode == 1
    assert "demo" in said(done)
    assert "Traceback" not in said(done)


def test_a_second_run_at_the_same_time_is_refused(home: Home) -> None:
    with home.locked():
        done = govlake("run", "--home", str(home.root), check=False)
    assert done.returncode == 1
    assert "another run is at work" in said(done)


def test_without_areas_the_run_fails_with_the_remedy(home: Home) -> None:
    done = govlake("run", "--home", str(home.root), check=False)
    assert done.returncode == 1
    assert "landing/areas" in said(done)


def test_an_as_of_without_a_zone_is_refused(tmp_path: Path) -> None:
    done = govlake("demo", "--home", str(tmp_path), "--as-of", "2026-11-20T00:00:00", check=False)
    assert done.returncode == 1
    assert "zone" in said(done)


def test_every_file_has_a_receipt(demo_run: Home) -> None:
    files = [p for p in demo_run.landing.rglob("*") if p.is_file()]
    for file in files:
        name = file.relative_to(demo_run.landing).as_posix()
        receipt = json.loads((demo_run.receipts / f"{name}.json").read_text())
        assert receipt["outcome"] in {"taken_in", "set_aside"}
        for one in receipt["feeds"].values():
            assert one["arrived"] == one["accepted"] + one["quarantined"] + one["refused"]


def test_exports_carry_their_checksums(demo_run: Home) -> None:
    import hashlib

    import polars as pl

    folder = demo_run.exports / "latest"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["as_of"] == "2026-11-19T16:00:00+00:00"
    for entry in manifest["files"]:
        data = (folder / entry["path"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"]
        assert pl.read_parquet(folder / entry["path"]).height == entry["rows"]
    assert len(manifest["files"]) > 10


def test_nothing_in_landing_is_ignored_in_silence(home: Home) -> None:
    for name in ("face_capture/a.ndjson", "captures/b.ndjson.part", "loose.csv"):
        path = home.landing / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    (home.landing / "captures" / "link.ndjson").symlink_to("/etc/hostname")
    text = said(govlake("status", "--home", str(home.root)))
    assert "landing/face_capture: no feed of this name" in text
    assert "landing/captures/b.ndjson.part: still being written" in text
    assert "landing/captures/link.ndjson: not a regular file" in text
    assert "landing/loose.csv: lies outside" in text


def test_another_demo_in_the_same_home_is_refused(demo_run: Home) -> None:
    done = govlake("demo", "--home", str(demo_run.root), "--seed", "2", check=False)
    assert done.returncode == 1
    assert "another --home" in said(done)
