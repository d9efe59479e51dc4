"""Which area holds a point: a raster answers at once inside an area, exact shapes along borders.

A cell that no border touches lies wholly inside or outside every area, so its answer is known when
the raster is built. Only points in cells with a border are tested against shapes, and only against
those whose border is there. The answer never depends on the size of the cells.

What does not belong here: what a code means, names (`area_names.py`), faults of the shapes
(`area_shapes.py`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

Whole = NDArray[np.int64]
Real = NDArray[np.float64]

NOWHERE: Final = -1
_FIRST_BORDER: Final = NOWHERE - 1
_POLYGONAL, _COLLECTION = (3, 6), 7  # GEOS type ids
_CELLS_PER_AREA: Final = 2000  # 500 areas: some 6 % of points lie in cells with a border
_FEWEST_CELLS, _MOST_CELLS = 1 << 14, 1 << 22
_FINEST_DEGREES: Final = 1e-6  # a tenth of a metre: cells stay far above the rounding of degrees
_PIECE: Final = 0.5  # of a cell: no piece of a border spans more than two cells either way
_SLACK: Final = 1e-6  # of a cell: far above the rounding of a cell's edge, far below a cell
_AT_ONCE: Final = 1 << 17  # points whose cells and answers stay in the processor's cache


class AreaRaster:
    """A raster over areas, ready to be asked; areas are known by their position."""

    def __init__(self, shapes: ArrayLike, cells: int | None = None) -> None:
        """Build the raster.

        Args:
            shapes: Polygons and multipolygons in degrees, most trusted first: where several hold a
                point, the first one counts. Missing shapes, and those without an extent (points,
                lines), hold nothing.
            cells: About how many cells; None: by the number of areas.
        """
        self._shapes = _areal(shapes)
        shapely.prepare(self._shapes)
        self._is_empty = bool(np.all(shapely.is_missing(self._shapes)))
        if not self._is_empty:
            self._lay(
                shapely.total_bounds(self._shapes),
                cells or max(_FEWEST_CELLS, len(self._shapes) * _CELLS_PER_AREA),
            )
            self._fill()

    def at(self, longitude: ArrayLike, latitude: ArrayLike) -> NDArray[np.int32]:
        """Position of the area that holds each point; a border belongs to the area.

        Args:
            longitude: Degrees east, shape (n,); NaN and infinite ones lie nowhere.
            latitude: Degrees north, shape (n,).

        Returns:
            Shape (n,): position of the first area that holds the point, else `NOWHERE`.
        """
        x, y = np.asarray(longitude, float), np.asarray(latitude, float)
        found = np.full(len(x), NOWHERE, np.int32)
        if not self._is_empty:
            for start in range(0, len(x), _AT_ONCE):
                part = slice(start, start + _AT_ONCE)
                found[part] = self._find(x[part], y[part])
        return found

    def _find(self, x: Real, y: Real) -> NDArray[np.int32]:
        """The answers for points anywhere."""
        inside = (x >= self._west) & (x <= self._east) & (y >= self._south) & (y <= self._north)
        if inside.all():
            return self._find_inside(x, y)
        found = np.full(len(x), NOWHERE, np.int32)  # NaN compares false, too
        found[inside] = self._find_inside(x[inside], y[inside])
        return found

    def _find_inside(self, x: Real, y: Real) -> NDArray[np.int32]:
        """The answers for points within the bounds of the raster."""
        found = self._answer[self._row(y) * self._columns + self._column(x)]
        left = np.flatnonzero(found < NOWHERE)
        border = _FIRST_BORDER - found[left]
        found[left] = self._otherwise[border]
        nth = 0
        while len(left):
            tried = self._tried[self._start[border] + nth]
            holds = shapely.intersects_xy(self._shapes[tried], x[left], y[left])
            found[left[holds]] = tried[holds]
            nth += 1
            more = ~holds & (self._start[border + 1] - self._start[border] > nth)
            left, border = left[more], border[more]
        return found

    # Both are monotone, so that a border piece between two points stays between their cells.

    def _column(self, x: Real) -> Whole:
        return np.minimum(((x - self._west) * self._per_x).astype(np.int64), self._columns - 1)

    def _row(self, y: Real) -> Whole:
        return np.minimum(((y - self._south) * self._per_y).astype(np.int64), self._rows - 1)

    def _lay(self, bounds: Real, cells: int) -> None:
        """Choose the cells: about square on the ground, over the bounds of all areas."""
        self._west, self._south, self._east, self._north = bounds.tolist()
        wide, high = max(self._east - self._west, 1e-9), max(self._north - self._south, 1e-9)
        shrink = max(np.cos(np.radians((self._south + self._north) / 2)), 0.01)
        wanted = max(1, min(cells, _MOST_CELLS))
        columns = min(np.sqrt(wanted * wide * shrink / high), wide / _FINEST_DEGREES)
        self._columns = int(np.clip(np.ceil(columns), 1, wanted))
        self._rows = int(np.clip(high / _FINEST_DEGREES, 1, wanted // self._columns))
        self._per_x, self._per_y = self._columns / wide, self._rows / high

    def _fill(self) -> None:
        """Answer every cell: a position, `NOWHERE`, or down from `_FIRST_BORDER` a border cell.

        For border cell k, `_tried[_start[k]:_start[k + 1]]` are the areas whose border touches it,
        and `_otherwise[k]` is the first area that covers it wholly; areas behind that one are not
        tried, since they cannot win.
        """
        nobody = len(self._shapes)
        first = np.full(self._columns * self._rows, nobody, np.int32)
        area, cell = self._touched()
        owner, covered = self._covered(area, cell)
        np.minimum.at(first, covered, owner.astype(np.int32))
        can_win = area < first[cell]
        area, cell = area[can_win], cell[can_win]
        first[first == nobody] = NOWHERE
        self._tried = area[np.lexsort((area, cell))].astype(np.int32)
        borders, counts = np.unique(cell, return_counts=True)
        self._start = np.concatenate([[0], np.cumsum(counts)])
        self._otherwise = first[borders]
        self._answer = first
        self._answer[borders] = _FIRST_BORDER - np.arange(len(borders))

    def _touched(self) -> tuple[Whole, Whole]:
        """Pairs (area, cell) where the border of the area may touch the cell; sorted, once each."""
        area, from_x, from_y, to_x, to_y = self._border_pieces()
        low_x, high_x = np.minimum(from_x, to_x), np.maximum(from_x, to_x)
        low_y, high_y = np.minimum(from_y, to_y), np.maximum(from_y, to_y)
        slack_x, slack_y = _SLACK / self._per_x, _SLACK / self._per_y
        columns = [self._column(np.clip(edge, self._west, self._east))
                   for edge in (low_x - slack_x, high_x + slack_x)]  # fmt: skip
        rows = [self._row(np.clip(edge, self._south, self._north))
                for edge in (low_y - slack_y, high_y + slack_y)]  # fmt: skip
        size = self._columns * self._rows
        pairs = np.unique(
            np.concatenate([area * size + r * self._columns + c for r in rows for c in columns])
        )
        return pairs // size, pairs % size

    def _border_pieces(self) -> tuple[Whole, Real, Real, Real, Real]:
        """Area and ends of every border, cut into pieces no longer than part of a cell."""
        parts, area_of_part = shapely.get_parts(self._shapes, return_index=True)
        rings, part_of_ring = shapely.get_rings(parts, return_index=True)
        corners, ring = shapely.get_coordinates(rings, return_index=True)
        joined = ring[1:] == ring[:-1]
        begin, step = corners[:-1][joined], np.diff(corners, axis=0)[joined]
        area = area_of_part[part_of_ring[ring[:-1][joined]]]
        cells = np.maximum(np.abs(step[:, 0]) * self._per_x, np.abs(step[:, 1]) * self._per_y)
        count = np.maximum(np.ceil(cells / _PIECE), 1).astype(np.int64)
        own = np.repeat(np.arange(len(count)), count)
        nth = np.arange(len(own)) - np.repeat(np.cumsum(count) - count, count)
        near, far = (nth / count[own])[:, None], ((nth + 1) / count[own])[:, None]
        start, end = begin[own] + near * step[own], begin[own] + far * step[own]
        return area[own], start[:, 0], start[:, 1], end[:, 0], end[:, 1]

    def _covered(self, area: Whole, cell: Whole) -> tuple[Whole, Whole]:
        """Pairs (area, cell) where the area covers the cell wholly.

        Between two cells of one row that a border touches, all cells lie on the same side of it:
        one point decides for the whole run.

        Args:
            area: Area of every touched cell, sorted.
            cell: The touched cells, sorted within their area.
        """
        same_row = (area[1:] == area[:-1]) & (
            cell[1:] // self._columns == cell[:-1] // self._columns
        )
        first, after = cell[:-1] + 1, cell[1:]
        is_run = same_row & (after > first)
        owner, first, after = area[:-1][is_run], first[is_run], after[is_run]
        x = self._west + (first % self._columns + 0.5) / self._per_x
        y = self._south + (first // self._columns + 0.5) / self._per_y
        holds = shapely.intersects_xy(self._shapes[owner], x, y)
        owner, first, length = owner[holds], first[holds], (after - first)[holds]
        run = np.repeat(np.arange(len(length)), length)
        nth = np.arange(len(run)) - np.repeat(np.cumsum(length) - length, length)
        return owner[run], first[run] + nth


@lru_cache(maxsize=8)
def raster_of(shapes: tuple[bytes | None, ...]) -> AreaRaster:
    """The raster over shapes in WKB, made once a process for the same shapes."""
    return AreaRaster(shapely.from_wkb(list(shapes)))


def _areal(shapes: ArrayLike) -> NDArray[np.object_]:
    """Only the polygons of every shape, as an own copy; None where there are none."""
    own = np.array(shapes, dtype=object).reshape(-1)
    kinds = shapely.get_type_id(own)
    found = own.copy()
    found[~np.isin(kinds, _POLYGONAL) | shapely.is_empty(own)] = None
    for at in np.flatnonzero(kinds == _COLLECTION):  # a collection may hold polygons at any depth
        polygons = [p for p in _parts(own[at]) if isinstance(p, shapely.Polygon)]
        found[at] = shapely.union_all(shapely.make_valid(polygons)) if polygons else None
    return found


def _parts(shape: shapely.Geometry) -> list[shapely.Geometry]:
    """The single shapes of a collection, however deep."""
    parts = shapely.get_parts(shape)
    return [q for p in parts for q in (_parts(p) if hasattr(p, "geoms") else [p])]
