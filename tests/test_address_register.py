"""Addresses found in a small register, against a loop over all of it."""

from __future__ import annotations

from functools import cache

import polars as pl
import pytest
from address_forms import FORMS, Row, read
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.addresses import MATCHED_BY, REASONS, match

quick = settings(deadline=None, max_examples=40)

REGISTER = [
    ("L1", None, "湖滨路12号云岭花园3号楼"), ("L1", "H11", "云岭花园3号楼1单元501室"),
    ("L1", "H12", "云岭花园3号楼2单元501室"), ("L1", "H13", "云岭花园3号楼2单元601室"),
    ("L2", None, "厦门市云岭街道云岭花园5号楼"), ("L2", "H21", "云岭花园5号楼301室"),
    ("L3", None, "澄溪街道云岭花园5号楼"), ("L4", None, "云岭社区3号楼"),
    ("L5", None, "云岭社区4号楼"), ("L6", None, "云岭社区4号楼"), ("L7", None, "湖滨路20号"),
    ("L7", "H71", "湖滨路20号6层2室"), ("L8", None, "湖滨路30号1号楼"),
    ("L9", None, "湖滨路30号2号楼"), ("L10", None, "沿山村5组6号"), ("L11", None, "金桂苑A座"),
    ("L11", None, "松风路8号A座"), ("L11", "H111", "金桂苑A座1203"),
    ("L11", "H112", "金桂苑A座1203室"),
]  # fmt: skip
FRAME = pl.DataFrame(REGISTER, schema=["building_id", "dwelling_id", "address"], orient="row")

asked = st.builds(
    lambda *parts: "".join(parts),
    st.sampled_from(["", "", "", "厦门市", "泉州市"]),
    st.sampled_from(["", "", "云岭街道", "澄溪街道"]),
    st.sampled_from(["", "", "云岭社区", "石桥社区"]),
    st.sampled_from(
        ["", "", "湖滨路12号", "湖滨路20号", "湖滨路30号", "松风路8号", "松风路9号", "松风路"]
    ),
    st.sampled_from(["", "云岭花园", "云岭花园小区", "金桂苑", "柳浪苑", "沿山村5组6号"]),
    st.sampled_from(["", "3号楼", "三幢", "4栋", "5#楼", "A座", "1号楼", "9号楼"]),
    st.sampled_from(["", "1单元", "二单元", "3单元"]),
    st.sampled_from(["", "501", "五〇一室", "501室601室", "602室", "1203", "301室"]),
    st.sampled_from(["", "", "", "旁边"]),
)


def loop_keys(row: Row) -> Row:
    """What a row is compared by, as the docstrings say it."""
    compound = row.get("compound")
    if compound and compound.endswith("花园小区"):
        compound = compound.removesuffix("小区")
    road = row["road"] + row["number"] if {"road", "number"} <= row.keys() else None
    number = row.get("building") or (row.get("number") if "road" not in row else None)
    room = row.get("room")
    if room and "floor" in row and len(room) < 3:
        room = f"{row['floor']}{room:0>2}"
    community = row.get("community")
    group = community + row.get("group", "") if community else None
    return {"city": row.get("city"), "street": row.get("street"), "community": community,
            "way": row.get("road"), "compound": compound, "road": road, "group": group,
            "number": number, "unit": row.get("unit"), "room": room}  # fmt: skip


@cache
def registered() -> list[tuple[str, str | None, Row]]:
    rows = read([address for _, _, address in REGISTER])
    return [(b, d, loop_keys(row)) for (b, d, _), row in zip(REGISTER, rows, strict=True)]


