"""社区治理 governance: every case with its deadlines and durations; medians of how long they take.

One row per case, without any text of it, for measures (`case_measures.py`) and the evaluation
(`evaluation.py`) to be computed from; it is not published. Not here: how deadlines follow from
limits (`quality.case_deadlines`).
"""

from __future__ import annotations

from datetime import date

import dagster as dg
import polars as pl

from assets.building import Clean, about, build_days, days_at_once, inputs_of, told
from assets.case_settings import Deadlines, deadlines
from assets.topics.tabulate import day_inputs
from quality.case_deadlines import with_deadlines
from schemas import tables
from schemas.city_time import city_day
from schemas.contract import Contract, day, flag, instant, integer, text
from schemas.grid_cases import STATES
from schemas.metric import Distinct, Quantile
from schemas.table import Table
from schemas.topics import register
from warehouse.lake import Lake

SILVER = tables.table("silver", "grid_cases")
_NAME = "governance_cases"


class Case(Contract):
    """topics.governance_cases. Grain: one case, with its deadlines and durations; not published."""

    report_day = day("上报日", required=True)
    case_number = text("案卷号", required=True)
    community_code = text("社区编码", note="null: unplaced")
    grid_code = text("网格编码", note="null: in no grid known")
    source_type = text("来源类型", required=True)
    case_kind = text("部件事项", required=True)
    type_code = text("类型编码")
    state = text("状态", required=True, codes=STATES)
    is_valid_report = flag(
        "有效上报", required=True, note="neither cancelled nor found not to exist"
    )
    is_self_handled = flag("自行处置", required=True)
    is_registration_right = flag("立案准确")
    return_count = integer("退回次数", unit="次")
    rework_count = integer("返工次数", required=True, unit="次")
    verified_at = instant("核实时间")
    registered_at = instant("立案时间")
    dispatched_at = instant("派遣时间")
    handled_at = instant("处置时间")
    checked_at = instant("核查时间")
    closed_at = instant("结案时间")
    verify_due_at = instant("核实截止时间")
    register_due_at = instant("立案截止时间")
    dispatch_due_at = instant("派遣截止时间")
    dispose_due_at = instant("处置截止时间")
    check_due_at = instant("核查截止时间")
    close_due_at = instant("结案截止时间")
    undated_because = text("无截止时间原因", codes={"calendar_ends": "超出已公布的节假日安排",
                                                    "no_limit": "未设时限"})  # fmt: skip
    handled_day = day("处置日", note="of dispatched cases that stand")
    closed_day = day("结案日", note="of cases that stand and were not handled on the spot")
    handling_seconds = integer("处置时长", unit="s", note="handled_at - dispatched_at")
    closing_seconds = integer("结案时长", unit="s", note="closed_at - reported_at")


def _hours(name: str, zh: str, of: str, day_of: str, says: str) -> tuple[Quantile, Quantile]:
    """Median and 90th percentile of a duration."""
    return tuple(
        Quantile(f"governance_{which}_{name}_hours", f"{zh}{word}", f"{says}，{word}", "小时",
                 _NAME, of, share, day_of, scale=1 / 3600)
        for which, word, share in (("median", "中位数", 0.5), ("p90", "90分位数", 0.9))
    )  # fmt: skip  # pyright: ignore[reportReturnType]


TABLE = register(
    Table("topics", _NAME, Case, "社区治理 案件时限", "report_day", ("case_number",)),
    *_hours("handling", "处置时长", "handling_seconds", "handled_day",
            "按处置日统计，自派遣至处置完成的小时数"),
    *_hours("closing", "结案时长", "closing_seconds", "closed_day",
            "按结案日统计，自上报至结案的小时数，不含自行处置"),
    Distinct("governance_reporting_grid_count", "有上报网格数",
             "按上报日统计、至少有一件案件的网格数；除以网格数为网格覆盖率", "个", _NAME,
             "grid_code", "report_day"),
)  # fmt: skip


@dg.asset(**about(TABLE), deps=[list(SILVER.key)], kinds={"polars", "deltalake"})
def governance_cases(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Deadlines and durations of every case, by the time limits of this site."""
    rules = deadlines(lake.home)
    inputs = {
        d: inputs_of(content, rules.digest) for d, content in day_inputs(lake, SILVER).items()
    }

    def clean(days: list[date]) -> Clean:
        return Clean(timed(lake.read(SILVER, days=days), rules))

    at_once = days_at_once(lake, "grid_cases")
    return told(build_days(lake, TABLE, inputs, clean, at_once=at_once))


def timed(cases: pl.DataFrame, rules: Deadlines) -> pl.DataFrame:
    """Cases with deadlines and durations.

    Args:
        cases: Rows of silver.grid_cases.
        rules: Time limits and office hours.
    """
    stands = pl.col("state") != "cancelled"
    takes_time = stands & ~pl.col("is_self_handled")
    was_sent = takes_time & pl.col("dispatched_at").is_not_null()
    handling = pl.when(was_sent).then(pl.col("handled_at") - pl.col("dispatched_at"))
    closing = pl.when(takes_time).then(pl.col("closed_at") - pl.col("reported_at"))
    found = with_deadlines(cases, rules.limits, rules.working_time)
    return found.with_columns(
        is_valid_report=stands & pl.col("verify_result").ne_missing("not_exist"),
        handled_day=city_day(pl.when(was_sent).then("handled_at")),
        closed_day=city_day(pl.when(takes_time).then("closed_at")),
        handling_seconds=handling.dt.total_seconds(),
        closing_seconds=closing.dt.total_seconds(),
    )
