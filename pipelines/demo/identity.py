"""Identity numbers of people who do not exist, and when somebody last wrote of them."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from pipelines.demo.plan import Plan

_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
_CHECK = np.array(list("10X98765432"))


def identity_numbers(
    rng: np.random.Generator, born: pl.Series, region: str = "350299"
) -> pl.Series:
    """Valid and distinct numbers of 18 digits for birth dates, of a region that does not exist."""
    # An odd sequence is a man's: every other birthday begins with one, and all steps are even.
    order = pl.DataFrame({"born": born}).with_columns(
        number=pl.int_range(pl.len()).over("born") * 2 + pl.col("born").cast(pl.Int32) // 3 % 2,
        shift=pl.lit(int(rng.integers(1, 200))),
    )
    sequence = ((order["number"] + order["shift"]) % 1000).cast(pl.String).str.zfill(3)
    body = pl.DataFrame({"d": born.dt.strftime("%Y%m%d"), "s": sequence}).select(
        pl.concat_str(pl.lit(region), "d", "s")
    )
    texts = body.to_series()
    digits = np.array([texts.str.slice(n, 1).cast(pl.Int64).to_numpy() for n in range(17)])
    return texts + pl.Series(_CHECK[(_WEIGHTS @ digits) % 11].tolist())


def ago(plan: Plan, seconds: np.ndarray) -> pl.Series:
    """Instants (naive city time) so many seconds before the end of the last day."""
    end = pl.Series([plan.last_day]).cast(pl.Datetime("us"))[0] + timedelta(days=1)
    return pl.Series(-seconds * 1_000_000 - 2_000_000).cast(pl.Duration("us")) + end
