"""One good row of every feed, by hand, and how to break each of its rules alone."""

from __future__ import annotations

from dataclasses import dataclass, field

Texts = dict[str, str | None]

DEVICE = "35029901001320000001"
COMMUNITY, GRID = "350299001001", "350299001001003"
SQUARE = '{"type":"Polygon","coordinates":[[[118,24],[118.1,24],[118.1,24.1],[118,24.1],[118,24]]]}'


def capture_id(subtype: str, device: str = DEVICE, shot: str = "20261120080000") -> str:
    return f"{device}02{shot}00001{subtype}00001"


@dataclass(frozen=True)
class Book:
    """What a feed promises, written a second time.

    Attributes:
        good: A row every column of which is filled.
        must: Columns that may not be missing.
        codes: Columns with a closed list of values.
        lengths: Column → most characters.
        ranges: Column → smallest and largest value.
        badly_formed: Column → a text against its pattern.
        broken: (rule, changes that break it).
        kept: Changes that lie just inside a rule.
        along: Changes needed when this column is put out of range.
        implied: Rule → what cannot but break with it.
    """

    good: Texts
    must: str
    codes: str = ""
    lengths: dict[str, int] = field(default_factory=dict)
    ranges: dict[str, tuple[float, float | None]] = field(default_factory=dict)
    badly_formed: Texts = field(default_factory=dict)
    broken: list[tuple[str, Texts]] = field(default_factory=list)
    kept: list[Texts] = field(default_factory=list)
    along: dict[str, Texts] = field(default_factory=dict)
    implied: dict[str, set[str]] = field(default_factory=dict)


IN_CHINA: dict[str, tuple[float, float | None]] = {"longitude": (73, 136), "latitude": (3, 54)}
BAD_COMMUNITY: Texts = {"community_code": "35029900100X"}


def at(clock: str, day: str = "2026-11-20") -> str:
    return f"{day} {clock}"


def _capture(subtype: str, kind: str, more: Texts, lengths: dict[str, int],
             ranges: dict[str, tuple[float, float | None]], patterns: Texts) -> Book:  # fmt: skip
    good: Texts = {
        "capture_id": capture_id(subtype), "device_id": DEVICE, "info_kind": "1",
        "source_image_id": "1" * 41, "left_px": "10", "top_px": "20", "right_px": "110",
        "bottom_px": "140", "image_width_px": "1920", "image_height_px": "1080",
        "shot_at": "20261120080000", "entered_at": "20261120080003", "triggered_at": None,
    }  # fmt: skip
    inside, before = "box_lies_inside_the_picture", "is_shot_before_it_is_entered"
    return Book(
        good | more,
        "capture_id device_id left_px top_px right_px bottom_px shot_at",
        lengths=lengths,
        ranges={"info_kind": (0, 2), "image_width_px": (1, None), "image_height_px": (1, None)}
        | ranges,
        badly_formed={"capture_id": capture_id(subtype)[:-1] + "X", "device_id": DEVICE[:-1] + "X",
                      "source_image_id": "1" * 40} | patterns,
        broken=[
            ("capture_id_names_its_device", {"device_id": "9" * 20}),
            ("capture_id_names_its_shot_time", {"shot_at": "20261120080001"}),
            ("capture_id_names_its_shot_time", {"shot_at": "2026-11-20T08:00:00Z"}),
            (f"capture_id_names_a_{kind}", {"capture_id": capture_id("99")}),
            (before, {"entered_at": "20261120075459"}),
            (before, {"entered_at": None, "triggered_at": "20261120075459"}),
            ("box_has_an_area", {"left_px": "110"}),
            ("box_has_an_area", {"bottom_px": "20"}),
            (inside, {"left_px": "-1"}), (inside, {"top_px": "-1"}),
            (inside, {"right_px": "1921"}), (inside, {"bottom_px": "1081"}),
        ],
        kept=[
            {"entered_at": "20261120075500"},
            {"entered_at": "20261120075500", "triggered_at": "20261120070000"},
            {"entered_at": None},
            {"left_px": "0", "top_px": "0", "right_px": "1920", "bottom_px": "1080"},
            {"image_width_px": None, "image_height_px": None, "right_px": "9999"},
            {"shot_at": "2026-11-20T00:00:00Z"},
            {"shot_at": " 2026-11-20 08:00:00 "},
        ],
        implied={
            "device_id_is_well_formed": {"capture_id_names_its_device"},
            "capture_id_names_its_shot_time": {before},
            "image_width_px_is_within_range": {inside},
            "image_height_px_is_within_range": {inside},
        },
    )  # fmt: skip


