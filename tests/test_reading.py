"""Every reader against Python's own parsers, and against whatever text people send."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, date, datetime, timedelta, timezone

import polars as pl
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quality.reading import READERS
from schemas.contract import INSTANT

CITY = timezone(timedelta(hours=8))
quick = settings(deadline=None, max_examples=150)


def read(reader: str, *texts: str | None) -> list:
    return READERS[reader](pl.Series("c", texts, dtype=pl.String)).to_list()


def one(reader: str, text: str | None):
    return read(reader, text)[0]


# The same in plain Python. `re.ASCII`: digits of other scripts are no digits here; the four
# separators U+001C to U+001F, which Python alone takes for blanks, are none either.
BLANKS = "".join(chr(c) for c in range(0x3001) if chr(c).isspace() and not 0x1C <= c <= 0x1F)


def full(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text, re.ASCII) is not None


def plain_number(text: str) -> float | None:
    text = text.strip(BLANKS)
    if not full(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text):
        return None
    return float(text) if math.isfinite(float(text)) else None


def plain_integer(text: str) -> int | None:
    text = text.strip(BLANKS)
    if full(r"[+-]?\d+", text) and -(2**63) <= int(text) < 2**63:
        return int(text)
    real = plain_number(text)
    return int(real) if real is not None and real == int(real) and abs(real) < 2**53 else None


def plain_flag(text: str) -> bool | None:
    text = text.strip(BLANKS).lower()
    if text in ("true", "1", "是", "y", "yes", "有"):
        return True
    return False if text in ("false", "0", "否", "n", "no", "无") else None


STYLES = (
    (r"\d{14}", "%Y%m%d%H%M%S"),
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d", "%Y-%m-%d %H:%M:%S"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d", "%Y-%m-%d %H:%M"),
    (r"\d{4}/\d\d?/\d\d? \d\d?:\d\d:\d\d", "%Y/%m/%d %H:%M:%S"),
    (r"\d{4}/\d\d?/\d\d? \d\d?:\d\d", "%Y/%m/%d %H:%M"),
)
ISO = r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?"


def plain_instant(text: str) -> datetime | None:
    text = text.strip(BLANKS)
    found = None
    try:
        for pattern, form in STYLES:
            if full(pattern, text):
                found = datetime.strptime(text.replace("T", " "), form).replace(tzinfo=CITY)
        if found is None and full(ISO, text):
            whole, _, rest = text.partition(".")
            digits = re.match(r"\d*", rest)
            fraction = digits.group() if digits else ""
            found = datetime.fromisoformat(whole + rest[len(fraction) :])
            found = found.replace(microsecond=int(fraction[:6].ljust(6, "0")))
            found = found if found.tzinfo else found.replace(tzinfo=CITY)
    except ValueError:
        return None
    found = found and found.astimezone(UTC)
    return found if found and 1900 <= found.year <= 2100 else None


def plain_date(text: str) -> date | None:
    text = re.sub(r"[ T]00:00:00(\.0+)?$", "", text.strip(BLANKS))
    for pattern, form in ((r"\d{8}", "%Y%m%d"), (r"\d{4}-\d\d-\d\d", "%Y-%m-%d"),
                          (r"\d{4}/\d\d?/\d\d?", "%Y/%m/%d"),
                          (r"\d{4}年\d\d?月\d\d?日", "%Y年%m月%d日")):  # fmt: skip
        if full(pattern, text):
            try:
                found = datetime.strptime(text, form).date()
            except ValueError:
                return None
            return found if 1900 <= found.year <= 2100 else None
    return None


PLAIN = {"number": plain_number, "integer": plain_integer, "flag": plain_flag,
         "instant": plain_instant, "date": plain_date}  # fmt: skip

near_days = st.builds(
    "{}{}{}{}{}{}".format,
    st.sampled_from([*["2026"] * 4, "2024", "1900", "1899", "2101", "0000", "26"]),
    dash := st.shared(st.sampled_from(["-", "-", "/", ""]), key="dash"),
    st.sampled_from(["11", "02", "12", "2", "00", "13"]), dash,
    st.sampled_from(["20", "01", "28", "29", "30", "31", "00", "32", "3"]),
    st.sampled_from(["", "", "", "日", " 00:00:00", "T00:00:00.000", " 00:00:01"]),
)  # fmt: skip
near_instants = st.builds(
    "{}{}{}{}{}{}{}{}".format,
    near_days, st.sampled_from([" ", " ", "T", ""]),
    st.sampled_from(["08", "23", "00", "24", "8"]),
    colon := st.shared(st.sampled_from([":", ":", ":", ""]), key="colon"),
    st.sampled_from(["59", "00", "60", "5"]),
    st.sampled_from([":59", ":00", ":61", "", "59", "00"]),
    st.sampled_from(["", "", ".5", ".123456", ".123456789", "."]),
    st.sampled_from(["", "", "Z", "+08:00", "-0330", "+00:00", "+24:00", "z", " Z"]),
)  # fmt: skip
near_numbers = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["", " ", "+", "-", "--"]),
    st.integers(0, 2**65).map(str) | st.sampled_from(["", "0x1", "1_0", "１２", "NaN", "inf"]),
    st.sampled_from(["", "", ".0", ".5", ".", ",5", ".000"]),
    st.sampled_from(["", "", "e3", "E-2", "e400", "e"]), st.sampled_from(["", " ", "%"]),
)  # fmt: skip
whole_numbers = st.sampled_from([-1, 0, 1]).flatmap(
    lambda off: st.sampled_from([2**53, 2**63, -(2**53), -(2**63)]).map(lambda big: big + off)
)
anything = st.text(max_size=30) | st.from_regex(r"[0-9.:eE+\-T Z/年月日]{0,22}", fullmatch=True)


@quick
@given(st.lists(near_numbers | anything | whole_numbers.map(str)
                | whole_numbers.map("{}.0".format), max_size=8))  # fmt: skip
def test_numbers_and_integers_are_read_as_python_reads_them(texts: list[str]) -> None:
    assert read("number", *texts) == [plain_number(t) for t in texts]
    assert read("integer", *texts) == [plain_integer(t) for t in texts]


@quick
@given(st.lists(near_instants | near_days | anything, min_size=1, max_size=8))
def test_instants_and_dates_are_read_as_python_reads_them(texts: list[str]) -> None:
    assert read("instant", *texts) == [plain_instant(t) for t in texts]
    assert read("date", *texts) == [plain_date(t) for t in texts]


@quick
@given(st.datetimes(datetime(1900, 1, 2), datetime(2100, 12, 31)), st.integers(0, 3))
def test_every_style_of_an_instant_is_the_same_instant(naive: datetime, style: int) -> None:
    naive = naive.replace(microsecond=0)
    city = naive.replace(tzinfo=CITY)
    styles = (naive.strftime("%4Y%m%d%H%M%S"), f"{naive}", naive.isoformat(),
              city.astimezone(UTC).isoformat().replace("+00:00", "Z"), city.isoformat(),
              city.astimezone(timezone(timedelta(hours=-3.5))).isoformat())  # fmt: skip
    assert read("instant", *styles) == [city.astimezone(UTC)] * len(styles)


@pytest.mark.parametrize(
    ("reader", "text", "value"),
    [
        ("instant", "20261120000000", datetime(2026, 11, 19, 16, tzinfo=UTC)),
        ("instant", "20240229120000", datetime(2024, 2, 29, 4, tzinfo=UTC)),
        ("instant", "20260229120000", None),
        ("instant", "20261120240000", None),
        ("instant", "2026-11-20", None),
        ("instant", "2026-11-20T00:00:00+08:00", datetime(2026, 11, 19, 16, tzinfo=UTC)),
        ("instant", "20261120075960", datetime(2026, 11, 20, tzinfo=UTC)),  # a leap second
        ("instant", "21020101000000", None),
        ("instant", "18991231120000", None),
        ("date", "21010101", None),
        ("date", "19000101", date(1900, 1, 1)),
        ("date", "2026-11-20 00:00:00", date(2026, 11, 20)),
        ("date", "2026-11-20 08:00:00", None),
        ("date", "2026年1月2日", date(2026, 1, 2)),
        ("integer", "12.0", 12),
        ("integer", "12.5", None),
        ("integer", "1e3", 1000),
        ("integer", str(2**53 + 1), 2**53 + 1),
        ("integer", f"{2**53}.0", None),
        ("integer", "9" * 30, None),
        ("number", "NaN", None),
        ("number", "-Infinity", None),
        ("number", "1e999", None),
        ("flag", "是", True),
        ("flag", " No ", False),
        ("flag", "2", None),
        ("text", " a ", "a"),
        ("text", "\u3000\t", None),
        ("text", "a\x00", None),
        ("text", "a\ufffd", None),
        ("geometry", '{"type":"Point","coordinates":[1e999,0]}', None),
        ("geometry", '{"type":"Polygon","coordinates":[]}', None),
        ("geometry", '{"type":"Polygon","coordinates":[[[0,0],[1,1],[1,0],[0,1],[0,0]]]}', None),
    ],
)
def test_a_known_text_has_a_known_value(reader: str, text: str, value: object) -> None:
    assert read(reader, text, None) == [value, None]


@quick
@given(st.lists(st.none() | anything, max_size=6))
@example(["[" * 5000, '{"type":"Polygon"}', "{}", "null", '"a"', "1", "\x00"])
@example(['{"type":"GeometryCollection","geometries":[' * 500])
def test_no_reader_ever_raises_or_loses_a_row(texts: list[str | None]) -> None:
    for reader, dtype in {"text": pl.String, "integer": pl.Int64, "number": pl.Float64,
                          "flag": pl.Boolean, "instant": INSTANT, "date": pl.Date,
                          "geometry": pl.Binary}.items():  # fmt: skip
        found = READERS[reader](pl.Series("c", texts, dtype=pl.String))
        assert (len(found), found.dtype) == (len(texts), dtype)


@quick
@given(st.lists(st.text("aé ,\u3000\x00\ufffd\t", max_size=6)))
def test_text_is_stripped_and_refused_as_python_would(texts: list[str]) -> None:
    stripped = [t.strip(BLANKS) for t in texts]
    assert read("text", *texts) == [
        None if not t or "\x00" in t or "\ufffd" in t else t for t in stripped
    ]


def test_flags_are_read_as_python_reads_them() -> None:
    texts = ["TRUE", "true ", "1", "0", "有", "无", "Y", "n", "", "yes!", "10", "是是"]
    assert read("flag", *texts) == [plain_flag(t) for t in texts]


@quick
@given(st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), min_size=1, max_size=4))
def test_shapes_come_through_as_they_were_sent(points: list[tuple[float, float]]) -> None:
    text = json.dumps({"type": "MultiPoint", "coordinates": points})
    (wkb,) = read("geometry", text)
    assert [(p.x, p.y) for p in shapely.from_wkb(wkb).geoms] == points


def test_all_readers_are_held_by_a_loop_here() -> None:
    assert set(READERS) == {*PLAIN, "text", "geometry"}
