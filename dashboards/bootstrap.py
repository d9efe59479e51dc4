"""Make Superset ready, in one process: each `superset …` command would cost ten seconds of imports.

Run with `.venv-superset/bin/python dashboards/bootstrap.py`, after the first publication. Run
again, it keeps users and roles and puts its own panels back as written here: edits made in Superset
belong in this folder. Standard library and Superset only.
"""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

ADMIN = "admin"
DATABASE = "govlake"
TABLE = "metric_values"
CHART = "全区累计指标"
VERSION = "1.0.0"

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


def main() -> None:
    """Bring metadata, roles, the first user and the panels to their present state."""
    home = Path(os.environ.get("GOVLAKE_HOME") or "data").resolve()
    os.environ["GOVLAKE_HOME"] = str(home)
    os.environ["SUPERSET_CONFIG_PATH"] = str(Path(__file__).with_name("superset_config.py"))
    os.umask(0o077)
    serving_file = district_file(home / "serving" / "current")

    from superset.app import create_app

    with create_app().app_context():
        from flask_migrate import upgrade
        from superset.extensions import appbuilder, db, security_manager

        upgrade()
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        db.session.commit()
        make_admin(security_manager, home / "superset" / "first_login.txt")
        import_panels(security_manager.find_user(ADMIN), serving_file)


def district_file(current: Path) -> Path:
    """The district's serving file by way of `current`: DuckDB follows the link at each connection.

    Raises:
        SystemExit: nothing is published yet.
    """
    files = sorted(current.glob("*.duckdb"), key=lambda p: (len(p.stem), p.stem))
    if not files:
        raise SystemExit(f"nothing is published in {current}: run `govlake run` first")
    return files[0]


def make_admin(security_manager: Any, note: Path) -> None:
    """Create the first user with a generated password; an existing user is left alone.

    Args:
        security_manager: Superset's, inside its application context.
        note: Where the password is written, readable by its owner only.
    """
    if security_manager.find_user(ADMIN):
        return
    password = secrets.token_urlsafe(18)
    note.unlink(missing_ok=True)
    note.touch(0o600)
    note.write_text(f"user: {ADMIN}\npassword: {password}\n")
    role = security_manager.find_role("Admin")
    mail = f"{ADMIN}@govlake.invalid"  # required and unique; `.invalid` never receives any
    if not security_manager.add_user(ADMIN, "管理员", "govlake", mail, role, password):
        raise SystemExit("the first user could not be created; Superset's log says why")


def import_panels(admin: Any, serving_file: Path) -> None:
    """Import connection, dataset and chart over whatever has their uuid; columns from the file."""
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.connectors.sqla.models import SqlaTable
    from superset.extensions import db
    from superset.utils.core import override_user

    with override_user(admin):
        # JSON is YAML: the importer reads it as it is.
        ImportAssetsCommand({k: json.dumps(v) for k, v in bundle(serving_file).items()}).run()
        dataset = db.session.query(SqlaTable).filter_by(uuid=identity("datasets", TABLE)).one()
        dataset.fetch_metadata()
        db.session.commit()


def bundle(serving_file: Path) -> dict[str, dict[str, Any]]:
    """The import bundle: path → content."""
    return {
        "metadata.yaml": {"version": VERSION, "type": "assets"},
        f"databases/{DATABASE}.yaml": {
            "database_name": DATABASE,
            "uuid": identity("databases", DATABASE),
            "version": VERSION,
            "sqlalchemy_uri": f"duckdb:///{serving_file}",
            "expose_in_sqllab": True,
            "allow_csv_upload": False,
            "allow_dml": False,
            "extra": {"engine_params": {"connect_args": CONNECT_ARGS}},
        },
        f"datasets/{DATABASE}/{TABLE}.yaml": {
            "table_name": TABLE,
            "schema": "main",
            "uuid": identity("datasets", TABLE),
            "version": VERSION,
            "database_uuid": identity("databases", DATABASE),
        },
        "charts/district_totals.yaml": district_totals(),
    }


def district_totals() -> dict[str, Any]:
    """A table of the district's figures to date, as they stand in the file: nothing is summed."""
    columns = ["metric_name", "value", "unit", "is_withheld"]
    keep = {"tier": "district", "period": "to_date"}
    rows = 1000
    query = {  # no "metrics", not even an empty list: that would group, and drop equal rows
        "columns": columns,
        "filters": [{"col": column, "op": "==", "val": value} for column, value in keep.items()],
        "orderby": [["metric_name", True]],
        "row_limit": rows,
    }
    params = {
        "viz_type": "table",
        "query_mode": "raw",
        "all_columns": columns,
        "adhoc_filters": [
            {"expressionType": "SIMPLE", "clause": "WHERE", "subject": column, "operator": "==",
             "comparator": value}
            for column, value in keep.items()
        ],
        "show_cell_bars": False,  # figures of unlike units do not compare
        "order_by_cols": [json.dumps(["metric_name", True])],
        "row_limit": rows,
        "column_config": {"value": {"d3NumberFormat": ",.12~g"}},  # the figure whole, not "9.12k"
    }  # fmt: skip
    return {
        "slice_name": CHART,
        "viz_type": "table",
        "uuid": identity("charts", "district_totals"),
        "version": VERSION,
        "dataset_uuid": identity("datasets", TABLE),
        "params": params,
        # With it, GET /api/v1/chart/<id>/data/ answers before anyone opened the chart.
        "query_context": json.dumps(
            {"queries": [query], "result_format": "json", "result_type": "full"}
        ),
    }


def identity(kind: str, name: str) -> str:
    """The same uuid for the same thing in every installation: a second import replaces it."""
    return str(uuid5(NAMESPACE_URL, f"govlake/{kind}/{name}"))


if __name__ == "__main__":
    main()
