"""Addresses against forms read by hand, against levels they were built from, and a plain loop."""

from __future__ import annotations

import random
from collections.abc import Callable

import polars as pl
import pytest
from address_forms import FORMS, Row, read
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.demo.space import _NAMES, STREETS
from quality.addresses import (
    LEVELS,
    SCHEMA,
    Gazetteer,
    parse,
    standard,
)
from schemas.codes import table

quick = settings(deadline=None, max_examples=40)


def test_forms_are_read_as_by_hand() -> None:
    assert len(FORMS) >= 80
    found = read([text for text, _ in FORMS])
    wrong = [(text, row, want) for (text, want), row in zip(FORMS, found, strict=True)
             if row != want]  # fmt: skip
    assert wrong == []


@pytest.mark.parametrize("text", [None, "", " ", "()", "　", "-", "--", "，"])
def test_nothing_said_is_nothing_read(text: str | None) -> None:
    assert read([text]) == [{}]
    assert standard(parse(pl.Series([text], dtype=pl.String))).to_list() == [None]


def test_no_rows_keep_their_columns() -> None:
    assert dict(parse(pl.Series([], dtype=pl.String)).schema) == {c: SCHEMA[c] for c in SCHEMA}


# Built from levels. Stems hold no suffix, number or other word of the tables.

STEMS = st.text("云岭澄溪岚青屿桃坞松风翠屏清河金桂明月竹银杏柳浪", min_size=2, max_size=4)
ENDS = {
    "province": ("省", "自治区"), "city": ("市",), "district": ("区", "县"),
    "street": ("街道", "镇", "乡"), "community": ("社区", "村"),
    "road": ("路", "大道", "南街", "巷", "胡同"), "compound": ("花园", "小区", "苑", "大厦", ""),
}  # fmt: skip
NUMBER_ENDS = {
    "number": ("号",), "building": ("号楼", "幢", "栋", "#楼", "座"), "unit": ("单元", "梯"),
    "floor": ("层", "楼", "F"), "room": ("室", "房", ""),
}  # fmt: skip
FULL = {ord(c): chr(ord(c) + 0xFEE0) for c in "0123456789-ABCDEFGH"}
CHINESE = "零一二三四五六七八九"


def in_chinese(number: int) -> str:
    """A number below 1000 as it is read aloud."""
    hundreds, tens, ones = number // 100, number // 10 % 10, number % 10
    text = CHINESE[hundreds] + "百" if hundreds else ""
    text += CHINESE[tens] + "十" if tens else ("零" if hundreds and ones else "")
    text += CHINESE[ones] if ones else ""
    return text.removeprefix("一") if 10 <= number < 20 else text


@st.composite
def built(draw: st.DrawFn) -> tuple[Row, str]:
    """Levels, and a text that says them."""
    levels: Row = {}
    for level, ends in ENDS.items():
        if draw(st.booleans()):
            levels[level] = draw(STEMS) + draw(st.sampled_from(ends))
    if not {"street", "community", "road"} & levels.keys():
        levels.pop("district", None)  # 云岭区3号楼 is read as a compound
    if "road" in levels:
        levels["number"] = str(draw(st.integers(1, 999)))
        if draw(st.booleans()):
            levels["number"] += f"-{draw(st.integers(1, 20))}"
    small = st.integers(1, 60).map(str)
    lettered = st.one_of(small, st.sampled_from("ABCDEFGH"), st.sampled_from("甲乙丙"))
    levels["building"] = draw(lettered)
    if draw(st.booleans()):
        levels["unit"] = draw(st.one_of(small, st.sampled_from("ABCD甲乙")))
    if draw(st.booleans()):
        levels["floor"] = draw(st.integers(-3, 40).filter(bool))
    if draw(st.booleans()):
        levels["room"] = str(draw(st.integers(101, 3999))) + draw(st.sampled_from(["", "", "A"]))
    return levels, draw(said(levels))


@st.composite
def said(draw: st.DrawFn, levels: Row) -> str:
    order = [level for level in LEVELS if level in levels]
    chain = [str(levels[c]) for c in ("building", "unit", "room") if c in levels]
    chained = (
        draw(st.booleans()) and "compound" in levels and "floor" not in levels
        and len(chain) == 3 and not any(c in "甲乙丙" for c in "".join(chain))
    )  # fmt: skip
    pieces = []
    for level in order:
        value = str(levels[level])
        if chained and level in {"building", "unit", "room"}:
            if level == "building":
                pieces.append(draw(st.sampled_from(["-", "#", "/", "－", " "])).join(chain))
        elif level in ENDS:
            pieces.extend([value] * draw(st.sampled_from([1, 1, 1, min(2, len(value) - 1)])))
        else:
            pieces.append(draw(numbered(level, value, "compound" in levels)))
    text = draw(st.sampled_from(["", "", " ", "，", "　"])).join(pieces)
    if draw(st.booleans()):
        text = text.translate(FULL)
    return text + draw(st.sampled_from(["", "", "（东门）", "(暂住"]))


@st.composite
def numbered(draw: st.DrawFn, level: str, value: str, named: bool) -> str:
    if level == "floor" and int(value) < 0:
        below = str(-int(value))
        return draw(st.sampled_from([f"B{below}层", f"负{in_chinese(int(below))}层",
                                     f"地下{below}层", f"B{below}楼"]))  # fmt: skip
    if level == "number" and "-" in value:
        first, second = value.split("-")
        forms = [f"{value}号", f"{first}之{second}号", f"{first}之{in_chinese(int(second))}号"]
        if named:  # 12号之3 followed by 1号楼 would be read in two ways
            forms += [f"{first}号之{second}", f"{first}号之{in_chinese(int(second))}"]
        return draw(st.sampled_from(forms))
    ends = [e for e in NUMBER_ENDS[level] if value.isdigit() or e not in {"#楼", "F"}]
    end = draw(st.sampled_from(ends))
    styles = [value]
    if value.isdigit() and int(value) < 1000 and end not in {"", "#楼", "F"}:
        styles.append(in_chinese(int(value)))
        styles.append("0" + value)
    if value.isdigit() and end == "室":
        styles.append("".join(CHINESE[int(d)] for d in value).replace("零", "〇"))
    lead = draw(st.sampled_from(["", "", "第"])) if value.isdigit() and end not in {"", "F"} else ""
    return lead + draw(st.sampled_from(styles)) + end


