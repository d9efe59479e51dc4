"""Small tables that count persons, and how the tests of disclosure control speak of them."""

from __future__ import annotations

import random

import polars as pl

Sums = dict[str, list[str]]
"""Total → its parts. A name after a blank tells several sums of one total apart."""


def table(values: dict[str, int], sums: Sums, k: int = 5) -> tuple[pl.DataFrame, pl.DataFrame]:
    cells = pl.DataFrame({"cell": list(values), "value": list(values.values())})
    rows = [(e, e.split(" ")[0], part) for e, own in sums.items() for part in own]
    schema = {"equation": pl.String, "total": pl.String, "part": pl.String}
    return cells.with_columns(k=pl.lit(k)), pl.DataFrame(rows, schema, orient="row")


def hide(cells: pl.DataFrame, *hidden: str) -> pl.DataFrame:
    is_hidden = pl.col("cell").is_in(hidden)
    return cells.with_columns(withheld=pl.when(is_hidden).then(pl.lit("x")).otherwise(pl.lit("")))


def hidden_in(decided: pl.DataFrame) -> set[str]:
    return set(decided.filter(pl.col("withheld") != "")["cell"])


def leaks(found: pl.DataFrame) -> dict[str, tuple[int, int]]:
    unsafe = found.filter(~pl.col("is_safe"))
    return {cell: (low, high) for cell, low, high in unsafe["cell", "lower", "upper"].rows()}


def district(seed: int, communities: int = 40, streets: int = 6) -> dict[str, int]:
    """Women and men by community, street and district."""
    rng = random.Random(seed)
    own = [(f"c{i:02}", f"s{i % streets}", rng.choice([1, 4, 12])) for i in range(communities)]
    values: dict[str, int] = {}
    for community, street, size in own:
        for sex in ("women", "men"):
            count = rng.randint(0, 2 * size)
            for area in (community, street, "district"):
                for who in (sex, "all"):
                    values[f"{area}.{who}"] = values.get(f"{area}.{who}", 0) + count
    return values


def district_sums(communities: int = 40, streets: int = 6) -> Sums:
    areas = [f"c{i:02}" for i in range(communities)] + [f"s{i}" for i in range(streets)]
    sums = {f"{a}.all sexes": [f"{a}.women", f"{a}.men"] for a in [*areas, "district"]}
    for who in ("women", "men", "all"):
        for s in range(streets):
            sums[f"s{s}.{who} areas"] = [f"c{i:02}.{who}" for i in range(s, communities, streets)]
        sums[f"district.{who} areas"] = [f"s{s}.{who}" for s in range(streets)]
    return sums
