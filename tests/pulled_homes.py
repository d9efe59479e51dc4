"""Homes with a database source, and what lies in them after a pull."""

from __future__ import annotations

import json

import polars as pl
import yaml
import zstandard
from postgres import Server

from assets.pulling import Pulled, pull
from assets.site_mappings import sources_of
from schemas import tables
from warehouse.home import Home
from warehouse.lake import Lake

VARIABLE = "GOVLAKE_TEST_DATABASE"
ALARMS = {
    "feed": "fire_alarms",
    "connection": VARIABLE,
    "table": "alarms",
    "high_water": "修改",
    "columns": {"alarm_id": "流水号", "alarm_kind": "类别", "alarmed_at": "发生",
                "updated_at": "修改", "building_id": "楼号"},
    "values": {"alarm_kind": {"火": "fire", "障": "fault"}},
}  # fmt: skip
NUMBERED = {**ALARMS, "table": "numbered", "high_water": "n",
            "columns": dict.fromkeys(("alarm_id", "alarm_kind", "alarmed_at", "updated_at"), "t"),
            "values": {}}  # fmt: skip
EMPTY = (
    "DROP TABLE IF EXISTS alarms, numbered",
    'CREATE TABLE alarms ("流水号" text, "类别" text, "发生" timestamp, "修改" timestamptz, '
    '"楼号" text, "照片" bytea)',
    "CREATE TABLE numbered (n bigint, t text)",
)


def describe(home: Home, document: dict = ALARMS, name: str = "acme", **more: object) -> None:
    path = home.config / "sources" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({**document, **more}, allow_unicode=True), encoding="utf-8")


def pulled(home: Home, since: str | None = None) -> Pulled:
    return pull(Lake(home), sources_of(home)[0], since)


def put(server: Server, number: str, updated: str, kind: str = "火", building: str = "B1") -> None:
    server.run(f"INSERT INTO alarms VALUES ('{number}', '{kind}', '2026-11-19 16:30:00', "
               f"'{updated}', '{building}', '\\x00')")  # fmt: skip


def landed(home: Home, feed: str = "fire_alarms") -> list[dict]:
    """Every row in landing, in the order in which it landed."""
    found = []
    files = (home.landing / feed).glob("db-*.ndjson.zst")
    for path in sorted(files, key=lambda p: p.stat().st_mtime_ns):
        with zstandard.open(path, "rt", encoding="utf-8") as lines:
            found += [json.loads(line) for line in lines]
    return found


def bronze(home: Home, feed: str = "fire_alarms") -> pl.DataFrame:
    return Lake(home).read(tables.table("bronze", feed))
