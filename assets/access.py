"""The access register `ops.access`: acts of users written once, kept for 180 days.

What Superset logged is added by `add_acts`; a look at restricted rows is written by `record`, and
only then allowed. Not here: reading Superset's log (`pipelines/access.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import polars as pl

from schemas.access import ACCESS, ACTIONS, KEPT_DAYS, Access
from schemas.city_time import city_date_of
from schemas.contract import polars_schema
from warehouse.lake import Lake

OVERLAP = timedelta(hours=2)
"""Read again each time: acts that are a while under way appear late."""

_DOORS = (
    ("/api/v1/sqllab", "sql_lab"),
    ("/sqllab", "sql_lab"),
    ("/api/v1/security/login", "sign_in"),
    ("/login", "sign_in"),
    ("/superset/dashboard", "dashboards"),
    ("/superset/explore", "dashboards"),
    ("/explore", "dashboards"),
    ("/api/v1/dashboard", "dashboards"),
    ("/api/v1/chart", "dashboards"),
    ("/datasource", "dashboards"),
)


def since(lake: Lake) -> datetime:
    """From when on Superset's log has to be read."""
    acts = lake.read(ACCESS, ["at", "surface"]).filter(pl.col("surface") != "command")
    latest = acts["at"].max()
    begin = datetime.now(UTC) - timedelta(days=KEPT_DAYS)
    return max(latest - OVERLAP, begin) if isinstance(latest, datetime) else begin


def add_acts(lake: Lake, acts: Sequence[Mapping[str, Any]]) -> int:
    """Add acts of Superset's log that are not in the register yet; how many were new.

    Args:
        lake: The lake.
        acts: `at` (ISO, UTC without zone), `number`, `username`, `action`, `path`, `area_code`,
            `target`, `chart`; acts the register has no word for are left out.
    """
    rows = [_row(act) for act in acts if act["action"] in ACTIONS]
    if not rows:
        return 0
    with lake.home.locked(wait=True):
        frame = _frame(rows).unique("entry_id", keep="first", maintain_order=True)
        known = lake.read(ACCESS, ["entry_id"])
        fresh = frame.join(known, on="entry_id", how="anti")
        lake.append(ACCESS, fresh)
    return fresh.height


def record(lake: Lake, *, username: str, tables: Sequence[str], query: str, reason: str) -> None:
    """Write that someone looks at restricted rows; only afterwards may they be shown.

    Args:
        lake: The lake.
        username: Account at the machine.
        tables: Labels of the tables asked.
        query: The query, its constants taken out.
        reason: Why, in the user's words.
    """
    at = datetime.now(UTC)
    row = {
        "entry_id": _digest(at.isoformat(), username, query, reason),
        "at": at, "username": username, "area_code": None, "surface": "command",
        "action": "read_restricted", "target": ", ".join(tables), "part": query, "reason": reason,
    }  # fmt: skip
    with lake.home.locked(wait=True):
        lake.append(ACCESS, _frame([row]))


def expire(lake: Lake) -> int:
    """Remove what is older than is kept; how many acts."""
    last = city_date_of(datetime.now(UTC)) - timedelta(days=KEPT_DAYS)
    old = lake.read(ACCESS, ["access_day"]).filter(pl.col("access_day") < last).height
    if old:
        with lake.home.locked(wait=True):
            lake.delete(ACCESS, f"access_day < '{last}'")
    return old


def _row(act: Mapping[str, Any]) -> dict[str, Any]:
    at = datetime.fromisoformat(act["at"]).replace(tzinfo=UTC)
    path = act["path"] or ""
    part = act["chart"] or path
    hourly = act["action"] == "read_chart"  # a wall screen reads every minute
    when = at.strftime("%Y-%m-%dT%H") if hourly else f"{at.isoformat()} {act['number']}"
    surface = next((door for start, door in _DOORS if path.startswith(start)), "administration")
    return {
        "entry_id": _digest(when, act["username"], act["action"], act["target"] or "", part),
        "at": at, "username": act["username"], "area_code": act["area_code"],
        "surface": surface, "action": act["action"], "target": act["target"], "part": part,
        "reason": None,
    }  # fmt: skip


def _frame(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    schema = {n: t for n, t in polars_schema(Access).items() if n != "access_day"}
    frame = Access.derive(pl.DataFrame(list(rows), schema=schema, orient="row"))
    return frame.select(list(Access.columns()))


def _digest(*words: str) -> str:
    return sha256("\x1f".join(words).encode()).hexdigest()[:32]
