"""Camera captures as GA/T 1400 objects: faces, motor vehicles, non-motor vehicles.

Grain of the three bronze tables: one object of one message, resent copies included.
Field names and their actions: `codes/ga1400_fields.csv`. Only what is declared here is ever read
from a message; pictures, features, identities and watch-list flags have no column to land in.
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from schemas.city_time import city_day, city_wall_clock
from schemas.contract import Arrival, Contract, day, flag, instant, integer, number, text
from schemas.feed import Feed
from schemas.site import HEADINGS
from schemas.table import Table, with_ledgers

OBJECT_ID = r"^\d{48}$"
IMAGE_ID = r"^\d{41}$"
DEVICE_ID = r"^\d{20}$"

# GA/T 1400 content object, positions 42-43 (`codes/id_layouts.csv`; 03 is our own reading).
FACE_SUBTYPE, MOTOR_SUBTYPE, NONMOTOR_SUBTYPE = "06", "02", "03"

ENTRY_TOLERANCE = pl.duration(seconds=300)
"""A camera's clock may run this far ahead of the platform that stored its message."""


class Capture(Arrival):
    """What every captured object carries: who shot it, when, and the box in the picture."""

    capture_id = text("采集对象标识", ("FaceID", "MotorVehicleID", "NonMotorVehicleID"),
                      required=True, pattern=OBJECT_ID)  # fmt: skip
    device_id = text("采集设备编码", "DeviceID", required=True, pattern=DEVICE_ID)
    info_kind = integer(
        "信息分类", "InfoKind", least=0, most=2, note="0 其他 1 自动采集 2 人工采集"
    )
    source_image_id = text("来源图像标识", "SourceID", pattern=IMAGE_ID)
    left_px = integer("左上角X", "LeftTopX", required=True, unit="px")
    top_px = integer("左上角Y", "LeftTopY", required=True, unit="px")
    right_px = integer("右下角X", "RightBtmX", required=True, unit="px")
    bottom_px = integer("右下角Y", "RightBtmY", required=True, unit="px")
    image_width_px = integer("图像宽", "Width", least=1, unit="px")
    image_height_px = integer("图像高", "Height", least=1, unit="px")
    entered_at = instant("入库时间", "EntryTime")
    triggered_at = instant("通知触发时间", "TriggerTime")
    shot_day = day("拍摄日", required=True, note="city day of shot_at")

    @classmethod
    def derive(cls, frame: pl.DataFrame) -> pl.DataFrame:
        """Add the city day of the shot."""
        return frame.with_columns(shot_day=city_day(pl.col("shot_at")))

    @dy.rule()
    def capture_id_names_its_device(cls) -> pl.Expr:
        """对象标识前20位应等于采集设备编码"""
        return pl.col("capture_id").str.slice(0, 20) == pl.col("device_id")

    @dy.rule()
    def capture_id_names_its_shot_time(cls) -> pl.Expr:
        """对象标识第23至36位应等于拍摄时间"""
        return pl.col("capture_id").str.slice(22, 14) == city_wall_clock(
            pl.col("shot_at")
        ).dt.strftime("%Y%m%d%H%M%S")

    @dy.rule()
    def is_shot_before_it_is_entered(cls) -> pl.Expr:
        """拍摄时间不得晚于入库（或通知）时间300秒以上"""
        return pl.col("shot_at") <= pl.coalesce("entered_at", "triggered_at") + ENTRY_TOLERANCE

    @dy.rule()
    def box_has_an_area(cls) -> pl.Expr:
        """目标框右下角应在左上角的右下方"""
        return (pl.col("left_px") < pl.col("right_px")) & (pl.col("top_px") < pl.col("bottom_px"))

    @dy.rule()
    def box_lies_inside_the_picture(cls) -> pl.Expr:
        """目标框应在图像范围之内"""
        return (
            (pl.col("left_px") >= 0)
            & (pl.col("top_px") >= 0)
            & (pl.col("right_px") <= pl.col("image_width_px").fill_null(2**31))
            & (pl.col("bottom_px") <= pl.col("image_height_px").fill_null(2**31))
        )


