"""Drafting a mapping from a sample: which of a supplier's columns is which of ours.

By name first (as contracts write it, in Chinese or English, then nearly so), then by content: a
column whose values nearly all read and keep the rules of a column that is particular about them.
A draft is a proposal for a person to read; what could not be placed is listed, never guessed.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import dataclass, field

import dataframely as dy
import polars as pl

from quality.reading import READERS
from schemas.contract import facts, required_columns, wire_columns
from schemas.feeds import Feed

_NEAR = 0.82
_ENOUGH = 0.95
_FEWEST_VALUES = 3
_TIME_FORMATS = ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M",
                 "%m/%d/%Y %I:%M:%S %p", "%Y年%m月%d日 %H:%M:%S", "%Y年%m月%d日 %H:%M",
                 "%Y年%m月%d日%H时%M分%S秒", "%Y.%m.%d %H:%M:%S", "%Y%m%d %H:%M:%S",
                 "%Y%m%d%H%M", "%d.%m.%Y %H:%M:%S")  # fmt: skip


@dataclass
class Draft:
    """A proposal.

    Attributes:
        columns: Contract column → the supplier's column, and why it is thought so.
        unplaced: The supplier's columns nobody wants, as far as can be told.
        missing: Required contract columns without a source.
        open: Contract columns without a source that are not required.
        codes: Contract column → values of the sample that are none of its codes.
        time_formats: Forms of times the platform does not read by itself.
    """

    columns: dict[str, tuple[str, str]] = field(default_factory=dict)
    unplaced: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    codes: dict[str, list[str]] = field(default_factory=dict)
    time_formats: list[str] = field(default_factory=list)


def draft(feed: Feed, sample: pl.DataFrame) -> Draft:
    """Propose a mapping.

    Args:
        feed: The feed the rows are thought to belong to.
        sample: Some rows as text, under the supplier's column names.
    """
    found = Draft()
    wanted = wire_columns(feed.contract)
    left = [name for name in sample.columns if name.strip()]
    for place in (_by_exact_name, _by_near_name):
        for column, source, why in place(feed, [c for c in wanted if c not in found.columns], left):
            if column not in found.columns and source in left:
                found.columns[column] = (source, why)
                left.remove(source)
    _by_content(feed, sample, found, left)
    found.unplaced = left
    required = required_columns(feed.contract)
    without = [c for c in wanted if c not in found.columns]
    found.missing = [c for c in without if c in required]
    found.open = [c for c in without if c not in required]
    _note_values(feed, sample, found)
    return found


def plain_name(name: str) -> str:
    """A name without width, case, blanks, and joining marks.

    >>> plain_name("Ｃommunity_ Code"), plain_name("社区（编码）")
    ('communitycode', '社区编码')
    """
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", name)).lower()


def _names_of(feed: Feed, column: str) -> set[str]:
    wires = wire_columns(feed.contract)[column]
    return {plain_name(one) for one in (column, facts(feed.contract, column)["zh"], *wires)}


def _by_exact_name(
    feed: Feed, columns: list[str], sources: list[str]
) -> list[tuple[str, str, str]]:
    return [
        (column, source, "by name")
        for column in columns
        for source in sources
        if plain_name(source) in _names_of(feed, column)
    ]


def _by_near_name(feed: Feed, columns: list[str], sources: list[str]) -> list[tuple[str, str, str]]:
    """Names nearly alike, the nearest first."""
    scored = []
    for column in columns:
        for source in sources:
            plain = plain_name(source)
            near = max(
                difflib.SequenceMatcher(None, plain, own).ratio() for own in _names_of(feed, column)
            )
            if near >= _NEAR:
                scored.append((-near, column, source))
    return [(column, source, "by a similar name") for _, column, source in sorted(scored)]


def _by_content(feed: Feed, sample: pl.DataFrame, found: Draft, left: list[str]) -> None:
    """Columns particular about their values: patterns and codes; only where one source fits."""
    for column in wire_columns(feed.contract):
        if column in found.columns or not _is_particular(feed, column):
            continue
        fits = [source for source in left if _fit(feed, column, sample[source]) >= _ENOUGH]
        if len(fits) == 1:
            found.columns[column] = (fits[0], "by content")
            left.remove(fits[0])


def _is_particular(feed: Feed, column: str) -> bool:
    about = feed.contract.columns()[column]
    return bool(getattr(about, "regex", None) or about.check) or isinstance(
        about, dy.Datetime | dy.Date
    )


def _fit(feed: Feed, column: str, texts: pl.Series) -> float:
    """Share of the values that read and keep the column's own rules."""
    texts = texts.drop_nulls()
    texts = texts.filter(texts.str.strip_chars() != "")
    if len(texts) < _FEWEST_VALUES:
        return 0.0
    value = READERS[facts(feed.contract, column)["reader"]](texts)
    rules = feed.contract.columns()[column].validation_rules(pl.col("value"))
    keeps = pl.DataFrame({"value": value}).select(
        pl.all_horizontal(pl.col("value").is_not_null(), *rules.values())
    )
    return int(keeps.to_series().fill_null(value=False).sum()) / len(texts)


def _note_values(feed: Feed, sample: pl.DataFrame, found: Draft) -> None:
    """Codes that are none of ours, and times in forms of the supplier's own."""
    for column, (source, _) in found.columns.items():
        reader = facts(feed.contract, column)["reader"]
        texts = sample[source].drop_nulls().str.strip_chars()
        texts = texts.filter(texts != "")
        if reader == "instant" and len(texts) and READERS["instant"](texts).null_count():
            found.time_formats += _formats_of(texts, found.time_formats)
        if codes := known_codes(feed, column):
            odd = texts.filter(~texts.is_in(list(codes))).unique().sort()
            if len(odd):
                found.codes[column] = odd.head(50).to_list()


def known_codes(feed: Feed, column: str) -> tuple[str, ...]:
    """Codes a column is closed over; none where it is open."""
    return facts(feed.contract, column).get("codes") or ()


def _formats_of(texts: pl.Series, before: list[str]) -> list[str]:
    fitting = [
        form
        for form in _TIME_FORMATS
        if texts.str.to_datetime(form, strict=False).null_count() <= len(texts) * (1 - _ENOUGH)
    ]
    return [form for form in fitting[:1] if form not in before]
