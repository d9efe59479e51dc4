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
    said = _one_an_instant(versions)
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


def duty_periods(versions: pl.DataFrame, whole: pl.DataFrame, facts: Sequence[str]) -> pl.DataFrame:
    """Stretches of time of entries that say themselves from when until when they hold.

    The newest word about an instant counts. The first word of a beginning speaks of all time from
    that beginning on; a later word of the same beginning, of the time from when it was said, and of
    the end it names, if that is earlier; a whole delivery that omits the entry, of the time from
    its as-of on. So an end that is told late is applied at its own day, a beginning told late is
    not taken back by the deliveries before it, and a change of facts does not reach into the past.

    Args:
        versions: As for `periods`, and `from_at`, `until_at` (half open; null: no end known).
        whole: As for `periods`.
        facts: Columns whose change begins a new stretch.

    Returns:
        `entity_id`, the facts, `valid_from`, `valid_until` (null: still valid), by entity and time.
    """
    said = _one_an_instant(versions).with_columns(is_end=pl.lit(False))
    absent = _absences(versions, whole).with_columns(is_end=pl.lit(True))
    words = pl.concat([said, absent], how="diagonal").sort("entity_id", "said_at")
    is_first = pl.struct("entity_id", "from_at").is_first_distinct()
    since = pl.max_horizontal("from_at", pl.min_horizontal("said_at", "until_at"))
    held = (
        words.with_columns(
            valid_from=pl.when("is_end").then("said_at").when(is_first).then("from_at").otherwise(since)
        )
        .with_columns(newer=pl.col("valid_from").cum_min(reverse=True).shift(-1).over("entity_id"))
        .with_columns(valid_until=pl.min_horizontal("newer", "until_at"))
        .filter(
            ~pl.col("is_end"),
            (pl.col("valid_until") > pl.col("valid_from")).fill_null(value=True),
        )
        .sort("entity_id", "valid_from")
    )  # fmt: skip
    same = [pl.col(c).eq_missing(pl.col(c).shift()) for c in ("entity_id", *facts)]
    goes_on = pl.all_horizontal(
        *same, pl.col("valid_from").eq_missing(pl.col("valid_until").shift())
    )
    return (
        held.with_columns(stretch=(~goes_on).cum_sum())
        .group_by("stretch", maintain_order=True)
        .agg(pl.col("entity_id", *facts, "valid_from").first(), pl.col("valid_until").last())
        .drop("stretch")
    )


def at_instant(periods: pl.DataFrame, instant: pl.Expr) -> pl.DataFrame:
    """The entries that were valid at an instant."""
    return periods.filter(
        pl.col("valid_from") <= instant,
        pl.col("valid_until").is_null() | (pl.col("valid_until") > instant),
    )


def _one_an_instant(versions: pl.DataFrame) -> pl.DataFrame:
    """Of several versions of an entry of one instant the one that counts, by content."""
    at = pl.concat_str("entity_id", pl.col("said_at").dt.epoch("us"), separator="@")
    return newest_per_key(
        versions.with_columns(version=at), "version", ("said_at",), happened="said_at",
        rule="one_instant",
    ).rows  # fmt: skip


def _absences(versions: pl.DataFrame, whole: pl.DataFrame) -> pl.DataFrame:
    """(entity, source, as-of) of whole deliveries that no longer hold an entry the source named."""
    named = versions.select("entity_id", "source").unique()
    expected = named.join(whole.rename({"as_of": "said_at"}).unique(), on="source")
    return expected.join(versions, on=["entity_id", "source", "said_at"], how="anti").select(
        "entity_id", "source", "said_at"
    )
