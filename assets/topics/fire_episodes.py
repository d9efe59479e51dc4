"""消防 fire: spells in which a smoke or hydrant sensor read beyond its threshold.

Thresholds: `codes/fire_thresholds.csv`, as graded in silver.sensor_readings. An episode opens at
the first reading beyond the threshold and closes at the sensor's next normal reading, on whichever
day that comes; until then it is open. It is filed whole under the city day it opened on: nothing is
cut at midnight. A day is built from its own readings and from `silver.sensor_edges`, and again only
when one of its sensors stood otherwise the evening before, or when an episode it left open goes on
or closes.

Pressure above 1.2 MPa is a grade of its own, `over`. That step is ours, the same for all devices,
and of no standard; metrics of low pressure do not count it.
"""

from datetime import date

import dagster as dg
import ibis.expr.types as ir
import polars as pl
from ibis import _

from assets.building import Clean, Outcome, about, build_days, inputs_of, told
from assets.silver._device_days import digests
from assets.silver.sensor_edges import DAYS_AT_ONCE, SENSOR, ranked
from assets.silver.sensor_edges import TABLE as EDGES
from assets.topics.tabulate import day_inputs, topic_days
from schemas import tables
from schemas.contract import Contract, day, instant, integer, text
from schemas.metric import Metric
from schemas.sensing import LEVEL_RANKS, LEVELS, QUANTITIES
from schemas.table import Table
from schemas.topics import register
from warehouse import builds
from warehouse.engine import Engine
from warehouse.lake import Lake

READINGS = tables.table("silver", "sensor_readings")
_LEVEL_OF = {rank: level for level, rank in LEVEL_RANKS.items()}
_DAY = ["read_day", *SENSOR]


class FireEpisode(Contract):
    """topics.fire_episodes. Grain: one episode of one sensor."""

    opened_day = day("开始日", required=True)
    community_code = text("社区编码", note="where the sensor stood at the opening; null: unplaced")
    device_id = text("设备编码", required=True)
    quantity = text("物理量", required=True, codes=QUANTITIES)
    worst_level = text("最高级别", required=True, codes=LEVELS)
    opened_at = instant("开始时间", required=True, note="first reading beyond the threshold")
    closed_at = instant("结束时间", note="next normal reading; null: none yet")
    duration_seconds = integer("持续时长", unit="s", note="null while open")
    reading_count = integer("超限读数数", required=True, unit="次")


class FireEpisodeDay(Contract):
    """topics.fire_episode_days. Grain: day of opening × community × quantity × worst level."""

    opened_day = day("日期", required=True)
    community_code = text("社区编码", note="null: unplaced")
    quantity = text("物理量", required=True, codes=QUANTITIES)
    worst_level = text("最高级别", required=True, codes=LEVELS)
    episode_count = integer("超限事件数", required=True, unit="次")
    closed_count = integer("已恢复数", required=True, unit="次")
    open_count = integer("未恢复数", required=True, unit="次")
    duration_seconds = integer("持续时长合计", required=True, unit="s", note="of closed episodes")


TABLE = register(
    Table("topics", "fire_episodes", FireEpisode, "消防 超限事件", "opened_day",
          ("device_id", "opened_at"), "conditional", True),
)  # fmt: skip

DAYS = register(
    Table("topics", "fire_episode_days", FireEpisodeDay, "消防 超限事件日", "opened_day",
          ("community_code", "quantity", "worst_level"), "conditional", True),
    Metric("fire_episode_count", "超限事件数",
           "烟感报警、消火栓静压低于0.14MPa或高于1.2MPa的连续时段，按开始日", "次",
           "fire_episode_days", "episode_count", (), "opened_day"),
    Metric("fire_smoke_episode_count", "烟感超限事件数", "烟感报警的连续时段，按开始日", "次",
           "fire_episode_days", "episode_count", (("quantity", ("smoke",)),), "opened_day"),
    Metric("fire_hydrant_episode_count", "消火栓低压事件数",
           "消火栓静压低于0.14MPa的连续时段（GB 55036-2022 3.0.3），按开始日", "次",
           "fire_episode_days", "episode_count",
           (("quantity", ("hydrant_pressure",)), ("worst_level", ("warning", "critical", "dry"))),
           "opened_day"),
    Metric("fire_hydrant_over_episode_count", "消火栓超压事件数",
           "消火栓静压高于1.2MPa的连续时段（平台自定阈值，非国家标准），按开始日", "次",
           "fire_episode_days", "episode_count", (("worst_level", ("over",)),), "opened_day"),
    Metric("fire_closed_episode_count", "超限事件已恢复数",
           "读数已恢复正常的超限事件，按开始日", "次",
           "fire_episode_days", "closed_count", (), "opened_day"),
    Metric("fire_open_episode_count", "超限事件未恢复数", "尚无正常读数的超限事件，按开始日", "次",
           "fire_episode_days", "open_count", (), "opened_day"),
    Metric("fire_episode_seconds", "超限持续时长合计",
           "已恢复超限事件自开始至恢复的秒数之和，按开始日", "s",
           "fire_episode_days", "duration_seconds", (), "opened_day"),
)  # fmt: skip


