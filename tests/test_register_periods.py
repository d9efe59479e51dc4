"""Registered devices and staff on duty through time, from files to silver."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import polars as pl
import pytest

from assets.accounts import silver_account
from assets.silver.areas import areas
from assets.silver.devices import device_places, devices
from assets.silver.grid_staff import grid_staff
from assets.silver.register_periods import device_periods, grid_staff_periods
from assets.taking_in import take_in
from quality.accounting import closes
from schemas import tables
from warehouse.lake import Lake

DECLARED = """feed,files
devices,devices/whole-*.csv
grid_staff,grid_staff/whole-*.csv
"""
GRID, OTHER = "350299001001001", "350299001002001"
CAMERA, GATE = "35029900001320000001", "35029900001190000002"


def of(day: int, hour: int = 0) -> datetime:
    """An instant of November, by the city's clock."""
    return datetime(2026, 11, day, hour, tzinfo=UTC) - timedelta(hours=8)


def end_of(day: int) -> datetime:
    return of(day + 1) - timedelta(microseconds=1)


def land(lake: Lake, feed: str, name: str, header: str, *lines: str) -> None:
    folder = lake.home.landing / feed
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("\n".join([header, *lines]) + "\n")


def built(lake: Lake, feed: str, *assets: Any) -> None:
    intake = take_in(lake, feed)
    assert not intake.set_aside
    wanted: list[Any] = [areas, *assets]
    with dg.DagsterInstance.ephemeral() as instance:
        done = dg.materialize(
            wanted, resources={"lake": lake}, instance=instance, raise_on_error=True
        )
    assert done.success


@pytest.fixture(autouse=True)
def declared(lake: Lake) -> None:
    lake.home.config.mkdir(exist_ok=True)
    (lake.home.config / "deliveries.csv").write_text(DECLARED)


def staff(lake: Lake, name: str, *lines: str) -> None:
    land(lake, "grid_staff", name, "工号,网格编码,网格员类型,到岗日期,离岗日期,更新时间", *lines)


def test_staff_on_duty_when(lake: Lake) -> None:
    staff(lake, "whole-20261101.csv", f"W1,{GRID},part_time,2026-05-01,,2026-10-01 08:00:00",
          f"W2,{GRID},full_time,2026-05-01,,2026-10-01 08:00:00",
          f"W3,{GRID},leader,2026-05-01,,2026-10-01 08:00:00")  # fmt: skip
    staff(lake, "changes.csv", f"W1,{GRID},full_time,2026-05-01,,2026-11-03 08:00:00",
          f"W2,{GRID},full_time,2026-05-01,2026-11-04,2026-11-07 08:00:00")  # fmt: skip
    staff(lake, "whole-20261110.csv", f"W1,{GRID},full_time,2026-05-01,,2026-11-03 08:00:00",
          f"W4,{OTHER},police,2026-11-08,,2026-11-09 08:00:00")  # fmt: skip
    built(lake, "grid_staff", grid_staff, grid_staff_periods)
    table = tables.table("silver", "grid_staff_periods")
    found = lake.read(table).sort("valid_from", "staff_role")
    may = datetime(2026, 4, 30, 16, tzinfo=UTC)
    columns = ("grid_code", "staff_role", "valid_from", "valid_until")
    assert found.select(columns).rows() == [
        (GRID, "full_time", may, of(5)),  # W2: the 4th was the last day
        (GRID, "leader", may, end_of(10)),  # W3 is no longer in the register
        (GRID, "part_time", may, of(3, 8)),  # W1
        (GRID, "full_time", of(3, 8), None),
        (OTHER, "police", of(8), None),  # W4
    ]
    assert not found["staff_token"].str.contains("W").any()
    first = lake.version(table)
    built(lake, "grid_staff", grid_staff, grid_staff_periods)
    assert lake.version(table) == first, "nothing new, nothing built"


def test_devices_that_vanish_leave_the_register_and_stay_where_they_saw(lake: Lake) -> None:
    header = "设备编码,设备类型,更新时间"
    land(lake, "devices", "whole-20261101.csv", header, f"{CAMERA},camera,2026-10-01 08:00:00",
         f"{GATE},gate,2026-10-01 08:00:00")  # fmt: skip
    land(lake, "devices", "whole-20261110.csv", header, f"{GATE},gate,2026-10-01 08:00:00")
    built(lake, "devices", devices, device_places, device_periods)
    october = datetime(2026, 10, 1, tzinfo=UTC)
    found = lake.read(tables.table("silver", "device_periods")).sort("device_id")
    assert found.select("device_id", "device_kind", "valid_from", "valid_until").rows() == [
        (GATE, "gate", october, None), (CAMERA, "camera", october, end_of(10))
    ]  # fmt: skip
    assert lake.read(tables.table("silver", "devices"))["device_id"].to_list() == [GATE]
    gone = lake.read(tables.table("silver", "devices_set_aside"))
    assert gone.select("entity_id", "rule").rows() == [(CAMERA, "is_in_the_newest_whole_delivery")]
    assert closes(silver_account(lake, "devices"))
    places = lake.read(tables.table("silver", "device_places"))
    assert set(places["device_id"]) == {CAMERA, GATE}, "what it saw stays placed"
    assert places.filter(pl.col("valid_until").is_not_null()).is_empty()
