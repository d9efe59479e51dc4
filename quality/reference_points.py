"""Whether points stand in the coordinate system their feed declares, judged by reference points.

Offsets of maps move points by some hundred metres: most stay inside their district, so outlines
cannot tell. Points of which the true position is known can: read in the true system, delivered
points lie around their references; read in another, all of them are moved the same way.

What does not belong here: the formulas (`coordinates.py`), where references come from.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pyproj import Geod

from quality.coordinates import to_wgs84
from schemas.feeds import CoordinateSystem

Outcome = Literal["as_declared", "wrong", "mixed", "no_known_system", "cannot_tell"]

OUTCOME_ZH: Final[dict[Outcome, str]] = {
    "as_declared": "与声明一致",
    "wrong": "声明有误",
    "mixed": "混有多个坐标系",
    "no_known_system": "与任何已知坐标系都不符",
    "cannot_tell": "无法判断（参考点太少或太分散）",
}

FEWEST_REFERENCES: Final = 6
SURE_ENOUGH: Final = 0.99
SURVEYED_WITHIN_M: Final = 15.0
"""How far all delivered points may be off the same way, against surveyed references."""

COMMUNITY_WITHIN_M: Final = 60.0
"""The same against centres of communities: people and devices may keep to one side."""

_SYSTEMS: Final[tuple[CoordinateSystem, ...]] = ("WGS84", "GCJ02", "BD09")
_FARTHEST_FIT: Final = 4.0  # in errors: a true system misses by more once in 3,000
_NEAR_M: Final = 100.0  # a point so near to where another system puts it is taken to be in that
_MIXED_SHARE: Final = 0.1
_MIXED_LEAST: Final = 3
_GEOD: Final = Geod(ellps="GRS80")

Metres = NDArray[np.float64]


@dataclass(frozen=True)
class Verdict:
    """What reference points say of a feed's coordinate system.

    Attributes:
        outcome: What is to be made of it.
        declared: The system the feed declares.
        likely: The system it most likely is in; None where nothing fits or too little is known.
        sureness: Probability of `likely` among the known systems, 0 to 1.
        references: References that were met by delivered points.
        east_m: Median displacement of the points, read as declared, from their references.
        north_m: The same to the north.
        misses_m: Length of that displacement for every system they could be in.
        also: Another system a share of the points stands in, if `mixed`.
        also_share: That share of the references, 0 to 1.
    """

    outcome: Outcome
    declared: CoordinateSystem
    likely: CoordinateSystem | None = None
    sureness: float = 0.0
    references: int = 0
    east_m: float = 0.0
    north_m: float = 0.0
    misses_m: dict[str, float] = field(default_factory=dict)
    also: CoordinateSystem | None = None
    also_share: float = 0.0

    @property
    def displacement_m(self) -> float:
        """How far the points, read as declared, lie from their references."""
        return float(np.hypot(self.east_m, self.north_m))


@dataclass(frozen=True)
class _Reading:
    """The points read in one system: how they lie to their references."""

    system: CoordinateSystem
    east: Metres
    north: Metres
    within_m: float

    @property
    def median(self) -> tuple[float, float]:
        return float(np.median(self.east)), float(np.median(self.north))

    @property
    def miss_m(self) -> float:
        return float(np.hypot(*self.median))

    @property
    def errors(self) -> float:
        """The miss in multiples of what it may be if this is the true system."""
        deviations = [np.median(np.abs(d - m)) for d, m in
                      zip((self.east, self.north), self.median, strict=True)]  # fmt: skip
        # 1.4826: from a median deviation to a standard one; 1.2533: error of a median to a mean's
        scatter = 1.4826 * float(np.hypot(*deviations)) / np.sqrt(2)
        return self.miss_m / float(
            np.hypot(1.2533 * scatter / len(self.east) ** 0.5, self.within_m)
        )


def judge_system(
    delivered: pl.DataFrame | pl.LazyFrame,
    references: pl.DataFrame,
    declared: CoordinateSystem,
    within_m: float = SURVEYED_WITHIN_M,
) -> Verdict:
    """Compare delivered points with references for every system they could be in.

    All points of one reference count once, by their median, so that a busy place does not outvote
    the others. Medians stand against points that lie elsewhere for reasons of their own.

    Args:
        delivered: `reference`, and `longitude` and `latitude` as delivered; incomplete rows and
            those without a reference are passed over.
        references: `reference` (once each), `longitude`, `latitude` in WGS 84.
        declared: What the feed says.
        within_m: How far the truth may be off the same way everywhere, in metres.

    Returns:
        The verdict; `cannot_tell` where references are few, or scatter wider than systems differ.
    """
    known = references.drop_nulls().rename({"longitude": "true_x", "latitude": "true_y"})
    met = (
        delivered.lazy()
        .drop_nulls(["reference", "longitude", "latitude"])
        .group_by("reference")
        .agg(pl.col("longitude", "latitude").median())
        .join(known.lazy(), on="reference")
        .sort("reference")
        .collect()
    )
    if met.is_empty():
        return Verdict("cannot_tell", declared)
    readings = _readings(met, declared, within_m)
    own = readings[0]
    found = Verdict(
        "cannot_tell", declared, references=met.height,
        east_m=round(own.median[0], 1), north_m=round(own.median[1], 1),
        misses_m={one.system: round(one.miss_m, 1) for one in readings},
    )  # fmt: skip
    return found if met.height < FEWEST_REFERENCES else _decided(found, readings)


def _readings(met: pl.DataFrame, declared: CoordinateSystem, within_m: float) -> list[_Reading]:
    """The points read in every system, as declared first; one that changes nothing is left out."""
    same = "WGS84" if declared == "CGCS2000" else declared
    others: list[CoordinateSystem] = [system for system in _SYSTEMS if system != same]
    systems: list[CoordinateSystem] = [declared, *others]
    found: list[_Reading] = []
    for system in systems:
        x, y = to_wgs84(met["longitude"].to_numpy(), met["latitude"].to_numpy(), system)
        azimuth, _, metres = _GEOD.inv(met["true_x"].to_numpy(), met["true_y"].to_numpy(), x, y)
        east, north = metres * np.sin(np.radians(azimuth)), metres * np.cos(np.radians(azimuth))
        reading = _Reading(system, east, north, within_m)
        if all(np.hypot(east - one.east, north - one.north).max() > 1.0 for one in found):
            found.append(reading)
    return found


def _decided(found: Verdict, readings: list[_Reading]) -> Verdict:
    if mixed := _mixed(found, readings):
        return mixed
    errors = np.array([one.errors for one in readings])
    best = int(errors.argmin())
    if errors[best] > _FARTHEST_FIT:
        return replace(found, outcome="no_known_system")
    chances = np.exp((errors[best] ** 2 - errors**2) / 2)
    sureness = float(1 / chances.sum())
    if sureness < SURE_ENOUGH:
        return replace(found, sureness=round(sureness, 4))
    return replace(
        found,
        outcome="wrong" if best else "as_declared",
        likely=readings[best].system,
        sureness=round(sureness, 4),
    )


def _mixed(found: Verdict, readings: list[_Reading]) -> Verdict | None:
    """The verdict where a share of the points stands close in one system, a share in another."""
    distances = np.array([np.hypot(one.east, one.north) for one in readings])
    nearest, is_near = distances.argmin(axis=0), distances.min(axis=0) <= _NEAR_M
    votes: list[int] = np.bincount(nearest[is_near], minlength=len(readings)).tolist()
    first, *others = sorted(range(len(votes)), key=lambda n: -votes[n])
    least = max(_MIXED_LEAST, _MIXED_SHARE * found.references)
    if not others or votes[others[0]] < least:
        return None
    second = others[0]
    apart_m = np.hypot(*np.subtract(readings[first].median, readings[second].median))
    if apart_m <= 2 * _NEAR_M or (votes[first] + votes[second]) * 2 < found.references:
        return None
    return replace(
        found, outcome="mixed",
        likely=readings[first].system, sureness=round(votes[first] / found.references, 4),
        also=readings[second].system, also_share=round(votes[second] / found.references, 4),
    )  # fmt: skip
