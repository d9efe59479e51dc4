"""Valid unified social credit codes (GB 32100) of organisations that do not exist."""

from __future__ import annotations

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def credit_code(number: int, category: str = "92") -> str:
    """A code with its check character; region 350299 does not exist.

    Args:
        number: Makes the code distinct, below 31 ** 7.
        category: Registrar and kind; 92 is a private business 个体工商户, 91 a company.
    """
    serial = ""
    for _ in range(7):
        serial = _ALPHABET[number % 31] + serial
        number //= 31
    body = f"{category}350299MA{serial}"
    total = sum(_ALPHABET.index(letter) * 3**place for place, letter in enumerate(body))
    return body + _ALPHABET[-total % 31]
