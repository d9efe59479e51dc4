"""Names as they sound and as they look: pinyin, dialect, and characters taken for one another.

Readings are taken character by character (Latin words stay whole), so that a name and its homophone
always get the same ones; family names with a reading of their own stand in
`codes/surname_readings.csv`. Not here: how much a difference weighs (that is `model.py`).
"""

from __future__ import annotations

import polars as pl
from pypinyin import lazy_pinyin

from schemas.codes import table

_DIALECT = ((r"^zh", "z"), (r"^ch", "c"), (r"^sh", "s"), (r"^n", "l"), (r"ng$", "n"))
"""Sounds that speakers of southern dialects do not tell apart; finals lose their g."""
_SEPARATORS = r"[\s·•‧∙・.．\-－'’]+"
_LONGEST = 6  # longer names are told apart by their sound
_WORDS = r"[A-Z0-9]+|[^A-Z0-9 ]"


def comparable_names(names: pl.Series) -> pl.DataFrame:
    """Forms of names that can be compared.

    Args:
        names: Names as sources write them; nulls and blanks allowed.

    Returns:
        In the order of `names`, null where there is no name: `name` (capitals, no dots, blanks
        between Latin words only), `latin` (the same, of Latin names only), `sound` (syllables
        without tones), `near` (the same as southern dialects hear it), `family` (its first
        syllable), `look` (characters easily taken for one another made one), `letters` (characters
        in order of their code), `shorter` (names of three characters and more with each one left
        out in turn).
    """
    spaced = names.str.to_uppercase().str.replace_all(_SEPARATORS, " ").str.strip_chars()
    is_latin = spaced.str.contains("[A-Z]")
    tidy = pl.select(
        name=pl.when(is_latin).then(spaced).otherwise(spaced.str.replace_all(" ", ""))
    ).to_series()
    tidy = tidy.replace("", None)
    unique = pl.DataFrame(tidy.drop_nulls().unique().sort())
    characters = (
        unique.with_columns(c=pl.col("name").str.extract_all(_WORDS))
        .explode("c")
        .with_columns(place=pl.int_range(pl.len()).over("name"))
    )
    forms = _forms_of_characters(characters["c"].unique().sort())
    own = _surname_readings()
    spoken = (
        characters.join(forms, on="c", how="left")
        .join(own, on="c", how="left")
        .with_columns(
            sound=pl.when(pl.col("place") == 0).then(pl.coalesce("own", "sound")).otherwise("sound")
        )
        .with_columns(near=_near(pl.col("sound")))
        .sort("name", "place")
        .group_by("name", maintain_order=True)
        .agg(
            pl.col("sound").str.join(" "),
            pl.col("near").str.join(" "),
            pl.col("look").str.join(""),
            family=pl.col("near").first(),
            letters=pl.col("c").sort().str.join(""),
        )
        .with_columns(
            shorter=_shorter(pl.col("name")),
            latin=pl.when(pl.col("name").str.contains("[A-Z]")).then("name"),
        )
    )
    return pl.DataFrame(tidy).join(spoken, on="name", how="left", maintain_order="left")


def _shorter(name: pl.Expr) -> pl.Expr:
    """Two names with a text of these in common are one character apart.

    DuckDB's edit distances count bytes, of which a Chinese character has three or four.
    """
    length = name.str.len_chars()
    left_out = [
        pl.when(length > place).then(
            pl.concat_str(name.str.slice(0, place), name.str.slice(place + 1))
        )
        for place in range(_LONGEST)
    ]
    return pl.when(length.is_between(3, _LONGEST)).then(pl.concat_list(left_out).list.drop_nulls())


def _forms_of_characters(characters: pl.Series) -> pl.DataFrame:
    looks = table("similar_characters").select(c="character", look="stands_for")
    return (
        pl.DataFrame({"c": characters})
        .with_columns(
            sound=pl.Series([lazy_pinyin(c)[0].lower() for c in characters], dtype=pl.String)
        )
        .join(looks, on="c", how="left")
        .with_columns(look=pl.coalesce("look", "c"))
    )


def _surname_readings() -> pl.DataFrame:
    return table("surname_readings").select(c="character", own="reading")


def _near(sound: pl.Expr) -> pl.Expr:
    for pattern, into in _DIALECT:
        sound = sound.str.replace(pattern, into)
    return sound
