"""Pairs found against pairs that are true."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from quality.resolution.clusters import joined, judged
from quality.resolution.model import Model, score
from quality.resolution.records import KEY, comparable


@dataclass(frozen=True)
class Pairs:
    """Numbers of pairs of records: found to be one person, truly one, and both."""

    found: int
    true: int
    right: int

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.true if self.true else 1.0

    def without(self, other: Pairs) -> Pairs:
        return Pairs(self.found - other.found, self.true - other.true, self.right - other.right)


def pairs_in(frame: pl.DataFrame, *key: str) -> int:
    """How many pairs of rows agree in a key."""
    sizes = frame.group_by(key).len()["len"].to_numpy().astype(int)
    return int((sizes * (sizes - 1) // 2).sum())


def compared(clusters: pl.DataFrame, truth: pl.DataFrame, found: str = "person_key") -> Pairs:
    """Clusters (`source, record_id` and a column of persons) against the truth (`person`)."""
    both = clusters.join(truth, on=KEY)
    return Pairs(pairs_in(both, found), pairs_in(both, "person"), pairs_in(both, found, "person"))


def by_number_alone(own: pl.DataFrame, truth: pl.DataFrame) -> Pairs:
    """What equal valid numbers settle without any weighing."""
    both = own.select(*KEY, "number").drop_nulls().join(truth, on=KEY)
    right = pairs_in(both, "number", "person")
    return Pairs(pairs_in(both, "number"), right, right)


def curve(
    records: pl.DataFrame, truth: pl.DataFrame, model: Model, weights: list[float]
) -> list[tuple[float, Pairs]]:
    """Pairs beyond those of equal numbers, at several weights to join from."""
    own = comparable(records)
    pairs = score(own, model)
    easy = by_number_alone(own, truth)
    found = []
    for weight in weights:
        person, _ = joined(own, judged(own, pairs, weight))
        clusters = own.select(*KEY, person_key=person)
        found.append((weight, compared(clusters, truth).without(easy)))
    return found
