"""Fire safety of 示范区: inspections with what was found and mended, alarms of control rooms."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.demo.placing import placed_rows, random_communities
from pipelines.demo.plan import Plan
from pipelines.demo.space import Space
from pipelines.demo.tables import clock_text, spoil, wall_clock, with_rules, write_csv

_INSPECTION_COLUMNS = [
    "检查编号", "社区编码", "检查结果", "隐患数", "已整改数", "检查时间", "整改期限",
    "更新时间",
]  # fmt: skip
INSPECTIONS_A_MONTH, ALARMS_A_MONTH = 8_000, 6_000


def write_fire(plan: Plan, space: Space) -> None:
    """Write the wanted feeds of fire safety."""
    if "fire_inspections" in plan.feeds:
        _write_inspections(plan, space)
    if "fire_alarms" in plan.feeds:
        _write_alarms(plan, space)


def _days(plan: Plan, seconds: pl.Series) -> pl.Series:
    first = pl.Series([plan.all_days[0]]).cast(pl.Int32)[0]
    return (seconds // 86_400 + first).cast(pl.Int32).cast(pl.Date)


def _inspections(plan: Plan, space: Space) -> pl.DataFrame:
    """Inspections as found, with what was mended an hour later and their truth."""
    rng = plan.rng("fire_inspections")
    count = plan.monthly(INSPECTIONS_A_MONTH, 100)
    at = pl.Series(rng.integers(0, plan.days * 86_400 - 7200, count) // 60 * 60)
    hazards = np.where(rng.random(count) < 0.3, rng.integers(1, 9, count), 0)
    mended = np.minimum(hazards, rng.integers(0, 9, count))
    placed = placed_rows(rng, space, random_communities(rng, space, count), points=False)
    return placed.select("社区编码", "community_code", "placed_by").with_columns(
        检查编号=pl.Series([f"JC{n:08d}" for n in range(1, count + 1)]),
        检查结果=pl.when(pl.Series(hazards > 0)).then(pl.lit("hazard")).otherwise(pl.lit("pass")),
        隐患数=pl.Series(hazards).cast(pl.String),
        已整改数=pl.lit("0"),
        检查时间=wall_clock(plan, at.to_numpy()).dt.strftime("%Y-%m-%d %H:%M:%S"),
        整改期限=wall_clock(plan, at.to_numpy() + 15 * 86_400).dt.strftime("%Y-%m-%d"),
        更新时间=wall_clock(plan, at.to_numpy() + 600).dt.strftime("%Y-%m-%d %H:%M:%S"),
        mended=pl.Series(mended),
        inspected_day=_days(plan, at),
        later=wall_clock(plan, at.to_numpy() + 3600).dt.strftime("%Y-%m-%d %H:%M:%S"),
    )


def _write_inspections(plan: Plan, space: Space) -> None:
    """The first delivery holds inspections as found, the second the ones mended since."""
    rows = _inspections(plan, space)
    after = rows.filter(pl.col("mended") > 0).with_columns(
        已整改数=pl.col("mended").cast(pl.String), 更新时间="later"
    )
    faults: list[tuple[str, dict[str, str | None]]] = [
        ("rectifies_no_more_than_was_found", {"隐患数": "1", "已整改数": "2"}),
        ("result_is_a_known_code", {"检查结果": "maybe"}),
        ("hazard_count_is_within_range", {"隐患数": "-2", "已整改数": None}),
        ("inspected_at_is_readable", {"检查时间": "周一"}),
        ("due_day_is_readable", {"整改期限": "尽快"}),
        ("inspection_id_is_present", {"检查编号": None}),
    ]
    one = rows.select(_INSPECTION_COLUMNS).head(1)
    bad = [spoil(one, [r], **({"检查编号": f"JCF{n:06d}"} | v)) for n, (r, v) in enumerate(faults)]
    stamp = plan.named_day(plan.last_day)
    found = pl.concat([with_rules(rows.select(_INSPECTION_COLUMNS)), *bad])
    write_csv(plan, "fire_inspections", f"fire_inspections-{stamp}-found.csv", found)
    write_csv(
        plan,
        "fire_inspections",
        f"fire_inspections-{stamp}-mended.csv",
        with_rules(after.select(_INSPECTION_COLUMNS)),
        "gb18030",
    )
    plan.truth.add(
        "superseded", after.select(entity_id="检查编号", rows=1, feed=pl.lit("fire_inspections"))
    )
    plan.truth.add(
        "fire_inspections",
        rows.with_columns(
            inspection_id="检查编号", hazard_count="隐患数", rectified_count="mended"
        ),
    )


def _write_alarms(plan: Plan, space: Space) -> None:
    """One file of all alarms; a few rows stand twice, exactly."""
    rng = plan.rng("fire_alarms")
    count = plan.monthly(ALARMS_A_MONTH, 100)
    at = pl.Series(rng.integers(0, plan.days * 86_400 - 60, count))
    placed = placed_rows(rng, space, random_communities(rng, space, count), points=False)
    kind = rng.choice(["fire", "fault", "shield", "supervise"], count, p=[0.3, 0.5, 0.1, 0.1])
    confirmed = rng.choice(["是", "否", ""], count, p=[0.05, 0.8, 0.15]).tolist()
    rows = placed.select("社区编码", "community_code", "placed_by").with_columns(
        报警编号=pl.Series([f"HJ{n:08d}" for n in range(1, count + 1)]),
        报警类型=pl.Series(kind.tolist()),
        确认火警=pl.Series([c or None for c in confirmed]),
        alarmed=wall_clock(plan, at.to_numpy()),
        updated=wall_clock(plan, at.to_numpy() + 30),
        alarmed_day=_days(plan, at),
    )
    text = rows.select(
        "报警编号", "社区编码", "报警类型", "确认火警",
        clock_text(pl.col("alarmed"), 2).alias("报警时间"),
        clock_text(pl.col("updated"), 1).alias("更新时间"),
    )  # fmt: skip
    early = wall_clock(plan, np.array([-3600])).dt.strftime("%Y%m%d%H%M%S")[0]
    faults: list[tuple[str, dict[str, str | None]]] = [
        ("is_alarmed_before_it_is_reported", {"更新时间": early}),
        ("alarm_kind_is_a_known_code", {"报警类型": "flood"}),
        ("is_confirmed_is_readable", {"确认火警": "可能"}),
        ("updated_at_is_present", {"更新时间": None}),
        ("alarm_id_is_present", {"报警编号": None}),
    ]
    one = text.head(1)
    bad = [spoil(one, [r], **({"报警编号": f"HJF{n:06d}"} | v)) for n, (r, v) in enumerate(faults)]
    twice = text.slice(7, 2)
    out = pl.concat([with_rules(text), with_rules(twice), *bad])
    write_csv(plan, "fire_alarms", f"fire_alarms-{plan.named_day(plan.last_day)}.csv", out)
    plan.truth.add(
        "superseded", twice.select(entity_id="报警编号", rows=1, feed=pl.lit("fire_alarms"))
    )
    plan.truth.add(
        "fire_alarms",
        rows.with_columns(
            alarm_id="报警编号", alarm_kind="报警类型", is_confirmed=pl.col("确认火警") == "是"
        ),
    )
