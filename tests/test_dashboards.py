"""Dashboards as code hold together: dashboard → chart → dataset → macro → served column."""

from __future__ import annotations

import json
import re
from typing import Any

import duckdb
import polars as pl
import pytest

import assets.topics  # noqa: F401 - registers every topic table and its metrics
from dashboards import boards, bundle
from schemas import tables
from schemas.contract import polars_schema
from schemas.metrics import BY_ID

FILES = bundle.build()
BOARDS = {p: f for p, f in FILES.items() if p.startswith("dashboards/")}
CHARTS = {f["uuid"]: f for p, f in FILES.items() if p.startswith("charts/")}
DATASETS = {f["uuid"]: f for p, f in FILES.items() if p.startswith("datasets/")}
CHINESE = re.compile(r"[\u4e00-\u9fff]")
ENGLISH = re.compile(r"[A-Za-z]{3,}")
# panel list of the domain: group → a panel that shows it, on every tier
WANTED = {
    "社区简介": "profile", "党建引领": "party_age", "辖区人口": "residents_age",
    "辖区房屋": "dwelling_uses", "城市部件": "components", "网格治理": "grids",
    "网格事件": "cases", "低保救助": "welfare_classes", "出租房管理": "rental_channels",
    "阈值预警": "alarms", "处置全流程": "sensing", "设备在线状态": "devices",
    "通行": "passage_heat",
    "消防": "fire", "治理评价": "evaluation", "一张图": "map", "一张表": "all",
}  # fmt: skip


def served() -> duckdb.DuckDBPyConnection:
    """A serving file without rows: every served table as its contract says."""
    connection = duckdb.connect()
    every = [t for t in tables.TABLES if t.layer == "topics" and t.served]
    for table in (*tables.SERVED, tables.table("ops", "restatements"), *every):
        connection.register("rows", pl.DataFrame(schema=polars_schema(table.contract)).to_arrow())
        connection.execute(f"CREATE TABLE {table.name} AS FROM rows")
        connection.unregister("rows")
    connection.execute(bundle.macros())
    return connection


@pytest.mark.parametrize("path", BOARDS)
def test_every_panel_of_a_dashboard_leads_to_columns_that_are_served(path: str) -> None:
    charts = [n["meta"]["uuid"] for n in nodes(BOARDS[path], "CHART")]
    assert charts
    connection = served()
    for uuid in charts:
        chart = CHARTS[uuid]
        dataset = DATASETS[chart["dataset_uuid"]]
        columns = {column["column_name"] for column in dataset["columns"]}
        asked = chart["params"]["all_columns"]
        assert set(asked) <= columns, chart["slice_name"]
        sql = re.sub(r"\{\{.*?\}\}", "('-')", dataset["sql"])
        connection.execute(f"SELECT {', '.join(asked)} FROM ({sql}) AS panel")
        used = set(re.findall(r"\{\{\{?#?(?:if |unless )?(?:data\.\[0\]\.)?(\w+)\}?\}\}",
                              chart["params"]["handlebarsTemplate"]))  # fmt: skip
        assert used - {"else", "each"} <= columns, (chart["slice_name"], used - columns)