_PLATE: Texts = {
    "has_plate": "1", "plate_class_code": "02", "plate_colour_code": "5",
    "plate_number": "闽D12345", "speed_kmh": "43.5", "vehicle_colour_code": "A",
}  # fmt: skip
_PLATE_LENGTHS = {"plate_class_code": 2, "plate_colour_code": 2, "plate_number": 15,
                  "vehicle_colour_code": 2}  # fmt: skip
_STAGES = ("verified", "registered", "dispatched", "received", "handled", "checked")
_CASE: Texts = {
    "case_number": "A1", "source_type": "collector", "code_system": "GB/T 47678.5",
    "case_kind": "matter", "type_code": "01001", "community_code": COMMUNITY, "grid_code": GRID,
    "longitude": "118.05", "latitude": "24.05", "reported_at": at("08:00:00"),
    "verified_at": at("09:00:00"), "registered_at": at("10:00:00"),
    "dispatched_at": at("11:00:00"), "received_at": at("12:00:00"), "handled_at": at("13:00:00"),
    "checked_at": at("14:00:00"), "closed_at": at("15:00:00"), "cancelled_at": None,
    "rework_count": "0", "is_self_handled": "否", "updated_at": at("15:00:00"),
}  # fmt: skip
_ALL_OFF: Texts = {f"{stage}_at": None for stage in _STAGES}
_PERSON: Texts = {
    "person_name": "陈一", "identity_number": "11010519491231002X", "sex_code": "1",
    "birth_day": "1949-12-31", "population_category": "1", "community_code": COMMUNITY,
    "building_id": "B1", "dwelling_number": "101", "phone": "+86 592-1234567",
    "updated_at": at("08:00:00"),
}  # fmt: skip


def _person(more: Texts, lengths: dict[str, int]) -> Book:
    valid = "identity_number_is_valid"
    return Book(
        _PERSON | more, "identity_number population_category updated_at",
        "sex_code population_category",
        {"person_name": 60, "building_id": 40, "dwelling_number": 40} | lengths,
        badly_formed=BAD_COMMUNITY | {"phone": "call me"},
        broken=[
            (valid, {"identity_number": "110105194912310021"}),
            (valid, {"identity_number": "11010519490230002X", "birth_day": None}),
            (valid, {"identity_number": "unknown", "birth_day": None}),
            ("birth_day_agrees_with_the_identity_number", {"birth_day": "1949-12-30"}),
        ],
        kept=[{"identity_number": "110105491231002"}, {"identity_number": "11010519491231002x"},
              {"birth_day": None}],
    )  # fmt: skip


