"""Registers of places and persons: a plain loop over the landed files finds what the lake holds."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, timezone

import polars as pl
import pytest
import shapely

from schemas import tables
from warehouse.home import Home
from warehouse.lake import Lake

pytestmark = pytest.mark.slow

CITY = timezone(timedelta(hours=8))
Truth = Callable[[str], pl.DataFrame]
Row = dict[str, str | None]


@pytest.fixture
def good_rows(demo_run: Home, truth: Truth) -> Callable[[str], Iterator[Row]]:
    """Rows of a feed's CSV files that nothing quarantines; blanks are None."""
    bad = set(truth("quarantined").select("feed", "file_name", "row_number").iter_rows())

    def read(feed: str) -> Iterator[Row]:
        for path in sorted((demo_run.landing / feed).glob("*.csv")):
            data = path.read_bytes()
            try:
                text = data.decode("utf-8-sig")
            except UnicodeDecodeError:
                text = data.decode("gb18030")
            for number, row in enumerate(csv.DictReader(io.StringIO(text)), 1):
                if (feed, path.name, number) not in bad:
                    yield {name: value or None for name, value in row.items()}

    return read


@pytest.fixture
def communities(demo_run: Home) -> dict[str, tuple[str, shapely.Geometry]]:
    """Code → name and shape of every community, from the landed file."""
    (path,) = (demo_run.landing / "areas").glob("*.geojson")
    found = {}
    for feature in json.loads(path.read_text())["features"]:
        own = feature["properties"]
        if own["tier"] == "community":
            shape = shapely.from_geojson(json.dumps(feature["geometry"]))
            found[own["area_code"]] = (own["area_name"], shape)
    return found


def clock(text: str | None) -> datetime:
    digits = "".join(c for c in str(text)[:19] if c.isdigit())
    return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=CITY)


def a_day(text: str | None) -> date | None:
    digits = "".join(c for c in text or "" if c.isdigit())
    return datetime.strptime(digits[:8], "%Y%m%d").date() if digits else None


def whole(text: str | None) -> int:
    return int(text or 0)


def silver(lake: Lake, name: str) -> pl.DataFrame:
    return lake.read(tables.table("silver", name))


def unordered(frame: pl.DataFrame) -> set[tuple]:
    rows = set(frame.iter_rows())
    assert len(rows) == frame.height
    return rows


def place_by_hand(row: Row, communities: dict) -> tuple[str | None, str]:
    """Code, then grid, then name, then point: the first that says something."""
    names = {name: code for code, (name, _) in communities.items()}
    if row["社区编码"] in communities:
        return row["社区编码"], "code"
    if (row["网格编码"] or "")[:12] in communities:
        return (row["网格编码"] or "")[:12], "code"
    if row["社区名称"] in names:
        return names[row["社区名称"]], "name"
    if row["经度"] and row["纬度"]:
        point = shapely.Point(float(row["经度"]), float(row["纬度"]))
        for code, (_, shape) in communities.items():
            if shape.contains(point):
                return code, "point"
    return None, "unplaced"


def test_small_places_agree_with_a_plain_loop_and_the_truth(
    demo_lake: Lake, truth: Truth, good_rows, communities
) -> None:
    newest: dict[str, Row] = {}
    for row in sorted(good_rows("small_places"), key=lambda r: clock(r["更新时间"])):
        newest[str(row["场所编号"])] = row
    found = {
        (key, *place_by_hand(row, communities), row["场所类别"], row["统一社会信用代码"],
         int(row["从业人数"]) if row["从业人数"] else None, row["消防安全责任级别"],
         a_day(row["最近检查日期"]), whole(row["隐患数"]), whole(row["已整改数"]))
        for key, row in newest.items()
    }  # fmt: skip
    columns = [
        "place_id", "community_code", "placed_by", "place_kind", "credit_code", "employee_count",
        "fire_level", "last_inspected_day", "hazard_count", "rectified_count",
    ]  # fmt: skip
    assert unordered(silver(demo_lake, "small_places").select(columns)) == found
    assert unordered(truth("small_places").select(columns)) == found
    assert {way for _, _, way, *_ in found} == {"code", "name", "point", "unplaced"}
    counts = demo_lake.read(tables.table("topics", "small_places_counts"))
    assert counts["place_count"].sum() == len(found)
    assert counts["employee_count"].sum() == sum(row[5] or 0 for row in found)
    unrectified = sum(row[8] > row[9] for row in found)
    assert counts["open_hazard_place_count"].sum() == unrectified > 0
    assert counts.filter(pl.col("community_code").is_null())["place_count"].sum() == sum(
        row[1] is None for row in found
    )
