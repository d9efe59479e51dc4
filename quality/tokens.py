"""Tokens in place of identities: HMAC-SHA256 under one key per topic.

Topics cannot be joined on persons, because each has its own key. A vehicle's token also takes in
the device and the day, so it says "the same vehicle again, here, today" and nothing else.
"""

from __future__ import annotations

import hashlib
import hmac

import polars as pl

TOKEN_LENGTH = 24


def tokens(key: bytes, texts: pl.Series) -> pl.Series:
    """A token per text; null stays null. Equal texts get equal tokens under one key.

    >>> tokens(b"k" * 32, pl.Series(["a", None])).null_count()
    1
    """
    unique = texts.drop_nulls().unique()
    made = [hmac.digest(key, text.encode(), hashlib.sha256).hex()[:TOKEN_LENGTH] for text in unique]
    if not made:
        return pl.Series(texts.name, [None], dtype=pl.String).new_from_index(0, len(texts))
    return texts.replace_strict(unique, pl.Series(made), default=None, return_dtype=pl.String)
