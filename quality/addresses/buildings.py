"""Buildings of rows: by code, else by the address they write; of several buildings none is taken.

An address seldom says its street and community, a row and a building often do by code: those names
are levels of the address, too, so that of two 幸福花园 the one in the row's own community is meant.

Not here: how two addresses are compared, see `quality.addresses.register`.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from quality.addresses.keys import matching_key, standard
from quality.addresses.levels import parse
from quality.addresses.marks import Gazetteer
from quality.addresses.register import match_levels
from schemas.areas import CODE_LENGTH, TIERS

AMBIGUOUS: Final = ("several_buildings", "building_not_said")
"""Reasons of `register.REASONS` that stand for an address of more than one building."""


class Buildings:
    """The registered buildings, ready to be asked by code and by address."""

    def __init__(self, buildings: pl.DataFrame, areas: pl.DataFrame) -> None:
        """Take the register.

        Args:
            buildings: `building_id`, `address`, `building_name`, `community_code`. A name counts
                as another address where it says a place and a number (云岭花园3号楼).
            areas: silver.areas: `area_code`, `area_name`, `tier`.
        """
        self._words = AddressWords(areas)
        self._codes = buildings.select("building_id", _lies_in="community_code")
        self._texts = buildings.select("building_id", "address", "building_name", "community_code")
        self._register: pl.DataFrame | None = None

    def find(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Set `building_id` and `building_by`; a building places rows that nothing else placed.

        Args:
            rows: `building_id` and `address` as written, each of them null where nothing is;
                may hold `community_code`, which then is a level of the address, and `placed_by`.

        Returns:
            The rows in the same order. `building_id` is a registered building or null;
            `building_by` one of `schemas.housing.BUILDING_BY`. Rows without `community_code` have
            their building's; with `placed_by` (`quality.placing`) those so placed say `building`.
        """
        is_known = pl.col("building_id").is_in(self._codes["building_id"].implode())
        by_code = rows.select(is_known.fill_null(value=False)).to_series()
        found = self._by_address(rows, ~by_code & rows["address"].is_not_null())
        written, building = rows["building_id"], found["building_id"]
        way = (
            pl.when(by_code).then(pl.lit("code"))
            .when(building.is_not_null()).then(pl.lit("address"))
            .when(found["reason"].is_in(AMBIGUOUS)).then(pl.lit("ambiguous"))
            .when(written.is_not_null() | rows["address"].is_not_null()).then(pl.lit("unknown"))
            .otherwise(pl.lit("not_said"))
        )  # fmt: skip
        told = rows.with_columns(building_id=written.zip_with(by_code, building), building_by=way)
        return self._placed(told)

    def _by_address(self, rows: pl.DataFrame, asked: pl.Series) -> pl.DataFrame:
        """`building_id` and `reason` of every row; null for those that are not asked."""
        nothing = pl.DataFrame(schema={"_row": pl.UInt32, "building_id": pl.String,
                                       "reason": pl.String})  # fmt: skip
        some = rows.with_row_index("_row").filter(asked)
        if some.height:
            code = some["community_code"] if "community_code" in some.columns else None
            said = self._words.levels(some["address"], code)
            found = match_levels(said, self._known())
            # of a numbered building whose number is not said there may be others, unregistered
            is_guess = (found["matched_by"] == "only_building").fill_null(value=False)
            found = found.select(
                pl.when(~is_guess).then("building_id").alias("building_id"),
                pl.when(is_guess).then(pl.lit(AMBIGUOUS[-1])).otherwise("reason").alias("reason"),
            )
            nothing = some.select("_row").hstack(found)
        every = rows.select(pl.int_range(pl.len(), dtype=pl.UInt32).alias("_row"))
        return every.join(nothing, on="_row", how="left", maintain_order="left")

    def _known(self) -> pl.DataFrame:
        if self._register is None:
            texts = self._texts
            levels, names = (
                self._words.levels(texts[c], texts["community_code"])
                for c in ("address", "building_name")
            )
            says = matching_key(parse(texts["building_name"], self._words.gazetteer))
            place = pl.any_horizontal(
                pl.col("compound_key", "road_key", "community_key").is_not_null()
            )
            says = says.select(place & pl.col("building_key").is_not_null()).to_series()
            ids = texts.select("building_id", dwelling_id=pl.lit(None, pl.String))
            self._register = pl.concat([
                ids.hstack(levels).filter(texts["address"].is_not_null()),
                ids.hstack(names).filter(says),
            ])  # fmt: skip
        return self._register

    def _placed(self, rows: pl.DataFrame) -> pl.DataFrame:
        joined = rows.join(self._codes, on="building_id", how="left", maintain_order="left")
        if "community_code" not in rows.columns:
            return joined.rename({"_lies_in": "community_code"})
        if "placed_by" in rows.columns:
            helps = pl.col("community_code").is_null() & pl.col("_lies_in").is_not_null()
            way = pl.when(helps).then(pl.lit("building")).otherwise("placed_by")
            joined = joined.with_columns(placed_by=way)
        code = pl.coalesce("community_code", "_lies_in")
        return joined.with_columns(community_code=code).drop("_lies_in")


