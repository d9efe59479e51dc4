"""Superset's log for the access register: rows since an instant, as JSON lines; old ones removed.

Run with `.venv-superset/bin/python dashboards/access_rows.py SINCE KEPT_DAYS`. SQLAlchemy only:
without Superset's imports it takes a second, and it reads SQLite and PostgreSQL alike.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

ROWS = """
    SELECT l.id, l.dttm, u.username, l.action, l.json, d.slug, d.dashboard_title, s.slice_name
    FROM logs l
    JOIN ab_user u ON u.id = l.user_id
    LEFT JOIN dashboards d ON d.id = l.dashboard_id
    LEFT JOIN slices s ON s.id = l.slice_id
    WHERE l.dttm >= :since
    ORDER BY l.dttm, l.id
"""


def main(since: str, kept_days: str) -> None:
    """Print the rows, then remove what is older than is kept."""
    file = Path(os.environ["GOVLAKE_HOME"]) / "superset" / "superset.db"
    engine = sa.create_engine(os.environ.get("GOVLAKE_SUPERSET_DB") or f"sqlite:///{file}")
    begin = datetime.fromisoformat(since).replace(tzinfo=None)
    until = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=int(kept_days))
    moment = sa.bindparam("since", type_=sa.DateTime)
    columns = {"dttm": sa.DateTime}
    with engine.connect() as connection:
        query = sa.text(ROWS).bindparams(moment).columns(**columns)
        for row in connection.execute(query, {"since": begin}):
            noted = _noted(row.json)
            print(json.dumps({  # noqa: T201 - this is the answer
                "at": row.dttm.isoformat(), "number": row.id, "username": row.username,
                "action": row.action, "path": noted.get("path"), "area_code": noted.get("area"),
                "target": row.slug or row.dashboard_title, "chart": row.slice_name,
            }, ensure_ascii=False))  # fmt: skip
    with engine.begin() as connection:
        old = sa.text("DELETE FROM logs WHERE dttm < :since").bindparams(moment)
        connection.execute(old, {"since": until})


def _noted(text: str | None) -> dict[str, str]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


if __name__ == "__main__":
    main(*sys.argv[1:3])