class FaceCapture(Capture):
    """人脸抓拍 bronze.face_captures. Grain: one face object of one message, resent ones too.

    No picture, no feature, no estimate of the person.
    """

    shot_at = instant("拍摄时间", ("ShotTime", "FaceAppearTime"), required=True)
    appeared_at = instant("出现时间", "FaceAppearTime")
    disappeared_at = instant("消失时间", "FaceDisAppearTime")
    accompany_count = integer("同行人数", "AccompanyNumber", least=0, most=1000, unit="人")
    track_token = text(
        "相机轨迹标记",
        "TrackToken",
        privacy="quasi",
        max_length=64,
        note="the camera's own, valid one device-day; dropped with the passage",
    )

    @dy.rule()
    def capture_id_names_a_face(cls) -> pl.Expr:
        """对象标识第42至43位应为06（人脸）"""
        return pl.col("capture_id").str.slice(41, 2) == FACE_SUBTYPE


class VehicleCapture(Capture):
    """What motor and non-motor vehicles share: a plate, a colour, a speed."""

    has_plate = flag("有无号牌", "HasPlate")
    plate_class_code = text("号牌种类", "PlateClass", max_length=2)
    plate_colour_code = text("号牌颜色", "PlateColor", max_length=2)
    plate_number = text("号牌号码", "PlateNo", privacy="direct", max_length=15)
    speed_kmh = number("速度", "Speed", least=0, most=250, unit="km/h")
    vehicle_colour_code = text("车身颜色", "VehicleColor", max_length=2)


class MotorVehicleCapture(VehicleCapture):
    """机动车抓拍 bronze.vehicle_captures. Grain: one object of one message, resent ones too."""

    shot_at = instant("经过时间", ("PassTime", "AppearTime"), required=True)
    tollgate_id = text("卡口编码", "TollgateID", pattern=DEVICE_ID)
    lane_number = integer("车道号", "LaneNo", least=0, most=99)
    direction_code = text("行驶方向", "Direction", max_length=2, note="senses differ by source")
    vehicle_class_code = text("车辆类型", "VehicleClass", max_length=3)
    is_plate_covered = flag("号牌遮挡", "IsCovered")
    passenger_count = integer("车内人数", "NumOfPassenger", least=0, most=100, unit="人")
    plate_reliability = integer("号牌识别可信度", "PlateReliability", least=0, most=100, unit="%")

    @dy.rule()
    def capture_id_names_a_motor_vehicle(cls) -> pl.Expr:
        """对象标识第42至43位应为02（机动车）"""
        return pl.col("capture_id").str.slice(41, 2) == MOTOR_SUBTYPE


class NonMotorVehicleCapture(VehicleCapture):
    """非机动车抓拍 bronze.nonmotor_captures. Grain: one object of one message, resent ones too."""

    shot_at = instant("经过时间", ("AppearTime", "MarkTime"), required=True)
    vehicle_type_code = text("非机动车类型", "VehicleType", max_length=4)

    @dy.rule()
    def capture_id_names_a_nonmotor_vehicle(cls) -> pl.Expr:
        """对象标识第42至43位应为03（非机动车）"""
        return pl.col("capture_id").str.slice(41, 2) == NONMOTOR_SUBTYPE


class FacePassage(Contract):
    """silver.face_passages. Grain: one person passing one camera once (never across cameras)."""

    shot_day = day("拍摄日", required=True)
    passage_id = text("通行标识", required=True, note="capture_id of the best shot")
    device_id = text("采集设备编码", required=True)
    community_code = text("社区编码", note="null: unplaced")
    shot_at = instant("最佳抓拍时间", required=True)
    started_at = instant("开始时间", required=True)
    ended_at = instant("结束时间", required=True)
    shot_count = integer("抓拍张数", required=True, unit="张")
    is_tracked = flag("有轨迹标记", required=True, note="false: the camera gave no track token")
    accompany_count = integer("同行人数", unit="人")
    clock_offset_s = integer("时钟偏差", required=True, unit="s",
                             note="camera minus true time, taken off all instants")  # fmt: skip


