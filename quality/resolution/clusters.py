"""From weighed pairs to persons: which pairs are links, and who is joined with whom.

Valid identity numbers decide first and are never overruled: records of one number are one person,
and no person has two. The remaining links are taken from the heaviest down; a link that would put
two numbers into one person, directly or along a chain, is refused and says so in the ledger.
Everything is ordered by weight and by the records' keys, so neither the order of arrival nor the
number of threads can show.

Relatives share a door, a telephone, a family name and often a character of the given name, and
twins a birthday, so independent weights overrate them. A link therefore needs names that sound or
look alike; a name with another character in it needs a birth date or a number behind it.
"""

from __future__ import annotations

from typing import Final

import polars as pl

NAMES_ENOUGH: Final = ("same", "same_sound", "look_alike", "near_sound")
NAMES_WITH_BIRTH_DATE: Final = ("character_moved", "few_letters_apart")
AMBIGUOUS_WITHIN: Final = 3.0
"""Bits of weight (log2): a record nearer than this to two numbers belongs to neither by itself."""

REASONS: Final = ("name", "birth_date", "sex", "phone", "address", "number")
_SAYS_NOTHING: Final = ("other", "unknown")
OUTCOMES: Final = {
    "joined": "made two persons one",
    "agrees": "both were one person already, by heavier links",
    "two_identity_numbers": "refused: would have joined two valid numbers",
    "ambiguous": "refused: about as near to another number",
    "to_look_at": "not heavy enough, or names apart: for people to decide",
}


def same_number_links(own: pl.DataFrame) -> pl.DataFrame:
    """Links of records that carry one valid number, each with the first record of it.

    Args:
        own: Records of `records.comparable`.

    Returns:
        `row_a, row_b, weight` (null: not weighed), `probability` 1, `rule`, `outcome`.
    """
    first = own.filter(pl.col("number").is_not_null()).with_columns(
        row_a=pl.col("row").min().over("number")
    )
    return first.filter(pl.col("row_a") < pl.col("row")).select(
        "row_a",
        row_b="row",
        weight=pl.lit(None, pl.Float64),
        probability=pl.lit(1.0),
        rule=pl.lit("identity_number"),
        outcome=pl.lit("joined"),
    )


def judged(own: pl.DataFrame, pairs: pl.DataFrame, join_weight: float) -> pl.DataFrame:
    """Which pairs are links, before anybody is joined.

    Args:
        own: Records of `records.comparable`.
        pairs: Pairs of `model.score`.
        join_weight: Weight from which a pair is a link.

    Returns:
        `row_a, row_b, weight, probability, rule`, and `outcome`: `link`, `ambiguous` or
        `to_look_at`. Pairs whose names are apart and that nothing supports are not there.
    """
    name, birth = pl.col("name"), pl.col("birth_date")
    is_near_number = (pl.col("number") == "one_slip") & (name != "other")
    may_link = (
        name.is_in(NAMES_ENOUGH)
        | (name.is_in(NAMES_WITH_BIRTH_DATE) & (birth == "same"))
        | is_near_number
    )
    is_heavy = pl.col("weight") >= join_weight
    is_for_people = may_link | ((birth == "same") & (name == "other_character") & is_heavy)
    said = pairs.filter(is_for_people).with_columns(
        rule=_rule(),
        outcome=pl.when(may_link & is_heavy).then(pl.lit("link")).otherwise(pl.lit("to_look_at")),
    )
    has_number = own["number"].is_not_null()
    unclear = _is_ambiguous(own, said.filter(pl.col("outcome") == "link"))
    a, b = said["row_a"], said["row_b"]
    # Of an ambiguous record only the ties to records without a number stand.
    is_unclear = (unclear.gather(a) & has_number.gather(b)) | (
        unclear.gather(b) & has_number.gather(a)
    )
    return said.select(
        "row_a", "row_b", "weight", "probability", "rule",
        outcome=pl.when((pl.col("outcome") == "link") & is_unclear)
        .then(pl.lit("ambiguous"))
        .otherwise("outcome"),
    )  # fmt: skip


def _rule() -> pl.Expr:
    """`splink:` and the words of the comparisons that agreed, e.g. `name=same,phone=one_slip`."""
    words = [
        pl.when(~pl.col(c).is_in(_SAYS_NOTHING)).then(pl.lit(f"{c}=") + pl.col(c)) for c in REASONS
    ]
    return pl.lit("splink:") + pl.concat_str(words, separator=",", ignore_nulls=True)


def _is_ambiguous(own: pl.DataFrame, links: pl.DataFrame) -> pl.Series:
    """Per record: whether it has no number and its two nearest ones weigh about the same."""
    numbers = own.select("row", whose="number").drop_nulls()
    sides = [
        links.join(numbers, left_on=there, right_on="row").select("whose", "weight", row=here)
        for here, there in (("row_a", "row_b"), ("row_b", "row_a"))
    ]
    best = pl.concat(sides).group_by("row", "whose").agg(pl.col("weight").max())
    nearest = best.group_by("row").agg(top=pl.col("weight").top_k(2))
    close = nearest.filter(
        (pl.col("top").list.len() == 2)
        & (pl.col("top").list.max() - pl.col("top").list.min() < AMBIGUOUS_WITHIN)
    )
    return own["row"].is_in(close["row"].implode())


def joined(own: pl.DataFrame, links: pl.DataFrame) -> tuple[pl.Series, pl.DataFrame]:
    """Join records into persons, heaviest links first, at most one number each.

    Args:
        own: Records of `records.comparable`, in order of `row`.
        links: Pairs of `judged`.

    Returns:
        For every record the smallest row of its person, and `links` with their outcomes.
    """
    firsts = own.select(
        pl.when(pl.col("number").is_null())
        .then("row")
        .otherwise(pl.col("row").min().over("number"))
        .alias("first")
    ).to_series()
    parents: list[int] = firsts.to_list()
    numbers = own["number"].to_list()

    def root(row: int) -> int:
        while parents[row] != row:
            parents[row] = parents[parents[row]]
            row = parents[row]
        return row

    taken = links.filter(pl.col("outcome") == "link").sort(
        ["weight", "row_a", "row_b"], descending=[True, False, False]
    )
    outcomes: list[str] = []
    for row_a, row_b in taken.select("row_a", "row_b").iter_rows():
        a, b = root(row_a), root(row_b)
        if a == b:
            outcomes.append("agrees")
        elif numbers[a] is not None and numbers[b] is not None:
            outcomes.append("two_identity_numbers")
        else:
            kept, given_up = min(a, b), max(a, b)
            parents[given_up] = kept
            numbers[kept] = numbers[kept] or numbers[given_up]
            outcomes.append("joined")
    persons = pl.Series("person", [root(row) for row in range(len(parents))], dtype=pl.UInt32)
    told = taken.with_columns(outcome=pl.Series(outcomes, dtype=pl.String))
    rest = links.filter(pl.col("outcome") != "link")
    return persons, pl.concat([told, rest]).sort("row_a", "row_b")
