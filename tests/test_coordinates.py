"""Coordinates against the published vectors and against a plain loop over single points."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import get_args

import numpy as np
import polars as pl
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import Point, box

from quality.coordinates import (
    _inverted,
    bd09_to_gcj02,
    bd09_to_wgs84,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    in_wgs84,
    to_wgs84,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)
from schemas.codes import table
from schemas.feeds import BY_NAME, FEEDS, CoordinateSystem

PLACES = table("coord_test_vectors").to_dicts()
IDS = [place["name"] for place in PLACES]
EIGHT_DECIMALS = 1e-8  # the vectors are rounded, and so is what an inverse starts from


def pair(place: dict[str, str], system: str) -> tuple[float, float]:
    return float(place[f"{system}_lng"]), float(place[f"{system}_lat"])


def miss_m(a: tuple[float, float], b: tuple[float, float]) -> float:
    north = math.radians(a[1] - b[1]) * 6371000
    east = math.radians(a[0] - b[0]) * 6371000 * math.cos(math.radians(a[1]))
    return math.hypot(north, east)


# A plain loop, laid out as the formulas are usually published.


def loop_gcj(lng: float, lat: float) -> tuple[float, float]:
    if not (72.004 <= lng <= 137.8347 and 0.8293 <= lat <= 55.8271):
        return lng, lat
    x, y, pi, sin = lng - 105, lat - 35, math.pi, math.sin
    d_lat = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x))
    d_lat += (20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)) * 2 / 3
    d_lat += (20 * sin(y * pi) + 40 * sin(y / 3 * pi)) * 2 / 3
    d_lat += (160 * sin(y / 12 * pi) + 320 * sin(y * pi / 30)) * 2 / 3
    d_lng = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x))
    d_lng += (20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)) * 2 / 3
    d_lng += (20 * sin(x * pi) + 40 * sin(x / 3 * pi)) * 2 / 3
    d_lng += (150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)) * 2 / 3
    a, ee = 6378245.0, 0.00669342162296594323
    magic = 1 - ee * sin(lat / 180 * pi) ** 2
    d_lat = d_lat * 180 / (a * (1 - ee) / (magic * math.sqrt(magic)) * pi)
    d_lng = d_lng * 180 / (a / math.sqrt(magic) * math.cos(lat / 180 * pi) * pi)
    return lng + d_lng, lat + d_lat


def loop_bd(lng: float, lat: float) -> tuple[float, float]:
    turn = math.pi * 3000 / 180
    z = math.sqrt(lng * lng + lat * lat) + 0.00002 * math.sin(lat * turn)
    theta = math.atan2(lat, lng) + 0.000003 * math.cos(lng * turn)
    return z * math.cos(theta) + 0.0065, z * math.sin(theta) + 0.006


def loop_bd_back_in_one_step(lng: float, lat: float) -> tuple[float, float]:
    turn, x, y = math.pi * 3000 / 180, lng - 0.0065, lat - 0.006
    z = math.sqrt(x * x + y * y) - 0.00002 * math.sin(y * turn)
    theta = math.atan2(y, x) - 0.000003 * math.cos(x * turn)
    return z * math.cos(theta), z * math.sin(theta)


in_china = st.tuples(st.floats(72.1, 137.7), st.floats(0.9, 55.7))
on_earth = st.tuples(st.floats(-179, 179), st.floats(-89, 89))


def points(pairs) -> np.ndarray:
    return np.array(pairs, float).reshape(-1, 2).T


def assert_close(got, expected, within=1e-9):
    assert np.shape(got) == np.shape(expected)
    np.testing.assert_allclose(got, expected, rtol=0, atol=within)


@pytest.mark.parametrize("place", PLACES, ids=IDS)
@pytest.mark.parametrize(
    ("convert", "origin", "target"),
    [
        (wgs84_to_gcj02, "wgs", "gcj"),
        (wgs84_to_bd09, "wgs", "bd"),
        (gcj02_to_bd09, "gcj", "bd"),
        (gcj02_to_wgs84, "gcj", "wgs"),
        (bd09_to_gcj02, "bd", "gcj"),
        (bd09_to_wgs84, "bd", "wgs"),
    ],
)
def test_vectors_to_eight_decimals(place, convert, origin, target):
    assert_close(convert(*pair(place, origin)), pair(place, target), EIGHT_DECIMALS)


@pytest.mark.parametrize("place", PLACES, ids=IDS)
def test_iteration_removes_the_error_that_one_step_leaves(place):
    wgs, gcj = pair(place, "wgs"), loop_gcj(*pair(place, "wgs"))
    again = loop_gcj(*gcj)
    one_step = 2 * gcj[0] - again[0], 2 * gcj[1] - again[1]
    assert miss_m(one_step, wgs) == pytest.approx(
        float(place["single_step_inverse_error_m"]), abs=0.01
    )
    assert miss_m(loop_bd_back_in_one_step(*loop_bd(*gcj)), gcj) == pytest.approx(
        float(place["bd2gcj_single_step_error_m"]), abs=0.01
    )
    assert_close(gcj02_to_wgs84(*gcj), wgs)
    assert_close(bd09_to_gcj02(*loop_bd(*gcj)), gcj)


@given(st.lists(on_earth | in_china, max_size=8))
def test_forward_agrees_with_a_plain_loop(pairs):
    assert_close(wgs84_to_gcj02(*points(pairs)), points([loop_gcj(*p) for p in pairs]), 1e-11)
    assert_close(gcj02_to_bd09(*points(pairs)), points([loop_bd(*p) for p in pairs]), 1e-11)


@given(st.lists(in_china, max_size=8))
def test_gcj02_returns_to_where_it_came_from(pairs):
    assert_close(gcj02_to_wgs84(*points([loop_gcj(*p) for p in pairs])), points(pairs))


@given(st.lists(on_earth, max_size=8))
def test_bd09_returns_to_where_it_came_from(pairs):
    assert_close(bd09_to_gcj02(*points([loop_bd(*p) for p in pairs])), points(pairs))


def test_the_root_at_105_degrees_east_does_not_stop_the_iteration():
    east = 105 + np.array([-1e-6, -1e-12, 0, 1e-13, 1e-9])
    assert_close(gcj02_to_wgs84(*wgs84_to_gcj02(east, 30.0)), (east, np.full(5, 30.0)))


def test_outside_china_gcj02_is_unchanged():
    x, y = np.array([72.0, 137.9, 110.0, 110.0]), np.array([30.0, 30.0, 0.8, 55.9])
    assert_close(wgs84_to_gcj02(x, y), (x, y), 0)
    assert_close(gcj02_to_wgs84(x, y), (x, y), 0)


@pytest.mark.parametrize(
    "convert", [wgs84_to_gcj02, gcj02_to_wgs84, gcj02_to_bd09, bd09_to_gcj02, bd09_to_wgs84]
)
def test_what_is_no_place_stays_for_a_rule_to_name(convert):
    x, y = np.array([np.nan, 118.0, 999.0, np.inf]), np.array([24.0, np.nan, 24.0, 1e300])
    assert_close(convert(x, y), (x, y), 0)


def test_inputs_keep_their_values_and_broadcast():
    x = np.array([118.1, 118.2])
    got_x, got_y = to_wgs84(x, 24.5, "GCJ02")
    assert x.tolist() == [118.1, 118.2]
    assert got_x.shape == got_y.shape == (2,)
    same_x, _ = to_wgs84(x, 24.5, "WGS84")
    same_x[0] = 0
    assert x[0] == 118.1


@pytest.mark.parametrize(
    ("system", "origin"),
    [("WGS84", "wgs"), ("CGCS2000", "wgs"), ("GCJ02", "gcj"), ("BD09", "bd")],
)
def test_every_system_reaches_wgs84(system, origin):
    for place in PLACES:
        assert_close(to_wgs84(*pair(place, origin), system), pair(place, "wgs"), EIGHT_DECIMALS)


@given(st.lists(in_china, min_size=1, max_size=8), st.randoms())
def test_the_company_a_point_is_in_does_not_change_its_bits(pairs, rng):
    together = np.stack(bd09_to_wgs84(*points(pairs)))
    alone = np.concatenate([np.stack(bd09_to_wgs84(*points([pair]))) for pair in pairs], axis=1)
    assert (together == alone).all()


@pytest.mark.parametrize("system", ["WGS84", "CGCS2000", "GCJ02", "BD09"])
def test_rows_and_shapes_of_a_feed_reach_wgs84(system):
    feed = replace(BY_NAME["buildings"], coordinate_system=system)
    origin = {"GCJ02": "gcj", "BD09": "bd"}.get(system, "wgs")
    given, true = ([pair(place, side) for place in PLACES] for side in (origin, "wgs"))
    rows = pl.DataFrame(
        {
            "building_id": [*IDS, "no point", "half a point"],
            "longitude": [*(x for x, _ in given), None, 118.0],
            "latitude": [*(y for _, y in given), None, None],
            "footprint": [*(Point(p).buffer(0.001).wkb for p in given), None, None],
        }
    )
    before = rows.clone()
    found = in_wgs84(rows, feed)
    assert rows.equals(before)
    assert found.columns == rows.columns
    assert found["building_id"].equals(rows["building_id"])
    assert_close(found.head(-2).select("longitude", "latitude").to_numpy(), true, EIGHT_DECIMALS)
    assert found.tail(2).select("longitude", "latitude", "footprint").rows() == [
        (None, None, None), (118.0, None, None)
    ]  # fmt: skip
    shapes = shapely.from_wkb(found["footprint"].head(-2).to_list())
    corners = shapely.get_coordinates(shapes)
    was = shapely.get_coordinates([Point(p).buffer(0.001) for p in given])
    assert_close(corners, np.transpose(to_wgs84(*was.T, system)))
    if origin == "wgs":
        assert found is rows


def test_corners_that_are_shared_stay_shared():
    left, right = box(118, 24, 118.1, 24.1), box(118.1, 24, 118.2, 24.1)
    feed = replace(BY_NAME["areas"], coordinate_system="BD09")
    rows = in_wgs84(pl.DataFrame({"shape": [left.wkb, right.wkb]}), feed)
    moved = shapely.from_wkb(rows["shape"].to_list())
    assert shapely.touches(*moved)
    assert shapely.intersection(*moved).length == pytest.approx(0.1, rel=0.01)


def test_a_feed_says_where_its_coordinates_stand():
    assert set(get_args(CoordinateSystem)) == {"WGS84", "CGCS2000", "GCJ02", "BD09"}
    for system in get_args(CoordinateSystem):
        to_wgs84([118.0], [24.0], system)
    with_points = {f.name for f in FEEDS if f.has_points}
    assert with_points == {
        "devices", "grid_cases", "buildings", "components", "fire_responses", "small_places"
    }  # fmt: skip
    with_shapes = {f.name: f.shape_columns for f in FEEDS if f.shape_columns}
    assert with_shapes == {
        "areas": ("shape",), "buildings": ("footprint",), "components": ("shape",)
    }  # fmt: skip


def test_an_unknown_system_is_named_with_those_that_are_known():
    with pytest.raises(ValueError, match=r"'GCJ-02'.*WGS84, CGCS2000, GCJ02, BD09"):
        to_wgs84([118.0], [24.0], "GCJ-02")


def test_an_inverse_that_does_not_settle_is_an_error():
    with pytest.raises(ArithmeticError, match="did not settle"):
        _inverted(lambda x, y: (3 * x, 3 * y), np.array([1.0]), np.array([1.0]))