BOOKS: dict[str, Book] = {
    "areas": Book(
        {"area_code": "350299001", "area_name": "一街", "tier": "street", "parent_code": "350299",
         "shape": SQUARE, "updated_at": at("08:00:00")},
        "area_code area_name tier shape updated_at", "tier", {"area_name": 60},
        badly_formed={"area_code": "35029900X"},
        broken=[("code_length_fits_its_tier", {"tier": "community"}),
                ("code_length_fits_its_tier", {"area_code": "350299"}),
                ("code_begins_with_its_parent", {"parent_code": "350298"})],
        kept=[{"area_code": "350299", "tier": "district", "parent_code": None},
              {"area_code": GRID, "tier": "grid", "parent_code": COMMUNITY}],
    ),
    "devices": Book(
        {"device_id": DEVICE, "device_name": "路口东", "device_kind": "camera",
         "longitude": "118.05", "latitude": "24.05", "community_code": COMMUNITY,
         "place_type": "路口", "online_code": "1", "installed_day": "2020/1/2",
         "updated_at": at("08:00:00")},
        "device_id device_kind updated_at", "device_kind online_code",
        {"device_name": 100, "place_type": 40}, IN_CHINA,
        BAD_COMMUNITY | {"device_id": "3502990100132000000X"},
        broken=[("stands_where_filming_is_allowed", {"device_kind": kind, "place_type": place})
                for kind in ("camera", "gate")
                for place in ("宿舍", "客房", "浴室", "更衣室", "卫生间", "母婴室")],
        kept=[{"device_kind": "smoke_sensor", "place_type": "客房"}, {"place_type": None}],
    ),
    "face_captures": _capture(
        "06", "face", {"appeared_at": "20261120080000", "disappeared_at": None,
                       "accompany_count": "0", "track_token": "t1"},
        {"track_token": 64}, {"accompany_count": (0, 1000)}, {}),
    "vehicle_captures": _capture(
        "02", "motor_vehicle",
        _PLATE | {"tollgate_id": DEVICE, "lane_number": "1", "direction_code": "3",
                  "vehicle_class_code": "K33", "is_plate_covered": "0", "passenger_count": "1",
                  "plate_reliability": "99"},
        _PLATE_LENGTHS | {"direction_code": 2, "vehicle_class_code": 3},
        {"speed_kmh": (0, 250), "lane_number": (0, 99), "passenger_count": (0, 100),
         "plate_reliability": (0, 100)}, {"tollgate_id": "1"}),
    "nonmotor_captures": _capture(
        "03", "nonmotor_vehicle", _PLATE | {"vehicle_type_code": "1"},
        _PLATE_LENGTHS | {"vehicle_type_code": 4}, {"speed_kmh": (0, 250)}, {}),
    "grid_cases": Book(
        _CASE, "case_number source_type code_system case_kind type_code reported_at updated_at",
        "source_type code_system case_kind", {"case_number": 32, "type_code": 8},
        IN_CHINA | {"rework_count": (0, 1000)}, BAD_COMMUNITY | {"grid_code": COMMUNITY},
        broken=[
            ("is_verified_after_it_is_reported", {"verified_at": at("07:59:59")}),
            ("is_registered_after_it_is_verified", {"registered_at": at("08:59:59")}),
            ("is_registered_after_it_is_verified",
             {"registered_at": at("07:59:59"), "verified_at": None}),
            ("is_dispatched_after_it_is_registered", {"dispatched_at": at("09:59:59")}),
            ("is_received_after_it_is_dispatched", {"received_at": at("10:59:59")}),
            ("is_handled_after_it_is_received", {"handled_at": at("11:59:59")}),
            ("is_handled_after_it_is_received",
             {"handled_at": at("10:59:59"), "received_at": None}),
            ("is_checked_after_it_is_handled", {"checked_at": at("12:59:59")}),
            ("closes_after_it_is_reported", _ALL_OFF | {"closed_at": at("07:59:59")}),
            *(("closes_after_it_is_reported",
               _ALL_OFF | {f"{s}_at": at("14:00:00"), "closed_at": at("13:59:59")})
              for s in _STAGES),
            ("is_updated_after_its_last_stage", {"updated_at": at("14:54:59")}),
            ("is_updated_after_its_last_stage", {"cancelled_at": at("15:05:01")}),
        ],
        kept=[{f"{s}_at": at("08:00:00") for s in (*_STAGES, "closed")}, {"closed_at": None},
              _ALL_OFF | {"closed_at": None}, {"updated_at": at("14:55:00")},
              {"cancelled_at": at("15:05:00")}],
    ),
    "sensor_alarms": Book(
        {"alarm_id": "S1", "device_id": DEVICE, "alarm_kind": "smoke",
         "raised_at": at("08:00:00"), "cleared_at": at("09:00:00"), "updated_at": at("09:00:00")},
        "alarm_id device_id alarm_kind raised_at updated_at", "alarm_kind", {"alarm_id": 40},
        badly_formed={"device_id": "1"},
        broken=[("clears_after_it_is_raised", {"cleared_at": at("07:59:59")}),
                ("is_raised_before_it_is_reported", {"updated_at": at("07:54:59")})],
        kept=[{"cleared_at": at("08:00:00")}, {"cleared_at": None}, {"updated_at": at("07:55:00")}],
    ),
    "sensor_readings": Book(
        {"reading_id": "R1", "device_id": DEVICE, "quantity": "hydrant_pressure",
         "analog_type": "5", "value": "0.25", "read_at": at("08:00:00"), "sent_at": at("08:00:05")},
        "reading_id device_id quantity value read_at sent_at", "quantity", {"reading_id": 64},
        {"analog_type": (0, 255), "value": (-1, 10_000)}, {"device_id": "1"},
        broken=[("pressure_is_finer_than_its_threshold", {"analog_type": "4"}),
                ("pressure_is_possible", {"value": "2.6"}),
                ("pressure_is_possible", {"value": "-0.1"}),
                ("is_read_before_it_is_sent", {"sent_at": at("07:54:59")})],
        kept=[{"quantity": "smoke", "analog_type": "4"}, {"analog_type": None}, {"value": "2.5"},
              {"value": "0"}, {"sent_at": at("07:55:00")}],
        along={"value": {"quantity": "smoke"}},
    ),
    "population_household": _person({"household_number": "H1"}, {"household_number": 40}),
    "population_visits": _person({"is_living_here": "是"}, {}),
    "buildings": Book(
        {"building_id": "B1", "building_name": "一号楼", "building_use": "residential",
         "floor_count": "6", "unit_count": "2", "dwelling_count": "24",
         "self_occupied_count": "10", "rented_count": "10", "vacant_count": "4",
         "danger_grade": "A", "community_code": COMMUNITY, "longitude": "118.05",
         "latitude": "24.05", "footprint": SQUARE, "updated_at": at("08:00:00")},
        "building_id updated_at", "building_use danger_grade",
        {"building_id": 40, "building_name": 100},
        IN_CHINA | {"floor_count": (1, 200), "unit_count": (0, 200), "dwelling_count": (0, 5000),
                    "self_occupied_count": (0, None), "rented_count": (0, None),
                    "vacant_count": (0, None)},
        BAD_COMMUNITY,
        broken=[("uses_fit_into_the_dwellings", {c: "11"})
                for c in ("self_occupied_count", "rented_count", "vacant_count")],
        kept=[{"vacant_count": None}, {"dwelling_count": None, "rented_count": "99"}],
        along={"dwelling_count": dict.fromkeys(
            ("self_occupied_count", "rented_count", "vacant_count"), None)},
        implied={"dwelling_count_is_within_range": {"uses_fit_into_the_dwellings"}},
    ),
    "rentals": Book(
        {"rental_id": "L1", "building_id": "B1", "community_code": COMMUNITY, "rent_way": "1",
         "rent_channel": "2", "area_m2": "60.5", "rent_yuan_per_month": "2500",
         "tenant_count": "2", "landlord_name": "陈一", "landlord_phone": "13900000000",
         "starts_day": "2026-01-01", "ends_day": "2026-12-31 00:00:00",
         "updated_at": at("08:00:00")},
        "rental_id rent_way rent_channel updated_at", "rent_way rent_channel",
        {"rental_id": 40, "building_id": 40, "landlord_name": 60},
        {"area_m2": (2, 5000), "rent_yuan_per_month": (0, 1_000_000), "tenant_count": (0, 200)},
        BAD_COMMUNITY, broken=[("ends_after_it_starts", {"ends_day": "2025-12-31"})],
        kept=[{"ends_day": "2026-01-01"}, {"ends_day": None}, {"starts_day": None}],
    ),
    "fire_inspections": Book(
        {"inspection_id": "I1", "building_id": "B1", "community_code": COMMUNITY,
         "result": "hazard", "hazard_count": "2", "rectified_count": "1",
         "inspected_at": at("08:00"), "due_day": "20261201", "updated_at": at("09:00:00")},
        "inspection_id result inspected_at updated_at", "result",
        {"inspection_id": 40, "building_id": 40},
        {"hazard_count": (0, 1000), "rectified_count": (0, 1000)}, BAD_COMMUNITY,
        broken=[("rectifies_no_more_than_was_found", {"rectified_count": "3"}),
                ("rectifies_no_more_than_was_found", {"hazard_count": None})],
        kept=[{"rectified_count": "2"}, {"rectified_count": None}],
        along={"hazard_count": {"rectified_count": None}},
        implied={"rectified_count_is_within_range": {"rectifies_no_more_than_was_found"},
                 "hazard_count_is_readable": {"rectifies_no_more_than_was_found"}},
    ),
    "fire_alarms": Book(
        {"alarm_id": "F1", "building_id": "B1", "community_code": COMMUNITY, "alarm_kind": "fire",
         "is_confirmed": "true", "alarmed_at": at("08:00:00"), "updated_at": at("08:00:00")},
        "alarm_id alarm_kind alarmed_at updated_at", "alarm_kind",
        {"alarm_id": 40, "building_id": 40}, badly_formed=BAD_COMMUNITY,
        broken=[("is_alarmed_before_it_is_reported", {"updated_at": at("07:54:59")})],
        kept=[{"updated_at": at("07:55:00")}],
    ),
    "fire_responses": Book(
        {"incident_number": "26000001", "unit_id": "E01", "call_type": "Alarms",
         "received_at": "2026-11-20T08:00:00.000", "dispatched_at": "2026-11-20T08:01:00.000",
         "on_scene_at": "2026-11-20T08:06:00.000", "available_at": "2026-11-20T08:30:00.000",
         "unit_type": "ENGINE", "longitude": "-122.4", "latitude": "37.7"},
        "incident_number unit_id call_type received_at", "",
        {"incident_number": 40, "unit_id": 20, "call_type": 80, "unit_type": 40},
        {"longitude": (-180, 180), "latitude": (-90, 90)},
        broken=[("arrives_after_it_is_dispatched", {"on_scene_at": at("08:00:59")}),
                ("is_dispatched_after_it_is_received", {"dispatched_at": at("07:59:59")})],
        kept=[{"on_scene_at": at("08:01:00")}, {"on_scene_at": None}, {"dispatched_at": None},
              {"dispatched_at": at("08:00:00")}],
    ),
}  # fmt: skip
