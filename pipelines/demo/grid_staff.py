"""Grid workers of 示范区: most grids have one, some none; some left, some are still to come."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from pipelines.demo.plan import Plan
from pipelines.demo.space import Space
from pipelines.demo.tables import spoil, with_rules, write_csv

UNKNOWN_GRID = "350299009099001"
_COLUMNS = ["工号", "姓名", "联系电话", "网格编码", "社区编码", "网格员类型", "到岗日期",
            "离岗日期", "更新时间"]  # fmt: skip


def write_grid_staff(plan: Plan, space: Space) -> None:
    """Write an older list with other roles of some posts, and the one that stands."""
    posts = _posts(plan, space.grid_codes.tolist())
    rows = pl.DataFrame(posts, infer_schema_length=None).with_columns(
        姓名=pl.concat_str(pl.lit("示例"), "工号"),
        联系电话=pl.concat_str(pl.lit("1390000"), pl.col("工号").str.slice(2)),
        网格编码="grid_code",
        社区编码=pl.when(pl.int_range(pl.len()) % 3 == 0).then("community_code"),
        网格员类型="staff_role",
        到岗日期=pl.col("on_duty_from").dt.strftime("%Y-%m-%d"),
        离岗日期=pl.col("on_duty_until").dt.strftime("%Y-%m-%d"),
        更新时间=pl.lit(f"{plan.all_days[0] - timedelta(days=3)} 10:00:00"),
    )
    text = rows.select(_COLUMNS)
    older = text.gather_every(11).with_columns(
        网格员类型=pl.lit("volunteer"), 更新时间=pl.lit("2025-01-01 10:00:00")
    )
    write_csv(plan, "grid_staff", "grid_staff-2025.csv", with_rules(older), "gb18030")
    faults: list[tuple[str, dict[str, str | None]]] = [
        ("leaves_after_it_begins", {"离岗日期": "1999-01-01"}),
        ("staff_role_is_a_known_code", {"网格员类型": "captain"}),
        ("grid_code_is_well_formed", {"网格编码": "三号网格"}),
        ("staff_number_is_present", {"工号": None}),
        ("on_duty_from_is_readable", {"到岗日期": "上个月"}),
    ]
    one = text.head(1)
    bad = [spoil(one, [rule], **({"工号": f"WF{n:04d}"} | v)) for n, (rule, v) in enumerate(faults)]
    name = f"grid_staff-{plan.named_day(plan.last_day)}.csv"
    write_csv(plan, "grid_staff", name, pl.concat([with_rules(text), *bad]))
    plan.truth.add("grid_staff", rows.with_columns(staff_number="工号"))


def _posts(plan: Plan, grids: list[str]) -> list[dict[str, object]]:
    """Posts as they stand; which grids have whom follows from the grid's position alone."""
    begun, today = plan.all_days[0] - timedelta(days=500), plan.last_day + timedelta(days=1)
    found: list[dict[str, object]] = []

    def post(number: int, grid: str, role: str, since: date, until: date | None = None) -> None:
        is_known = grid != UNKNOWN_GRID
        found.append({
            "工号": f"WG{number:04d}", "grid_code": grid, "staff_role": role,
            "community_code": grid[:12] if is_known else None,
            "placed_by": "code" if is_known else "unplaced",
            "on_duty_from": since, "on_duty_until": until,
        })  # fmt: skip

    for n, grid in enumerate(grids):
        if n % 17 == 0:
            continue  # nobody
        if n % 31 == 0:
            post(n, grid, "full_time", begun, today - timedelta(days=1))  # left yesterday
        elif n % 37 == 0:
            post(n, grid, "full_time", today + timedelta(days=1))  # begins tomorrow
        elif n % 41 == 0:
            post(n, grid, "leader", today, today)  # today alone
        else:
            post(n, grid, "full_time", begun)
        if n % 29 == 0:
            post(1000 + n, grid, "part_time", begun)
        if n % 23 == 0 and n + 1 < len(grids):
            post(n, grids[n + 1], "full_time", begun)  # the neighbour's, too
    post(2000, UNKNOWN_GRID, "police", begun)
    return found
