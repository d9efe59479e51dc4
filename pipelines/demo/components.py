"""City components of 示范区: CSV with the standard's names, GeoJSON with its abbreviations."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import polars as pl

from pipelines.demo.placing import placed_rows, random_communities
from pipelines.demo.plan import Plan
from pipelines.demo.space import Space
from pipelines.demo.tables import note_rows, spoil, with_rules, write_csv

COMPONENTS = 60_000  # a register has no days: it follows the scale only
_CLASSES = (
    ("01001", "供水井盖", "示范区水务中心"), ("01037", "路灯", "示范区路灯所"),
    ("02014", "交通信号灯", "示范区交警大队"), ("03001", "公共厕所", "示范区环卫中心"),
    ("03005", "垃圾箱", "示范区环卫中心"), ("04002", "行道树", "示范区园林中心"),
)  # fmt: skip
_STATES = ("完好", "破损", "丢失", "废弃", "移除")
_ABBREVIATIONS = {
    "管理部件标识码": "GLBJBSM", "管理部件名称": "GLBJMC", "主管部门代码": "ZGBMDM",
    "主管部门名称": "ZGBMMC", "管理部件状态": "GLBJZT", "所在单元网格标识码": "SZDYWGBSM",
    "所在社区代码": "SZSQDM", "所在社区名称": "SZSQMC", "所在街道名称": "SZJDMC",
    "初始日期": "CSRQ", "变更日期": "BGRQ",
}  # fmt: skip
_COLUMNS = [*list(_ABBREVIATIONS), "部件小类", "经度", "纬度"]


def write_components(plan: Plan, space: Space) -> None:
    """Write an older delivery, the census and, as GeoJSON, the last part of it."""
    rows = _components(plan, space)
    stamp = plan.named_day(plan.last_day)
    first = rows.gather_every(20)
    older = first.with_columns(管理部件状态=pl.lit("完好"), 变更日期=pl.lit(None, pl.String))
    write_csv(plan, "components", "components-census.csv", with_rules(older.select(_COLUMNS)),
              "gb18030")  # fmt: skip
    head = rows.head(len(rows) * 17 // 20)
    good = head.select(_COLUMNS)
    parts = [with_rules(good), *_faulty(good.head(1))]
    write_csv(plan, "components", f"components-{stamp}.csv", pl.concat(parts))
    tail = rows.tail(len(rows) - len(head))
    name = f"components-{stamp}.geojson"
    plan.landing.write_text("components", name, _geojson(tail.select(_COLUMNS)))
    note_rows(plan, "components", name, with_rules(tail)["rules"])
    plan.truth.add(
        "superseded", older.select(entity_id="管理部件标识码", rows=1, feed=pl.lit("components"))
    )
    plan.truth.add("components", rows)


def _components(plan: Plan, space: Space) -> pl.DataFrame:
    """Texts as written in their newest version, and the truth."""
    rng = plan.rng("components")
    count = max(300, round(COMPONENTS * plan.scale))
    community = random_communities(rng, space, count)
    kind = rng.integers(0, len(_CLASSES), count).tolist()
    codes, names, departments = ([_CLASSES[k][n] for k in kind] for n in range(3))
    begun = plan.all_days[0] - timedelta(days=800)
    frame = placed_rows(rng, space, community).with_columns(
        管理部件标识码=pl.Series([f"350299{c}{n:06d}" for n, c in enumerate(codes, 1)]),
        管理部件名称=pl.Series(names),
        部件小类=pl.Series(codes),
        主管部门代码=pl.lit("350299001"),
        主管部门名称=pl.Series(departments),
        管理部件状态=pl.Series(
            rng.choice(_STATES, count, p=[0.9, 0.04, 0.02, 0.02, 0.02]).tolist()
        ),
        初始日期=pl.lit(f"{begun:%Y%m%d}"),
        变更日期=pl.lit(f"{begun + timedelta(days=400):%Y%m%d}"),
        own=pl.Series(space.community_codes[community].tolist()),
    )
    return _named(_by_grid(frame, rng), space).with_columns(
        component_id="管理部件标识码", type_code="部件小类", department_name="主管部门名称",
        component_state="管理部件状态",
    ).rename({"社区编码": "所在社区代码", "网格编码": "所在单元网格标识码"})  # fmt: skip


def _by_grid(rows: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Some rows bring a grid and no community: the grid's code tells it."""
    chosen = pl.col("网格编码").is_not_null() & pl.Series(rng.random(len(rows)) < 0.2)
    return rows.with_columns(社区编码=pl.when(~chosen).then("社区编码"))


def _named(rows: pl.DataFrame, space: Space) -> pl.DataFrame:
    """Rows without code and point tell the community by its name and its street's."""
    bare = pl.all_horizontal(pl.col("社区编码", "网格编码", "经度").is_null())
    name, street = (
        pl.col("own").str.head(n).replace_strict(space.names, return_dtype=pl.String)
        for n in (12, 9)
    )
    return rows.with_columns(
        所在社区名称=pl.when(bare).then(name),
        所在街道名称=pl.when(bare).then(street),
        community_code=pl.when(bare).then("own").otherwise("community_code"),
        placed_by=pl.when(bare).then(pl.lit("name")).otherwise("placed_by"),
    )


def _faulty(row: pl.DataFrame) -> list[pl.DataFrame]:
    faults: list[tuple[str, dict[str, str | None]]] = [
        ("component_id_names_its_class", {"管理部件标识码": "35029905001990001"}),
        ("type_code_is_a_known_code", {"部件小类": "99999"}),
        ("component_state_is_a_known_code", {"管理部件状态": "歪了"}),
        ("changes_after_it_begins", {"变更日期": "19990101"}),
        ("initial_day_is_readable", {"初始日期": "去年"}),
        ("department_name_is_present", {"主管部门名称": None}),
    ]
    found = []
    for n, (rule, values) in enumerate(faults):
        code = values.get("部件小类") or row["部件小类"][0]
        own: dict[str, str | None] = {"管理部件标识码": f"350299{code}99{n:04d}"}
        found.append(spoil(row, [rule], **(own | values)))
    return found


def _geojson(rows: pl.DataFrame) -> str:
    """Points as geometries alone."""
    features = []
    for row in rows.to_dicts():
        x, y = row.pop("经度"), row.pop("纬度")
        point = {"type": "Point", "coordinates": [float(x), float(y)]} if x else None
        properties = {_ABBREVIATIONS.get(name, name): value for name, value in row.items()}
        features.append({"type": "Feature", "properties": properties, "geometry": point})
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
