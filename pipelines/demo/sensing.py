"""Sensing of 示范区: alarms of smoke and hydrant sensors, and what these sensors read."""

from __future__ import annotations

import json
from datetime import date, datetime, time

import numpy as np
import polars as pl

from pipelines.demo.devices import Register
from pipelines.demo.episodes import note_spell, with_spell
from pipelines.demo.plan import Plan
from pipelines.demo.site import DAY_S
from pipelines.demo.tables import clock_text, note_rows, spoil, wall_clock, with_rules, write_csv

ALARMS_A_MONTH = 9_123
READINGS_A_MONTH = 200_000
GHOST_SENSOR = "35029900001340990001"
_COLUMNS = ("预警编号", "设备编码", "预警类型", "预警时间", "解除时间", "更新时间")


def write_sensing(plan: Plan, register: Register) -> None:
    """Write the wanted feeds of sensing."""
    if "sensor_alarms" in plan.feeds:
        _write_alarms(plan, register)
    if "sensor_readings" in plan.feeds:
        _write_readings(plan, register)


def _write_alarms(plan: Plan, register: Register) -> None:
    """One file a day: alarms raised that day, and those cleared that day, as they stand then."""
    rng = plan.rng("sensor_alarms")
    alarms = _alarms(plan, rng, register)
    end_of_data = plan.days * 86_400
    for n, day in enumerate(plan.all_days):
        start, end = n * 86_400, (n + 1) * 86_400
        changed = alarms.filter(
            pl.col("raised").is_between(start, end - 1)
            | pl.col("cleared").is_between(start, end - 1)
        )
        is_cleared = changed["cleared"].to_numpy() < end
        raised, cleared = changed["raised"].to_numpy(), changed["cleared"].to_numpy()
        rows = changed.with_columns(
            预警时间=wall_clock(plan, raised),
            解除时间=wall_clock(plan, cleared).set(pl.Series(~is_cleared), None),
            更新时间=wall_clock(plan, np.where(is_cleared, cleared, raised) + 5),
        )
        text = rows.select(
            "预警编号",
            "设备编码",
            "预警类型",
            *(clock_text(pl.col(c), n % 3) for c in _COLUMNS[3:]),
        )
        parts = [with_rules(text)]
        if n == plan.days - 1:
            parts += _faulty_alarms(text.schema, datetime.combine(day, time(9)))
        write_csv(
            plan, "sensor_alarms", f"sensor_alarms-{plan.named_day(day)}.csv", pl.concat(parts)
        )
    versions = 1 + (
        (alarms["cleared"] < end_of_data)
        & (alarms["cleared"] // 86_400 > alarms["raised"] // 86_400)
    ).cast(pl.Int64)
    _note_alarms(plan, alarms.with_columns(rows=versions))


def _alarms(plan: Plan, rng: np.random.Generator, register: Register) -> pl.DataFrame:
    sensors = register.of("smoke_sensor", "hydrant_sensor")
    count = plan.monthly(ALARMS_A_MONTH, 100)
    chosen = sensors[rng.integers(0, len(sensors), count)]
    raised = rng.integers(0, plan.days * 86_400 - 60, count)
    lasts = np.where(
        rng.random(count) < 0.8, rng.integers(300, 90_000, count), 10 * plan.days * 86_400
    )
    known = np.ones(count, dtype=bool)
    known[:3] = False
    chosen = _with_moved(plan, chosen, sensors, slice(3, 8))
    is_smoke = chosen["device_kind"] == "smoke_sensor"
    community = plan.site.communities(chosen["device_id"], chosen["community_code"], raised)
    return chosen.with_columns(community_code=community).with_columns(
        预警编号=pl.Series([f"YJ{n:08d}" for n in range(1, count + 1)]),
        预警类型=pl.when(pl.Series(rng.random(count) < 0.15))
        .then(pl.lit("offline"))
        .when(is_smoke)
        .then(pl.lit("smoke"))
        .otherwise(pl.lit("hydrant_pressure")),
        设备编码=pl.when(pl.Series(known)).then("device_id").otherwise(pl.lit(GHOST_SENSOR)),
        raised=pl.Series(raised),
        cleared=pl.Series(raised + lasts),
    )


def _with_moved(
    plan: Plan, chosen: pl.DataFrame, sensors: pl.DataFrame, rows: slice
) -> pl.DataFrame:
    """Some rows given to the sensor that is moved, where there is one."""
    at = plan.site.role("moved sensor", sensors["device_id"])
    if at is None:
        return chosen
    number = range(len(chosen))[rows]
    moved = sensors.slice(at, 1).select(pl.all().repeat_by(len(number)).explode())
    return pl.concat([chosen[: number.start], moved, chosen[number.stop :]])


def _note_alarms(plan: Plan, alarms: pl.DataFrame) -> None:
    """Truth of alarms; those of unregistered sensors are set aside with all their versions."""
    first = pl.Series([plan.all_days[0]]).cast(pl.Int32)[0]
    alarms = alarms.with_columns(
        raised_day=(pl.col("raised") // 86_400 + first).cast(pl.Int32).cast(pl.Date),
        alarm_id="预警编号",
        alarm_kind="预警类型",
        is_cleared=pl.col("cleared") < plan.days * 86_400,
    )
    known = pl.col("设备编码") != GHOST_SENSOR
    plan.truth.add("sensor_alarms", alarms.filter(known))
    for alarm in alarms.filter(~known).iter_rows(named=True):
        plan.truth.set_aside(
            "sensor_alarms",
            alarm["alarm_id"],
            "device_is_registered",
            alarm["raised_day"],
            alarm["rows"],
        )
    older = alarms.filter(known & (pl.col("rows") > 1)).select(
        entity_id="alarm_id", rows=pl.col("rows") - 1, feed=pl.lit("sensor_alarms")
    )
    plan.truth.add("superseded", older)


def _faulty_alarms(schema: pl.Schema, at: datetime) -> list[pl.DataFrame]:
    good = {
        "设备编码": GHOST_SENSOR, "预警类型": "smoke", "预警时间": f"{at:%Y-%m-%d} 09:00:00",
        "解除时间": None, "更新时间": f"{at:%Y-%m-%d} 09:00:05",
    }  # fmt: skip
    row = pl.DataFrame({column: [None] for column in schema}, schema=schema)
    faults: list[tuple[str, dict[str, str | None]]] = [
        ("clears_after_it_is_raised", {"解除时间": f"{at:%Y-%m-%d} 08:00:00"}),
        ("is_raised_before_it_is_reported", {"更新时间": f"{at:%Y-%m-%d} 08:00:00"}),
        ("alarm_kind_is_a_known_code", {"预警类型": "earthquake"}),
        ("device_id_is_well_formed", {"设备编码": "12345"}),
        ("raised_at_is_readable", {"预警时间": "25时61分"}),
        ("device_id_is_present", {"设备编码": None}),
    ]
    return [
        spoil(row, [rule], **({"预警编号": f"YJF{n:07d}"} | good | values))
        for n, (rule, values) in enumerate(faults)
    ]


def _write_readings(plan: Plan, register: Register) -> None:
    """One NDJSON file a day; some readings are sent twice, the later one counts."""
    per_day = plan.per_day(plan.monthly(READINGS_A_MONTH, 500))
    for n, day in enumerate(plan.all_days):
        rng = plan.rng("sensor_readings", day)
        rows = with_spell(plan, register, _readings(plan, rng, register, per_day[n], day), n)
        again = rows.filter(pl.Series(rng.random(len(rows)) < 0.02)).with_columns(
            sent=pl.col("sent") + 120
        )
        standing = rows.join(again.select("reading_id", newer="value"), "reading_id", how="left")
        level = _level(pl.col("quantity"), pl.col("value"))
        plan.truth.add(
            "sensor_readings",
            standing.with_columns(value=pl.coalesce("newer", "value")).with_columns(
                level=level, read_day=pl.lit(day)
            ),
        )
        plan.truth.add(
            "superseded",
            again.select(entity_id="reading_id", rows=1, feed=pl.lit("sensor_readings")),
        )
        lines, rules = _reading_lines(
            plan, pl.concat([rows, again]), n, is_last=day == plan.last_day
        )
        name = f"sensor_readings-{plan.named_day(day)}.ndjson"
        plan.landing.write_text("sensor_readings", name, "\n".join(lines) + "\n")
        note_rows(plan, "sensor_readings", name, pl.Series(rules, dtype=pl.List(pl.String)))
    note_spell(plan, register)


def _readings(
    plan: Plan, rng: np.random.Generator, register: Register, count: int, day: date
) -> pl.DataFrame:
    hydrants = int(count * 0.2)
    kinds = (("hydrant_sensor", hydrants), ("smoke_sensor", count - hydrants))
    devices = pl.concat(
        [
            (sensors := register.of(kind))[rng.integers(0, len(sensors), number)]
            for kind, number in kinds
        ]
    )
    devices = _with_moved(plan, devices, register.of("smoke_sensor"), slice(count - 4, count))
    pressure = rng.choice([0.24, 0.13, 0.08, 0.005], hydrants, p=[0.96, 0.02, 0.01, 0.01])
    pressure = np.round(pressure + rng.integers(-4, 5, hydrants) / 1000, 3)
    smoke = (rng.random(count - hydrants) < 0.01).astype(float)
    read = rng.integers(0, 86_000, count)
    start = plan.all_days.index(day) * DAY_S
    community = plan.site.communities(devices["device_id"], devices["community_code"], read + start)
    return devices.with_columns(
        community_code=community,
        reading_id=pl.Series([f"R{day:%Y%m%d}{n:07d}" for n in range(count)]),
        quantity=pl.when(pl.col("device_kind") == "hydrant_sensor")
        .then(pl.lit("hydrant_pressure"))
        .otherwise(pl.lit("smoke")),
        value=pl.Series(np.r_[np.maximum(pressure, 0.0), smoke]),
        read=pl.Series(read),
    ).with_columns(sent=pl.col("read") + 3)


def _level(quantity: pl.Expr, value: pl.Expr) -> pl.Expr:
    """GB 55036-2022 3.0.3 and the platform's own steps (`schemas/codes/fire_thresholds.csv`)."""
    return (
        pl.when(quantity == "smoke")
        .then(pl.when(value == 1).then(pl.lit("alarm")).otherwise(pl.lit("normal")))
        .when(value <= 0.01)
        .then(pl.lit("dry"))
        .when(value < 0.10)
        .then(pl.lit("critical"))
        .when(value < 0.14)
        .then(pl.lit("warning"))
        .otherwise(pl.lit("normal"))
    )


def _reading_lines(
    plan: Plan, rows: pl.DataFrame, n: int, *, is_last: bool
) -> tuple[list[str], list[list[str] | None]]:
    """Lines of one file, and the rules each breaks."""
    texts = rows.with_columns(
        read_at=clock_text(pl.lit(wall_clock(plan, rows["read"].to_numpy() + n * 86_400)), n % 3),
        sent_at=clock_text(pl.lit(wall_clock(plan, rows["sent"].to_numpy() + n * 86_400)), n % 3),
        analog_type=pl.when(pl.col("quantity") == "smoke").then(0).otherwise(5),
    )
    wanted = ("reading_id", "device_id", "quantity", "analog_type", "value", "read_at", "sent_at")
    objects = texts.select(wanted).to_dicts()
    lines = [json.dumps(reading, ensure_ascii=False) for reading in objects]
    rules: list[list[str] | None] = [None] * len(lines)
    if is_last:
        early = clock_text(pl.lit(wall_clock(plan, np.array([n * 86_400 - 7200]))), 0)
        sent_early = pl.select(early).item()
        hydrant = objects[0] | {"quantity": "hydrant_pressure", "analog_type": 5, "value": 0.2}
        faults: list[tuple[str, dict]] = [
            ("pressure_is_finer_than_its_threshold", {"analog_type": 4}),
            ("pressure_is_possible", {"value": 3.1}),
            ("is_read_before_it_is_sent", {"sent_at": sent_early}),
            ("value_is_readable", {"value": "abc"}),
            ("value_is_present", {"value": None}),
            ("quantity_is_a_known_code", {"quantity": "mood"}),
            ("device_id_is_well_formed", {"device_id": "99"}),
            ("analog_type_is_within_range", {"analog_type": 999}),
        ]
        for k, (rule, values) in enumerate(faults):
            lines.append(json.dumps(hydrant | {"reading_id": f"RF{k:06d}"} | values))
            rules.append([rule])
        lines.append(json.dumps(hydrant)[:60])
        rules.append(["row_is_readable"])
    return lines, rules
