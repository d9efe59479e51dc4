"""Table transforms on an engine: Ibis expressions in, Delta tables out.

The only file that knows engines. Transforms see `engine.table(...)` and give back an expression;
today the engine is DuckDB in this process reading Delta through its extension (a PyPI wheel,
loaded offline).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import date
from functools import cache
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import polars as pl
from duckdb_extensions import import_extension
from ibis import _
from ibis.backends.duckdb import Backend as DuckDBBackend

from schemas.contract import Contract, polars_schema
from schemas.tables import Table
from warehouse.lake import Lake, empty

MEMORY_LIMIT = "1GB"

# Contract type → the type every engine must hand over. Ibis' own Arrow hand-over once gave
# decimal128 for SUM(BIGINT) under an int64 schema and the stored numbers were garbage, silently.
_SQL_TYPES: dict[Any, str] = {
    pl.String: "VARCHAR",
    pl.Int64: "BIGINT",
    pl.Int32: "INTEGER",
    pl.Float64: "DOUBLE",
    pl.Boolean: "BOOLEAN",
    pl.Date: "DATE",
    pl.Binary: "BLOB",
}


class Engine:
    """DuckDB over the Delta tables of one lake."""

    def __init__(self, lake: Lake, threads: int | None = None) -> None:
        self.lake = lake
        self._met: dict[tuple[str, str], ir.Table] = {}
        self.backend: DuckDBBackend = ibis.duckdb.from_connection(_instance(os.getpid()).cursor())
        self.backend.raw_sql("SET TimeZone = 'UTC'")
        self.backend.raw_sql(f"SET memory_limit = '{MEMORY_LIMIT}'")
        self.backend.raw_sql(f"SET threads = {threads or os.cpu_count() or 2}")

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the engine's memory and files."""
        self.backend.disconnect()

    def table(self, table: Table, days: Iterable[date] | None = None) -> ir.Table:
        """A lake table as an Ibis table, optionally only some days of it."""
        if table.key not in self._met:
            self._met[table.key] = self._opened(table)
        expression = self._met[table.key]
        if days is None or table.partition_by is None:
            return expression
        wanted = sorted(days)
        if not wanted:
            return expression.filter(False)
        day = _[table.partition_by]
        # a range prunes files, a list does not; both together are exact
        return expression.filter(
            day.between(ibis.literal(wanted[0]), ibis.literal(wanted[-1])), day.isin(wanted)
        )

    def _opened(self, table: Table) -> ir.Table:
        """The table as it is now; an engine sees one state of it from then on."""
        name = f"{table.layer}__{table.name}"
        if self.lake.exists(table):
            path = str(self.lake.path(table)).replace("'", "''")
            self.backend.raw_sql(f"CREATE OR REPLACE TEMP VIEW {name} AS FROM delta_scan('{path}')")
        else:
            self.backend.con.register(name, empty(table.contract).to_arrow())
        return self.backend.table(name)

    def collect(self, expression: ir.Table, contract: type[Contract]) -> pl.DataFrame:
        """Run a transform; every column is cast to the contract's type by the engine itself."""
        columns = ", ".join(
            f'CAST("{name}" AS {_sql_type(dtype)}) AS "{name}"'
            for name, dtype in polars_schema(contract).items()
        )
        sql = f"SELECT {columns} FROM ({self.backend.compile(expression)})"
        frame = pl.from_arrow(self.backend.con.execute(sql).to_arrow_table())
        assert isinstance(frame, pl.DataFrame)
        return frame.cast(pl.Schema(polars_schema(contract)))


@cache
def _instance(process: int) -> duckdb.DuckDBPyConnection:
    """One database a process, in memory: loading the extension costs more than most transforms.

    Engines have connections of their own to it, with temporary views that nobody else sees.
    """
    import_extension("delta")
    connection = duckdb.connect()
    connection.execute("LOAD delta")
    return connection


def _sql_type(dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.Datetime):
        return "TIMESTAMP WITH TIME ZONE"
    return _SQL_TYPES[type(dtype)]
