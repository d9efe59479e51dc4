"""The panel shown where no bundle was built: the newest figures of the user's own area."""

from __future__ import annotations

import json
from typing import Any

from govlake_superset.panels import METADATA, VERSION, identity
from govlake_superset.roles import ROLES

TABLE = "metric_values"
TITLE = "最新指标"
ROWS = 1000
SHOWN = ["metric_name", "area_name", "period", "value", "unit", "is_withheld"]
ORDER = [[column, True] for column in ("metric_name", "area_name", "period")]


def contents() -> dict[str, str]:
    """The bundle; JSON is YAML."""
    files = {
        "metadata.yaml": METADATA,
        f"datasets/govlake/{TABLE}.yaml": {
            "table_name": TABLE,
            "schema": "main",
            "uuid": identity("datasets", TABLE),
            "version": VERSION,
            "database_uuid": identity("databases", "govlake"),
        },
        "charts/totals.yaml": _totals(),
        "dashboards/totals.yaml": _dashboard(),
    }
    return {path: json.dumps(one, ensure_ascii=False) for path, one in files.items()}


def _totals() -> dict[str, Any]:
    """A table of figures as they stand in the file: nothing is summed."""
    params = {
        "viz_type": "table",
        "query_mode": "raw",
        "all_columns": SHOWN,
        "adhoc_filters": [
            {"expressionType": "SIMPLE", "clause": "WHERE", "subject": "is_newest",
             "operator": "IS TRUE"}
        ],
        "show_cell_bars": False,  # figures of unlike units do not compare
        "order_by_cols": [json.dumps(one) for one in ORDER],
        "row_limit": ROWS,
        "column_config": {"value": {"d3NumberFormat": ",.12~g"}},  # the figure whole, not "9.12k"
    }  # fmt: skip
    query = {  # no "metrics", not even an empty list: that would group, and drop equal rows
        "columns": SHOWN,
        "filters": [{"col": "is_newest", "op": "IS TRUE", "val": None}],
        "orderby": ORDER,
        "row_limit": ROWS,
    }
    return {
        "slice_name": TITLE,
        "viz_type": "table",
        "uuid": identity("charts", "totals"),
        "version": VERSION,
        "dataset_uuid": identity("datasets", TABLE),
        "params": params,
        # With it, GET /api/v1/chart/<id>/data/ answers before anyone opened the chart.
        "query_context": json.dumps(
            {"queries": [query], "result_format": "json", "result_type": "full"}
        ),
    }


def _dashboard() -> dict[str, Any]:
    chart = {
        "type": "CHART",
        "id": "CHART-totals",
        "children": [],
        "parents": ["ROOT_ID", "GRID_ID", "ROW-totals"],
        "meta": {"uuid": identity("charts", "totals"), "width": 12, "height": 80,
                 "chartId": 0, "sliceName": TITLE},
    }  # fmt: skip
    return {
        "dashboard_title": TITLE,
        "slug": "totals",
        "uuid": identity("dashboards", "totals"),
        "version": VERSION,
        "published": True,
        "roles": list(ROLES),
        "position": {
            "DASHBOARD_VERSION_KEY": "v2",
            "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
            "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": ["ROW-totals"],
                        "parents": ["ROOT_ID"]},
            "ROW-totals": {"type": "ROW", "id": "ROW-totals", "children": ["CHART-totals"],
                           "parents": ["ROOT_ID", "GRID_ID"],
                           "meta": {"background": "BACKGROUND_TRANSPARENT"}},
            "CHART-totals": chart,
        },
        "metadata": {},
    }  # fmt: skip
