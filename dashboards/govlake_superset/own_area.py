"""The first wall: whatever Superset wants to open, it gets the serving file of the user's own area.

Users and their areas stand in `HOME/superset/areas.json`, written by `users.py` only. Whoever is
not in it, and whatever runs without a user, opens the empty file: tables, no rows.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

EMPTY = "empty"
NO_AREA = "none"
DATABASE_URI = "duckdb:///own-area"
"""What Superset stores: no file at all. The one to open is chosen at every connection."""

# Without these, SQL Lab could read any file on the host.
CONNECT_ARGS = {
    "read_only": True,
    "config": {
        "enable_external_access": "false",
        "lock_configuration": "true",
        "memory_limit": "1GB",
        "threads": "2",
    },
}
_CODE = re.compile(r"\d{6}|\d{9}|\d{12}")


class NotServed(Exception):
    """There is nothing this user may open."""


def home() -> Path:
    """The govlake home of this process."""
    return Path(os.environ.get("GOVLAKE_HOME") or "data").resolve()


def areas() -> dict[str, str]:
    """User name in small letters → area code. Read anew at each connection: it is small."""
    try:
        text = (home() / "superset" / "areas.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    return json.loads(text)


def write_areas(now: dict[str, str]) -> None:
    """Replace the map in one step; readable by its owner only."""
    path = home() / "superset" / "areas.json"
    part = path.with_name(f".areas-{os.getpid()}.part")
    part.unlink(missing_ok=True)
    part.touch(0o600)
    part.write_text(json.dumps(now, ensure_ascii=False, indent=1, sort_keys=True), "utf-8")
    part.replace(path)


def area_of(username: str | None) -> str | None:
    """Area code of a user; None: no area, so no rows."""
    code = areas().get((username or "").lower())
    return code if code and _CODE.fullmatch(code) else None


def file_of(username: str | None) -> Path:
    """The file a user may see, in the generation being served now, links resolved.

    Raises:
        NotServed: the generation lacks even the empty file.
    """
    current = (home() / "serving" / "current").resolve()
    code = area_of(username)
    for name in (code, EMPTY):
        if name and (file := current / f"{name}.duckdb").is_file():
            return file
    raise NotServed(f"{current.name} holds no {EMPTY}.duckdb: publish again")


def open_own_area(
    uri: Any, params: dict[str, Any], username: str | None, security_manager: Any, source: Any
) -> tuple[Any, dict[str, Any]]:
    """DB_CONNECTION_MUTATOR: neither the stored address nor its stored settings matter.

    Raises:
        NotServed: the connection is no DuckDB file; there is no other kind here.
    """
    refuse_other_databases(uri)
    uri = uri.set(drivername="duckdb", database=str(file_of(username)), query={})
    return uri, params | {"connect_args": json.loads(json.dumps(CONNECT_ARGS))}


def refuse_other_databases(uri: Any) -> None:
    """DB_SQLA_URI_VALIDATOR: an administrator cannot add a connection to anything else either.

    Raises:
        NotServed: this is no DuckDB address.
    """
    if uri.drivername != "duckdb":
        raise NotServed("only serving files can be opened")


def own_area() -> str:
    """Area code of the signed-in user for row rules: digits, or a word no code begins with."""
    from superset.utils.core import get_username

    return area_of(get_username()) or NO_AREA
