"""Where the levels of an address end: marks after suffixes (路, 街道, 社区) and around known names.

One pass over the text with the words of `codes/address_suffixes.csv` and the names of a gazetteer;
of words that overlap the one that begins first wins, then the longest. Words without a mark
(市场, 新村, 路口) are in the table to hide the suffix inside them.

Not here: what the parts between the marks mean, see `quality.addresses.parts`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from itertools import product
from typing import Final

import polars as pl

from quality.addresses.text import NUMBER_CLASS, spelled
from schemas.codes import table

LEVELS: Final = tuple(table("address_levels")["level"])
"""Levels of an address from the province to the room, `codes/address_levels.csv`."""
NAME_ENDS, LONE_NUMBER = 0, 1
CODE: Final = {level: n for n, level in enumerate(LEVELS, 2)}
"""Level → the number it has while an address is read; 0 is a name of no level, 1 a lone number."""

BEGIN: Final = "\ue000"  # before a known name
SUFFIX_MARK: Final = {level: chr(0xE010 + n) for level, n in CODE.items()}
KNOWN_MARK: Final = {level: chr(0xE020 + n) for level, n in CODE.items()}
MARKS: Final = r"\x{E000}-\x{E02F}"
_SUFFIX, _KNOWN = r"\x{E010}-\x{E01F}", r"\x{E020}-\x{E02F}"
_WEAK: Final = ("镇", "乡", "村", "路", "街", "巷", "弄")
_COMMITTEES: Final = {
    "区": ("居委会", "居民委员会"),
    "村": ("委会", "民委员会", "村委会", "村民委员会"),
}
_STRONG: Final = "".join(
    marks[level]
    for marks in (SUFFIX_MARK, KNOWN_MARK)
    for level in ("province", "city", "district", "zone", "street", "community")
)


@dataclass(frozen=True)
class Gazetteer:
    """Names that are known, so that they are found whatever they end with.

    Attributes:
        names: `name` (one spelling, distinct) and `level`, longest level first.
    """

    names: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema={"name": pl.String, "level": pl.String})
    )

    @classmethod
    def of(cls, areas: pl.DataFrame, compounds: pl.Series | None = None) -> Gazetteer:
        """Names of a register of areas, and of compounds 小区.

        Args:
            areas: `area_name` and `tier` (province, city, district, street, community; other tiers
                such as grids are left out: nobody writes them in an address).
            compounds: Names of compounds.

        Returns:
            The gazetteer. A name of two levels counts as the higher one.
        """
        named = areas.select(name="area_name", level="tier")
        if compounds is not None:
            more = pl.DataFrame({"name": compounds.cast(pl.String)})
            named = pl.concat([named, more.with_columns(level=pl.lit("compound"))])
        levels = ["province", "city", "district", "street", "community", "compound"]
        return cls(
            named.with_columns(spelled(named["name"])["text"].alias("name"))
            .filter(pl.col("level").is_in(levels), pl.col("name").str.len_chars() >= 2)
            .filter(~pl.col("name").is_in([*_words()]))
            .sort(pl.col("level").cast(pl.Enum(levels)), "name")
            .unique("name", keep="first", maintain_order=True)
        )


def _suffixes(kind: str) -> list[tuple[str, str, str]]:
    rows = table("address_suffixes").filter(pl.col("kind") == kind)
    return [(a, b or "", c or "") for a, b, c in rows.select("suffix", "level", "spelling").rows()]


@cache
def number_suffixes() -> dict[str, str]:
    """Suffix of a number (号楼, 单元 …) → level."""
    return {suffix: level for suffix, level, _ in _suffixes("number")}


@cache
def words_of(kind: str) -> tuple[str, ...]:
    """Words of one kind of `codes/address_suffixes.csv`, longest first."""
    return tuple(sorted((row[0] for row in _suffixes(kind)), key=lambda w: (-len(w), w)))


@cache
def _words() -> dict[str, str]:
    """Word of the table → what stands in the marked text instead."""
    names = [(s, level, spelling) for s, level, spelling in _suffixes("name")]
    words = {s: spelling + SUFFIX_MARK[level] for s, level, spelling in names}
    # 共和新路+街道, 景德镇+市: of two suffixes in a row the first belongs to the name
    joined = [n for n in names if n[1] not in {"province", "zone"} and n[0] not in {"国道", "省道"}]
    for weak, (suffix, level, spelling) in product(_WEAK, joined):
        begun = "" if spelling == weak != suffix else weak  # 上洋村+村民委员会 is 上洋村
        words.setdefault(weak + suffix, begun + spelling + SUFFIX_MARK[level])
    for suffix, level, spelling in names:
        if level in {"street", "community"} and len(suffix) > 1:
            words["区" + suffix] = "区" + spelling + SUFFIX_MARK[level]
    road = SUFFIX_MARK["road"]
    for n in range(10):
        words[f"道{n}"] = f"道{road}{n}"  # 解放道12号; elsewhere 道 is part of a name
    for way, part in product(("路", "街", "大街", "大道"), "东西南北中一二三四五六七八九"):
        words[f"{way}{part}段"] = f"{way}{part}段{road}"
    for n, part in enumerate("一二三四五六七八九", 1):
        words |= {f"{way}{n}段": f"{way}{part}段{road}" for way in ("路", "街", "大街", "大道")}
    for name in table("provinces")["name"]:
        if name.endswith("市"):
            words[name] = name + SUFFIX_MARK["province"]
    return words | {s: spelling for s, _, spelling in _suffixes("plain")}


def marked(text: pl.Expr, gazetteer: Gazetteer) -> pl.Expr:
    """Texts of `quality.addresses.text.spelled` with marks: `福建省▸湖滨南路▸12号云岭花园3号楼`.

    Known names stand between `BEGIN` and a mark of `KNOWN_MARK`, suffixes before one of
    `SUFFIX_MARK`.
    """
    known = {
        name: BEGIN + name + KNOWN_MARK[level]
        for name, level in gazetteer.names.select("name", "level").iter_rows()
    }
    # the committee of a known community is that community: 云岭社区+居委会, 上洋村+委会
    known |= {
        name + tail: mark
        for name, mark in known.items() if mark[-1] == KNOWN_MARK["community"]
        for tail in _COMMITTEES.get(name[-1], ())
    }  # fmt: skip
    weak = "|".join((*_WEAK, "市", "县", "区", "旗"))
    words = sorted((_words() | known).items(), key=lambda w: -len(w[0]))  # the longest wins
    marks = text.str.replace_many(dict(words), leftmost=True)
    if known:
        # a known name inside another word (新云岭社区) or of a road (书院路) is not that name
        edge = rf"[^{MARKS}{NUMBER_CLASS}号楼幢栋座元层室房院]"
        roads = "|".join(words_of("name"))
        marks = marks.str.replace_all(rf"({edge}){BEGIN}", "$1").str.replace_all(
            rf"{BEGIN}([^{MARKS}]*)[{_KNOWN}]((?:{roads})[{_SUFFIX}])", "$1$2"
        )
    street = rf"[东南西北中前后](?:大街|大道|路|街|巷){SUFFIX_MARK['road']}"
    return (
        # 厦门市+镇海路: a suffix right after a full level begins the next name
        marks.str.replace_all(
            rf"(^|[{_STRONG}])({weak})[{_SUFFIX}]([^{MARKS}{NUMBER_CLASS}])", "$1$2$3"
        )
        # 梅村+南大街
        .str.replace_all(rf"村{SUFFIX_MARK['community']}({street})", "村$1")
    )
