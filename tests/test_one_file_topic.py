"""A topic database is one new file: its table, contract, metrics and asset, served and exported."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from support import write_demo_home

from warehouse.serving import serving_file

ROOT = Path(__file__).parents[1]
ROOMS = ("assets", "pipelines", "quality", "schemas", "warehouse", "dashboards")

TOPIC = '''"""街灯 lamps: lamp posts by community."""

import dagster as dg
import ibis.expr.types as ir
from ibis import _

from assets.building import about, told
from assets.topics.tabulate import topic_whole
from schemas import tables
from schemas.contract import Contract, integer, text
from schemas.metric import Metric
from schemas.table import Table
from schemas.topics import register
from warehouse.engine import Engine
from warehouse.lake import Lake

DEVICES = tables.table("silver", "devices")


class LampCount(Contract):
    """topics.lamps_counts. Grain: community."""

    community_code = text("社区编码", note="null: unplaced")
    lamp_count = integer("灯杆数", required=True, unit="根")


TABLE = register(
    Table("topics", "lamps_counts", LampCount, "街灯 数量", None, ("community_code",),
          "unconditional", True),
    Metric("lamps_post_count", "灯杆数", "设备台账中的灯杆", "根", "lamps_counts", "lamp_count"),
)


@dg.asset(**about(TABLE), deps=[list(DEVICES.key)])
def lamps_counts(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Lamp posts by community."""
    return told(topic_whole(lake, TABLE, [DEVICES], count))


def count(engine: Engine) -> ir.Table:
    """Lamp posts by community."""
    lamps = engine.table(DEVICES).filter(_.device_kind == "lamp_post")
    return lamps.group_by("community_code").aggregate(lamp_count=_.count())
'''


@pytest.mark.slow
def test_one_new_file_makes_a_topic_database(tmp_path: Path) -> None:
    house = tmp_path / "house"
    for room in ROOMS:
        shutil.copytree(ROOT / room, house / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dagster.yaml", house)
    (house / "assets" / "topics" / "lamps.py").write_text(TOPIC)
    home = write_demo_home(tmp_path / "home", days=1, scale=0.001, feeds="areas,devices")
    done = subprocess.run(
        [sys.executable, "-m", "pipelines", "run", "--home", str(home.root)],
        cwd=house, env={**os.environ, "PYTHONPATH": str(house)}, capture_output=True, text=True,
        timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    with duckdb.connect(str(serving_file(home.serving)), read_only=True) as connection:
        (planted,) = connection.execute(
            "SELECT sum(device_count)::BIGINT FROM video_devices WHERE device_kind = 'lamp_post'"
        ).fetchone()  # pyright: ignore[reportGeneralTypeIssues]
        (counted,) = connection.execute(
            "SELECT sum(lamp_count)::BIGINT FROM lamps_counts"
        ).fetchone()  # pyright: ignore[reportGeneralTypeIssues]
        (value,) = connection.execute(
            "SELECT value FROM metric_values WHERE metric_id = 'lamps_post_count' "
            "AND tier = 'district' AND period = 'as_of'"
        ).fetchone()  # pyright: ignore[reportGeneralTypeIssues]
    assert counted == planted == value
    assert planted > 0
    assert list((home.exports / "latest").rglob("lamps/**/*.parquet"))
