"""Applying a mapping to text rows: constants, codes, times and coordinates become the contract's.

Rows stay text here and are judged like any others. A code the mapping does not list breaks a rule
that names the code. Not here: finding columns by the supplier's names (the readers do).
"""

from __future__ import annotations

import polars as pl

from quality.coordinates import to_wgs84, wgs84_to_bd09, wgs84_to_gcj02
from quality.reading import read_instant, read_number
from schemas.contract import facts
from schemas.mappings import Mapping

BROKEN_BY_MAPPING = "_broken_by_mapping"
"""Column with the rules a row broke while it was mapped; `judge` takes it over."""

_LONGEST_VALUE = 40
_BACK = {"GCJ02": wgs84_to_gcj02, "BD09": wgs84_to_bd09}


def mapped(mapping: Mapping, texts: pl.DataFrame) -> pl.DataFrame:
    """Text rows as the feed's own supplier would have written them.

    Args:
        mapping: The supplier's mapping.
        texts: Rows under contract names, as the readers give them.

    Returns:
        The same rows with `_broken_by_mapping` (list of rules, mostly empty).
    """
    texts = texts.with_columns(
        [pl.lit(text).alias(column) for column, text in mapping.constants.items()]
    )
    texts, broken = _translated(mapping, texts)
    times = [
        _as_instants(mapping, texts[column])
        for column in texts.columns
        if facts_reader(mapping, column) == "instant"
    ]
    return _relocated(mapping, texts.with_columns([*times, broken]))


def facts_reader(mapping: Mapping, column: str) -> str | None:
    """How the contract reads a column; None for those that are not its own."""
    columns = mapping.feed.contract.columns()
    return facts(mapping.feed.contract, column).get("reader") if column in columns else None


def _translated(mapping: Mapping, texts: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Codes as ours; a value the mapping does not list leaves a rule that names it."""
    rules = []
    for column, pairs in mapping.values.items():
        theirs = pl.col(column).str.strip_chars()
        known = theirs.is_in(list(pairs))
        shown = theirs.str.slice(0, _LONGEST_VALUE).str.replace_all(r"[^\p{L}\p{N} ._/-]", "?")
        is_new = theirs.is_not_null() & (theirs != "") & ~known
        rules.append(pl.when(is_new).then(pl.concat_str(pl.lit(f"{column}_is_mapped: "), shown)))
        texts = texts.with_columns(
            pl.when(known).then(theirs.replace_strict(pairs, default=None)).otherwise(
                pl.when(~is_new).then(pl.col(column))
            ).alias(column),
            rules[-1].alias(f"_rule_{column}"),
        )  # fmt: skip
    named = [f"_rule_{column}" for column in mapping.values]
    broken = (
        texts.select(pl.concat_list(named).list.drop_nulls().alias(BROKEN_BY_MAPPING)).to_series()
        if named
        else pl.Series(BROKEN_BY_MAPPING, [[]] * texts.height, dtype=pl.List(pl.String))
    )
    return texts.drop(named), broken


def _as_instants(mapping: Mapping, texts: pl.Series) -> pl.Series:
    """Times in forms and zones of the supplier's own as city time; others as they are."""
    if not mapping.time_formats and mapping.time_zone is None:
        return texts
    column = pl.col(texts.name)
    frame = texts.to_frame()
    naive = [
        column.str.strip_chars().str.to_datetime(form, time_unit="us", strict=False)
        for form in mapping.time_formats
        if "%z" not in form
    ]
    zoned = [
        column.str.strip_chars().str.to_datetime(form, time_unit="us", strict=False)
        .dt.convert_time_zone("UTC")
        for form in mapping.time_formats
        if "%z" in form
    ]  # fmt: skip
    offset = mapping.time_zone or "+08:00"
    found = frame.select(
        pl.coalesce(
            *(one.dt.strftime(f"%Y-%m-%dT%H:%M:%S{offset}") for one in naive),
            *(one.dt.strftime("%Y-%m-%dT%H:%M:%S+00:00") for one in zoned),
            pl.lit(None, pl.String),
        )
    ).to_series()
    if mapping.time_zone is not None:
        found = found.zip_with(found.is_not_null(), _in_zone(mapping.time_zone, texts))
    return found.zip_with(found.is_not_null(), texts).alias(texts.name)


def _in_zone(offset: str, texts: pl.Series) -> pl.Series:
    """Times without a zone with the supplier's; null where there is a zone, or no time."""
    has_zone = texts.str.contains(r"(?:Z|[+-]\d{2}:?\d{2})\s*$") & texts.str.contains(":")
    instants = read_instant(texts)
    city = pl.Series(instants).dt.convert_time_zone("Asia/Shanghai")
    wall = city.dt.strftime(f"%Y-%m-%dT%H:%M:%S{offset}")
    return wall.zip_with(~has_zone.fill_null(value=True), pl.Series([None], dtype=pl.String))


def _relocated(mapping: Mapping, texts: pl.DataFrame) -> pl.DataFrame:
    """Points in the system the feed declares, for silver turns that into CGCS2000."""
    system, own = mapping.coordinate_system, mapping.feed.coordinate_system
    if system is None or system == own or not mapping.feed.has_points:
        return texts
    x, y = (read_number(texts[axis]) for axis in ("longitude", "latitude"))
    there = (x.is_not_null() & y.is_not_null()).to_numpy()
    nan = float("nan")
    moved = to_wgs84(x.fill_null(nan).to_numpy(), y.fill_null(nan).to_numpy(), system)
    moved = _BACK[own](*moved) if own in _BACK else moved
    return texts.with_columns(
        pl.when(pl.Series(there)).then(pl.Series(axis, values).cast(pl.String))
        .otherwise(pl.col(axis)).alias(axis)
        for axis, values in zip(("longitude", "latitude"), moved, strict=True)
    )  # fmt: skip
