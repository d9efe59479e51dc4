"""A supplier's own columns, codes, times and coordinates: by a YAML file, without Python."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import polars as pl
import pytest
import yaml
from support import govlake

from assets.site_mappings import mappings_of
from assets.taking_in import take_in
from quality.coordinates import wgs84_to_gcj02
from quality.judging import judge
from quality.mapped import mapped
from schemas import tables
from schemas.contract import wire_columns
from schemas.feeds import BY_NAME
from schemas.mappings import MappingError, mapping_of
from warehouse.home import Home
from warehouse.lake import Lake

ALARMS = {
    "feed": "fire_alarms",
    "files": "fire_alarms/acme_*",
    "encoding": "gb18030",
    "columns": {
        "alarm_id": "流水号", "building_id": "楼号", "alarm_kind": "类别",
        "alarmed_at": "发生", "updated_at": ["修改", "发生"], "longitude": "X", "latitude": "Y",
    },
    "values": {"alarm_kind": {"火": "fire", "障": "fault"}},
    "time_formats": ["%d/%m/%Y %H:%M"],
    "time_zone": "+00:00",
    "ignore": ["备注"],
}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Home:
    own = Home(tmp_path / "home")
    own.prepare()
    (own.config / "mappings").mkdir(parents=True, exist_ok=True)
    return own


def put_mapping(home: Home, name: str, document: object) -> None:
    text = document if isinstance(document, str) else yaml.safe_dump(document, allow_unicode=True)
    (home.config / "mappings" / f"{name}.yaml").write_text(text, encoding="utf-8")


def put_csv(home: Home, name: str, rows: list[dict[str, str]], encoding: str = "gb18030") -> None:
    path = home.landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding=encoding) as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def alarm(n: int, **more: str) -> dict[str, str]:
    return {"流水号": f"A{n}", "楼号": "B1", "类别": "火", "发生": "19/11/2026 16:30",
            "修改": "2026-11-19 16:31:00", "X": "118.1", "Y": "24.5", "备注": "x",
            **more}  # fmt: skip


def without_points(document: dict) -> dict:
    columns = {c: s for c, s in document["columns"].items() if c not in ("longitude", "latitude")}
    return {**document, "columns": columns}


def rows_of(home: Home, layer: tables.Layer, feed: str) -> pl.DataFrame:
    return Lake(home).read(tables.table(layer, feed)).sort("row_number")


def test_a_new_supplier_needs_no_python(home: Home) -> None:
    put_mapping(home, "acme", without_points(ALARMS))
    rows = [alarm(1), alarm(2, 类别="障", 修改=""), alarm(3, 类别="漏水"),
            alarm(4, 发生="2026-11-19T16:30:00+08:00")]  # fmt: skip
    put_csv(home, "fire_alarms/acme_1.csv", rows)
    take_in(Lake(home), "fire_alarms")
    kept = rows_of(home, "bronze", "fire_alarms")
    assert kept["alarm_id"].to_list() == ["A1", "A2", "A4"]
    assert kept["alarm_kind"].to_list() == ["fire", "fault", "fire"]
    # 16:30 in the supplier's zone (UTC), and in a zone the text itself names.
    assert kept["alarmed_at"].dt.strftime("%H:%M").to_list() == ["16:30", "16:30", "08:30"]
    assert kept["updated_at"].dt.strftime("%H:%M").to_list() == ["16:31", "16:30", "16:31"]
    set_apart = rows_of(home, "quarantine", "fire_alarms")
    assert set_apart["rules"].to_list() == [["alarm_kind_is_mapped: 漏水"]]


def test_files_of_others_are_read_as_ever(home: Home) -> None:
    put_mapping(home, "acme", without_points(ALARMS))
    wires = wire_columns(BY_NAME["fire_alarms"].contract)
    usual = {wires["alarm_id"][0]: "U1", wires["alarm_kind"][0]: "fire",
             wires["alarmed_at"][0]: "2026-11-19 16:30:00",
             wires["updated_at"][0]: "2026-11-19 16:30:00"}  # fmt: skip
    put_csv(home, "fire_alarms/usual.csv", [usual], "utf-8")
    intake = take_in(Lake(home), "fire_alarms")
    assert intake.set_aside == {}
    assert rows_of(home, "bronze", "fire_alarms")["alarm_id"].to_list() == ["U1"]


def test_a_form_the_feed_does_not_take_is_no_hindrance(home: Home) -> None:
    document = without_points(ALARMS) | {"encoding": None, "ignore": []}
    put_mapping(home, "acme", {k: v for k, v in document.items() if v is not None})
    path = home.landing / "fire_alarms" / "acme_1.ndjson"
    path.parent.mkdir(parents=True)
    rows = [alarm(1), alarm(2)]
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows))
    intake = take_in(Lake(home), "fire_alarms")
    assert intake.set_aside == {}
    assert rows_of(home, "bronze", "fire_alarms")["alarm_id"].to_list() == ["A1", "A2"]


def test_two_mappings_for_one_file_set_it_aside(home: Home) -> None:
    put_mapping(home, "acme", without_points(ALARMS))
    put_mapping(home, "again", without_points(ALARMS))
    put_csv(home, "fire_alarms/acme_1.csv", [alarm(1)])
    intake = take_in(Lake(home), "fire_alarms")
    assert "acme, again" in intake.set_aside["fire_alarms/acme_1.csv"]


def test_points_of_another_system_are_moved() -> None:
    feed = BY_NAME["grid_cases"]
    assert feed.has_points
    columns = {c: w[0] for c, w in wire_columns(feed.contract).items()}
    mapping = mapping_of("m", {"feed": "grid_cases", "columns": columns,
                               "coordinate_system": "GCJ02"})  # fmt: skip
    x, y = wgs84_to_gcj02([118.1, 118.2], [24.5, 24.6])
    texts = pl.DataFrame({"longitude": [*map(str, x), None], "latitude": [*map(str, y), "24"]})
    moved = mapped(mapping, texts)
    assert moved["longitude"].to_list()[2] is None
    assert [round(float(v), 7) for v in moved["longitude"][:2]] == [118.1, 118.2]
    assert [round(float(v), 7) for v in moved["latitude"][:2]] == [24.5, 24.6]


def test_a_constant_stands_in_every_row() -> None:
    document = without_points(ALARMS)
    del document["columns"]["alarm_kind"]
    mapping = mapping_of("m", {**document, "values": {}, "constants": {"alarm_kind": "fire"}})
    texts = pl.DataFrame({c: ["x"] for c in wire_columns(mapping.feed.contract)})
    assert mapped(mapping, texts)["alarm_kind"].to_list() == ["fire"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"feed": "nothing"}, "feed: 'nothing' is none of"),
        ({"feed": "face_captures"}, "is none of"),
        ({"colums": {}}, "key colums is not known"),
        ({"columns": {"alarm_id": "a"}}, "is required and has no source"),
        ({"columns": {"alarm_id": "a", "colour": "c"}}, "column colour is not known"),
        ({"values": {"shape": {}}}, "column shape is not known"),
        ({"time_zone": "Asia/Shanghai"}, "is no offset"),
        ({"coordinate_system": "mars"}, "is none of: WGS84"),
        ({"encoding": "klingon"}, "is not known; usual"),
        ({"files": "elsewhere/*"}, "does not begin with the feed's folder"),
        ({"columns": ["a"]}, "should hold `name: value` lines"),
        ({"ignore": "a"}, "should be a list"),
    ],
)
def test_a_mapping_that_cannot_be_used_says_why(change: dict, words: str) -> None:
    with pytest.raises(MappingError, match=r"config/mappings/m\.yaml") as told:
        mapping_of("m", {**without_points(ALARMS), **change})
    assert words in str(told.value)
    assert "run again" in str(told.value)


def test_broken_yaml_is_named(home: Home) -> None:
    put_mapping(home, "torn", "feed: [\n")
    with pytest.raises(MappingError, match=r"torn\.yaml: not readable as YAML"):
        mappings_of(home)


def test_an_unmapped_value_is_named_without_what_could_harm() -> None:
    mapping = mapping_of("m", without_points(ALARMS))
    texts = pl.DataFrame({c: ["2026-11-19 00:00:00"] for c in wire_columns(mapping.feed.contract)})
    texts = texts.with_columns(
        alarm_kind=pl.lit("=cmd|' /C calc'!A0" + "x" * 60), file_id=pl.lit("f"),
        row_number=pl.lit(1, pl.Int64), item_number=pl.lit(1, pl.Int32),
    )  # fmt: skip
    judged = judge(mapping.feed.contract, mapped(mapping, texts))
    (rule,) = [r for r in judged.quarantined["rules"][0] if "is_mapped" in r]
    assert rule.startswith("alarm_kind_is_mapped: ?cmd?")
    assert len(rule) <= len("alarm_kind_is_mapped: ") + 40


def test_a_draft_of_a_strange_file_is_a_mapping_that_works(home: Home) -> None:
    """What the command proposes, with its one open code answered, takes the file in."""
    headings = {"报警编号": "Alarm-ID", "报警类型": "类型代码", "报警时间": "报警 时间",
                "更新时间": "更新时间 "}  # fmt: skip
    rows = [
        {headings["报警编号"]: f"A{n}", headings["报警类型"]: kind,
         headings["报警时间"]: "2026年11月19日 16:30", headings["更新时间"]: "2026年11月19日 16:31",
         "颜色": "红"}
        for n, kind in enumerate(["fire", "fault", "shield"] * 33 + ["FEUER"])
    ]  # fmt: skip
    put_csv(home, "fire_alarms/strange.csv", rows)
    file = home.landing / "fire_alarms" / "strange.csv"
    said = govlake("map", "fire_alarms", str(file), "--write", "strange", "--home", str(home.root))
    assert "written" in said.stdout
    path = home.config / "mappings" / "strange.yaml"
    text = path.read_text()
    document = yaml.safe_load(text)
    assert document["columns"] == {
        "alarm_id": "Alarm-ID", "alarm_kind": "类型代码", "alarmed_at": "报警 时间",
        "updated_at": "更新时间",
    }  # fmt: skip
    assert document["ignore"] == ["颜色"]
    assert document["time_formats"] == ["%Y年%m月%d日 %H:%M"]
    assert '# "FEUER": ?' in text
    path.write_text(text.replace('# "FEUER": ?', '"FEUER": fire'))
    take_in(Lake(home), "fire_alarms")
    assert rows_of(home, "bronze", "fire_alarms").height == 100
    again = govlake("map", "fire_alarms", str(file), "--write", "strange",
                    "--home", str(home.root), check=False)  # fmt: skip
    assert again.returncode == 1
    assert "there already" in again.stderr
