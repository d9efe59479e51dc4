"""Dashboards as code: a bundle is imported over what is there, what left it is removed.

A bundle is what Superset imports as assets (`metadata.yaml`, `datasets/`, `charts/`,
`dashboards/`), with two words of ours: a dashboard's `roles` (names of roles, at least one), and a
dataset's `area_column` where it is neither `community_code` nor `area_code`. The connection is not
part of it: there is one, made here.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import yaml
from govlake_superset import own_area, roles

DATABASE = "govlake"
VERSION = "1.0.0"
METADATA = {"version": VERSION, "type": "assets"}

# Second wall: a row is shown to those whose area it lies in; unplaced rows to the district only.
_OWN = (
    "starts_with(CAST({column} AS VARCHAR), '{{{{ own_area() }}}}') "
    "OR ({column} IS NULL AND length('{{{{ own_area() }}}}') = 6)"
)
_RULES = {
    "area_code": ("govlake: own area (area_code)", _OWN.format(column="area_code")),
    "community_code": ("govlake: own area (community_code)", _OWN.format(column="community_code")),
    "above": ("govlake: area above", "starts_with('{{ own_area() }}', area_code)"),
    "none": ("govlake: nothing of any area", "1 = 1"),
}
_OF_NO_AREA = {"metrics": "none", "parent_values": "above"}


class BundleError(Exception):
    """A bundle that may not be shown; says which file, and what it lacks."""


def identity(kind: str, name: str) -> str:
    """The same uuid for the same thing in every installation: a second import replaces it."""
    return str(uuid5(NAMESPACE_URL, f"govlake/{kind}/{name}"))


def contents_of(bundle: bytes) -> dict[str, str]:
    """The files of a zipped bundle, without the root folder zips of assets have."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as file:
        names = [name for name in file.namelist() if name.endswith((".yaml", ".yml"))]
        root = next((n[: -len("metadata.yaml")] for n in names if n.endswith("metadata.yaml")), "")
        return {name.removeprefix(root): file.read(name).decode("utf-8") for name in names}


def import_bundle(contents: dict[str, str], admin: Any) -> None:
    """Bring Superset's panels to the state of a bundle, roles and row rules included.

    Args:
        contents: Path → YAML text.
        admin: The user in whose name things are imported.

    Raises:
        BundleError: a dashboard names no role, or one that is not there; a dataset has no column
            by which its rows belong to an area.
    """
    from superset.commands.exceptions import CommandException
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.extensions import db
    from superset.utils.core import override_user

    files, dashboard_roles, area_columns = read(contents)
    with override_user(admin):
        try:
            ImportAssetsCommand({k: json.dumps(v, default=str) for k, v in files.items()}).run()
        except CommandException as error:
            raise BundleError(f"Superset refuses the bundle: {_told(error)}") from error
        _remove_others(files)
        _give_roles(dashboard_roles)
        _rule_rows(area_columns)
        db.session.commit()
    assert_closed()


def read(
    contents: dict[str, str],
) -> tuple[dict[str, Any], dict[str, list[str]], dict[str, str]]:
    """What Superset is given, roles by uuid of the dashboard, area columns by uuid of the dataset.

    Raises:
        BundleError: a dashboard names no role, or one that is not there.
    """
    files: dict[str, Any] = {"metadata.yaml": METADATA, f"databases/{DATABASE}.yaml": database()}
    dashboard_roles, area_columns = {}, {}
    for path, text in sorted(contents.items()):
        kind = path.partition("/")[0]
        if kind not in ("datasets", "charts", "dashboards"):
            continue
        one = yaml.safe_load(text)
        if kind == "dashboards":
            named = one.pop("roles", None) or []
            if not named or not set(named) <= set(roles.ROLES):
                raise BundleError(f"{path}: `roles` names {named}; choose from {roles.ROLES}")
            dashboard_roles[one["uuid"]] = named
        if kind == "datasets":
            one["database_uuid"] = identity("databases", DATABASE)
            if column := one.pop("area_column", None) or _OF_NO_AREA.get(one["table_name"]):
                area_columns[one["uuid"]] = column
        files[path] = one | {"is_managed_externally": True}
    return files, dashboard_roles, area_columns


