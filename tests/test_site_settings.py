"""Site tables: read whole or not at all, each refusal naming file, row and rule; and headings."""

from __future__ import annotations

import polars as pl
import pytest
from contract_book import DEVICE
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.headings import unmapped_codes, with_headings
from assets.site_settings import (
    CLOCK_OFFSETS,
    DIRECTIONS,
    SettingsError,
    clock_offsets,
    directions,
)
from schemas import codes, tables
from schemas.site import HEADINGS, ClockOffsetRow
from warehouse.home import Home
from warehouse.lake import Lake, empty

OFFSETS_HEAD = "device_id,valid_from,valid_until,offset_seconds\n"
MAP_HEAD = "device_prefix,direction_code,heading\n"


def put(home: Home, name: str, text: str | bytes) -> None:
    path = home.config / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def test_no_file_is_no_settings(home: Home) -> None:
    assert clock_offsets(home).is_empty()
    assert directions(home).is_empty()
    put(home, CLOCK_OFFSETS, OFFSETS_HEAD)
    assert clock_offsets(home).is_empty()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_times_without_a_zone_are_city_time_and_blanks_are_open(home: Home, encoding: str) -> None:
    text = ("设备编码,起,止,时钟偏差\r\n"
            f"{DEVICE},,2026-11-20 12:00:00,-900\r\n\r\n"
            f"{DEVICE},2026-11-20T04:00:00Z,, 60 \r\n"
            f"{DEVICE[:-1]}9,,,0\r\n")  # fmt: skip
    put(home, CLOCK_OFFSETS, text.encode(encoding))
    found = clock_offsets(home)
    assert found["offset_seconds"].to_list() == [-900, 60], "0 is no offset"
    assert found["valid_until"][0] == found["valid_from"][1]
    assert found["valid_until"].dt.strftime("%F %T")[0] == "2026-11-20 04:00:00"
    assert found["valid_from"][0] is None


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (f"{DEVICE},,,1\n3.5E+19,,,1\n", "row 2: device_id_is_well_formed"),
        (f"{DEVICE},,,\n", "row 1: offset_seconds_is_present"),
        (f"{DEVICE},,,1.5\n", "row 1: offset_seconds_is_readable"),
        (f"{DEVICE},,,86401\n", "row 1: offset_seconds_is_within_range"),
        (f"{DEVICE},yesterday,,1\n", "row 1: valid_from_is_readable"),
        (f"{DEVICE},2026-11-20 12:00,2026-11-20 12:00,1\n", "row 1: ends_after_it_begins"),
        (f"{DEVICE},,,1\n{DEVICE},2026-01-01 00:00,,2\n", "row 2: stretches_of_a_camera_do_not"),
        (
            f"{DEVICE},,20261120050000,1\n{DEVICE},20261120010000,20261120020000,2\n"
            f"{DEVICE},20261120030000,20261120040000,3\n",
            "row 3: stretches_of_a_camera_do_not",
        ),
        (f"{DEVICE},,1\n", "row 1: row_is_readable"),
        (f'"{DEVICE},,,1\n', "not a CSV file"),
    ],
)
def test_a_broken_row_refuses_the_file(home: Home, rows: str, said: str) -> None:
    put(home, CLOCK_OFFSETS, OFFSETS_HEAD + rows)
    with pytest.raises(SettingsError, match=said) as refusal:
        clock_offsets(home)
    assert f"config/{CLOCK_OFFSETS}" in str(refusal.value)
    assert "run again" in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no header"),
        ("device_id,offset\n", "header: unknown: offset"),
        ("device_id\n", "header: missing: offset_seconds"),
        ("device_id,offset_seconds,设备编码\n", "header: there twice: device_id"),
        (b"\xff\xfe\xff", "neither UTF-8 nor GB18030"),
    ],
)
def test_a_broken_header_refuses_the_file(home: Home, text: str | bytes, said: str) -> None:
    put(home, CLOCK_OFFSETS, text)
    with pytest.raises(SettingsError, match=said):
        clock_offsets(home)


