"""Standard addresses 标准地址 taken apart: a text in, its levels from province to room out.

The levels are the address components of GB/T 35639-2017 (6.3, table 13); examples of that clause
are among the tests. What no rule places stays in `rest`: nothing is guessed and nothing is lost.

Not here: which part of a text is which level, see `quality.addresses.parts`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from quality.addresses.chains import place_chains
from quality.addresses.marks import (
    CODE,
    LEVELS,
    LONE_NUMBER,
    MARKS,
    Gazetteer,
    marked,
    number_suffixes,
)
from quality.addresses.parts import (
    BUILDING,
    COMMUNITY,
    COMPOUND,
    ROAD,
    Parts,
    cut,
    settle_areas,
    settle_names,
    settle_numbers,
)
from quality.addresses.text import public, spelled
from schemas.codes import table

SCHEMA: Final = dict.fromkeys((*LEVELS, "remark", "rest"), pl.String) | {"floor": pl.Int16}
"""Columns of a parsed address. Numbers are text (`12-3`, `A`, `501A`), floors integers."""

_SHORT: Final = "|".join(table("provinces")["short_name"])
_NUMBER_ENDS: Final = "".join(sorted(set("".join(number_suffixes()))))
_ROWS_AT_ONCE: Final = 200_000  # bounds memory: about 1 KiB a row while they are read


def parse(addresses: pl.Series, gazetteer: Gazetteer | None = None) -> pl.DataFrame:
    """Levels of every address.

    Equal texts are read once. A row depends on its own text and the gazetteer only.

    Args:
        addresses: Texts as written; nulls and empty texts give rows of nulls.
        gazetteer: Known names of areas and compounds; without it suffixes alone decide.

    Returns:
        One row per address in the same order, columns `SCHEMA`: `province`, `city`, `district`,
        `zone`, `street`, `community`, `group`, `road`, `number`, `compound`, `building`, `unit`,
        `floor` (integer, B1 is -1), `room`, `remark` (text in brackets), `rest` (what no level
        could take). Of a level said twice in different words the more detailed place (the last)
        stands for names, the first for numbers; the other is in `rest`.
    """
    texts = addresses.cast(pl.String).alias("_address")
    distinct = texts.unique(maintain_order=True)
    known = gazetteer or Gazetteer()
    levels = pl.concat(
        [_parse_distinct(piece, known) for piece in distinct.to_frame().iter_slices(_ROWS_AT_ONCE)]
        or [pl.DataFrame(schema=SCHEMA)]
    )
    if len(distinct) == len(texts):
        return levels
    return (
        texts.to_frame()
        .join(levels.with_columns(distinct), on="_address", how="left", nulls_equal=True,
              maintain_order="left")
        .drop("_address")
    )  # fmt: skip


def _parse_distinct(rows: pl.DataFrame, gazetteer: Gazetteer) -> pl.DataFrame:
    text = spelled(rows.to_series())
    parts = cut(text.select(marked(pl.col("text"), gazetteer)).to_series())
    settle_areas(parts)
    settle_numbers(parts)
    settle_names(parts)
    return _collect(parts).with_columns(text["remark"]).select(*SCHEMA)


def _collect(parts: Parts) -> pl.DataFrame:
    """One row per text: the part of every level without its suffix, the left over in `rest`."""
    taken = np.zeros(len(parts.code), bool)
    columns: dict[str, pl.Series] = {}
    for level, code in (*CODE.items(), ("_chain", LONE_NUMBER)):
        at = np.flatnonzero(parts.code == code)
        at = at if code <= COMMUNITY else at[::-1]  # of areas the last is taken, else the first
        picked = np.full(parts.rows, -1)
        picked[parts.row[at]] = at
        taken[picked[picked >= 0]] = True
        columns[level] = parts.texts.gather(pl.Series(picked).replace(-1, None)).alias(level)
        others = np.sort(at[~taken[at]])
        if not len(others):
            continue
        again = _says_again(parts, others, picked)
        taken[others[again]] = True
        if code in (ROAD, COMPOUND, BUILDING):
            columns[level] = _joined(parts, others[~again], picked, columns[level], taken)
    frame, unplaced = place_chains(_split_names(pl.DataFrame(columns).with_columns(_values())))
    left = np.flatnonzero(~taken)
    rest = pl.DataFrame({"_row": parts.row[left], "rest": parts.texts.gather(left)})
    told = (
        pl.concat([rest.cast({"_row": pl.UInt32}), unplaced])
        .group_by("_row", maintain_order=True)
        .agg(_public(pl.col("rest").str.join(" ")))
    )
    return frame.with_row_index("_row").join(told, on="_row", how="left", maintain_order="left")


def _says_again(parts: Parts, others: np.ndarray, picked: np.ndarray) -> np.ndarray:
    """Which parts only say again what the picked part of their text says: 3号楼3幢."""
    ends = _NUMBER_ENDS if parts.code[others[0]] > COMPOUND else ""
    plain = [
        parts.texts.gather(at).str.replace_all(f"[{MARKS}]", "").str.strip_chars_end(ends)
        for at in (others, picked[parts.row[others]])
    ]
    return (plain[0] == plain[1]).to_numpy()


def _joined(
    parts: Parts, others: np.ndarray, picked: np.ndarray, column: pl.Series, taken: np.ndarray
) -> pl.Series:
    """Names in several parts put together: 交通南路+1巷, 世昌广场+丽景大厦, 3号楼+A座."""
    code = parts.code[others[0]] if len(others) else COMPOUND
    if code != COMPOUND:  # these only right after the first, one after the other
        nth = np.arange(len(others)) - np.searchsorted(parts.row[others], parts.row[others])
        others = others[others - picked[parts.row[others]] == nth + 1]
    if not len(others):
        return column
    taken[others] = True
    pieces = np.union1d(picked[parts.row[others]], others)
    texts = parts.texts.gather(pieces)
    if code == BUILDING:
        texts = texts.str.strip_chars_end(_NUMBER_ENDS)
    joined = (
        pl.DataFrame({"row": parts.row[pieces], "text": texts})
        .group_by("row", maintain_order=True)
        .agg(pl.col("text").str.join("-" if code == BUILDING else ""))
    )
    return column.scatter(joined["row"], joined["text"])


def _public(text: pl.Expr) -> pl.Expr:
    return public(text.str.replace_all(f"[{MARKS}]", ""))


def _values() -> list[pl.Expr]:
    """Parts without marks and number suffixes, numbers without leading zeros."""
    numbers = ("number", "building", "unit", "floor", "room", "_chain")
    names = [c for c in LEVELS if c not in {*numbers, "group", "compound"}]
    compound = _public(pl.col("compound"))
    half = compound.str.len_chars() // 2
    twice = (half >= 3) & (compound.str.head(half) == compound.str.slice(half))
    group = pl.col("group").str.replace("村民小组|小组", "组").str.replace("生产队", "队")
    return [
        *(_public(pl.col(c)) for c in names),
        *(
            pl.col(c)
            .str.strip_chars_end(_NUMBER_ENDS)
            .str.strip_chars("-")
            .str.replace_all("(^|-)0+([0-9])", "$1$2")
            for c in numbers
        ),
        public(group),
        pl.when(twice).then(compound.str.head(half)).otherwise(compound),  # 云岭花园云岭花园
    ]


def _split_names(frame: pl.DataFrame) -> pl.DataFrame:
    """A province without suffix before its city (福建厦门市), a compound before its road."""
    fused = rf"^({_SHORT})(.{{2,}}(?:市|州|区|县|盟))$"
    full = dict(table("provinces").select("short_name", "name").iter_rows())
    for level in ("city", "district"):
        # 海南藏族自治州 lies in 青海
        whole = pl.col("province").is_not_null() | pl.col(level).str.contains("族自治州")
        frame = _split(frame, ("province", level), fused, whole, full)
    led = (
        "^(.{2,}(?:小区|花园|公寓|家属院|大厦|新村|工业区|工业园))"
        "(.{2,}(?:路|街|巷|弄|胡同|大道).*)$"
    )
    return _split(frame, ("compound", "road"), led, pl.col("compound").is_not_null(), {})


def _split(
    frame: pl.DataFrame, levels: tuple[str, str], pattern: str, whole: pl.Expr, full: dict[str, str]
) -> pl.DataFrame:
    """Give the first group of the pattern in the second level to the first level."""
    front, back = levels
    some = (pl.col(back).str.contains(pattern) & ~whole).fill_null(False)
    if not frame.select(some.any()).item():
        return frame
    first = pl.col(back).str.extract(pattern, 1)
    return frame.with_columns(
        pl.when(some).then(first.replace(full)).otherwise(front).alias(front),
        pl.when(some).then(pl.col(back).str.extract(pattern, 2)).otherwise(back).alias(back),
    )
