"""Every table of the lake: its layer, contract, grain of storage and who may share it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas import (
    areas,
    captures,
    devices,
    fire,
    grid_cases,
    housing,
    ledgers,
    metrics,
    population,
    sensing,
)
from schemas.contract import Contract
from schemas.feeds import FEEDS
from schemas.protection import RESTRICTED_LAYERS, Sharing

Layer = Literal["bronze", "quarantine", "silver", "topics", "statistics", "ops"]


@dataclass(frozen=True)
class Table:
    """One Delta table.

    Attributes:
        layer: Folder below `lake/`.
        name: Plural noun; for topics `<topic>_<table>`.
        contract: Its columns.
        zh: What people call it.
        partition_by: Column whose values are replaced together; None: replaced whole or appended.
        sort_by: Order inside its files.
        sharing: Sharing class of what is published from it.
        served: Whether serving files and exports carry it.
    """

    layer: Layer
    name: str
    contract: type[Contract]
    zh: str
    partition_by: str | None = None
    sort_by: tuple[str, ...] = ()
    sharing: Sharing = "restricted"
    served: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Layer and name, as Dagster's asset key."""
        return (self.layer, self.name)

    @property
    def label(self) -> str:
        """`layer.name`, as people and ledgers write it."""
        return f"{self.layer}.{self.name}"

    @property
    def is_restricted(self) -> bool:
        """Whether it lies in the restricted zone (directories 0700)."""
        return self.layer in RESTRICTED_LAYERS


def _bronze() -> list[Table]:
    return [Table("bronze", f.name, f.contract, f.zh, f.day_column, f.key) for f in FEEDS] + [
        Table("quarantine", f.name, ledgers.QuarantinedRow, f"{f.zh} 隔离") for f in FEEDS
    ]


def _with_ledgers(table: Table) -> list[Table]:
    day = "event_day" if table.partition_by else None
    return [
        table,
        Table("silver", f"{table.name}_merges", ledgers.Merge, f"{table.zh} 合并台账", day,
              ("entity_id",)),
        Table("silver", f"{table.name}_set_aside", ledgers.SetAside, f"{table.zh} 暂置", day,
              ("entity_id",)),
    ]  # fmt: skip


_SILVER = (
    Table("silver", "areas", areas.Area, "区划", None, ("area_code",)),
    Table("silver", "devices", devices.Device, "设备", None, ("device_id",)),
    Table("silver", "face_passages", captures.FacePassage, "人员通行", "shot_day",
          ("device_id", "shot_at")),
    Table("silver", "vehicle_passages", captures.VehiclePassage, "机动车通行", "shot_day",
          ("device_id", "shot_at")),
    Table("silver", "nonmotor_passages", captures.NonMotorPassage, "非机动车通行", "shot_day",
          ("device_id", "shot_at")),
    Table("silver", "grid_cases", grid_cases.GridCase, "网格案件", "report_day", ("case_number",)),
    Table("silver", "sensor_alarms", sensing.SensorAlarm, "传感器预警", "raised_day",
          ("device_id", "alarm_id")),
    Table("silver", "sensor_readings", sensing.SensorReading, "传感器读数", "read_day",
          ("device_id", "read_at")),
    Table("silver", "residents", population.Resident, "实有人口", None, ("person_token",)),
    Table("silver", "buildings", housing.Building, "建筑物", None, ("building_id",)),
    Table("silver", "rentals", housing.Rental, "出租房", None, ("rental_id",)),
    Table("silver", "fire_inspections", fire.FireInspection, "消防检查", "inspected_day",
          ("inspection_id",)),
    Table("silver", "fire_alarms", fire.FireAlarm, "消防报警", "alarmed_day", ("alarm_id",)),
    Table("silver", "fire_responses", fire.FireResponse, "消防出动", "received_day",
          ("response_id",)),
)  # fmt: skip

# Drawn from a register that is accounted for above: no ledgers of their own.
_HISTORIES = (
    Table("silver", "device_places", devices.DevicePlace, "设备位置沿革", None,
          ("device_id", "valid_from")),
)  # fmt: skip