hours = st.one_of(st.none(), st.integers(0, 5))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("12"), hours, hours), max_size=5))
def test_overlapping_stretches_are_found_as_a_plain_loop_finds_them(stretches) -> None:
    frame = pl.DataFrame(
        [(f"{DEVICE[:-1]}{d}", a, b, n) for n, (d, a, b) in enumerate(stretches)],
        {"device_id": pl.String, "a": pl.Int64, "b": pl.Int64, "row_number": pl.Int64},
        orient="row",
    )
    base = pl.lit("2026-11-20").str.to_datetime(time_unit="us", time_zone="UTC")
    at = [(base + pl.duration(hours=hour)).alias(name)
          for name, hour in (("valid_from", "a"), ("valid_until", "b"))]  # fmt: skip
    frame = frame.with_columns(*at, offset_seconds=pl.lit(1, pl.Int64), file_id=pl.lit("f"),
                               item_number=pl.lit(1, pl.Int32))  # fmt: skip
    _, failure = ClockOffsetRow.filter(frame.select(list(ClockOffsetRow.columns())))
    counts = failure.counts()
    ends = [(d, -9 if a is None else a, 9 if b is None else b) for d, a, b in stretches]
    if all(a < b for _, a, b in ends):
        overlap = any(
            d == e and a < y and x < b for i, (d, a, b) in enumerate(ends) for e, x, y in ends[:i]
        )
        assert ("stretches_of_a_camera_do_not_overlap" in counts) == overlap
    else:
        assert "ends_after_it_begins" in counts


def test_headings_are_those_of_the_standard_list() -> None:
    table = codes.table("ga1400_codes").filter(list="HDirectionType")
    assert dict(table.select("code", "name").rows()) == HEADINGS
    assert HEADINGS["1"] == "西向东"
    assert len(HEADINGS) == 9


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("35,1,西向东\n", "row 1: heading_is_a_known_code"),
        ("35,1,1\n35,1,2\n", "row 1: a_code_of_a_prefix_stands_once"),
        ("35x,1,1\n", "row 1: device_prefix_is_well_formed"),
        ("35,001,1\n", "row 1: direction_code_is_within_length"),
    ],
)
def test_a_broken_map_is_refused(home: Home, row: str, said: str) -> None:
    put(home, DIRECTIONS, MAP_HEAD + row)
    with pytest.raises(SettingsError, match=said):
        directions(home)


prefixes = st.sampled_from(["3", "35", "350", "36", DEVICE])
maps = st.dictionaries(st.tuples(prefixes, st.sampled_from(["1", "2", "01"])),
                       st.sampled_from(list(HEADINGS)), max_size=8)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(maps, st.lists(st.tuples(st.sampled_from([DEVICE, "36" + "0" * 18, "9" * 20]),
                                st.sampled_from(["1", "01", "3", None])), max_size=8))  # fmt: skip
def test_the_longest_prefix_decides_and_what_it_lacks_is_not_guessed(known, passages) -> None:
    frame = pl.DataFrame([(p, c, h) for (p, c), h in known.items()], orient="row",
                         schema=dict.fromkeys(MAP_HEAD.strip().split(","), pl.String))  # fmt: skip
    rows = pl.DataFrame(passages, {"device_id": pl.String, "direction_code": pl.String},
                        orient="row").with_row_index("n")  # fmt: skip
    got = with_headings(rows, frame).sort("n")
    assert got.height == rows.height
    for (device, code), heading in zip(passages, got["heading"], strict=True):
        sources = [p for p, _ in known if device.startswith(p)]
        meant = known.get((max(sources, key=len), code)) if sources else None
        assert heading == meant


def test_unmapped_codes_are_counted_by_source_and_code(lake: Lake) -> None:
    table = tables.table("silver", "vehicle_passages")
    rows = [(DEVICE, "1", "1"), (DEVICE, "9", None), (DEVICE, "9", None), (DEVICE, None, None),
            ("36" + "0" * 18, "1", None)]  # fmt: skip
    frame = pl.DataFrame(rows, ["device_id", "direction_code", "heading"], orient="row")
    nothing = empty(table.contract)
    instants = {c: pl.lit("2026-11-20").str.to_datetime(time_unit="us", time_zone="UTC")
                for c in ("shot_at", "started_at", "ended_at")}  # fmt: skip
    others = {c: pl.lit(None, t) for c, t in nothing.schema.items() if c not in frame.columns}
    lake.append(table, frame.with_columns(**others | instants).with_columns(
        passage_id=pl.lit("p"), shot_day=pl.lit("2026-11-20").str.to_date(),
        reading_count=pl.lit(1), clock_offset_s=pl.lit(0)))  # fmt: skip
    known = pl.DataFrame({"device_prefix": ["3502"], "direction_code": ["1"], "heading": ["1"]})
    assert unmapped_codes(lake, known) == {"3502 9": 2, "36000000 1": 1}
