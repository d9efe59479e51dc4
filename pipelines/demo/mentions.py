"""How rows of 示范区 name a building: by code, address or a code nobody knows, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from pipelines.demo.addresses import AddressBook, Said, areas_of, written
from pipelines.demo.plan import Plan
from pipelines.demo.space import Space

UNKNOWN_BUILDING = "LD9999999"
WAYS = ("code", "both", "address", "bad_code", "nothing")
_NOWHERE = Said(compound="无此花园", building="9")

_SCHEMA = {"楼栋编码": pl.String, "地址": pl.String, "building_id": pl.String,
           "building_by": pl.String, "true_building_id": pl.String}  # fmt: skip


@dataclass(frozen=True)
class Town:
    """The buildings of the demo, and all that is known of where they are.

    Attributes:
        space: The ground.
        codes: Community in which each building's own row places it, null where nowhere.
        true_community: Position of the community in which each truly is.
        places: Where each is.
        book: What the register says.
    """

    space: Space
    codes: pl.Series
    true_community: np.ndarray
    places: list[Said]
    book: AddressBook

    def mentions(
        self,
        rng: np.random.Generator,
        at: np.ndarray,
        codes: Sequence[str | None],
        shares: Sequence[float],
        inside: Callable[[int], str] = lambda _row: "",
    ) -> pl.DataFrame:
        """How rows name their buildings.

        Args:
            rng: Random stream.
            at: Which building each row is in.
            codes: Community in which the row lies by what else it says.
            shares: Of the `WAYS`.
            inside: Row → unit and room, written after a building.

        Returns:
            As written 楼栋编码 and 地址; as it must be found building_id and building_by; and
            true_building_id.
        """
        ways = rng.choice(WAYS, len(at), p=shares).tolist()
        rows = [
            self._row(rng, way, int(b), code, inside(n))
            for n, (way, b, code) in enumerate(zip(ways, at, codes, strict=True))
        ]
        return pl.DataFrame(rows, schema=_SCHEMA, orient="row")

    def _row(
        self, rng: np.random.Generator, way: str, b: int, code: str | None, inside: str
    ) -> tuple[str | None, ...]:
        own = f"LD{b + 1:07d}"
        written_code = {"code": own, "both": own, "bad_code": UNKNOWN_BUILDING}.get(way)
        if way in ("code", "nothing") or (way == "bad_code" and rng.random() < 0.5):
            by = {"code": "code", "nothing": "not_said"}.get(way, "unknown")
            return written_code, None, own if way == "code" else None, by, own
        place = self.places[b]
        # behind a mere house number 2-501 would be a building and a room
        inside = "" if "-" in inside and not place.compound else inside
        text, said = self._address(rng, place, inside)
        if way == "both":
            return written_code, text, own, "code", own
        if said is None:
            return written_code, text, None, "unknown", own
        found, by = self.book.find(said.with_areas(areas_of(self.space, code)))
        return written_code, text, found, by, own

    @staticmethod
    def _address(rng: np.random.Generator, place: Said, inside: str) -> tuple[str, Said | None]:
        """An address, and what it says; None if that is only what lies beside it."""
        draw = rng.random()
        if draw < 0.04:
            return written(rng, _NOWHERE, inside), _NOWHERE
        said = place
        if not place.group:
            # who says the community says the street, written or not: names are told apart
            areas = ((place.street, place.community), (place.street, None), (None, None))
            street, community = areas[rng.integers(3)]
            said = replace(said, street=street, community=community)
        if place.compound:
            said = (said, said, replace(said, road=None), replace(said, compound=None))[
                rng.integers(4)
            ]
        if draw < 0.07:
            return written(rng, said) + ("对面", "旁边", "附近")[rng.integers(3)], None
        if draw < 0.13 and place.building:
            said = replace(said, building=None)
            return written(rng, said), said
        return written(rng, said, inside), said


def note_mentions(plan: Plan, feed: str, ids: pl.Series, mentions: pl.DataFrame) -> None:
    """Write down which building each row truly is in, and what can be found of it."""
    plan.truth.add(
        "building_mentions",
        mentions.with_columns(
            ids.alias("entity_id"), feed=pl.lit(feed), has_address=pl.col("地址").is_not_null()
        ),
    )


def placed_by_buildings(placed: pl.DataFrame, mentions: pl.DataFrame, town: Town) -> pl.DataFrame:
    """Truth of rows that lie nowhere by themselves: where the building that is found lies."""
    lies_in = pl.DataFrame({
        "building_id": [f"LD{n + 1:07d}" for n in range(len(town.codes))],
        "_lies_in": town.codes,
    })  # fmt: skip
    found = mentions.select("building_id").join(
        lies_in, on="building_id", how="left", maintain_order="left"
    )["_lies_in"]
    helps = pl.col("community_code").is_null() & found.is_not_null()
    return placed.with_columns(
        placed_by=pl.when(helps).then(pl.lit("building")).otherwise("placed_by"),
        community_code=pl.coalesce("community_code", found),
    )
