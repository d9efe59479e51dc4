"""Ten thousand real unit-level rows of fire calls go through a mapping as a feed, gaps and all."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from support import govlake, newest_values, write_demo_home

from schemas import tables
from schemas.city_time import city_date_of
from warehouse.home import Home
from warehouse.lake import Lake

REAL = Path(__file__).parents[2] / "shared" / "real" / "sf_fire_calls.csv"

# The city's own column names; its times carry a zone.
MAPPING = """
feed: fire_responses
files: "fire_responses/sf_*.csv"
columns:
  incident_number: incident_number
  unit_id: unit_id
  call_type: call_type
  received_at: received_timestamp
  dispatched_at: dispatch_timestamp
  on_scene_at: on_scene_timestamp
  available_at: available_timestamp
  unit_type: unit_type
  longitude: longitude
  latitude: latitude
ignore: [address, neighborhood_district, zipcode_of_incident]
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not REAL.exists(), reason="the real fire calls are not on this machine"),
]


@pytest.fixture(scope="module")
def fire_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    root = tmp_path_factory.mktemp("fire") / "home"
    home = write_demo_home(root, days=1, scale=0.001, feeds="areas,devices")
    (home.landing / "fire_responses").mkdir()
    (home.landing / "fire_responses" / "sf_calls.csv").write_bytes(REAL.read_bytes())
    (home.config / "mappings").mkdir(parents=True)
    (home.config / "mappings" / "sf.yaml").write_text(MAPPING)
    govlake("run", "--home", str(home.root))
    return home


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with REAL.open(newline="") as handle:
        return list(csv.DictReader(handle))


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def is_good(row: dict[str, str]) -> bool:
    """The rules of the contract, by plain comparison."""
    received, sent = row["received_timestamp"], row["dispatch_timestamp"]
    there = row["on_scene_timestamp"]
    return (
        bool(received and row["incident_number"] and row["unit_id"] and row["call_type"])
        and (not sent or instant(sent) >= instant(received))
        and (not sent or not there or instant(there) >= instant(sent))
    )


def test_every_row_is_kept_or_quarantined_by_name(
    fire_home: Home, rows: list[dict[str, str]]
) -> None:
    lake = Lake(fire_home)
    accepted = lake.read(tables.table("bronze", "fire_responses")).height
    quarantined = lake.read(tables.table("quarantine", "fire_responses"))
    good = sum(is_good(row) for row in rows)
    assert (accepted, quarantined.height) == (good, len(rows) - good)
    assert set(quarantined["rules"].explode()) <= {
        "arrives_after_it_is_dispatched",
        "is_dispatched_after_it_is_received",
        "call_type_is_present",
    }


def test_missing_arrivals_stay_missing(fire_home: Home, rows: list[dict[str, str]]) -> None:
    kept = Lake(fire_home).read(tables.table("silver", "fire_responses"))
    latest: dict[str, dict[str, str]] = {}
    for row in filter(is_good, rows):
        key = f"{row['incident_number']}/{row['unit_id']}"
        if key not in latest or row["available_timestamp"] > latest[key]["available_timestamp"]:
            latest[key] = row
    assert kept.height == len(latest)
    without = {key for key, row in latest.items() if not row["on_scene_timestamp"]}
    found = kept.filter(pl.col("on_scene_at").is_null())["response_id"]
    assert set(found) == without
    assert len(without) > 2_000


def test_incidents_are_derived_from_their_units(
    fire_home: Home, rows: list[dict[str, str]]
) -> None:
    units: dict[tuple[str, object], dict[str, dict[str, str]]] = defaultdict(dict)
    for row in filter(is_good, rows):
        key = (row["incident_number"], city_date_of(instant(row["received_timestamp"])))
        before = units[key].get(row["unit_id"])
        if before is None or row["available_timestamp"] > before["available_timestamp"]:
            units[key][row["unit_id"]] = row
    expected = {}
    for (number, day), own in units.items():
        received = min(instant(r["received_timestamp"]) for r in own.values())
        there = [instant(r["on_scene_timestamp"]) for r in own.values() if r["on_scene_timestamp"]]
        seconds = int((min(there) - received).total_seconds()) if there else None
        expected[number, day] = (len(own), seconds)
    incidents = Lake(fire_home).read(tables.table("topics", "fire_incidents"))
    found = {
        (number, day): (count, seconds)
        for number, day, count, seconds in incidents.select(
            "incident_number", "received_day", "unit_count", "response_seconds"
        ).iter_rows()
    }
    assert found == expected
    assert len({number for number, _ in found}) > 8_900


def test_nothing_of_another_city_is_placed_here(fire_home: Home) -> None:
    kept = Lake(fire_home).read(tables.table("silver", "fire_responses"))
    assert kept["placed_by"].unique().to_list() == ["unplaced"]
    values = newest_values(Lake(fire_home))
    incidents = values.filter(pl.col("metric_id") == "fire_incident_count", pl.col("value") > 0)
    assert set(incidents["area_code"]) == {"350299", "350299-unplaced"}
    assert incidents["value"].n_unique() == 1