@dg.asset(
    **about(TABLE, "fire-service"),
    deps=[list(READINGS.key), list(EDGES.key)],
    kinds={"polars", "deltalake"},
)
def fire_episodes(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per episode, with its opening, its closing if it is over, and its worst level."""
    return told(build(lake))


def build(lake: Lake) -> Outcome:
    """Rebuild the days whose readings or surroundings changed."""
    around = surroundings(lake.read(EDGES))
    changed = digests(around.rename({"read_day": "event_day"}))
    inputs = {
        day: inputs_of(one.content, changed.get(day, ""))
        for day, one in builds.parts_of(lake, READINGS).items()
    }

    def clean(days: list[date]) -> Clean:
        own = around.filter(pl.col("read_day").is_in(days))
        return Clean(episodes(lake.read(READINGS, days=days), own))

    return build_days(lake, TABLE, inputs, clean, at_once=DAYS_AT_ONCE)


@dg.asset(**about(DAYS), deps=[list(TABLE.key)], kinds={"ibis", "duckdb", "deltalake"})
def fire_episode_days(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Episodes by the day they opened on, and how long the closed ones lasted."""
    return told(topic_days(lake, DAYS, day_inputs(lake, TABLE), count_episodes))


def surroundings(edges: pl.DataFrame) -> pl.DataFrame:
    """What the days before and after say of each sensor's day.

    Args:
        edges: silver.sensor_edges, all days.

    Returns:
        Of days that begin or end beyond the threshold: `read_day`, the sensor, `is_continued` (it
        already was beyond when the day began), and, where the day ends beyond, of the time up to
        the next normal reading: `closed_at` (null: none yet), `later_count` and `later_rank` of the
        readings after the day.
    """
    # days without a normal reading belong to the same spell as the next day that has one
    normals = pl.col("first_normal_at").is_not_null().cum_sum(reverse=True).over(SENSOR)
    spell = [*SENSOR, "spell"]
    own = edges.sort(*SENSOR, "read_day").with_columns(spell=normals).with_columns(
        closed_at=pl.col("first_normal_at").last().over(spell),
        later_count=pl.col("count_before_normal").cum_sum(reverse=True).over(spell),
        later_rank=pl.col("rank_before_normal").cum_max(reverse=True).over(spell),
    )  # fmt: skip
    ends = pl.col("is_beyond_at_last")
    own = own.with_columns(
        pl.when(ends).then(pl.col(name).shift(-1).over(SENSOR)).alias(name)
        for name in ("closed_at", "later_count", "later_rank")
    )
    was_beyond = ends.shift(1).over(SENSOR).fill_null(value=False)
    return (
        own.with_columns(is_continued=pl.col("is_beyond_at_first") & was_beyond)
        .filter(pl.col("is_beyond_at_first") | ends)
        .select(*_DAY, "is_continued", "closed_at", "later_count", "later_rank")
    )


def episodes(readings: pl.DataFrame, around: pl.DataFrame) -> pl.DataFrame:
    """Episodes that opened on some days.

    Args:
        readings: silver.sensor_readings of the days.
        around: `surroundings` of the days.

    Returns:
        `FireEpisode` columns.
    """
    is_beyond = pl.col("rank") > 0
    is_other = is_beyond != is_beyond.shift(1).over(_DAY)
    runs = (
        ranked(readings)
        .with_columns(
            run=is_other.fill_null(value=False).cum_sum().over(_DAY),
            next_at=pl.col("read_at").shift(-1).over(_DAY),
        )
        .filter(is_beyond)
        .group_by(*_DAY, "run", maintain_order=True)
        .agg(
            pl.col("community_code").first(),
            pl.col("rank").max(),
            opened_at=pl.col("read_at").first(),
            ended_at=pl.col("next_at").last(),
            reading_count=pl.len().cast(pl.Int64),
        )
        .join(around, on=_DAY, how="left")
    )
    opened = runs.filter(~((pl.col("run") == 0) & pl.col("is_continued")))
    goes_on = pl.col("ended_at").is_null()
    closed_at = pl.coalesce("ended_at", "closed_at")
    later = pl.when(goes_on).then("later_rank")
    return opened.with_columns(
        opened_day="read_day",
        closed_at=closed_at,
        duration_seconds=(closed_at - pl.col("opened_at")).dt.total_seconds(),
        worst_level=pl.max_horizontal("rank", later).replace_strict(_LEVEL_OF),
        reading_count=pl.col("reading_count")
        + pl.when(goes_on).then(pl.col("later_count").fill_null(0)).otherwise(0),
    )


def count_episodes(engine: Engine, days: list[date]) -> ir.Table:
    """Episodes that opened on some days."""
    rows = engine.table(TABLE, days)
    return rows.group_by("opened_day", "community_code", "quantity", "worst_level").aggregate(
        episode_count=_.count(),
        closed_count=_.closed_at.count(),
        open_count=_.count() - _.closed_at.count(),
        duration_seconds=_.duration_seconds.sum().fill_null(0),
    )
