"""The access register: who looked at what, when, through which door, and for restricted rows why.

Values people filtered by are never written, nor the constants of a query: they can name a person.
"""

from __future__ import annotations

import polars as pl

from schemas.city_time import city_day
from schemas.contract import Contract, day, instant, text
from schemas.table import Table

KEPT_DAYS = 180
"""网络安全法 第二十一条: logs are kept for at least six months."""

ACTIONS = {
    "sign_in": "登录",
    "sign_in_failed": "登录失败",
    "sign_in_locked": "登录锁定",
    "open_dashboard": "打开看板",
    "read_chart": "读取图表",
    "read_samples": "查看样例数据",
    "explore": "探索",
    "run_sql": "执行查询",
    "export": "导出",
    "change": "更改设置",
    "refused": "被拒绝",
    "read_restricted": "查看受限明细",
}
SURFACES = {
    "dashboards": "看板",
    "sql_lab": "SQL 查询",
    "sign_in": "登录页",
    "administration": "管理",
    "command": "命令行",
}


class Access(Contract):
    """ops.access. Grain: one act of one user; reading a chart, one an hour."""

    entry_id = text("记录标识", required=True, note="digest of the act; the same act is not twice")
    at = instant("时间", required=True)
    access_day = day("日期", required=True, note="city day")
    username = text("用户名", required=True, privacy="quasi")
    area_code = text("用户区划", note="of the user at the time; null: no area")
    surface = text("入口", required=True, codes=SURFACES)
    action = text("操作", required=True, codes=ACTIONS)
    target = text("对象", note="slug of the dashboard, or tables asked; never a value")
    part = text("图表或路径", note="chart, path, or the query with its constants taken out")
    reason = text("理由", note="required by the command for restricted rows")

    @classmethod
    def derive(cls, frame: pl.DataFrame) -> pl.DataFrame:
        """`access_day` is the city's day of `at`."""
        return frame.with_columns(access_day=city_day(pl.col("at")))


ACCESS = Table("ops", "access", Access, "访问登记", None, ("at",))
