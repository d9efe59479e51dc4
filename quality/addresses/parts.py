"""Parts of an address text and the level each belongs to.

A text is cut at marks and numbers; every part gets the level its suffix says, then a few rules look
at the parts beside it: 号 after a building is a room, a name before a building number is a
compound, 区 after a community is no district.

Not here: numbers in a chain (3-2-501), see `quality.addresses.chains`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from quality.addresses.marks import (
    BEGIN,
    CODE,
    KNOWN_MARK,
    LONE_NUMBER,
    MARKS,
    NAME_ENDS,
    SUFFIX_MARK,
    number_suffixes,
    words_of,
)
from quality.addresses.text import NUMBER_CHARACTERS, NUMBER_CLASS, PRIVATE_NUMBER

PROVINCE, CITY, DISTRICT, ZONE, STREET, COMMUNITY, GROUP, ROAD, NUMBER, COMPOUND = range(2, 12)
BUILDING, UNIT, FLOOR, ROOM = range(12, 16)

_N: Final = f"[{NUMBER_CLASS}]"
_PART: Final = "|".join((
    rf"{BEGIN}[^{MARKS}]*[{MARKS}]",
    rf"{_N}+(?:{'|'.join(sorted(number_suffixes(), key=len, reverse=True))})",
    rf"{_N}+{PRIVATE_NUMBER}?(?:路|街|巷|弄|大道|大街|国道|省道|县道|区|村|社区|居委会)[{MARKS}]",
    rf"[A-Z]{{2,}}[^{MARKS}{NUMBER_CLASS}]+[{MARKS}]?",  # SM广场
    rf"{_N}+",
    rf"[^{MARKS}{NUMBER_CLASS}]*[{MARKS}]",
    rf"[^{MARKS}{NUMBER_CLASS}]+",
))  # fmt: skip
_CODE_OF_NUMBER: Final = {s: CODE[level] for s, level in number_suffixes().items()} | {
    "": LONE_NUMBER
}
_CODE_OF_MARK: Final = {
    marks[level]: n for level, n in CODE.items() for marks in (SUFFIX_MARK, KNOWN_MARK)
}
_HALL: Final = r"花园|小区|公寓|苑|大厦|广场|家园|新城|新村|期"


@dataclass
class Parts:
    """The parts of many texts in one flat list.

    Attributes:
        texts: The parts, marks inside.
        code: Level of every part (`CODE`), 0 for a name of no level, 1 for a lone number.
        known: Whether the gazetteer knows it.
        row: Which text it belongs to; ascending.
        rows: How many texts there are.
    """

    texts: pl.Series
    code: np.ndarray
    known: np.ndarray
    row: np.ndarray
    rows: int

    @cached_property
    def first(self) -> np.ndarray:
        """Of every part the position of the first part of its text."""
        begins = np.flatnonzero(np.diff(self.row, prepend=-1))
        return np.repeat(begins, np.diff(begins, append=len(self.row)))

    def beside(self, step: int) -> np.ndarray:
        """Code of the part before (-1) or after (1) every part of its text; -1 where none is."""
        out = np.full(len(self.code), -1, np.int8)
        here, there = (slice(1, None), slice(None, -1))[::-step]
        same = self.row[here] == self.row[there]
        out[here] = np.where(same, self.code[there], -1)
        return out

    def before(self, those: np.ndarray) -> np.ndarray:
        """How many of those parts stand before every part of its text."""
        passed = np.cumsum(those) - those
        return passed - passed[self.first]

    def is_in(self, *codes: int) -> np.ndarray:
        """Whether the level of every part is one of these."""
        return np.isin(self.code, codes)

    def said(self, those: np.ndarray, pattern: str) -> np.ndarray:
        """Of those parts the ones whose text has the pattern."""
        out = np.zeros(len(those), bool)
        at = np.flatnonzero(those)
        out[at] = self.texts.gather(at).str.contains(pattern).to_numpy()
        return out


def cut(marks: pl.Series) -> Parts:
    """Marked texts cut into parts, each with the level that its suffix alone says."""
    lists = marks.str.extract_all(_PART).fill_null([])
    counts = lists.list.len().to_numpy()
    texts = lists.explode(keep_nulls=False, empty_as_null=False)
    row = np.repeat(np.arange(len(marks)), counts)
    after = texts.str.strip_chars_start(NUMBER_CHARACTERS)
    last = texts.str.tail(1).replace_strict(_CODE_OF_MARK, default=NAME_ENDS, return_dtype=pl.Int8)
    numbered = after.replace_strict(_CODE_OF_NUMBER, default=None, return_dtype=pl.Int8)
    code = numbered.fill_null(last).to_numpy().copy()
    code[(after.len() > 0) & (after == texts).to_numpy() & (last == 0).to_numpy()] = NAME_ENDS
    known = texts.str.starts_with(BEGIN).to_numpy()
    parts = Parts(texts, code, known, row, len(marks))
    dashes = parts.said(code == LONE_NUMBER, r"^-+$") | parts.said(
        code != LONE_NUMBER, f"^[{MARKS}]*$"
    )
    if dashes.any():
        keep = np.flatnonzero(~dashes)
        parts = Parts(texts.gather(keep), code[keep], known[keep], row[keep], len(marks))
    return parts


def settle_areas(parts: Parts) -> None:
    """Suffixes of areas that are none: 阳光城市花园, 万科云城北区, 湖滨路12号华联超市."""
    code, new = parts.code, ~parts.known
    inside = parts.before(parts.is_in(BUILDING, UNIT, FLOOR, ROOM)) > 0
    deep = inside | (parts.before(parts.is_in(ROAD, NUMBER)) > 0)
    code[deep & new & parts.is_in(PROVINCE, CITY, DISTRICT, ZONE, STREET)] = NAME_ENDS
    code[inside & new & parts.is_in(COMMUNITY, ROAD, GROUP)] = NAME_ENDS
    following = parts.beside(1)
    town = new & (code == CITY) & (parts.beside(-1) != PROVINCE)
    loose = np.isin(following, (NAME_ENDS, LONE_NUMBER, NUMBER, BUILDING, UNIT, ROOM, -1))
    code[parts.said(town & loose, r"^.{2,}[城都超夜门集菜早]市.?$")] = NAME_ENDS
    again = (code == CITY) & (parts.beside(-1) == CITY)
    code[again & (parts.texts != parts.texts.shift(1)).fill_null(True).to_numpy()] = DISTRICT
    district = new & (code == DISTRICT)
    lower = parts.before(parts.is_in(STREET, COMMUNITY)) > 0
    numbered = np.isin(following, (BUILDING, UNIT, ROOM, LONE_NUMBER))
    code[parts.said(district, rf"^.{{10,}}区|(?:{_HALL}).*区")] = NAME_ENDS
    code[parts.said(district & (lower | numbered), "区")] = NAME_ENDS
    village = new & (code == COMMUNITY) & (parts.beside(-1) == COMMUNITY)
    other = (parts.texts != parts.texts.shift(1)).fill_null(True).to_numpy()
    code[parts.said(village & other, "村.$")] = NAME_ENDS


def settle_numbers(parts: Parts) -> None:
    """What 号 and 楼 count, by what stands before and after them."""
    code = parts.code
    before, after = parts.beside(-1), parts.beside(1)
    first = (before == ROAD) & (code == LONE_NUMBER) & (after != NUMBER)
    code[first & ~parts.said(first, "-")] = NUMBER
    storey = (code == FLOOR) & (parts.before(code == BUILDING) == 0) & (after == UNIT)
    code[parts.said(storey, "[^层]楼$")] = BUILDING
    inside = parts.before(parts.is_in(BUILDING, UNIT, FLOOR)) > 0
    doors = code == NUMBER
    code[doors & inside] = ROOM
    doors &= ~inside
    nth = parts.before(doors)
    begins = np.isin(after, (LONE_NUMBER, UNIT, FLOOR, ROOM, NUMBER)) | (before == NAME_ENDS)
    code[doors & (nth == 1) & begins] = BUILDING
    code[doors & ((nth > 1) | ((nth == 1) & ~begins))] = ROOM


def settle_names(parts: Parts) -> None:
    """Names of no level before a number are compounds; at the end 云岭花园 and the like are."""
    code = parts.code
    size = len(code)
    solid = np.minimum.accumulate(np.where(code != NAME_ENDS, np.arange(size), size)[::-1])[::-1]
    there = solid < size
    there[there] = parts.row[solid[there]] == parts.row[there]
    ahead = np.where(there, code[np.minimum(solid, size - 1)], -1) if size else code
    counted = np.isin(ahead, (NUMBER, BUILDING, UNIT, FLOOR, ROOM, LONE_NUMBER))
    inside = parts.before(parts.is_in(BUILDING, UNIT, FLOOR, ROOM)) > 0
    after_lone = parts.before(code == LONE_NUMBER) > 0
    name = (code == NAME_ENDS) & ~inside
    ends = parts.said(
        name & (ahead == -1) & ~after_lone, rf"(?:{'|'.join(words_of('compound_end'))})[{MARKS}]?$"
    )
    beside = parts.said(name, rf"^(?:{'|'.join(words_of('beside'))})$")
    # 798艺术园区3栋: the number begins the name
    glued = (
        (code == LONE_NUMBER) & ~inside & np.isin(parts.beside(-1), (-1, *range(PROVINCE, ROAD)))
    )
    glued[:-1] &= name[1:] & counted[1:] & (parts.row[1:] == parts.row[:-1])
    glued[-1:] = False
    after_lone &= ~(parts.before(glued) > 0)
    code[name & ~beside & ((counted & ~after_lone) | ends)] = COMPOUND
    code[glued] = COMPOUND
