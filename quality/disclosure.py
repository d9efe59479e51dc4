"""Statistical disclosure control for tables that count persons: what to hide, and the proof.

Small counts (1 to k - 1) are withheld: primary suppression. Others are withheld with them so that
no small count can be narrowed from totals and neighbours: complementary suppression, across areas,
categories and periods at once. `audit` is the attacker, and has the last word before publication.
What is hidden and why: `docs/disclosure.md`.

Source: cell suppression and the attacker's problem, as in Hundepool et al., Statistical Disclosure
Control (2012), chapter 4; k after GB/T 37964.

Not here: which figures a publication has (`assets/`), k per sharing class
(`schemas/protection`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from quality.disclosure_control.attack import reach
from quality.disclosure_control.knowledge import open_limits
from quality.disclosure_control.margins import area_sums, sums_over
from quality.disclosure_control.releases import Release, hidden_of, joined
from quality.disclosure_control.solve import EXACT_CELLS, hidden_cells
from quality.disclosure_control.system import (
    Numbers,
    SumsDisagree,
    System,
    UnfitTable,
    system_of,
)

__all__ = [
    "Release",
    "SumsDisagree",
    "UnfitTable",
    "Unprotected",
    "area_sums",
    "audit",
    "audit_releases",
    "sums_over",
    "suppress",
]


class Unprotected(RuntimeError):
    """Small counts could be narrowed, were this published; says how many and which cells."""


def suppress(
    cells: pl.DataFrame,
    sums: pl.DataFrame,
    *,
    last: Release | None = None,
    links: pl.DataFrame | None = None,
    changed: pl.Series | None = None,
    zero_is_small: bool = False,
    exact_cells: int = EXACT_CELLS,
) -> pl.DataFrame:
    """Decide what is withheld, and prove it by the audit.

    A small count is protected if the attacker, who knows all that is published, every sum, the
    rule of k and which cells are withheld as small ones, can narrow it by nothing beyond what is
    known when *every* count above zero is withheld: as a rule 1 to k - 1. It follows that no sum of
    withheld small counts below k can be worked out either. Zeros are published as zeros and never
    withheld, unless they are small counts too.

    Args:
        cells: One row per cell, in any order: `cell` (id, unique), `value` (persons, whole), `k`
            (0: never small) or `sharing` (class of `schemas.protection`); perhaps `weight` (cost
            of hiding, above 0; else totals cost five times their parts per level) and
            `was_hidden` (hidden last time, costs half).
        sums: One row per part: `total`, `part` (cell ids) and, where a total has several sums
            (over areas, over categories, over months), `equation`.
        last: The release before this one, decided; both are protected together.
        links: Sums across the two: `equation, total` (of this release), `part, part_of`
            ("before" or "after").
        changed: Ids of cells which the attacker cannot take for unchanged since the last release
            although their value is the same; all other equal values are taken for known to be.
        zero_is_small: Zeros are withheld like 1 to k - 1.
        exact_cells: Connected tables of up to so many cells are hidden at least cost.

    Returns:
        The cells, in their order, with `withheld`: "", "primary" or "complementary".

    Raises:
        UnfitTable: cells or sums are not as described.
        SumsDisagree: a total is not the sum of its parts.
        Unprotected: the audit found a way; nothing may be published.
    """
    own = system_of(cells, sums, zero_is_small=zero_is_small)
    if last is None:
        hidden = hidden_cells(own, exact_cells=exact_cells)
    else:
        both = joined(last, Release(cells, sums), links, changed, zero_is_small=zero_is_small)
        hidden = hidden_cells(both.system, exact_cells=exact_cells)[both.after]
        # By itself it must hold too, against those who missed the last one.
        own = replace(own, is_held=(hidden | own.is_small) & own.is_free)
        hidden = hidden_cells(own, exact_cells=exact_cells)
    withheld = np.where(own.is_small, "primary", np.where(hidden, "complementary", ""))
    decided = cells.drop("withheld", strict=False).join(
        pl.DataFrame({"cell": own.ids, "withheld": withheld}), on="cell", maintain_order="left"
    )
    _refuse(audit(decided, sums, zero_is_small=zero_is_small))
    if last is not None:
        this = Release(decided, sums)
        _refuse(
            audit_releases(last, this, links=links, changed=changed, zero_is_small=zero_is_small)
        )
    return decided


def audit(
    cells: pl.DataFrame,
    sums: pl.DataFrame,
    *,
    every_bound: bool = False,
    zero_is_small: bool = False,
) -> pl.DataFrame:
    """Attack a table that is about to be published; knows nothing of how it was suppressed.

    Args:
        cells: As in `suppress`, with `withheld` ("" or null: published).
        sums: As in `suppress`.
        every_bound: Work out the exact bounds of complementary cells too (slow: two programs per
            cell); else they are the widest that were come across.
        zero_is_small: As in `suppress`.

    Returns:
        One row per withheld cell and per small count, in order of id: `cell, value, withheld,
        lower, upper` (what the attacker knows; null: unlimited), `needed_lower, needed_upper`
        (limits a small count must keep) and `is_safe`.

    Raises:
        UnfitTable: cells or sums are not as described.
        SumsDisagree: a total is not the sum of its parts.
    """
    system = system_of(cells, sums, zero_is_small=zero_is_small)
    hidden = hidden_of(Release(cells, sums))
    return _audited(system, hidden, every_bound=every_bound).drop("place")


def audit_releases(
    before: Release,
    after: Release,
    *,
    links: pl.DataFrame | None = None,
    changed: pl.Series | None = None,
    every_bound: bool = False,
    zero_is_small: bool = False,
) -> pl.DataFrame:
    """Attack two consecutive releases together.

    Args:
        before: The last release, decided.
        after: The new one, decided.
        links: As in `suppress`.
        changed: As in `suppress`.
        every_bound: As in `audit`.
        zero_is_small: As in `suppress`.

    Returns:
        As `audit`, with `release`: "before" (cells of the last release, and those of the new one
        that did not change) or "after". What the last release alone told is not held against the
        new one.

    Raises:
        UnfitTable: cells, sums or links are not as described.
        SumsDisagree: a total is not the sum of its parts.
    """
    both = joined(before, after, links, changed, zero_is_small=zero_is_small)
    hidden = np.ones(both.system.value.size, dtype=bool)
    hidden[both.before] = both.was_hidden
    hidden[both.after] &= hidden_of(after)
    found = _audited(both.system, hidden, every_bound=every_bound)
    count = both.before.size
    return found.with_columns(
        release=pl.when(pl.col("place") < count).then(pl.lit("before")).otherwise(pl.lit("after"))
    ).drop("place")


def _audited(system: System, hidden: Numbers, *, every_bound: bool) -> pl.DataFrame:
    """What the attacker finds, in the order of cells; `place` is the place in the system."""
    needed = open_limits(system)
    is_judged = system.is_small & system.is_free
    found = reach(system, hidden, is_judged, needed)
    is_narrow = is_judged & ((found.lower > needed[0]) | (found.upper < needed[1]))
    if is_narrow.any():
        # Sums that cross may leave less than each of them alone: then that is all there is.
        open_reach = reach(system, system.is_free, is_narrow, needed)
        needed = (
            np.where(is_narrow, open_reach.lower, needed[0]),
            np.where(is_narrow, open_reach.upper, needed[1]),
        )
    lower, upper = found.lower, found.upper
    if every_bound:
        no_limits = np.full_like(lower, -np.inf), np.full_like(upper, np.inf)
        every = reach(system, hidden, hidden, no_limits)
        lower, upper = every.lower, every.upper
    is_safe = ~is_judged | ((found.lower <= needed[0]) & (found.upper >= needed[1]))
    withheld = np.where(system.is_small, "primary", "complementary")
    return (
        pl.DataFrame(
            {
                "place": np.arange(hidden.size),
                "cell": system.ids,
                "value": system.value.astype(np.int64),
                "withheld": np.where(hidden, withheld, ""),
                "lower": lower,
                "upper": upper,
                "needed_lower": needed[0],
                "needed_upper": needed[1],
                "is_safe": is_safe,
            }
        )
        .filter(pl.Series(hidden | is_judged))
        .with_columns(
            pl.col(c).replace(float("inf"), None).cast(pl.Int64)
            for c in ("lower", "upper", "needed_lower", "needed_upper")
        )
    )


def _refuse(found: pl.DataFrame) -> None:
    """Raise if anything is unsafe."""
    unsafe = found.filter(~pl.col("is_safe"))
    if unsafe.height:
        some = ", ".join(str(cell) for cell in unsafe["cell"][:5].to_list())
        raise Unprotected(f"{unsafe.height} small counts could be narrowed: {some}")
