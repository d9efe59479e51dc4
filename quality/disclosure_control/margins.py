"""Which cells are sums of which: over areas of three tiers, and over categories or periods."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from quality.disclosure_control.system import UnfitTable

_LENGTH_ABOVE = {"community": 9, "street": 6}
_ABOVE = {"community": "street", "street": "district"}


def area_sums(cells: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Communities and the unplaced are streets and the unplaced, which are the district.

    Args:
        cells: `cell`, `tier` (community, street, district), `area_code` (the unplaced:
            `<district>-unplaced`, at both lower tiers) and the columns of `by`. Missing areas
            count as zero.
        by: Columns that tell one figure from another: metric, period, category.

    Returns:
        `equation, total, part`.

    Raises:
        UnfitTable: an area's street or district is missing.
    """
    code, tier = pl.col("area_code"), pl.col("tier")
    is_unplaced = (tier == "community") & code.str.ends_with("-unplaced")
    length = tier.replace_strict(_LENGTH_ABOVE, return_dtype=pl.Int64)
    parts = cells.filter(tier != "district").with_columns(
        tier=tier.replace_strict(_ABOVE),
        area_code=pl.when(is_unplaced).then(code).otherwise(code.str.head(length)),
    )
    return _joined(cells, parts, ["tier", "area_code", *by], "areas")


def sums_over(
    cells: pl.DataFrame, column: str, whole: object, parts: Sequence[object], by: Sequence[str]
) -> pl.DataFrame:
    """Some values of a column add up to another: women and men to all, months to a quarter.

    Args:
        cells: `cell`, the column and the columns of `by`.
        column: Where the values stand.
        whole: The value of totals.
        parts: The values of their parts; missing ones count as zero.
        by: The other columns that tell one cell from another.

    Returns:
        `equation, total, part`.

    Raises:
        UnfitTable: a total is missing.
    """
    totals = cells.filter(pl.col(column) == whole)
    own = cells.filter(pl.col(column).is_in(list(parts)))
    return _joined(totals, own, list(by), f"{column} {whole}")


def _joined(totals: pl.DataFrame, parts: pl.DataFrame, on: list[str], name: str) -> pl.DataFrame:
    both = parts.select(*on, part="cell").join(
        totals.select(*on, total="cell"), on=on, how="left", nulls_equal=True
    )
    missing = both.filter(pl.col("total").is_null())["part"].sort()
    if missing.len():
        some = ", ".join(map(str, missing[:5].to_list()))
        raise UnfitTable(f"no total ({name}) for {missing.len()} cells: {some}")
    equation = pl.concat_str(pl.lit(f"{name}: "), pl.col("total").cast(pl.String))
    return both.select("total", "part", equation=equation).select("equation", "total", "part")
