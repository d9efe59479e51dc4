"""社区治理 governance: case measures 案件指标 by day, after `codes/case_metrics.csv`.

A case counts on the day its measure speaks of: what was reported (有效上报, 立案) on the day of its
report; what had to be done (应派遣, 应处置) on the day it was due, once that moment has passed as
of the run; durations on the day they ended. Dividend and divisor of a rate are of the same
cases, so no such rate exceeds 100 %. Cases cancelled or handled on the spot 自行处置 need nothing
more done. Not here: deadlines (`cases.py`), cases by their state now (`governance.py`).

结案评分 is 按期结案率 under another name. 网格覆盖 divides a distinct count, which no ratio of sums
can: the book has its dividend (`governance_reporting_grid_count`) and its divisor
(`governance_grid_count`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import dagster as dg
import polars as pl

from assets.building import Clean, Outcome, about, build_days, inputs_of, told
from assets.timing import AsOf
from assets.topics.cases import TABLE as CASES
from schemas.case_rules import open_denominator
from schemas.city_time import city_day
from schemas.contract import Contract, day, integer, text
from schemas.metric import Metric, Ratio
from schemas.table import Table
from schemas.topics import register
from warehouse import builds
from warehouse.builds import content_fingerprint
from warehouse.lake import Lake

_DAYS_AT_ONCE = 400
_DAYS = "governance_case_measures"


class CaseMeasures(Contract):
    """topics.governance_case_measures. Grain: day × community × component or matter."""

    measured_day = day("日期", required=True)
    community_code = text("社区编码", note="null: unplaced")
    case_kind = text("部件事项", required=True)
    valid_report_count = integer("有效上报数", required=True, unit="件")
    undated_count = integer("无截止时间数", required=True, unit="件")
    registered_valid_count = integer("有效上报立案数", required=True, unit="件")
    intime_registered_count = integer("按时立案数", required=True, unit="件")
    registration_judged_count = integer("立案准确性已知数", required=True, unit="件")
    right_registered_count = integer("准确立案数", required=True, unit="件")
    need_verify_count = integer("应核实数", required=True, unit="件")
    intime_verify_count = integer("按期核实数", required=True, unit="件")
    need_dispatch_count = integer("应派遣数", required=True, unit="件")
    dispatch_count = integer("派遣数", required=True, unit="件")
    intime_dispatch_count = integer("按期派遣数", required=True, unit="件")
    dispatch_judged_count = integer("派遣准确性已知数", required=True, unit="件")
    right_dispatch_count = integer("准确派遣数", required=True, unit="件")
    need_dispose_count = integer("应处置数", required=True, unit="件")
    dispose_count = integer("处置数", required=True, unit="件")
    intime_dispose_count = integer("按期处置数", required=True, unit="件")
    rework_case_count = integer("返工案件数", required=True, unit="件")
    need_check_count = integer("应核查数", required=True, unit="件")
    intime_check_count = integer("按期核查数", required=True, unit="件")
    need_archive_count = integer("应结案数", required=True, unit="件")
    archive_count = integer("结案数", required=True, unit="件")
    intime_archive_count = integer("按期结案数", required=True, unit="件")
    overtime_archive_count = integer("超期结案数", required=True, unit="件")
    handled_count = integer("处置完成数", required=True, unit="件")
    handling_seconds = integer("处置时长合计", required=True, unit="s")
    finished_count = integer("办结数", required=True, unit="件")
    finishing_seconds = integer("办结时长合计", required=True, unit="s")


@dataclass(frozen=True)
class Measure:
    """A count of cases by one day of theirs.

    Attributes:
        name: Column, and the metric's id after `governance_`.
        zh: Chinese name.
        says: Its definition.
        value: What is added up over the cases of a day.
        unit: Unit of the sum.
    """

    name: str
    zh: str
    says: str
    value: pl.Expr
    unit: str = "件"


def _has(column: str) -> pl.Expr:
    return pl.col(column).is_not_null()


def _by(column: str, due: str) -> pl.Expr:
    """Done no later than it was due."""
    return (pl.col(column) <= pl.col(due)).fill_null(value=False)


_LIVE = pl.col("state") != "cancelled"
_SENT_ON = ~pl.col("is_self_handled")
_REGISTERED = _has("registered_at") & _LIVE & _SENT_ON
_EVERY = _has("case_number")
_IS_VERIFIED = _has("verified_at") | ((pl.col("source_type") == "public") & _LIVE)


@dataclass(frozen=True)
class Cohort:
    """Cases that count on one day of theirs.

    Attributes:
        when: The instant or day.
        among: Which cases.
        is_due: Whether they count only once that moment has passed.
        measures: What is counted of them.
    """

    when: str
    among: pl.Expr
    is_due: bool
    measures: tuple[Measure, ...]


COHORTS = (
    Cohort("report_day", pl.lit(value=True), False, (
        Measure("valid_report_count", "有效上报数",
                "按上报日统计、未作废且核实结果不为不属实的案件", pl.col("is_valid_report")),
        Measure("registered_valid_count", "有效上报立案数", "按上报日统计、有效上报且已立案的案件",
                pl.col("is_valid_report") & _has("registered_at")),
        Measure("intime_registered_count", "按时立案数", "按上报日统计、在立案时限内立案的案件",
                _by("registered_at", "register_due_at")),
        Measure("registration_judged_count", "立案准确性已知数",
                "按上报日统计、已立案且来源系统给出立案是否准确的案件",
                _has("registered_at") & _has("is_registration_right")),
        Measure("right_registered_count", "准确立案数", "按上报日统计、立案准确的案件",
                _has("registered_at") & pl.col("is_registration_right")),
        Measure("undated_count", "无截止时间案件数",
                "按上报日统计、已立案未作废而无法推算时限的案件（未设时限，或超出已公布的节假日安排），"
                "不计入各应办数", _LIVE & _SENT_ON & _has("undated_because")),
    )),
    Cohort("verify_due_at", _IS_VERIFIED & _SENT_ON, True, (
        Measure("need_verify_count", "应核实数", "核实到期日在期内的居民上报或已核实案件", _EVERY),
        Measure("intime_verify_count", "按期核实数", "应核实案件中在核实时限内核实的",
                _by("verified_at", "verify_due_at")),
    )),
    Cohort("dispatch_due_at", _REGISTERED, True, (
        Measure("need_dispatch_count", "应派遣数",
                "派遣到期日在期内、已立案未作废的案件，不含自行处置", _EVERY),
        Measure("dispatch_count", "派遣数", "应派遣案件中已派遣的", _has("dispatched_at")),
        Measure("intime_dispatch_count", "按期派遣数", "应派遣案件中在派遣时限内派遣的",
                _by("dispatched_at", "dispatch_due_at")),
        Measure("dispatch_judged_count", "派遣准确性已知数",
                "应派遣案件中来源系统给出退回次数的", _has("return_count")),
        Measure("right_dispatch_count", "准确派遣数", "应派遣案件中已派遣且从未退回的",
                _has("dispatched_at") & (pl.col("return_count") == 0)),
    )),
    Cohort("dispose_due_at", _REGISTERED & _has("dispatched_at"), True, (
        Measure("need_dispose_count", "应处置数",
                "处置到期日在期内、已派遣未作废的案件，不含自行处置", _EVERY),
        Measure("dispose_count", "处置数", "应处置案件中已处置的", _has("handled_at")),
        Measure("intime_dispose_count", "按期处置数", "应处置案件中在处置截止时间前处置的",
                _by("handled_at", "dispose_due_at")),
        Measure("rework_case_count", "返工案件数",
                "应处置且已处置案件中返工过的（按案件计，不按次数计）",
                _has("handled_at") & (pl.col("rework_count") > 0)),
    )),
    Cohort("check_due_at", _REGISTERED, True, (
        Measure("need_check_count", "应核查数",
                "核查到期日在期内、已处置未作废的案件，不含自行处置", _EVERY),
        Measure("intime_check_count", "按期核查数", "应核查案件中在核查时限内核查的",
                _by("checked_at", "check_due_at")),
    )),
    Cohort("close_due_at", _REGISTERED, True, (
        Measure("need_archive_count", "应结案数",
                "结案到期日在期内、已立案未作废的案件，不含自行处置", _EVERY),
        Measure("archive_count", "结案数", "应结案案件中已结案的", _has("closed_at")),
        Measure("intime_archive_count", "按期结案数", "应结案案件中在结案截止时间前结案的",
                _by("closed_at", "close_due_at")),
        Measure("overtime_archive_count", "超期结案数", "应结案案件中结案晚于截止时间的",
                _has("closed_at") & ~_by("closed_at", "close_due_at")),
    )),
    Cohort("handled_day", _LIVE, False, (
        Measure("handled_count", "处置完成数", "按处置日统计、派遣后处置完成的案件",
                _has("handling_seconds")),
        Measure("handling_seconds", "处置时长合计", "按处置日统计、自派遣至处置的秒数之和",
                pl.col("handling_seconds"), "s"),
    )),
    Cohort("closed_day", _LIVE, False, (
        Measure("finished_count", "办结数", "按结案日统计、结案的案件，不含自行处置",
                _has("closing_seconds")),
        Measure("finishing_seconds", "办结时长合计",
                "按结案日统计、自上报至结案的秒数之和，不含自行处置",
                pl.col("closing_seconds"), "s"),
    )),
)  # fmt: skip
MEASURES = tuple(measure for cohort in COHORTS for measure in cohort.measures)


def _rate(name: str, zh: str, above: str, below: str, says: str) -> Ratio:
    return Ratio(f"governance_{name}_rate", zh, says, "%", (f"governance_{above}_count",),
                 (f"governance_{below}_count",))  # fmt: skip


def _open_rate(rate: str, name: str, zh: str, above: str, what: str) -> Ratio:
    divisor, clause = open_denominator(rate)
    return Ratio(f"governance_{name}_rate", zh, f"{what} ÷ {clause}", "%",
                 (f"governance_{above}_count",), (divisor,))  # fmt: skip


TABLE = register(
    Table("topics", _DAYS, CaseMeasures, "社区治理 案件指标日", "measured_day",
          ("community_code", "case_kind"), "conditional", True),
    *(
        Metric(f"governance_{one.name}", one.zh, one.says, one.unit, _DAYS, one.name, (),
               "measured_day")
        for one in MEASURES
    ),
    _rate("dispatch", "派遣率", "dispatch", "need_dispatch", "派遣数 ÷ 应派遣数"),
    _rate("intime_dispatch", "按期派遣率", "intime_dispatch", "need_dispatch",
          "按期派遣数 ÷ 应派遣数"),
    _rate("right_dispatch", "准确派遣率", "right_dispatch", "dispatch_judged",
          "准确派遣数 ÷ 应派遣数中派遣准确性已知的"),
    _rate("dispose", "处置率", "dispose", "need_dispose", "处置数 ÷ 应处置数"),
    _rate("intime_dispose", "按期处置率", "intime_dispose", "need_dispose",
          "按期处置数 ÷ 应处置数"),
    _rate("archive", "结案率", "archive", "need_archive", "结案数 ÷ 应结案数"),
    _rate("intime_archive", "按期结案率", "intime_archive", "need_archive",
          "按期结案数 ÷ 应结案数"),
    _rate("overtime_archive", "超期结案率", "overtime_archive", "need_archive",
          "超期结案数 ÷ 应结案数"),
    _rate("unclosed", "未结案率", "open", "case", "未结案数 ÷ 案件上报数，均按上报日"),
    _rate("intime_registration", "按时立案率", "intime_registered", "registered",
          "按时立案数 ÷ 立案数"),
    _rate("right_registration", "准确立案率", "right_registered", "registration_judged",
          "准确立案数 ÷ 立案数中立案准确性已知的"),
    _rate("valid_report", "有效上报率", "valid_report", "case", "有效上报数 ÷ 案件上报数"),
    _rate("intime_verify", "按期核实率", "intime_verify", "need_verify", "按期核实数 ÷ 应核实数"),
    _rate("intime_check", "按期核查率", "intime_check", "need_check", "按期核查数 ÷ 应核查数"),
    _rate("self_handled", "自行处置率", "self_handled", "valid_report", "自行处置数 ÷ 有效上报数"),
    _open_rate("registration", "registration", "立案率", "registered_valid", "有效上报立案数"),
    _open_rate("rework", "rework", "返工率", "rework_case", "返工案件数"),
    Ratio("governance_mean_handling_hours", "平均处置时长",
          "处置时长合计 ÷ 处置完成数；另见中位数", "小时", ("governance_handling_seconds",),
          ("governance_handled_count",), scale=1 / 3600),
    Ratio("governance_mean_closing_hours", "平均结案时长",
          "办结时长合计 ÷ 办结数；另见中位数", "小时", ("governance_finishing_seconds",),
          ("governance_finished_count",), scale=1 / 3600),
    Ratio("governance_cases_per_10k_persons", "万人案件数", "案件上报数 ÷ 实有人口 × 10000",
          "件/万人", ("governance_case_count",), ("population_person_count",), scale=10_000),
)  # fmt: skip


@dg.asset(**about(TABLE), deps=[list(CASES.key)], kinds={"polars", "deltalake"})
def governance_case_measures(
    lake: dg.ResourceParam[Lake], as_of: dg.ResourceParam[AsOf]
) -> dg.MaterializeResult:
    """What was to be done by when, and what was done, by the day it was due."""
    return told(renew_days(lake, TABLE, measured(lake.scan(CASES), as_of)))


def measured(cases: pl.LazyFrame, as_of: AsOf) -> pl.DataFrame:
    """All measures by day, community and kind.

    Args:
        cases: Rows of topics.governance_cases.
        as_of: What is due later is not counted yet.
    """
    by = ["measured_day", "community_code", "case_kind"]
    parts = []
    for cohort in COHORTS:
        own = cases.filter(cohort.among & _has(cohort.when))
        if cohort.is_due:
            own = own.filter(pl.col(cohort.when) <= as_of.instant)
        when = city_day(pl.col(cohort.when)) if cohort.is_due else pl.col(cohort.when)
        sums = [one.value.cast(pl.Int64).sum().alias(one.name) for one in cohort.measures]
        parts.append(own.with_columns(measured_day=when).group_by(by).agg(sums))
    counts = pl.col([one.name for one in MEASURES])
    together = pl.concat(parts, how="diagonal").group_by(by).agg(counts.sum())
    return together.collect().select(list(CaseMeasures.columns()))


def renew_days(lake: Lake, table: Table, rows: pl.DataFrame) -> Outcome:
    """Write the days of a table whose rows are others than they were.

    Args:
        lake: The lake.
        table: A topic table partitioned by day.
        rows: All of its rows.
    """
    column = table.partition_by
    assert column is not None
    contents = {str(one): content_fingerprint(part) for (one,), part in rows.group_by(column)}
    days = contents.keys() | builds.parts_of(lake, table).keys()  # a day may lose its rows
    inputs = {one: inputs_of(contents.get(one, "")) for one in days}

    def clean(wanted: list[date]) -> Clean:
        return Clean(rows.filter(pl.col(column).is_in(wanted)))

    return build_days(lake, table, inputs, clean, at_once=_DAYS_AT_ONCE)
