"""Buildings of rows: by hand, against a plain loop over the demo's parts, and on a real lake."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import dagster as dg
import numpy as np
import polars as pl
import pytest
from small_lake import arrive, read

from assets.silver import areas, dwellings, housing, small_places
from pipelines.demo.addresses import room
from pipelines.demo.housing import build_buildings
from pipelines.demo.landing import Landing
from pipelines.demo.plan import Plan
from pipelines.demo.space import build_space
from pipelines.demo.truth import Truth
from quality.accounting import day_accounts
from quality.addresses import AddressWords, Buildings
from schemas import tables
from warehouse.lake import Lake

YUNLING, SHIQIAO, YUTANG = "350299001001", "350299001002", "350299002001"
AREAS = pl.DataFrame(
    [("350299", "示范区", "district"), ("350299001", "云岭街道", "street"),
     ("350299002", "桃坞镇", "street"), (YUNLING, "云岭社区居委会", "community"),
     (SHIQIAO, "石桥社区", "community"), (YUTANG, "玉塘村村民委员会", "community")],
    schema=["area_code", "area_name", "tier"], orient="row",
)  # fmt: skip
REGISTER = [  # code, name, address, community
    ("L1", None, "湖滨路１２号云岭花园三号楼", YUNLING),
    ("L2", "云岭花园5号楼", "示范区云岭街道湖滨路12号云岭花园5幢", YUNLING),
    ("L3", None, "幸福花园1栋", YUNLING),
    ("L4", None, "石桥路8号幸福花园1号楼", SHIQIAO),
    ("L5", "石桥路二十号", "石桥路20号", SHIQIAO),
    ("L6", None, "玉塘村5组6号", YUTANG),
    ("L7", "金桂苑A座", None, None),
    ("L8", "综合楼", None, YUNLING),
    ("L9", "3号楼", "石桥社区", None),
]
BUILDINGS = pl.DataFrame(
    REGISTER, schema=["building_id", "building_name", "address", "community_code"], orient="row"
)
FOUND: list[tuple[str | None, str | None, str | None, str | None, str]] = [
    # code, address, community of the row; building and how it was found
    ("L1", None, None, "L1", "code"),
    ("L1", "石桥路20号", None, "L1", "code"),
    ("XX", "石桥路２０号", None, "L5", "address"),
    ("XX", None, None, None, "unknown"),
    (None, None, YUNLING, None, "not_said"),
    (None, "湖滨路12号3号楼501室", None, "L1", "address"),
    (None, "云岭花园５＃楼二单元四〇一", None, "L2", "address"),
    (None, "福建省厦门市示范区云岭街道云岭社区湖滨路十二号云岭花园叁幢", None, "L1", "address"),
    (None, "云岭社区居民委员会云岭花园3-2-501", None, "L1", "address"),
    (None, "桃坞镇云岭花园3号楼", None, None, "unknown"),
    (None, "云岭花园", None, None, "ambiguous"),
    (None, "云岭花园9号楼", None, None, "unknown"),
    (None, "云岭花园3号楼对面", None, None, "unknown"),
    (None, "幸福花园1号楼", None, None, "ambiguous"),
    (None, "幸福花园1号楼", SHIQIAO, "L4", "address"),
    (None, "云岭社区幸福花园1号楼", None, "L3", "address"),
    (None, "云岭社区幸福花园1号楼", SHIQIAO, "L3", "address"),  # what is written counts
    (None, "幸福花园1号楼", YUTANG, None, "unknown"),
    (None, "玉塘村五组6号", None, "L6", "address"),
    (None, "玉塘村5组", None, None, "ambiguous"),
    (None, "玉塘村民委员会5组6号", None, "L6", "address"),
    (None, "玉塘村5组7号", None, None, "unknown"),
    (None, "金桂苑Ａ座1203", YUNLING, "L7", "address"),
    (None, "综合楼", None, None, "unknown"),
    (None, "云岭社区", None, None, "unknown"),
    (None, "  ", None, None, "unknown"),
]


@pytest.mark.parametrize("row", FOUND, ids=lambda row: f"{row[0]} {row[1]} {row[2]}")
def test_a_row_finds_its_building_or_says_why_not(row: tuple) -> None:
    code, address, community, building, way = row
    columns = {"building_id": code, "address": address, "community_code": community}
    frame = pl.DataFrame([columns], schema=dict.fromkeys(columns, pl.String))
    found = Buildings(BUILDINGS, AREAS).find(frame)
    assert found.select("building_id", "building_by").row(0) == (building, way)


def test_a_building_places_only_what_nothing_else_placed() -> None:
    rows = pl.DataFrame(
        [("L1", SHIQIAO, "code"), ("L1", None, "unplaced"), ("L7", None, "unplaced"),
         ("XX", None, "unplaced"), (None, YUTANG, "point")],
        schema=["building_id", "community_code", "placed_by"], orient="row",
    ).with_columns(address=pl.lit(None, pl.String))  # fmt: skip
    found = Buildings(BUILDINGS, AREAS).find(rows)
    assert found.select("community_code", "placed_by").rows() == [
        (SHIQIAO, "code"), (YUNLING, "building"), (None, "unplaced"), (None, "unplaced"),
        (YUTANG, "point"),
    ]  # fmt: skip
    bare = Buildings(BUILDINGS, AREAS).find(rows.drop("community_code", "placed_by"))
    assert bare["community_code"].to_list() == [YUNLING, YUNLING, None, None, None]
    none = Buildings(BUILDINGS.clear(), AREAS).find(rows)
    assert none["building_by"].to_list() == ["unknown"] * 4 + ["not_said"]


STANDARD = [
    ("湖滨路１２号云岭花园三号楼", YUNLING, "示范区云岭街道云岭社区湖滨路12号云岭花园3幢"),
    ("示范区湖滨路12号", None, "示范区湖滨路12号"),
    ("石桥社区石桥路8号", YUNLING, "示范区云岭街道石桥社区石桥路8号"),
    ("云岭街道石桥路8号", None, "示范区云岭街道石桥路8号"),
    ("桃坞镇石桥路8号", YUNLING, "示范区桃坞镇石桥路8号"),
    ("玉塘村委会5组6号", YUTANG, "示范区桃坞镇玉塘村5组6号"),
    ("详见附件", YUNLING, None), (None, YUNLING, None),
]  # fmt: skip


def test_standard_addresses_have_their_areas() -> None:
    texts, codes, lines = zip(*STANDARD, strict=True)
    found = AddressWords(AREAS).standard(
        pl.Series(texts, dtype=pl.String), pl.Series(codes, dtype=pl.String)
    )
    assert found.to_list() == list(lines)


@pytest.mark.parametrize(("seed", "scale"), [(1, 0.002), (2, 0.03), (3, 0.1)])
def test_addresses_of_the_demo_find_what_a_loop_over_its_parts_finds(
    tmp_path, seed: int, scale: float
) -> None:
    as_of = datetime(2026, 11, 20, 9, tzinfo=timezone(timedelta(hours=8)))
    landing, truth = Landing(tmp_path), Truth(tmp_path)
    plan = Plan(tmp_path, 1, scale, seed, as_of, frozenset(), landing, truth)
    space = build_space(plan)
    registered, town = build_buildings(plan, space)
    rng = np.random.default_rng(seed)
    at = rng.integers(0, len(town.places), 3000)
    codes = town.codes.gather(at).to_list()
    codes = [c if n % 2 else None for n, c in enumerate(codes)]
    rows = town.mentions(rng, at, codes, [0.05, 0.05, 0.8, 0.08, 0.02],
                         lambda n: room(rng, n % 3 + 1, n % 30 + 1, n % 8 + 1))  # fmt: skip
    area_rows = [(code, name, {6: "district", 9: "street", 12: "community"}.get(len(code), "grid"))
                 for code, name in space.names.items()]  # fmt: skip
    names = pl.DataFrame(area_rows, schema=AREAS.schema, orient="row")
    register = registered.select(
        "community_code", building_id="楼栋编码", address="建筑地址", building_name="楼栋名称"
    )
    found = Buildings(register, names).find(
        rows.select(building_id="楼栋编码", address="地址").with_columns(
            pl.Series("community_code", codes, pl.String)
        )
    )
    same = pl.DataFrame({"way": found["building_by"] == rows["building_by"],
                         "one": found["building_id"].eq_missing(rows["building_id"])})  # fmt: skip
    wrong = rows.with_columns(found=found["building_by"]).filter(~same["way"] | ~same["one"])
    assert wrong.is_empty(), wrong.head(5).rows()
    by_address = found["building_by"] == "address"
    right = (found["building_id"] == rows["true_building_id"]).fill_null(value=False)
    assert by_address.sum() > 1500
    assert right.filter(by_address).all()  # precision 1
    asked = rows["地址"].is_not_null() & (found["building_by"] != "code")
    # the others say too little, or what nobody knows
    assert right.filter(asked).to_list().count(True) > 0.75 * asked.to_list().count(True)
    assert set(found["building_by"]) == {"code", "address", "ambiguous", "unknown", "not_said"}


# --- on a lake ----------------------------------------------------------------------------------

ASSETS: list[Any] = [areas.areas, housing.buildings, housing.rentals, dwellings.dwellings,
          small_places.small_places]  # fmt: skip


def square(x: float) -> str:
    corners = [[x, 24.0], [x + 0.05, 24.0], [x + 0.05, 24.1], [x, 24.1], [x, 24.0]]
    return json.dumps({"type": "Polygon", "coordinates": [corners]})


def area(code: str, name: str, tier: str, x: float) -> dict[str, Any]:
    parent = code[:-3] if len(code) > 6 else None
    return {"area_code": code, "area_name": name, "tier": tier, "parent_code": parent,
            "shape": square(x)}  # fmt: skip


def build(lake: Lake) -> dict[str, dict[str, Any]]:
    """Materialise the registers; asset → metadata."""
    with dg.DagsterInstance.ephemeral() as instance:
        run = dg.materialize(ASSETS, resources={"lake": lake}, instance=instance)
    found = {}
    for event in run.get_asset_materialization_events():
        one = event.step_materialization_data.materialization
        found[one.asset_key.path[-1]] = {k: v.value for k, v in one.metadata.items()}
    return found


def nowhere(**values: str | None) -> dict[str, str | None]:
    return {"community_code": None, "longitude": None, "latitude": None} | values


def missing(lake: Lake, feed: str) -> int:
    """Rows of bronze that are in no table and no ledger."""

    def count(layer: Any, name: str, *by: str) -> pl.DataFrame:
        rows = lake.read(tables.table(layer, name)).with_columns(day=pl.lit(None, pl.Date))
        return rows.group_by("day", *by).agg(rows=pl.len())

    books = day_accounts(
        count("bronze", feed), count("silver", feed), count("silver", f"{feed}_merges", "outcome"),
        count("silver", f"{feed}_set_aside"),
    )  # fmt: skip
    return int(books["missing"].sum())


def rows_of(lake: Lake, name: str, *columns: str) -> list[tuple]:
    return lake.read(tables.table("silver", name), list(columns)).sort(columns[0]).rows()


def test_registers_find_buildings_and_follow_them(lake: Lake) -> None:
    arrive(lake, "areas", read("areas", [
        area("350299", "示范区", "district", 118.0), area("350299001", "云岭街道", "street", 118.0),
        area(YUNLING, "云岭社区", "community", 118.0),
        area(SHIQIAO, "石桥社区", "community", 118.05),
    ]))  # fmt: skip
    own = {"footprint": None, "building_name": None}
    arrive(lake, "buildings", read("buildings", [
        own | nowhere(building_id="L1", address="湖滨路12号云岭花园3号楼", community_code=YUNLING),
        own | nowhere(building_id="L2", address="石桥路８号", longitude="118.06",
                      latitude="24.05"),
        own | nowhere(building_id="L3", address=None),
    ]))  # fmt: skip
    arrive(lake, "rentals", read("rentals", [
        {"rental_id": f"R{n}", "building_id": b, "address": a, "community_code": c}
        for n, (b, a, c) in enumerate([
            (None, "云岭花园三号楼501", None), (None, "石桥路8号201室", YUNLING),
            ("L1", None, SHIQIAO), (None, "文园路1号", None), (None, None, None),
            ("L9", None, None),
        ])
    ]))  # fmt: skip
    arrive(lake, "dwellings", read("dwellings", [
        {"dwelling_id": "D1", "building_id": "L1", "address": None, "unit_number": "2单元",
         "floor_number": "5", "room_number": "501室"},
        {"dwelling_id": "D2", "building_id": None, "address": "石桥路8号", "unit_number": None,
         "floor_number": None, "room_number": "202"},
        {"dwelling_id": "D3", "building_id": "L9", "address": None},
    ]))  # fmt: skip
    place = {"grid_code": None, "community_name": None, "street_name": None}
    arrive(lake, "small_places", read("small_places", [
        place | nowhere(place_id="P1", building_id=None, address="石桥路8号1层"),
        place | nowhere(place_id="P2", building_id="L1", address=None, longitude="118.06",
                        latitude="24.05"),
    ]))  # fmt: skip
    told = build(lake)
    standard = rows_of(lake, "buildings", "building_id", "standard_address")
    assert standard == [
        ("L1", "示范区云岭街道云岭社区湖滨路12号云岭花园3幢"),
        ("L2", "示范区云岭街道石桥社区石桥路8号"), ("L3", None),
    ]  # fmt: skip
    ways = ("building_id", "building_by", "community_code", "placed_by")
    assert rows_of(lake, "rentals", "rental_id", *ways) == [
        ("R0", "L1", "address", YUNLING, "building"),
        ("R1", None, "unknown", YUNLING, "code"),  # that number lies in another community
        ("R2", "L1", "code", SHIQIAO, "code"), ("R3", None, "unknown", None, "unplaced"),
        ("R4", None, "not_said", None, "unplaced"), ("R5", None, "unknown", None, "unplaced"),
    ]  # fmt: skip
    assert rows_of(lake, "small_places", "place_id", *ways) == [
        ("P1", "L2", "address", SHIQIAO, "building"), ("P2", "L1", "code", SHIQIAO, "point"),
    ]  # fmt: skip
    columns = ("dwelling_id", "building_id", "building_by", "community_code", "standard_address")
    assert rows_of(lake, "dwellings", *columns) == [
        ("D1", "L1", "code", YUNLING, "示范区云岭街道云岭社区湖滨路12号云岭花园3幢2单元5层501室"),
        ("D2", "L2", "address", SHIQIAO, "示范区云岭街道石桥社区石桥路8号202室"),
        ("D3", None, "unknown", None, None),
    ]  # fmt: skip
    counts = {k: v for k, v in told["rentals"].items() if k.startswith("building_by_")}
    assert counts == {"building_by_code": 1, "building_by_address": 1, "building_by_ambiguous": 0,
                      "building_by_unknown": 3, "building_by_not_said": 1}  # fmt: skip
    registers = ("buildings", "rentals", "dwellings", "small_places")
    assert [missing(lake, feed) for feed in registers] == [0, 0, 0, 0]

    again = build(lake)
    assert all(again[name]["renewed_parts"] == 0 for name in registers)
    # a building that was unknown arrives, and the rows that name it follow
    arrive(lake, "buildings", read("buildings", [
        own | nowhere(building_id="L9", address="文园路1号", community_code=SHIQIAO)
    ]))  # fmt: skip
    after = build(lake)
    assert all(after[name]["renewed_parts"] == 1 for name in registers)
    assert [row[1] for row in rows_of(lake, "rentals", "rental_id", "building_id")] == [
        "L1", None, "L1", "L9", None, "L9",
    ]  # fmt: skip
    assert rows_of(lake, "dwellings", *columns)[2][:4] == ("D3", "L9", "code", SHIQIAO)
    assert [missing(lake, feed) for feed in registers] == [0, 0, 0, 0]
