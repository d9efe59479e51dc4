"""Which figures are sums of which, from areas and categories as statistics hold them."""

from __future__ import annotations

import polars as pl
import pytest
from disclosure_tables import hidden_in

from quality.disclosure import UnfitTable, area_sums, audit, sums_over, suppress

NOWHERE = "350299-unplaced"
FIGURES = {
    ("community", "350299001001"): (3, 8),
    ("community", "350299001002"): (10, 9),
    ("community", "350299002001"): (40, 30),
    ("community", NOWHERE): (6, 0),
    ("street", "350299001"): (13, 17),
    ("street", "350299002"): (40, 30),
    ("street", NOWHERE): (6, 0),
    ("district", "350299"): (59, 47),
}


def figures() -> pl.DataFrame:
    rows = [
        (f"{who} {tier} {code}", who, tier, code, count)
        for (tier, code), (women, men) in FIGURES.items()
        for who, count in (("women", women), ("men", men), ("all", women + men))
    ]
    names = ["cell", "who", "tier", "area_code", "value"]
    return pl.DataFrame(rows, names, orient="row").with_columns(k=pl.lit(5), month=pl.lit(None))


def test_areas_add_up_with_the_unplaced_beside_them() -> None:
    cells = figures().filter(pl.col("who") == "women")
    found = area_sums(cells, ["who", "month"]).group_by("total").agg(pl.col("part").sort())
    assert {t.removeprefix("women "): [p.split()[-1] for p in own] for t, own in found.rows()} == {
        "street 350299001": ["350299001001", "350299001002"],
        "street 350299002": ["350299002001"],
        f"street {NOWHERE}": [NOWHERE],
        "district 350299": [NOWHERE, "350299001", "350299002"],
    }


def test_categories_and_areas_are_protected_together() -> None:
    """Of 3 women in a community neither the men, nor the other community, nor both at once tell."""
    cells = figures()
    by_sex = sums_over(cells, "who", "all", ["women", "men"], ["tier", "area_code", "month"])
    assert by_sex.height == 2 * len(FIGURES)
    sums = pl.concat([area_sums(cells, ["who", "month"]), by_sex])
    decided = suppress(cells, sums)
    assert decided.columns == [*cells.columns, "withheld"]
    assert audit(decided, sums)["is_safe"].all()
    assert hidden_in(decided) == {
        f"{who} community 35029900100{n}" for who in ("women", "men") for n in (1, 2)
    }


def test_a_missing_total_is_named() -> None:
    cells = figures().filter(pl.col("area_code") != "350299002")
    with pytest.raises(
        UnfitTable, match=r"no total \(areas\) for 3 cells: all community 350299002001"
    ):
        area_sums(cells, ["who", "month"])
