"""AI video events AI视频事件: what algorithms see on pictures of public places, as words only.

Kinds are those of `codes/ai_event_mapping.csv`, each with its matter of GB/T 47678.5-2026. No
picture, no address of one, and nothing that names a person or vehicle has a column here.
"""

from __future__ import annotations

import re

import dataframely as dy
import polars as pl

from schemas import codes
from schemas.city_time import city_day
from schemas.contract import Arrival, Contract, day, flag, instant, text
from schemas.feed import NEWEST, Feed
from schemas.table import Table, with_ledgers


def _national_codes() -> dict[str, str]:
    """Kind → five-digit matter; where the table names a range, the one for an unknown owner."""
    rows = codes.table("ai_event_mapping").select(
        "requirement_event", "gbt47678_code", "alternative"
    )
    found: dict[str, str] = {}
    for kind, code, alternative in rows.iter_rows():
        stated = code if re.fullmatch(r"\d{5}", code) else alternative
        first = re.match(r"\d{5}", stated or "")
        if first is None:
            raise ValueError(f"ai_event_mapping.csv names no single code for {kind}")
        found[kind] = first.group()
    return found


EVENT_CODES = _national_codes()
"""Kind of AI event → matter code of GB/T 47678.5-2026 (消防设施异常 is a matter, too: 01013)."""


class VideoEventRow(Arrival):
    """AI视频事件 bronze.ai_video_events, CSV or NDJSON. Grain: one version of one event."""

    event_id = text("事件编号", ("事件编号", "event_id"), required=True, max_length=40)
    device_id = text("设备编码", ("设备编码", "device_id"), required=True, pattern=r"^\d{20}$")
    event_kind = text("事件类型", ("事件类型", "event_kind"), required=True,
                      codes=tuple(EVENT_CODES))  # fmt: skip
    happened_at = instant("发生时间", ("发生时间", "happened_at"), required=True)
    is_confirmed = flag("确认属实", ("确认属实", "is_confirmed"), note="null: nobody looked yet")
    handled_at = instant("处置时间", ("处置时间", "handled_at"))
    updated_at = instant("更新时间", ("更新时间", "updated_at"), required=True)
    happened_day = day("发生日", required=True)

    @classmethod
    def derive(cls, frame: pl.DataFrame) -> pl.DataFrame:
        """Add the city day of the event."""
        return frame.with_columns(happened_day=city_day(pl.col("happened_at")))

    @dy.rule()
    def is_handled_after_it_happens(cls) -> pl.Expr:
        """处置时间不得早于发生时间"""
        return (pl.col("handled_at") >= pl.col("happened_at")).fill_null(True)

    @dy.rule()
    def happens_before_it_is_reported(cls) -> pl.Expr:
        """发生、处置时间不得晚于更新时间（允许300秒误差）"""
        limit = pl.col("updated_at") + pl.duration(seconds=300)
        return (pl.max_horizontal("happened_at", "handled_at") <= limit).fill_null(True)


class VideoEvent(Contract):
    """silver.ai_video_events. Grain: one event, newest version."""

    happened_day = day("发生日", required=True)
    event_id = text("事件编号", required=True)
    device_id = text("设备编码", required=True)
    event_kind = text("事件类型", required=True, codes=tuple(EVENT_CODES))
    type_code = text("类型编码", required=True, note="matter of GB/T 47678.5-2026")
    community_code = text("社区编码", note="null: unplaced")
    happened_at = instant("发生时间", required=True)
    is_confirmed = flag("确认属实")
    handled_at = instant("处置时间")
    updated_at = instant("更新时间", required=True)


FEEDS: tuple[Feed, ...] = (
    Feed("ai_video_events", "AI视频事件", VideoEventRow, "ai_video_events", ("csv", "ndjson"),
         ("event_id",), "happened_day", NEWEST, "城管"),
)  # fmt: skip
TABLES: tuple[Table, ...] = (
    *with_ledgers(
        Table("silver", "ai_video_events", VideoEvent, "AI视频事件", "happened_day",
              ("event_id",), accounts_for=("ai_video_events",))
    ),
)  # fmt: skip
