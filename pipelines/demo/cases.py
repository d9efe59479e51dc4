"""Grid cases of 示范区: each day's file holds the cases that moved that day, as they stand then.

Stages are seconds since the first midnight of the demo; a version shows those up to its day's end.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

import numpy as np
import polars as pl

from pipelines.demo.clocks import seconds_of_day
from pipelines.demo.placing import placed_rows, random_communities
from pipelines.demo.plan import Plan, pick
from pipelines.demo.space import Space
from pipelines.demo.tables import (
    CLOCKS,
    UNDECODABLE,
    clock_text,
    spoil,
    wall_clock,
    with_rules,
    write_csv,
)
from schemas import codes

CASES_A_MONTH = 97_860
STAGES = ("上报", "核实", "立案", "派遣", "接收", "处置", "核查", "结案", "作废")
NEVER = np.iinfo(np.int64).max
_SOURCES = ("collector", "public", "leader", "transfer", "video", "iot")
_SHARES = (0.62, 0.2, 0.02, 0.06, 0.07, 0.03)


def write_cases(plan: Plan, space: Space) -> pl.DataFrame:
    """Write the case files of every day and the truth of every case.

    Returns:
        `case_number`, `community_code`, and `closed`: when, in seconds of the demo, if ever.
    """
    rng = plan.rng("cases")
    count = plan.monthly(CASES_A_MONTH, 300)
    stages, is_self = _stages(plan, rng, count)
    facts = _facts(rng, count, is_self).hstack(
        placed_rows(rng, space, random_communities(rng, space, count))
    )
    facts = facts.hstack(_details(plan, stages))
    ends = (np.arange(plan.days) + 1) * 86_400
    shifted = _corrected_report_days(rng, stages, plan.days)
    versions = np.zeros(count, dtype=np.int64)
    for n, day in enumerate(plan.all_days):
        moved = ((stages >= ends[n] - 86_400) & (stages < ends[n])).any(axis=1)
        rows = _version(plan, facts, stages, moved, int(ends[n]), shifted & (versions > 0))
        versions += moved
        style = 2 if n % 5 == 4 else 0
        text = rows.with_columns(
            [clock_text(pl.col(f"{stage}时间"), style) for stage in (*STAGES, "处置截止", "更新")]
        ).select(_COLUMNS)
        encoding = ("gb18030", "utf-8-sig", "gb18030", "utf-8")[n % 4]
        parts = [with_rules(text)]
        if n in (0, plan.days - 1):
            start = datetime.combine(day, time())
            parts += _faulty(text.head(1), start, CLOCKS[style], with_bytes=n == 0)
        name = f"grid_cases-{plan.named_day(day)}.csv"
        write_csv(plan, "grid_cases", name, pl.concat(parts), encoding)
        plan.progress("grid_cases", (n + 1) / plan.days)
    _note_truth(plan, facts, stages, shifted & (versions > 1), versions)
    closed = pl.Series(stages[:, STAGES.index("结案")])
    return facts.select("community_code", case_number="案卷号").with_columns(closed=closed)


_COLUMNS = [
    "案卷号", "来源类型", "编码标准", "部件事项", "类型编码", "社区编码", "网格编码", "经度",
    "纬度", "上报时间", "核实时间", "立案时间", "派遣时间", "接收时间", "处置时间", "核查时间",
    "结案时间", "作废时间", "返工次数", "自行处置", "核实结果", "核查结果", "时限类型", "处置时限",
    "处置截止时间", "立案准确", "退回次数", "更新时间",
]  # fmt: skip


def _stages(plan: Plan, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Seconds of every stage of every case, NEVER where it is not reached; who handled it."""
    reported = rng.integers(0, plan.days, count) * 86_400 + seconds_of_day(
        rng, rng.integers(0, 2, count), 86_000
    )
    steps = np.stack(
        [
            rng.integers(low, high, count)
            for low, high in (
                (300, 3600), (60, 1800), (300, 7200), (300, 3600),
                (3600, 260_000), (1800, 43_200), (600, 21_600),
            )
        ],
        axis=1,
    )  # fmt: skip
    flow = rng.random(count)
    stages = np.full((count, len(STAGES)), NEVER)
    stages[:, :8] = reported[:, None] + np.c_[np.zeros(count, np.int64), np.cumsum(steps, axis=1)]
    own = flow < 0.4  # handled on the spot by the grid worker
    stages[own, 1:5] = stages[own, 6:7] = NEVER
    stages[own, 5] = reported[own] + rng.integers(120, 1500, own.sum())
    stages[own, 7] = stages[own, 5] + 60
    cancelled = (flow >= 0.4) & (flow < 0.44)
    stages[cancelled, 8] = stages[cancelled, 1] + 4000
    stages[cancelled, 2:8] = NEVER
    stuck = (flow >= 0.44) & (flow < 0.5)
    stages[stuck, 5:8] = NEVER
    return stages, own


