"""Dwellings of 示范区: rooms of its buildings, some by address, some of buildings nobody knows."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from pipelines.demo.addresses import room
from pipelines.demo.mentions import Town, note_mentions, placed_by_buildings
from pipelines.demo.plan import Plan
from pipelines.demo.tables import spoil, with_rules, write_csv

DWELLINGS = 200_000  # a register has no days: it follows the scale only
_COLUMNS = ["房屋编码", "楼栋编码", "房屋地址", "单元号", "楼层", "室号", "房屋用途", "房屋状态",
            "建筑面积", "更新时间"]  # fmt: skip


def write_dwellings(plan: Plan, town: Town) -> None:
    """Write an older list of some dwellings and the one that stands."""
    rng = plan.rng("dwellings")
    count = max(400, round(DWELLINGS * plan.scale))
    floors, units = rng.integers(-1, 33, count), rng.integers(1, 5, count)
    doors = rng.integers(1, 9, count)
    mentions = town.mentions(
        rng, rng.integers(0, len(town.places), count), [None] * count, [0.9, 0.02, 0.06, 0.02, 0],
        lambda n: room(rng, int(units[n]), max(int(floors[n]), 1), int(doors[n])),
    )  # fmt: skip
    nowhere = pl.repeat(None, count, dtype=pl.String, eager=True).alias("community_code")
    lies_in = placed_by_buildings(nowhere.to_frame().with_columns(placed_by=None), mentions, town)
    area = np.round(rng.uniform(18, 260, count), 2)
    area[rng.random(count) < 0.05] = np.nan
    rows = pl.DataFrame({
        "房屋编码": [f"FW{n:08d}" for n in range(1, count + 1)],
        "楼栋编码": mentions["楼栋编码"],
        "房屋地址": mentions["地址"],
        "community_code": lies_in["community_code"],
        "building_id": mentions["building_id"],
        "building_by": mentions["building_by"],
        "单元号": pl.Series(units).cast(pl.String),
        "楼层": pl.Series(floors).cast(pl.String),
        "室号": [f"{f}{r:02d}" for f, r in zip(floors, doors, strict=True)],
        "房屋用途": rng.choice(["1", "2", "3", "4", "9"], count, p=[0.55, 0.25, 0.1, 0.08, 0.02]),
        "房屋状态": rng.choice(["in_use", "sealed", "demolished"], count, p=[0.96, 0.02, 0.02]),
        "area_m2": pl.Series(area).fill_nan(None),
    }).with_columns(
        建筑面积=pl.col("area_m2").cast(pl.String),
        更新时间=pl.lit(f"{plan.all_days[0] - timedelta(days=5)} 08:00:00"),
    )  # fmt: skip
    text = rows.select(_COLUMNS)
    older = text.gather_every(40).with_columns(
        房屋用途=pl.lit("9"), 更新时间=pl.lit("2025-06-01 08:00:00")
    )  # fmt: skip
    faults: list[tuple[str, dict[str, str | None]]] = [
        ("dwelling_use_is_a_known_code", {"房屋用途": "7"}),
        ("dwelling_state_is_a_known_code", {"房屋状态": "漏水"}),
        ("area_m2_is_within_range", {"建筑面积": "0.2"}),
        ("floor_number_is_readable", {"楼层": "顶楼"}),
        ("room_number_is_present", {"室号": None}),
        ("names_its_building", {"楼栋编码": None, "房屋地址": None}),
    ]
    one = text.head(1)
    bad = [spoil(one, [r], **({"房屋编码": f"FWF{n:05d}"} | v)) for n, (r, v) in enumerate(faults)]
    name = f"dwellings-{plan.named_day(plan.last_day)}.csv"
    write_csv(plan, "dwellings", "dwellings-2025.csv", with_rules(older), "gb18030")
    write_csv(plan, "dwellings", name, pl.concat([with_rules(text), *bad]))
    note_mentions(plan, "dwellings", rows["房屋编码"], mentions)
    plan.truth.add(
        "superseded", older.select(entity_id="房屋编码", rows=1, feed=pl.lit("dwellings"))
    )
    names = {"房屋编码": "dwelling_id", "房屋用途": "dwelling_use", "房屋状态": "dwelling_state"}
    plan.truth.add("dwellings", rows.rename(names))
