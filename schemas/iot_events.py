"""IoT events 物联事件: changes of status that monitoring devices report, by GB/T 26875.3 codes.

System types, component types and status bits: `codes/gb26875_codes.csv` (seen in a public
implementation; ranges of component types are condensed there). A device that names its component
reports a bit of the component's status, any other one a bit of the system's.
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from schemas import codes
from schemas.city_time import city_day
from schemas.contract import Arrival, Contract, day, instant, text
from schemas.feed import NEWEST, Feed
from schemas.table import Table, with_ledgers

RUNNING = "0"
"""The bit of normal running: its fall means testing, which is no event."""


def _listed(name: str) -> dict[str, str]:
    """Code → name of one list of the table; a range stands for each of its codes."""
    found: dict[str, str] = {}
    rows = codes.table("gb26875_codes").filter(pl.col("list") == name)
    for code, zh in rows.select("code", "name").iter_rows():
        first, _, last = code.partition("-")
        found |= {str(n): zh for n in range(int(first), int(last or first) + 1)}
    return found


SYSTEM_TYPES = _listed("system type")
COMPONENT_TYPES = _listed("component type")
COMPONENT_STATUS = {c: n for c, n in _listed("component status bit").items() if c != RUNNING}
SYSTEM_STATUS = {c: n for c, n in _listed("system status bit").items() if c != RUNNING}


class IotEventRow(Arrival):
    """物联事件 bronze.iot_events, CSV or NDJSON. Grain: one version of one event."""

    event_id = text("事件编号", ("事件编号", "event_id"), required=True, max_length=40)
    device_id = text("设备编码", ("设备编码", "device_id"), required=True, pattern=r"^\d{20}$")
    system_type = text("系统类型", ("系统类型", "system_type"), required=True, codes=SYSTEM_TYPES)
    component_type = text("部件类型", ("部件类型", "component_type"), codes=COMPONENT_TYPES)
    status_bit = text("状态位", ("状态位", "status_bit"), required=True, codes=tuple(SYSTEM_STATUS))
    happened_at = instant("发生时间", ("发生时间", "happened_at"), required=True)
    handled_at = instant("处置时间", ("处置时间", "handled_at"))
    updated_at = instant("更新时间", ("更新时间", "updated_at"), required=True)
    happened_day = day("发生日", required=True)

    @classmethod
    def derive(cls, frame: pl.DataFrame) -> pl.DataFrame:
        """Add the city day of the event."""
        return frame.with_columns(happened_day=city_day(pl.col("happened_at")))

    @dy.rule()
    def status_bit_is_one_of_its_component(cls) -> pl.Expr:
        """有部件类型时，状态位应为部件状态位1至8"""
        of_component = pl.col("status_bit").is_in(list(COMPONENT_STATUS))
        return (pl.col("component_type").is_null() | of_component).fill_null(True)

    @dy.rule()
    def is_handled_after_it_happens(cls) -> pl.Expr:
        """处置时间不得早于发生时间"""
        return (pl.col("handled_at") >= pl.col("happened_at")).fill_null(True)

    @dy.rule()
    def happens_before_it_is_reported(cls) -> pl.Expr:
        """发生、处置时间不得晚于更新时间（允许300秒误差）"""
        limit = pl.col("updated_at") + pl.duration(seconds=300)
        return (pl.max_horizontal("happened_at", "handled_at") <= limit).fill_null(True)


class IotEvent(Contract):
    """silver.iot_events. Grain: one event, newest version."""

    happened_day = day("发生日", required=True)
    event_id = text("事件编号", required=True)
    device_id = text("设备编码", required=True)
    system_type = text("系统类型", required=True, codes=SYSTEM_TYPES)
    component_type = text("部件类型", codes=COMPONENT_TYPES)
    status_bit = text("状态位", required=True)
    status_name = text("状态", required=True, note="of the component if it is named, else system")
    community_code = text("社区编码", note="null: unplaced")
    happened_at = instant("发生时间", required=True)
    handled_at = instant("处置时间")
    updated_at = instant("更新时间", required=True)


FEEDS: tuple[Feed, ...] = (
    Feed("iot_events", "物联事件", IotEventRow, "iot_events", ("csv", "ndjson"),
         ("event_id",), "happened_day", NEWEST, "大数据"),
)  # fmt: skip
TABLES: tuple[Table, ...] = (
    *with_ledgers(
        Table("silver", "iot_events", IotEvent, "物联事件", "happened_day",
              ("event_id",), accounts_for=("iot_events",))
    ),
)  # fmt: skip
