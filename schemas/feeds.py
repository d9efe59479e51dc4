"""The registry of feeds: one row per feed. Adding a feed is a contract and a row here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas.areas import AreaRow
from schemas.captures import FaceCapture, MotorVehicleCapture, NonMotorVehicleCapture
from schemas.contract import Contract, facts
from schemas.devices import DeviceRow
from schemas.fire import FireAlarmRow, FireInspectionRow, FireResponseRow
from schemas.grid_cases import GridCaseRow
from schemas.housing import BuildingRow, RentalRow
from schemas.population import GridVisitRow, HouseholdRegisterRow
from schemas.sensing import SensorAlarmRow, SensorReadingRow

Form = Literal["ga1400", "ndjson", "csv", "xlsx", "geojson"]
CoordinateSystem = Literal["WGS84", "CGCS2000", "GCJ02", "BD09"]


@dataclass(frozen=True)
class Feed:
    """One kind of row that arrives, and where and how.

    Attributes:
        name: Table name in bronze and quarantine.
        zh: What people call it.
        contract: Columns, rules, wire names.
        source: Landing folder it is read from; feeds of one source share its files.
        forms: File forms it is accepted in, told apart by extension.
        key: Columns that together name one real-world thing.
        day_column: City day that partitions it; None for registers.
        version_columns: Instants that say which version of a key is newer; the latest one counts.
        owner: Department that answers for the data.
        object_name: GA/T 1400 object that carries it, for feeds in that form.
        retention_days: How long bronze and landing keep it; None: until replaced.
        coordinate_system: Of its longitudes, latitudes and shapes as delivered; bronze keeps them
            so, silver has CGCS2000. Without meaning for feeds that have none.
    """

    name: str
    zh: str
    contract: type[Contract]
    source: str
    forms: tuple[Form, ...]
    key: tuple[str, ...]
    day_column: str | None
    version_columns: tuple[str, ...]
    owner: str
    object_name: str | None = None
    retention_days: int | None = None
    coordinate_system: CoordinateSystem = "CGCS2000"

    @property
    def shape_columns(self) -> tuple[str, ...]:
        """Columns that hold shapes."""
        columns = self.contract.columns()
        return tuple(n for n in columns if facts(self.contract, n).get("reader") == "geometry")

    @property
    def has_points(self) -> bool:
        """Whether its rows carry `longitude` and `latitude`."""
        return {"longitude", "latitude"} <= set(self.contract.columns())


_REGISTER = ("updated_at",)
_CAPTURE = ("entered_at", "triggered_at")

FEEDS: tuple[Feed, ...] = (
    Feed("areas", "区划与网格", AreaRow, "areas", ("geojson",), ("area_code",),
         None, _REGISTER, "民政"),
    Feed("devices", "设备台账", DeviceRow, "devices", ("csv",), ("device_id",),
         None, _REGISTER, "大数据"),
    Feed("face_captures", "人脸抓拍", FaceCapture, "captures", ("ga1400",), ("capture_id",),
         "shot_day", _CAPTURE, "公安", "Face", 30),
    Feed("vehicle_captures", "机动车抓拍", MotorVehicleCapture, "captures", ("ga1400",),
         ("capture_id",), "shot_day", _CAPTURE, "公安", "MotorVehicle", 30),
    Feed("nonmotor_captures", "非机动车抓拍", NonMotorVehicleCapture, "captures", ("ga1400",),
         ("capture_id",), "shot_day", _CAPTURE, "公安", "NonMotorVehicle", 30),
    Feed("grid_cases", "网格案件", GridCaseRow, "grid_cases", ("csv",), ("case_number",),
         "report_day", _REGISTER, "城管"),
    Feed("sensor_alarms", "传感器预警", SensorAlarmRow, "sensor_alarms", ("csv",), ("alarm_id",),
         "raised_day", _REGISTER, "大数据"),
    Feed("sensor_readings", "传感器读数", SensorReadingRow, "sensor_readings", ("ndjson",),
         ("reading_id",), "read_day", ("sent_at",), "消防"),
    Feed("population_household", "户籍人口", HouseholdRegisterRow, "population_household", ("csv",),
         ("identity_number",), None, _REGISTER, "公安"),
    Feed("population_visits", "网格走访", GridVisitRow, "population_visits", ("csv",),
         ("identity_number",), None, _REGISTER, "街道"),
    Feed("buildings", "建筑物", BuildingRow, "buildings", ("csv", "geojson"), ("building_id",),
         None, _REGISTER, "住建"),
    Feed("rentals", "出租房", RentalRow, "rentals", ("xlsx",), ("rental_id",),
         None, _REGISTER, "住建"),
    Feed("fire_inspections", "消防检查", FireInspectionRow, "fire_inspections", ("csv",),
         ("inspection_id",), "inspected_day", _REGISTER, "消防"),
    Feed("fire_alarms", "消防报警", FireAlarmRow, "fire_alarms", ("csv",), ("alarm_id",),
         "alarmed_day", _REGISTER, "消防"),
    Feed("fire_responses", "消防出动", FireResponseRow, "fire_responses", ("csv",),
         ("incident_number", "unit_id"), "received_day", ("available_at",), "消防"),
)  # fmt: skip

BY_NAME = {feed.name: feed for feed in FEEDS}


def sources() -> dict[str, tuple[Feed, ...]]:
    """Source → its feeds, in registry order."""
    found: dict[str, tuple[Feed, ...]] = {}
    for feed in FEEDS:
        found[feed.source] = (*found.get(feed.source, ()), feed)
    return found


def landing_folders(source: str) -> tuple[str, ...]:
    """Folders below `landing/` that belong to a source: its own name and its feeds' names."""
    return tuple(dict.fromkeys((source, *(feed.name for feed in sources()[source]))))
