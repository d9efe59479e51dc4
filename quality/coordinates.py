"""WGS 84, GCJ-02 and BD-09 into one another, on whole arrays of degrees.

GCJ-02 is the national offset of public maps, BD-09 Baidu's further offset; neither is published as
a standard, so these are the formulas in public use. Pairs are always (longitude, latitude). A pair
that is no place on Earth, or has a NaN half, comes back as it is: a range rule names the row, not
this module. What does not belong here: projections, which grid a point lies in, whether a declared
system is the true one (`reference_points.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import ArrayLike, NDArray

from schemas.feeds import Feed

Degrees = NDArray[np.float64]
Pair = tuple[Degrees, Degrees]

_AXIS_M: Final = 6378245.0  # Krasovsky 1940 semi-major axis
_ECCENTRICITY_SQUARED: Final = 0.00669342162296594323
_WEST, _EAST, _SOUTH, _NORTH = 72.004, 137.8347, 0.8293, 55.8271
_BAIDU_TURN: Final = np.pi * 3000 / 180
_TOLERANCE_DEG: Final = 1e-11  # hundred times finer than promised: steps shrink about thirtyfold
_MOST_STEPS: Final = 30
_DECIMALS: Final = 9


def wgs84_to_gcj02(longitude: ArrayLike, latitude: ArrayLike) -> Pair:
    """GCJ-02 position of WGS 84 points; unchanged outside the rectangle around China.

    Args:
        longitude: Degrees east.
        latitude: Degrees north, of a shape that broadcasts with `longitude`.

    Returns:
        Longitude and latitude in GCJ-02 degrees.
    """
    return _where(_in_china, _shifted, longitude, latitude)


def gcj02_to_wgs84(longitude: ArrayLike, latitude: ArrayLike) -> Pair:
    """WGS 84 position of GCJ-02 points to 1e-9 degrees, by iteration.

    One step of the inverse alone errs by up to 2.2 m in `codes/coord_test_vectors.csv`. Within
    1 km of the rectangle's edge (no Chinese land) a point may not return to itself, since the
    offset stops there abruptly.

    Args:
        longitude: Degrees east.
        latitude: Degrees north, of a shape that broadcasts with `longitude`.

    Returns:
        Longitude and latitude in WGS 84 degrees; unchanged outside the rectangle around China.
    """
    return _where(_in_china, lambda x, y: _inverted(_shifted, x, y), longitude, latitude)


def gcj02_to_bd09(longitude: ArrayLike, latitude: ArrayLike) -> Pair:
    """BD-09 position of GCJ-02 points, inside and outside China.

    Args:
        longitude: Degrees east.
        latitude: Degrees north, of a shape that broadcasts with `longitude`.

    Returns:
        Longitude and latitude in BD-09 degrees.
    """
    return _where(_on_earth, _turned, longitude, latitude)


def bd09_to_gcj02(longitude: ArrayLike, latitude: ArrayLike) -> Pair:
    """GCJ-02 position of BD-09 points to 1e-9 degrees, by iteration.

    The usual one-step inverse errs by about 0.1 m.

    Args:
        longitude: Degrees east.
        latitude: Degrees north, of a shape that broadcasts with `longitude`.

    Returns:
        Longitude and latitude in GCJ-02 degrees.
    """
    return _where(_on_earth, lambda x, y: _inverted(_turned, x, y), longitude, latitude)


def wgs84_to_bd09(longitude: ArrayLike, latitude: ArrayLike) -> Pair:
    """BD-09 position of WGS 84 points, by way of GCJ-02."""
    return gcj02_to_bd09(*wgs84_to_gcj02(longitude, latitude))


def bd09_to_wgs84(longitude: ArrayLike, latitude: ArrayLike) -> Pair:
    """WGS 84 position of BD-09 points to 1e-9 degrees, by way of GCJ-02."""
    return gcj02_to_wgs84(*bd09_to_gcj02(longitude, latitude))


def to_wgs84(longitude: ArrayLike, latitude: ArrayLike, system: str) -> Pair:
    """WGS 84 position of points in a named system.

    CGCS2000 counts as WGS 84: the two differ by less than a metre, below what the feeds resolve.

    Args:
        longitude: Degrees east.
        latitude: Degrees north, of a shape that broadcasts with `longitude`.
        system: `WGS84`, `CGCS2000`, `GCJ02` or `BD09`.

    Returns:
        Longitude and latitude in WGS 84 degrees.

    Raises:
        ValueError: the system has another name.
    """
    if system not in _TO_WGS84:
        known = ", ".join(_TO_WGS84)
        raise ValueError(f"unknown coordinate system {system!r}: expected one of {known}")
    return _TO_WGS84[system](longitude, latitude)


def in_wgs84(rows: pl.DataFrame, feed: Feed) -> pl.DataFrame:
    """Rows of a feed with their points and shapes in WGS 84, from the system the feed declares.

    Args:
        rows: Bronze rows: `longitude` and `latitude` in degrees, and shapes as WKB, where there
            are such columns.
        feed: Says the system.

    Returns:
        The same rows; converted degrees have 9 decimals (0.1 mm), others are untouched.

    >>> import polars as pl
    >>> from schemas.feeds import BY_NAME
    >>> in_wgs84(pl.DataFrame({"device_id": ["1"]}), BY_NAME["devices"]).columns
    ['device_id']
    """
    system = feed.coordinate_system
    if _TO_WGS84[system] is _unchanged:
        return rows
    columns = [
        pl.Series(name, _shapes_in_wgs84(rows[name], system), dtype=pl.Binary)
        for name in feed.shape_columns
        if name in rows.columns
    ]
    if {"longitude", "latitude"} <= set(rows.columns):
        east, north = (
            rows[axis].cast(pl.Float64).fill_null(np.nan).to_numpy()
            for axis in ("longitude", "latitude")
        )
        for axis, half in zip(
            ("longitude", "latitude"), to_wgs84(east, north, system), strict=True
        ):
            columns.append(pl.Series(axis, np.round(half, _DECIMALS)).fill_nan(None))
    return rows.with_columns(columns)


def _shapes_in_wgs84(shapes: pl.Series, system: str) -> list[bytes | None]:
    """Shapes as WKB, corner by corner; corners that were shared stay shared."""
    moved = shapely.transform(
        np.array(shapely.from_wkb(shapes.to_list()), dtype=object),
        lambda c: np.round(np.column_stack(to_wgs84(c[:, 0], c[:, 1], system)), _DECIMALS),
    )
    return [None if shape is None else shapely.to_wkb(shape) for shape in moved]


def _unchanged(longitude: ArrayLike, latitude: ArrayLike) -> Pair:
    x, y = np.broadcast_arrays(np.asarray(longitude, float), np.asarray(latitude, float))
    return x.copy(), y.copy()


_TO_WGS84: Final[dict[str, Callable[[ArrayLike, ArrayLike], Pair]]] = {
    "WGS84": _unchanged,
    "CGCS2000": _unchanged,
    "GCJ02": gcj02_to_wgs84,
    "BD09": bd09_to_wgs84,
}


def _where(
    inside: Callable[[Degrees, Degrees], NDArray[np.bool_]],
    convert: Callable[[Degrees, Degrees], Pair],
    longitude: ArrayLike,
    latitude: ArrayLike,
) -> Pair:
    """Convert the points inside and leave the others."""
    x, y = _unchanged(longitude, latitude)
    chosen = inside(x, y)
    x[chosen], y[chosen] = convert(x[chosen], y[chosen])
    return x, y


def _in_china(x: Degrees, y: Degrees) -> NDArray[np.bool_]:
    return (x >= _WEST) & (x <= _EAST) & (y >= _SOUTH) & (y <= _NORTH)


def _on_earth(x: Degrees, y: Degrees) -> NDArray[np.bool_]:
    return (np.abs(x) <= 180) & (np.abs(y) <= 90)


def _shifted(longitude: Degrees, latitude: Degrees) -> Pair:
    """The GCJ-02 offset, wherever the point lies."""
    x, y = longitude - 105.0, latitude - 35.0
    root, common = np.sqrt(np.abs(x)), _waves(x, 6, 2, 20, 20)
    north = (
        -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
        + (common + _waves(y, 1, 1 / 3, 20, 40) + _waves(y, 1 / 12, 1 / 30, 160, 320)) * 2 / 3
    )  # fmt: skip
    east = (
        300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
        + (common + _waves(x, 1, 1 / 3, 20, 40) + _waves(x, 1 / 12, 1 / 30, 150, 300)) * 2 / 3
    )  # fmt: skip
    angle = np.radians(latitude)
    flat = 1 - _ECCENTRICITY_SQUARED * np.sin(angle) ** 2
    meridian_m = _AXIS_M * (1 - _ECCENTRICITY_SQUARED) / flat**1.5
    parallel_m = _AXIS_M / np.sqrt(flat) * np.cos(angle)
    return longitude + np.degrees(east / parallel_m), latitude + np.degrees(north / meridian_m)


def _waves(x: Degrees, fast: float, slow: float, fast_m: float, slow_m: float) -> Degrees:
    return fast_m * np.sin(x * (fast * np.pi)) + slow_m * np.sin(x * (slow * np.pi))


def _turned(longitude: Degrees, latitude: Degrees) -> Pair:
    """The BD-09 offset: a small stretch and turn about the origin, then a constant step."""
    radius = np.hypot(longitude, latitude) + 0.00002 * np.sin(latitude * _BAIDU_TURN)
    angle = np.arctan2(latitude, longitude) + 0.000003 * np.cos(longitude * _BAIDU_TURN)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def _inverted(forward: Callable[[Degrees, Degrees], Pair], x: Degrees, y: Degrees) -> Pair:
    """The points that `forward` takes to (x, y): correct a guess by its miss until it hits."""
    guess_x, guess_y = x.copy(), y.copy()
    is_open = np.ones(len(x), bool)  # a settled point stays: its company must not change its bits
    for _ in range(_MOST_STEPS):
        there_x, there_y = forward(guess_x[is_open], guess_y[is_open])
        miss_x, miss_y = x[is_open] - there_x, y[is_open] - there_y
        guess_x[is_open] += miss_x
        guess_y[is_open] += miss_y
        is_open[is_open] = np.maximum(np.abs(miss_x), np.abs(miss_y)) >= _TOLERANCE_DEG
        if not is_open.any():
            return guess_x, guess_y
    raise ArithmeticError(f"coordinate inverse did not settle in {_MOST_STEPS} steps")
