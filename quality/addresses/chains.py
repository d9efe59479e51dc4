"""Numbers in a chain: 3-2-501, 3-501, 501, by what is known of the address already.

| numbers | building known | else |
|---|---|---|
| 501 | room | room; one or two digits after a mere name say too little |
| 3-501 | unit, room; with the unit known floor, room | building, room |
| 3-2-501 | unit, floor, room | building, unit, room |
| 3-2-5-501 | not placed | building, unit, floor, room |

A chain right after a road without 号 is not placed (湖滨路12-3-501: which is the number?).
"""

from __future__ import annotations

from typing import Final

import polars as pl

from quality.addresses.text import public

_STOREY: Final = r"^(?:[1-9][0-9]?F|B[1-9])$"
_ORDERS: Final = (
    (),
    ("room",),
    ("building", "room"),
    ("floor", "room"),
    ("unit", "room"),
    ("building", "unit", "room"),
    ("unit", "floor", "room"),
    ("building", "unit", "floor", "room"),
)
"""Readings of a chain; `_case` says which one holds."""


def place_chains(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Spread the numbers of `_chain`, and of units and rooms written in a chain, over the levels.

    Args:
        frame: Parsed levels as text, `_chain` beside them.

    Returns:
        The frame with `floor` as integer and without `_chain`; and the chains that could not be
        placed, as `_row` (position in the frame) and `rest`.
    """
    frame = _units(frame.with_row_index("_row"))
    chained = pl.col("_chain").is_null() & pl.col("room").str.contains("-", literal=True)
    frame = frame.with_columns(
        _chain=pl.when(chained).then("room").otherwise("_chain"),
        room=pl.when(~chained.fill_null(False)).then("room"),
    )
    has = frame["_chain"].is_not_null()
    unplaced = pl.DataFrame(schema={"_row": frame.schema["_row"], "rest": pl.String})
    if has.any():
        some = _spread(frame.filter(has))
        unplaced = some.drop_nulls("rest").select("_row", "rest")
        frame = pl.concat([frame.filter(~has), some.select(frame.columns)]).sort("_row")
    floor = _floor_number(pl.col("floor"))
    odd = frame.filter(pl.col("floor").is_not_null() & floor.is_null())
    unplaced = pl.concat([unplaced, odd.select("_row", rest=pl.col("floor") + "层")])
    numbers = [public(pl.col(c)) for c in ("number", "building", "unit", "room")]
    return frame.with_columns(floor, *numbers).drop("_row", "_chain"), unplaced


def _units(frame: pl.DataFrame) -> pl.DataFrame:
    """3-2单元 is unit 2 of building 3, where no other building is said."""
    split = pl.col("building").is_null() & pl.col("unit").str.contains("-", literal=True)
    return frame.with_columns(
        building=pl.when(split).then(pl.col("unit").str.extract("^(.*)-", 1)).otherwise("building"),
        unit=pl.when(split).then(pl.col("unit").str.extract("([^-]*)$", 1)).otherwise("unit"),
    )


def _floor_number(floor: pl.Expr) -> pl.Expr:
    number = floor.str.strip_suffix("F").cast(pl.Int16, strict=False)
    below = floor.str.extract(r"^B([1-9])$", 1).cast(pl.Int16, strict=False)
    return pl.coalesce(number, -below)


def _spread(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with a chain: its numbers in their levels, or the chain in `rest`."""
    parts, first = pl.col("_parts"), pl.col("_parts").list.first()
    indoors = _known("building", "unit", "floor", "number")
    storey = (
        pl.col("floor").is_null() & first.str.contains(_STOREY)
        & (first.str.ends_with("F") | ((parts.list.len() > 1) & indoors))
    )  # fmt: skip
    rows = (
        rows.with_columns(_parts=pl.col("_chain").str.split("-"))
        .with_columns(
            floor=pl.when(storey).then(first).otherwise("floor"),
            _parts=pl.when(storey).then(parts.list.slice(1)).otherwise(parts),
        )
        .with_columns(_case=_case(indoors))
    )
    placed = [
        pl.coalesce(
            *(
                pl.when(pl.col("_case") == n).then(
                    parts.list.get(order.index(level), null_on_oob=True)
                )
                for n, order in enumerate(_ORDERS)
                if level in order
            ),
            level,
        ).alias(level)
        for level in ("building", "unit", "floor", "room")
    ]
    return rows.with_columns(*placed, rest=pl.when(pl.col("_case").is_null()).then("_chain"))


def _known(*levels: str) -> pl.Expr:
    return pl.any_horizontal(pl.col(level).is_not_null() for level in levels)


def _case(indoors: pl.Expr) -> pl.Expr:
    """Position in `_ORDERS` of the reading of the chain, null where there is none."""
    parts = pl.col("_parts")
    n, last = parts.list.len(), parts.list.last()
    building, unit, floor = (_known(level) for level in ("building", "unit", "floor"))
    named = _known("compound", "community")
    unnumbered = _known("road") & ~_known("number", "compound", "building")
    alone = ~_known("compound", "community", "group", "road", "street", "district", "city")
    free = ~building & ~unit & ~floor & ~unnumbered
    storeyed = building & unit & ~floor & parts.list.first().str.contains("^[0-9]{1,2}$")
    says_enough = indoors | alone | (named & last.str.contains("^[0-9A-Z]{3,}$"))
    told = (n == 0) | (pl.col("room") == pl.col("_chain"))
    cases = (
        told,
        (n == 1) & ~unnumbered & says_enough,
        (n == 2) & free,
        (n == 2) & storeyed,
        (n == 2) & ~unit & (building | floor),
        (n == 3) & free,
        (n == 3) & building & ~unit & ~floor,
        (n == 4) & free,
    )
    case = pl.coalesce(pl.when(holds).then(pl.lit(k)) for k, holds in enumerate(cases))
    return pl.when(pl.col("room").is_null() | told).then(case)
