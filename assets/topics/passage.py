"""通行 passage: how many passed where and when. Places are counted; nobody is followed."""

from datetime import date

import dagster as dg
import ibis
import ibis.expr.types as ir
from ibis import _

from assets.building import about, told
from assets.topics.tabulate import day_inputs, topic_days
from schemas import tables
from schemas.contract import Contract, day, integer, text
from schemas.metric import Distinct, Metric, Ratio
from schemas.table import Table
from schemas.topics import register
from warehouse.engine import Engine
from warehouse.lake import Lake

# Silver table → kind of passage and the column that counts shots (None: one each).
KINDS = {
    "face_passages": ("face", "shot_count"),
    "vehicle_passages": ("motor", "reading_count"),
    "nonmotor_passages": ("nonmotor", None),
}
SOURCES = [tables.table("silver", name) for name in KINDS]


class PassageHour(Contract):
    """topics.passage_device_hours. Grain: device × city hour × kind of passage."""

    shot_day = day("日期", required=True)
    shot_hour = integer("小时", required=True, unit="h", note="city clock, 0-23")
    community_code = text("社区编码", note="null: unplaced")
    device_id = text("设备编码", required=True)
    passage_kind = text("通行类别", required=True, codes=("face", "motor", "nonmotor"))
    passage_count = integer("通行量", required=True, unit="次")
    shot_count = integer("抓拍量", required=True, unit="张")


TABLE = register(
    Table("topics", "passage_device_hours", PassageHour, "通行 设备小时", "shot_day",
          ("community_code", "device_id", "shot_hour"), "conditional", True),
    Metric("passage_face_count", "人员通行量", "单台相机一次经过计一次，跨相机不关联", "次",
           "passage_device_hours", "passage_count", (("passage_kind", ("face",)),), "shot_day",
           feeds=("face_captures",)),
    Metric("passage_face_shot_count", "人脸抓拍量", "去除重复上报后的抓拍张数", "张",
           "passage_device_hours", "shot_count", (("passage_kind", ("face",)),), "shot_day",
           feeds=("face_captures",)),
    Metric("passage_motor_count", "机动车流量", "同一号牌在单台设备一次经过计一次", "辆次",
           "passage_device_hours", "passage_count", (("passage_kind", ("motor",)),), "shot_day",
           feeds=("vehicle_captures",)),
    Metric("passage_nonmotor_count", "非机动车流量", "去除重复上报后的非机动车抓拍", "辆次",
           "passage_device_hours", "passage_count", (("passage_kind", ("nonmotor",)),), "shot_day",
           feeds=("nonmotor_captures",)),
    Distinct("passage_face_device_count", "有人脸抓拍的设备数", "期间内有人员通行的不同设备", "台",
             "passage_device_hours", "device_id", "shot_day", (("passage_kind", ("face",)),),
             feeds=("face_captures",)),
    Distinct("passage_motor_device_count", "有机动车抓拍的设备数",
             "期间内有机动车通行的不同设备", "台",
             "passage_device_hours", "device_id", "shot_day", (("passage_kind", ("motor",)),),
             feeds=("vehicle_captures",)),
    Ratio("passage_shots_per_face_passage", "人均抓拍张数", "人脸抓拍量 ÷ 人员通行量", "张/次",
          ("passage_face_shot_count",), ("passage_face_count",), scale=1.0),
)  # fmt: skip


@dg.asset(
    **about(TABLE), deps=[list(t.key) for t in SOURCES], kinds={"ibis", "duckdb", "deltalake"}
)
def passage_device_hours(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Passages and shots by device, hour and kind; only days that changed are counted again."""
    return told(topic_days(lake, TABLE, day_inputs(lake, *SOURCES), count_hours, SOURCES))


def count_hours(engine: Engine, days: list[date]) -> ir.Table:
    """Passages of some days by device and city hour."""
    counted = []
    for name, (kind, shots) in KINDS.items():
        passages = engine.table(tables.table("silver", name), days)
        own = passages.select(
            "shot_day", "community_code", "device_id",
            shot_hour=(_.shot_at + ibis.interval(hours=8)).hour().cast("int64"),
            passage_kind=ibis.literal(kind),
            shots=_[shots] if shots else ibis.literal(1, "int64"),
        )  # fmt: skip
        counted.append(
            own.group_by(
                "shot_day", "shot_hour", "community_code", "device_id", "passage_kind"
            ).aggregate(passage_count=_.count(), shot_count=_.shots.sum())
        )
    return ibis.union(*counted) if len(counted) > 1 else counted[0]
