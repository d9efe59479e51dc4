"""Where buildings of 示范区 are, as people write it; what an address tells is known beforehand.

A compound 小区 has up to six buildings and a number on a road; between compounds stand single
houses, villages count by groups. Some names, 幸福花园, are those of compounds in several
communities. Texts vary in digits, words and levels left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from pipelines.demo.space import Space

_WORDS = ("金桂", "望江", "书香", "丽景", "和顺", "春晓", "百合", "碧水", "紫荆", "文华", "兴隆",
          "雅居")  # fmt: skip
_ENDS = ("花园", "小区", "公寓", "苑", "新村", "家园")
_COMMON = ("幸福花园", "阳光小区", "和平新村")
_ROADS = ("路", "南路", "巷", "大道")
_COMMON_BLOCKS = (1, 6, 11)
_BLOCK = 8  # six buildings of a compound, two single houses beside it
_CHINESE = "零一二三四五六七八九"


@dataclass(frozen=True)
class Said:
    """Levels of an address: where a building is, or as much of it as somebody says.

    Attributes:
        street: Implied by the community, whether written or not.
        road: Road and number.
        building: Number of the building at its place; in a village the number of the house.
    """

    street: str | None = None
    community: str | None = None
    group: str | None = None
    road: tuple[str, int] | None = None
    compound: str | None = None
    building: str | None = None

    def with_areas(self, other: Said | None) -> Said:
        """With the areas of another where none is said."""
        if other is None:
            return self
        return replace(
            self, street=self.street or other.street, community=self.community or other.community
        )

    def places(self) -> list[tuple]:
        """What other addresses of the same place have in common with this one."""
        named = [("compound", self.compound), ("road", self.road)]
        closer = [place for place in named if place[1]]
        return closer or [("group", self.community, self.group)]

    def agrees(self, known: Said) -> bool:
        """Whether this may be that building: what both say is the same, and its number is."""
        pairs = zip(_levels(self), _levels(known), strict=True)
        return (self.building in (None, known.building)) and all(
            mine == theirs or mine is None or theirs is None for mine, theirs in pairs
        )


def _levels(said: Said) -> tuple:
    return said.street, said.community, said.group, said.road, said.compound


def places_of(space: Space, community: np.ndarray) -> list[Said]:
    """A place of its own for every building.

    Args:
        space: The ground.
        community: Position of each building's community.
    """
    met: dict[int, int] = defaultdict(int)
    places = []
    for c in community.tolist():
        code, k = str(space.community_codes[c]), met[c]
        met[c] += 1
        name = space.names[code]
        place = Said(space.names[code[:9]], name)
        stem = name.removesuffix("社区")
        if name.endswith("村"):
            places.append(replace(place, group=f"{k % 9 + 1}组", building=str(k // 9 + 1)))
            continue
        block, nth = divmod(k, _BLOCK)
        road, number = f"{stem}{_ROADS[block % 4]}", 10 * (block // 4 + c % 7)
        if nth >= _BLOCK - 2:
            places.append(replace(place, road=(road, number + nth)))
            continue
        building = chr(ord("A") + nth) if block % 3 == 2 else str(nth + 1 + 8 * (block % 2))
        places.append(
            replace(place, road=(road, number + 2), compound=_compound(stem, c, block),
                    building=building)
        )  # fmt: skip
    return places


def _compound(stem: str, community: int, block: int) -> str:
    if block in _COMMON_BLOCKS:
        return _COMMON[(_COMMON_BLOCKS.index(block) + community) % len(_COMMON)]
    cycle, phase = block // 12, block // 72
    name = f"{stem}{_WORDS[(block + community) % 12]}{_ENDS[(block + community + cycle) % 6]}"
    return f"{name}{_CHINESE[phase + 1]}期" if phase else name


class AddressBook:
    """What the register of buildings says of each, by place."""

    def __init__(self, told: Iterable[tuple[str, Said]]) -> None:
        """Take buildings and what is said of them; of one that says nothing nothing is taken."""
        self._at: dict[tuple, dict[str, Said]] = defaultdict(dict)
        for building, said in told:
            for place in said.places():
                self._at[place][building] = said

    def find(self, said: Said) -> tuple[str | None, str]:
        """The building that alone may be meant, and `address`; else none, and why.

        Who leaves out a building's number may mean another one that nobody registered.
        """
        found = {
            (building, said.building is None and known.building is not None)
            for place in said.places()
            for building, known in self._at[place].items()
            if said.agrees(known)
        }
        if len(found) == 1:
            ((building, is_guess),) = found
            return (None, "ambiguous") if is_guess else (building, "address")
        return None, "ambiguous" if found else "unknown"


def written(rng: np.random.Generator, said: Said, inside: str = "") -> str:
    """What is said, as one of many people would write it.

    Args:
        rng: Random stream.
        said: Levels to say; a community is said with more or fewer areas above it.
        inside: Unit, floor and room, right after the building.
    """
    parts = []
    if said.community:
        above = ("", said.street or "", f"示范区{said.street or ''}",
                 f"福建省示范市示范区{said.street or ''}")  # fmt: skip
        parts.append(above[rng.integers(len(above))] + said.community)
    elif said.street:
        parts.append(("", "示范区")[rng.integers(2)] + said.street)
    if said.group:
        parts.append(_number(rng, said.group.removesuffix("组")) + ("组", "小组")[rng.integers(2)])
        parts.append(f"{_number(rng, said.building)}号" if said.building else "")
        return "".join(parts) + inside
    if said.road:
        gap = " " if rng.random() < 0.1 else ""
        parts.append(f"{said.road[0]}{gap}{_number(rng, str(said.road[1]))}号")
    parts.append(said.compound or "")
    if said.building:
        ends = ("座", "栋") if said.building.isalpha() else ("号楼", "幢", "栋", "#楼")
        parts.append(_number(rng, said.building) + ends[rng.integers(len(ends))])
    return "".join(parts) + inside


def room(rng: np.random.Generator, unit: int, floor: int, number: int) -> str:
    """A room of a building, as one of many people would write it."""
    forms = (f"{unit}单元{floor}{number:02d}室", f"{unit}-{floor}{number:02d}",
             f"{_chinese(unit)}单元{floor}{number:02d}", f"{floor}{number:02d}室",
             f"{floor}层{floor}{number:02d}室")  # fmt: skip
    return forms[rng.integers(len(forms))]


def _number(rng: np.random.Generator, number: str) -> str:
    draw = rng.random()
    if draw < 0.2:
        return "".join(chr(ord(c) + 0xFEE0) for c in number)  # full-width
    if draw < 0.35 and number.isdigit() and int(number) < 100:
        return _chinese(int(number))
    return number


def _chinese(number: int) -> str:
    tens, ones = divmod(number, 10)
    front = "" if tens == 0 else ("" if tens == 1 else _CHINESE[tens]) + "十"
    return front + (_CHINESE[ones] if ones or not tens else "")


def areas_of(space: Space, code: str | None) -> Said | None:
    """What a community's code says of an address."""
    return None if code is None else Said(space.names[code[:9]], space.names[code])


