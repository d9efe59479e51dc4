"""Books of the registers of small places and of persons: employment, party, welfare."""

from __future__ import annotations

from dataclasses import replace

from contract_book import BAD_COMMUNITY, COMMUNITY, GRID, IN_CHINA, Book, Texts, at, person

# A woman born on 31 December 1949: 70 years and more on the day of these rows.
_PERSON: Texts = {
    "person_name": "陈一", "identity_number": "11010519491231002X", "community_code": COMMUNITY,
    "grid_code": GRID, "updated_at": at("08:00:00"),
}  # fmt: skip
_VALID = "identity_number_is_valid"
_BAD_NUMBERS: list[tuple[str, Texts]] = [
    (_VALID, {"identity_number": "110105194912310021"}),
    (_VALID, {"identity_number": "11010519490230002X"}),
    (_VALID, {"identity_number": "unknown"}),
]
_GOOD_NUMBERS: list[Texts] = [
    {"identity_number": "110105491231002"}, {"identity_number": "11010519491231002x"},
]  # fmt: skip
_BADLY_FORMED = BAD_COMMUNITY | {"grid_code": COMMUNITY}

_LISTED: Texts = {"record_id": "R1", "unit_number": "2", "address": "示例路1号2单元101室"}
_LISTED_LENGTHS = {"record_id": 60, "unit_number": 40, "address": 200}
_PROPERTY = person(
    _LISTED | {"property_company": "示例物业", "occupant_role": "1"},
    _LISTED_LENGTHS | {"property_company": 100},
)
_SELF = person(_LISTED, _LISTED_LENGTHS)

SOCIAL_BOOKS: dict[str, Book] = {
    "population_property": replace(
        _PROPERTY, must="record_id updated_at", codes=f"{_PROPERTY.codes} occupant_role",
        kept=[*_PROPERTY.kept, {"identity_number": None}, {"population_category": None},
              {"identity_number": None, "birth_day": "1950-01-01"}],
    ),
    "population_self": replace(_SELF, must=f"record_id {_SELF.must}"),
    "small_places": Book(
        {"place_id": "P1", "place_name": "一号小吃店", "place_kind": "4",
         "credit_code": "91350100M000100Y43", "building_id": "B1", "address": "湖滨路12号",
         "community_code": COMMUNITY,
         "grid_code": GRID, "street_name": "一街", "community_name": "一社区",
         "longitude": "118.05", "latitude": "24.05", "area_m2": "60.5", "employee_count": "4",
         "operator_name": "陈一", "operator_phone": "+86 592-1234567", "fire_level": "3",
         "last_inspected_day": "2026年11月20日", "hazard_count": "2", "rectified_count": "1",
         "updated_at": at("08:00:00")},
        "place_id place_name place_kind fire_level updated_at", "place_kind fire_level",
        {"place_id": 40, "place_name": 100, "building_id": 40, "address": 200, "street_name": 60,
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
    "employment": Book(
        _PERSON | {"employment_state": "2", "education_code": "21", "industry_section": "C",
                   "registered_day": "2026-11-20"},
        "identity_number employment_state updated_at", "employment_state industry_section",
        {"person_name": 60}, badly_formed=_BADLY_FORMED | {"education_code": "51"},
        broken=[*_BAD_NUMBERS,
                ("is_registered_before_it_is_reported", {"registered_day": "2026-11-21"})],
        kept=[*_GOOD_NUMBERS, {"registered_day": None}, {"education_code": "90"},
              {"updated_at": "2026-11-19T16:00:00Z"}],
    ),
    "party_members": Book(
        _PERSON | {"party_organisation_code": "350299A001", "membership": "1",
                   "join_day": "1970-07-01", "age_years": "76", "sex_code": "2",
                   "is_floating": "否"},
        "identity_number party_organisation_code updated_at", "membership sex_code",
        {"person_name": 60}, {"age_years": (18, 120)},
        _BADLY_FORMED | {"party_organisation_code": "支部"},
        broken=[*_BAD_NUMBERS,
                ("joins_at_eighteen_or_later", {"join_day": "1967-12-30"}),
                ("joins_before_it_is_reported", {"join_day": "2026-11-21"}),
                ("age_agrees_with_the_identity_number", {"age_years": "74"}),
                ("age_agrees_with_the_identity_number", {"age_years": "78"}),
                ("sex_agrees_with_the_identity_number", {"sex_code": "1"})],
        kept=[*_GOOD_NUMBERS, {"join_day": "1967-12-31"}, {"join_day": "2026-11-20"},
              {"join_day": None}, {"age_years": "75"}, {"age_years": "77"}, {"age_years": None},
              {"sex_code": "9"}, {"sex_code": None}],
        implied={"age_years_is_within_range": {"age_agrees_with_the_identity_number"}},
    ),
    "welfare": Book(
        _PERSON | {"household_number": "H1", "is_household_head": "是", "welfare_kind": "1",
                   "welfare_class": "B", "amount_yuan_per_month": "735.5",
                   "starts_day": "2026-01-01", "ends_day": "2026-12-31"},
        "identity_number welfare_kind starts_day updated_at", "welfare_kind welfare_class",
        {"person_name": 60, "household_number": 40}, {"amount_yuan_per_month": (0, 100_000)},
        _BADLY_FORMED,
        broken=[*_BAD_NUMBERS, ("ends_after_it_starts", {"ends_day": "2025-12-31"}),
                ("only_subsistence_has_a_class", {"welfare_kind": "2"})],
        kept=[*_GOOD_NUMBERS, {"ends_day": "2026-01-01"}, {"ends_day": None},
              {"welfare_class": None}, {"welfare_kind": "9", "welfare_class": None}],
        implied={"welfare_kind_is_a_known_code": {"only_subsistence_has_a_class"}},
    ),
}  # fmt: skip
