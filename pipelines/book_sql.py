"""The SQL a metric compiles to, over topic tables by the names they have in a serving file.

Compiled from the very expressions the lake is measured with (`assets/measuring.py`), so the page of
a metric cannot say anything else than what is computed. Not here: showing it (`book.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir
import polars as pl
import sqlglot
from sqlglot import exp
from sqlglot.optimizer.simplify import simplify

from assets.measuring import at_three_tiers, sum_metric, union, unsummed
from schemas.contract import polars_schema
from schemas.metric import Entry, Metric, Ratio
from schemas.metrics import is_stock, summed
from schemas.table import Table

_TYPES: dict[type[pl.DataType] | pl.DataType, str] = {
    pl.Boolean: "boolean",
    pl.Date: "date",
    pl.Float64: "float64",
    pl.Int32: "int32",
    pl.Int64: "int64",
    pl.String: "string",
}


_PLAIN = re.compile(r"[a-z][a-z0-9_]*")


class Named:
    """Topic tables that are names and columns only: nothing is opened, nothing is read."""

    def table(self, table: Table, days: Iterable[date] | None = None) -> ir.Table:
        """The table by its name in a serving file; columns nothing is measured by are left out."""
        columns = polars_schema(table.contract).items()
        known = {name: _TYPES[kind] for name, kind in columns if kind in _TYPES}
        return ibis.table(known, name=table.name)


@dataclass(frozen=True)
class Step:
    """One query on the way to a value, with a line on what it gives."""

    says: str
    sql: str


def steps_of(entry: Entry, district: str) -> list[Step]:
    """The queries a metric is computed by; they run on a serving file that has its tables.

    Args:
        entry: A metric of the book.
        district: Code of the district.
    """
    if isinstance(entry, Metric):
        return _sum_steps(entry, district)
    if isinstance(entry, Ratio):
        return _ratio_steps(entry, district)
    one = unsummed(Named(), entry, district, ("district",), ("month",))
    return [
        Step("from the rows of every area and period anew; here the district's months", _sql(one))
    ]


def _sum_steps(metric: Metric, district: str) -> list[Step]:
    own = sum_metric(Named(), metric, None)
    by = "by community" if is_stock(metric) else "by day and community"
    return [
        Step(by, _sql(own)),
        Step(f"{by.removesuffix('community')}area of three tiers", _tiers([metric], district)),
    ]


def _ratio_steps(ratio: Ratio, district: str) -> list[Step]:
    sides = (("above the line", ratio.numerator), ("below the line", ratio.denominator))
    return [
        Step(f"{side}: {' + '.join(ids)}", _tiers([summed(one) for one in ids], district))
        for side, ids in sides
    ]


def _tiers(metrics: list[Metric], district: str) -> str:
    return _sql(at_three_tiers(union(sum_metric(Named(), one, None) for one in metrics), district))


def _sql(expression: ir.Table) -> str:
    """What Ibis compiles to, without constant arithmetic and needless quotes."""
    tree = simplify(
        sqlglot.parse_one(str(ibis.to_sql(expression, dialect="duckdb")), read="duckdb")
    )
    for name in tree.find_all(exp.Identifier):
        name.set("quoted", not _PLAIN.fullmatch(name.name))
    return tree.sql(dialect="duckdb", pretty=True)
