"""One person once: records of several sources become persons, with a reason for every link.

Valid identity numbers match exactly; the rest by Splink with the weights kept in
`resolution/model.json`. Reads names and telephones, so it runs inside the restricted zone; its
frames are restricted too, but the ledger and all errors hold no value of a person. How it is
measured: `docs/resolution.md`.

Not here: reading bronze and writing silver (`assets/`).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from quality.resolution.clusters import joined, judged, same_number_links
from quality.resolution.golden import chosen, rank_of_source
from quality.resolution.model import Model, load_model, score
from quality.resolution.records import KEY, UnfitRecords, comparable
from quality.tokens import tokens

__all__ = ["Resolved", "UnfitRecords", "replaced_tokens", "resolve", "with_tokens"]


@dataclass(frozen=True)
class Resolved:
    """Persons found in records. All frames belong in the restricted zone.

    Attributes:
        clusters: One row per record: `source, record_id, person_key`.
        links: One row per link or refused link: `source_a, record_id_a, source_b, record_id_b,
            weight` (log2 odds; null: a valid number, not weighed), `probability, rule, outcome`.
        golden: One row per person: `person_key`, the attributes, and `…_source` of each.
        conflicts: One row per statement that was not chosen: `person_key, column, chosen_source,
            chosen_record_id, losing_source, losing_record_id, losing_value, losing_version_at`.
    """

    clusters: pl.DataFrame
    links: pl.DataFrame
    golden: pl.DataFrame
    conflicts: pl.DataFrame


def resolve(
    records: pl.DataFrame,
    model: Model | None = None,
    *,
    threads: int | None = None,
    memory_gib: float = 3.0,
) -> Resolved:
    """Find the persons behind records. The result depends on the records' content alone.

    Args:
        records: `source`, `record_id` (together unique) and any of `records.OPTIONAL`: name,
            id_number, birth_date, sex (GB/T 2261.1), phone, population_category, community_code,
            building, place, unit, room, address, version_at.
        model: Weights; None: those of the repository.
        threads: Threads of the matching engine; None: all cores.
        memory_gib: Memory of the matching engine; it never spills to disk.

    Returns:
        Persons, links, golden records and conflicts.

    Raises:
        UnfitRecords: keys are missing, null or not unique.
    """
    model = model or load_model()
    own = comparable(records)
    pairs = score(own, model, threads=threads, memory_gib=memory_gib)
    person, links = joined(own, judged(own, pairs, model.join_weight))
    own = own.with_columns(_person_key(own, person))
    golden, conflicts = chosen(own)
    return Resolved(
        clusters=own.select(*KEY, "person_key"),
        links=_ledger(own, pl.concat([same_number_links(own), links])),
        golden=golden,
        conflicts=conflicts,
    )


def with_tokens(frame: pl.DataFrame, key: bytes) -> pl.DataFrame:
    """A frame of `Resolved` with a topic's `person_token` in place of `person_key`.

    Args:
        frame: Has `person_key`.
        key: Token key of the topic.
    """
    return frame.with_columns(tokens(key, frame["person_key"]).alias("person_key")).rename(
        {"person_key": "person_token"}
    )


def replaced_tokens(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Tokens that a new resolution no longer gives, and those that stand for them now.

    A token changes when a number becomes known, when two persons turn out to be one, or when a
    record of a better source (or an earlier one of the same) joins a person without a number.

    Args:
        before: `source, record_id, person_token` of an earlier resolution.
        after: The same of a later one.

    Returns:
        `person_token, now`, ordered; several rows where a person was split.
    """
    both = before.join(after, on=KEY, suffix="_now").filter(
        ~pl.col("person_token").is_in(after["person_token"].implode())
    )
    return both.select("person_token", now="person_token_now").unique().sort("person_token", "now")


def _person_key(own: pl.DataFrame, person: pl.Series) -> pl.Series:
    """The identity number, or the key of the record of the best source, smallest id first.

    A valid number has 18 characters without a colon, so the two kinds cannot meet.
    """
    named = own.select("row", "number", *KEY, person=person).with_columns(
        rank=rank_of_source("identity_number", pl.col("source"))
    )
    anchor = (
        named.sort("rank", *KEY)
        .group_by("person", maintain_order=True)
        .agg(
            number=pl.col("number").drop_nulls().first(),
            record=pl.concat_str(pl.lit("record:"), "source", pl.lit(":"), "record_id").first(),
        )
        .select("person", person_key=pl.coalesce("number", "record"))
    )
    return named.join(anchor, on="person", maintain_order="left")["person_key"]


def _ledger(own: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    names = own.select("row", *KEY)
    return (
        links.join(names, left_on="row_a", right_on="row")
        .join(names, left_on="row_b", right_on="row", suffix="_b")
        .sort("row_a", "row_b")
        .select(
            source_a="source",
            record_id_a="record_id",
            source_b="source_b",
            record_id_b="record_id_b",
            weight="weight",
            probability="probability",
            rule="rule",
            outcome="outcome",
        )
    )
