"""Case codes of three standards brought to the one in force, GB/T 47678.5-2026.

The key is (code system, kind, code): 01001 is both a component and a matter. Sources:
`gbt47678_5_2026_components_matters.csv`, `legacy_cjt214_events_crosswalk.csv`,
`gbt30428_2_2013_events_crosswalk.csv` (rule: old major + 5, "0", old minor).
"""

from __future__ import annotations

from functools import cache

import polars as pl

from schemas import codes

_KIND = {"管理部件": "component", "管理事项": "matter"}


@cache
def crosswalk() -> pl.DataFrame:
    """(code_system, case_kind, source_type_code) → type_code (null: no counterpart)."""
    now = codes.table("gbt47678_5_2026_components_matters").select(
        code_system=pl.lit("GB/T 47678.5"),
        case_kind=pl.col("kind").replace_strict(_KIND, default=None),
        source_type_code=pl.col("code"),
        type_code=pl.col("code"),
    )
    matters = now.filter(pl.col("case_kind") == "matter")
    old_major = pl.col("type_code").str.slice(0, 2).cast(pl.Int32) - 5
    by_rule = matters.filter(
        old_major.is_between(1, 5) & (pl.col("type_code").str.slice(2, 1) == "0")
    ).select(
        code_system=pl.lit("GB/T 30428.2"),
        case_kind="case_kind",
        source_type_code=pl.concat_str(
            old_major.cast(pl.String).str.zfill(2), pl.lit("-"), pl.col("type_code").str.slice(3, 2)
        ),
        type_code="type_code",
    )
    by_hand = codes.table("gbt30428_2_2013_events_crosswalk").select(
        code_system=pl.lit("GB/T 30428.2"),
        case_kind=pl.lit("matter"),
        source_type_code="old_code",
        type_code="new_code",
    )
    oldest = (
        codes.table("legacy_cjt214_events_crosswalk")
        .drop_nulls("code4")
        .select(
            code_system=pl.lit("CJ/T 214"),
            case_kind=pl.lit("matter"),
            source_type_code="code4",
            type_code="gbt47678_code",
        )
    )
    known = ["code_system", "case_kind", "source_type_code"]
    # what a person mapped by hand wins over the rule
    return pl.concat([by_hand, by_rule, oldest, now]).unique(known, keep="first")


def national_code(rows: pl.DataFrame) -> pl.DataFrame:
    """Add `type_code`, null where the source's code has no counterpart today.

    Args:
        rows: With `code_system`, `case_kind`, `source_type_code`.
    """
    known = ["code_system", "case_kind", "source_type_code"]
    return rows.join(crosswalk(), on=known, how="left", maintain_order="left")
