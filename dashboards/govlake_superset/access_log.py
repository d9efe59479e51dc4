"""Superset's log, cut to what the access register needs: who, what, when, through which door.

Superset's own logger keeps whole requests, filter values with them. This one keeps the action,
dashboard, chart and path; a value someone filtered by is never written. What the browser reports of
itself (`/superset/log/`) is left out: it proves nothing.
"""

from __future__ import annotations

import json
import logging
import re
from typing import Any

from govlake_superset.own_area import area_of
from superset.utils.log import AbstractEventLogger

# Superset's name of an action → the register's
ACTIONS = {
    "dashboard": "open_dashboard",
    "ChartDataRestApi.data": "read_chart",
    "ChartDataRestApi.get_data": "read_chart",
    "ChartDataRestApi.data_from_cache": "read_chart",
    "explore_json": "read_chart",
    "explore": "explore",
    "samples": "read_samples",
    "execute_sql_query": "run_sql",
    "SqlLabRestApi.execute_sql_query": "run_sql",
    "SqlLabRestApi.get_results": "run_sql",
    "SqlLabRestApi.export_csv": "export",
    "DashboardRestApi.export": "export",
    "ChartRestApi.export": "export",
    "DatasetRestApi.export": "export",
    "DatabaseRestApi.export": "export",
}
_CHANGES = re.compile(r"(User|Role|Group|Permission|RowLevelSecurity|RLS|Dashboard|Chart|Dataset|"
                      r"Database)\w*Api\.(post|put|delete|bulk_delete|import_)")  # fmt: skip


class AccessLogger(AbstractEventLogger):
    """EVENT_LOGGER."""

    def log(
        self,
        user_id: int | None,
        action: str,
        dashboard_id: int | None,
        duration_ms: int | None,
        slice_id: int | None,
        referrer: str | None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """One row of Superset's table `logs`, or none."""
        from superset.utils.core import get_username

        name = ACTIONS.get(action) or ("change" if _CHANGES.match(action) else None)
        if name is None or user_id is None:
            return
        if name == "read_chart":
            form = _form()
            dashboard_id = dashboard_id or _number(form.get("dashboardId"))
            slice_id = slice_id or _number(form.get("slice_id"))
        _write(name, user_id, get_username(), dashboard_id, slice_id, duration_ms)


def record(action: str, user: Any) -> None:
    """Write an event of our own; of someone unknown nothing is kept, not even the name typed."""
    user_id = getattr(user, "id", None)
    if user_id is not None:
        _write(action, user_id, getattr(user, "username", None), None, None, None)


def _write(
    action: str,
    user_id: int,
    username: str | None,
    dashboard: int | None,
    chart: int | None,
    duration_ms: int | None,
) -> None:
    from flask import has_request_context, request
    from sqlalchemy.exc import SQLAlchemyError
    from superset import db
    from superset.models.core import Log

    path = request.path[:200] if has_request_context() else ""
    row = {
        "action": action, "user_id": user_id, "dashboard_id": dashboard, "slice_id": chart,
        "duration_ms": duration_ms, "json": json.dumps({"path": path, "area": area_of(username)}),
    }  # fmt: skip
    try:  # as Superset's own logger does: in the session of the request, and committed
        db.session.execute(Log.__table__.insert().values(**row))
        db.session.commit()
    except SQLAlchemyError:
        logging.getLogger(__name__).exception("an access could not be written to the register")
        db.session.rollback()


def _form() -> dict[str, Any]:
    """What a chart says of itself in its request: Superset passes it on for old charts only."""
    from flask import request

    body = request.get_json(silent=True) if request.is_json else None
    form = body.get("form_data") if isinstance(body, dict) else None
    return form if isinstance(form, dict) else {}


def _number(value: Any) -> int | None:
    text = str(value)
    return int(text) if text.isdigit() else None