def database() -> dict[str, Any]:
    """The one connection; which file it opens is decided at each use (`own_area`)."""
    return {
        "database_name": DATABASE,
        "uuid": identity("databases", DATABASE),
        "version": VERSION,
        "sqlalchemy_uri": own_area.DATABASE_URI,
        "expose_in_sqllab": True,
        "allow_csv_upload": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_run_async": False,
        "is_managed_externally": True,
        "extra": {"engine_params": {"connect_args": own_area.CONNECT_ARGS}},
    }


def connection() -> Any:
    """The one connection as Superset holds it; None before the first import."""
    from superset.extensions import db
    from superset.models.core import Database

    uuid = identity("databases", DATABASE)
    return db.session.query(Database).filter_by(uuid=uuid).one_or_none()


def assert_closed() -> None:
    """Every dashboard has roles: without, it is open to whoever may read its datasets.

    Those people made in Superset itself are closed to all but administrators.

    Raises:
        BundleError: one of ours has none.
    """
    from superset.extensions import db, security_manager
    from superset.models.dashboard import Dashboard

    for one in db.session.query(Dashboard).all():
        if one.roles:
            continue
        if _is_ours(one):
            raise BundleError(f"dashboard {one.slug or one.id} has no roles")
        one.roles = [security_manager.find_role(roles.ADMIN)]
    db.session.commit()


def _told(error: Any) -> str:
    told = getattr(error, "normalized_messages", None)
    return f"{error} {json.dumps(told(), ensure_ascii=False, default=str) if told else ''}".strip()


def _give_roles(named: dict[str, list[str]]) -> None:
    from superset.extensions import db, security_manager
    from superset.models.dashboard import Dashboard

    for uuid, names in named.items():
        one = db.session.query(Dashboard).filter_by(uuid=uuid).one()
        one.roles = [security_manager.find_role(name) for name in names]
        one.published = True


def _rule_rows(area_columns: dict[str, str]) -> None:
    """Put each dataset under the rule of its area column.

    Raises:
        BundleError: a table has no column by which its rows belong to an area.
    """
    from superset.connectors.sqla.models import RowLevelSecurityFilter, SqlaTable
    from superset.extensions import db

    under: dict[str, list[Any]] = {kind: [] for kind in _RULES}
    for dataset in db.session.query(SqlaTable).all():
        if not dataset.sql:
            dataset.fetch_metadata()
        columns = {column.column_name for column in dataset.columns}
        kind = area_columns.get(str(dataset.uuid)) or _OF_NO_AREA.get(dataset.table_name)
        kind = kind or next((c for c in ("community_code", "area_code") if c in columns), None)
        if kind is None and dataset.sql:
            kind = "none"  # the tables it reads have rules of their own, and lie in the own file
        if kind not in _RULES:
            raise BundleError(f"dataset {dataset.table_name}: no column tells the area of a row")
        under[kind].append(dataset)
    for kind, (name, clause) in _RULES.items():
        rule = db.session.query(RowLevelSecurityFilter).filter_by(name=name).one_or_none()
        if rule is None:
            rule = RowLevelSecurityFilter(name=name)
            db.session.add(rule)
        rule.filter_type, rule.clause, rule.group_key = "Base", clause, None  # Base: for everyone
        rule.roles, rule.tables = [], under[kind]


def _remove_others(files: dict[str, Any]) -> None:
    """Remove what an earlier bundle brought and this one does not; never what people made."""
    from superset.connectors.sqla.models import SqlaTable
    from superset.extensions import db
    from superset.models.dashboard import Dashboard
    from superset.models.slice import Slice

    keep = {one["uuid"] for one in files.values() if "uuid" in one}
    for model in (Dashboard, Slice, SqlaTable):
        for one in _left(db.session.query(model).all(), keep):
            db.session.delete(one)
        db.session.flush()


def _left(found: Iterable[Any], keep: set[str]) -> list[Any]:
    return [one for one in found if _is_ours(one) and str(one.uuid) not in keep]


def _is_ours(one: Any) -> bool:
    """Things made in Superset have random uuids (version 4) and are managed there."""
    uuid = one.uuid if isinstance(one.uuid, UUID) else UUID(str(one.uuid))
    return bool(one.is_managed_externally) and uuid.version == 5
