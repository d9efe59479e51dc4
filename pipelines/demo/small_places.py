"""Small places 九小场所 of 示范区: placed by code, grid, written name, point, or not at all."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import polars.selectors as cs

from pipelines.demo.credit_codes import credit_code
from pipelines.demo.mentions import Town, note_mentions, placed_by_buildings
from pipelines.demo.plan import Plan
from pipelines.demo.tables import spoil, with_rules, write_csv

ONE_DAY = timedelta(days=1)
PLACES = 40_000  # a register has no days: this follows the scale only
_WAYS = ["code", "grid", "name", "point", "wrong_name", "nothing"]
_SHARES = [0.62, 0.1, 0.12, 0.1, 0.03, 0.03]
_KINDS = [0.03, 0.06, 0.32, 0.24, 0.06, 0.03, 0.03, 0.13, 0.1]
_INSIDE = ("", "", "1层", "一楼", "101", "102室", "（一楼店面）")
_SIGNS = ("小学堂", "诊所", "便利店", "小吃店", "旅馆", "歌舞厅", "网吧", "美发店", "加工坊")


def write_small_places(plan: Plan, town: Town) -> None:
    """Two deliveries: the register, and later the places whose hazards were mended since."""
    rows = _places(plan, town)
    mended = rows.filter("mended")
    after = _texts(mended.with_columns(已整改数="隐患数", 更新时间="later"))
    faults: list[tuple[str, dict[str, str | None]]] = [
        ("credit_code_is_valid", {"统一社会信用代码": "91350299MA0000000A"}),
        ("place_kind_is_a_known_code", {"场所类别": "10"}),
        ("fire_level_is_a_known_code", {"消防安全责任级别": "高"}),
        ("fire_level_is_present", {"消防安全责任级别": None}),
        ("rectifies_no_more_than_was_found", {"隐患数": "1", "已整改数": "2"}),
        ("is_inspected_before_it_is_reported", {"最近检查日期": "2099-01-01"}),
        ("last_inspected_day_is_readable", {"最近检查日期": "上周"}),
        ("employee_count_is_within_range", {"从业人数": "-1"}),
        ("area_m2_is_readable", {"建筑面积": "不大"}),
        ("operator_phone_is_well_formed", {"经营者电话": "见门头"}),
        ("place_name_is_present", {"场所名称": None}),
    ]
    one = _texts(rows).filter(pl.col("已整改数") == "0").head(1)
    bad = [spoil(one, [r], **({"场所编号": f"JXF{n:06d}"} | v)) for n, (r, v) in enumerate(faults)]
    stamp = plan.named_day(plan.last_day)
    found = pl.concat([with_rules(_texts(rows)), *bad])
    write_csv(plan, "small_places", f"small_places-{stamp}.csv", found, "gb18030")
    write_csv(plan, "small_places", f"small_places-{stamp}-mended.csv", with_rules(after))
    plan.truth.add(
        "superseded", after.select(entity_id="场所编号", rows=1, feed=pl.lit("small_places"))
    )
    plan.truth.add("small_places", _truth(rows))
    note_mentions(plan, "small_places", rows["场所编号"], rows.rename({"经营地址": "地址"}))


def _places(plan: Plan, town: Town) -> pl.DataFrame:
    rng = plan.rng("small_places")
    count = max(300, round(PLACES * plan.scale))
    kind = rng.choice(9, count, p=_KINDS)
    inspected = rng.random(count) < 0.85
    hazards = np.where(inspected & (rng.random(count) < 0.4), rng.integers(1, 7, count), 0)
    hours = rng.integers(1, 4000, count)
    last = [plan.last_day - timedelta(days=int(h) // 24 + 1) for h in hours]
    registered, told = rng.random(count) < 0.9, rng.random(count) < 0.95
    return _placed(rng, town, count).with_columns(
        场所编号=pl.Series([f"JX{n:07d}" for n in range(1, count + 1)]),
        场所名称=pl.Series([f"示例{_SIGNS[k]}{n}" for n, k in enumerate(kind.tolist())]),
        场所类别=pl.Series((kind + 1).tolist()).cast(pl.String),
        统一社会信用代码=pl.Series(
            [credit_code(n + 1) if is_known else None for n, is_known in enumerate(registered)]
        ),
        建筑面积=pl.Series(np.round(rng.uniform(8, 300, count), 1)).cast(pl.String),
        从业人数=pl.Series([str(n) if t else None for n, t in zip(
            rng.integers(0, 12, count).tolist(), told, strict=True)]),
        经营者=pl.Series([f"示例经营者{n:05d}" for n in range(count)]),
        经营者电话=pl.Series([f"0000-{n:07d}" for n in range(count)]),
        消防安全责任级别=pl.Series(rng.choice(["1", "2", "3"], count, p=[0.02, 0.18, 0.8])),
        最近检查日期=pl.Series(
            [f"{d:%Y年%m月%d日}" if was else None for d, was in zip(last, inspected, strict=True)]
        ),
        隐患数=pl.Series(hazards).cast(pl.String),
        已整改数=pl.lit("0"),
        更新时间=pl.Series([f"{d + ONE_DAY} 0{n % 10}:30:00" for n, d in enumerate(last)]),
        later=pl.Series([f"{d + ONE_DAY} 18:0{n % 10}:00" for n, d in enumerate(last)]),
        mended=pl.Series((hazards > 0) & (rng.random(count) < 0.5)),
        last_inspected_day=pl.Series(
            [day if was else None for day, was in zip(last, inspected, strict=True)]
        ),
    )  # fmt: skip


def _placed(rng: np.random.Generator, town: Town, count: int) -> pl.DataFrame:
    """How each row says where it is. Of 后浦 and 后埔 only the characters tell which is meant."""
    space, at = town.space, rng.integers(0, len(town.places), count)
    community = town.true_community[at]
    xy, grid = space.points(rng, community)
    code = space.community_codes[community].tolist()
    way = rng.choice(_WAYS, count, p=_SHARES)
    names = pl.Series([space.names[c] for c in code])
    placed = pl.DataFrame(
        {
            "way": way,
            "code": code,
            "grid": space.grid_codes[grid],
            "street": [space.names[c[:9]] for c in code],
            "name": names,
            "x": np.round(xy[:, 0], 6).astype(str),
            "y": np.round(xy[:, 1], 6).astype(str),
        }
    ).select(
        _where("code", "code").alias("社区编码"),
        _where("grid", "grid").alias("网格编码"),
        _where("street", "name", "wrong_name").alias("街道名称"),
        pl.coalesce(
            _where("name", "name"),
            pl.when(pl.col("way") == "wrong_name").then(pl.lit("无此社区")),
        ).alias("社区名称"),
        _where("x", "point").alias("经度"),
        _where("y", "point").alias("纬度"),
        community_code=_where("code", "code", "grid", "name", "point"),
        placed_by=pl.col("way").replace(
            {"grid": "code", "wrong_name": "unplaced", "nothing": "unplaced"}
        ),
    )
    mentions = town.mentions(
        rng, at, placed["community_code"].to_list(), [0.3, 0.1, 0.4, 0.05, 0.15],
        lambda n: _INSIDE[n % len(_INSIDE)],
    )  # fmt: skip
    found = placed_by_buildings(placed, mentions, town)
    return found.hstack(mentions.rename({"地址": "经营地址"}))


def _where(column: str, *ways: str) -> pl.Expr:
    return pl.when(pl.col("way").is_in(list(ways))).then(column)


def _texts(rows: pl.DataFrame) -> pl.DataFrame:
    """The columns that are delivered: those with Chinese names."""
    return rows.select(cs.matches(r"^\p{Han}+$"))


def _truth(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        "community_code", "placed_by", "building_id", "building_by", "last_inspected_day",
        place_id="场所编号", place_kind="场所类别", credit_code="统一社会信用代码",
        employee_count="从业人数", fire_level="消防安全责任级别", hazard_count="隐患数",
        rectified_count=pl.when("mended").then("隐患数").otherwise("已整改数"),
    )  # fmt: skip
