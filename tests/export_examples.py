"""A made-up topic with a table by day and a stock, for tests of exports."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from schemas.contract import Contract, day, instant, integer, number, polars_schema, text
from schemas.dcat import Publisher
from schemas.table import Table
from warehouse.exports import ExportedTable, build_release, flip_release

AS_OF = datetime(2026, 11, 20, tzinfo=UTC)
DISTRICT = Publisher("示范区", "350299")
FIRST = date(2026, 11, 1)


class LampDay(Contract):
    """topics.lamps_days. Grain: community × day."""

    lit_day = day("日期", required=True)
    community_code = text("社区编码", note="null: unplaced")
    lamp_count = integer("路灯数", required=True, unit="盏")
    energy_kwh = number("用电量", unit="kWh")
    seen_at = instant("最近上报")


class LampStock(Contract):
    """topics.lamps_stock. Grain: community × kind of lamp."""

    community_code = text("社区编码", note="null: unplaced")
    lamp_kind = text("灯具类别", required=True, codes={"1": "LED", "2": "高压钠灯"})
    keeper_count = integer("养护人数", required=True, unit="人", privacy="sensitive")
    helper_count = integer("志愿者人数", unit="人", privacy="sensitive")


DAYS = Table("topics", "lamps_days", LampDay, "路灯 日", "lit_day",
             ("community_code",), "conditional", True)  # fmt: skip
STOCK = Table("topics", "lamps_stock", LampStock, "路灯 数量", None,
              ("community_code",), "unconditional", True)  # fmt: skip


def day_rows(counts: Sequence[Sequence[int]]) -> pl.DataFrame:
    """One list of counts a day, a row each; the last row of a day has no place and no energy."""
    rows = [
        (FIRST + timedelta(d), None if last else f"35029900100{i}", n, None if last else n / 3,
         AS_OF - timedelta(days=30 - d, microseconds=i))
        for d, own in enumerate(counts) for i, n in enumerate(own)
        for last in [i == len(own) - 1]
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=polars_schema(LampDay), orient="row")


def stock_rows(keepers: int | None = None) -> pl.DataFrame:
    """Two rows of stock; keepers of the first withheld unless told."""
    return pl.DataFrame(
        [("350299001001", "1", keepers, None), (None, "2", 70, 9)],
        schema=polars_schema(LampStock), orient="row",
    )  # fmt: skip


def days(rows: pl.DataFrame, major: int = 1) -> ExportedTable:
    """The table by day."""
    return ExportedTable("lamps", "days", replace(DAYS, major=major), rows, "lit_day")


def stock(rows: pl.DataFrame | None = None, major: int = 1) -> ExportedTable:
    """The stock."""
    one = stock_rows() if rows is None else rows
    return ExportedTable("lamps", "stock", replace(STOCK, major=major), one, None, 1)


def released(root: Path, name: str, *exported: ExportedTable) -> Path:
    """A release, built and made the newest."""
    folder = build_release(root, name, AS_OF, exported, DISTRICT)
    flip_release(root, name)
    return folder


def received(release: Path, where: Path) -> Path:
    """A receiver's own copy, whose files may be written to."""
    copy = shutil.copytree(release, where)
    for path in copy.rglob("*"):
        if path.is_file():
            path.chmod(0o644)
    return copy
