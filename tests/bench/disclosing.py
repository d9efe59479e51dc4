"""How long disclosure control takes: `python -m tests.bench.disclosing demo|city|crossed|releases`.

Invented counts by community, street and district and by category, log-normal over areas; every
total with both its sums. Prints CPU seconds, peak memory and how many cells are withheld.
"""

from __future__ import annotations

import argparse
import itertools
import resource
import time
from collections.abc import Callable

import numpy as np
import polars as pl

from quality.disclosure import Release, audit, audit_releases, suppress

K = 5


def tables(
    communities: int,
    streets: int,
    books: int,
    dimensions: tuple[int, ...],
    mean: float,
    seed: int,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cells and sums of several books: areas of three tiers by every margin of some dimensions."""
    rng = np.random.default_rng(seed)
    street_of = np.arange(communities) % streets
    areas = [f"c{i:04}" for i in range(communities)]
    areas += [*(f"s{i:03}" for i in range(streets)), "district"]
    above = [f"s{i:03}" for i in street_of] + ["district"] * streets
    values: dict[str, int] = {}
    sums: list[tuple[str, str, str]] = []
    for book in range(books):
        level = np.exp(rng.normal(np.log(mean), 1.0))
        rate = level * np.exp(rng.normal(0, 1, (communities, *(1 for _ in dimensions))))
        counts = rng.poisson(rate * np.ones((communities, *dimensions)))
        for axis in range(1, counts.ndim):
            counts = np.concatenate([counts.sum(axis, keepdims=True), counts], axis)
        upper = np.zeros((streets, *counts.shape[1:]), dtype=np.int64)
        np.add.at(upper, street_of, counts)
        every = np.concatenate([counts, upper, upper.sum(0, keepdims=True)])
        for kind in itertools.product(*(range(n + 1) for n in dimensions)):

            def named(area: str, kind: tuple[int, ...] = kind, book: int = book) -> str:
                return f"{book:03}|{area}|{'.'.join(map(str, kind))}"

            own = every[(slice(None), *kind)].tolist()
            values |= {named(area): n for area, n in zip(areas, own, strict=True)}
            pairs = zip(above, areas, strict=False)
            sums += [(f"areas {named(up)}", named(up), named(area)) for up, area in pairs]
            for axis in (a for a, at in enumerate(kind) if at == 0):
                for part in range(1, dimensions[axis] + 1):
                    finer = (*kind[:axis], part, *kind[axis + 1 :])
                    sums += [(f"{axis} {named(a)}", named(a), named(a, finer)) for a in areas]
    cells = pl.DataFrame({"cell": list(values), "value": list(values.values())})
    return cells.with_columns(k=pl.lit(K)), pl.DataFrame(
        sums, ["equation", "total", "part"], orient="row"
    )


SHAPES = {
    "demo": [(52, 8, 60, (), 8.0), (52, 8, 15, (3,), 8.0)],
    "city": [(1_833, 60, 60, (), 8.0), (1_833, 60, 15, (3,), 8.0), (1_833, 60, 15, (3,), 1.5)],
    "crossed": [(52, 8, 1, (2, 5), 4.0), (1_833, 60, 1, (2, 5), 4.0)],
}


def measured(name: str, work: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    """Do some work and print what it cost."""
    started = time.process_time()
    result = work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  {name}: {time.process_time() - started:.1f} CPU s, peak {peak:.0f} MiB so far")
    return result


def withheld(cells: pl.DataFrame) -> str:
    """How many cells are withheld, in words."""
    counts = dict(cells["withheld"].value_counts().rows())
    small, more = counts.get("primary", 0), counts.get("complementary", 0)
    return f"{cells.height:,} cells, {small:,} small, {more:,} more withheld"


def one_release(communities: int, streets: int, books: int, dimensions, mean: float) -> None:
    """Suppress and audit one release."""
    cells, sums = tables(communities, streets, books, dimensions, mean, seed=1)
    print(f"{communities} communities, {books} books by {dimensions}, mean {mean}")
    decided = measured("suppress", lambda: suppress(cells, sums))
    found = measured("audit", lambda: audit(decided, sums))
    print(f"  {withheld(decided)}; safe: {found['is_safe'].all()}")


def two_releases() -> None:
    """A city's month after another: half of the larger counts changed a little."""
    cells, sums = tables(1_833, 60, 15, (3,), 8.0, seed=1)
    leaves = set(sums["part"]) - set(sums["total"])
    rng = np.random.default_rng(2)
    value = dict(cells.select("cell", "value").rows())
    for cell in sorted(leaves):
        if rng.random() < 0.5 * (1 - np.exp(-value[cell] / 20)):
            value[cell] = max(0, value[cell] + int(rng.integers(-2, 3)))
    parts = sums.group_by("equation").agg(pl.col("total").first(), "part").drop("equation").rows()
    for _ in range(3):
        for total, own in parts:
            value[total] = sum(value[one] for one in own)
    after = pl.DataFrame({"cell": list(value), "value": list(value.values())})
    after = after.with_columns(k=pl.lit(K))
    last = Release(suppress(cells, sums), sums)
    apart = suppress(after, sums)
    print(f"two releases decided apart: {withheld(apart)}")
    found = audit_releases(last, Release(apart, sums))
    print(f"  {found.filter(~pl.col('is_safe')).height:,} small counts can be narrowed")
    both = measured("suppress with the last", lambda: suppress(after, sums, last=last))
    print(f"  {withheld(both)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=[*SHAPES, "releases"])
    what = parser.parse_args().what
    if what == "releases":
        two_releases()
    for shape in SHAPES.get(what, ()):
        one_release(*shape)
