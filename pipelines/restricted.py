"""Looking at rows of the lake itself: first the register, then the rows.

Tables are named `layer.table`; nothing else can be read. Whoever may run this could read the files
as well: the register is for looks that are meant to be known.
"""

from __future__ import annotations

import getpass
import os

import duckdb
import sqlglot
from rich.console import Console
from sqlglot import exp

import assets.topics  # noqa: F401 - registers every topic table
from assets.access import record
from pipelines.asking import show_rows
from schemas import tables
from schemas.tables import Table
from warehouse.engine import Engine
from warehouse.home import Home
from warehouse.lake import Lake

LEAST_REASON = 6


def show_restricted(
    home: Home, query: str, reason: str | None, console: Console, *, csv: bool
) -> None:
    """Write a look into `ops.access`, then run the query on the lake and print what it gives.

    Raises:
        ValueError: no reason, no query that only reads tables of the lake, or DuckDB refused it.
    """
    why = stated("--restricted", reason)
    tree = parsed(query)
    asked = tables_of(tree)
    lake = Lake(home)
    labels = sorted(table.label for table in asked.values())
    record(lake, username=account(), tables=labels, query=without_constants(tree), reason=why)
    with Engine(lake) as engine:
        names = {label: engine.table(table).get_name() for label, table in asked.items()}
        try:
            result = engine.backend.con.execute(_renamed(tree, names).sql("duckdb"))
            columns = [column[0] for column in result.description or []]
            rows = result.fetchall()
        except duckdb.Error as error:
            raise ValueError(str(error).strip().splitlines()[0]) from None
    show_rows(columns, rows, console, csv=csv)


def stated(
    what: str, reason: str | None, act: str = "you look at detail rows", book: str = "ops.access"
) -> str:
    """The reason somebody gives for an act, for the book it is kept in.

    Raises:
        ValueError: none, or one that says nothing.
    """
    why = (reason or "").strip()
    if len(why) < LEAST_REASON:
        raise ValueError(
            f"{what} needs --reason: say for what matter {act} "
            f"(at least {LEAST_REASON} characters; it is kept in {book})"
        )
    return why


def parsed(query: str) -> exp.Query:
    """The query as a tree.

    Raises:
        ValueError: it is not one query that only reads.
    """
    try:
        found = sqlglot.parse(query, dialect="duckdb")
    except sqlglot.ParseError as error:
        raise ValueError(f"not readable as SQL: {str(error).splitlines()[0]}") from None
    if len(found) != 1 or not isinstance(found[0], exp.Query):
        raise ValueError("--restricted takes one SELECT (or FROM …)")
    return found[0]


def tables_of(tree: exp.Query) -> dict[str, Table]:
    """Label → table, of everything the query reads.

    Raises:
        ValueError: it reads something that is no table of the lake: a file, a function, a view.
    """
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    found = {}
    for one in tree.find_all(exp.Table):
        label = f"{one.db}.{one.name}" if one.db else one.name
        if label in own:
            continue
        table = next((t for t in tables.TABLES if t.label == label), None)
        if not isinstance(one.this, exp.Identifier) or table is None:
            raise ValueError(
                f"{one.sql('duckdb')[:80]} is no table of the lake: name it layer.table, "
                "e.g. bronze.grid_cases (see docs/dictionary.md)"
            )
        found[label] = table
    if not found:
        raise ValueError("the query reads no table of the lake")
    return found


def without_constants(tree: exp.Query) -> str:
    """The query as the register keeps it: constants can name a person, comments too.

    >>> without_constants(parsed("SELECT a FROM bronze.x WHERE b = '张三' AND c > 5 -- 张三"))
    'SELECT a FROM bronze.x WHERE b = ? AND c > ?'
    """
    plain = tree.copy()
    for one in plain.walk():
        one.comments = None
    bare = plain.transform(
        lambda node: exp.Placeholder() if isinstance(node, exp.Literal) else node
    )
    return bare.sql("duckdb")


def account() -> str:
    """Who is at the machine: under sudo, the person who called it."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


def _renamed(tree: exp.Query, names: dict[str, str]) -> exp.Query:
    """The query over the engine's own names of the tables, called as they were."""
    copy = tree.copy()
    for one in list(copy.find_all(exp.Table)):
        if new := names.get(f"{one.db}.{one.name}"):
            alias = one.args.get("alias") or exp.TableAlias(this=exp.to_identifier(one.name))
            one.set("db", None)
            one.set("catalog", None)
            one.set("this", exp.to_identifier(new, quoted=True))
            one.set("alias", alias)
    for one in copy.find_all(exp.Column):
        one.set("db", None)
    return copy
