"""By when every stage of a case must be done, from the limits of its kind and code.

The source's own deadline or limit of handling comes first, for approved delays are in it; else the
table's. Handling counts from the dispatch, where there was none yet from the deadline for it;
closing from the deadline of handling (`codes/case_lifecycle.csv`).
"""

from __future__ import annotations

import polars as pl

from quality.working_time import WorkingTime
from schemas.case_rules import STAGES

CALENDAR_ENDS, NO_LIMIT = "calendar_ends", "no_limit"
_OF = ["case_kind", "type_code"]
_STARTS = {
    "verify": pl.col("reported_at"),
    "register": pl.col("reported_at"),
    "dispatch": pl.col("registered_at"),
    "dispose": pl.coalesce("dispatched_at", "dispatch_due_at"),
    "check": pl.col("handled_at"),
    "close": pl.col("dispose_due_at"),
}
"""Stage → the instant its limit counts from, in the order they are worked out."""


def with_deadlines(
    cases: pl.DataFrame, limits: pl.DataFrame, working_time: WorkingTime
) -> pl.DataFrame:
    """Add `<stage>_due_at` of every stage and `undated_because`.

    Args:
        cases: Columns of silver.grid_cases.
        limits: `stage, case_kind, type_prefix, time_limit_type, time_limit`.
        working_time: How working hours and days pass.

    Returns:
        The rows. A deadline is null where the stage does not begin, no limit is set, or the
        calendar ends; `undated_because` says which of the latter it is for the first stage of a
        registered case that has begun and has no deadline, else null.
    """
    rows = cases.join(_limits_of(cases, limits), on=_OF, how="left", nulls_equal=True)
    for stage, start in _STARTS.items():
        kind, limit = f"{stage}_type", f"{stage}_limit"
        if stage == "dispose":
            has_own = pl.col("time_limit").is_not_null()
            rows = rows.with_columns(
                pl.when(has_own).then("time_limit_type").otherwise(kind).alias(kind),
                pl.when(has_own).then("time_limit").otherwise(limit).alias(limit),
            )
        due = f"{stage}_due_at"
        begun = rows.select(start.alias(due)).to_series()
        rows = rows.with_columns(working_time.due(begun, rows[limit], rows[kind]))
        if stage == "dispose":
            is_dated = pl.col("registered_at").is_not_null()
            rows = rows.with_columns(
                pl.when(is_dated).then(pl.coalesce("deadline_at", due)).alias(due)
            )
    return rows.with_columns(undated_because=_why_undated()).drop(
        [f"{stage}_{part}" for stage in STAGES for part in ("type", "limit")]
    )


def _why_undated() -> pl.Expr:
    because = pl.lit(None, pl.String)
    for stage in ("check", "close", "dispose", "dispatch"):  # the earliest is asked last and wins
        start = _STARTS[stage] if stage in ("dispatch", "check") else pl.col("registered_at")
        lacks = start.is_not_null() & pl.col(f"{stage}_due_at").is_null()
        no_limit = pl.col(f"{stage}_limit").is_null()
        reason = pl.when(no_limit).then(pl.lit(NO_LIMIT)).otherwise(pl.lit(CALENDAR_ENDS))
        because = pl.when(lacks).then(reason).otherwise(because)
    return pl.when(pl.col("registered_at").is_not_null()).then(because)


def _limits_of(cases: pl.DataFrame, limits: pl.DataFrame) -> pl.DataFrame:
    """Kind and code → `<stage>_type` and `<stage>_limit`."""
    found = cases.select(_OF).unique()
    for stage in STAGES:
        own = limits.filter(stage=stage).rename(
            {"time_limit_type": f"{stage}_type", "time_limit": f"{stage}_limit"}
        )
        found = by_code(found, own.drop("stage"), [f"{stage}_type", f"{stage}_limit"])
    return found


def by_code(rows: pl.DataFrame, table: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Join columns of a table by kind and beginning of the national code.

    Args:
        rows: Each `case_kind` and `type_code` once.
        table: `case_kind` (null: both), `type_prefix` (null: all codes), and the columns.
        columns: What is joined; null where no row fits.

    Returns:
        The rows with the columns of the table's row with the longest prefix that fits; of two
        without one, that of the kind.
    """
    fits = (
        rows.join(table.rename({"case_kind": "of_kind"}), how="cross")
        .filter(
            pl.col("of_kind").is_null() | (pl.col("of_kind") == pl.col("case_kind")),
            pl.col("type_prefix").is_null()
            | pl.col("type_code").str.starts_with(pl.col("type_prefix")),
        )
        .sort(
            pl.col("type_prefix").str.len_chars().fill_null(0),
            pl.col("of_kind").is_not_null(),
        )
        .unique(_OF, keep="last", maintain_order=True)
    )
    return rows.join(fits.select(*_OF, *columns), on=_OF, how="left", nulls_equal=True)
