"""Validity of register entries: from versions and whole deliveries to stretches of time (SCD 2).

An entry says what holds from an instant on, until another version of it says otherwise, or until
its source delivers its register whole without it. Nothing depends on the order in which files
arrived. Not here: which deliveries were whole (`assets/deliveries.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from quality.deduplicate import newest_per_key

VALID = ("valid_from", "valid_until")


def periods(versions: pl.DataFrame, whole: pl.DataFrame, facts: Sequence[str]) -> pl.DataFrame:
    """Stretches of time in which an entry's facts did not change.

    Args:
        versions: `entity_id`, `source`, `said_at` (instant from which on it holds), the facts, and
            any other columns, which only break ties between versions of one instant. An entry of a
            whole delivery stands here also with the delivery's as-of as `said_at`: it held then.
        whole: `source`, `as_of` of every whole delivery. An entry of the source without a version
            of exactly that instant was not in it.
        facts: Columns whose change begins a new stretch.

    Returns:
        `entity_id`, `source` (whose word it is), the facts, `valid_from`, `valid_until` (null:
        still valid; half open), by entity and time.
    """
    said = newest_per_key(
        versions.with_columns(
            version=pl.concat_str("entity_id", pl.col("said_at").dt.epoch("us"), separator="@")
        ),
        "version", ("said_at",), happened="said_at", rule="one_instant",
    ).rows  # fmt: skip
    columns = ["entity_id", "source", "said_at", *facts]
    events = pl.concat(
        [
            said.select(columns).with_columns(is_end=pl.lit(False)),
            _absences(versions, whole).with_columns(is_end=pl.lit(True)),
        ],
        how="diagonal",
    ).sort("entity_id", "said_at", "is_end", "source")
    speaker = pl.when(~pl.col("is_end")).then("source").forward_fill().over("entity_id")
    ends_it = ~pl.col("is_end") | (pl.col("source") == speaker).fill_null(value=False)
    events = events.filter(ends_it)
    same = [pl.col(c).eq_missing(pl.col(c).shift()) for c in ("entity_id", "is_end", *facts)]
    turns = events.filter(~pl.all_horizontal(same))
    return (
        turns.with_columns(
            valid_from="said_at", valid_until=pl.col("said_at").shift(-1).over("entity_id")
        )
        .filter(~pl.col("is_end"))
        .select("entity_id", "source", *facts, *VALID)
    )


def at_instant(periods: pl.DataFrame, instant: pl.Expr) -> pl.DataFrame:
    """The entries that were valid at an instant."""
    return periods.filter(
        pl.col("valid_from") <= instant,
        pl.col("valid_until").is_null() | (pl.col("valid_until") > instant),
    )


def _absences(versions: pl.DataFrame, whole: pl.DataFrame) -> pl.DataFrame:
    """(entity, source, as-of) of whole deliveries that no longer hold an entry the source named."""
    named = versions.select("entity_id", "source").unique()
    expected = named.join(whole.rename({"as_of": "said_at"}).unique(), on="source")
    return expected.join(versions, on=["entity_id", "source", "said_at"], how="anti").select(
        "entity_id", "source", "said_at"
    )
