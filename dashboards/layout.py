"""Where panels stand on a dashboard, and its filters: Superset's `position` and `metadata`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dashboards.boards import Board, Panel
from schemas.metrics import BY_ID

REFRESH_S = 300
FIRST_PERIOD = "周"

Identity = Callable[[str, str], str]


def position_of(board: Board, panels: Mapping[str, Panel], identity: Identity) -> dict[str, Any]:
    """The grid: rows, columns in them, charts in these."""
    rows = [f"ROW-{n}" for n in range(len(board.rows))]
    grid: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": rows, "parents": ["ROOT_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": board.title}},
    }
    for n, columns in enumerate(board.rows):
        above = ["ROOT_ID", "GRID_ID", f"ROW-{n}"]
        ids = [f"COLUMN-{n}-{m}" for m in range(len(columns))]
        grid[f"ROW-{n}"] = _node("ROW", f"ROW-{n}", ids, above[:2])
        for column_id, column in zip(ids, columns, strict=True):
            charts = [f"CHART-{panel}" for panel in column.panels]
            grid[column_id] = _node("COLUMN", column_id, charts, above, width=column.width)
            for panel, height in column.panels.items():
                grid[f"CHART-{panel}"] = {
                    "type": "CHART",
                    "id": f"CHART-{panel}",
                    "children": [],
                    "parents": [*above, column_id],
                    "meta": {
                        "uuid": identity("charts", f"{board.tier}_{panel}"),
                        "width": column.width,
                        "height": height,
                        "chartId": 0,
                        "sliceName": panels[panel].title,
                    },
                }
    return grid


def _node(
    kind: str, node_id: str, children: list[str], parents: list[str], **meta: int
) -> dict[str, Any]:
    return {
        "type": kind,
        "id": node_id,
        "children": children,
        "parents": parents,
        "meta": {"background": "BACKGROUND_TRANSPARENT"} | meta,
    }


def metadata_of(board: Board, identity: Identity) -> dict[str, Any]:
    """Filters, refresh and colours."""
    metric = BY_ID[board.map_metric].zh
    return {
        "native_filter_configuration": [
            _filter("area", "区划", "area_choices", "area_title", identity, sort="first_code",
                    adhoc_filters=[{"expressionType": "SIMPLE", "clause": "WHERE",
                                    "subject": "tier", "operator": "==",
                                    "comparator": board.tier}]),
            _filter("period", "期间", "period_choices", "choice", identity, FIRST_PERIOD,
                    sort="step"),
            _filter("metric", "地图与排名指标", "metric_choices", "map_metric", identity, metric),
            _filter("topic", "一张表主题", "metric_choices", "topic_name", identity,
                    needed=False),
        ],
        "chart_configuration": {},
        "global_chart_configuration": {},
        "cross_filters_enabled": False,
        "filter_bar_orientation": "HORIZONTAL",
        "refresh_frequency": REFRESH_S,
        "timed_refresh_immune_slices": [],
        "expanded_slices": {},
        "label_colors": {},
        "shared_label_colors": [],
        "color_scheme": "",
        "default_filters": "{}",
    }  # fmt: skip


def _filter(
    name: str, title: str, dataset: str, column: str, identity: Identity,
    first: str | None = None, *, needed: bool = True, sort: str | None = None,
    adhoc_filters: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A filter with one choice; one that is needed and has no first value takes the first found."""
    chosen = {"extraFormData": {}, "filterState": {}, "ownState": {}}
    if first:
        own = {"col": column, "op": "IN", "val": [first]}
        chosen = {
            "extraFormData": {"filters": [own]},
            "filterState": {"label": first, "value": [first]},
            "ownState": {},
        }
    return (
        {
            "id": f"NATIVE_FILTER-{name}",
            "name": title,
            "type": "NATIVE_FILTER",
            "filterType": "filter_select",
            "targets": [{"datasetUuid": identity("datasets", dataset), "column": {"name": column}}],
            "controlValues": {
                "multiSelect": False,
                "enableEmptyFilter": needed,
                "defaultToFirstItem": needed and not first,
                "inverseSelection": False,
                "searchAllOptions": False,
                "sortAscending": True,
            },
            "defaultDataMask": chosen,
            "cascadeParentIds": [],
            "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
            "description": "",
            "chartsInScope": [],
            "tabsInScope": [],
        }
        | ({"sortMetric": sort} if sort else {})
        | ({"adhoc_filters": adhoc_filters} if adhoc_filters else {})
    )
