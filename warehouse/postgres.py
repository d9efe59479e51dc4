"""Reading a PostgreSQL source: rows beyond a mark, in the order of their marks, as JSON lines.

The server writes every row as JSON, so that a value arrives as PostgreSQL itself prints it,
whatever its type; the driver (ADBC) streams them by COPY in batches of a few megabytes. The session
may read only, and reads only the columns the source names.

Errors say which source and what to do. The driver's own words are never passed on: they can quote
the address with its password, or values of rows.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from schemas.sources import Source, SourceError
from warehouse.marks import Mark

if TYPE_CHECKING:
    from adbc_driver_postgresql import dbapi

BATCH_BYTES = 4 << 20
CONNECT_SECONDS = "15"
CITY_OFFSET = "+08:00"
_FIRST, _LAST = "0001-01-01", "9999-12-31"
_NAMES_SHOWN = 40
_TYPES = {"d": "date", "t": "timestamp", "z": "timestamptz"}

_NO_CONNECTION = (
    ("authentication failed", "it refuses the user or the password"),
    ("no password supplied", "it wants a password"),
    ("does not exist", "it knows no such database or user"),
    ("no pg_hba.conf entry", "it does not let this user in from this machine"),
    ("could not translate host name", "there is no host of that name"),
    ("refused", "nothing listens at that host and port"),
    ("timeout", "the host does not answer"),
    ("connection to server", "the server does not let us in"),
)
_WRITES = "25006"
_REFUSED = {
    "42P01": "there is no such table (names are written exactly as in the database)",
    "3F000": "there is no such schema",
    "42703": "the query names a column that is not there",
    "42501": "the user may not read it: GRANT SELECT",
    "42601": "the query is not readable as SQL",
    "57014": "the server stopped the query (statement_timeout)",
    _WRITES: "it would write: a source may only read",
}


class Database:
    """An open session that reads one source."""

    def __init__(self, source: Source, cursor: dbapi.Cursor) -> None:
        self.source = source
        self._cursor = cursor
        self._from = f"({source.query}\n)" if source.query else _table(source.table or "")
        self.kind = self._kind()

    def _kind(self) -> str:
        """Letter of the kind of the high-water column; every column read is there.

        Raises:
            SourceError: a column is missing, or marks cannot be of this type.
        """
        with told(self.source):
            schema = self._cursor.adbc_execute_schema(f"SELECT * FROM {self._from} AS s")
        wanted = (*self.source.columns, self.source.high_water)
        if missing := [name for name in wanted if name not in schema.names]:
            there = ", ".join(schema.names[:_NAMES_SHOWN])
            raise _fault(self.source, f"no column {', '.join(dict.fromkeys(missing))}; there are: "
                         f"{there}", "mend columns or high_water")  # fmt: skip
        dtype = schema.field(self.source.high_water).type
        if pa.types.is_timestamp(dtype):
            return "z" if dtype.tz else "t"
        if pa.types.is_integer(dtype) or pa.types.is_date(dtype):
            return "i" if pa.types.is_integer(dtype) else "d"
        raise _fault(self.source, f"high_water: {self.source.high_water} is neither a whole number "
                     "nor a date nor a time", "name another column")  # fmt: skip

    def batches(self, since: Mark | None) -> Iterator[pa.RecordBatch]:
        """Rows whose mark is `since` or beyond it, in the order of their marks: `mark`, `line`.

        Times of change younger than the source's `settle_seconds`, and days to come, wait.

        Raises:
            SourceError: the server refused, or the connection was lost.
        """
        mark = f"s.{_quoted(self.source.high_water)}"
        columns = ", ".join(f"s.{_quoted(name)}" for name in self.source.columns)
        # line breaks can only stand between the parts of a `json` value
        query = f"""
            SELECT {mark} AS mark, translate(row_to_json(w)::text, E'\\n\\r', '  ') AS line
            FROM {self._from} AS s CROSS JOIN LATERAL (SELECT {columns}) AS w
            WHERE {self._range(mark, since)} ORDER BY 1"""
        from adbc_driver_postgresql import StatementOptions

        with told(self.source):
            self._cursor.adbc_statement.set_options(
                **{StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(BATCH_BYTES)}
            )
            self._cursor.execute(query)
            for batch in self._cursor.fetch_record_batch():
                if batch.num_rows:
                    yield batch

    def unmarked(self) -> int:
        """Rows that can never be read: their high-water value is missing or infinite."""
        mark = f"s.{_quoted(self.source.high_water)}"
        odd = f"{mark} IS NULL"
        if self.kind != "i":
            odd += f" OR {mark} < '{_FIRST}' OR {mark} >= '{_LAST}'"
        with told(self.source):
            query = f"SELECT count(*) FROM {self._from} AS s WHERE {odd}"
            self._cursor.execute(query)
            row = self._cursor.fetchone()
        return int(row[0]) if row else 0

    def _range(self, mark: str, since: Mark | None) -> str:
        if self.kind == "i":
            return f"{mark} IS NOT NULL" if since is None else f"{mark} >= {int(str(since))}"
        least = _FIRST if since is None else str(since)
        now = {"z": "now()", "t": "localtimestamp", "d": "current_date"}[self.kind]
        settle = f" - interval '{self.source.settle_seconds} s'" if self.kind != "d" else ""
        cast = _TYPES[self.kind]
        return f"{mark} >= '{least}'::{cast} AND {mark} < '{_LAST}' AND {mark} <= {now}{settle}"


@contextmanager
def connected(source: Source) -> Iterator[Database]:
    """A session for one source, closed afterwards.

    Raises:
        SourceError: the variable is not set, or the database does not let us in.
    """
    from adbc_driver_postgresql import dbapi  # half a second that only a pull should cost

    address = os.environ.get(source.connection, "").strip()
    if not address:
        raise _fault(source, f"the environment variable {source.connection} is not set",
                     "set it to postgresql://user@host:5432/database (a password may stand in it "
                     "or in ~/.pgpass)")  # fmt: skip
    # a host that never answers would hold the pull for minutes
    os.environ.setdefault("PGCONNECT_TIMEOUT", CONNECT_SECONDS)
    try:
        connection = dbapi.connect(address, autocommit=True)
    except dbapi.Error as error:
        words = str(error)
        reason = next((why for sign, why in _NO_CONNECTION if sign in words),
                      "what it holds is no address of a PostgreSQL database")  # fmt: skip
        raise _fault(source, f"no connection by {source.connection}: {reason}",
                     f"mend {source.connection}, or start the database") from None  # fmt: skip
    try:
        with connection.cursor() as cursor:
            with told(source):
                zone = source.mapping.time_zone or CITY_OFFSET
                cursor.execute("SET default_transaction_read_only TO on")
                cursor.execute("SET client_encoding TO 'UTF8'")
                cursor.execute(f"SET TIME ZONE INTERVAL '{zone}' HOUR TO MINUTE")
            yield Database(source, cursor)
    finally:
        connection.close()


@contextmanager
def told(source: Source) -> Iterator[None]:
    """Turn the driver's errors into one line that names the source and quotes nothing."""
    from adbc_driver_postgresql import dbapi

    try:
        yield
    except (dbapi.Error, pa.ArrowException, OSError) as error:
        code = getattr(error, "sqlstate", None) or _code_in(str(error))
        reason = _REFUSED.get(code, f"the server refused it (SQLSTATE {code})") if code else (
            "reading broke off; the log of the database says why"
        )  # fmt: skip
        what = f"table {source.table}" if source.table else "its query"
        raise _fault(source, f"{what}: {reason}", "mend the source, or the database") from None


def _code_in(words: str) -> str | None:
    """SQLSTATE in the driver's words; while rows are being read there is mostly none."""
    if "read-only transaction" in words:
        return _WRITES
    found = re.search(r"SQLSTATE: ([0-9A-Z]{5})", words)
    return found.group(1) if found else None


def _fault(source: Source, what: str, remedy: str) -> SourceError:
    return SourceError(f"source {source.name}: {what}: {remedy} and pull again")


def _table(name: str) -> str:
    return ".".join(_quoted(part) for part in name.split("."))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
