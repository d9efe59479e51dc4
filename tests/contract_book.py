"""How a feed's contract is written a second time, and what captures and persons share."""

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


def capture(subtype: str, kind: str, more: Texts, lengths: dict[str, int],
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


PERSON: Texts = {
    "person_name": "陈一", "identity_number": "11010519491231002X", "sex_code": "1",
    "birth_day": "1949-12-31", "population_category": "1", "community_code": COMMUNITY,
    "building_id": "B1", "dwelling_number": "101", "phone": "+86 592-1234567",
    "updated_at": at("08:00:00"),
}  # fmt: skip


def person(more: Texts, lengths: dict[str, int]) -> Book:
    valid = "identity_number_is_valid"
    return Book(
        PERSON | more, "identity_number population_category updated_at",
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
