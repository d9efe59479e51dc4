"""Areas by their written name: one spelling for the many ways a name is written, never a guess.

Only whole names count, character by character: 后浦 and 后埔 sound alike and are different
communities. What could be several areas is none, with the reason.

What does not belong here: codes and points (`placing.py`).
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final, Literal

Reason = Literal["name_is_absent", "name_is_unknown", "name_is_ambiguous", "street_is_unknown"]

NAME_REASON_ZH: Final[dict[Reason, str]] = {
    "name_is_absent": "未填写名称",
    "name_is_unknown": "名称不在区划中",
    "name_is_ambiguous": "名称对应多个区划，需要街道名称或代码",
    "street_is_unknown": "街道名称不在区划中",
}

# What an area's office calls itself stands for the area.
_OFFICES = (
    (re.compile(r"(?<=.)(社区)?(居民委员会|居委会|居委|社区)$"), "社区"),
    (re.compile(r"(?<=.)村?(村民委员会|村委会|村委)$"), "村"),
    (re.compile(r"(?<=.)街道(办事处|办)$"), "街道"),
    (re.compile(r"(?<=.[镇乡])(人民)?政府$"), ""),
)
_KIND = {
    "district": re.compile(r"(?<=.)(区|县|市)$"),
    "street": re.compile(r"(?<=.)(街道|镇|乡)$"),
    "community": re.compile(r"(?<=.)(社区|村)$"),
}
_IGNORED = re.compile(r"[\s\-_·•・,，.。、/|]+")


def standard_name(name: str) -> str:
    """A name in one spelling: half-width, no blanks or separators, offices as their area.

    >>> standard_name(" 后浦　社区居委会 ")
    '后浦社区'
    >>> standard_name("下洋村村民委员会"), standard_name("云岭街道办事处")
    ('下洋村', '云岭街道')
    """
    text = _IGNORED.sub("", unicodedata.normalize("NFKC", name))
    for office, area in _OFFICES:
        if office.search(text):
            return office.sub(area, text)
    return text


def bare_name(name: str, tier: str) -> str:
    """A standard name without the word for its kind of area; that of another tier stays.

    >>> bare_name("后浦社区", "community"), bare_name("桃坞镇", "street")
    ('后浦', '桃坞')
    >>> bare_name("云岭街道", "community")
    '云岭街道'
    """
    return _KIND[tier].sub("", name)


class _Index:
    """Codes by name, asked from the strictest comparison to the loosest."""

    def __init__(self, names: Mapping[str, str], tier: str) -> None:
        """Take in standard names by code."""
        self._tier = tier
        self._whole: dict[str, list[str]] = defaultdict(list)
        self._bare: dict[str, list[str]] = defaultdict(list)
        for code, name in sorted(names.items()):
            self._whole[name].append(code)
            self._bare[bare_name(name, tier)].append(code)

    def find(self, text: str, within: tuple[str, ...] = ("",)) -> list[str]:
        """Codes below one of `within` that the strictest comparison with any result finds."""
        bare = bare_name(text, self._tier)
        for codes in (self._whole.get(text), self._bare.get(text), self._bare.get(bare)):
            if found := [code for code in codes or () if code.startswith(within)]:
                return found
        return []


class AreaNames:
    """The communities of a district by name, with their streets to tell namesakes apart."""

    def __init__(
        self, communities: Mapping[str, str], above: Mapping[str, str] | None = None
    ) -> None:
        """Take the names in.

        Args:
            communities: 12-digit code → name.
            above: 9-digit and 6-digit code → name of streets and the district.
        """
        self._communities = _Index(_standard(communities), "community")
        above = _standard(above or {})
        streets = {code: name for code, name in above.items() if len(code) == 9}
        self._streets = _Index(streets, "street")
        self._prefixes: dict[str, set[str]] = defaultdict(set)
        for code, name in above.items():
            offices = (f"{name}办事处", f"{name}办") if name.endswith("街道") else ()
            tier = "street" if code in streets else "district"
            for written in (name, bare_name(name, tier), *offices):
                self._prefixes[written].add(code)

    def find(self, name: str | None, street: str | None = None) -> tuple[str | None, Reason | None]:
        """The community of a written name.

        A street or district may stand before the community in `name`; then only communities below
        it count, as with `street`. Names are compared with their kind first: 下洋村 and 下洋社区
        are told apart where both exist, while 下洋 alone is ambiguous then. Where only one of them
        exists, it is meant by all three.

        Returns:
            The 12-digit code, or None and why.
        """
        text = standard_name(name or "")
        if not text:
            return None, "name_is_absent"
        within = ("",)
        if street and (wanted := standard_name(street)):
            within = tuple(self._streets.find(wanted))
            if not within:
                return None, "street_is_unknown"
        for part, parents in self._readings(text, within):
            found = self._communities.find(part, parents)
            if found:
                return (found[0], None) if len(found) == 1 else (None, "name_is_ambiguous")
        return None, "name_is_unknown"

    def _readings(
        self, text: str, within: tuple[str, ...], prefixes: int = 2
    ) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Ways to read a text: as a community, else as one behind its district, street or both.

        Yields:
            The text of the community, and the codes it must lie below.
        """
        yield text, within
        if not prefixes:
            return
        for cut in range(len(text) - 1, 0, -1):  # the longest prefix first
            inside = {
                max(area, one, key=len)
                for area in self._prefixes.get(text[:cut], ())
                for one in within
                if area.startswith(one) or one.startswith(area)
            }
            if inside:
                yield from self._readings(text[cut:], tuple(sorted(inside)), prefixes - 1)


def _standard(names: Mapping[str, str]) -> dict[str, str]:
    return {code: standard_name(name) for code, name in names.items()}
