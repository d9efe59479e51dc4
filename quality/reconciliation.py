"""Totals against their parts, for every family of metrics that has parts. Found in the book.

A part is a sum of the same measure over fewer rows: one condition of it is narrower than its
total's, all others are the same. Parts of one family have no value in common, so they never add up
to more than the total; where they name every value there is, they add up to it exactly. Families
that are measured in columns of their own (devices online, not online) stand in `MEASURED`.

Not here: totals other people published (`published_totals.py`), tiers against each other (a
blocking check).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import polars as pl

from schemas import tables
from schemas.contract import facts
from schemas.metric import Metric

Verdict = Literal["adds_up", "has_rest", "withheld", "falls_short", "exceeds"]
WRONG = ("falls_short", "exceeds")
"""Verdicts that cannot be true of the same rows: a fault of ours."""
_KEYS = ("tier", "area_code", "period", "period_start")
_NEAR = 1e-6


@dataclass(frozen=True)
class Family:
    """A total and sums over rows of it that have no row in common.

    Attributes:
        total: Id of the total.
        by: What the parts are told apart by: a column, or a word for it.
        parts: Ids of the parts.
        is_whole: Whether the parts are all there is; else a rest is expected.
    """

    total: str
    by: str
    parts: tuple[str, ...]
    is_whole: bool


MEASURED = (
    Family("sensing_registered_device_count", "online_state",
           ("sensing_online_device_count", "sensing_offline_device_count"), is_whole=False),
    Family("buildings_dwelling_count", "dwelling_use",
           ("buildings_self_occupied_count", "buildings_rented_count", "buildings_vacant_count"),
           is_whole=False),
    Family("fire_known_hazard_count", "rectified",
           ("fire_closed_hazard_count", "fire_open_hazard_count"), is_whole=True),
    Family("fire_episode_count", "ended",
           ("fire_closed_episode_count", "fire_open_episode_count"), is_whole=True),
    Family("governance_grid_count", "staffed",
           ("governance_staffed_grid_count", "governance_unstaffed_grid_count"), is_whole=True),
    Family("welfare_kind_1_person_count", "welfare_class",
           tuple(f"welfare_class_{one}_person_count" for one in "abc"), is_whole=False),
    Family("party_member_count", "age_band",
           tuple(f"party_age_{n}_count" for n in range(1, 6)), is_whole=False),
)  # fmt: skip
"""Parts that are columns, or attributes, of their own; no condition of the book tells of them."""


def families(book: Iterable[object]) -> tuple[Family, ...]:
    """Every family of a book, those of `MEASURED` last.

    Args:
        book: Entries of the metric book, in its order; only sums have parts.
    """
    sums = [one for one in book if isinstance(one, Metric)]
    ids = {one.id for one in sums}
    found: list[Family] = []
    for total in sums:
        by_column: dict[str, list[Metric]] = {}
        for one in sums:
            if column := _narrower_in(one, total):
                by_column.setdefault(column, []).append(one)
        for column, parts in by_column.items():
            apart = _apart(parts, column)
            named = {value for one in apart for value in dict(one.where)[column]}
            every = dict(total.where).get(column) or _codes(total.table, column)
            whole = bool(every) and named >= set(every)
            found.append(Family(total.id, column, tuple(one.id for one in apart), whole))
    return (*found, *(one for one in MEASURED if ids.issuperset({one.total, *one.parts})))


def _narrower_in(part: Metric, total: Metric) -> str | None:
    """The one column in which a sum is over fewer values than another of the same measure."""
    same = ("table", "measure", "day_column")
    if any(getattr(part, name) != getattr(total, name) for name in same):
        return None
    own, whole = dict(part.where), dict(total.where)
    columns = [
        column for column in own | whole if set(own.get(column, ())) != set(whole.get(column, ()))
    ]
    if len(columns) != 1 or columns[0] not in own:
        return None
    (column,) = columns
    return column if column not in whole or set(own[column]) < set(whole[column]) else None


def _apart(parts: Sequence[Metric], column: str) -> list[Metric]:
    """Parts without a value in common, those of fewest values first taken; in the book's order."""
    taken: set[str] = set()
    kept = []
    for one in sorted(parts, key=lambda part: len(dict(part.where)[column])):
        values = set(dict(one.where)[column])
        if not values & taken:
            taken |= values
            kept.append(one)
    return [one for one in parts if one in kept]


@cache
def _codes(table: str, column: str) -> tuple[str, ...]:
    """Every value a topic column can have; none where no contract closes it, or nulls are let in.

    Its own contract says so, or those of the tables below it, if all that do agree.
    """
    contract = tables.table("topics", table).contract
    if contract.columns()[column].nullable:
        return ()
    if own := facts(contract, column).get("codes"):
        return tuple(own)
    below = {
        tuple(sorted(codes))
        for one in tables.TABLES
        if one.layer in ("bronze", "silver") and column in one.contract.columns()
        and (codes := facts(one.contract, column).get("codes"))
    }  # fmt: skip
    return below.pop() if len(below) == 1 else ()


def reconciled(values: pl.DataFrame, found: Collection[Family]) -> pl.DataFrame:
    """Every total set against its parts, by area and period.

    Args:
        values: Has `metric_id, tier, area_code, period, period_start, value, is_withheld`.
        found: What `families` gives.

    Returns:
        `total, by, tier, area_code, period, period_start, total_value, parts_value, rest, verdict`.
        Of withheld parts nothing is added: what is left must still not exceed the total.
    """
    pieces = [_of_one(values, one) for one in found]
    return pl.concat(pieces) if pieces else _of_one(values, Family("", "", (), is_whole=False))


def _of_one(values: pl.DataFrame, family: Family) -> pl.DataFrame:
    withheld = pl.col("is_withheld") | pl.col("value").is_null()
    parts = (
        values.filter(pl.col("metric_id").is_in(family.parts))
        .group_by(_KEYS)
        .agg(
            parts_value=pl.col("value").filter(~withheld).sum(),
            parts_known=(~withheld).sum(),
        )
    )
    rest = pl.col("total_value") - pl.col("parts_value")
    known = ~pl.col("total_withheld") & (pl.col("parts_known") == len(family.parts))
    return (
        values.filter(pl.col("metric_id") == family.total)
        .select(*_KEYS, total_value="value", total_withheld=withheld)
        .join(parts, on=_KEYS, how="inner", nulls_equal=True)
        .select(
            pl.lit(family.total).alias("total"), pl.lit(family.by).alias("by"),
            *_KEYS, "total_value", "parts_value", rest=pl.when(known).then(rest),
            verdict=pl.when(~pl.col("total_withheld") & (rest < -_NEAR)).then(pl.lit("exceeds"))
            .when(~known).then(pl.lit("withheld"))
            .when(rest <= _NEAR).then(pl.lit("adds_up"))
            .otherwise(pl.lit("falls_short" if family.is_whole else "has_rest")),
        )
        .sort(_KEYS, nulls_last=True)
    )  # fmt: skip
