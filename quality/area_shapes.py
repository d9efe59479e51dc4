"""What is wrong with the shapes of areas: overlaps, gaps, holes, children outside their parent.

Areas of one tier should cover their parent once, without rest. Shapes are laid over each other in
degrees, as they were delivered, so that shared corners stay shared; only what is left over is
measured on the ellipsoid.

What does not belong here: which area holds a point (`area_raster.py`), mending shapes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import permutations
from typing import Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray
from pyproj import Geod

TOLERANCE_M2: Final = 100.0
"""Corners rounded to 6 decimals (0.1 m) leave up to so much along a border of two kilometres."""

FAULTS: Final[dict[str, str]] = {
    "has_no_extent": "没有面（空、点或线）",
    "is_invalid": "图形无效（自相交等）",
    "parent_is_missing": "上级不存在",
    "overlap": "同级重叠",
    "gap": "上级范围内未被下级覆盖",
    "hole": "内部有空洞且无同级填补",
    "outside_parent": "超出上级范围",
}

_GEOD: Final = Geod(ellps="GRS80")  # the ellipsoid of CGCS2000
_SCHEMA: Final = {
    "fault": pl.String, "area_code": pl.String, "other_code": pl.String, "tier": pl.String,
    "m2": pl.Float64, "longitude": pl.Float64, "latitude": pl.Float64,
}  # fmt: skip

Shapes = NDArray[np.object_]


@dataclass(frozen=True)
class _Fault:
    fault: str
    area_code: str
    tier: str
    other_code: str | None = None
    m2: float | None = None
    longitude: float | None = None
    latitude: float | None = None


@dataclass(frozen=True)
class _Tier:
    """Sound areas of one tier, by code."""

    name: str
    codes: list[str]
    parents: list[str | None]
    shapes: Shapes

    def among(self, parent: str) -> Shapes:
        """Shapes of the children of a parent."""
        return self.shapes[[own == parent for own in self.parents]]


def areas_m2(shapes: Sequence[shapely.Geometry | None] | Shapes) -> NDArray[np.float64]:
    """Area on the ellipsoid of CGCS2000, holes left out, whichever way rings run.

    Args:
        shapes: Longitude and latitude in degrees, shape (n,).

    Returns:
        Square metres, shape (n,); 0 for what has no extent.
    """
    # outer rings one way, holes the other: else what should be left out is added
    turned = shapely.orient_polygons(np.asarray(shapes, dtype=object), exterior_cw=False)
    parts, owner = shapely.get_parts(turned, return_index=True)
    is_areal = shapely.get_dimensions(parts) == 2
    found = np.zeros(len(turned))
    sizes = [abs(_GEOD.geometry_area_perimeter(one)[0]) for one in parts[is_areal]]
    np.add.at(found, owner[is_areal], sizes)
    return found


def faults(areas: pl.DataFrame, tolerance_m2: float = TOLERANCE_M2) -> pl.DataFrame:
    """Everything wrong with the shapes of all areas.

    Overlaps are looked for among all areas of a tier, not only under one parent: a point there lies
    in two areas either way. Areas that are invalid or have no extent are named and left out of the
    rest. A tier that is not delivered at all leaves no gaps.

    Args:
        areas: `area_code`, `tier`, `parent_code` (null at the top), `shape` as WKB in degrees.
        tolerance_m2: Pieces no larger are neither reported nor counted.

    Returns:
        One row per fault, sorted: `fault` (one of `FAULTS`), `area_code`, `other_code` (the second
        of an overlapping pair, the parent reached out of or missing), `tier` of the area, `m2`
        affected (null where nothing is to be measured) and a point in the largest piece of it.
        `gap` names the parent, all others the area itself.
    """
    tiers, found = _sorted_out(areas)
    for tier in tiers:
        found.extend(_overlaps(tier, tolerance_m2))
        found.extend(_holes(tier, tolerance_m2))
    for above, below in permutations(tiers, 2):
        if set(below.parents) & set(above.codes):
            found.extend(_gaps(above, below, tolerance_m2))
            found.extend(_outside(above, below, tolerance_m2))
    rows = pl.DataFrame([asdict(one) for one in found], schema=_SCHEMA)
    return rows.sort("fault", "area_code", "other_code", nulls_last=True)


def _sorted_out(areas: pl.DataFrame) -> tuple[list[_Tier], list[_Fault]]:
    """Sound areas by tier, and what is wrong with areas by themselves."""
    found: list[_Fault] = []
    known = set(areas["area_code"])
    tiers: list[_Tier] = []
    for (name,), part in areas.sort("area_code").group_by("tier", maintain_order=True):
        tier = str(name)
        codes, parents = part["area_code"].to_list(), part["parent_code"].to_list()
        shapes = shapely.from_wkb(np.array(part["shape"].to_list(), dtype=object))
        flat = (shapely.get_dimensions(shapes) < 2) | shapely.is_empty(shapes)
        flat |= shapely.is_missing(shapes)
        broken = ~shapely.is_valid(shapes) & ~flat
        for code, parent, is_flat, is_broken in zip(codes, parents, flat, broken, strict=True):
            if is_flat or is_broken:
                found.append(_Fault("has_no_extent" if is_flat else "is_invalid", code, tier))
            if parent is not None and parent not in known:
                found.append(_Fault("parent_is_missing", code, tier, parent))
        sound = np.flatnonzero(~flat & ~broken)
        tiers.append(_Tier(tier, [codes[n] for n in sound], [parents[n] for n in sound],
                           shapes[sound]))  # fmt: skip
    return tiers, found


def _overlaps(tier: _Tier, tolerance_m2: float) -> Iterator[_Fault]:
    tree = shapely.STRtree(tier.shapes)
    first, second = tree.query(tier.shapes, predicate="intersects")
    once = first < second
    first, second = first[once], second[once]
    shared = shapely.intersection(tier.shapes[first], tier.shapes[second])
    for n, where in _larger(shared, tolerance_m2):
        codes = tier.codes[first[n]], tier.codes[second[n]]
        yield _Fault("overlap", codes[0], tier.name, codes[1], *where)


def _holes(tier: _Tier, tolerance_m2: float) -> Iterator[_Fault]:
    """Inner rings that no other area of the tier fills; in the top tier they may be meant."""
    if all(parent is None for parent in tier.parents):
        return
    tree = shapely.STRtree(tier.shapes)
    parts, owner = shapely.get_parts(tier.shapes, return_index=True)
    for n in np.unique(owner[shapely.get_num_interior_rings(parts) > 0]):
        inner = [ring for part in parts[owner == n] for ring in part.interiors]
        holes = shapely.union_all(shapely.polygons(inner))
        others = shapely.union_all(tier.shapes[tree.query(holes)])
        for _, where in _larger([shapely.difference(holes, others)], tolerance_m2):
            yield _Fault("hole", tier.codes[n], tier.name, None, *where)


def _gaps(above: _Tier, below: _Tier, tolerance_m2: float) -> Iterator[_Fault]:
    """What no child covers; a parent without children is a gap whole."""
    rest = [
        shapely.difference(shape, shapely.union_all(below.among(code)))
        for code, shape in zip(above.codes, above.shapes, strict=True)
    ]
    for n, where in _larger(rest, tolerance_m2):
        yield _Fault("gap", above.codes[n], above.name, None, *where)


def _outside(above: _Tier, below: _Tier, tolerance_m2: float) -> Iterator[_Fault]:
    position = {code: n for n, code in enumerate(above.codes)}
    pairs = [(n, position[p]) for n, p in enumerate(below.parents) if p in position]
    inner, outer = (list(side) for side in zip(*pairs, strict=True))
    beyond = shapely.difference(below.shapes[inner], above.shapes[outer])
    for n, where in _larger(beyond, tolerance_m2):
        codes = below.codes[inner[n]], above.codes[outer[n]]
        yield _Fault("outside_parent", codes[0], below.name, codes[1], *where)


def _larger(
    shapes: Sequence[shapely.Geometry] | Shapes, tolerance_m2: float
) -> Iterator[tuple[int, tuple[float, float, float]]]:
    """Position, square metres and a point (in the largest piece) of shapes with larger pieces."""
    pieces, owner = shapely.get_parts(np.asarray(shapes, dtype=object), return_index=True)
    sizes = areas_m2(pieces)
    for n in np.unique(owner[sizes > tolerance_m2]):
        own = (owner == n) & (sizes > tolerance_m2)
        inside = _point_in(pieces[own][np.argmax(sizes[own])])
        total = round(float(sizes[own].sum()), 1)
        yield int(n), (total, round(inside.x, 6), round(inside.y, 6))


def _point_in(piece: shapely.Geometry) -> shapely.Point:
    """A point to look at; the centroid where it can be, for overlays may leave hair-thin tails."""
    centre = shapely.centroid(piece)
    return centre if shapely.contains(piece, centre) else shapely.point_on_surface(piece)
