"""Addresses found in a register of buildings and dwellings.

Two addresses are the same place when every level said on both sides agrees; of several candidates
none is taken.

Not here: placing facts in communities by code or point, see `quality.placing`.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from quality.addresses.keys import DIGITS, matching_key
from quality.addresses.levels import parse
from quality.addresses.marks import Gazetteer, words_of

MATCHED_BY: Final = {
    "compound_and_road_number": "小区与门牌号一致",
    "compound": "小区名称与楼号唯一",
    "road_number": "门牌号与楼号唯一",
    "community": "社区(村)与楼号唯一",
    "only_building": "该处仅有一幢楼",
}
"""How a building was found, surest first."""
REASONS: Final = {
    "no_address": "地址为空",
    "beside_it": "地址为某处附近",
    "no_place": "无小区、门牌号或社区",
    "unknown_place": "登记中无此小区、门牌号或社区",
    "unknown_building": "登记中无此楼号",
    "building_not_said": "未写楼号而该处有多幢楼",
    "levels_disagree": "与登记的上级地址不一致",
    "several_buildings": "有多幢楼符合",
    "dwellings_not_registered": "该楼未登记房屋",
    "unknown_dwelling": "登记中无此房屋",
    "several_dwellings": "有多套房屋符合",
}
"""Why a building, or the dwelling in a building that was found, is null."""

_PLACES: Final = ("compound_key", "road_key", "community_key")
_COMPARED: Final = (
    "province", "city", "district", "street", "community", "road", "compound_key", "road_key",
)  # fmt: skip


def match(
    addresses: pl.Series, register: pl.DataFrame, gazetteer: Gazetteer | None = None
) -> pl.DataFrame:
    """Find every address in a register of buildings and dwellings.

    Args:
        addresses: Texts as written.
        register: `building_id`, `address` (text) and, if dwellings are registered, `dwelling_id`;
            a building may have several rows (other names, its dwellings).
        gazetteer: Known names, used for both sides.

    Returns:
        One row per address in the same order: `building_id`, `dwelling_id`, `matched_by` (one of
        `MATCHED_BY`), `reason` (one of `REASONS`; null where all that the address says was found;
        a reason beside a building is about the dwelling).

    Raises:
        polars.exceptions.ColumnNotFoundError: a column of the register is missing.
    """
    if "dwelling_id" not in register.columns:
        register = register.with_columns(dwelling_id=pl.lit(None, pl.String))
    ids = register.select("building_id", "dwelling_id")
    known = ids.hstack(parse(register["address"], gazetteer))
    found = match_levels(parse(addresses, gazetteer), known)
    is_empty = addresses.str.strip_chars().fill_null("") == ""
    return found.with_columns(
        reason=pl.when(is_empty).then(pl.lit("no_address")).otherwise("reason")
    )


def match_levels(addresses: pl.DataFrame, register: pl.DataFrame) -> pl.DataFrame:
    """Find addresses whose levels are read already, see `match`.

    Args:
        addresses: As `parse` gives them.
        register: `building_id`, `dwelling_id` and the columns of `parse`.

    Returns:
        As `match`; an address without any level has the reason `no_place`.
    """
    said = _keyed(addresses).with_row_index("_row")
    ids = register.select("building_id", "dwelling_id")
    known = ids.hstack(_keyed(register)).drop_nulls("building_id")
    found = said.join(_buildings(said, known), on="_row", how="left", maintain_order="left")
    dwellings = _dwellings(found, known)
    found = found.join(dwellings, on="_row", how="left", maintain_order="left")
    return found.select(
        "building_id", "dwelling_id", "matched_by",
        reason=pl.coalesce("reason", "dwelling_reason"),
    )  # fmt: skip


def _keyed(levels: pl.DataFrame) -> pl.DataFrame:
    areas = levels.select("province", "city", "district", "street", "community", "rest")
    road = levels["road"].str.replace_many(DIGITS)
    return areas.with_columns(road).hstack(matching_key(levels))


def _buildings(said: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """`_row`, `building_id`, `matched_by`, `reason` for every row of the addresses."""
    own = [*dict.fromkeys((*_COMPARED, *_PLACES, "building_key"))]
    asked = said.select(*own).unique(maintain_order=True).with_row_index("_ask")
    there = known.select("building_id", *own).unique(maintain_order=True)
    said_of = known.group_by("building_id").agg(
        pl.col(c).drop_nulls().unique().name.prefix("_") for c in _COMPARED
    )
    candidates = pl.concat([_at_place(asked, there, place) for place in _PLACES])
    numbered = pl.col("building_key").is_not_null()
    same_number = (pl.col("building_key") == pl.col("building_key_right")).fill_null(False)
    agrees = pl.all_horizontal(
        pl.col(c).is_null() | (pl.col(f"_{c}").list.len() == 0)
        | pl.col(f"_{c}").list.contains(pl.col(c)) for c in _COMPARED
    )  # fmt: skip
    judged = (
        candidates.join(said_of, on="building_id", how="left")
        .with_columns(_same_number=~numbered | same_number, _way=_way())
        .with_columns(_fits=pl.col("_same_number") & agrees)
    )
    summed = judged.group_by("_ask").agg(
        fitting=pl.col("building_id").filter("_fits").n_unique(),
        building_id=pl.col("building_id").filter("_fits").min(),
        way=pl.col("_way").filter("_fits").min(),
        same_number=pl.col("_same_number").any(),
    )
    found = pl.col("fitting") == 1
    asks = asked.join(summed, on="_ask", how="left", maintain_order="left").with_columns(
        building_id=pl.when(found).then("building_id"),
        matched_by=pl.when(found).then(
            pl.col("way").replace_strict(dict(enumerate(MATCHED_BY)), default=None)
        ),
        reason=pl.when(~found.fill_null(False)).then(_building_reason(numbered)),
    )
    rows = said.select("_row", "rest", *own).join(
        asks.select(*own, "building_id", "matched_by", "reason"), on=own, how="left",
        nulls_equal=True, maintain_order="left",
    )  # fmt: skip
    beside = "|".join(word for word in words_of("beside") if word != "内")
    is_beside = pl.col("rest").str.contains(beside).fill_null(False)
    return rows.select(
        "_row",
        building_id=pl.when(~is_beside).then("building_id"),
        matched_by=pl.when(~is_beside).then("matched_by"),
        reason=pl.when(is_beside).then(pl.lit("beside_it")).otherwise("reason"),
    )


def _at_place(asked: pl.DataFrame, there: pl.DataFrame, place: str) -> pl.DataFrame:
    """Rows of the register at the same place, whatever their building number.

    A community is a place only for addresses, and for buildings, that say nothing closer.
    """
    if place == "community_key":
        none_closer = pl.col("compound_key").is_null() & pl.col("road_key").is_null()
        asked, there = asked.filter(none_closer), there.filter(none_closer)
    # of addresses with a number only equal numbers are looked at closely; one row tells the place
    numbered = asked.filter(pl.col("building_key").is_not_null())
    same = numbered.join(there, on=[place, "building_key"], how="inner", coalesce=False)
    other = there.unique(place, keep="first", maintain_order=True)
    rest = numbered.join(same.select("_ask").unique(), on="_ask", how="anti").join(
        other, on=place, how="inner", coalesce=False
    )
    free = asked.filter(pl.col("building_key").is_null()).join(
        there, on=place, how="inner", coalesce=False
    )
    order = [*asked.columns, "building_id", "building_key_right"]
    return pl.concat([same.select(order), rest.select(order), free.select(order)])


def _way() -> pl.Expr:
    """Position in `MATCHED_BY` of what the two sides have in common."""
    compound, road = (
        pl.col(c).is_not_null() & pl.col(f"_{c}").list.contains(pl.col(c))
        for c in ("compound_key", "road_key")
    )
    unsaid = pl.col("building_key").is_null() & pl.col("building_key_right").is_not_null()
    return (
        pl.when(unsaid).then(4).when(compound & road).then(0).when(compound).then(1)
        .when(road).then(2).otherwise(3)
    )  # fmt: skip


def _building_reason(numbered: pl.Expr) -> pl.Expr:
    several = pl.when(numbered).then(pl.lit("several_buildings"))
    return (
        pl.when(pl.all_horizontal(pl.col(c).is_null() for c in _PLACES)).then(pl.lit("no_place"))
        .when(pl.col("fitting").is_null()).then(pl.lit("unknown_place"))
        .when(~pl.col("same_number")).then(pl.lit("unknown_building"))
        .when(pl.col("fitting") == 0).then(pl.lit("levels_disagree"))
        .otherwise(several.otherwise(pl.lit("building_not_said")))
    )  # fmt: skip


def _dwellings(found: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """`_row`, `dwelling_id`, `dwelling_reason` of addresses with a building and a room."""
    keys = ["building_id", "unit_key", "room_key"]
    rooms = known.drop_nulls("dwelling_id").select("dwelling_id", *keys).unique()
    # 201室202室: another number that found no level may be another room
    unclear = pl.col("rest").str.contains("[0-9]").fill_null(False)
    asked = found.drop_nulls(["building_id", "room_key"]).select("_row", *keys, unclear=unclear)
    same_unit = pl.col("unit_key") == pl.col("unit_key_right")
    joined = asked.join(rooms, on=["building_id", "room_key"], how="inner").with_columns(
        _same=same_unit.fill_null(False), _agrees=same_unit.fill_null(True)
    )
    summed = joined.group_by("_row").agg(
        same=pl.col("dwelling_id").filter("_same").n_unique(),
        same_id=pl.col("dwelling_id").filter("_same").min(),
        agreeing=pl.col("dwelling_id").filter("_agrees").n_unique(),
        agreeing_id=pl.col("dwelling_id").filter("_agrees").min(),
    )
    registered = rooms.select("building_id", registered=pl.lit(True)).unique()
    # a dwelling of the said unit beats one whose unit the register does not say
    alone = (pl.col("same") == 0) & (pl.col("agreeing") == 1)
    dwelling = (
        pl.when("unclear").then(None)
        .when(pl.col("same") == 1).then("same_id")
        .when(alone).then("agreeing_id")
    )  # fmt: skip
    return (
        asked.join(summed, on="_row", how="left").join(registered, on="building_id", how="left")
        .select(
            "_row",
            dwelling_id=dwelling,
            dwelling_reason=pl.when(dwelling.is_not_null()).then(None)
            .when(pl.col("registered").is_null()).then(pl.lit("dwellings_not_registered"))
            .when(pl.col("agreeing").fill_null(0) == 0).then(pl.lit("unknown_dwelling"))
            .otherwise(pl.lit("several_dwellings")),
        )
    )  # fmt: skip
