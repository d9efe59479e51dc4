"""Plates as polars expressions: one spelling, classes, masks, and what cameras confuse.

Every function takes an expression of text and gives an expression; null in, null out. Numbers with
check digits (identity numbers, social credit codes) live in `schemas.check_numbers`, because
contracts judge by them; they are offered here too.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from schemas.check_numbers import (
    identity_number_canonical,
    identity_number_is_valid,
    social_credit_code_is_valid,
    unless_null,
)
from schemas.codes import table

__all__ = [
    "CONFUSED",
    "LONGEST_COMPARED",
    "confusion_canonical",
    "differs_in_one_character",
    "identity_number_canonical",
    "identity_number_is_valid",
    "plate_class",
    "plate_mask",
    "plate_normalised",
    "social_credit_code_is_valid",
]

_FULL_WIDTH: Final = {
    chr(ord(c) + 0xFEE0): c
    for c in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
}
_NO_PLATE: Final = ("", "无车牌", "无牌")

# `\d` of the regex engine takes digits of every script; plates carry ASCII ones only.
_PLATE_CLASSES: Final = tuple(
    (name, "^(?:" + regex.replace(r"\d", "[0-9]") + ")$")
    for name, regex in table("plate_regex").select("class", "regex").iter_rows()
)

CONFUSED: Final = {
    "D": "0", "Q": "0", "O": "0",
    "B": "8",
    "T": "1", "I": "1",
    "Z": "2",
    "S": "5",
}  # fmt: skip
"""Characters that cameras take for one another, each with the representative of its group."""

LONGEST_COMPARED: Final = 10
"""Longest text `differs_in_one_character` looks at; the longest plate has 8 characters."""


def plate_normalised(expr: pl.Expr) -> pl.Expr:
    """A plate 号牌 in one spelling: half-width capitals and digits, no dots, no blanks.

    Args:
        expr: Text as a camera or a clerk writes it.

    Returns:
        Text; null where the input is null or says that there is no plate (empty, 无车牌, 无牌).
        Unreadable text such as `-` stays, for a rule to name it.
    """
    plate = expr.str.replace_many(_FULL_WIDTH).str.to_uppercase().str.replace_all(r"[·•.\s]", "")
    return pl.when(~plate.is_in(_NO_PLATE)).then(plate)


def plate_class(expr: pl.Expr) -> pl.Expr:
    """The plate's class: first row of `codes/plate_regex.csv` that matches all of it.

    Args:
        expr: A plate in any spelling; it is normalised first.

    Returns:
        Text named `plate_class`, e.g. `civil7`, `nev_small8`; null where no class matches or
        there is no plate.
    """
    plate = pl.field("plate")
    first_match = pl.coalesce(
        pl.when(plate.str.contains(pattern)).then(pl.lit(name)) for name, pattern in _PLATE_CLASSES
    )
    return _once("plate_class", first_match, plate=plate_normalised(expr))


def plate_mask(expr: pl.Expr) -> pl.Expr:
    """A plate for the screen: first two and last two characters, `闽D***45`.

    Args:
        expr: A normalised plate.

    Returns:
        Text; null where the input is null; `***` for fewer than five characters, of which the
        mask would hide none.
    """
    masked = pl.concat_str(expr.str.head(2), pl.lit("***"), expr.str.tail(2))
    return (
        pl.when(expr.str.len_chars() >= 5).then(masked).when(expr.is_not_null()).then(pl.lit("***"))
    )


def confusion_canonical(expr: pl.Expr) -> pl.Expr:
    """A plate with every character after the first replaced by its `CONFUSED` representative.

    Two readings of one plate that differ only by commonly confused characters become equal. The
    result is a key for comparing, never a plate: it may match no class.

    Args:
        expr: A normalised plate.

    Returns:
        Text of the same length; null where the input is null.
    """
    return pl.concat_str(expr.str.head(1), expr.str.slice(1).str.replace_many(CONFUSED))


def differs_in_one_character(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    """Whether two texts have the same length and differ in exactly one place.

    Args:
        a: Text, say a normalised plate.
        b: Text to compare with it.

    Returns:
        Boolean named `differs_in_one_character`; false for texts of more than `LONGEST_COMPARED`
        characters, null where either side is null.
    """
    left, right = pl.field("left"), pl.field("right")
    length = left.str.len_chars()
    differences = pl.sum_horizontal(
        (left.str.slice(place, 1) != right.str.slice(place, 1)).cast(pl.UInt8)
        for place in range(LONGEST_COMPARED)
    )
    differs = (length == right.str.len_chars()) & (length <= LONGEST_COMPARED) & (differences == 1)
    answer = unless_null(differs, left, right)
    return _once("differs_in_one_character", answer, left=a, right=b)


def _once(name: str, answer: pl.Expr, **inputs: pl.Expr) -> pl.Expr:
    """The answer over `pl.field(...)` of inputs that are computed once.

    Eager frames compute an expression again at each place it is used: comparing two normalised
    plates took ten times as long without this.
    """
    bound = pl.struct([expr.alias(field) for field, expr in inputs.items()])
    return bound.struct.with_fields(answer.alias(name)).struct.field(name)
