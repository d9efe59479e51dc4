"""What registers of persons share: who a row is about, and what the identity number itself says.

Names and identity numbers live in bronze only. From silver on a person is a token under the key of
one topic, so registers of two topics cannot be joined on persons. Published are counts alone.
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from schemas.check_numbers import identity_number_canonical, identity_number_is_valid
from schemas.contract import Arrival, instant, text

UNKNOWN = "unknown"
"""Category under which persons are counted of whom a register does not say it."""


class IdentifiedRow(Arrival):
    """A row about one person, named by the identity number."""

    person_name = text("姓名", ("姓名", "name"), privacy="direct", max_length=60)
    identity_number = text("公民身份号码", ("公民身份号码", "身份证号", "id_number"), required=True,
                           privacy="direct")  # fmt: skip
    community_code = text("社区编码", ("社区编码", "community_code"), pattern=r"^\d{12}$")
    grid_code = text("网格编码", ("网格编码", "grid_code"), pattern=r"^\d{15}$")
    updated_at = instant("更新时间", ("更新时间", "updated_at"), required=True)

    @dy.rule()
    def identity_number_is_valid(cls) -> pl.Expr:
        """公民身份号码应符合GB 11643校验且出生日期存在（接受15位旧号）"""
        return identity_number_is_valid(pl.col("identity_number"))


def birth_day(number: pl.Expr) -> pl.Expr:
    """Date of birth in an identity number, places 7 to 14 (GB 11643); null where there is none."""
    return identity_number_canonical(number).str.slice(6, 8).str.to_date("%Y%m%d", strict=False)


def sex_code(number: pl.Expr) -> pl.Expr:
    """Sex in an identity number (GB/T 2261.1): place 17 is odd for men; null where unreadable."""
    digit = identity_number_canonical(number).str.slice(16, 1).cast(pl.Int64, strict=False)
    return pl.when(digit % 2 == 1).then(pl.lit("1")).when(digit % 2 == 0).then(pl.lit("2"))


def age_at(born: pl.Expr, day: pl.Expr) -> pl.Expr:
    """Completed years of age 周岁 on a day; somebody born on 29 February turns on 1 March."""

    def of_year(date: pl.Expr) -> pl.Expr:
        return date.dt.month().cast(pl.Int64) * 100 + date.dt.day()

    years = day.dt.year().cast(pl.Int64) - born.dt.year()
    return years - (of_year(day) < of_year(born)).cast(pl.Int64)
