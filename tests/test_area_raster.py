"""The raster against a loop over shapes, one point at a time, whatever the size of its cells."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import GeometryCollection, LineString, MultiPolygon, Point, Polygon, box

from quality.area_raster import NOWHERE, AreaRaster, raster_of

quick = settings(deadline=None, max_examples=150)

CELLS = (1, 7, 300, 20_000)
HOLED = Polygon(box(0, 0, 8, 8).exterior, [box(2, 2, 4, 6).exterior, box(5, 5, 6, 6).exterior])


def loop(shapes, x: float, y: float) -> int:
    for position, shape in enumerate(shapes):
        if shape is not None and shape.intersects(Point(x, y)):
            return position
    return NOWHERE


def assert_as_a_loop(shapes, points, cells=CELLS) -> None:
    points = np.array(points, float).reshape(-1, 2)
    expected = [loop(shapes, x, y) for x, y in points]
    for count in cells:
        assert AreaRaster(shapes, count).at(*points.T).tolist() == expected, count


def partition(seed: int, count: int, decimals: int | None) -> list[Polygon]:
    """Voronoi cells of random points over a square of a district's size; some touch in slivers.

    Rounded corners no longer meet exactly along every edge, as in areas digitised apart.
    """
    rng = np.random.default_rng(seed)
    sites = shapely.multipoints(rng.random((count, 2)))
    cells = shapely.voronoi_polygons(sites, extend_to=box(0, 0, 1, 1)).geoms
    square = box(-0.2, -0.2, 1.2, 1.2)
    placed = shapely.transform(
        [shapely.intersection(cell, square) for cell in cells],
        lambda c: c * [0.12, 0.1] + [118.1, 24.5],
    )
    if decimals is None:
        return list(placed)
    return list(shapely.transform(placed, lambda c: np.round(c, decimals)))


def telling_points(shapes, rng: np.random.Generator, count: int) -> np.ndarray:
    """Corners, points along edges, points beside them by one rounding, and random ones."""
    corners = shapely.get_coordinates(shapes)
    picked = rng.integers(0, len(corners) - 1, count)
    share = rng.choice([0.0, 0.25, 0.5, 0.75, 1 / 3], (count, 1))
    along = corners[picked] + share * (corners[picked + 1] - corners[picked])
    beside = np.nextafter(along, rng.choice([-np.inf, np.inf], along.shape))
    west, south, east, north = shapely.total_bounds(shapes)
    low, size = np.array([west, south]), np.array([east - west, north - south])
    spread = low - 0.1 * size + rng.random((count, 2)) * 1.2 * size
    return np.concatenate([corners[picked], along, beside, spread])


@quick
@given(st.integers(0, 10**6), st.integers(1, 25), st.sampled_from([None, 6, 3, 2]))
def test_partitions_are_answered_as_a_loop_answers(seed, count, decimals) -> None:
    shapes = partition(seed, count, decimals)
    points = telling_points(shapes, np.random.default_rng(seed), 15)
    assert_as_a_loop(shapes, points, (1, 50, 5000))


lattice = st.tuples(st.integers(0, 8), st.integers(0, 8))
boxes = st.builds(lambda a, b: box(*a, *b) if a[0] != b[0] and a[1] != b[1] else None,
                  lattice, lattice)  # fmt: skip
triangles = st.builds(lambda a, b, c: p if (p := Polygon([a, b, c])).area else None,
                      lattice, lattice, lattice)  # fmt: skip
several = st.builds(lambda a, b: shapely.union_all([s for s in (a, b) if s]), boxes, triangles)
cut = st.builds(lambda a, b: a.difference(b) if a and b else a, boxes, triangles)
anything = st.one_of(boxes, triangles, several, cut, st.just(HOLED), st.just(Polygon()))


@quick
@given(st.lists(anything, max_size=6))
def test_overlaps_holes_and_several_parts_on_every_half_step(shapes) -> None:
    steps = np.arange(-1, 9.25, 0.5)
    assert_as_a_loop(shapes, np.stack(np.meshgrid(steps, steps), -1), (1, 33, 4000))


def test_holes_and_what_fills_them() -> None:
    lake = box(2, 2, 4, 6)
    points = [(3, 3), (2, 2), (2, 4), (5.5, 5.5), (5, 5), (1, 1), (8, 8), (8.5, 8)]
    assert_as_a_loop([HOLED, lake], points)
    raster = AreaRaster([HOLED, lake])
    assert raster.at([3, 2, 5.5, 8.5], [3, 4, 5.5, 8]).tolist() == [1, 0, NOWHERE, NOWHERE]


def test_a_sliver_thinner_than_any_cell_is_found() -> None:
    sliver = Polygon([(0, 0), (8, 1e-9), (8, 3e-9)])
    wide = [box(0, -8, 8, 0), sliver, box(0, 1, 8, 8)]
    assert_as_a_loop(wide, [(8, 2e-9), (8, 0), (8, 3e-9), (8, 4e-9), (4, 1e-9), (4, 5e-10)])
    assert AreaRaster(wide).at([8.0], [2e-9]).tolist() == [1]


def test_the_first_of_several_areas_counts() -> None:
    over = [box(0, 0, 2, 2), box(1, 1, 5, 5), box(0, 0, 8, 8)]
    points = [(1.5, 1.5), (2, 2), (2.5, 2.5), (6, 6)]
    assert_as_a_loop(over, points)
    assert_as_a_loop(over[::-1], points)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e308, -999.0])
def test_what_is_no_place_lies_nowhere(bad: float) -> None:
    raster = AreaRaster([box(0, 0, 8, 8)])
    assert raster.at([bad, 1.0, bad, 1.0], [1.0, bad, bad, 1.0]).tolist() == [-1, -1, -1, 0]


def test_shapes_without_extent_hold_nothing() -> None:
    nothing = [None, Point(1, 1), LineString([(0, 0), (2, 2)]), Polygon(), MultiPolygon()]
    for shapes in ([], nothing):
        assert AreaRaster(shapes).at([1.0], [1.0]).tolist() == [NOWHERE]
    assert AreaRaster([*nothing, box(0, 0, 2, 2)]).at([1.0], [1.0]).tolist() == [5]
    assert AreaRaster([box(0, 0, 2, 2)]).at([], []).tolist() == []


def test_polygons_deep_in_collections_count() -> None:
    deep = GeometryCollection(
        [Point(7, 7), GeometryCollection([box(0, 0, 2, 2), MultiPolygon([box(1, 1, 3, 3)])])]
    )
    shapes = [deep, box(0, 0, 8, 8)]
    assert AreaRaster(shapes).at([1.5, 3, 7], [1.5, 3, 7]).tolist() == [0, 0, 1]


def test_many_points_are_answered_in_parts_as_one() -> None:
    shapes = partition(1, 40, 6)
    rng = np.random.default_rng(1)
    x, y = rng.uniform(118.05, 118.3, 300_000), rng.uniform(24.4, 24.7, 300_000)
    raster = AreaRaster(shapes)
    expected = np.full(len(x), NOWHERE)
    for position in reversed(range(len(shapes))):
        expected[shapely.intersects_xy(shapes[position], x, y)] = position
    assert (raster.at(x, y) == expected).all()


def test_the_same_shapes_share_one_raster() -> None:
    one, other = box(0, 0, 1, 1).wkb, box(0, 0, 2, 1).wkb
    assert raster_of((one,)) is raster_of((bytes(bytearray(one)),))
    assert raster_of((one,)) is not raster_of((other,))
