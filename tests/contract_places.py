"""Good rows and broken rules of the feeds of places and events (see `contract_book.py`)."""

from __future__ import annotations

from contract_book import BAD_COMMUNITY, COMMUNITY, DEVICE, GRID, IN_CHINA, Book, at

PLACE_BOOKS: dict[str, Book] = {
    "components": Book(
        {"component_id": "35029901001000001", "component_name": "供水井盖", "major_code": "01",
         "type_code": "01001", "department_code": "350299001", "department_name": "市政中心",
         "owner_name": "水务集团", "maintainer_name": "水务集团", "component_state": "完好",
         "data_source": "实测", "grid_code": GRID, "community_code": COMMUNITY,
         "community_name": "一社区", "street_name": "一街", "longitude": "118.05",
         "latitude": "24.05", "shape": '{"type":"Point","coordinates":[118.05,24.05]}',
         "initial_day": "20240101", "changed_day": "20250101", "updated_at": at("08:00:00")},
        "component_id component_name type_code department_code department_name component_state "
        "initial_day", "major_code type_code component_state data_source",
        {"component_name": 30, "department_code": 18, "department_name": 100, "owner_name": 100,
         "maintainer_name": 100, "community_name": 50, "street_name": 50},
        IN_CHINA, BAD_COMMUNITY | {"grid_code": COMMUNITY, "component_id": "3502990100100000X"},
        broken=[("component_id_names_its_class", {"component_id": "35029901002000001"}),
                ("component_id_names_its_class", {"type_code": "01002"}),
                ("major_class_holds_its_class", {"major_code": "02"}),
                ("changes_after_it_begins", {"changed_day": "20231231"})],
        kept=[{"major_code": None}, {"changed_day": None}, {"changed_day": "20240101"},
              {"updated_at": None}],
        implied={"type_code_is_a_known_code":
                 {"component_id_names_its_class", "major_class_holds_its_class"},
                 "major_code_is_a_known_code": {"major_class_holds_its_class"}},
    ),
    "ai_video_events": Book(
        {"event_id": "V1", "device_id": DEVICE, "event_kind": "机动车乱停放",
         "happened_at": at("08:00:00"), "is_confirmed": "是", "handled_at": at("09:00:00"),
         "updated_at": at("09:00:00")},
        "event_id device_id event_kind happened_at updated_at", "event_kind", {"event_id": 40},
        badly_formed={"device_id": "1"},
        broken=[("is_handled_after_it_happens", {"handled_at": at("07:59:59")}),
                ("happens_before_it_is_reported", {"updated_at": at("08:54:59")}),
                ("happens_before_it_is_reported",
                 {"updated_at": at("07:54:59"), "handled_at": None})],
        kept=[{"handled_at": at("08:00:00")}, {"handled_at": None}, {"is_confirmed": None},
              {"updated_at": at("08:55:00")}],
    ),
    "iot_events": Book(
        {"event_id": "W1", "device_id": DEVICE, "system_type": "1", "component_type": "40",
         "status_bit": "1", "happened_at": at("08:00:00"), "handled_at": at("09:00:00"),
         "updated_at": at("09:00:00")},
        "event_id device_id system_type status_bit happened_at updated_at",
        "system_type component_type status_bit", {"event_id": 40}, badly_formed={"device_id": "1"},
        broken=[("status_bit_is_one_of_its_component", {"status_bit": "9"}),
                ("is_handled_after_it_happens", {"handled_at": at("07:59:59")}),
                ("happens_before_it_is_reported", {"updated_at": at("08:54:59")}),
                ("happens_before_it_is_reported",
                 {"updated_at": at("07:54:59"), "handled_at": None})],
        kept=[{"handled_at": at("08:00:00")}, {"handled_at": None}, {"component_type": "11"},
              {"component_type": None, "status_bit": "13"}, {"updated_at": at("08:55:00")}],
        implied={"status_bit_is_a_known_code": {"status_bit_is_one_of_its_component"}},
    ),
}  # fmt: skip
