"""Levels of an address in one line, and in the spelling that addresses are compared by.

Not here: the comparing, see `quality.addresses.register`.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from quality.addresses.marks import LEVELS, words_of

DIGITS: Final = dict(zip("零〇一二三四五六七八九", "00123456789", strict=True))
"""江场三路 and 江场3路 are one road."""


def standard(levels: pl.DataFrame) -> pl.Series:
    """The canonical line of every address: `…湖滨南路12号云岭花园3幢2单元501室`.

    Read again it gives the same levels. Remarks and what was not understood are not in it.

    Args:
        levels: As `parse` gives them.

    Returns:
        Text named `standard_address`; null where no level is known.
    """
    floor = pl.col("floor")
    numbered = {
        "number": pl.col("number") + "号",
        "building": pl.col("building") + "幢",
        "unit": pl.col("unit") + "单元",
        "floor": pl.when(floor < 0).then(pl.lit("B")).otherwise(pl.lit(""))
        + floor.abs().cast(pl.String) + "层",
        "room": pl.col("room") + "室",
    }  # fmt: skip
    text = {level: numbered.get(level, pl.col(level)) for level in LEVELS}
    # 云岭花园12号: without a road the number is the compound's
    roadless = pl.col("road").is_null()
    text["number"], text["compound"] = (
        pl.when(roadless).then(text["compound"]).otherwise(text["number"]),
        pl.when(roadless).then(text["number"]).otherwise(text["compound"]),
    )
    line = pl.concat_str(*text.values(), ignore_nulls=True)
    return levels.select(pl.when(line != "").then(line).alias("standard_address")).to_series()


def matching_key(levels: pl.DataFrame) -> pl.DataFrame:
    """What addresses are compared by, in one spelling.

    Args:
        levels: As `parse` gives them.

    Returns:
        Text columns: `compound_key`; `road_key` (road and number, null without either);
        `community_key` (with the villagers' group); `building_key` (the number, where there is no
        road: 云岭花园12号 is its building 12); `unit_key`; `room_key` (6层2号 is 602).
    """
    compound = pl.col("compound").str.replace_many(DIGITS).str.replace_all(r"[·\-]", "")
    ends = "|".join(word for word in words_of("compound_end") if word != "小区")
    floor, room = pl.col("floor"), pl.col("room")
    storey = pl.when(floor < 0).then(pl.lit("B")).otherwise(pl.lit("")) + floor.abs().cast(
        pl.String
    )
    return levels.select(
        compound.str.replace(rf"^(.+(?:{ends}))小区$", "$1").alias("compound_key"),
        (pl.col("road").str.replace_many(DIGITS) + pl.col("number")).alias("road_key"),
        pl.concat_str("community", pl.col("group").fill_null("")).alias("community_key"),
        pl.coalesce("building", pl.when(pl.col("road").is_null()).then("number"))
        .alias("building_key"),
        pl.col("unit").alias("unit_key"),
        pl.when(floor.is_not_null() & room.str.contains("^[0-9]{1,2}$"))
        .then(storey + room.str.zfill(2)).otherwise(room).alias("room_key"),
    )  # fmt: skip
