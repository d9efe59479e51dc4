"""Every table of the lake: its layer, contract, grain of storage and who may share it.

Silver tables are declared by their datasets, topic tables by their topics (`register`, called when
`assets.topics` is imported); the rest is here.
"""

from __future__ import annotations

from schemas import (
    access,
    disclosure,
    ledgers,
    metrics,
    replays,
    restatements,
    retention,
    validity,
)
from schemas.datasets import declared
from schemas.feeds import FEEDS
from schemas.table import Layer, Table


def _bronze() -> list[Table]:
    return [Table("bronze", f.name, f.contract, f.zh, f.day_column, f.key) for f in FEEDS] + [
        Table("quarantine", f.name, ledgers.QuarantinedRow, f"{f.zh} 隔离") for f in FEEDS
    ]


_STATISTICS = (
    Table("statistics", "daily_values", metrics.DailyValue, "每日统计", "value_day",
          ("metric_id", "tier", "area_code"), "conditional"),
    Table("statistics", "period_values", metrics.PeriodValue, "各期统计", None,
          ("metric_id", "tier", "area_code", "period", "period_start"), "conditional"),
)  # fmt: skip

_OPS = (
    Table("ops", "files", ledgers.FileRecord, "文件登记"),
    Table("ops", "row_accounts", ledgers.FileAccount, "行账"),
    Table("ops", "builds", ledgers.Build, "构建登记", "table_key"),
    Table("ops", "deliveries", validity.Delivery, "台账交付登记"),
    Table("ops", "device_days", ledgers.DeviceDay, "设备日登记"),
    Table("ops", "publications", ledgers.Publication, "发布登记"),
    Table("ops", "restatements", restatements.Restatement, "数据修订说明", None,
          ("generation", "metric_id"), "conditional", True),
    Table("ops", "disclosed_cells", disclosure.DisclosedCell, "上次发布的人数单元"),
    Table("ops", "disclosed_sums", disclosure.DisclosedSum, "上次发布的人数等式"),
)  # fmt: skip

VALUES = Table("serving", "metric_values", metrics.ServedValue, "统计值", None,
               ("metric_id", "period", "tier", "area_code"), "conditional", True)  # fmt: skip
PARENT_VALUES = Table("serving", "parent_values", metrics.ServedValue, "上级区划统计值，供比较",
                      None, VALUES.sort_by, "conditional", True)  # fmt: skip
METRIC_BOOK = Table("serving", "metrics", metrics.MetricEntry, "指标手册", None, (),
                    "conditional", True)  # fmt: skip
SERVED = (VALUES, PARENT_VALUES, METRIC_BOOK)
"""What serving files and exports hold beside the topics; no tables of the lake."""

TABLES: list[Table] = [
    *_bronze(),
    *declared("TABLES"),
    *validity.TABLES,
    *_STATISTICS,
    *_OPS,
    access.ACCESS,
    *replays.TABLES,
    *retention.TABLES,
]
BY_KEY = {table.key: table for table in TABLES}


def register(table: Table) -> Table:
    """Add a table that is declared elsewhere.

    Raises:
        ValueError: there is another of that name.
    """
    if BY_KEY.setdefault(table.key, table) is not table:
        raise ValueError(f"{table.label} is declared twice")
    TABLES.append(table)
    return table


def table(layer: Layer, name: str) -> Table:
    """A registered table.

    Raises:
        KeyError: there is none of that name.
    """
    return BY_KEY[(layer, name)]


# Silver table → the feeds whose accepted rows it accounts for.
ACCOUNTED: dict[str, tuple[str, ...]] = {t.name: t.accounts_for for t in TABLES if t.accounts_for}

__all__ = ["ACCOUNTED", "BY_KEY", "METRIC_BOOK", "PARENT_VALUES", "SERVED", "TABLES", "VALUES",
           "Layer", "Table", "register", "table"]  # fmt: skip
