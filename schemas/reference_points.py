"""Site settings for coordinates: surveyed positions of known things, to check feeds against.

Grain: one device, building or area by its code. Not here: reading the table
(`assets/site_settings.py`), judging by it (`quality/reference_points.py`).
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from schemas.contract import Arrival, number, text


class ReferencePointRow(Arrival):
    """config/reference_points.csv. Grain: one thing whose true position is known."""

    code = text("编码", ("code", "编码"), required=True, max_length=40,
                note="device, building or area code, as its feed writes it")  # fmt: skip
    name = text("名称", ("name", "名称"), max_length=100)
    longitude = number("经度", ("longitude", "经度"), required=True, least=-180.0, most=180.0,
                       unit="degree", note="surveyed, CGCS2000 or WGS 84")  # fmt: skip
    latitude = number("纬度", ("latitude", "纬度"), required=True, least=-90.0, most=90.0,
                      unit="degree")  # fmt: skip

    @dy.rule()
    def a_code_stands_once(cls) -> pl.Expr:
        """同一编码只能出现一次"""
        return pl.len().over("code") == 1
