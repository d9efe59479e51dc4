"""Sensing 物联感知: alarms raised by sensors, and the readings of smoke and hydrant sensors.

Hydrant static pressure must be at least 0.14 MPa (GB 55036-2022 3.0.3); a telemetry type with a
resolution of 0.1 MPa cannot tell 0.14 from 0.10 and is refused (`codes/fire_thresholds.csv`).
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from schemas.city_time import city_day
from schemas.contract import Arrival, Contract, day, flag, instant, integer, number, text
from schemas.feed import NEWEST, Feed
from schemas.table import Table, with_ledgers

ALARM_KINDS = {
    "smoke": "烟雾报警",
    "hydrant_pressure": "消火栓压力异常",
    "water_immersion": "水浸报警",
    "offline": "设备离线",
}
QUANTITIES = {"smoke": "烟雾", "hydrant_pressure": "消火栓压力"}

# GB/T 26875.3 analog types of pressure, `codes/gb26875_codes.csv`: 4: 0.1 MPa, 5: 0.1 kPa steps.
COARSE_PRESSURE_TYPE = 4
PRESSURE_LEVELS_MPA = {"dry": 0.01, "critical": 0.10, "warning": 0.14, "over": 1.2}
"""Below, or at most (dry), or above (over). 0.14 and 0.10 are GB 55036-2022 3.0.3; dry and over are
our own alert steps, over depends on the device (`codes/fire_thresholds.csv`)."""
LEVELS = {
    "normal": "正常",
    "over": "超压",
    "warning": "低压预警",
    "critical": "低压严重",
    "dry": "无压",
    "alarm": "烟雾报警",
}
LEVEL_RANKS = {level: rank for rank, level in enumerate(LEVELS)}
"""How bad a level is: 0 is normal; only levels of one quantity are ever compared.

