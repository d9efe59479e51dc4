"""Which devices send captures: how busy each is, and at what hours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.demo.plan import Plan


@dataclass(frozen=True)
class Cameras:
    """Cameras that send: ids, their communities, how busy they are and when.

    Attributes:
        ids: Device ids.
        communities: Community codes, null where unplaced.
        share: How many of the passages each sees; adds up to 1.
        profile: Number of its day rhythm.
    """

    ids: pl.Series
    communities: pl.Series
    share: np.ndarray
    profile: np.ndarray


def cameras_of(plan: Plan, devices: pl.DataFrame, name: str) -> Cameras:
    """Give devices their popularity and rhythm."""
    rng = plan.rng("cameras", name)
    share = rng.lognormal(0.0, 0.9, len(devices))
    profile = rng.choice(3, len(devices), p=[0.5, 0.3, 0.2])
    return Cameras(devices["device_id"], devices["community_code"], share / share.sum(), profile)