def _facts(rng: np.random.Generator, count: int, is_self: np.ndarray) -> pl.DataFrame:
    """What does not change over a case's life."""
    known = _type_codes()
    system = rng.choice(3, count, p=[0.35, 0.2, 0.45])
    names = ("CJ/T 214", "GB/T 30428.2", "GB/T 47678.5")
    position = np.zeros(count, dtype=np.int64)
    for n, name in enumerate(names):
        rows = known.with_row_index("at").filter(pl.col("编码标准") == name)["at"].to_numpy()
        mine = system == n
        position[mine] = rng.choice(rows, mine.sum())
    rework = rng.choice(3, count, p=[0.93, 0.06, 0.01])
    source = rng.choice(len(_SOURCES), count, p=_SHARES)
    return pl.DataFrame(
        {
            "案卷号": [f"350299{n:013d}" for n in range(1, count + 1)],
            "来源类型": pick(pl.Series(_SOURCES), np.where(is_self, 0, source)),
            "返工": np.where(is_self, 0, rework),
            "是否自行": is_self,
        }
    ).hstack(known[position])


def _details(plan: Plan, stages: np.ndarray) -> pl.DataFrame:
    """What is said of a case on the way: results, a limit of its own, a deadline put off."""
    rng, count = plan.rng("case details"), len(stages)
    cancelled = stages[:, 8] < NEVER
    verified = np.where(cancelled & (rng.random(count) < 0.6), "not_exist", "exist")
    limited = rng.random(count) < 0.3
    kinds = pl.Series(("urgent_hour", "work_hour", "work_day", "natural_day"))
    right, sent_back = rng.random(count), rng.random(count)
    put_off = np.where(
        (rng.random(count) < 0.05) & (stages[:, 3] < NEVER), stages[:, 3] + 5 * 86_400, NEVER
    )
    return pl.DataFrame(
        {
            "核实": verified,
            "时限类型": pick(kinds, rng.integers(0, 4, count)).set(pl.Series(~limited), None),
            "处置时限": pl.Series(rng.integers(2, 10, count)).cast(pl.String)
            .set(pl.Series(~limited), None),
            "准确": pl.Series(np.select([right < 0.94, right < 0.98], ["是", "否"], "")),
            "退回": np.where(sent_back < 0.9, 0, 1),
            "截止": put_off,
        }
    )  # fmt: skip


def _type_codes() -> pl.DataFrame:
    """Codes in use: 编码标准, 部件事项, 类型编码, and national, the code in GB/T 47678.5."""
    old = codes.table("legacy_cjt214_events_crosswalk").filter(
        pl.col("code4").is_not_null() & (pl.col("code4") != "")
    )
    middle = codes.table("gbt30428_2_2013_events_crosswalk")
    new = codes.table("gbt47678_5_2026_components_matters")
    kind = pl.when(pl.col("kind") == "管理部件").then(pl.lit("component"))
    names = ("编码标准", "部件事项", "类型编码", "national")
    parts = [
        old.select(pl.lit("CJ/T 214"), pl.lit("matter").alias("k"), "code4", "gbt47678_code"),
        middle.select(pl.lit("GB/T 30428.2"), pl.lit("matter").alias("k"), "old_code", "new_code"),
        new.select(
            pl.lit("GB/T 47678.5"),
            kind.otherwise(pl.lit("matter")).alias("k"),
            "code",
            pl.col("code").alias("n"),
        ),
    ]
    table = pl.concat([part.rename(dict(zip(part.columns, names, strict=True))) for part in parts])
    return table.with_columns(pl.col("national").replace("", None))


