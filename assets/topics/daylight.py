"""物联感知 sensing: cameras and gates that saw nobody for hours of daylight.

Counted from the hours of passages, never from captures. A silence is at least three full hours of
07-19 (`schemas/sensing.py`) on a day within a week of the device's last sign of life. Hours after
the newest capture of the whole lake are not yet known to be silent.
"""

from __future__ import annotations

from datetime import date, timedelta

import dagster as dg
import ibis
import ibis.expr.types as ir
import polars as pl
from ibis import _

from assets.building import about, inputs_of, told
from assets.silver._device_days import digests, within_days
from assets.topics.passage import TABLE as HOURS
from assets.topics.tabulate import topic_days
from schemas import tables
from schemas.contract import Contract, day, integer, text
from schemas.metric import Metric
from schemas.sensing import DAYLIGHT_HOURS, SEEN_WITHIN_DAYS, SILENT_HOURS
from schemas.table import Table
from schemas.topics import register
from warehouse import builds
from warehouse.engine import Engine
from warehouse.lake import Lake

DEVICES = tables.table("silver", "devices")
PLACES = tables.table("silver", "device_places")
KINDS = ("camera", "gate")


class DaylightGap(Contract):
    """topics.sensing_daylight_gaps. Grain: day × camera or gate × daylight silence of it."""

    sensing_day = day("日期", required=True)
    community_code = text("社区编码", note="when the silence began; null: unplaced")
    device_id = text("设备编码", required=True)
    device_kind = text("设备类型", required=True)
    from_hour = integer("起始小时", required=True, unit="h", note="city clock")
    hour_count = integer("静默小时数", required=True, unit="h")
    device_count = integer("设备数", required=True, unit="台",
                           note="1 on its first silence of the day, else 0")  # fmt: skip


TABLE = register(
    Table("topics", "sensing_daylight_gaps", DaylightGap, "物联感知 白天静默",
          "sensing_day", ("community_code", "device_id", "from_hour"), "conditional", True),
    Metric("sensing_daylight_gap_count", "白天静默次数",
           "近7日有抓拍的相机、卡口在7至19时连续3个整小时以上无抓拍", "次",
           "sensing_daylight_gaps", None, (), "sensing_day"),
    Metric("sensing_silent_hour_count", "白天静默时长", "白天静默的整小时数之和", "h",
           "sensing_daylight_gaps", "hour_count", (), "sensing_day"),
    Metric("sensing_silent_device_count", "白天静默设备数",
           "当日有白天静默的相机、卡口；跨日累计为台日", "台",
           "sensing_daylight_gaps", "device_count", (), "sensing_day"),
)  # fmt: skip


