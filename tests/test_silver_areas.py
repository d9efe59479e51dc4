"""silver.areas: who stands, how large, in which coordinates."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
import shapely
from shapely import MultiPolygon, Point, Polygon, box

from assets.silver import areas as silver
from quality.coordinates import wgs84_to_gcj02
from quality.placing import Communities
from schemas.feeds import BY_NAME

SHAPE = box(118.1, 24.5, 118.11, 24.51)


def rows(*areas: tuple[str, str | None, Any], day: int = 1) -> pl.DataFrame:
    tiers = {6: "district", 9: "street", 12: "community", 15: "grid"}
    return pl.DataFrame(
        [{"file_id": "f", "row_number": n, "item_number": 0, "area_code": code, "area_name": code,
          "tier": tiers[len(code)], "parent_code": parent, "shape": shapely.to_wkb(shape),
          "updated_at": datetime(2026, 1, day, tzinfo=UTC)}
         for n, (code, parent, shape) in enumerate(areas)],
        schema_overrides={"parent_code": pl.String, "item_number": pl.Int32},
    )  # fmt: skip


def test_what_lies_below_an_orphan_is_set_aside_too() -> None:
    arrived = rows(
        ("350299", None, SHAPE), ("350299001", None, SHAPE), ("350299001001", "350299001", SHAPE),
        ("350299009001", None, SHAPE), ("350299009001001", None, SHAPE),
    )  # fmt: skip
    clean = silver.clean(arrived)
    assert sorted(clean.rows["area_code"]) == ["350299", "350299001", "350299001001"]
    assert sorted(clean.set_aside["entity_id"]) == ["350299009001", "350299009001001"]
    assert set(clean.set_aside["rule"]) == {"parent_is_registered"}


def test_sizes_leave_holes_out_whichever_way_rings_run() -> None:
    hole = box(118.102, 24.502, 118.104, 24.504)
    shapes = [SHAPE, hole, Polygon(SHAPE.exterior, [hole.exterior]),
              Polygon(SHAPE.exterior, [hole.reverse().exterior]),
              MultiPolygon([box(118, 24.5, 118.01, 24.51).reverse(), SHAPE])]  # fmt: skip
    arrived = rows(*((f"35029900{n}", "350299", s) for n, s in enumerate(shapes)),
                   ("350299", None, SHAPE))  # fmt: skip
    found = silver.clean(arrived).rows.sort("area_code")
    whole, inner, holed, turned, double = found["area_m2"].to_list()[1:]
    assert holed == turned == pytest.approx(whole - inner, abs=0.2)
    assert double == pytest.approx(2 * whole, rel=1e-6)


def test_outlines_reach_the_lake_in_the_lakes_own_system(monkeypatch) -> None:
    shifted = shapely.transform(SHAPE, lambda c: pl.DataFrame(wgs84_to_gcj02(*c.T)).to_numpy())
    feed = replace(BY_NAME["areas"], coordinate_system="GCJ02")
    monkeypatch.setitem(BY_NAME, "areas", feed)
    found = silver.clean(rows(("350299", None, shifted))).rows.row(0, named=True)
    assert shapely.equals_exact(shapely.from_wkb(found["shape"]), SHAPE, 1e-8)
    assert SHAPE.contains(Point(found["centre_longitude"], found["centre_latitude"]))


def changes(*several: tuple[str, str, str]) -> pl.DataFrame:
    return pl.DataFrame(
        [(old, new, date.fromisoformat(day)) for old, new, day in several],
        schema={"old_code": pl.String, "new_code": pl.String, "changed_on": pl.Date}, orient="row",
    )  # fmt: skip


A, B, C, D = (f"35029900100{n}" for n in (1, 2, 3, 4))


@pytest.mark.parametrize(
    ("several", "expected"),
    [
        ([(A, B, "2026-01-01")], {A: [B]}),
        ([(A, C, "2026-01-01"), (B, C, "2026-01-01")], {A: [C], B: [C]}),
        ([(A, B, "2026-01-01"), (B, C, "2026-02-01")], {A: [C], B: [C]}),
        ([(B, C, "2026-02-01"), (A, B, "2026-01-01")], {A: [C], B: [C]}),
        ([(A, B, "2026-01-01"), (A, C, "2026-01-01")], {A: [B, C]}),
        ([(A, B, "2026-01-01"), (A, C, "2026-01-01"), (B, C, "2026-03-01")], {A: [C], B: [C]}),
        ([(A, B, "2026-01-01"), (B, A, "2026-02-01")], {B: [A]}),
        ([], {}),
    ],
)  # fmt: skip
def test_what_came_after_a_code(several, expected) -> None:
    assert silver.successors(changes(*several)) == expected


def community(code: str, west: float) -> tuple[str, str, Polygon]:
    return (code, "350299001", box(west, 24.5, west + 0.01, 24.51))


def test_history_is_mapped_by_what_became_of_its_area() -> None:
    """A and B became C; D was divided: its code alone tells nothing of a fact, a point does."""
    arrived = rows(
        ("350299", None, SHAPE), ("350299001", "350299", SHAPE), community(A, 118.1),
        community(C, 118.1), community(D, 118.3),
        community("350299001005", 118.3), community("350299001006", 118.31),
    )  # fmt: skip
    clean = silver.clean(arrived, changes(
        (A, C, "2026-05-01"), (B, C, "2026-05-01"),
        (D, "350299001005", "2026-06-01"), (D, "350299001006", "2026-06-01"),
    ))  # fmt: skip
    in_force = clean.rows.filter(pl.col("tier") == "community")
    assert dict(in_force.select("area_code", "former_codes").sort("area_code").rows()) == {
        C: [A, B], "350299001005": [], "350299001006": [],
    }  # fmt: skip
    assert sorted(clean.set_aside.select("entity_id", "rule").rows()) == [
        (A, "area_is_in_force"), (D, "area_is_in_force"),
    ]  # fmt: skip
    facts = pl.DataFrame(
        {"community_code": [A, B, C, D, D], "longitude": [None, None, None, 118.315, None],
         "latitude": [None, None, None, 24.505, None]},
    )  # fmt: skip
    found = Communities(clean.rows).place(facts)
    assert found["community_code"].to_list() == [C, C, C, "350299001006", None]
    assert found["placed_by"].to_list() == ["code", "code", "code", "point", "unplaced"]


def test_an_outline_older_than_the_merger_is_joined_with_what_it_took_in() -> None:
    base = [("350299", None, SHAPE), ("350299001", "350299", SHAPE), community(A, 118.1)]
    merger = changes((A, C, "2026-05-01"))
    for day, month, width in ((1, 4, 2), (2, 5, 1)):
        own = rows(*base, community(C, 118.11)).with_columns(
            updated_at=pl.lit(datetime(2026, month, day, tzinfo=UTC)).dt.replace_time_zone("UTC")
        )
        clean = silver.clean(own, merger).rows.filter(pl.col("area_code") == C)
        bounds = shapely.from_wkb(clean["shape"][0]).bounds
        assert bounds[2] - bounds[0] == pytest.approx(width * 0.01)
