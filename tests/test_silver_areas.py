"""silver.areas: who stands, how large, in which coordinates."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
import pytest
import shapely
from shapely import MultiPolygon, Point, Polygon, box

from assets.silver import areas as silver
from quality.coordinates import wgs84_to_gcj02
from schemas.feeds import BY_NAME

SHAPE = box(118.1, 24.5, 118.11, 24.51)


def rows(*areas: tuple[str, str | None, object], day: int = 1) -> pl.DataFrame:
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