@dg.asset(
    **about(TABLE),
    deps=[list(t.key) for t in (HOURS, DEVICES, PLACES)],
    kinds={"ibis", "duckdb", "deltalake"},
)
def sensing_daylight_gaps(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Daylight silences of cameras and gates; only days whose week changed are counted again."""
    newest = newest_day(lake)
    return told(
        topic_days(
            lake, TABLE, gap_inputs(lake, newest), lambda e, days: find_gaps(e, days, newest)
        )
    )


def newest_day(lake: Lake) -> date | None:
    """The last city day on which anything passed."""
    held = [day for day, one in builds.parts_of(lake, HOURS).items() if one.rows]
    return date.fromisoformat(max(held)) if held else None


def gap_inputs(lake: Lake, newest: date | None) -> dict[str, str]:
    """ISO day → fingerprint of its week of passages and of where its devices stand that day.

    Days without any passage count too, up to a week after the last one before them.
    """
    parts = builds.parts_of(lake, HOURS)
    held = [date.fromisoformat(day) for day, one in parts.items() if one.rows]
    week = [timedelta(days=n) for n in range(SEEN_WITHIN_DAYS)]
    days = {day + ahead for day in held for ahead in week if day + ahead <= (newest or day)}
    built = {date.fromisoformat(day) for day in builds.parts_of(lake, TABLE)}
    standing = digests(_devices_of_days(lake, week))
    return {
        str(day): inputs_of(
            *(parts[one].content if (one := str(day - back)) in parts else "" for back in week),
            day == newest,
            standing.get(str(day), ""),
        )
        for day in sorted(days | built)
    }


def _devices_of_days(lake: Lake, week: list[timedelta]) -> pl.DataFrame:
    """Cameras and gates with a passage in the week up to each day: kind, place that day."""
    seen = lake.scan(HOURS).select("device_id", event_day="shot_day").unique().collect()
    active = pl.concat(seen.with_columns(pl.col("event_day") + back) for back in week).unique()
    kinds = lake.read(DEVICES, ["device_id", "device_kind"]).filter(
        pl.col("device_kind").is_in(KINDS)
    )
    places = lake.read(PLACES, ["device_id", "community_code", "valid_from", "valid_until"])
    return within_days(active.join(kinds, on="device_id"), places)


def find_gaps(engine: Engine, days: list[date], newest: date | None) -> ir.Table:
    """Silences of some days.

    Args:
        engine: The engine.
        days: The days.
        newest: The last day on which anything passed; of it only the hours up to the last passage.
    """
    first, last = min(days) - timedelta(days=SEEN_WITHIN_DAYS - 1), max(days)
    hours = engine.table(HOURS).filter(_.shot_day.between(ibis.literal(first), ibis.literal(last)))
    devices = engine.table(DEVICES).select("device_id", "device_kind")
    devices = devices.filter(_.device_kind.isin(list(KINDS)))
    seen = hours.select("shot_day", "device_id").distinct()
    weeks = [
        seen.select("device_id", sensing_day=(_.shot_day + ibis.interval(days=n)).cast("date"))
        for n in range(SEEN_WITHIN_DAYS)
    ]
    wanted = [day for day in days if newest is not None and day <= newest]
    active = ibis.union(*weeks, distinct=True).filter(_.sensing_day.isin(wanted))
    watched = active.inner_join(devices, "device_id")
    is_daylight = _.shot_hour.between(DAYLIGHT_HOURS.start, DAYLIGHT_HOURS.stop - 1)
    busy = hours.filter(is_daylight).select(
        "device_id", sensing_day=_.shot_day, hour=_.shot_hour.cast("int64")
    )
    known_until = _known_until(engine, newest)
    edges = ibis.union(
        watched.mutate(hour=ibis.literal(DAYLIGHT_HOURS.start - 1, "int64")),
        watched.mutate(
            hour=ibis.ifelse(
                _.sensing_day == ibis.literal(newest, "date"), known_until, DAYLIGHT_HOURS.stop
            ).cast("int64")
        ),
        watched.inner_join(busy, ["device_id", "sensing_day"]),
        distinct=True,
    )
    own_day = ibis.window(group_by=["device_id", "sensing_day"], order_by="hour")
    spans = edges.mutate(next_hour=_.hour.lead().over(own_day))
    gaps = spans.mutate(from_hour=_.hour + 1, hour_count=_.next_hour - _.hour - 1)
    gaps = gaps.filter(_.hour_count >= SILENT_HOURS)
    first_of_day = ibis.window(group_by=["device_id", "sensing_day"], order_by="from_hour")
    gaps = gaps.mutate(
        device_count=ibis.ifelse(ibis.row_number().over(first_of_day) == 0, 1, 0),
        began_at=_.sensing_day.cast("timestamp") + _.from_hour.as_interval("h")
        - ibis.interval(hours=8),
    )  # fmt: skip
    return _placed(gaps, engine.table(PLACES)).select(list(TABLE.contract.columns()))


def _known_until(engine: Engine, newest: date | None) -> int:
    """First daylight hour of the newest day of which nothing is known yet."""
    if newest is None:
        return DAYLIGHT_HOURS.start
    hours = engine.lake.read(HOURS, ["shot_hour"], days=[newest])["shot_hour"]
    last = int(hours.max() or 0)  # pyright: ignore[reportArgumentType]
    return min(max(last + 1, DAYLIGHT_HOURS.start), DAYLIGHT_HOURS.stop)


def _placed(gaps: ir.Table, places: ir.Table) -> ir.Table:
    """Gaps with the community in which their device stood when they began."""
    stretches = places.select(
        "device_id", "community_code",
        since=_.valid_from.cast("timestamp"), until=_.valid_until.cast("timestamp"),
    )  # fmt: skip
    return gaps.join(
        stretches,
        [
            gaps.device_id == stretches.device_id,
            stretches.since.isnull() | (stretches.since <= gaps.began_at),
            stretches.until.isnull() | (stretches.until > gaps.began_at),
        ],
        how="inner",
    )
