"""Late rows of sealed days: quarantined, so that old results are never replaced by a fragment."""

from __future__ import annotations

from datetime import date

import polars as pl

from quality.judging import Judged, empty_quarantine
from schemas.contract import PROVENANCE, polars_schema, wire_columns
from schemas.feed import Feed
from schemas.ledgers import QuarantinedRow

SEALED_DAY = "day_is_still_open"
"""The rule broken by a row of a day whose bronze has expired (design: cleaning captures, 5)."""


def without_sealed_days(
    feed: Feed, judged: Judged, texts: pl.DataFrame, through: date | None
) -> Judged:
    """Judged rows, those of sealed days quarantined.

    Args:
        feed: The feed; a register has no days.
        judged: What `judge` made of `texts`.
        texts: The rows as they arrived.
        through: Last sealed day; None: no day is.
    """
    if feed.day_column is None or through is None:
        return judged
    is_sealed, at = pl.col(feed.day_column) <= through, list(PROVENANCE)
    late = judged.accepted.filter(is_sealed).select(at)
    if late.is_empty():
        return judged
    rows = texts.join(late, on=at, how="semi").select(
        *at, rules=pl.lit([SEALED_DAY]), row=pl.struct(list(wire_columns(feed.contract)))
        .struct.json_encode(), detail=pl.lit(None, pl.String),
    )  # fmt: skip
    types = polars_schema(QuarantinedRow)
    rows = rows.select(pl.col(name).cast(dtype) for name, dtype in types.items())
    before = judged.quarantined if judged.quarantined.height else empty_quarantine()
    return Judged(judged.accepted.filter(~is_sealed), pl.concat([before, rows]))
