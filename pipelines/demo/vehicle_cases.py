"""The stated cases of vehicle passages: what is one vehicle, and what only looks like one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl

from pipelines.demo.plan import Plan
from pipelines.demo.site_cases import site_readings


class Reading(NamedTuple):
    """One planted reading: seconds after the start of its case, plate, lane, reliability."""

    after: int
    plate: str
    lane: int = 1
    reliability: int = 90


Unit = list[Reading]
CASES: dict[str, list[Unit]] = {
    "gap of 60 s is one": [[Reading(0, "闽E1000A"), Reading(60, "闽E1000A", 1, 80)]],
    "gap of 61 s is two": [[Reading(0, "闽E2000A")], [Reading(61, "闽E2000A")]],
    "misread within 10 s is one": [[Reading(0, "闽E30008"), Reading(10, "闽E3000B", 1, 60)]],
    "misread after 11 s is two": [[Reading(0, "闽E40008")], [Reading(11, "闽E4000B")]],
    "misread in another lane is two": [[Reading(0, "闽E60008")], [Reading(3, "闽E6000B", 2)]],
    "spelling does not matter": [
        [Reading(0, "闽E·7000A"), Reading(20, "闽e7000A", 1, 80), Reading(40, "闽E 7000A", 1, 70)]
    ],
    "a chain is one": [
        [Reading(0, "闽E90018"), Reading(8, "闽E9001B", 1, 60), Reading(16, "闽E900TB", 1, 50)]
    ],
    "two characters differ: two": [[Reading(0, "闽EA0018")], [Reading(5, "闽EA00TB")]],
    "unread plates never join": [
        [Reading(0, "闽EC-00A")],
        [Reading(5, "闽EC-00A")],
        [Reading(30, "无车牌")],
        [Reading(33, "无车牌")],
    ],
    "equal reliability: the earliest": [
        [Reading(0, "闽EF000A", 1, 88), Reading(7, "闽EF000A", 1, 88)]
    ],
    "O is a misread 0": [[Reading(0, "闽EG000A"), Reading(4, "闽EG00OA", 1, 55)]],
    "any lane": [[Reading(0, "闽EH000A", 2, 85), Reading(30, "闽EH000A", 3, 95)]],
}


def planted_readings(plan: Plan, ids: pl.Series, day: date) -> list[tuple[int, int, int, Reading]]:
    """Readings of the stated cases of one day: gate, second of day, unit, reading.

    Each case has a gate, and an hour, of its own; one plate is read at two gates at once, and one
    on both sides of midnight.
    """
    rng = plan.rng("vehicle cases", day)
    gates = len(ids)
    gate = rng.permutation(gates)
    found = []
    for n, units in enumerate(CASES.values()):
        start = 14_400 + 3600 * n + int(rng.integers(600))
        found += [
            (int(gate[n % gates]), start + reading.after, -1 - 10 * n - u, reading)
            for u, unit in enumerate(units)
            for reading in unit
        ]
    if gates > 1:
        twice = Reading(0, "闽EK000A")
        found += [(int(gate[g]), 62_000, -900 - g, twice) for g in (0, 1)]
    for start, second in ((day - timedelta(days=1), 5), (day, 86_390)):
        if plan.all_days[0] <= start < plan.last_day:
            same = int(plan.rng("vehicle midnight", start).integers(gates))
            if same == plan.site.role("fast gate", ids):  # to whom these would be one passage
                same = (same + 1) % gates
            plate = f"闽EL0{start.day % 10}3A"
            found.append((same, second, -950 - second % 7, Reading(0, plate)))
    return found + [
        (gate, second, -970 - unit, Reading(0, plate, lane))
        for gate, second, unit, plate, lane in site_readings(plan, ids, day)
    ]


def columns(readings: list[tuple[int, int, int, Reading]]) -> dict:
    """Planted readings as columns."""
    return {
        "gate": np.array([r[0] for r in readings]),
        "sec": np.array([r[1] for r in readings]),
        "unit": np.array([r[2] for r in readings]),
        "plate": [r[3].plate for r in readings],
        "lane": np.array([r[3].lane for r in readings]),
        "reliability": np.array([r[3].reliability for r in readings]),
    }
