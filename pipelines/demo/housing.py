"""Buildings and rentals of 示范区: CSV points, GeoJSON footprints, XLSX registrations."""

from __future__ import annotations

import io
import json
from datetime import date, datetime, time, timedelta
from typing import cast

import numpy as np
import polars as pl
import xlsxwriter

from pipelines.demo.addresses import places_of, register_addresses, room
from pipelines.demo.mentions import Town, note_mentions, placed_by_buildings
from pipelines.demo.placing import placed_rows, random_communities
from pipelines.demo.plan import Plan
from pipelines.demo.space import Space
from pipelines.demo.tables import note_rows, spoil, with_rules, write_csv

BUILDINGS, RENTALS = 20_000, 30_000  # a register has no days: these follow the scale only
ROWS_PER_WORKBOOK = 5_000
_USES = ("residential", "commercial", "public", "industrial")
_NUMBERS = ("层数", "单元数", "房屋套数", "自住套数", "出租套数", "空置套数")


def build_buildings(plan: Plan, space: Space) -> tuple[pl.DataFrame, Town]:
    """Buildings with their texts as written and their truth, in a fixed order; where they are."""
    rng = plan.rng("buildings")
    count = max(300, round(BUILDINGS * plan.scale))
    community = random_communities(rng, space, count)
    floors = rng.integers(1, 34, count)
    units = rng.integers(1, 5, count)
    dwellings = floors * units * rng.integers(1, 4, count)
    rented = np.floor(dwellings * rng.uniform(0, 0.5, count)).astype(np.int64)
    vacant = np.floor(dwellings * rng.uniform(0, 0.2, count)).astype(np.int64)
    numbers = (floors, units, dwellings, dwellings - rented - vacant, rented, vacant)
    grade = rng.choice(["A", "B", "C", "D", ""], count, p=[0.5, 0.2, 0.03, 0.01, 0.26])
    since = rng.integers(1, 300, count)
    noon = plan.all_days[0]
    rows = pl.DataFrame(
        {
            "楼栋编码": [f"LD{n:07d}" for n in range(1, count + 1)],
            "建筑用途": rng.choice(_USES, count, p=[0.7, 0.15, 0.1, 0.05]),
            **{
                name: pl.Series(values).cast(pl.String)
                for name, values in zip(_NUMBERS, numbers, strict=True)
            },
            "危房等级": [g or None for g in grade.tolist()],
            "更新时间": [f"{noon - timedelta(days=int(d))} 12:00:00" for d in since],
            "true_community": space.community_codes[community],
        }
    ).hstack(placed_rows(rng, space, community).drop("网格编码"))
    places, codes = places_of(space, community), rows["community_code"]
    texts, book = register_addresses(plan.rng("addresses"), space, places, codes.to_list())
    return rows.hstack(texts), Town(space, codes, community, places, book)


def write_buildings(plan: Plan, buildings: pl.DataFrame) -> None:
    """Most buildings as points in a CSV, the last of them as footprints; older versions first."""
    stamp = plan.named_day(plan.last_day)
    text = buildings.drop("true_community", "community_code", "placed_by")
    points = text.head(len(text) * 17 // 20)
    older = points.gather_every(25).with_columns(
        自住套数=pl.lit("0"), 更新时间=pl.lit(f"{plan.all_days[0] - timedelta(days=400)} 12:00:00")
    )
    faulty = [
        spoil(points.head(1), [rule], **({"楼栋编码": f"LDF{n:06d}"} | values))
        for n, (rule, values) in enumerate(
            [
                (
                    "uses_fit_into_the_dwellings",
                    {"房屋套数": "1", "自住套数": "1", "出租套数": "1"},
                ),
                ("floor_count_is_within_range", {"层数": "0"}),
                ("danger_grade_is_a_known_code", {"危房等级": "E"}),
                ("building_id_is_present", {"楼栋编码": None}),
                ("unit_count_is_readable", {"单元数": "很多"}),
                ("building_use_is_a_known_code", {"建筑用途": "castle"}),
            ]
        )
    ]
    rows = pl.concat([with_rules(older), with_rules(points), *faulty])
    write_csv(plan, "buildings", f"buildings-{stamp}.csv", rows)
    footprints = text.tail(len(text) - len(points))
    name = f"buildings-footprints-{stamp}.geojson"
    plan.landing.write_text("buildings", name, _geojson(footprints))
    note_rows(plan, "buildings", name, with_rules(footprints)["rules"])
    plan.truth.add(
        "superseded", older.select(entity_id="楼栋编码", rows=1, feed=pl.lit("buildings"))
    )
    named = dict(
        zip(
            ("dwelling_count", "self_occupied_count", "rented_count", "vacant_count"),
            _NUMBERS[2:],
            strict=True,
        )
    )
    plan.truth.add(
        "buildings",
        buildings.with_columns(
            building_id="楼栋编码",
            danger_grade="危房等级",
            **{new: pl.col(old).cast(pl.Int64) for new, old in named.items()},
        ),
    )


def _geojson(rows: pl.DataFrame) -> str:
    """Footprints: 20 m squares around the point; no geometry where there is no point."""
    features = []
    for n, row in enumerate(rows.to_dicts()):
        if row["经度"] is None:
            features.append({"type": "Feature", "properties": row, "geometry": None})
            continue
        x, y = float(row["经度"]), float(row["纬度"])
        d = 0.0001 + n % 5 * 0.00001
        corners = [(x - d, y - d), (x + d, y - d), (x + d, y + d), (x - d, y + d), (x - d, y - d)]
        ring = [[round(a, 6), round(b, 6)] for a, b in corners]
        shape = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "properties": row, "geometry": shape})
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)


