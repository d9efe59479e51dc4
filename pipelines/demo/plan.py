"""What one demo is asked for: its days, its size, its random streams, its clock.

Everything follows from (seed, as_of, days, scale): no wall clock, no global random state.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.demo.landing import Landing
from pipelines.demo.site import Site
from pipelines.demo.truth import Truth
from schemas.city_time import city_date_of
from schemas.feeds import BY_NAME, sources

GROUPS = {
    "captures": ("face_captures", "vehicle_captures", "nonmotor_captures"),
    "registers": (
        "population_household",
        "population_visits",
        "population_property",
        "population_self",
        "buildings",
        "rentals",
        "small_places",
        "employment",
        "party_members",
        "welfare",
    ),
    "cases": ("grid_cases", "satisfaction_visits"),
    "places": ("components", "grid_staff", "dwellings"),
    "events": ("ai_video_events", "iot_events"),
    "sensing": ("sensor_alarms", "sensor_readings"),
    "fire": ("fire_inspections", "fire_alarms"),
}
ALWAYS = ("areas", "devices")
WRITTEN = frozenset((*ALWAYS, *(feed for group in GROUPS.values() for feed in group)))
"""Feeds the demo can write. `fire_responses` is not among them: it arrives as a real record."""


@dataclass
class Plan:
    """One demo to write.

    Attributes:
        days: City days of data.
        scale: 1.0 is the volume of a real district.
        as_of: Aware instant; the last day of data is the city day before it.
        feeds: Feeds to write.
        site: What happens to devices; nothing unless all feeds are written.
    """

    home: Path
    days: int
    scale: float
    seed: int
    as_of: datetime
    feeds: frozenset[str]
    landing: Landing
    truth: Truth
    progress: Callable[[str, float], None] = field(default=lambda _feed, _share: None)
    site: Site = field(default_factory=Site)

    @property
    def is_whole(self) -> bool:
        """Whether all feeds are written: only then do devices move, drift and fall silent."""
        return self.feeds == WRITTEN

    @property
    def last_day(self) -> date:
        """The last city day of data."""
        return city_date_of(self.as_of) - timedelta(days=1)

    @property
    def all_days(self) -> list[date]:
        """City days of data, oldest first."""
        return [self.last_day - timedelta(days=n) for n in reversed(range(self.days))]

    def rng(self, *parts: object) -> np.random.Generator:
        """A random stream of its own for one purpose (and day), whatever else is written."""
        words = [zlib.crc32(str(part).encode()) for part in parts]
        return np.random.default_rng([self.seed, *words])

    def monthly(self, rows_per_30_days: float, least: int = 0) -> int:
        """Rows for this demo of a feed that has so many in 30 days at scale 1."""
        return max(least, round(rows_per_30_days * self.scale * self.days / 30))

    def per_day(self, total: int) -> list[int]:
        """A total spread over the days, adding up exactly."""
        edges = [total * n // self.days for n in range(self.days + 1)]
        return [b - a for a, b in pairwise(edges)]

    def named_day(self, day: date) -> str:
        """A day as it stands in file names."""
        return day.strftime("%Y%m%d")


def feeds_named(names: object) -> frozenset[str]:
    """Feeds meant by names of feeds, sources or groups; None means all.

    Raises:
        ValueError: a name is none of these, or a feed the demo does not write.
    """
    if names is None:
        return WRITTEN
    found: set[str] = set(ALWAYS)
    for name in names:  # pyright: ignore[reportGeneralTypeIssues]
        if name in GROUPS:
            found.update(GROUPS[name])
        elif name in sources():
            found.update(feed.name for feed in sources()[name])
        elif name in BY_NAME:
            found.add(name)
        else:
            raise ValueError(f"the demo knows no feed, source or group named {name!r}")
    if unwritten := found - WRITTEN:
        raise ValueError(f"the demo does not write {', '.join(sorted(unwritten))}")
    return frozenset(found)


def pick(values: pl.Series, index: np.ndarray) -> pl.Series:
    """Values at the given positions."""
    return values.gather(pl.Series(index.astype(np.uint32)))