def nodes(board: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [n for n in board["position"].values() if isinstance(n, dict) and n["type"] == kind]


def test_filters_ask_columns_of_datasets_that_are_there() -> None:
    for board in BOARDS.values():
        filters = board["metadata"]["native_filter_configuration"]
        assert [f["id"].removeprefix("NATIVE_FILTER-") for f in filters] == [
            "area", "period", "metric", "topic",
        ]  # fmt: skip
        for one in filters:
            (target,) = one["targets"]
            columns = {c["column_name"] for c in DATASETS[target["datasetUuid"]]["columns"]}
            assert target["column"]["name"] in columns


@pytest.mark.parametrize("tier", boards.TIERS)
def test_every_group_of_the_panel_list_is_on_every_tier(tier: str) -> None:
    shown = boards.read_board(tier, boards.read_panels()).panel_ids()
    missing = {group for group, panel in WANTED.items() if panel not in shown}
    assert missing == set()
    assert "ranking" in shown or tier == "community"


def test_every_dashboard_has_roles_and_a_lower_tier_is_open_to_those_above() -> None:
    roles = {path: set(board["roles"]) for path, board in BOARDS.items()}
    assert all("管理员" in own and "区领导" in own for own in roles.values())
    assert "街道" not in roles["dashboards/district.yaml"]
    assert "社区" not in roles["dashboards/street.yaml"]
    assert {"街道", "社区"} <= roles["dashboards/community.yaml"]


def test_titles_and_labels_are_chinese() -> None:
    titles = [board["dashboard_title"] for board in BOARDS.values()]
    titles += [chart["slice_name"] for chart in CHARTS.values()]
    for dataset in DATASETS.values():
        titles += [column["verbose_name"] for column in dataset["columns"]]
    titles += [f["name"] for b in BOARDS.values()
               for f in b["metadata"]["native_filter_configuration"]]  # fmt: skip
    assert [t for t in titles if not CHINESE.search(t) or ENGLISH.search(t)] == []
    for chart in CHARTS.values():  # what a template says beside markup and names of columns
        said = re.sub(r"<[^>]*>|\{\{.*?\}\}\}?", " ", chart["params"]["handlebarsTemplate"])
        assert not ENGLISH.search(said), chart["slice_name"]


def test_building_again_gives_the_same_bytes_and_no_uuid_twice() -> None:
    assert bundle.zipped(bundle.build()) == bundle.zipped(FILES)
    uuids = [f["uuid"] for f in FILES.values() if "uuid" in f]
    assert len(uuids) == len(set(uuids))
    # written down once: another uuid would make a second dashboard beside the old one
    assert FILES["dashboards/district.yaml"]["uuid"] == DISTRICT_UUID


DISTRICT_UUID = "8b87ffa0-6cee-5aa3-9c1f-1207182a9b36"


def test_the_chain_of_uuids_is_whole() -> None:
    assert {c["dataset_uuid"] for c in CHARTS.values()} <= set(DATASETS)
    shown = {n["meta"]["uuid"] for b in BOARDS.values() for n in nodes(b, "CHART")}
    assert shown == set(CHARTS)
    for board in BOARDS.values():
        for row in nodes(board, "ROW"):
            columns = [board["position"][child] for child in row["children"]]
            assert sum(column["meta"]["width"] for column in columns) == boards.GRID_WIDTH


def test_no_template_has_a_line_break_or_a_script() -> None:
    for chart in CHARTS.values():
        template = chart["params"]["handlebarsTemplate"]
        assert "\n" not in template, "Markdown would take it apart"
        assert not re.search(r"<script|javascript:|\son\w+=|@@", template)
        # only what our SQL draws may come unescaped
        assert set(re.findall(r"\{\{\{(\w+)\}\}\}", template)) <= {"bars_svg", "cells"}


def test_a_board_that_is_wrong_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    panels = boards.read_panels()
    said = boards._read(boards.HERE / "district" / "board.yaml")
    wrong = {
        "no roles": said | {"roles": []},
        "not in the metric book": said | {"map_metric": "nonsense"},
        "unknown panels": said | {"rows": [[{"width": 12, "panels": {"nonsense": 9}}]]},
        "12 wide": said | {"rows": [[{"width": 11, "panels": {"strip": 9}}]]},
        "shown twice": said | {"rows": said["rows"] + [[{"width": 12, "panels": {"strip": 9}}]]},
    }
    for reason, text in wrong.items():
        monkeypatch.setattr(boards, "_read", lambda path, text=text: text)
        with pytest.raises(boards.BoardError, match=reason):
            boards.read_board("district", panels)


def test_a_panel_of_an_unknown_metric_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for said, reason in (
        ({"title": "某", "kind": "numbers", "metrics": ["nonsense"]}, "metric book"),
        ({"title": "某", "kind": "pyramid"}, "kind pyramid"),
        ({"title": "某", "kind": "map", "metrics": list(BY_ID)[:1]}, "metrics belong"),
        ({"title": "某", "kind": "ring"}, "metrics belong"),
    ):
        monkeypatch.setattr(boards, "_read", lambda path, said=said: {"one": said})
        with pytest.raises(boards.BoardError, match=reason):
            boards.read_panels()


def test_links_survive_quotes_and_are_json_free() -> None:
    assert bundle._values([("a'b", 1)]) == "('a''b', 1)"
    assert json.dumps(FILES["dashboards/street.yaml"], ensure_ascii=False)
