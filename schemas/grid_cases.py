"""Grid cases 网格案件: reported by grid workers, residents, leaders, devices; handled to the end.

Grain of bronze.grid_cases: one version of one case. Of silver.grid_cases: one case, newest version.
Life cycle and its order: `codes/case_lifecycle.csv`; codes:
`codes/gbt47678_5_2026_components_matters.csv`, with crosswalks from GB/T 30428.2-2013 and CJ/T 214.
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from schemas.city_time import city_day
from schemas.contract import Arrival, Contract, day, flag, instant, integer, number, text
from schemas.feed import NEWEST, Feed
from schemas.table import Table, with_ledgers

CODE_SYSTEMS = ("CJ/T 214", "GB/T 30428.2", "GB/T 47678.5")
CASE_KINDS = {"component": "管理部件", "matter": "管理事项"}
SOURCE_TYPES = {
    "collector": "网格员上报",
    "public": "居民上报",
    "leader": "领导交办",
    "transfer": "部门转办",
    "video": "视频智能",
    "iot": "物联预警",
}
STATES = ("open", "closed", "cancelled")
VERIFY_RESULTS = {"exist": "属实", "not_exist": "不属实", "unable": "无法核实"}
CHECK_RESULTS = {"pass": "通过", "not_pass": "不通过", "unable": "无法核查"}
TIME_LIMIT_TYPES = {
    "urgent_hour": "紧急工作时",
    "work_hour": "工作时",
    "work_day": "工作日",
    "natural_day": "自然日",
}
"""How a time limit is counted (`codes/case_lifecycle.csv`; what each means: quality.working_time)."""  # noqa: E501

# The order that holds between every two stages that are both present.
LIFE_CYCLE = (
    "reported_at",
    "verified_at",
    "registered_at",
    "dispatched_at",
    "received_at",
    "handled_at",
    "checked_at",
    "closed_at",
)


def _not_before(later: str, *earlier: str) -> pl.Expr:
    return pl.all_horizontal([(pl.col(later) >= pl.col(e)).fill_null(True) for e in earlier])


class GridCaseRow(Arrival):
    """网格案件 bronze.grid_cases, CSV (GB18030 or UTF-8). Grain: one version of one case."""

    case_number = text("案卷号", ("案卷号", "case_number"), required=True, max_length=32)
    source_type = text("来源类型", ("来源类型", "source_type"), required=True,
                       codes=SOURCE_TYPES)  # fmt: skip
    code_system = text("编码标准", ("编码标准", "code_system"), required=True, codes=CODE_SYSTEMS)
    case_kind = text("部件事项", ("部件事项", "case_kind"), required=True, codes=CASE_KINDS)
    type_code = text("类型编码", ("类型编码", "type_code"), required=True, max_length=8)
    community_code = text("社区编码", ("社区编码", "community_code"), pattern=r"^\d{12}$")
    grid_code = text("网格编码", ("网格编码", "grid_code"), pattern=r"^\d{15}$")
    longitude = number("经度", ("经度", "longitude"), least=73.0, most=136.0, unit="degree")
    latitude = number("纬度", ("纬度", "latitude"), least=3.0, most=54.0, unit="degree")
    reported_at = instant("上报时间", ("上报时间", "report_time"), required=True)
    verified_at = instant("核实时间", ("核实时间", "verify_time"))
    registered_at = instant("立案时间", ("立案时间", "register_time"))
    dispatched_at = instant("派遣时间", ("派遣时间", "dispatch_time"))
    received_at = instant("接收时间", ("接收时间", "handle_receive_time"))
    handled_at = instant("处置时间", ("处置时间", "handle_finish_time"))
    checked_at = instant("核查时间", ("核查时间", "check_time"))
    closed_at = instant("结案时间", ("结案时间", "close_time"))
    cancelled_at = instant("作废时间", ("作废时间", "cancel_time"))
    rework_count = integer("返工次数", ("返工次数", "rework_count"), least=0, most=1000, unit="次")
    is_self_handled = flag("自行处置", ("自行处置", "self_handled"))
    verify_result = text("核实结果", ("核实结果", "verify_result"), codes=VERIFY_RESULTS)
    check_result = text("核查结果", ("核查结果", "check_result"), codes=CHECK_RESULTS)
    time_limit_type = text("时限类型", ("时限类型", "time_limit_type"), codes=TIME_LIMIT_TYPES)
    time_limit = integer("处置时限", ("处置时限", "time_limit"), least=1, most=3650,
                         note="hours or days by its type")  # fmt: skip
    deadline_at = instant("处置截止时间", ("处置截止时间", "deadline_time"),
                          note="as the source says it, approved delays included")  # fmt: skip
    is_registration_right = flag("立案准确", ("立案准确", "registration_right"))
    return_count = integer("退回次数", ("退回次数", "back_count"), least=0, most=1000, unit="次",
                           note="times the department sent it back as not its own")  # fmt: skip
    updated_at = instant("更新时间", ("更新时间", "update_time"), required=True)
    report_day = day("上报日", required=True, note="city day of reported_at")

    @classmethod
    def derive(cls, frame: pl.DataFrame) -> pl.DataFrame:
        """Add the city day of the report."""
        return frame.with_columns(report_day=city_day(pl.col("reported_at")))

    @dy.rule()
    def is_verified_after_it_is_reported(cls) -> pl.Expr:
        """核实时间不得早于上报时间"""
        return _not_before("verified_at", "reported_at")

    @dy.rule()
    def is_registered_after_it_is_verified(cls) -> pl.Expr:
        """立案时间不得早于上报、核实时间"""
        return _not_before("registered_at", "reported_at", "verified_at")

    @dy.rule()
    def is_dispatched_after_it_is_registered(cls) -> pl.Expr:
        """派遣时间不得早于立案时间"""
        return _not_before("dispatched_at", "registered_at")

    @dy.rule()
    def is_received_after_it_is_dispatched(cls) -> pl.Expr:
        """接收时间不得早于派遣时间"""
        return _not_before("received_at", "dispatched_at")

    @dy.rule()
    def is_handled_after_it_is_received(cls) -> pl.Expr:
        """处置时间不得早于派遣、接收时间"""
        return _not_before("handled_at", "dispatched_at", "received_at")

    @dy.rule()
    def is_checked_after_it_is_handled(cls) -> pl.Expr:
        """核查时间不得早于处置时间"""
        return _not_before("checked_at", "handled_at")

    @dy.rule()
    def closes_after_it_is_reported(cls) -> pl.Expr:
        """结案时间不得早于之前各阶段时间"""
        return _not_before("closed_at", *LIFE_CYCLE[:-1])

    @dy.rule()
    def a_time_limit_says_how_it_is_counted(cls) -> pl.Expr:
        """填写处置时限时应填写时限类型"""
        return pl.col("time_limit").is_null() | pl.col("time_limit_type").is_not_null()

    @dy.rule()
    def is_due_after_it_is_reported(cls) -> pl.Expr:
        """处置截止时间应晚于上报时间"""
        return (pl.col("deadline_at") > pl.col("reported_at")).fill_null(True)

    @dy.rule()
    def is_updated_after_its_last_stage(cls) -> pl.Expr:
        """各阶段时间不得晚于更新时间（允许300秒误差）"""
        limit = pl.col("updated_at") + pl.duration(seconds=300)
        return pl.all_horizontal(
            [(pl.col(stage) <= limit).fill_null(True) for stage in (*LIFE_CYCLE, "cancelled_at")]
        )


class GridCase(Contract):
    """silver.grid_cases. Grain: one case, its newest version, in today's national code."""

    report_day = day("上报日", required=True)
    case_number = text("案卷号", required=True)
    source_type = text("来源类型", required=True)
    case_kind = text("部件事项", required=True)
    type_code = text(
        "类型编码", note="GB/T 47678.5-2026; null where the source code has no counterpart"
    )
    source_code_system = text("原编码标准", required=True)
    source_type_code = text("原类型编码", required=True)
    community_code = text("社区编码", note="null: unplaced")
    placed_by = text("定位方式", required=True)
    grid_code = text("网格编码", note="a grid of its community, by code, else by point")
    state = text("状态", required=True, codes=STATES)
    reported_at = instant("上报时间", required=True)
    verified_at = instant("核实时间")
    registered_at = instant("立案时间")
    dispatched_at = instant("派遣时间")
    received_at = instant("接收时间")
    handled_at = instant("处置时间")
    checked_at = instant("核查时间")
    closed_at = instant("结案时间")
    cancelled_at = instant("作废时间")
    rework_count = integer("返工次数", required=True, unit="次")
    is_self_handled = flag("自行处置", required=True)
    verify_result = text("核实结果", codes=VERIFY_RESULTS)
    check_result = text("核查结果", codes=CHECK_RESULTS)
    time_limit_type = text("时限类型", codes=TIME_LIMIT_TYPES)
    time_limit = integer("处置时限", note="hours or days by its type")
    deadline_at = instant("处置截止时间", note="as the source says it")
    is_registration_right = flag("立案准确", note="null: the source does not say")
    return_count = integer("退回次数", unit="次", note="null: the source does not say")
    updated_at = instant("更新时间", required=True)


FEEDS: tuple[Feed, ...] = (
    Feed("grid_cases", "网格案件", GridCaseRow, "grid_cases", ("csv",), ("case_number",),
         "report_day", NEWEST, "城管", is_daily=True),
)  # fmt: skip
TABLES: tuple[Table, ...] = (
    *with_ledgers(
        Table(
            "silver",
            "grid_cases",
            GridCase,
            "网格案件",
            "report_day",
            ("case_number",),
            accounts_for=("grid_cases",),
        )
    ),
)
