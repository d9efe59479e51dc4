"""Where things of table feeds lie, and how their rows say so: by code, by point, or not at all.

A code that stands in no register of areas counts as no code; then the point decides.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.demo.devices import UNKNOWN_COMMUNITY
from pipelines.demo.space import Space


def placed_rows(
    rng: np.random.Generator, space: Space, community: np.ndarray, *, points: bool = True
) -> pl.DataFrame:
    """Place things that truly lie in these communities.

    Args:
        rng: Random stream.
        space: The ground.
        community: Positions in `space.community_codes`.
        points: Whether the feed carries points; without, things lie by code or nowhere.

    Returns:
        Texts 社区编码 网格编码 经度 纬度 as written, and the truth: community_code, placed_by.
    """
    count = len(community)
    xy, grid = space.points(rng, community)
    draw = rng.random(count)
    ways = np.select(
        [draw < 0.80, draw < 0.86, draw < 0.95, draw < 0.97, draw < 0.985],
        ["both", "code", "point", "unknown_code", "neither"],
        "outside",
    )
    if not points:
        ways = np.select([draw < 0.96, draw < 0.98], ["code", "neither"], "wrong_code")
    xy[ways == "outside"] += np.array([0.5, -0.4])
    by_code = np.isin(ways, ["both", "code"])
    by_point = np.isin(ways, ["point", "unknown_code"])
    code = space.community_codes[community]
    return pl.DataFrame(
        {
            "code": code,
            "grid": space.grid_codes[grid],
            "lon": xy[:, 0],
            "lat": xy[:, 1],
            "way": ways,
            "by_code": by_code,
            "by_point": by_point,
        }
    ).select(
        pl.when("by_code")
        .then("code")
        .when(pl.col("way").is_in(["unknown_code", "wrong_code"]))
        .then(pl.lit(UNKNOWN_COMMUNITY))
        .alias("社区编码"),
        pl.when(pl.col("way") == "both").then("grid").alias("网格编码"),
        *(
            pl.when(pl.col("way").is_in(["both", "point", "unknown_code", "outside"]))
            .then(pl.col(axis).round(6).cast(pl.String))
            .alias(name)
            for axis, name in (("lon", "经度"), ("lat", "纬度"))
        ),
        community_code=pl.when(pl.col("by_code") | pl.col("by_point")).then("code"),
        placed_by=pl.when("by_code")
        .then(pl.lit("code"))
        .when("by_point")
        .then(pl.lit("point"))
        .otherwise(pl.lit("unplaced")),
    )


def random_communities(rng: np.random.Generator, space: Space, count: int) -> np.ndarray:
    """Positions of communities, the busy ones more often."""
    return rng.choice(len(space.community_codes), count, p=space.weights)
