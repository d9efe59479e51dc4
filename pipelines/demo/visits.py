"""Satisfaction visits of 示范区: calls about closed cases, some corrected, a few about no case."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.demo.plan import Plan
from pipelines.demo.tables import clock_text, spoil, wall_clock, with_rules, write_csv

VISITS_A_MONTH, GHOSTS = 12_000, 3
_ANSWERS = ("satisfied", "fairly_satisfied", "neutral", "dissatisfied", "unreached")
_SCORES = {"satisfied": 5, "fairly_satisfied": 4, "neutral": 3, "dissatisfied": 2}


def write_visits(plan: Plan, cases: pl.DataFrame) -> None:
    """Write the visits of every day.

    Args:
        plan: The demo.
        cases: `case_number`, `community_code`, and `closed`, in seconds of the demo.
    """
    rng, end = plan.rng("visits"), plan.days * 86_400
    closed = cases.filter(pl.col("closed") < end - 1200)
    count = min(plan.monthly(VISITS_A_MONTH, 60), len(closed))
    chosen = closed[np.sort(rng.choice(len(closed), count, replace=False))]
    after = chosen["closed"].to_numpy() + rng.integers(300, 100_000, count)
    visited = np.minimum(after, end - 700)
    answer = rng.choice(_ANSWERS, count, p=[0.6, 0.15, 0.07, 0.08, 0.1]).tolist()
    by_score = (rng.random(count) < 0.15) & (np.array(answer) != "unreached")
    both = rng.random(count) < 0.4
    scores = [
        _SCORES[a] if a in _SCORES and (only or also) else None
        for a, only, also in zip(answer, by_score, both, strict=True)
    ]
    rows = chosen.with_columns(
        visit_id=pl.Series([f"HF{n:08d}" for n in range(1, count + 1)]),
        answer=pl.Series(answer),
        score=pl.Series(scores, dtype=pl.Int64),
        said=pl.Series([None if only else a for a, only in zip(answer, by_score, strict=True)]),
        visited=pl.Series(visited),
        is_wrong=pl.Series(rng.random(count) < 0.05),
        case_number=pl.when(pl.int_range(pl.len()) < GHOSTS)
        .then(pl.concat_str(pl.lit("NOCASE"), pl.int_range(pl.len())))
        .otherwise("case_number"),
    )
    first = pl.Series([plan.all_days[0]]).cast(pl.Int32)[0]
    rows = rows.with_columns(
        visited_day=(pl.col("visited") // 86_400 + first).cast(pl.Int32).cast(pl.Date)
    )
    for n, day in enumerate(plan.all_days):
        _write_day(plan, rows.filter(pl.col("visited_day") == day), n)
    _note(plan, rows)


def _write_day(plan: Plan, rows: pl.DataFrame, n: int) -> None:
    """Wrong answers first, as first heard; their corrections ten minutes later."""
    wrong = rows.filter("is_wrong").with_columns(said=pl.lit("neutral"), score=None)
    text = pl.concat([_texts(plan, rows, n, 600), _texts(plan, wrong, n, 0)])
    parts = [with_rules(text)]
    if n == plan.days - 1:
        early = clock_text(pl.lit(wall_clock(plan, np.array([-86_400]))), n % 3)
        faults: list[tuple[str, dict[str, str | None]]] = [
            ("is_answered_or_scored", {"评价": None, "评分": None}),
            ("who_was_not_reached_gives_no_score", {"评价": "unreached", "评分": "3"}),
            ("is_visited_before_it_is_reported", {"更新时间": pl.select(early).item()}),
            ("score_is_within_range", {"评价": "satisfied", "评分": "11"}),
            ("answer_is_a_known_code", {"评价": "meh", "评分": None}),
        ]
        at = clock_text(pl.lit(wall_clock(plan, np.array([n * 86_400 + 60]))), n % 3)
        good: dict[str, str | None] = {
            "案卷号": "A1", "评价": "satisfied", "评分": "5", "回访时间": pl.select(at).item(),
            "更新时间": pl.select(at).item(),
        }  # fmt: skip
        row = pl.DataFrame({c: [None] for c in text.columns}, schema=text.schema)
        parts += [
            spoil(row, [rule], **({"回访编号": f"HFF{k:04d}"} | good | values))
            for k, (rule, values) in enumerate(faults)
        ]
    name = f"satisfaction_visits-{plan.named_day(plan.all_days[n])}.csv"
    write_csv(plan, "satisfaction_visits", name, pl.concat(parts))


def _texts(plan: Plan, rows: pl.DataFrame, n: int, later: int) -> pl.DataFrame:
    at = rows["visited"].to_numpy()
    return rows.select(
        回访编号="visit_id",
        案卷号="case_number",
        评价="said",
        评分=pl.col("score").cast(pl.String),
        回访时间=clock_text(pl.lit(wall_clock(plan, at)), n % 3),
        更新时间=clock_text(pl.lit(wall_clock(plan, at + later)), n % 3),
    )


def _note(plan: Plan, rows: pl.DataFrame) -> None:
    standing = rows.slice(GHOSTS)
    plan.truth.add("satisfaction_visits", standing)
    for visit in rows.head(GHOSTS).iter_rows(named=True):
        plan.truth.set_aside(
            "satisfaction_visits", visit["visit_id"], "case_is_known", visit["visited_day"],
            1 + visit["is_wrong"],
        )  # fmt: skip
    plan.truth.add(
        "superseded",
        standing.filter("is_wrong").select(
            entity_id="visit_id", rows=1, feed=pl.lit("satisfaction_visits")
        ),
    )
