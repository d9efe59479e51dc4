"""Fire 消防: inspections, alarms of the fire control room, and responses of fire units.

`fire_responses` is written in the form of a public record of real fire calls: one row per unit and
incident; incidents are derived from it. Missing on-scene times stay missing.
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from schemas.city_time import city_day
from schemas.contract import Arrival, Contract, day, flag, instant, integer, number, text
from schemas.feed import NEWEST, Feed
from schemas.table import Table, with_ledgers

INSPECTION_RESULTS = {"pass": "合格", "hazard": "存在隐患"}
FIRE_ALARM_KINDS = {"fire": "火警", "fault": "故障", "shield": "屏蔽", "supervise": "监管"}


class FireInspectionRow(Arrival):
    """消防检查 bronze.fire_inspections, CSV. Grain: one version of one inspection."""

    inspection_id = text("检查编号", ("检查编号", "inspection_id"), required=True, max_length=40)
    building_id = text("楼栋编码", ("楼栋编码", "building_id"), max_length=40)
    community_code = text("社区编码", ("社区编码", "community_code"), pattern=r"^\d{12}$")
    result = text("检查结果", ("检查结果", "result"), required=True, codes=INSPECTION_RESULTS)
    hazard_count = integer("隐患数", ("隐患数", "hazard_count"), least=0, most=1000, unit="处")
    rectified_count = integer(
        "已整改数", ("已整改数", "rectified_count"), least=0, most=1000, unit="处"
    )
    inspected_at = instant("检查时间", ("检查时间", "inspected_at"), required=True)
    due_day = day("整改期限", ("整改期限", "due_day"))
    updated_at = instant("更新时间", ("更新时间", "updated_at"), required=True)
    inspected_day = day("检查日", required=True)

    @classmethod
    def derive(cls, frame: pl.DataFrame) -> pl.DataFrame:
        """Add the city day of the inspection."""
        return frame.with_columns(inspected_day=city_day(pl.col("inspected_at")))

    @dy.rule()
    def rectifies_no_more_than_was_found(cls) -> pl.Expr:
        """已整改数不得超过隐患数"""
        return (pl.col("rectified_count") <= pl.col("hazard_count").fill_null(0)).fill_null(True)


class FireInspection(Contract):
    """silver.fire_inspections. Grain: one inspection, newest version."""

    inspected_day = day("检查日", required=True)
    inspection_id = text("检查编号", required=True)
    building_id = text("楼栋编码")
    community_code = text("社区编码", note="null: unplaced")
    placed_by = text("定位方式", required=True)
    result = text("检查结果", required=True)
    hazard_count = integer("隐患数", required=True, unit="处")
    rectified_count = integer("已整改数", required=True, unit="处")
    inspected_at = instant("检查时间", required=True)
    due_day = day("整改期限")
    updated_at = instant("更新时间", required=True)


class FireAlarmRow(Arrival):
    """消防报警 bronze.fire_alarms, CSV. Grain: one version of one alarm of a fire control room."""

    alarm_id = text("报警编号", ("报警编号", "alarm_id"), required=True, max_length=40)
    building_id = text("楼栋编码", ("楼栋编码", "building_id"), max_length=40)
    community_code = text("社区编码", ("社区编码", "community_code"), pattern=r"^\d{12}$")
    alarm_kind = text("报警类型", ("报警类型", "alarm_kind"), required=True,
                      codes=FIRE_ALARM_KINDS)  # fmt: skip
    is_confirmed = flag("确认火警", ("确认火警", "is_confirmed"))
    alarmed_at = instant("报警时间", ("报警时间", "alarmed_at"), required=True)
    updated_at = instant("更新时间", ("更新时间", "updated_at"), required=True)
    alarmed_day = day("报警日", required=True)

    @classmethod
    def derive(cls, frame: pl.DataFrame) -> pl.DataFrame:
        """Add the city day of the alarm."""
        return frame.with_columns(alarmed_day=city_day(pl.col("alarmed_at")))

    @dy.rule()
    def is_alarmed_before_it_is_reported(cls) -> pl.Expr:
        """报警时间不得晚于更新时间（允许300秒误差）"""
        return pl.col("alarmed_at") <= pl.col("updated_at") + pl.duration(seconds=300)


class FireAlarm(Contract):
    """silver.fire_alarms. Grain: one alarm, newest version."""

    alarmed_day = day("报警日", required=True)
    alarm_id = text("报警编号", required=True)
    building_id = text("楼栋编码")
    community_code = text("社区编码", note="null: unplaced")
    placed_by = text("定位方式", required=True)
    alarm_kind = text("报警类型", required=True)
    is_confirmed = flag("确认火警")
    alarmed_at = instant("报警时间", required=True)
    updated_at = instant("更新时间", required=True)


class FireResponseRow(Arrival):
    """消防出动 bronze.fire_responses, CSV. Grain: one unit sent to one incident."""

    incident_number = text(
        "事件编号", ("事件编号", "incident_number"), required=True, max_length=40
    )
    unit_id = text("出动单位", ("出动单位", "unit_id"), required=True, max_length=20)
    call_type = text("警情类型", ("警情类型", "call_type"), required=True, max_length=80)
    received_at = instant("接警时间", ("接警时间", "received_at"), required=True)
    dispatched_at = instant("派出时间", ("派出时间", "dispatched_at"))
    on_scene_at = instant("到场时间", ("到场时间", "on_scene_at"))
    available_at = instant("归队时间", ("归队时间", "available_at"))
    unit_type = text("单位类型", ("单位类型", "unit_type"), max_length=40)
    longitude = number("经度", ("经度", "longitude"), least=-180.0, most=180.0, unit="degree")
    latitude = number("纬度", ("纬度", "latitude"), least=-90.0, most=90.0, unit="degree")
    received_day = day("接警日", required=True)

    @classmethod
    def derive(cls, frame: pl.DataFrame) -> pl.DataFrame:
        """Add the city day of the call."""
        return frame.with_columns(received_day=city_day(pl.col("received_at")))

    @dy.rule()
    def arrives_after_it_is_dispatched(cls) -> pl.Expr:
        """到场时间不得早于派出时间"""
        return (pl.col("on_scene_at") >= pl.col("dispatched_at")).fill_null(True)

    @dy.rule()
    def is_dispatched_after_it_is_received(cls) -> pl.Expr:
        """派出时间不得早于接警时间"""
        return (pl.col("dispatched_at") >= pl.col("received_at")).fill_null(True)


class FireResponse(Contract):
    """silver.fire_responses. Grain: one unit at one incident."""

    received_day = day("接警日", required=True)
    response_id = text("出动标识", required=True, note="incident_number/unit_id")
    incident_number = text("事件编号", required=True)
    unit_id = text("出动单位", required=True)
    call_type = text("警情类型", required=True)
    community_code = text("社区编码", note="null: unplaced")
    placed_by = text("定位方式", required=True)
    received_at = instant("接警时间", required=True)
    dispatched_at = instant("派出时间")
    on_scene_at = instant("到场时间", note="null stays null: the unit never reported its arrival")
    available_at = instant("归队时间")


FEEDS: tuple[Feed, ...] = (
    Feed("fire_inspections", "消防检查", FireInspectionRow, "fire_inspections", ("csv",),
         ("inspection_id",), "inspected_day", NEWEST, "消防"),
    Feed("fire_alarms", "消防报警", FireAlarmRow, "fire_alarms", ("csv",), ("alarm_id",),
         "alarmed_day", NEWEST, "消防"),
    Feed("fire_responses", "消防出动", FireResponseRow, "fire_responses", ("csv",),
         ("incident_number", "unit_id"), "received_day", ("available_at",), "消防"),
)  # fmt: skip
TABLES: tuple[Table, ...] = (
    *with_ledgers(
        Table(
            "silver",
            "fire_inspections",
            FireInspection,
            "消防检查",
            "inspected_day",
            ("inspection_id",),
            accounts_for=("fire_inspections",),
        )
    ),
    *with_ledgers(
        Table(
            "silver",
            "fire_alarms",
            FireAlarm,
            "消防报警",
            "alarmed_day",
            ("alarm_id",),
            accounts_for=("fire_alarms",),
        )
    ),
    *with_ledgers(
        Table(
            "silver",
            "fire_responses",
            FireResponse,
            "消防出动",
            "received_day",
            ("response_id",),
            accounts_for=("fire_responses",),
        )
    ),
)
