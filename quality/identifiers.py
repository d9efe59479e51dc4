"""Identity numbers, social credit codes and plates as polars expressions.

Every function takes an expression of text and gives an expression; null in, null out. What does not
belong here: masking or tokens of persons, the vehicle's owner, and which column holds which number.
`schemas.population` states its own identity rule, since schemas may not import this room.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from schemas.codes import table

_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS: Final = dict(enumerate("10X98765432"))
_CREDIT_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS: Final = tuple(pow(3, place, 31) for place in range(17))

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


def identity_number_canonical(expr: pl.Expr) -> pl.Expr:
    """The 18-character form of an identity number 公民身份号码, GB 11643-1999.

    Text is stripped and upper-cased; 15 digits gain the century 19 and a computed check character.
    Anything else passes through: whether it is a number is `identity_number_is_valid`'s question.

    Args:
        expr: Text as a feed delivers it.

    Returns:
        Text; null where the input is null.
    """
    number = _tidied(expr)
    body = pl.concat_str(number.str.head(6), pl.lit("19"), number.str.slice(6))
    return (
        pl.when(_is_old_form(number))
        .then(pl.concat_str(body, _identity_check(body)))
        .otherwise(number)
    )


def identity_number_is_valid(expr: pl.Expr) -> pl.Expr:
    """Whether text is an identity number: GB 11643-1999 check character and a real birth date.

    Dates are judged by the calendar alone (a birth in 1880 is real, 30 February is not), so the
    answer does not change with the day of the run. 15-digit numbers carry no check character: for
    them only the date counts.

    Args:
        expr: Text as a feed delivers it; blanks around it and lower case do no harm.

    Returns:
        Boolean; null where the input is null.
    """
    number = _tidied(expr)
    # Not by way of the canonical form: nested check characters made this 25 times slower.
    is_checked = number.str.contains(r"^[0-9]{17}[0-9X]$") & (
        number.str.slice(17) == _identity_check(number)
    )
    is_old = _is_old_form(number)
    day = (
        pl.when(is_old)
        .then(pl.lit("19") + number.str.slice(6, 6))
        .otherwise(number.str.slice(6, 8))
    )
    born = day.str.to_date("%Y%m%d", strict=False)
    is_born = (born.dt.year() >= 1).fill_null(False)  # the parser takes year 0000 for a year
    return _unless_null((is_checked | is_old) & is_born, expr)


def social_credit_code_is_valid(expr: pl.Expr) -> pl.Expr:
    """Whether text is a unified social credit code 统一社会信用代码, GB 32100-2015 (mod 31).

    Upper-case only, without blanks, as the standard writes it. The check digit of the organisation
    code inside (places 9 to 17, GB 11714) is not judged.

    Args:
        expr: Text of 18 characters.

    Returns:
        Boolean; null where the input is null.
    """
    values = {character: value for value, character in enumerate(_CREDIT_ALPHABET)}
    check = (31 - _weighted_sum(expr, values, _CREDIT_WEIGHTS) % 31) % 31
    given = expr.str.slice(17).replace_strict(values, default=None, return_dtype=pl.Int32)
    is_valid = expr.str.contains(
        f"^[{_CREDIT_ALPHABET}]{{2}}[0-9]{{6}}[{_CREDIT_ALPHABET}]{{10}}$"
    ) & (given == check).fill_null(False)
    return _unless_null(is_valid, expr)


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
    answer = _unless_null(differs, left, right)
    return _once("differs_in_one_character", answer, left=a, right=b)


def _once(name: str, answer: pl.Expr, **inputs: pl.Expr) -> pl.Expr:
    """The answer over `pl.field(...)` of inputs that are computed once.

    Eager frames compute an expression again at each place it is used: comparing two normalised
    plates took ten times as long without this.
    """
    bound = pl.struct([expr.alias(field) for field, expr in inputs.items()])
    return bound.struct.with_fields(answer.alias(name)).struct.field(name)


def _tidied(expr: pl.Expr) -> pl.Expr:
    return expr.str.strip_chars().str.to_uppercase()


def _is_old_form(number: pl.Expr) -> pl.Expr:
    return number.str.contains("^[0-9]{15}$")


def _identity_check(number: pl.Expr) -> pl.Expr:
    values = {str(digit): digit for digit in range(10)}
    remainder = _weighted_sum(number, values, _ID_WEIGHTS) % 11
    return remainder.replace_strict(_ID_CHECKS, return_dtype=pl.String)


def _weighted_sum(text: pl.Expr, values: dict[str, int], weights: tuple[int, ...]) -> pl.Expr:
    """Sum of values times weights from the first character on; unknown characters count 0."""
    return pl.sum_horizontal(
        text.str.slice(place, 1).replace_strict(values, default=0, return_dtype=pl.Int32) * weight
        for place, weight in enumerate(weights)
    )


def _unless_null(answer: pl.Expr, *inputs: pl.Expr) -> pl.Expr:
    return pl.when(pl.all_horizontal(x.is_not_null() for x in inputs)).then(answer)