Too much pressure ranks below too little: a hydrant that swings from one to the other without a
normal reading between them is a low one first.
"""


class SensorAlarmRow(Arrival):
    """传感器预警 bronze.sensor_alarms, delivered as CSV. Grain: one version of one alarm."""

    alarm_id = text("预警编号", ("预警编号", "alarm_id"), required=True, max_length=40)
    device_id = text("设备编码", ("设备编码", "device_id"), required=True, pattern=r"^\d{20}$")
    alarm_kind = text("预警类型", ("预警类型", "alarm_kind"), required=True, codes=ALARM_KINDS)
    raised_at = instant("预警时间", ("预警时间", "raised_at"), required=True)
    cleared_at = instant("解除时间", ("解除时间", "cleared_at"))
    updated_at = instant("更新时间", ("更新时间", "updated_at"), required=True)
    raised_day = day("预警日", required=True)

    @classmethod
    def derive(cls, frame: pl.DataFrame) -> pl.DataFrame:
        """Add the city day on which the alarm was raised."""
        return frame.with_columns(raised_day=city_day(pl.col("raised_at")))

    @dy.rule()
    def clears_after_it_is_raised(cls) -> pl.Expr:
        """解除时间不得早于预警时间"""
        return (pl.col("cleared_at") >= pl.col("raised_at")).fill_null(True)

    @dy.rule()
    def is_raised_before_it_is_reported(cls) -> pl.Expr:
        """预警时间不得晚于更新时间（允许300秒误差）"""
        return pl.col("raised_at") <= pl.col("updated_at") + pl.duration(seconds=300)


class SensorAlarm(Contract):
    """silver.sensor_alarms. Grain: one alarm."""

    raised_day = day("预警日", required=True)
    alarm_id = text("预警编号", required=True)
    device_id = text("设备编码", required=True)
    alarm_kind = text("预警类型", required=True)
    community_code = text("社区编码", note="null: unplaced")
    raised_at = instant("预警时间", required=True)
    cleared_at = instant("解除时间")
    updated_at = instant("更新时间", required=True)


class SensorReadingRow(Arrival):
    """传感器读数 bronze.sensor_readings, delivered as NDJSON. Grain: one reading as sent."""

    reading_id = text("读数编号", "reading_id", required=True, max_length=64)
    device_id = text("设备编码", "device_id", required=True, pattern=r"^\d{20}$")
    quantity = text("物理量", "quantity", required=True, codes=QUANTITIES)
    analog_type = integer("模拟量类型", "analog_type", least=0, most=255, note="GB/T 26875.3")
    value = number("数值", "value", required=True, least=-1.0, most=10_000.0,
                   note="MPa for hydrant_pressure; 0 or 1 for smoke")  # fmt: skip
    read_at = instant("读数时间", "read_at", required=True)
    sent_at = instant("上传时间", "sent_at", required=True)
    read_day = day("读数日", required=True)

    @classmethod
    def derive(cls, frame: pl.DataFrame) -> pl.DataFrame:
        """Add the city day of the reading."""
        return frame.with_columns(read_day=city_day(pl.col("read_at")))

    @dy.rule()
    def pressure_is_finer_than_its_threshold(cls) -> pl.Expr:
        """消火栓压力的模拟量类型4分辨率为0.1MPa，无法判断0.14MPa阈值"""
        return ~(
            (pl.col("quantity") == "hydrant_pressure")
            & (pl.col("analog_type") == COARSE_PRESSURE_TYPE)
        ).fill_null(False)

    @dy.rule()
    def pressure_is_possible(cls) -> pl.Expr:
        """消火栓压力应在0至2.5MPa之间"""
        return (pl.col("quantity") != "hydrant_pressure") | pl.col("value").is_between(0.0, 2.5)

    @dy.rule()
    def is_read_before_it_is_sent(cls) -> pl.Expr:
        """读数时间不得晚于上传时间300秒以上"""
        return pl.col("read_at") <= pl.col("sent_at") + pl.duration(seconds=300)


class SensorReading(Contract):
    """silver.sensor_readings. Grain: one reading of one device."""

    read_day = day("读数日", required=True)
    reading_id = text("读数编号", required=True)
    device_id = text("设备编码", required=True)
    quantity = text("物理量", required=True)
    community_code = text("社区编码", note="null: unplaced")
    value = number("数值", required=True)
    level = text("级别", required=True, codes=LEVELS)
    read_at = instant("读数时间", required=True)


class SensorEdge(Contract):
    """silver.sensor_edges. Grain: one sensor and quantity on one day it sent readings."""

    read_day = day("读数日", required=True)
    device_id = text("设备编码", required=True)
    quantity = text("物理量", required=True, codes=QUANTITIES)
    is_beyond_at_first = flag("首次读数超限", required=True)
    is_beyond_at_last = flag("末次读数超限", required=True)
    first_normal_at = instant("首次正常读数时间", note="null: none that day")
    count_before_normal = integer("此前超限读数数", required=True, unit="次")
    rank_before_normal = integer("此前最高级别", required=True, note="0: none beyond")


# By day a street camera sees someone every hour; at night silence is normal. The limits are those
# of a long working day and stay the same all year.
DAYLIGHT_HOURS = range(7, 19)
SILENT_HOURS = 3
"""Shorter silences are rain or a side street; three full hours want a look. Our choice."""
SEEN_WITHIN_DAYS = 7
"""A device silent for longer is known to be off: the register says so, not this statistic."""


FEEDS: tuple[Feed, ...] = (
    Feed("sensor_alarms", "传感器预警", SensorAlarmRow, "sensor_alarms", ("csv",), ("alarm_id",),
         "raised_day", NEWEST, "大数据"),
    Feed("sensor_readings", "传感器读数", SensorReadingRow, "sensor_readings", ("ndjson",),
         ("reading_id",), "read_day", ("sent_at",), "消防", is_daily=True),
)  # fmt: skip
TABLES: tuple[Table, ...] = (
    *with_ledgers(
        Table(
            "silver",
            "sensor_alarms",
            SensorAlarm,
            "传感器预警",
            "raised_day",
            ("device_id", "alarm_id"),
            accounts_for=("sensor_alarms",),
        )
    ),
    *with_ledgers(
        Table(
            "silver",
            "sensor_readings",
            SensorReading,
            "传感器读数",
            "read_day",
            ("device_id", "read_at"),
            accounts_for=("sensor_readings",),
        )
    ),
    Table("silver", "sensor_edges", SensorEdge, "传感器读数首末", "read_day",
          ("device_id", "quantity")),
)  # fmt: skip
