"""Where Superset differs from the bundle: what people changed by hand, added or deleted.

Compared are the words of the bundle only: a column Superset adds of its own is no difference.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from govlake_superset import panels

# word of the bundle → attribute of Superset's model
_SAME = {
    "datasets": {"table_name": "table_name", "sql": "sql", "description": "description"},
    "charts": {"slice_name": "slice_name", "viz_type": "viz_type"},
    "dashboards": {"dashboard_title": "dashboard_title", "slug": "slug", "css": "css",
                   "published": "published"},
}  # fmt: skip
_ZH = {"datasets": "数据集", "charts": "图表", "dashboards": "看板"}


def differences(contents: dict[str, str]) -> list[dict[str, str]]:
    """Every difference: `kind`, `name`, `difference` (in English, for operators).

    Args:
        contents: A bundle: path → YAML text.
    """
    from superset.extensions import db

    files, dashboard_roles, _ = panels.read(contents)
    found: list[dict[str, str]] = []
    for kind, model in _models().items():
        there = {str(one.uuid): one for one in db.session.query(model).all()}
        ours = {f["uuid"]: f for path, f in files.items() if path.startswith(f"{kind}/")}
        for uuid, said in ours.items():
            name = said.get("table_name") or said.get("slice_name") or said["slug"]
            changed = (
                ["deleted"] if uuid not in there
                else list(_changed(kind, said, there[uuid], dashboard_roles.get(uuid)))
            )  # fmt: skip
            found += [{"kind": _ZH[kind], "name": name, "difference": what} for what in changed]
        found += [
            {
                "kind": _ZH[kind],
                "name": str(one),
                "difference": "made by hand, not in the repository",
            }
            for uuid, one in there.items()
            if uuid not in ours
        ]
    return found


def _models() -> dict[str, Any]:
    from superset.connectors.sqla.models import SqlaTable
    from superset.models.dashboard import Dashboard
    from superset.models.slice import Slice

    return {"datasets": SqlaTable, "charts": Slice, "dashboards": Dashboard}


def _changed(kind: str, said: dict[str, Any], there: Any, roles: list[str] | None) -> Iterator[str]:
    for word, attribute in _SAME[kind].items():
        if word in said and (said[word] or "") != (getattr(there, attribute) or ""):
            yield f"{word} differs"
    if kind == "datasets":
        labels = {column.column_name: column.verbose_name for column in there.columns}
        for column in said["columns"]:
            if labels.get(column["column_name"]) != column.get("verbose_name"):
                yield f"label of column {column['column_name']} differs"
    if kind == "charts":
        stored = json.loads(there.params or "{}")
        for word, value in said["params"].items():
            if stored.get(word) != value:
                yield f"{word} differs"
    if kind == "dashboards":
        if _places(json.loads(there.position_json or "{}")) != _places(said["position"]):
            yield "layout differs"
        stored = json.loads(there.json_metadata or "{}")
        if _filters(stored) != _filters(said["metadata"]):
            yield "filters differ"
        if stored.get("refresh_frequency") != said["metadata"].get("refresh_frequency"):
            yield "refresh_frequency differs"
        if roles is not None and sorted(r.name for r in there.roles) != sorted(roles):
            yield "roles differ"


def _places(position: dict[str, Any]) -> dict[str, Any]:
    """Position without what the import fills in: numbers of charts, Superset's own tabs."""
    own = {}
    for name, node in position.items():
        if isinstance(node, dict) and node.get("type") in ("ROW", "COLUMN", "CHART", "MARKDOWN"):
            meta = {
                k: v for k, v in node.get("meta", {}).items() if k in ("width", "height", "uuid")
            }
            own[name] = (node.get("children", []), meta)
    return own


def _filters(metadata: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Filters without what the import fills in: numbers of datasets and charts."""
    return [
        (one["id"], one["name"], [t.get("column") for t in one["targets"]],
         one.get("defaultDataMask", {}).get("filterState", {}).get("value"),
         one.get("controlValues", {}).get("multiSelect"))
        for one in metadata.get("native_filter_configuration", [])
    ]  # fmt: skip