def register_addresses(
    rng: np.random.Generator, space: Space, places: list[Said], codes: list[str | None]
) -> tuple[pl.DataFrame, AddressBook]:
    """Names and addresses of buildings as registered.

    Args:
        rng: Random stream.
        space: The ground.
        places: Where each building is.
        codes: Community in which each is found by its row.

    Returns:
        楼栋名称 and 建筑地址; and what they tell together.
    """
    names: list[str | None] = []
    texts: list[str | None] = []
    told = []
    for n, (place, code) in enumerate(zip(places, codes, strict=True)):
        draw = rng.random()
        # levels left out: the areas, the road of a compound, everything
        said = replace(place, community=None) if draw < 0.3 and not place.group else place
        said = replace(said, street=None) if draw < 0.15 and not place.group else said
        if place.compound and draw > 0.9:
            said = replace(said, road=None)
        named = place.compound or place.group
        names.append(_name(place) if named else None)
        if draw > 0.97:
            texts.append(None)
            bare = Said(compound=place.compound, building=place.building)
            said = None if not named else place if place.group else bare
        else:
            texts.append(written(rng, said))
        if said is not None:
            told.append((f"LD{n + 1:07d}", said.with_areas(areas_of(space, code))))
    frame = pl.DataFrame({"楼栋名称": names, "建筑地址": texts}, schema_overrides=_TEXTS)
    return frame, AddressBook(told)


_TEXTS = {"楼栋名称": pl.String, "建筑地址": pl.String}


def _name(place: Said) -> str:
    if place.group:
        return f"{place.community}{place.group}{place.building}号"
    end = "座" if str(place.building).isalpha() else "号楼"
    return f"{place.compound}{place.building}{end}"
