"""Identifiers against the vectors of the standards and against plain loops."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.identifiers import (
    CONFUSED,
    confusion_canonical,
    differs_in_one_character,
    identity_number_canonical,
    identity_number_is_valid,
    plate_class,
    plate_mask,
    plate_normalised,
    social_credit_code_is_valid,
)
from schemas.codes import table

VECTORS = table("format_test_vectors")
CREDIT = "[0-9A-HJ-NPQRTUWXY]"
unhurried = settings(deadline=None)


def answers(function: Callable[[pl.Expr], pl.Expr], values: list[str | None]) -> list:
    frame = pl.DataFrame({"value": values}, schema={"value": pl.String})
    return frame.select(function(pl.col("value"))).to_series().to_list()


def answer(function: Callable[[pl.Expr], pl.Expr], value: str | None):
    return answers(function, [value])[0]


def vectors(kind: str) -> list[tuple[str, str]]:
    rows = VECTORS.filter(pl.col("kind") == kind).select("value", "expected").rows()
    assert rows
    return rows


# Plain loops, written from the standards and without the module's tables.


def loop_check(body: str) -> str:
    total = sum(int(digit) * (2 ** (17 - i) % 11) for i, digit in enumerate(body))
    return next(c for v, c in enumerate("0123456789X") if (total + v) % 11 == 1)


def loop_canonical(value: str) -> str:
    value = value.strip().upper()
    if re.fullmatch("[0-9]{15}", value):
        body = value[:6] + "19" + value[6:]
        return body + loop_check(body)
    return value


def loop_identity_is_valid(value: str) -> bool:
    value = loop_canonical(value)
    if not re.fullmatch("[0-9]{17}[0-9X]", value):
        return False
    try:
        datetime.strptime(value[6:14], "%Y%m%d")
    except ValueError:
        return False
    return value[17] == loop_check(value[:17])


def loop_credit_check(body: str) -> str:
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    weights = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]
    total = sum(alphabet.index(c) * w for c, w in zip(body, weights, strict=True))
    return next(c for v, c in enumerate(alphabet) if (total + v) % 31 == 0)


def loop_credit_is_valid(value: str) -> bool:
    is_shaped = re.fullmatch(CREDIT + "{2}[0-9]{6}" + CREDIT + "{10}", value)
    return bool(is_shaped) and value[17] == loop_credit_check(value[:17])


def loop_normalised(value: str) -> str | None:
    kept = ""
    for character in value:
        if character in "５Ｄｄ":
            character = chr(ord(character) - 0xFEE0)
        kept += "" if character in "·•. \u3000" else character.upper()
    return None if kept in ("", "无车牌", "无牌") else kept


def loop_class(value: str) -> str | None:
    plate = loop_normalised(value)
    for row in table("plate_regex").iter_rows(named=True):
        if plate is not None and re.fullmatch(row["regex"], plate, re.ASCII):
            return row["class"]
    return None


def loop_confusion(value: str) -> str:
    groups = ("0DQO", "8B", "1TI", "2Z", "5S")
    rest = [next((g[0] for g in groups if c in g), c) for c in value[1:]]
    return value[:1] + "".join(rest)


digits = st.text("0123456789", min_size=3, max_size=3)
days = st.builds(
    "{:04}{:02}{:02}".format,
    st.sampled_from([0, 1, 1880, 1899, 1900, 1949, 2000, 2023, 2024, 9999]),
    st.integers(0, 13),
    st.sampled_from([0, 1, 15, 28, 29, 30, 31, 32]),
)
bodies = st.builds("{}{}{}{}".format, digits, digits, days, digits)
identity_numbers = st.one_of(
    bodies.map(lambda body: body + loop_check(body)),
    st.builds(str.__add__, bodies, st.sampled_from("0123456789xX")),
    bodies.map(lambda body: body[:6] + body[8:]),
    bodies.map(lambda body: f" {(body + loop_check(body)).lower()}\u3000"),
    st.text("0123456789xX １", max_size=19),
)
shapes = (CREDIT + "{2}[0-9]{6}" + CREDIT + "{9}", CREDIT + "{17}")
credit_bodies = st.one_of(st.from_regex(shape, fullmatch=True) for shape in shapes)
credit_codes = st.one_of(
    credit_bodies.map(lambda body: body + loop_credit_check(body)),
    st.builds(str.__add__, credit_bodies, st.sampled_from("0123456789AIOYy")),
    st.text("0123456789AIOSVZY", max_size=19),
)
PLATE_CHARACTERS = "闽粤使警学挂港领临应急WJZDFABIOQST0128５Ｄｄd·•. \u3000-"
plates = st.one_of(
    *(
        st.from_regex(re.compile(regex, re.ASCII), fullmatch=True)
        for regex in table("plate_regex")["regex"]
    ),
    st.sampled_from([" 无车牌", "无 牌", "", "·"]),
    st.text(PLATE_CHARACTERS, max_size=9),
)
spelled_plates = st.builds(
    lambda plate, mark, at: plate[:at] + mark + plate[at:],
    plates,
    st.sampled_from(["", "·", "•", " ", ".", "A", "警"]),
    st.integers(0, 9),
)


@pytest.mark.parametrize(("value", "expected"), vectors("id"))
def test_identity_number_vectors(value, expected):
    is_good = expected.startswith(("valid", "15-digit"))
    assert answer(identity_number_is_valid, value) is is_good
    if "->" in expected:
        assert answer(identity_number_canonical, value) == expected.split("-> ")[1]


@pytest.mark.parametrize(("value", "expected"), vectors("uscc"))
def test_social_credit_code_vectors(value, expected):
    assert answer(social_credit_code_is_valid, value) is expected.startswith("valid")


@pytest.mark.parametrize(("value", "expected"), vectors("plate"))
def test_plate_vectors(value, expected):
    assert answer(plate_class, value) == (None if expected == "INVALID" else expected)


@unhurried
@given(st.lists(identity_numbers, min_size=1, max_size=12))
def test_identity_numbers_agree_with_a_plain_loop(values):
    assert answers(identity_number_canonical, values) == [loop_canonical(v) for v in values]
    assert answers(identity_number_is_valid, values) == [loop_identity_is_valid(v) for v in values]


@unhurried
@given(st.lists(credit_codes, min_size=1, max_size=12))
def test_social_credit_codes_agree_with_a_plain_loop(values):
    expected = [loop_credit_is_valid(v) for v in values]
    assert answers(social_credit_code_is_valid, values) == expected


@unhurried
@given(st.lists(spelled_plates, min_size=1, max_size=12))
def test_plates_agree_with_a_plain_loop(values):
    assert answers(plate_normalised, values) == [loop_normalised(v) for v in values]
    assert answers(plate_class, values) == [loop_class(v) for v in values]
    assert answers(confusion_canonical, values) == [loop_confusion(v) for v in values]


near_pairs = st.text("闽D01I", max_size=12).flatmap(
    lambda a: st.tuples(
        st.just(a),
        st.one_of(
            st.just(a),
            st.text("闽D01I", max_size=12),
            st.integers(0, max(len(a) - 1, 0)).map(lambda i: a[:i] + "X" + a[i + 1 :]),
        ),
    )
)


@unhurried
@given(st.lists(near_pairs, min_size=1, max_size=12))
def test_one_character_differences_agree_with_a_plain_loop(pairs):
    frame = pl.DataFrame(pairs, schema={"a": pl.String, "b": pl.String}, orient="row")
    got = frame.select(differs_in_one_character(pl.col("a"), pl.col("b"))).to_series().to_list()
    assert got == [
        len(a) == len(b) <= 10 and sum(x != y for x, y in zip(a, b, strict=True)) == 1
        for a, b in pairs
    ]


def test_digits_of_other_scripts_do_not_count():
    assert answer(identity_number_is_valid, "１１０１０５491231００２") is False
    assert answer(plate_class, "闽D1234٥D") is None


def test_nobody_is_born_in_the_year_0():
    body = "11010500000101001"
    assert answer(identity_number_is_valid, body + loop_check(body)) is False


def test_a_plate_has_one_spelling():
    written = ["闽ｄ·１２•３ 4.5\u3000", "０９ＡＺａｚ", "无 车牌", " ", "无牌", "-"]
    assert answers(plate_normalised, written) == ["闽D12345", "09AZAZ", None, None, None, "-"]


def test_a_mask_shows_the_first_and_last_two_characters():
    masked = answers(plate_mask, ["闽D12345", "川AXF01应急", "闽D123", "闽D12", ""])
    assert masked == ["闽D***45", "川A***应急", "闽D***23", "***", "***"]


def test_confused_characters_share_a_representative_that_stays():
    assert not set(CONFUSED) & set(CONFUSED.values())
    assert answers(confusion_canonical, ["闽DOQB8IT1ZS5", "QD1"]) == ["闽00088111255", "Q01"]


@pytest.mark.parametrize(
    "function",
    [identity_number_canonical, identity_number_is_valid, social_credit_code_is_valid,
     plate_normalised, plate_class, plate_mask, confusion_canonical,
     lambda text: differs_in_one_character(text, pl.lit("闽")),
     lambda text: differs_in_one_character(pl.lit("闽"), text)],
)  # fmt: skip
def test_null_stays_null(function):
    assert answers(function, [None, "闽D12345"])[0] is None


def test_text_keeps_the_name_of_its_column():
    for function in (identity_number_canonical, plate_normalised, plate_mask, confusion_canonical):
        frame = pl.DataFrame({"plate": ["闽D12345"]})
        assert frame.with_columns(function(pl.col("plate"))).columns == ["plate"]
