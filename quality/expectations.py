"""Expectations of published tables: suites computed from contracts, the metric book and the past.

What fails has one of three consequences. *block*: the table contradicts its contract or itself, and
no generation is flipped. *grade*: its numbers are doubtful and shown so. *note*: worth a look.

Great Expectations judges them (`validation/judging.py`), after rows were counted by what the rules
ask (`validation/rules.py`): the sizes and ages of tables do not matter to it.
Not here: rows as they arrive (`judging.py`), the row accounts (`accounting.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from quality.grading import FeedState
from quality.validation.contracts import contract_rules, row_rules
from quality.validation.history import (
    Past,
    amounts_now,
    freshness_rules,
    is_by_day,
    past_of_days,
    past_of_states,
    past_rules,
)
from quality.validation.rules import (
    DIMENSIONS,
    SEVERITY_ZH,
    Rule,
    Severity,
    Suite,
    Verdict,
    failing,
    suite,
)
from quality.validation.statistics import (
    AGREEMENTS,
    Agreement,
    agreement_rules,
    statistics_rules,
    sums_by_place,
)
from schemas.table import Table


@dataclass(frozen=True)
class Known:
    """What a table is judged against.

    Attributes:
        communities: Community codes in force.
        feeds: State of the feeds behind the table, of which anything ever arrived.
        last: Last day before the as-of instant.
        full: Last city day that is over.
        booked: Rows noted when the table was built; None: nothing is noted.
        before: Amounts by category as of earlier days, the oldest first; for registers.
        read: Topic table of a name → its rows.
    """

    communities: Collection[str]
    feeds: Sequence[FeedState]
    last: date
    full: date
    booked: int | None
    before: Sequence[Mapping[str, float]]
    read: Callable[[str], pl.LazyFrame]


def topic_suite(table: Table, rows: pl.LazyFrame, known: Known) -> tuple[Suite, dict[str, float]]:
    """What is expected of a topic table.

    Args:
        table: The topic table.
        rows: Its rows.
        known: What it is judged against.

    Returns:
        Its suite, and of a register the amounts of now, to be kept for later days.
    """
    now: dict[str, float] = {}
    daily = bool(known.feeds) and all(feed.is_daily for feed in known.feeds)
    if is_by_day(table):
        past = past_of_days(table, rows, known.full, daily=daily)
    else:
        now = amounts_now(table, rows)
        past = past_of_states(now, known.before)
    rules = [
        *row_rules(table, rows, known.booked),
        *contract_rules(table, known.communities),
        *agreement_rules(table.name, known.read),
        *past_rules(table, past, comes_daily=daily),
        *freshness_rules(known.feeds, known.last),
    ]
    return suite(table.label, table.zh, known.last.isoformat(), rows, rules), now


def statistics_suite(
    table: Table,
    rows: pl.LazyFrame,
    booked: int | None,
    last: date,
    topics: Mapping[str, float],
    out_of_step: pl.DataFrame,
) -> Suite:
    """What is expected of the values by period.

    Args:
        table: statistics.period_values.
        rows: Its rows.
        booked: Rows noted when it was built.
        last: Last day before the as-of instant.
        topics: Metric id → its sum over the topic table.
        out_of_step: What `quality.accounting.tiers_out_of_step` gives.
    """
    district = rows.filter(pl.col("tier") == "district").collect()
    rules: list[Rule] = [
        *row_rules(table, rows, booked),
        *contract_rules(table, ()),
        *statistics_rules(district, topics, out_of_step),
    ]
    return suite(table.label, table.zh, last.isoformat(), rows, rules)


__all__ = [
    "AGREEMENTS",
    "DIMENSIONS",
    "SEVERITY_ZH",
    "Agreement",
    "Known",
    "Past",
    "Rule",
    "Severity",
    "Suite",
    "Verdict",
    "failing",
    "statistics_suite",
    "suite",
    "sums_by_place",
    "topic_suite",
]
