"""Times of one city day as text, by table look-up: far cheaper than formatting every row."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from pipelines.demo.tables import CLOCKS

_BEFORE, _AFTER = 7200, 10800


class DayClock:
    """Text of every second from two hours before a city day to three hours after it.

    Attributes:
        day: The city day.
    """

    def __init__(self, day: date) -> None:
        self.day = day
        seconds = pl.Series(np.arange(-_BEFORE, 86_400 + _AFTER) * 1_000_000)
        instants = seconds.cast(pl.Duration("us")) + pl.Series([day]).cast(pl.Datetime("us"))[0]
        self._length = len(instants)
        self._texts = pl.concat([instants.dt.strftime(style) for style in CLOCKS])

    def text(self, seconds: np.ndarray, style: np.ndarray | int = 0) -> pl.Series:
        """Seconds since the day's midnight as text in style 0 (compact), 1 or 2."""
        order = np.array([1, 0, 2])[style]  # CLOCKS starts with the style of tables
        index = seconds + _BEFORE + order * self._length
        return self._texts.gather(pl.Series(index.astype(np.uint32)))


def hour_profiles() -> np.ndarray:
    """Cumulative share of passages by hour of day: commuters, shops, night life."""
    hours = np.arange(24)

    def peak(at: float, width: float) -> np.ndarray:
        return np.exp(-(((hours - at) / width) ** 2))

    shapes = [
        0.04 + peak(8, 1.6) + 0.5 * peak(12.5, 2) + peak(18, 1.8),
        0.02 + 0.6 * peak(11, 3) + peak(17, 3.5),
        0.05 + 0.3 * peak(13, 4) + peak(20.5, 2.5),
    ]
    return np.cumsum([shape / shape.sum() for shape in shapes], axis=1)


def seconds_of_day(rng: np.random.Generator, profile: np.ndarray, latest: int) -> np.ndarray:
    """A random second for each profile number, following the rhythm of its hours."""
    cumulative = hour_profiles()
    hour = (rng.random(len(profile))[:, None] > cumulative[profile]).sum(axis=1)
    return np.minimum(np.minimum(hour, 23) * 3600 + rng.integers(0, 3600, len(profile)), latest)


def running_number(*keys: np.ndarray) -> np.ndarray:
    """Number of each row within its first key, in the order of the other keys, from 0."""
    order = np.lexsort(keys[::-1])
    group = keys[0][order]
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]]) if len(group) else np.array([])
    sizes = np.diff(np.r_[starts, len(group)]).astype(int)
    number = np.empty(len(group), dtype=np.int64)
    number[order] = np.arange(len(group)) - np.repeat(starts, sizes).astype(int)
    return number
