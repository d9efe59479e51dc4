"""From text to values, column by column. Text that is present but unreadable is a broken rule.

Every reader takes a text Series and returns one of the declared type, null where it could not
read; the judge compares nulls before and after. Nothing here ever raises on content.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import shapely

from schemas.city_time import INSTANT, from_wall_clock

_NAIVE = pl.Datetime("us")
_FIRST_YEAR, _LAST_YEAR = 1900, 2100


def read_text(series: pl.Series) -> pl.Series:
    """Text without surrounding blanks, null if blank. NUL or undecodable bytes are unreadable."""
    t = pl.col("t")
    frame = pl.DataFrame({"t": series.str.strip_chars()})
    odd = [t.str.len_bytes() == 0, *(t.str.contains(c, literal=True) for c in "\x00\ufffd")]
    broken = frame.select(pl.any_horizontal(odd)).to_series()
    text = frame["t"]
    return text.set(broken.fill_null(False), None) if broken.any() else text


def read_integer(series: pl.Series) -> pl.Series:
    """A whole number; `12.0` is one, `12.5` is not, nor is a decimal form from 2^53 on."""
    text = series.str.strip_chars()
    whole = text.cast(pl.Int64, strict=False)
    left = whole.is_null() & text.is_not_null()
    if left.any():
        real = read_number(text)
        fits = (real == real.floor()) & (real.abs() < 2.0**53)
        whole = whole.zip_with(~(left & fits.fill_null(False)), real.cast(pl.Int64, strict=False))
    return whole


def read_number(series: pl.Series) -> pl.Series:
    """A finite number."""
    real = series.str.strip_chars().cast(pl.Float64, strict=False)
    return real.zip_with(real.is_finite().fill_null(True), pl.Series([None], dtype=pl.Float64))


_FLAGS = {
    **dict.fromkeys(("true", "1", "是", "y", "yes", "有"), True),
    **dict.fromkeys(("false", "0", "否", "n", "no", "无"), False),
}


def read_flag(series: pl.Series) -> pl.Series:
    """Yes or no in any of its spellings."""
    text = series.str.strip_chars().str.to_lowercase()
    return text.replace_strict(_FLAGS, default=None, return_dtype=pl.Boolean)


# Tried in this order on what is still unread; the first reads nearly everything in practice.
_WALL_FORMS = (
    (r"^\d{14}$", "%Y%m%d%H%M%S"),
    (r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$", "%Y-%m-%d %H:%M:%S"),
    (r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$", "%Y-%m-%dT%H:%M:%S"),
    (r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}\.\d{1,9}$", "%Y-%m-%d %H:%M:%S%.f"),
    (r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}$", "%Y-%m-%d %H:%M"),
    (r"^\d{4}/\d{1,2}/\d{1,2} \d{1,2}:\d{2}:\d{2}$", "%Y/%m/%d %H:%M:%S"),
    (r"^\d{4}/\d{1,2}/\d{1,2} \d{1,2}:\d{2}$", "%Y/%m/%d %H:%M"),
)
_ZONED = r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:?\d{2})$"


# How nearly every message is written, told apart by length alone: compact, and with the city's own
# offset. Where these do not read a text, the forms above are tried on just those texts.
_COMPACT, _CITY_OFFSET = "%Y%m%d%H%M%S", "+08:00"
_SMALLEST_COMPACT = 10**13


def read_instant(series: pl.Series) -> pl.Series:
    """An instant in UTC from any style of `domain.md`; without a zone it is city time."""
    value = _common_instants(series)
    unread = value.is_null() & series.is_not_null()
    if unread.any():
        places = unread.arg_true()
        value = value.scatter(places, _any_instants(series.gather(places)))
    year = value.dt.year()
    sane = year.is_between(_FIRST_YEAR, _LAST_YEAR).fill_null(True)
    if not sane.all():
        value = value.zip_with(sane, pl.Series([None], dtype=INSTANT))
    return value


def _common_instants(series: pl.Series) -> pl.Series:
    t = pl.col("t")
    length = t.str.len_bytes()
    # The parser alone would take blanks; a number of fourteen digits has none, nor a sign.
    is_compact = (length == 14) & (t.cast(pl.Int64, strict=False) >= _SMALLEST_COMPACT)
    is_zoned = (length == 25) & t.str.ends_with(_CITY_OFFSET) & ~t.str.contains(" ", literal=True)
    compact = pl.when(is_compact).then(t).str.to_datetime(_COMPACT, time_unit="us", strict=False)
    zoned = (
        pl.when(is_zoned)
        .then(t.str.slice(0, 19))
        .str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False)
    )
    return pl.DataFrame({"t": series}).select(from_wall_clock(pl.coalesce(compact, zoned)))["t"]


def _any_instants(series: pl.Series) -> pl.Series:
    """Every form in turn on what is still unread."""
    text = series.str.strip_chars()
    frame = pl.DataFrame({"t": text})
    value = pl.Series(dtype=INSTANT, values=[None]).new_from_index(0, len(text))
    unread = text.is_not_null()
    for pattern, form in _WALL_FORMS:
        if not unread.any():
            break
        column = pl.col("t").str.replace("T", " ") if "%.f" in form else pl.col("t")
        # The pattern guards against the parser's leniency (short years, missing digits).
        parsed = frame.select(
            from_wall_clock(
                pl.when(pl.col("t").str.contains(pattern))
                .then(column)
                .str.to_datetime(form, time_unit="us", strict=False)
            )
        ).to_series()
        value = value.zip_with(~unread, parsed)
        unread = text.is_not_null() & value.is_null()
    if unread.any():
        zoned = frame.select(
            pl.when(pl.col("t").str.contains(_ZONED))
            .then(pl.col("t").str.replace(" ", "T").str.replace("Z$", "+00:00"))
            .str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%z", time_unit="us", strict=False)
        ).to_series()
        value = value.zip_with(~unread, zoned.cast(INSTANT))
    return value


_DATE_FORMS = ((r"^\d{8}$", "%Y%m%d"), (r"^\d{4}-\d{2}-\d{2}$", "%Y-%m-%d"),
               (r"^\d{4}/\d{1,2}/\d{1,2}$", "%Y/%m/%d"),
               (r"^\d{4}年\d{1,2}月\d{1,2}日$", "%Y年%m月%d日"))  # fmt: skip


def read_date(series: pl.Series) -> pl.Series:
    """A city date; a time of midnight behind it (as spreadsheets write) is dropped."""
    text = series.str.strip_chars().str.replace(r"[ T]00:00:00(\.0+)?$", "")
    frame = pl.DataFrame({"t": text})
    value = pl.Series([None], dtype=pl.Date).new_from_index(0, len(text))
    for pattern, form in _DATE_FORMS:
        parsed = frame.select(
            pl.when(pl.col("t").str.contains(pattern))
            .then(pl.col("t"))
            .str.to_date(form, strict=False)
        ).to_series()
        value = value.zip_with(value.is_not_null(), parsed)
    sane = value.dt.year().is_between(_FIRST_YEAR, _LAST_YEAR).fill_null(True)
    return value.zip_with(sane, pl.Series([None], dtype=pl.Date))


def read_geometry(series: pl.Series) -> pl.Series:
    """GeoJSON text as WKB; unreadable, empty, self-crossing or non-finite shapes are not read."""
    with np.errstate(all="ignore"):  # 1e999 overflows; not finite, it is not read
        shapes = shapely.from_geojson(series.to_list(), on_invalid="ignore")
    good = ~shapely.is_missing(shapes) & shapely.is_valid(shapes) & ~shapely.is_empty(shapes)
    return pl.Series(
        series.name,
        [shapely.to_wkb(shape) if ok else None for shape, ok in zip(shapes, good, strict=True)],
        dtype=pl.Binary,
    )


READERS: dict[str, Callable[[pl.Series], pl.Series]] = {
    "text": read_text,
    "integer": read_integer,
    "number": read_number,
    "flag": read_flag,
    "instant": read_instant,
    "date": read_date,
    "geometry": read_geometry,
}
