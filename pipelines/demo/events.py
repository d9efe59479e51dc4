"""AI video events and IoT events of 示范区: as they happen, and again once they were handled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.demo.devices import GHOSTS, Register
from pipelines.demo.plan import Plan
from pipelines.demo.sensing import GHOST_SENSOR
from pipelines.demo.tables import clock_text, spoil, wall_clock, with_rules, write_csv

VIDEO_A_MONTH, IOT_A_MONTH = 34_000, 9_000
_TIMES = ["发生时间", "处置时间", "更新时间"]
# Kind, its matter in GB/T 47678.5 (by hand).
_KINDS = (
    ("机动车乱停放", "09009"), ("街面垃圾/暴露垃圾", "06010"), ("店外经营", "09005"),
    ("井盖异常", "01023"), ("消防设施异常", "01013"),
)  # fmt: skip
_KIND_SHARES = (0.8, 0.1, 0.05, 0.03, 0.02)
# System type, component type, status bit, its name in GB/T 26875.3 (by hand).
_STATUS = (
    ("1", "40", "1", "火警"), ("1", "40", "2", "故障"), ("1", "42", "8", "电源故障"),
    ("11", None, "9", "备电故障"), ("11", None, "2", "故障"),
)  # fmt: skip
_STATUS_SHARES = (0.3, 0.3, 0.1, 0.1, 0.2)


@dataclass(frozen=True)
class Events:
    """One feed of events.

    Attributes:
        feed: Feed, folder and truth table.
        letter: Of its event numbers.
        ghost: A device that sends and stands in no register.
        own: Columns of its own, as written.
        faults: Rules and the texts that break them.
    """

    feed: str
    letter: str
    ghost: str
    own: list[str]
    faults: list[tuple[str, dict[str, str | None]]]


VIDEO = Events("ai_video_events", "AV", GHOSTS["camera"], ["事件类型", "确认属实"], [
    ("event_kind_is_a_known_code", {"事件类型": "飞碟"}),
    ("is_confirmed_is_readable", {"确认属实": "大概"}),
])  # fmt: skip
IOT = Events("iot_events", "WL", GHOST_SENSOR, ["系统类型", "部件类型", "状态位"], [
    ("system_type_is_a_known_code", {"系统类型": "99"}),
    ("component_type_is_a_known_code", {"部件类型": "14"}),
    ("status_bit_is_one_of_its_component", {"部件类型": "40", "状态位": "13"}),
])  # fmt: skip


def write_events(plan: Plan, register: Register) -> None:
    """Write the wanted feeds of events."""
    if VIDEO.feed in plan.feeds:
        _write(plan, VIDEO, _video(plan, register))
    if IOT.feed in plan.feeds:
        _write(plan, IOT, _iot(plan, register))


def _video(plan: Plan, register: Register) -> pl.DataFrame:
    rows, rng = _happening(plan, VIDEO, register.of("camera"), plan.monthly(VIDEO_A_MONTH, 120))
    kinds, codes = zip(*_KINDS, strict=True)
    drawn = rng.choice(len(kinds), len(rows), p=_KIND_SHARES).tolist()
    true = pl.Series((rng.random(len(rows)) < 0.85).tolist())
    return rows.with_columns(
        事件类型=pl.Series([kinds[k] for k in drawn]),
        type_code=pl.Series([codes[k] for k in drawn]),
        truly=true,
    )


def _iot(plan: Plan, register: Register) -> pl.DataFrame:
    sensors = register.of("smoke_sensor", "hydrant_sensor")
    rows, rng = _happening(plan, IOT, sensors, plan.monthly(IOT_A_MONTH, 120))
    columns = zip(*_STATUS, strict=True)
    drawn = rng.choice(len(_STATUS), len(rows), p=_STATUS_SHARES).tolist()
    names = ("系统类型", "部件类型", "状态位", "status_name")
    return rows.with_columns(
        pl.Series(name, [values[k] for k in drawn], dtype=pl.String)
        for name, values in zip(names, columns, strict=True)
    )


def _happening(
    plan: Plan, events: Events, devices: pl.DataFrame, count: int
) -> tuple[pl.DataFrame, np.random.Generator]:
    """When and where: the first three by a device nobody registered, four in five handled."""
    rng = plan.rng(events.feed)
    chosen = devices[rng.integers(0, len(devices), count)]
    happened = rng.integers(0, plan.days * 86_400 - 60, count)
    lasts = np.where(
        rng.random(count) < 0.8, rng.integers(60, 100_000, count), 10 * plan.days * 86_400
    )
    is_ghost = pl.int_range(pl.len()) < 3
    place = plan.site.communities(chosen["device_id"], chosen["community_code"], happened)
    return chosen.with_columns(
        community_code=place,
        event_id=pl.Series([f"{events.letter}{n:08d}" for n in range(1, count + 1)]),
        设备编码=pl.when(is_ghost).then(pl.lit(events.ghost)).otherwise("device_id"),
        happened=pl.Series(happened),
        handled=pl.Series(happened + lasts),
    ), rng


def _write(plan: Plan, events: Events, rows: pl.DataFrame) -> None:
    """One file a day: what happened and what was handled that day, as it stands then."""
    for n, day in enumerate(plan.all_days):
        start, end = n * 86_400, (n + 1) * 86_400
        inside = [pl.col(c).is_between(start, end - 1) for c in ("happened", "handled")]
        text = _texts(plan, events, rows.filter(pl.any_horizontal(inside)), n)
        parts = [with_rules(text)]
        if n == plan.days - 1:
            parts += _faulty(plan, events, text, n)
        name = f"{events.feed}-{plan.named_day(day)}.csv"
        encoding = ("utf-8", "gb18030")[n % 2]
        write_csv(plan, events.feed, name, pl.concat(parts), encoding)
    _note(plan, events, rows)


def _texts(plan: Plan, events: Events, rows: pl.DataFrame, n: int) -> pl.DataFrame:
    happened, handled = rows["happened"].to_numpy(), rows["handled"].to_numpy()
    is_handled = handled < (n + 1) * 86_400
    times = {
        "发生时间": wall_clock(plan, happened),
        "处置时间": wall_clock(plan, handled).set(pl.Series(~is_handled), None),
        "更新时间": wall_clock(plan, np.where(is_handled, handled, happened) + 5),
    }
    seen = rows.with_columns(**times, 事件编号="event_id")
    if "truly" in rows.columns:  # nobody looks before it is handled
        word = pl.when("truly").then(pl.lit("是")).otherwise(pl.lit("否"))
        seen = seen.with_columns(确认属实=pl.when(pl.Series(is_handled)).then(word))
    clocks = [clock_text(pl.col(name), n % 3) for name in _TIMES]
    return seen.select("事件编号", "设备编码", *events.own, *clocks)


def _faulty(plan: Plan, events: Events, text: pl.DataFrame, n: int) -> list[pl.DataFrame]:
    def at(second: int) -> str:
        instant = pl.lit(wall_clock(plan, np.array([n * 86_400 + second])))
        return pl.select(clock_text(instant, n % 3)).item()

    good: dict[str, str | None] = {
        "设备编码": events.ghost, "发生时间": at(3600), "处置时间": None, "更新时间": at(3660),
        "事件类型": "店外经营", "系统类型": "1", "部件类型": "40", "状态位": "1",
    }  # fmt: skip
    row = pl.DataFrame({c: [good.get(c)] for c in text.columns}, schema=text.schema)
    faults = [
        *events.faults,
        ("is_handled_after_it_happens", {"处置时间": at(3500)}),
        ("happens_before_it_is_reported", {"更新时间": at(60)}),
        ("device_id_is_well_formed", {"设备编码": "12345"}),
    ]
    return [
        spoil(row, [rule], **({"事件编号": f"{events.letter}F{k:05d}"} | values))
        for k, (rule, values) in enumerate(faults)
    ]


def _note(plan: Plan, events: Events, rows: pl.DataFrame) -> None:
    """Truth; events of unregistered devices are set aside with all their versions."""
    end = plan.days * 86_400
    first = pl.Series([plan.all_days[0]]).cast(pl.Int32)[0]
    is_handled = pl.col("handled") < end
    rows = rows.with_columns(
        happened_day=(pl.col("happened") // 86_400 + first).cast(pl.Int32).cast(pl.Date),
        handled_seconds=pl.when(is_handled).then(pl.col("handled") - pl.col("happened")),
        versions=1 + (is_handled & (pl.col("handled") // 86_400 > pl.col("happened") // 86_400)),
        is_ghost=pl.col("设备编码") == events.ghost,
    )
    if "truly" in rows.columns:
        rows = rows.with_columns(
            event_kind="事件类型", is_confirmed=pl.when(is_handled).then("truly")
        )
    else:
        rows = rows.with_columns(system_type="系统类型")
    standing = rows.filter(~pl.col("is_ghost"))
    plan.truth.add(events.feed, standing)
    for event in rows.filter("is_ghost").iter_rows(named=True):
        plan.truth.set_aside(
            events.feed, event["event_id"], "device_is_registered", event["happened_day"],
            event["versions"],
        )  # fmt: skip
    older = standing.filter(pl.col("versions") > 1)
    plan.truth.add(
        "superseded", older.select(entity_id="event_id", rows=1, feed=pl.lit(events.feed))
    )
