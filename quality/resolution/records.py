"""Person records made comparable: numbers judged, names spelled and sounded, keys to look under.

Everything here is read inside the restricted zone and depends on content only. Rows are numbered
in the order of (source, record_id), so no later step can see in which order they arrived.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from quality.identifiers import identity_number_canonical, identity_number_is_valid
from quality.resolution.names import comparable_names

KEY: Final = ("source", "record_id")
OPTIONAL: Final = {
    "name": pl.String, "id_number": pl.String, "birth_date": pl.Date, "sex": pl.String,
    "phone": pl.String, "population_category": pl.String, "community_code": pl.String,
    "building": pl.String, "place": pl.String, "unit": pl.String, "room": pl.String,
    "address": pl.String, "version_at": pl.Datetime("us", "UTC"),
}  # fmt: skip
"""Columns a source may lack; they count as unknown. A place is a building in words, looked at only
where it has no code."""

LARGEST_BLOCK: Final = 100
"""More records than this under one key say nothing about persons: a collective door, 1 January."""

BLOCKS: Final = {
    "same_phone": ("phone",),
    "same_birth_and_family_sound": ("born", "family"),
    "same_birth_in_latin_letters": ("born", "is_latin"),
    "same_dwelling": ("dwelling",),
    "same_sound_in_one_building": ("sound", "building"),
    "same_sound_and_birth_year": ("sound", "birth_year"),
    "same_end_of_number": ("number_end", "birth_year"),
}
"""Keys under which candidates are looked for: two records are compared where one of them agrees."""


_ONE_DIGIT: Final = "^(?:" + "|".join(f"{digit}+" for digit in range(10)) + ")X?$"
"""The same digit throughout: what people type when a field must not be empty."""


class UnfitRecords(ValueError):
    """Records that cannot be resolved; the message names columns, never values."""


def comparable(records: pl.DataFrame) -> pl.DataFrame:
    """Records with everything the comparisons need.

    Args:
        records: `source`, `record_id` (together unique, no nulls) and any of `OPTIONAL`.

    Returns:
        One row per record, ordered by key: `row` (position), the key, `OPTIONAL` as said, and
        `number` (valid identity number, 18 characters), `damaged` (text that looks like one and is
        not valid), `name` to `family` of `names.comparable_names`, `born` (yyyymmdd), `swapped`
        (yyyyddmm), `birth_year`, `sex_known`, `phone_digits`, `building_key`, `dwelling`, and
        `key_…` per block, null where nobody is to be looked for under it.

    Raises:
        UnfitRecords: a key column is missing, null or not unique.
    """
    own = _complete(records).sort(KEY).with_row_index("row")
    if own.select(pl.any_horizontal(pl.col(KEY).is_null().any())).item():
        raise UnfitRecords("source or record_id is null")
    if own.select(pl.struct(KEY).is_duplicated().any()).item():
        raise UnfitRecords("several records have one source and record_id")
    own = own.with_columns(pl.col("name").alias("name_as_said"))
    own = pl.concat([own.drop("name"), comparable_names(own["name"])], how="horizontal")
    own = own.with_columns(
        number=_number(pl.col("id_number"), pl.col("birth_date")),
        phone_digits=_phone(pl.col("phone")),
        building_key=pl.coalesce(
            _joined("community_code", "building"), _joined("community_code", "place")
        ),
        sex_known=pl.when(pl.col("sex").is_in(["1", "2"])).then("sex"),
    ).with_columns(
        damaged=_damaged(pl.col("id_number"), pl.col("number")),
        born_at=pl.coalesce("birth_date", pl.col("number").str.slice(6, 8).str.to_date("%Y%m%d")),
    )  # fmt: skip
    own = own.with_columns(
        born=pl.col("born_at").dt.strftime("%Y%m%d"),
        swapped=pl.col("born_at").dt.strftime("%Y%d%m"),
        birth_year=pl.col("born_at").dt.year(),
        sex_known=pl.coalesce("sex_known", _sex_of(pl.col("number"))),
        dwelling=pl.coalesce(
            pl.concat_str("building_key", pl.lit("|"), "room"), pl.col("address").str.strip_chars()
        ),
    ).drop("born_at")
    return _with_blocks(own)


def _complete(records: pl.DataFrame) -> pl.DataFrame:
    missing = [c for c in KEY if c not in records.columns]
    if missing:
        raise UnfitRecords(f"columns are missing: {', '.join(missing)}")
    # Judged by hand, because the engine's own errors quote the values they stumble over.
    wrong = [
        f"{c} is {records.schema[c]}"
        for c, wanted in (dict.fromkeys(KEY, pl.String) | OPTIONAL).items()
        if c in records.columns and records.schema[c] not in (wanted, pl.Null)
    ]
    if wrong:
        raise UnfitRecords(f"columns of another type than wanted: {', '.join(wrong)}")
    given = [
        (pl.col(c) if c in records.columns else pl.lit(None)).cast(t).alias(c)
        for c, t in OPTIONAL.items()
    ]
    blank = [c for c, t in OPTIONAL.items() if t == pl.String]
    return records.select(*KEY, *given).with_columns(
        pl.col(blank).str.strip_chars().replace("", None)
    )


def _number(text: pl.Expr, born: pl.Expr) -> pl.Expr:
    """The valid identity number, 18 characters; null where there is none.

    The old form has no check character, so its date must not contradict the birth date given.
    """
    canonical = identity_number_canonical(text)
    contradicts = (
        (text.str.len_chars() == 15)
        & (canonical.str.slice(6, 8) != born.dt.strftime("%Y%m%d"))
    ).fill_null(False)  # fmt: skip
    return pl.when(identity_number_is_valid(text) & ~contradicts).then(canonical)


def _damaged(text: pl.Expr, number: pl.Expr) -> pl.Expr:
    """A number with a slip in it: 18 characters, or one lost or doubled; fillers are no numbers."""
    tidy = text.str.to_uppercase()
    looks_like_one = tidy.str.contains(r"^[0-9]{16,18}[0-9X]$") & ~tidy.str.contains(_ONE_DIGIT)
    return pl.when(number.is_null() & looks_like_one).then(tidy)


def _phone(text: pl.Expr) -> pl.Expr:
    """Digits of a telephone without the country code; null where they are a filler."""
    digits = text.str.replace_all("[^0-9]", "").str.replace("^(0086|86)(1[0-9]{10})$", "${2}")
    is_filler = digits.str.contains(_ONE_DIGIT)
    return pl.when((digits.str.len_chars() >= 7) & ~is_filler).then(digits)


def _sex_of(number: pl.Expr) -> pl.Expr:
    """GB 11643: the 17th digit is odd for men."""
    is_male = number.str.slice(16, 1).cast(pl.Int64) % 2 == 1
    return (
        pl.when(number.is_null()).then(None).when(is_male).then(pl.lit("1")).otherwise(pl.lit("2"))
    )


def _joined(area: str, name: str) -> pl.Expr:
    """A building's own name is unique in its community only; without one it stands alone."""
    return pl.concat_str(pl.col(area).fill_null(""), pl.lit("|"), name)


def _with_blocks(own: pl.DataFrame) -> pl.DataFrame:
    """One key per block; keys that too many share look for nobody."""
    columns = {
        "phone": "phone_digits", "born": "born", "family": "family", "dwelling": "dwelling",
        "sound": "sound", "building": "building_key", "birth_year": "birth_year",
        "number_end": "number_end", "is_latin": "is_latin",
    }  # fmt: skip
    own = own.with_columns(
        number_end=pl.coalesce("number", "damaged").str.tail(6),
        is_latin=pl.when(pl.col("latin").is_not_null()).then(pl.lit("latin")),
    )
    keys = [
        pl.concat_str([pl.col(columns[part]) for part in parts], separator="|").alias(f"key_{name}")
        for name, parts in BLOCKS.items()
    ]
    own = own.with_columns(keys)
    return own.with_columns(
        pl.when(pl.len().over(f"key_{name}") <= LARGEST_BLOCK)
        .then(pl.col(f"key_{name}"))
        .alias(f"key_{name}")
        for name in BLOCKS
    )