@quick
@given(st.lists(built(), min_size=1, max_size=20))
def test_levels_come_back_from_any_spelling(made: list[tuple[Row, str]]) -> None:
    for (levels, text), row in zip(made, read([text for _, text in made]), strict=True):
        remark = {"东门", "暂住"} & set(text.replace("（", "(").replace("）", "").split("("))
        assert row == levels | ({"remark": remark.pop()} if remark else {}), text


@quick
@given(st.lists(built(), min_size=1, max_size=20))
def test_the_standard_line_says_the_same_and_stays(made: list[tuple[Row, str]]) -> None:
    levels = parse(pl.Series([text for _, text in made])).drop("remark", "rest")
    line = standard(levels)
    again = parse(line)
    assert again.drop("remark", "rest").equals(levels)
    assert again["rest"].null_count() == len(line)
    assert standard(again).equals(line)


def test_the_standard_line_of_every_form_stays() -> None:
    levels = parse(pl.Series([text for text, _ in FORMS])).drop("remark", "rest")
    assert parse(standard(levels)).drop("remark", "rest").equals(levels)


TRICKY = st.text(
    "云岭三十二〇甲市区县镇村路街道弄号楼幢栋座单元层室房0123AB#-/()第之附 负B期", max_size=16
)


@quick
@given(st.lists(TRICKY, max_size=25), st.randoms())
def test_a_row_depends_on_itself_alone(texts: list[str], rng: random.Random) -> None:
    rows = read(texts)
    order = rng.sample(range(len(texts)), len(texts))
    some = order[: len(order) // 2]
    assert read([texts[i] for i in some]) == [rows[i] for i in some]
    assert read([texts[i] for i in order] * 2) == [rows[i] for i in order] * 2


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text("云岭海岚市镇村路街号楼栋单元层室3579AB-", max_size=16), max_size=30))
def test_nothing_is_lost(texts: list[str]) -> None:
    """Every digit, letter and name is in a level or left in the rest (suffixes may go)."""
    for text, row in zip(texts, read(texts), strict=True):
        told = "".join(str(v) for v in row.values())
        assert set(text) - set("市镇村路街号楼栋单元层室-B") <= set(told), text


# Known names.

AREAS = pl.DataFrame(
    {
        "area_name": ["示范区", "云岭街道", "云岭社区", "桃坞村", "梅村", "红树湾", "第三网格"],
        "tier": ["district", "street", "community", "community", "community", "city", "grid"],
    }
)
KNOWN = Gazetteer.of(AREAS, pl.Series(["金桂1872", "书院", "新市区小区", "云岭社区"]))


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("金桂1872 3栋501", {"compound": "金桂1872", "building": "3", "room": "501"}),
        ("红树湾示范区书院3-501", {"city": "红树湾", "district": "示范区", "compound": "书院",
                              "building": "3", "room": "501"}),
        ("书院路12号", {"road": "书院路", "number": "12"}),
        ("新云岭社区3栋", {"community": "新云岭社区", "building": "3"}),
        ("梅村南街12号", {"community": "梅村", "road": "南街", "number": "12"}),
        ("新市区小区3栋", {"compound": "新市区小区", "building": "3"}),
        ("书院二期3栋", {"compound": "书院二期", "building": "3"}),
        ("湖滨路12号书院3栋", {"road": "湖滨路", "number": "12", "compound": "书院",
                          "building": "3"}),
        ("云岭社区3栋", {"community": "云岭社区", "building": "3"}),
    ],
)  # fmt: skip
def test_known_names_are_found_and_nothing_inside_other_words(text: str, levels: Row) -> None:
    assert read([text], KNOWN) == [levels]


def test_a_grid_is_no_level_and_a_name_of_two_tiers_is_the_higher() -> None:
    names = dict(KNOWN.names.iter_rows())
    assert "第三网格" not in names
    assert names["云岭社区"] == "community"


def test_a_word_that_is_only_a_suffix_is_no_name() -> None:
    only = Gazetteer.of(pl.DataFrame({"area_name": ["社区", "村"], "tier": ["community"] * 2}))
    assert only.names.is_empty()


def test_names_of_the_demo_district_are_read_without_a_gazetteer() -> None:
    places = [(street, name + end) for street in ("", *STREETS) for name in _NAMES
              for end in ("社区", "村")]  # fmt: skip
    found = read([f"{street}{place}12号楼" for street, place in places])
    for (street, place), row in zip(places, found, strict=True):
        assert row == ({"street": street} if street else {}) | {
            "community": place, "building": "12",
        }  # fmt: skip


def test_words_of_the_table_belong_to_levels() -> None:
    words = table("address_suffixes")
    kinds: dict[str, Callable[[str | None], bool]] = {
        "name": lambda level: level in LEVELS, "number": lambda level: level in LEVELS,
        "plain": lambda level: level is None, "beside": lambda level: level is None,
        "compound_end": lambda level: level == "compound",
    }  # fmt: skip
    assert all(kinds[kind](level) for kind, level in words.select("kind", "level").rows())
    assert not words.select("suffix", "kind").is_duplicated().any()
