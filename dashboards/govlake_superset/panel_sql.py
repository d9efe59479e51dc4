"""The SQL behind panels, as table macros of every connection to a serving file.

Superset parses each query several times, in Python: with a panel's whole SQL in its dataset that
took 1 s of CPU a panel. So a dataset says `FROM panel_values()`, and the macro is here, made anew
at each connection (they are not kept) in the connection's own temporary schema: the served file
stays as it was published. The text comes with the bundle (`dashboards/bundle.py`).
"""

from __future__ import annotations

from typing import Any

from govlake_superset.own_area import home, own_area

FILE = "panels.sql"


def listen() -> None:
    """Have every new DuckDB connection know the macros."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    if not event.contains(Engine, "connect", make_macros):
        event.listen(Engine, "connect", make_macros)


def area_at_first(digits: int) -> str:
    """Code of the first area of a tier that the signed-in user may see; for Jinja of panels.

    Args:
        digits: Length of the tier's codes: 6, 9 or 12.

    Returns:
        The code, or a word that no title ends with.
    """
    own = own_area()
    served = (home() / "serving" / "current").resolve().glob(f"{own}*.duckdb")
    return min((file.stem for file in served if len(file.stem) == digits), default="none")


def make_macros(connection: Any, record: Any) -> None:
    """Make the macros; nothing where no bundle was built, or in another kind of database."""
    if not type(connection).__module__.startswith("duckdb_engine"):
        return
    try:
        text = (home() / "superset" / FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    connection.execute(text)
