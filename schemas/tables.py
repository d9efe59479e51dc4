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
    return [
        Table("bronze", f.name, f.contract, f.zh, f.day_column, f.key) for f in FEEDS
    ] + [Table("quarantine", f.name, ledgers.QuarantinedRow, f"{f.zh} 隔离") for f in FEEDS]


def _with_ledgers(table: Table) -> list[Table]:
    day = "event_day" if table.partition_by else None
    return [
        table,
        Table("silver", f"{table.name}_merges", ledgers.Merge, f"{table.zh} 合并台账", day, ("entity_id",)),
        Table("silver", f"{table.name}_set_aside", ledgers.SetAside, f"{table.zh} 暂置", day,
              ("entity_id",)),
    ]  # fmt: skip


_SILVER = (
    Table("silver", "areas", areas.Area, "区划", None, ("area_code",)),
    Table("silver", "devices", devices.Device, "设备", None, ("device_id",)),
    Table("silver", "face_passages", captures.FacePassage, "人员通行", "shot_day",
          ("device_id", "shot_at")),
)  # fmt: skip

_TOPICS = (
    Table("topics", "space_areas", areas.AreaSummary, "空间 区划", None, ("area_code",),
          "unconditional", True),
    Table("topics", "video_devices", devices.DeviceSummary, "视频 设备", None,
          ("community_code", "device_kind"), "conditional", True),
    Table("topics", "passage_device_hours", captures.PassageHour, "通行 设备小时", "shot_day",
          ("community_code", "device_id", "shot_hour"), "conditional", True),
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
    Table("ops", "publications", ledgers.Publication, "发布登记"),
)

TABLES: tuple[Table, ...] = (
    *_bronze(),
    *(t for table in _SILVER for t in _with_ledgers(table)),
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
}
