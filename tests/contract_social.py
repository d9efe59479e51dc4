"""Books of the registers of small places and of persons: employment, party, welfare."""

from __future__ import annotations

from contract_book import BAD_COMMUNITY, COMMUNITY, GRID, IN_CHINA, Book, at

SOCIAL_BOOKS: dict[str, Book] = {
    "small_places": Book(
        {"place_id": "P1", "place_name": "一号小吃店", "place_kind": "4",
         "credit_code": "91350100M000100Y43", "building_id": "B1", "community_code": COMMUNITY,
         "grid_code": GRID, "street_name": "一街", "community_name": "一社区",
         "longitude": "118.05", "latitude": "24.05", "area_m2": "60.5", "employee_count": "4",
         "operator_name": "陈一", "operator_phone": "+86 592-1234567", "fire_level": "3",
         "last_inspected_day": "2026年11月20日", "hazard_count": "2", "rectified_count": "1",
         "updated_at": at("08:00:00")},
        "place_id place_name place_kind fire_level updated_at", "place_kind fire_level",
        {"place_id": 40, "place_name": 100, "building_id": 40, "street_name": 60,
         "community_name": 60, "operator_name": 60},
        IN_CHINA | {"area_m2": (1, 5000), "employee_count": (0, 1000), "hazard_count": (0, 1000),
                    "rectified_count": (0, 1000)},
        BAD_COMMUNITY | {"grid_code": COMMUNITY, "operator_phone": "call me"},
        broken=[("credit_code_is_valid", {"credit_code": "91350100M000100Y4A"}),
                ("credit_code_is_valid", {"credit_code": "none"}),
                ("rectifies_no_more_than_was_found", {"rectified_count": "3"}),
                ("rectifies_no_more_than_was_found", {"hazard_count": None}),
                ("is_inspected_before_it_is_reported", {"last_inspected_day": "2026-11-21"})],
        kept=[{"credit_code": None}, {"rectified_count": "2"}, {"rectified_count": None},
              {"last_inspected_day": None}, {"updated_at": "2026-11-19T16:00:00Z"}],
        along={"hazard_count": {"rectified_count": None}},
        implied={"rectified_count_is_within_range": {"rectifies_no_more_than_was_found"},
                 "hazard_count_is_readable": {"rectifies_no_more_than_was_found"}},
    ),
}  # fmt: skip
