"""Dashboards as code: from YAML, SQL and templates to what Superset imports.

Built in the platform's environment, for labels, units and columns come from the contracts and the
metric book; imported in Superset's (`bootstrap.py`). Everything in it has a uuid made from its
name, so an import replaces what the last one brought. The caller has imported `assets.topics`,
which writes the metric book.

Not here: what a board may say (`boards.py`), the connection and row rules
(`govlake_superset/panels.py`).
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from dashboards import layout
from dashboards.boards import (
    OF_METRICS,
    SHARED,
    TIERS,
    Board,
    Panel,
    read_board,
    read_datasets,
    read_panels,
)
from schemas import metrics
from schemas.contract import facts
from schemas.devices import DEVICE_KINDS
from schemas.feeds import FEEDS
from schemas.metric import topic_and_table
from schemas.restatements import REASONS
from schemas.sensing import LEVELS, QUANTITIES
from schemas.tables import SERVED, TABLES, Table, table

VERSION = "1.0.0"
THEMES = {"": "dark", "-office": "light"}
"""Ending of the address → theme: the wall's has none."""
PHYSICAL = ("passage_device_hours", "fire_episodes", "sensing_device_states")
"""Topic tables the SQL reads that have rows of areas: as datasets they come under row rules."""
CARRIED = {
    "carried_topic": "{{ filter_values('topic_name', '-') | where_in }}",
    "carried_metric": "{{ filter_values('map_metric', '-') | where_in }}",
}
"""Parameters of macros; `where_in` quotes what people chose."""
TYPES = {"number": "DOUBLE", "flag": "BOOLEAN", "text": "VARCHAR"}
PARTS = {"numbers": "panel_values", "bars": "panel_values", "ring": "panel_values",
         "funnel": "panel_values", "trend": "panel_trends", "strip": "area_strips",
         "map": "lower_areas", "ranking": "lower_areas", "table": "all_values",
         "alarms": "sensing_alarms", "devices": "device_states", "heat": "passage_heat",
         "notes": "area_notes"}  # fmt: skip
"""Kind of panel → dataset."""
ROWS = {"map": 2000, "ranking": 2000, "table": 500, "alarms": 200, "notes": 40}
AREA_AT_FIRST = (
    "{{% if filter_values('area_title') %}}1 = 1"
    "{{% else %}}area_title LIKE '% {{{{ area_at_first({digits}) }}}}'{{% endif %}}"
)
"""Before an area is chosen: the user's own, or the first one in it that is of this tier, as the
filter shows; never rows of all areas, and no second query when the filter has its values."""
CODE_DIGITS = {"district": 6, "street": 9, "community": 12}
NEWEST_FIRST = {"alarms"}
WHY_EMPTY = {
    "map": "没有下级区划的轮廓，或未选择指标",
    "ranking": "本层级没有下级区划，或未选择指标",
    "alarms": "保存期内辖区没有超过阈值的传感器读数",
    "devices": "设备台账中没有落在本区划的设备",
}
ELSE_EMPTY = "未选择区划，或本账号看不到该区划"


def identity(kind: str, name: str) -> str:
    """The same uuid for the same thing in every installation; as `govlake_superset.panels` has."""
    return str(uuid5(NAMESPACE_URL, f"govlake/{kind}/{name}"))


def build() -> dict[str, dict[str, Any]]:
    """Every file of the bundle: path → content.

    Raises:
        BoardError: a board or panel is wrong.
        KeyError: SQL or template is missing for what a panel names.
    """
    panels = read_panels()
    boards = [read_board(tier, panels) for tier in TIERS]
    files: dict[str, dict[str, Any]] = {"metadata.yaml": {"version": VERSION, "type": "assets"}}
    for one in (*physical_datasets(), *virtual_datasets(panels.values())):
        files[f"datasets/govlake/{one['table_name']}.yaml"] = one
    for board in boards:
        for panel_id in board.panel_ids():
            chart = chart_of(panels[panel_id], board)
            files[f"charts/{board.tier}_{panel_id}.yaml"] = chart
        for ending in THEMES:
            files[f"dashboards/{board.tier}{ending}.yaml"] = dashboard_of(board, ending, panels)
    return files


