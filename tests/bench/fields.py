"""The fields of captured objects as plain data, for scripts that know nothing of contracts.

Written by hand from GA/T 1400 and the rules of `schemas/captures.py`; importing those would load
dataframely and Polars into every rival.
"""

from __future__ import annotations

from typing import NamedTuple

ID48, ID41, ID20 = r"\d{48}", r"\d{41}", r"\d{20}"


class Field(NamedTuple):
    """One column: how sources write it, how it is read, what must hold."""

    name: str
    reader: str
    wires: tuple[str, ...]
    is_required: bool = False
    pattern: str | None = None
    least: int | None = None
    most: int | None = None
    max_length: int | None = None


class Kind(NamedTuple):
    """One kind of captured object: its feed, its name in messages, digits 42-43 of its ids."""

    feed: str
    object: str
    subtype: str
    fields: tuple[Field, ...]
    subtype_rule: str


def _common(id_wire: str) -> tuple[Field, ...]:
    return (
        Field("capture_id", "text", (id_wire,), True, ID48),
        Field("device_id", "text", ("DeviceID",), True, ID20),
        Field("info_kind", "integer", ("InfoKind",), least=0, most=2),
        Field("source_image_id", "text", ("SourceID",), pattern=ID41),
        Field("left_px", "integer", ("LeftTopX",), True),
        Field("top_px", "integer", ("LeftTopY",), True),
        Field("right_px", "integer", ("RightBtmX",), True),
        Field("bottom_px", "integer", ("RightBtmY",), True),
        Field("image_width_px", "integer", ("Width",), least=1),
        Field("image_height_px", "integer", ("Height",), least=1),
        Field("entered_at", "instant", ("EntryTime",)),
        Field("triggered_at", "instant", ("TriggerTime",)),
    )


_VEHICLE = (
    Field("has_plate", "flag", ("HasPlate",)),
    Field("plate_class_code", "text", ("PlateClass",), max_length=2),
    Field("plate_colour_code", "text", ("PlateColor",), max_length=2),
    Field("plate_number", "text", ("PlateNo",), max_length=15),
    Field("speed_kmh", "number", ("Speed",), least=0, most=250),
    Field("vehicle_colour_code", "text", ("VehicleColor",), max_length=2),
)

KINDS = {
    "face": Kind("face_captures", "Face", "06", (
        *_common("FaceID"),
        Field("shot_at", "instant", ("ShotTime", "FaceAppearTime"), True),
        Field("appeared_at", "instant", ("FaceAppearTime",)),
        Field("disappeared_at", "instant", ("FaceDisAppearTime",)),
        Field("accompany_count", "integer", ("AccompanyNumber",), least=0, most=1000),
        Field("track_token", "text", ("TrackToken",), max_length=64),
    ), "capture_id_names_a_face"),
    "vehicle": Kind("vehicle_captures", "MotorVehicle", "02", (
        *_common("MotorVehicleID"), *_VEHICLE,
        Field("shot_at", "instant", ("PassTime", "AppearTime"), True),
        Field("tollgate_id", "text", ("TollgateID",), pattern=ID20),
        Field("lane_number", "integer", ("LaneNo",), least=0, most=99),
        Field("direction_code", "text", ("Direction",), max_length=2),
        Field("vehicle_class_code", "text", ("VehicleClass",), max_length=3),
        Field("is_plate_covered", "flag", ("IsCovered",)),
        Field("passenger_count", "integer", ("NumOfPassenger",), least=0, most=100),
        Field("plate_reliability", "integer", ("PlateReliability",), least=0, most=100),
    ), "capture_id_names_a_motor_vehicle"),
    "nonmotor": Kind("nonmotor_captures", "NonMotorVehicle", "03", (
        *_common("NonMotorVehicleID"), *_VEHICLE,
        Field("shot_at", "instant", ("AppearTime", "MarkTime"), True),
        Field("vehicle_type_code", "text", ("VehicleType",), max_length=4),
    ), "capture_id_names_a_nonmotor_vehicle"),
}  # fmt: skip

TRUE = ("true", "1", "是", "y", "yes", "有")
FALSE = ("false", "0", "否", "n", "no", "无")
WATCH_LIST = ("DispositionListObject", "DispositionObject", "DispositionNotificationListObject",
              "DispositionNotificationObject", "DispositionObjectList",
              "DispositionNotificationObjectList")  # fmt: skip
# Lists of one message in the order in which its objects are numbered.
LISTS = (("FaceListObject", "face"), ("FaceObjectList", "face"),
         ("MotorVehicleListObject", "vehicle"), ("MotorVehicleObjectList", "vehicle"),
         ("NonMotorVehicleListObject", "nonmotor"),
         ("NonMotorVehicleObjectList", "nonmotor"))  # fmt: skip

_PROVINCE = "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]"
_AREA, _ANY, _POWER = "[A-HJ-NP-Z]", "[A-HJ-NP-Z0-9]", "[DABCEFGHJK]"
PLATES = (
    ("civil7", f"{_PROVINCE}{_AREA}{_ANY}{{5}}"),
    ("nev_small8", f"{_PROVINCE}{_AREA}{_POWER}{_ANY}[0-9]{{4}}"),
    ("nev_large8", f"{_PROVINCE}{_AREA}[0-9]{{5}}{_POWER}"),
    ("police", f"{_PROVINCE}{_AREA}{_ANY}{{4}}警"),
    ("trainer", f"{_PROVINCE}{_AREA}{_ANY}{{4}}学"),
    ("trailer", f"{_PROVINCE}{_AREA}{_ANY}{{4}}挂"),
    ("hk_mo", f"粤Z{_ANY}{{4}}[港澳]"),
    ("consulate", f"{_PROVINCE}{_AREA}{_ANY}{{4}}领"),
    ("embassy", "([0-9]{3}[0-9]{3}使|使[0-9]{6})"),
    ("armed", f"WJ{_PROVINCE}?[0-9]{{4}}[0-9TDSHBXJ]"),
    ("military", f"[QVKHBSLJNGCEZDRMFTAUWYXPO]{_AREA}[0-9]{{5}}"),
    ("emergency", f"{_PROVINCE}{_AREA}[SX]{_ANY}{{3}}应急"),
    ("temp", f"{_PROVINCE}{_AREA}?{_ANY}{{4,5}}临"),
)
FULL_WIDTH = "０１２３４５６７８９ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ" \
             "ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ"  # fmt: skip
HALF_WIDTH = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CONFUSED, STANDS_FOR = "DQOBTIZS", "00081125"
NO_PLATE = ("", "无车牌", "无牌")

METRICS = (("passage_face_count", "face", "passage_count"),
           ("passage_face_shot_count", "face", "shot_count"),
           ("passage_motor_count", "motor", "passage_count"),
           ("passage_nonmotor_count", "nonmotor", "passage_count"))  # fmt: skip