def loop_match(row: Row) -> tuple[str | None, str | None]:
    """The building and the dwelling that alone agree with a row in all that both say."""
    mine, theirs = loop_keys(row), registered()
    if "旁边" in row.get("rest", ""):
        return None, None
    compared = ("city", "street", "community", "compound", "road", "way")
    says = {b: {c: {k[c] for bb, _, k in theirs if bb == b and k[c]} for c in compared}
            for b, _, _ in theirs}  # fmt: skip
    buildings = set()
    for building, _, keys in theirs:
        closer = any(k[c] for k in (mine, keys) for c in ("compound", "road"))
        places = ("compound", "road") if closer else ("group",)
        same_place = any(mine[c] and mine[c] == keys[c] for c in places)
        same_number = mine["number"] is None or mine["number"] == keys["number"]
        agrees = all(not mine[c] or not says[building][c] or mine[c] in says[building][c]
                     for c in compared)  # fmt: skip
        if same_place and same_number and agrees:
            buildings.add(building)
    if len(buildings) != 1:
        return None, None
    (building,) = buildings
    rooms = [(d, k["unit"]) for b, d, k in theirs
             if b == building and d and mine["room"] and k["room"] == mine["room"]]  # fmt: skip
    exact = {d for d, unit in rooms if unit and unit == mine["unit"]}
    agreeing = exact or {d for d, unit in rooms if not unit or not mine["unit"]}
    clear = not any(c.isdigit() for c in row.get("rest", ""))
    return building, agreeing.pop() if len(agreeing) == 1 and clear else None


@quick
@given(st.lists(asked, min_size=1, max_size=25))
def test_a_register_is_searched_as_a_loop_would(texts: list[str]) -> None:
    found = match(pl.Series(texts), FRAME)
    pairs = found.select("building_id", "dwelling_id").rows()
    assert pairs == [loop_match(row) for row in read(texts)]
    for row in found.to_dicts():
        assert (row["building_id"] is None) == (row["matched_by"] is None)
        assert row["matched_by"] in {None, *MATCHED_BY}
        assert row["reason"] in ({None, *REASONS} if row["building_id"] else {*REASONS})


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("湖滨路12号云岭花园3幢2单元501", ("L1", "H12", "compound_and_road_number", None)),
        ("云岭花园三栋2-601", ("L1", "H13", "compound", None)),
        ("湖滨路12号3幢", ("L1", None, "road_number", None)),
        ("云岭花园3栋501", ("L1", None, "compound", "several_dwellings")),
        ("云岭花园3栋701", ("L1", None, "compound", "unknown_dwelling")),
        ("云岭社区3栋701", ("L4", None, "community", "dwellings_not_registered")),
        ("湖滨路20号602", ("L7", "H71", "road_number", None)),
        ("湖滨路12号", ("L1", None, "only_building", None)),
        ("云岭花园5栋", (None, None, None, "several_buildings")),
        ("云岭街道云岭花园5栋1单元301", ("L2", "H21", "compound", None)),
        ("湖滨路30号", (None, None, None, "building_not_said")),
        ("湖滨路14号云岭花园3栋", (None, None, None, "levels_disagree")),
        ("云岭花园9栋", (None, None, None, "unknown_building")),
        ("石桥花园3栋", (None, None, None, "unknown_place")),
        ("3-501", (None, None, None, "no_place")),
        ("松风路云岭花园3栋", (None, None, None, "levels_disagree")),
        ("泉州市云岭街道云岭花园5栋", (None, None, None, "levels_disagree")),
        ("云岭花园3栋2单元501室601室", ("L1", None, "compound", "several_dwellings")),
        ("云岭花园3栋旁边", (None, None, None, "beside_it")),
        (" ", (None, None, None, "no_address")),
        (None, (None, None, None, "no_address")),
    ],
)  # fmt: skip
def test_every_answer_says_how_or_why_not(text: str | None, answer: tuple) -> None:
    assert match(pl.Series([text], dtype=pl.String), FRAME).rows() == [answer]


def test_the_order_of_the_register_does_not_show() -> None:
    texts = pl.Series([text for text, _ in FORMS] + [row[2] for row in REGISTER])
    assert match(texts, FRAME).equals(match(texts, FRAME.reverse()))


def test_a_register_without_dwellings_finds_buildings() -> None:
    found = match(pl.Series(["云岭花园3栋501"]), FRAME.drop("dwelling_id"))
    assert found.rows() == [("L1", None, "compound", "dwellings_not_registered")]