class AddressWords:
    """Names of a city's areas, for reading addresses and filling in what they leave out."""

    def __init__(self, areas: pl.DataFrame) -> None:
        """Take `area_code`, `area_name`, `tier` out of silver.areas."""
        own = areas.filter(pl.col("tier").is_in(TIERS)).select("area_code", "area_name", "tier")
        # 云岭社区居委会 is called 云岭社区 in addresses
        read = parse(own["area_name"])
        short = (pl.when(pl.col("tier") == tier).then(read[tier]) for tier in TIERS)
        own = own.with_columns(area_name=pl.coalesce(*short, "area_name"))
        self.gazetteer = Gazetteer.of(own)
        self._names = dict(own.select("area_code", "area_name").iter_rows())
        alone = own.filter(pl.struct("tier", "area_name").is_unique())
        self._codes = {
            tier: dict(alone.filter(pl.col("tier") == tier).select("area_name", "area_code").rows())
            for tier in TIERS
        }

    def levels(self, addresses: pl.Series, community_code: pl.Series | None = None) -> pl.DataFrame:
        """Levels of every address, with the names of its areas where it leaves them out.

        They are those of the community by code, or above the community or street that the address
        names; none where the address names another area of the same tier.

        Args:
            addresses: Texts as written.
            community_code: 12 digits or null, one for every address.

        Returns:
            As `parse`.
        """
        said = parse(addresses, self.gazetteer)
        if community_code is not None:
            said = self._filled(said, community_code)
        for tier in ("community", "street"):
            codes = self._codes[tier]
            told = said[tier].replace_strict(codes, default=None, return_dtype=pl.String)
            said = self._filled(said, told)
        return said

    def _filled(self, said: pl.DataFrame, codes: pl.Series) -> pl.DataFrame:
        """Names of an area and those above it, where the address agrees with all it says."""
        names = {}
        for tier in TIERS:
            code = codes.set(codes.str.len_chars() < CODE_LENGTH[tier], None)
            above = code.str.head(CODE_LENGTH[tier])
            names[tier] = above.replace_strict(self._names, default=None, return_dtype=pl.String)
        agrees = pl.all_horizontal(
            (said[tier] == name).fill_null(value=True) for tier, name in names.items()
        )
        return said.with_columns(
            pl.coalesce(tier, pl.when(agrees).then(name)) for tier, name in names.items()
        )

    def standard(self, addresses: pl.Series, community_code: pl.Series) -> pl.Series:
        """The canonical line of every address, its areas filled in; null where no place is said.

        Args:
            addresses: Texts as written.
            community_code: 12 digits or null, one for every address.

        Returns:
            Text named `standard_address`.
        """
        levels = self.levels(addresses, community_code)
        own = matching_key(parse(addresses, self.gazetteer))
        says = own.select(pl.any_horizontal(pl.all().exclude("unit_key", "room_key").is_not_null()))
        return standard(levels).set(~says.to_series(), None)