def _corrected_report_days(rng: np.random.Generator, stages: np.ndarray, days: int) -> np.ndarray:
    """Cases whose later versions say they were reported a day earlier."""
    reached = np.where(stages < NEVER, stages, -1).max(axis=1)
    fit = (stages[:, 0] >= 86_400) & (reached // 86_400 > stages[:, 0] // 86_400)
    fit &= (stages[:, 0] < (days - 1) * 86_400) & (stages[:, 1] < NEVER)
    chosen = rng.random(len(fit)) < 0.02
    chosen[np.flatnonzero(fit)[:3]] = True  # however small the demo, it holds the case
    return fit & chosen


def _version(
    plan: Plan,
    facts: pl.DataFrame,
    stages: np.ndarray,
    moved: np.ndarray,
    end: int,
    shifted: np.ndarray,
) -> pl.DataFrame:
    """Cases that moved, as they stand at the end of a day."""
    seen = np.where(stages[moved] < end, stages[moved], -1)
    updated = seen.max(axis=1)
    seen[:, 0] -= np.where(shifted[moved], 86_400, 0)
    times = {
        f"{stage}时间": wall_clock(plan, np.maximum(seen[:, n], -86_400)).set(
            pl.Series(stages[moved][:, n] >= end), None
        )
        for n, stage in enumerate(STAGES)
    }
    verified, registered, sent, handled, checked = (
        pl.Series(seen[:, n] >= 0) for n in (1, 2, 3, 5, 6)
    )
    own = facts.filter(pl.Series(moved))
    put_off = own["截止"].to_numpy()
    due = wall_clock(plan, np.where(put_off < NEVER, put_off, 0))
    return own.with_columns(
        **times,
        处置截止时间=due.set(pl.Series(put_off == NEVER) | ~sent, None),
        核实结果=pl.when(verified).then("核实"),
        核查结果=pl.when(checked).then(pl.lit("pass")),
        立案准确=pl.when(registered & (pl.col("准确") != "")).then("准确"),
        退回次数=pl.when(sent).then(pl.col("退回").cast(pl.String)),
        更新时间=wall_clock(plan, updated),
        返工次数=pl.when(handled).then(pl.col("返工")).otherwise(0).cast(pl.String),
        自行处置=pl.when("是否自行").then(pl.lit("是")).otherwise(pl.lit("否")),
    )


def _faulty(row: pl.DataFrame, day: datetime, style: str, *, with_bytes: bool) -> list:
    """Rows of cases of their own that break exactly the rules stated."""

    def at(hour: int, minute: int) -> str:
        return (day + timedelta(hours=hour, minutes=minute)).strftime(style)

    orderly = {
        "上报时间": at(8, 0), "核实时间": at(8, 10), "立案时间": at(8, 20), "派遣时间": at(8, 30),
        "接收时间": at(8, 40), "处置时间": at(10, 0), "核查时间": at(11, 0), "结案时间": at(11, 30),
        "更新时间": at(11, 30), "作废时间": None, "处置截止时间": None,
    }  # fmt: skip
    faults: list[tuple[str, dict[str, str | None]]] = [
        ("is_verified_after_it_is_reported", {"核实时间": at(7, 50)}),
        ("is_registered_after_it_is_verified", {"立案时间": at(8, 5)}),
        ("is_dispatched_after_it_is_registered", {"派遣时间": at(8, 15)}),
        ("is_received_after_it_is_dispatched", {"接收时间": at(8, 25)}),
        ("is_handled_after_it_is_received", {"处置时间": at(8, 35)}),
        ("is_checked_after_it_is_handled", {"核查时间": at(9, 50)}),
        ("closes_after_it_is_reported", {"结案时间": at(10, 30)}),
        ("is_updated_after_its_last_stage", {"更新时间": at(11, 20)}),
        ("code_system_is_a_known_code", {"编码标准": "ISO 9999"}),
        ("source_type_is_a_known_code", {"来源类型": "pigeon"}),
        ("case_kind_is_a_known_code", {"部件事项": "其他"}),
        ("type_code_is_present", {"类型编码": None}),
        ("reported_at_is_readable", {"上报时间": "昨天上午"}),
        ("longitude_is_within_range", {"经度": "218.1"}),
        ("rework_count_is_within_range", {"返工次数": "-1"}),
        ("rework_count_is_readable", {"返工次数": "两次"}),
        ("is_self_handled_is_readable", {"自行处置": "也许"}),
        ("grid_code_is_well_formed", {"网格编码": "35029900100100"}),
        ("case_number_is_present", {"案卷号": None}),
        ("verify_result_is_a_known_code", {"核实结果": "大概"}),
        ("time_limit_is_within_range", {"时限类型": "work_day", "处置时限": "0"}),
        ("a_time_limit_says_how_it_is_counted", {"时限类型": None, "处置时限": "3"}),
        ("is_due_after_it_is_reported", {"处置截止时间": at(7, 0)}),
    ]
    if with_bytes:
        faults.append(("type_code_is_readable", {"类型编码": UNDECODABLE}))
    found = []
    for n, (rule, values) in enumerate(faults):
        number = {"案卷号": f"350299F{day:%y%m%d}{n:06d}"}
        found.append(spoil(row, [rule], **(number | orderly | values)))
    return found


def _note_truth(
    plan: Plan, facts: pl.DataFrame, stages: np.ndarray, shifted: np.ndarray, versions: np.ndarray
) -> None:
    end = plan.days * 86_400
    report = stages[:, 0] // 86_400 - shifted
    first = pl.Series([plan.all_days[0]])
    days = (pl.Series(report).cast(pl.Int32) + first.cast(pl.Int32)[0]).cast(pl.Date)
    truth = facts.with_columns(
        report_day=days,
        is_closed=pl.Series(stages[:, 7] < end),
        is_cancelled=pl.Series(stages[:, 8] < end),
        is_handled=pl.Series(stages[:, 5] < end),
    ).select(
        "community_code",
        "placed_by",
        "report_day",
        case_number="案卷号",
        state=pl.when("is_cancelled")
        .then(pl.lit("cancelled"))
        .when("is_closed")
        .then(pl.lit("closed"))
        .otherwise(pl.lit("open")),
        type_code="national",
        source_type="来源类型",
        case_kind="部件事项",
        rework_count=pl.when("is_handled").then("返工").otherwise(0),
        is_self_handled="是否自行",
    )
    plan.truth.add("cases", truth)
    older = pl.DataFrame({"entity_id": facts["案卷号"], "rows": versions - 1})
    plan.truth.add(
        "superseded", older.filter(pl.col("rows") > 0).with_columns(feed=pl.lit("grid_cases"))
    )