def zipped(files: Mapping[str, Mapping[str, Any]]) -> bytes:
    """The bundle as Superset's import takes it; JSON is YAML. Equal content, equal bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bundle:
        for path, content in sorted(files.items()):
            entry = zipfile.ZipInfo(f"govlake/{path}")
            entry.compress_type = zipfile.ZIP_DEFLATED
            bundle.writestr(entry, json.dumps(content, ensure_ascii=False, sort_keys=True))
    return packed.getvalue()


def physical_datasets() -> list[dict[str, Any]]:
    """Served tables as they are, labelled by their contracts."""
    own = [*SERVED, table("ops", "restatements"), *(table("topics", name) for name in PHYSICAL)]
    return [_physical(one) for one in own]


def _physical(one: Table) -> dict[str, Any]:
    columns = [
        {"column_name": name, "verbose_name": facts(one.contract, name)["zh"],
         "description": facts(one.contract, name).get("note") or "", "filterable": True,
         "groupby": True}
        for name in one.contract.columns()
    ]  # fmt: skip
    return _dataset(one.name, one.zh, columns)


def virtual_datasets(panels: Iterable[Panel]) -> list[dict[str, Any]]:
    """The SQL of `_shared/sql` with its columns labelled."""
    filled = _filled(list(panels))
    found = []
    for name, said in read_datasets().items():
        columns = [_column(column, label) for column, label in said["columns"].items()]
        one = _dataset(name, said["title"], columns)
        one["sql"] = f"SELECT * FROM {name}({call_of(name, filled)})"
        one["metrics"] = [
            {"metric_name": metric, "expression": expression}
            for metric, expression in said.get("metrics", {}).items()
        ]
        if "area_column" in said:
            one["area_column"] = said["area_column"]
        found.append(one)
    return found


def _dataset(name: str, title: str, columns: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "table_name": name,
        "schema": "main",
        "description": title,
        "uuid": identity("datasets", name),
        "database_uuid": identity("databases", "govlake"),
        "version": VERSION,
        "columns": columns,
        "metrics": [],
    }


def _column(name: str, said: str | None) -> dict[str, Any]:
    label, _, kind = (part.strip() for part in (said or "").partition("|"))
    return {
        "column_name": name,
        "verbose_name": label or _contract_label(name),
        "type": TYPES[kind or "text"],
        "filterable": True,
        "groupby": True,
    }


def _contract_label(name: str) -> str:
    """The label of the contract that has this column: values first, then the metric book."""
    for contract in (metrics.ServedValue, metrics.MetricEntry):
        if name in contract.columns():
            return facts(contract, name)["zh"]
    raise KeyError(f"column {name} has no label: neither in datasets.yaml nor in a contract")


def macros() -> str:
    """The SQL of virtual datasets as table macros, for every connection (`panel_sql.py`)."""
    filled = _filled(list(read_panels().values()))
    return ";\n".join(
        f"CREATE OR REPLACE TEMP MACRO {name}({', '.join(_parameters(name, filled))}) AS TABLE\n"
        + sql_of(name, filled)
        for name in read_datasets()
    )


def call_of(name: str, filled: Mapping[str, str]) -> str:
    """Arguments of a dataset's macro: filters that links carry along, as Superset's Jinja."""
    return ", ".join(CARRIED[one] for one in _parameters(name, filled))


def _parameters(name: str, filled: Mapping[str, str]) -> list[str]:
    sql = sql_of(name, filled)
    return [one for one in CARRIED if re.search(rf"\b{one}\b", sql)]


def sql_of(name: str, filled: Mapping[str, str]) -> str:
    """One dataset's SQL with what it includes, and lists from contracts and panels filled in.

    Raises:
        KeyError: it asks for a list that there is not.
    """
    text = (SHARED / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    parts = [(SHARED / "sql" / f"{one}.sql").read_text(encoding="utf-8").strip()
             for one in re.findall(r"^-- include (\w+)$", text, re.MULTILINE)]  # fmt: skip
    bodies = [re.sub(r"^--.*\n?", "", part, flags=re.MULTILINE).strip() for part in (*parts, text)]
    *includes, body = bodies
    if includes:
        joint = "\n" if body.startswith("SELECT") else ",\n"
        body = "WITH " + ",\n".join(includes) + joint + body
    return re.sub(r"@@(\w+)@@", lambda hit: filled[hit[1]], body)


def _filled(panels: list[Panel]) -> dict[str, str]:
    """Lists the SQL has no table for, as VALUES."""
    topics = {topic_and_table(t.name)[0]: t.zh.split()[0] for t in TABLES if t.layer == "topics"}
    shown, trends = (
        [
            (panel.id, place, metric)
            for panel in panels
            if panel.kind in kinds
            for place, metric in enumerate(panel.metrics, 1)
        ]
        for kinds in (OF_METRICS, ("trend",))
    )
    kinds = [(kind, zh, place) for place, (kind, zh) in enumerate(DEVICE_KINDS.items(), 1)]
    return {
        "topics": _values(sorted(topics.items())),
        "feeds": _values((feed.name, feed.zh) for feed in FEEDS),
        "panels": _values(shown),
        "trends": _values(trends),
        "device_kinds": _values(kinds),
        "quantities": _values(QUANTITIES.items()),
        "levels": _values(LEVELS.items()),
        "reasons": _values(REASONS.items()),
    }


def _values(rows: Iterable[tuple[str | int, ...]]) -> str:
    """Rows as a list for VALUES.

    >>> _values([("a", 1)])
    "('a', 1)"
    """

    def one(value: str | int) -> str:
        if isinstance(value, int):
            return str(value)
        return "'" + value.replace("'", "''") + "'"

    return ", ".join("(" + ", ".join(one(value) for value in row) + ")" for row in rows)


def chart_of(panel: Panel, board: Board) -> dict[str, Any]:
    """One panel of one board as Superset's chart."""
    dataset = PARTS[panel.kind]
    columns = list(read_datasets()[dataset]["columns"])
    has_place = "place" in columns
    order = [json.dumps(["place", panel.kind not in NEWEST_FIRST])] if has_place else []
    params = {
        "viz_type": "handlebars",
        "query_mode": "raw",
        "all_columns": columns,
        "order_by_cols": order,
        "row_limit": ROWS.get(panel.kind, 100),
        "adhoc_filters": [
            {
                "expressionType": "SQL",
                "clause": "WHERE",
                "sqlExpression": AREA_AT_FIRST.format(digits=CODE_DIGITS[board.tier]),
            },
            *([_equals("panel", panel.id)] if "panel" in columns else []),
        ],
        "handlebarsTemplate": template_of(panel),
        "styleTemplate": "",
    }
    name = f"{board.tier}_{panel.id}"
    return {
        "slice_name": panel.title,
        "viz_type": "handlebars",
        "uuid": identity("charts", name),
        "version": VERSION,
        "dataset_uuid": identity("datasets", dataset),
        "params": params,
        "query_context": None,
    }


