"""Faults of area shapes against sets of lattice squares, and areas against a projection."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from shapely import GeometryCollection, LineString, MultiPolygon, Point, Polygon, box

from quality.area_shapes import FAULTS, areas_m2, faults

quick = settings(deadline=None, max_examples=60)
STEP = 1 / 128  # degrees, most of a kilometre; exact in binary, so that squares share corners
WEST, SOUTH = 118.0, 24.0

Cells = frozenset[tuple[int, int]]


def square(x: float, y: float, wide: float = 1, high: float = 1) -> Polygon:
    """A rectangle of lattice squares."""
    west, south = WEST + x * STEP, SOUTH + y * STEP
    return box(west, south, west + wide * STEP, south + high * STEP)


def shape_of(cells: Cells) -> Any:
    return shapely.union_all([square(x, y) for x, y in cells])


TO_PLANE = Transformer.from_crs(
    "EPSG:4490", "+proj=cea +lat_ts=24 +ellps=GRS80", always_xy=True
).transform


def measured(x: int, y: int) -> float:
    """A lattice square in an equal-area projection."""
    fine = square(x, y).segmentize(STEP / 8)
    return shapely.transform(fine, TO_PLANE, interleaved=False).area


SIZES = {(x, y): measured(x, y) for x in range(4) for y in range(3)}


def cells_m2(cells: Cells) -> float:
    return sum(SIZES[cell] for cell in cells)


def table(*rows: tuple[str, str | None, Any]) -> pl.DataFrame:
    tiers = {6: "district", 9: "street", 12: "community", 15: "grid"}
    return pl.DataFrame(
        [{"area_code": code, "tier": tiers[len(code)], "parent_code": parent,
          "shape": shape if isinstance(shape, bytes) else shapely.to_wkb(shape)}
         for code, parent, shape in rows],
        schema={"area_code": pl.String, "tier": pl.String, "parent_code": pl.String,
                "shape": pl.Binary},
    )  # fmt: skip


def told(areas: pl.DataFrame, **options: float) -> list[tuple]:
    return faults(areas, **options).select("fault", "area_code", "other_code").rows()


D, S1, S2 = "350299", "350299001", "350299002"
C1, C2, C3 = (f"350299001{n:03d}" for n in (1, 2, 3))

areas_of_cells = st.frozensets(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=8)


@quick
@given(areas_of_cells, st.lists(areas_of_cells, min_size=1, max_size=4))
def test_faults_are_those_of_sets_of_squares(parent: Cells, children: list[Cells]) -> None:
    codes = [f"350299001{n:03d}" for n in range(1, len(children) + 1)]
    rows = [(code, S1, shape_of(cells)) for code, cells in zip(codes, children, strict=True)]
    expected: dict[tuple, Cells] = {}
    for n, cells in enumerate(children):
        if not cells:
            continue
        for m in range(n):
            if shared := cells & children[m]:
                expected["overlap", codes[m], codes[n]] = shared
        if parent and cells - parent:
            expected["outside_parent", codes[n], S1] = cells - parent
    if any(children) and (rest := parent - frozenset().union(*children)):
        expected["gap", S1, None] = rest
    found = faults(table((S1, None, shape_of(parent)), *rows))
    kinds = ["overlap", "outside_parent", "gap"]
    among = found.filter(pl.col("fault").is_in(kinds))
    assert {row[:3]: row[3] for row in
            among.select("fault", "area_code", "other_code", "m2").rows()} == {
        key: pytest.approx(cells_m2(cells), rel=1e-4) for key, cells in expected.items()
    }  # fmt: skip
    for row in among.iter_rows(named=True):
        cell = int((row["longitude"] - WEST) / STEP), int((row["latitude"] - SOUTH) / STEP)
        assert cell in expected[row["fault"], row["area_code"], row["other_code"]]
    flat = found.filter(pl.col("fault") == "has_no_extent")["area_code"].to_list()
    assert flat == [c for c, cells in zip([S1, *codes], [parent, *children], strict=True)
                    if not cells]  # fmt: skip


SOUND = [
    (D, None, square(0, 0, 4, 2)),
    (S1, D, square(0, 0, 2, 2)), (S2, D, square(2, 0, 2, 2)),
    (C1, S1, square(0, 0)), (C2, S1, square(1, 0)), (C3, S1, square(0, 1, 2)),
    ("350299002001", S2, square(2, 0, 2, 2)),
]  # fmt: skip


def test_a_district_without_faults_has_none() -> None:
    assert told(table(*SOUND)) == []
    assert faults(table()).columns == faults(table(*SOUND)).columns


def test_a_tier_that_is_not_delivered_leaves_no_gaps_but_a_part_of_it_does() -> None:
    grid = ("350299001001001", C1, square(0, 0))
    rest = [("gap", code, None) for code in (C2, C3, "350299002001")]
    assert told(table(*SOUND, grid)) == rest


def test_areas_of_two_streets_overlap_as_well() -> None:
    spread = [("350299002001", S2, square(1.5, 0, 2.5, 2)) if code == "350299002001"
              else (code, parent, shape) for code, parent, shape in SOUND]  # fmt: skip
    assert told(table(*spread)) == [
        ("outside_parent", "350299002001", S2),
        ("overlap", C2, "350299002001"),
        ("overlap", C3, "350299002001"),
    ]


def test_holes_count_unless_a_neighbour_fills_them() -> None:
    ring = square(0, 0, 2, 2).difference(square(0.5, 0.5))
    lake = (C2, S1, square(0.5, 0.5))
    street, around = (S1, D, square(0, 0, 2, 2)), (C1, S1, ring)
    district = (D, None, square(0, 0, 2, 2))
    assert told(table(district, street, around, lake)) == []
    assert told(table(district, street, around)) == [("gap", S1, None), ("hole", C1, None)]
    both_holed = table(district, (S1, D, ring), around)
    assert told(both_holed) == [("gap", D, None), ("hole", S1, None), ("hole", C1, None)]
    half = table(district, street, around, (C2, S1, square(0.5, 0.5, 0.5)))
    hole = faults(half).filter(pl.col("fault") == "hole")
    assert hole["m2"].item() == pytest.approx(areas_m2([square(1, 0.5, 0.5)])[0], rel=1e-6)
    enclave = table((D, None, ring))
    assert told(enclave) == []


def test_what_is_no_area_is_named_and_left_out() -> None:
    bow = Polygon([(118, 24), (118.01, 24.01), (118.01, 24), (118, 24.01)])
    areas = table(*SOUND[:3], (C1, S1, bow), (C2, S1, Point(118, 24)), (C3, S1, Polygon()),
                  ("350299002001", S2, LineString([(118, 24), (119, 24)])))  # fmt: skip
    assert told(areas) == [
        ("has_no_extent", C2, None), ("has_no_extent", C3, None),
        ("has_no_extent", "350299002001", None), ("is_invalid", C1, None),
    ]  # fmt: skip


def test_a_parent_that_does_not_stand_is_named() -> None:
    orphan = ("350299003001", "350299003", square(9, 9))
    assert told(table(*SOUND, orphan)) == [("parent_is_missing", "350299003001", "350299003")]


def test_pieces_below_the_tolerance_do_not_count_however_many() -> None:
    slivers = [square(n / 10, 0, 1e-3, 1e-3) for n in range(10)]  # each about 1 m by 1 m
    comb = square(0, 0).difference(shapely.union_all(slivers))
    areas = table((S1, None, square(0, 0)), (C1, S1, comb))
    assert told(areas) == []
    assert told(areas, tolerance_m2=2.0) == []
    assert told(areas, tolerance_m2=0.5)[0] == ("gap", S1, None)
    one = faults(areas, tolerance_m2=0.5).row(0, named=True)
    assert one["m2"] == pytest.approx(sum(areas_m2(slivers)), abs=0.1)


def test_areas_do_not_depend_on_the_way_rings_run() -> None:
    outer, inner = square(0, 0, 2, 2), square(0.5, 0.5)
    holed = [Polygon(a.exterior, [b.exterior]) for a in (outer, outer.reverse())
             for b in (inner, inner.reverse())]  # fmt: skip
    expected = areas_m2([outer])[0] - areas_m2([inner])[0]
    assert areas_m2(holed).tolist() == pytest.approx([expected] * 4)
    apart = MultiPolygon([outer, square(5, 5).reverse()])
    assert areas_m2([apart])[0] == pytest.approx(areas_m2([outer, square(5, 5)]).sum())
    mixed = [None, Polygon(), Point(1, 1), GeometryCollection([Point(118, 24), outer])]
    assert areas_m2(mixed).tolist() == pytest.approx([0, 0, 0, areas_m2([outer])[0]])
    assert areas_m2([outer])[0] == pytest.approx(
        cells_m2(frozenset((x, y) for x in (0, 1) for y in (0, 1))), rel=1e-4
    )


def test_every_fault_has_a_label_and_order_does_not_matter() -> None:
    rows = [*SOUND, ("350299003001", "350299003", square(1, 0, 2, 2)), (D + "009", D, Point(1, 1))]
    found = faults(table(*rows))
    assert set(found["fault"]) <= set(FAULTS)
    assert faults(table(*reversed(rows))).equals(found)
    assert np.isfinite(found["m2"].drop_nulls().to_numpy()).all()
