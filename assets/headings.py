"""Headings of vehicles: each source's own direction codes, as the site's map says they are meant.

A device's source is the longest prefix of its code in the map, and that source's codes alone count:
what a shorter prefix says of a code that the longer one leaves out is another system's sense.
"""

from __future__ import annotations

import polars as pl

from schemas import tables
from warehouse.lake import Lake

PASSAGES = tables.table("silver", "vehicle_passages")
CENTRE_DIGITS = 8
"""Digits of a device code that name its centre (GB/T 28181): shown where the map has no source."""


def source_of(device: pl.Expr, directions: pl.DataFrame) -> pl.Expr:
    """The longest prefix of a device code in the map; null where there is none."""
    prefixes = directions["device_prefix"].unique()
    found = pl.lit(None, pl.String)
    for length in sorted(prefixes.str.len_chars().unique()):
        head = device.str.head(length)
        found = pl.when(head.is_in(prefixes.implode())).then(head).otherwise(found)
    return found


def headings_of(devices: pl.Series, directions: pl.DataFrame) -> pl.DataFrame:
    """The codes of some devices: `device_id`, `direction_code`, `heading`."""
    own = pl.DataFrame({"device_id": devices.unique()}).with_columns(
        device_prefix=source_of(pl.col("device_id"), directions)
    )
    return own.join(directions, on="device_prefix").drop("device_prefix")


def with_headings(passages: pl.DataFrame, directions: pl.DataFrame) -> pl.DataFrame:
    """Passages with `heading`, null where the map has nothing for device and code."""
    if directions.is_empty():
        return passages.with_columns(heading=pl.lit(None, pl.String))
    known = headings_of(passages["device_id"], directions)
    return passages.join(known, on=["device_id", "direction_code"], how="left")


def unmapped_codes(lake: Lake, directions: pl.DataFrame) -> dict[str, int]:
    """`<source> <code>` → passages whose code the map does not explain, most first."""
    rows = (
        lake.scan(PASSAGES)
        .filter(pl.col("direction_code").is_not_null(), pl.col("heading").is_null())
        .group_by("device_id", "direction_code")
        .len("passages")
        .collect()
    )
    centre = pl.col("device_id").str.head(CENTRE_DIGITS)
    source = pl.coalesce(source_of(pl.col("device_id"), directions), centre)
    counted = rows.group_by(source.alias("source"), "direction_code").agg(pl.col("passages").sum())
    ordered = counted.sort("passages", "source", "direction_code", descending=[True, False, False])
    return {f"{source} {code}": count for source, code, count in ordered.iter_rows()}
