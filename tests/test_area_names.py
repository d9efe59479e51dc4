"""Names of areas against tables written by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quality.area_names import NAME_REASON_ZH, AreaNames

ABOVE = {
    "350299": "示范区",
    "350299001": "云岭街道",
    "350299002": "澄溪街道",
    "350299005": "桃坞镇",
}
COMMUNITIES = {
    "350299001001": "云岭社区",
    "350299001002": "后浦社区",
    "350299001003": "中心社区",
    "350299001004": "A区社区",
    "350299002001": "后埔社区",
    "350299002002": "中心社区",
    "350299002003": "新村社区",
    "350299005001": "下洋社区",
    "350299005002": "下洋村",
    "350299005003": "上洋村",
    "350299005004": "中心村",
}
NAMES = AreaNames(COMMUNITIES, ABOVE)


@pytest.mark.parametrize(
    ("written", "street", "expected"),
    [
        ("后浦社区", None, "350299001002"),
        ("后浦", None, "350299001002"),
        ("后埔", None, "350299002001"),
        (" 后浦　社区 ", None, "350299001002"),
        ("后浦社区居委会", None, "350299001002"),
        ("后浦居民委员会", None, "350299001002"),
        ("后浦社区居民委员会", None, "350299001002"),
        ("后浦居委", None, "350299001002"),
        ("Ａ区社区", None, "350299001004"),
        ("云岭社区", None, "350299001001"),
        ("云岭", None, "350299001001"),
        ("新村", None, "350299002003"),
        ("新村居委会", None, "350299002003"),
        ("下洋社区", None, "350299005001"),
        ("下洋村", None, "350299005002"),
        ("下洋村委会", None, "350299005002"),
        ("下洋村村民委员会", None, "350299005002"),
        ("上洋", None, "350299005003"),
        ("上洋社区", None, "350299005003"),  # a village that became a community
        ("中心村", None, "350299005004"),
        ("中心社区", "云岭街道", "350299001003"),
        ("中心社区", "澄溪街道办事处", "350299002002"),
        ("中心", "澄溪", "350299002002"),
        ("中心居委会", "桃坞镇人民政府", "350299005004"),
        ("中心社区", "", None),
        ("云岭街道中心社区", None, "350299001003"),
        ("示范区澄溪街道中心社区居委会", None, "350299002002"),
        ("示范区云岭街道办事处-中心社区", None, "350299001003"),
        ("云岭街道办中心社区", None, "350299001003"),
        ("示范区/桃坞镇/下洋村", None, "350299005002"),
        ("示范区后浦社区", None, "350299001002"),
        ("云岭后浦", None, "350299001002"),
        ("云岭街道中心社区", "云岭街道", "350299001003"),
    ],
)
def test_a_name_finds_its_community(written: str, street: str | None, expected: str | None) -> None:
    reason = None if expected else "name_is_ambiguous"
    assert NAMES.find(written, street) == (expected, reason)


@pytest.mark.parametrize(
    ("written", "street", "reason"),
    [
        (None, None, "name_is_absent"),
        (" 　", "云岭街道", "name_is_absent"),
        ("中心社区", None, "name_is_ambiguous"),
        ("中心", None, "name_is_ambiguous"),
        ("示范区中心社区", None, "name_is_ambiguous"),
        ("下洋", None, "name_is_ambiguous"),
        ("下洋", "桃坞镇", "name_is_ambiguous"),
        ("厚浦社区", None, "name_is_unknown"),
        ("后铺社区", None, "name_is_unknown"),
        ("浦社区", None, "name_is_unknown"),
        ("后浦社区二期", None, "name_is_unknown"),
        ("居委会", None, "name_is_unknown"),
        ("社区", None, "name_is_unknown"),
        ("云岭街道", None, "name_is_unknown"),
        ("后浦社区", "澄溪街道", "name_is_unknown"),
        ("云岭街道后浦社区", "澄溪街道", "name_is_unknown"),
        ("桃坞镇后浦社区", None, "name_is_unknown"),
        ("后浦社区", "海岚街道", "street_is_unknown"),
    ],
)
def test_what_is_not_told_by_its_name_has_a_reason(written, street, reason) -> None:
    assert NAMES.find(written, street) == (None, reason)
    assert reason in NAME_REASON_ZH


def test_the_bare_street_name_is_no_community() -> None:
    """云岭街道 is a street; only without its kind it is the community that shares its name."""
    assert NAMES.find("云岭街道") == (None, "name_is_unknown")
    assert NAMES.find("云岭") == ("350299001001", None)


syllables = st.text(alphabet="东西南北石桥山水", min_size=2, max_size=3)
endings = st.sampled_from(["社区", "社区居委会", "居民委员会", "居委会", ""])
fronts = st.sampled_from(["", "甲街道", "甲街道办事处", "甲", "丁区甲街道", "丁区"])
blanks = st.sampled_from(["", " ", "　", "-"])


@given(
    st.lists(syllables, min_size=1, max_size=12, unique=True), fronts, endings, blanks, st.data()
)
def test_every_spelling_of_a_name_finds_it(stems, front, ending, blank, data) -> None:
    codes = {f"350299001{n:03d}": f"{stem}社区" for n, stem in enumerate(stems)}
    names = AreaNames(codes, {"350299": "丁区", "350299001": "甲街道"})
    chosen = data.draw(st.integers(0, len(stems) - 1))
    written = f"{front}{blank}{stems[chosen]}{blank}{ending}"
    assert names.find(written) == (f"350299001{chosen:03d}", None)


@given(st.text(max_size=30), st.none() | st.text(max_size=10))
def test_any_text_is_answered(written: str, street: str | None) -> None:
    code, reason = NAMES.find(written, street)
    assert (code is None) != (reason is None)
    assert code is None or code in COMMUNITIES


def test_a_long_text_of_names_is_answered_at_once() -> None:
    streets = {f"350299{n:03d}": "甲" * n for n in range(1, 9)}
    assert AreaNames(COMMUNITIES, streets).find("甲" * 400) == (None, "name_is_unknown")


def test_a_register_without_streets_still_finds_names() -> None:
    alone = AreaNames(COMMUNITIES)
    assert alone.find("后浦") == ("350299001002", None)
    assert alone.find("后浦", "云岭街道") == (None, "street_is_unknown")
