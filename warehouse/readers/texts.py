"""Small things every reader needs to pass foreign text on safely.

A value that is present but no plain value (a nested object, half a surrogate pair, a failed
formula) becomes `UNREADABLE`: the judge then reports `…_is_readable`; its content goes no further.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

UNREADABLE = "\ufffd"

MOST_NAMES = 1000
"""Unknown field names reported per chunk; a file can be made of nothing but new names."""

_HALF_PAIRS = re.compile("[\ud800-\udfff]")


def plain(text: str) -> str:
    r"""Text that can be written as UTF-8.

    >>> plain("a\ud800")
    'a\ufffd'
    """
    return text if text.isascii() else _HALF_PAIRS.sub(UNREADABLE, text)


def scalar(value: Any) -> str | None:
    """A JSON value as the text of a column; lists and objects are no values of a column.

    >>> scalar(True), scalar(1.5), scalar({"Data": "…"}) == UNREADABLE
    ('true', '1.5', True)
    """
    if value is None:
        return None
    if isinstance(value, str):
        return plain(value)
    return json.dumps(value) if isinstance(value, bool | int | float) else UNREADABLE


def field_name(name: str) -> str:
    """A field name fit for a report: short, no digits; as a key, a message can carry anything."""
    kept = "".join(c for c in name[:40] if c.isidentifier() or c in "-. ")
    return kept or "(unprintable)"


def header_name(name: str) -> str:
    """A column heading fit for a report: short and printable."""
    return "".join(c for c in name[:40] if c.isprintable()) or "(unprintable)"


def count_name(names: Counter[str], name: str, times: int = 1) -> None:
    """Count an unknown name, the first `MOST_NAMES` of them one by one."""
    if name not in names and len(names) >= MOST_NAMES:
        name = "(further names)"
    names[name] += times
