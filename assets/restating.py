"""Restatements: which published numbers of finished periods changed, and why.

A number of a period that was over when it was published is expected to stand. Where it does not,
the reader is told: what it was, what it is, and what made the difference.
"""

from collections.abc import Mapping

import duckdb
import polars as pl

from schemas import tables
from schemas.contract import polars_schema
from schemas.replays import REPLAYS
from schemas.restatements import Restatement
from warehouse import serving
from warehouse.lake import Lake

TABLE = tables.table("ops", "restatements")
GENERATIONS_SHOWN = 20
"""Notes of so many generations are served; `ops.restatements` has all of them."""

_KEYS = ["metric_id", "tier", "area_code", "period", "period_start", "period_end"]


def restatements(
    lake: Lake, values: pl.DataFrame, last: pl.DataFrame, now: Mapping[str, object]
) -> pl.DataFrame:
    """Notes to be served: those of this publication, and of some before it.

    Args:
        lake: The lake.
        values: metric_values about to be published.
        last: The last publication (one row of ops.publications, or none).
        now: Facts of this one: generation, published_at, code, areas.
    """
    past = lake.read(TABLE)
    shown = past["generation"].unique().sort().tail(GENERATIONS_SHOWN - 1)
    kept = past.filter(pl.col("generation").is_in(shown.implode()))
    before = _published(lake)
    if before is None or last.is_empty():
        return kept
    found = changed(before, values).with_columns(
        generation=pl.lit(now["generation"]),
        published_at=pl.lit(now["published_at"]),
        reason=pl.lit(_reason(lake, last.row(0, named=True), now)),
    )
    return pl.concat([kept, found.select(kept.columns).cast(pl.Schema(polars_schema(Restatement)))])


def changed(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Values of finished periods that are others now; withheld ones are not compared.

    Args:
        before: metric_values as published last.
        after: As they are to be published.

    Returns:
        The identifying columns, names, `was` and `now`.
    """
    stood = before.filter(pl.col("is_complete") & ~pl.col("is_withheld"))
    stands = after.filter(pl.col("is_complete") & ~pl.col("is_withheld"))
    both = stood.select(*_KEYS, was="value").join(
        stands.select(*_KEYS, "metric_name", "area_name", now="value"), on=_KEYS
    )
    same = pl.col("was").eq_missing(pl.col("now")) | (
        (pl.col("was") - pl.col("now")).abs() <= 1e-9 * pl.col("was").abs()
    )
    return both.filter(~same.fill_null(value=False)).sort(_KEYS)


def replayed_since(lake: Lake, published_at: object) -> bool:
    """Whether a replay let rows in since an instant."""
    accepted = lake.book(REPLAYS).filter(pl.col("outcome") == "accepted")
    return accepted.filter(pl.col("replayed_at") > pl.lit(published_at)).height > 0


def _reason(lake: Lake, last: Mapping[str, object], now: Mapping[str, object]) -> str:
    """What is different beside the rows; rows that arrived late, if nothing is."""
    if last["code"] != now["code"]:
        return "rule_change"
    if last["areas"] != now["areas"]:
        return "area_change"
    if replayed_since(lake, last["published_at"]):
        return "replay"
    return "late_rows"


def _published(lake: Lake) -> pl.DataFrame | None:
    """metric_values of the whole district as served now; None where they have other columns."""
    if serving.current(lake.home.serving) is None:
        return None
    columns = [*_KEYS, "value", "is_complete", "is_withheld"]
    with duckdb.connect(str(serving.serving_file(lake.home.serving)), read_only=True) as connection:
        there = {name for (name,) in connection.execute(
            "SELECT column_name FROM duckdb_columns() WHERE table_name = 'metric_values'"
        ).fetchall()}  # fmt: skip
        if not there.issuperset(columns):
            return None
        query = f"SELECT {', '.join(columns)} FROM metric_values"
        return connection.execute(query).pl()
