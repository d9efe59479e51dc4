"""One stated spell of low pressure at a hydrant of 示范区, over midnight if there are two days.

All readings of that hydrant say 0.24 MPa outside the spell and 0.12 or 0.06 within it; two more
readings stand exactly at its beginning and at its end.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.demo.devices import Register
from pipelines.demo.plan import Plan
from pipelines.demo.site import DAY_S
from pipelines.demo.tables import wall_clock
from schemas.city_time import from_wall_clock

USUAL, LOW, WORSE = 0.24, 0.12, 0.06
HOUR = 3600


def spell(plan: Plan) -> tuple[int, int, int]:
    """When it begins, grows worse and ends, in seconds of the demo."""
    if plan.days == 1:
        return 9 * HOUR, 10 * HOUR, 12 * HOUR
    middle = plan.days // 2 * DAY_S
    return middle - 3 * HOUR, middle + HOUR, middle + 5 * HOUR


def with_spell(plan: Plan, register: Register, rows: pl.DataFrame, day: int) -> pl.DataFrame:
    """Readings of a day with what the hydrant of the spell says.

    Args:
        plan: The demo.
        register: Where the hydrant stands.
        rows: Readings with `device_id`, `read` in seconds of the day, `value`, and the like.
        day: Number of the day.
    """
    hydrant = register.of("hydrant_sensor")[0]
    begins, worse, ends = spell(plan)
    at = pl.col("read") + day * DAY_S
    pressure = (
        pl.when((at < begins) | (at >= ends))
        .then(USUAL)
        .when(at < worse)
        .then(LOW)
        .otherwise(WORSE)
    )
    edges = [second for second in (begins, worse, ends) if second // DAY_S == day]
    own = hydrant.join(
        pl.DataFrame({"read": [s % DAY_S for s in edges]}, {"read": pl.Int64}), how="cross"
    )
    extra = own.with_columns(
        reading_id=pl.concat_str(pl.lit(f"RE{plan.all_days[day]:%Y%m%d}"), "read"),
        quantity=pl.lit("hydrant_pressure"),
        value=pl.lit(USUAL),
        sent=pl.col("read") + 3,
    )
    both = pl.concat([rows, extra.select(pl.col(c).cast(t) for c, t in rows.schema.items())])
    is_own = pl.col("device_id") == hydrant["device_id"][0]
    return both.with_columns(value=pl.when(is_own).then(pressure).otherwise("value"))


def note_spell(plan: Plan, register: Register) -> None:
    """Truth of the spell."""
    begins, _, ends = spell(plan)
    frame = pl.DataFrame({
        "opened_at": wall_clock(plan, np.array([begins])),
        "closed_at": wall_clock(plan, np.array([ends])),
    })  # fmt: skip
    plan.truth.add(
        "fire_episodes",
        frame.with_columns(
            from_wall_clock(pl.col("opened_at", "closed_at")),
            device_id=pl.lit(register.of("hydrant_sensor")["device_id"][0]),
            worst_level=pl.lit("critical"),
        ),
    )
