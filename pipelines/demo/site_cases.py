"""The stated cases of devices that are moved, drift or fall silent: shots and readings of a day.

What becomes of them follows from their seconds like that of any other row (`cameras.at_true_time`).
"""

from __future__ import annotations

from datetime import date

import polars as pl

from pipelines.demo.plan import Plan
from pipelines.demo.site import DAY_S
from pipelines.demo.site_files import HOUR, NOON, SLOW


def site_shots(plan: Plan, ids: pl.Series, day: date) -> list[tuple[int, str, list[list[int]]]]:
    """Face shots: camera, token, and the seconds of each passage but for what clocks cut."""
    role = {name: at for name in plan.site.roles if (at := plan.site.role(name, ids)) is not None}
    if "moved camera" not in role:
        return []
    n = plan.all_days.index(day)
    moved, slow, reset = role["moved camera"], role["slow"], role["reset"]
    cases = [
        (moved, "M1", [[NOON - 2 * HOUR]]),
        (moved, "M2", [[NOON - 1]]),
        (moved, "M3", [[NOON]]),
        (moved, "M4", [[NOON + 2 * HOUR, NOON + 2 * HOUR + 2]]),
        # by the slow clock: wholly past the true midnight, and on both sides of it
        (slow, "D1", [[DAY_S + SLOW + 300, DAY_S + SLOW + 303]]),
        (slow, "D2", [[DAY_S + SLOW - 4, DAY_S + SLOW - 1, DAY_S + SLOW + 2]]),
        # a track during which a clock was set
        (reset, "R1", [[NOON + HOUR - 3, NOON + HOUR + 3, NOON + HOUR + 5]]),
        (role["fast"], "F1", [[NOON, NOON + 30]]),
    ]
    silence = plan.site.silence
    if silence is not None and silence.day == n:
        cases += [(role["silent"], f"H{hour}", [[hour * HOUR + 900]]) for hour in silence.hours]
    return cases


def site_readings(plan: Plan, ids: pl.Series, day: date) -> list[tuple[int, int, int, str, int]]:
    """Readings of plates: gate, second, unit (from 0), plate, lane."""
    moved, fast = plan.site.role("moved gate", ids), plan.site.role("fast gate", ids)
    if moved is None or fast is None:
        return []
    found = [
        (moved, NOON - 2 * HOUR, 0, "闽EN100A", 1),
        (moved, NOON - 1, 1, "闽EP300C", 1),
        (moved, NOON, 2, "闽EU700E", 3),
        (moved, NOON + 2 * HOUR, 3, "闽EV900F", 1),
    ]
    if day > plan.all_days[0]:  # its clock runs ahead since the second day
        found += [(fast, 10, 4, "闽EW400H", 1), (fast, 25, 4, "闽EW400H", 1)]
    return found