def write_rentals(plan: Plan, town: Town) -> None:
    """Write rentals as workbooks: dates as Excel dates in the first, third …, as text in others."""
    rng = plan.rng("rentals")
    count = max(200, round(RENTALS * plan.scale))
    at = rng.integers(0, len(town.places), count)
    placed = placed_rows(rng, town.space, town.true_community[at], points=False)
    mentions = town.mentions(
        rng, at, placed["community_code"].to_list(), [0.35, 0.1, 0.45, 0.05, 0.05],
        lambda n: room(rng, n % 3 + 1, n % 17 + 1, n % 6 + 1),
    )  # fmt: skip
    placed = placed_by_buildings(placed, mentions, town)
    rentals = (
        _rentals(plan, rng, count).hstack(placed).hstack(mentions.rename({"地址": "房屋地址"}))
    )
    note_mentions(plan, "rentals", rentals["备案号"], mentions)
    per_book = min(ROWS_PER_WORKBOOK, -(-count // 2))
    for n, piece in enumerate(rentals.iter_slices(per_book)):
        rows = [row | {"rules": None} for row in piece.to_dicts()]
        if n == 0:
            rows += _faulty_rentals(rows[0])
        name = f"rentals-{plan.named_day(plan.last_day)}-{n + 1:02d}.xlsx"
        plan.landing.write("rentals", name, [_workbook(rows, with_dates=n % 2 == 0)])
        rules = pl.Series([row["rules"] for row in rows], dtype=pl.List(pl.String))
        note_rows(plan, "rentals", name, rules)
    plan.truth.add(
        "rentals",
        rentals.select(
            "community_code", "placed_by", "building_id", "building_by",
            rental_id="备案号", rent_way="租赁方式",
            rent_channel="租赁渠道", rent_yuan_per_month="月租金", tenant_count="租住人数",
            starts_day="起租日期", ends_day="到期日期",
        ),
    )  # fmt: skip


_RENTAL_COLUMNS = (
    "备案号", "楼栋编码", "房屋地址", "社区编码", "租赁方式", "租赁渠道", "面积", "月租金",
    "租住人数", "出租人", "出租人电话", "起租日期", "到期日期", "更新时间",
)  # fmt: skip


def _rentals(plan: Plan, rng: np.random.Generator, count: int) -> pl.DataFrame:
    starts = [plan.last_day - timedelta(days=int(d)) for d in rng.integers(10, 700, count)]
    lasts = rng.choice([180, 365, 730], count).tolist()
    way = rng.choice(["1", "2"], count, p=[0.65, 0.35])
    area = np.where(way == "1", rng.uniform(35, 140, count), rng.uniform(8, 25, count))
    rent = np.round(area * rng.uniform(25, 60, count), -1)
    at = [
        datetime.combine(plan.last_day, time(8)) - timedelta(minutes=int(m))
        for m in rng.integers(0, 40_000, count)
    ]
    return pl.DataFrame(
        {
            "备案号": [f"CZ{n:08d}" for n in range(1, count + 1)],
            "租赁方式": way,
            "租赁渠道": rng.choice(["1", "2", "3", "4", "5", "9"], count),
            "面积": np.round(area, 1),
            "月租金": rent,
            "租住人数": rng.integers(1, 6, count),
            "出租人": [f"示例房东{n % 97}" for n in range(count)],
            "出租人电话": [f"0000-{n:07d}" for n in range(count)],
            "起租日期": starts,
            "到期日期": [s + timedelta(days=d) for s, d in zip(starts, lasts, strict=True)],
            "更新时间": at,
        }
    )


def _faulty_rentals(row: dict) -> list[dict]:
    faults: list[tuple[str, dict]] = [
        ("ends_after_it_starts", {"到期日期": row["起租日期"] - timedelta(days=30)}),
        ("rent_way_is_a_known_code", {"租赁方式": "3"}),
        ("rent_channel_is_a_known_code", {"租赁渠道": "7"}),
        ("area_m2_is_readable", {"面积": "二十平"}),
        ("area_m2_is_within_range", {"面积": 1.0}),
        ("rental_id_is_present", {"备案号": None}),
        ("starts_day_is_readable", {"起租日期": "上个月"}),
        ("updated_at_is_present", {"更新时间": None}),
    ]
    return [
        row | {"备案号": f"CZF{n:07d}"} | values | {"rules": [rule]}
        for n, (rule, values) in enumerate(faults)
    ]


def _workbook(rows: list[dict], *, with_dates: bool) -> bytes:
    """One sheet, header in the first row; the same rows give the same bytes."""
    memory = io.BytesIO()
    book = xlsxwriter.Workbook(memory, {"in_memory": True})
    book.set_properties({"created": datetime(2026, 1, 1)})
    sheet = book.add_worksheet("出租房")
    formats = {
        date: book.add_format({"num_format": "yyyy-mm-dd"}),
        datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
    }
    for c, column in enumerate(_RENTAL_COLUMNS):
        sheet.write_string(0, c, column)
        for r, row in enumerate(rows, 1):
            value = row[column]
            if isinstance(value, date):
                if with_dates:
                    sheet.write_datetime(r, c, cast(datetime, value), formats[type(value)])
                else:
                    sheet.write_string(r, c, str(value))
            elif isinstance(value, str):
                sheet.write_string(r, c, value)
            elif value is not None:
                sheet.write_number(r, c, value)
    book.close()
    return memory.getvalue()
