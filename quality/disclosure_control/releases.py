"""Two releases as one table: what the last one told, and what the new one adds.

A cell whose true value did not change is one cell: the attacker is assumed to guess rightly that it
did not (a stock of persons seldom does within a month), so it is known if either release tells it.
Cells that changed are two; sums of each release hold, and links between the two (to date = to date
last time + what the month brought).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from scipy import sparse

from quality.disclosure_control.system import (
    Numbers,
    System,
    UnfitTable,
    checked_sums,
    row_count,
    system_of,
)


@dataclass(frozen=True)
class Release:
    """A table as it was or is to be published.

    Attributes:
        cells: `cell, value, k` (or `sharing`), and `withheld` where it is decided.
        sums: `total, part` and perhaps `equation`.
    """

    cells: pl.DataFrame
    sums: pl.DataFrame


@dataclass(frozen=True)
class Joint:
    """Two releases as one system.

    Attributes:
        system: Cells of the release before, then those of the new one that changed.
        before: Place in it of each cell of the release before, in order of id.
        after: The same for the new release.
        was_hidden: Of the release before, in order of id.
    """

    system: System
    before: Numbers
    after: Numbers
    was_hidden: Numbers


def joined(
    before: Release,
    after: Release,
    links: pl.DataFrame | None,
    changed: pl.Series | None,
    *,
    zero_is_small: bool,
) -> Joint:
    """Write two releases as one system.

    Args:
        before: The last release, decided.
        after: The new one.
        links: `equation, total, part, part_of` ("before" or "after"); totals are of the new one.
        changed: Cells the attacker cannot take for unchanged although their value is the same.
        zero_is_small: As in `system_of`.

    Raises:
        UnfitTable: a table or the links are not as described.
    """
    old = system_of(before.cells, before.sums, zero_is_small=zero_is_small)
    new = system_of(after.cells, after.sums, zero_is_small=zero_is_small)
    was_hidden = hidden_of(before)
    place = _places(old, new, changed)
    is_same = place >= 0
    count = old.value.size
    place[~is_same] = count + np.arange((~is_same).sum())
    size = count + int((~is_same).sum())
    matrices = [_moved(old.matrix, np.arange(count), size), _moved(new.matrix, place, size)]
    if links is not None and links.height:
        both = np.concatenate([np.arange(count), place])
        matrices.append(_moved(_links(old, new, links), both, size))
    started = replace(old, is_free=was_hidden, is_held=was_hidden, is_small=old.is_small)
    system = _with_new(started, new, place, is_same, sparse.csr_matrix(sparse.vstack(matrices)))
    return Joint(system, np.arange(count), place, was_hidden)


def hidden_of(release: Release) -> Numbers:
    """Which cells of a decided release are hidden, in order of id.

    Raises:
        UnfitTable: it is not decided.
    """
    if "withheld" not in release.cells.columns:
        raise UnfitTable("cells have no column withheld: nothing was decided yet")
    withheld = release.cells.sort("cell")["withheld"]
    return (withheld.fill_null("") != "").to_numpy()


def _places(old: System, new: System, changed: pl.Series | None) -> Numbers:
    """For each new cell its place among the old ones if it did not change, else -1."""
    if old.ids.dtype != new.ids.dtype:
        raise UnfitTable(f"ids are {old.ids.dtype} in one release, {new.ids.dtype} in the other")
    earlier = pl.DataFrame({"cell": old.ids, "was": old.value}).with_row_index("place")
    both = pl.DataFrame({"cell": new.ids, "value": new.value}).join(
        earlier, on="cell", how="left", maintain_order="left"
    )
    is_same = pl.col("value") == pl.col("was")
    if changed is not None:
        is_same &= ~pl.col("cell").is_in(changed.implode())
    place = pl.when(is_same).then(pl.col("place").cast(pl.Int64)).fill_null(-1)
    return both.select(place.alias("place"))["place"].to_numpy().copy()


def _links(old: System, new: System, links: pl.DataFrame) -> sparse.csr_matrix:
    """Links as equations over the old cells, then the new ones."""
    missing = {"equation", "total", "part", "part_of"} - set(links.columns)
    if missing or not links["part_of"].is_in(["before", "after"]).all():
        raise UnfitTable("links need equation, total, part and part_of (before or after)")

    def named(release: pl.Expr | str, cell: str) -> pl.Expr:
        first = pl.lit(release) if isinstance(release, str) else release
        return pl.concat_str(first, pl.lit(" "), pl.col(cell).cast(pl.String))

    cells = pl.concat(
        [
            pl.DataFrame({"cell": one.ids, "value": one.value}).select(
                "value", cell=named(release, "cell")
            )
            for release, one in (("before", old), ("after", new))
        ]
    )
    sums = links.select(
        "equation", total=named("after", "total"), part=named(pl.col("part_of"), "part")
    )
    return checked_sums(cells, sums)


def _moved(matrix: sparse.csr_matrix, place: Numbers, size: int) -> sparse.csr_matrix:
    entries = sparse.coo_matrix(matrix)
    return sparse.csr_matrix(
        (entries.data, (entries.row, place[entries.col])), shape=(row_count(matrix), size)
    )


def _with_new(
    old: System, new: System, place: Numbers, is_same: Numbers, matrix: sparse.csr_matrix
) -> System:
    """Old cells, limits narrowed where a new one is the same; then the new ones that changed."""
    same = place[is_same]
    low, high, is_small, weight = (
        old.low.copy(), old.high.copy(), old.is_small.copy(), old.weight.copy()
    )  # fmt: skip
    low[same] = np.maximum(low[same], new.low[is_same])
    high[same] = np.minimum(high[same], new.high[is_same])
    is_small[same] |= new.is_small[is_same]
    weight[same] = new.weight[is_same]

    def both(first: Numbers, second: Numbers) -> Numbers:
        return np.concatenate([first, second[~is_same]])

    return System(
        ids=pl.concat([old.ids, new.ids.filter(pl.Series(~is_same))]),
        value=both(old.value, new.value),
        low=both(low, new.low),
        high=both(high, new.high),
        # What the last release told cannot be protected any more.
        is_small=both(is_small & old.is_free, new.is_small),
        is_free=both(old.is_free, new.is_free),
        is_held=both(old.is_held, new.is_held),
        weight=both(weight, new.weight),
        matrix=matrix,
    )