_TOPICS = (
    Table("topics", "space_areas", areas.AreaSummary, "空间 区划", None, ("area_code",),
          "unconditional", True),
    Table("topics", "video_devices", devices.DeviceSummary, "视频 设备", None,
          ("community_code", "device_kind"), "conditional", True),
    Table("topics", "passage_device_hours", captures.PassageHour, "通行 设备小时", "shot_day",
          ("community_code", "device_id", "shot_hour"), "conditional", True),
    Table("topics", "governance_case_days", grid_cases.CaseDay, "社区治理 案件日", "report_day",
          ("community_code", "type_code"), "conditional", True),
    Table("topics", "sensing_alarm_days", sensing.AlarmDay, "物联感知 预警日", "sensing_day",
          ("community_code", "alarm_kind"), "conditional", True),
    Table("topics", "sensing_reading_days", sensing.ReadingDay, "物联感知 读数日", "sensing_day",
          ("community_code", "quantity", "level"), "conditional", True),
    Table("topics", "sensing_daylight_gaps", sensing.DaylightGap, "物联感知 白天静默",
          "sensing_day", ("community_code", "device_id", "from_hour"), "conditional", True),
    Table("topics", "population_counts", population.PopulationCount, "人口 数量", None,
          ("community_code", "population_category"), "conditional", True),
    Table("topics", "buildings_counts", housing.BuildingCount, "建筑物 数量", None,
          ("community_code", "building_use"), "unconditional", True),
    Table("topics", "rentals_counts", housing.RentalCount, "出租房 数量", None,
          ("community_code", "rent_way", "rent_channel"), "conditional", True),
    Table("topics", "fire_inspection_days", fire.InspectionDay, "消防 检查日", "fire_day",
          ("community_code",), "conditional", True),
    Table("topics", "fire_alarm_days", fire.AlarmDay, "消防 报警日", "fire_day",
          ("community_code", "alarm_kind"), "conditional", True),
    Table("topics", "fire_incidents", fire.FireIncident, "消防 出动事件", "received_day",
          ("incident_number",), "conditional", True),
)  # fmt: skip

_STATISTICS = (
    Table("statistics", "daily_values", metrics.DailyValue, "每日统计", "value_day",
          ("metric_id", "tier", "area_code"), "conditional", True),
    Table("statistics", "current_values", metrics.CurrentValue, "累计与现状统计", None,
          ("metric_id", "tier", "area_code"), "conditional", True),
)  # fmt: skip

_OPS = (
    Table("ops", "files", ledgers.FileRecord, "文件登记"),
    Table("ops", "row_accounts", ledgers.FileAccount, "行账"),
    Table("ops", "builds", ledgers.Build, "构建登记", "table_key"),
    Table("ops", "device_days", ledgers.DeviceDay, "设备日登记"),
    Table("ops", "publications", ledgers.Publication, "发布登记"),
)

TABLES: tuple[Table, ...] = (
    *_bronze(),
    *(t for table in _SILVER for t in _with_ledgers(table)),
    *_HISTORIES,
    *_TOPICS,
    *_STATISTICS,
    *_OPS,
)
BY_KEY = {table.key: table for table in TABLES}


def table(layer: Layer, name: str) -> Table:
    """A registered table.

    Raises:
        KeyError: there is none of that name.
    """
    return BY_KEY[(layer, name)]


# Silver table → the feeds whose accepted rows it accounts for.
ACCOUNTED: dict[str, tuple[str, ...]] = {
    "areas": ("areas",),
    "devices": ("devices",),
    "face_passages": ("face_captures",),
    "vehicle_passages": ("vehicle_captures",),
    "nonmotor_passages": ("nonmotor_captures",),
    "grid_cases": ("grid_cases",),
    "sensor_alarms": ("sensor_alarms",),
    "sensor_readings": ("sensor_readings",),
    "residents": ("population_household", "population_visits"),
    "buildings": ("buildings",),
    "rentals": ("rentals",),
    "fire_inspections": ("fire_inspections",),
    "fire_alarms": ("fire_alarms",),
    "fire_responses": ("fire_responses",),
}
