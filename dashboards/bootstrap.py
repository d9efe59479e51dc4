"""Make Superset ready, in one process: each `superset …` command would cost ten seconds of imports.

`govlake serve` runs it with `.venv-superset/bin/python dashboards/bootstrap.py`, after the first
publication; `govlake users …` with a request as JSON on its standard input (`--users`). Run again,
it keeps users and puts panels and roles back as written here: edits made in Superset belong in this
folder. The answer is one JSON object on standard output; everything else goes to standard error.

Standard library and Superset only.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BUNDLE = "panels.zip"
"""HOME/superset/panels.zip: the dashboards, built beforehand in the platform's environment."""


def main() -> None:
    """Bring metadata, roles, users and panels to their present state, or answer a request."""
    home = Path(os.environ.get("GOVLAKE_HOME") or "data").resolve()
    os.environ["GOVLAKE_HOME"] = str(home)
    os.environ["SUPERSET_CONFIG_PATH"] = str(HERE / "superset_config.py")
    os.umask(0o077)
    sys.path.insert(0, str(HERE))
    from govlake_superset.own_area import NotServed, file_of
    from govlake_superset.panels import BundleError

    request = json.load(sys.stdin)
    try:
        with redirect_stdout(sys.stderr):
            file_of(None)
            answer = ready(home, request)
    except (BundleError, NotServed) as error:
        raise SystemExit(str(error)) from None
    json.dump(answer, sys.stdout, ensure_ascii=False)


def ready(home: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Upgrade, then do what is asked: `bootstrap`, `diff`, or a request for `users.answer`."""
    from superset.app import create_app

    with create_app().app_context():
        from flask_migrate import upgrade
        from govlake_superset import drift, panels, roles, users
        from superset.extensions import appbuilder, db, security_manager

        upgrade()
        if db.engine.dialect.name == "sqlite":
            with db.engine.connect() as connection:  # readers need not wait for a writer
                connection.execute("PRAGMA journal_mode = WAL")
        is_fresh = security_manager.find_role(roles.ANALYST) is None
        if is_fresh or request["do"] == "bootstrap":
            appbuilder.add_permissions(update_perms=True)
            security_manager.sync_role_definitions()
            roles.make_roles(security_manager, panels.connection())
            db.session.commit()
        if request["do"] == "diff":
            return {"differences": drift.differences(bundle_of(home))}
        if request["do"] != "bootstrap":
            return users.answer(security_manager, request)
        logins = first_logins(security_manager, request.get("first_users", []))
        try:
            show(security_manager, home)
        except panels.BundleError as error:  # told with the logins: they are told only once
            return {"logins": logins, "error": str(error)}
        return {"logins": logins}


def bundle_of(home: Path) -> dict[str, str]:
    """The bundle that was built beforehand, or the starter where none was: path → YAML text."""
    from govlake_superset import panels, starter

    bundle = home / "superset" / BUNDLE
    return panels.contents_of(bundle.read_bytes()) if bundle.exists() else starter.contents()


def show(security_manager: Any, home: Path) -> None:
    """Import the panels, then let analysts at the connection they came with."""
    from govlake_superset import panels, roles
    from superset.extensions import db

    panels.import_bundle(bundle_of(home), an_admin(security_manager))
    roles.make_roles(security_manager, panels.connection())
    db.session.commit()


def first_logins(security_manager: Any, asked: list[dict[str, Any]]) -> dict[str, str]:
    """Where nobody can sign in yet: the administrator, and whom a demo wants. Name → password."""
    from govlake_superset import roles, users

    if security_manager.get_all_users():
        return {}
    first = {"username": users.FIRST, "display_name": "管理员", "role": roles.ADMIN}
    made = {user["username"]: users.put(security_manager, user) for user in (first, *asked)}
    return {name: password for name, password in made.items() if password}


def an_admin(security_manager: Any) -> Any:
    """An administrator, in whose name panels are imported."""
    from govlake_superset import roles

    role = security_manager.find_role(roles.SUPERSET_ADMIN)
    return next(user for user in role.user if user.active)


if __name__ == "__main__":
    main()