class VehiclePassage(Contract):
    """silver.vehicle_passages. Grain: one motor vehicle passing one camera once."""

    shot_day = day("经过日", required=True)
    passage_id = text("通行标识", required=True, note="capture_id of the most reliable reading")
    device_id = text("采集设备编码", required=True)
    community_code = text("社区编码", note="null: unplaced")
    shot_at = instant("经过时间", required=True)
    started_at = instant("开始时间", required=True)
    ended_at = instant("结束时间", required=True)
    reading_count = integer("识读次数", required=True, unit="次")
    plate_token = text("号牌令牌", privacy="quasi", note="valid on one device on one day only")
    plate_mask = text("号牌掩码", note="闽D***45; null: not read")
    plate_kind = text("号牌类别", note="class of plate_regex.csv; null: not read")
    lane_number = integer("车道号")
    direction_code = text("行驶方向", note="as the source writes it; senses differ by source")
    heading = text("航向", codes=HEADINGS,
                   note="HDirectionType by the site's map; null: the map has nothing")  # fmt: skip
    vehicle_class_code = text("车辆类型")
    vehicle_colour_code = text("车身颜色")
    speed_kmh = number("速度", unit="km/h")
    clock_offset_s = integer("时钟偏差", required=True, unit="s",
                             note="camera minus true time, taken off all instants")  # fmt: skip


class NonMotorPassage(Contract):
    """silver.nonmotor_passages. Grain: one capture of one non-motor vehicle, resent copies removed."""  # noqa: E501 - shown in Dagster as one line

    shot_day = day("经过日", required=True)
    passage_id = text("通行标识", required=True)
    device_id = text("采集设备编码", required=True)
    community_code = text("社区编码", note="null: unplaced")
    shot_at = instant("经过时间", required=True)
    vehicle_type_code = text("非机动车类型")
    vehicle_colour_code = text("车身颜色")
    clock_offset_s = integer("时钟偏差", required=True, unit="s",
                             note="camera minus true time, taken off all instants")  # fmt: skip


_VERSIONS = ("entered_at", "triggered_at")
FEEDS: tuple[Feed, ...] = (
    Feed("face_captures", "人脸抓拍", FaceCapture, "captures", ("ga1400",), ("capture_id",),
         "shot_day", _VERSIONS, "公安", "Face", 30, is_daily=True),
    Feed("vehicle_captures", "机动车抓拍", MotorVehicleCapture, "captures", ("ga1400",),
         ("capture_id",), "shot_day", _VERSIONS, "公安", "MotorVehicle", 30, is_daily=True),
    Feed("nonmotor_captures", "非机动车抓拍", NonMotorVehicleCapture, "captures", ("ga1400",),
         ("capture_id",), "shot_day", _VERSIONS, "公安", "NonMotorVehicle", 30, is_daily=True),
)  # fmt: skip
TABLES: tuple[Table, ...] = (
    *with_ledgers(
        Table(
            "silver",
            "face_passages",
            FacePassage,
            "人员通行",
            "shot_day",
            ("device_id", "shot_at"),
            accounts_for=("face_captures",),
        )
    ),
    *with_ledgers(
        Table(
            "silver",
            "vehicle_passages",
            VehiclePassage,
            "机动车通行",
            "shot_day",
            ("device_id", "shot_at"),
            accounts_for=("vehicle_captures",),
        )
    ),
    *with_ledgers(
        Table(
            "silver",
            "nonmotor_passages",
            NonMotorPassage,
            "非机动车通行",
            "shot_day",
            ("device_id", "shot_at"),
            accounts_for=("nonmotor_captures",),
        )
    ),
)