def template_of(panel: Panel) -> str:
    """A template on one line: a blank line or an indent would make Markdown of it."""
    folder = SHARED / "templates"

    def part(name: str) -> str:
        lines = (folder / f"{name}.hbs").read_text(encoding="utf-8").splitlines()
        return "".join(line.strip() for line in lines)

    head = part("_head")
    for optional in ("period_shown", "as_of"):
        if optional not in read_datasets()[PARTS[panel.kind]]["columns"]:
            head = re.sub(rf"\{{\{{#if data\.\[0\]\.{optional}\}}\}}.*?\{{\{{/if\}}\}}", "", head)
    text = part(panel.kind).replace("@@head@@", head)
    text = text.replace("@@nothing@@", part("_empty")).replace("@@title@@", panel.title)
    return text.replace("@@empty@@", WHY_EMPTY.get(panel.kind, ELSE_EMPTY))


def _equals(column: str, value: str) -> dict[str, Any]:
    return {
        "expressionType": "SIMPLE",
        "clause": "WHERE",
        "subject": column,
        "operator": "==",
        "comparator": value,
    }


def dashboard_of(board: Board, ending: str, panels: Mapping[str, Panel]) -> dict[str, Any]:
    """One board in one theme."""
    slug = f"{board.tier}{ending}"
    css = "".join(
        (SHARED / f"{name}.css").read_text(encoding="utf-8") for name in (THEMES[ending], "panels")
    )
    return {
        "dashboard_title": board.title if not ending else f"{board.title}（办公版）",
        "slug": slug,
        "uuid": identity("dashboards", slug),
        "version": VERSION,
        "published": True,
        "roles": list(board.roles),
        "css": css,
        "position": layout.position_of(board, panels, identity),
        "metadata": layout.metadata_of(board, identity),
    }
