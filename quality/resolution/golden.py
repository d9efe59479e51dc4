"""One datum, one source 一数一源: which source decides each attribute of a person.

`codes/source_priority.csv` gives the order per column. Within one source the newest record decides,
then content. What the others said is kept, so that a correction can be asked of whoever said it.
An address is one datum: its parts never come from two records.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from schemas.codes import table

ADDRESS: Final = ("community_code", "building", "unit", "room", "address")
_SAID: Final = {
    "identity_number": pl.coalesce("number", "damaged"),
    "name": pl.col("name_as_said"),
    "birth_date": pl.col("birth_date").dt.to_string("%Y-%m-%d"),
    "sex": pl.when(pl.col("sex").is_in(["1", "2"])).then("sex"),
    "phone": pl.col("phone_digits"),
    "population_category": pl.col("population_category"),
    "address": pl.when(pl.any_horizontal(pl.col(c).is_not_null() for c in ADDRESS)).then(
        pl.concat_str([pl.col(c).fill_null("") for c in ADDRESS], separator="|")
    ),
}
_COMPARED: Final = {"name": pl.col("name")}
"""Said differently is not said otherwise: names are compared without blanks and dots."""
_UNSURE: Final = {
    "identity_number": pl.col("number").is_null(),
    "address": pl.col("community_code").is_null(),
}
"""What decides nothing, whoever said it, while another says more: a number that is not valid, an
address without a community."""
_LAST: Final = 1_000
"""Rank of a source the table does not name."""


def rank_of_source(column: str, source: pl.Expr) -> pl.Expr:
    """How far down a source stands in the order for a column; unknown sources stand last.

    Args:
        column: A column of the table of priorities.
        source: Names of sources.
    """
    own = table("source_priority").filter(pl.col("column") == column)
    ranks = dict(zip(own["source"], own["rank"].cast(pl.Int64), strict=True))
    return source.replace_strict(ranks, default=_LAST, return_dtype=pl.Int64)


def chosen(own: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Golden records and the statements that lost.

    Args:
        own: Records of `records.comparable` with `person_key`.

    Returns:
        One row per person (`person_key`, attributes as text, parts of the address, and
        `<attribute>_source`), ordered by key; and conflicts as `resolve.Resolved` describes them.
    """
    golden = own.select("person_key").unique().sort("person_key")
    conflicts = []
    for column in _SAID:
        ranked = _ranked(own, column)
        first = ranked.unique("person_key", keep="first", maintain_order=True)
        decided = first.select(
            "person_key",
            pl.col("value").alias(column),
            pl.col("source").alias(f"{column}_source"),
            chosen_record_id="record_id",
        )
        if column == "identity_number":  # what is no valid number is nobody's number
            is_number = decided["person_key"] == decided[column]
            golden = golden.join(
                decided.filter(is_number).drop("chosen_record_id"), "person_key", how="left"
            )
        else:
            golden = golden.join(decided.drop("chosen_record_id"), "person_key", how="left")
        conflicts.append(_lost(column, ranked, first))
    return _with_parts(golden), pl.concat(conflicts).sort(
        "person_key", "column", "losing_source", "losing_record_id"
    )


def _ranked(own: pl.DataFrame, column: str) -> pl.DataFrame:
    """Statements about a column, the one that decides first."""
    said = own.select(
        "person_key", "source", "record_id", "version_at",
        value=_SAID[column],
        compared=_COMPARED.get(column, _SAID[column]),
        is_unsure=_UNSURE.get(column, pl.lit(False)),
    ).filter(pl.col("value").is_not_null())  # fmt: skip
    read_off = _read_off_the_number(own, column)
    if read_off is not None:
        said = pl.concat([said, read_off.select(said.columns)])
    return said.with_columns(rank=rank_of_source(column, pl.col("source"))).sort(
        ["person_key", "is_unsure", "rank", "version_at", "source", "value", "record_id"],
        descending=[False, False, False, True, False, False, False],
        nulls_last=True,
    )


def _read_off_the_number(own: pl.DataFrame, column: str) -> pl.DataFrame | None:
    """Birth date and sex as the identity number itself states them (GB 11643)."""
    number = pl.col("person_key")
    values = {
        "birth_date": pl.concat_str(
            [number.str.slice(6, 4), number.str.slice(10, 2), number.str.slice(12, 2)],
            separator="-",
        ),
        "sex": pl.when(number.str.slice(16, 1).cast(pl.Int64, strict=False) % 2 == 1)
        .then(pl.lit("1"))
        .otherwise(pl.lit("2")),
    }
    if column not in values:
        return None
    persons = own.filter(pl.col("number").is_not_null()).select("person_key").unique()
    return persons.with_columns(
        source=pl.lit("identity_number"),
        record_id=pl.lit(None, pl.String),
        version_at=pl.lit(None, own.schema["version_at"]),
        value=values[column],
        compared=values[column],
        is_unsure=pl.lit(False),
    )


def _lost(column: str, ranked: pl.DataFrame, first: pl.DataFrame) -> pl.DataFrame:
    best = first.select(
        "person_key", chosen_source="source", chosen_record_id="record_id", best="compared"
    )
    return (
        ranked.join(best, on="person_key")
        .filter(_contradicts(column))
        .select(
            "person_key",
            "chosen_source",
            "chosen_record_id",
            column=pl.lit(column),
            losing_source="source",
            losing_record_id="record_id",
            losing_value="value",
            losing_version_at="version_at",
        )
    )


def _contradicts(column: str) -> pl.Expr:
    """Whether a statement says otherwise; an address that only knows less does not."""
    if column != "address":
        return pl.col("compared") != pl.col("best")
    said, best = (_parts(pl.col(c)) for c in ("compared", "best"))
    return pl.any_horizontal(
        (said.struct.field(part) != best.struct.field(part))
        & (said.struct.field(part) != "")
        & (best.struct.field(part) != "")
        for part in ADDRESS
    )


def _parts(address: pl.Expr) -> pl.Expr:
    return address.str.splitn("|", len(ADDRESS)).struct.rename_fields(list(ADDRESS))


def _with_parts(golden: pl.DataFrame) -> pl.DataFrame:
    """The address in its parts again; a part nobody gave is null."""
    split = golden.select(_parts(pl.col("address")).alias("parts")).unnest("parts")
    return pl.concat(
        [golden.drop("address"), split.with_columns(pl.all().replace("", None))], how="horizontal"
    )
