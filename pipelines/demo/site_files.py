"""Chooses the devices of `site.py` and writes the site settings a city would have for them.

Writes `HOME/config/captures/*.csv` of a demo home; not here: the register's own files.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.demo.plan import Plan
from pipelines.demo.site import DAY_S, Clock, Move, Silence, Site
from pipelines.demo.tables import wall_clock

_STANDARD = {str(n): str(n) for n in range(1, 9)}
_POLICE = {"01": "2", "02": "1", "03": "4", "04": "3"}
_SWAPPED = {"1": "2", "2": "1", "3": "4", "4": "3"}
_SENT_LIKE_THE_STANDARD = {"01": "1", "02": "2", "03": "3", "04": "4"}
DIRECTIONS = {
    "3502990000121": _STANDARD | _POLICE,
    "350299000012100004": _SWAPPED | _SENT_LIKE_THE_STANDARD,
}
"""All gates, and a second source among them whose codes mean the opposite; 9 and more are in
neither map (`HDirectionType`, `Direction_police_system_variant` of `codes/ga1400_codes.csv`)."""

NOON, HOUR = 43_200, 3_600
SLOW, FAST, BEFORE_RESET, AFTER_RESET, GATE_FAST = -900, 120, -300, 60, 40
SILENT_SHOTS = (7, 8, 12, 13, 14, 17, 18)
"""Hours with a shot: silent for three hours from 9, and for two from 15, which is not counted."""


def choose_site(plan: Plan, devices: pl.DataFrame) -> Site:
    """Choose devices for every role.

    Args:
        plan: The demo.
        devices: Devices that can be chosen: `device_id`, `device_kind` and the `community_code` in
            which they stand at first.
    """
    roles = choose_roles(devices)
    middle = plan.days // 2 * DAY_S
    reset = middle + NOON + HOUR
    clocks = (
        # slow until put right in the evening of the last day: nothing crosses into tomorrow
        Clock(roles["slow"], SLOW, until=(plan.days - 1) * DAY_S + 20 * HOUR),
        Clock(roles["fast"], FAST, since=DAY_S),
        Clock(roles["reset"], BEFORE_RESET, until=reset),
        Clock(roles["reset"], AFTER_RESET, since=reset),
        Clock(roles["fast gate"], GATE_FAST, since=DAY_S),
    )
    before = dict(devices.select("device_id", "community_code").iter_rows())
    moves = tuple(
        Move(roles[role], middle + NOON, before[roles[role]])
        for role in ("moved camera", "moved gate", "moved sensor")
    )
    silence = Silence(roles["silent"], plan.days - 1, SILENT_SHOTS)
    return Site(roles, clocks, moves, silence, DIRECTIONS)


def choose_roles(devices: pl.DataFrame) -> dict[str, str]:
    """Role → device id."""
    of = {
        kind: devices.filter(pl.col("device_kind") == kind)["device_id"].to_list()
        for kind in ("camera", "gate", "smoke_sensor")
    }
    cameras = ("slow", "fast", "reset", "moved camera", "silent")
    return {
        **{role: of["camera"][7 * n] for n, role in enumerate(cameras, 1)},
        "fast gate": of["gate"][5],
        "moved gate": of["gate"][-5],
        "moved sensor": of["smoke_sensor"][10],
    }


def write_site(plan: Plan) -> None:
    """Write the settings and the truth of the planted silence."""
    site = plan.site
    if not site.clocks:
        return
    rows = [(p, c, h) for p, codes in site.directions.items() for c, h in codes.items()]
    _write(plan.home, "directions.csv", ("device_prefix", "direction_code", "heading"), rows)
    times = [
        (clock.device_id, _instant(plan, clock.since), _instant(plan, clock.until), clock.offset)
        for clock in site.clocks
    ]
    _write(plan.home, "clock_offsets.csv",
           ("device_id", "valid_from", "valid_until", "offset_seconds"), times)  # fmt: skip
    if site.silence is not None:
        plan.truth.note(
            "daylight_gaps",
            sensing_day=plan.all_days[site.silence.day],
            device_id=site.silence.device_id,
            device_kind="camera",
            from_hour=9,
            hour_count=3,
        )


def _instant(plan: Plan, second: int | None) -> str:
    return "" if second is None else f"{wall_clock(plan, np.array([second]))[0]}"


def _write(home: Path, name: str, header: tuple[str, ...], rows: list[tuple]) -> None:
    path = home / "config" / "captures" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [",".join(map(str, row)) for row in (header, *rows)]
    path.write_text("\n".join(lines) + "\n")


def clear_site(home: Path) -> None:
    """Take away the settings of an earlier demo of this home, if that demo had written them."""
    summary = home / "demo" / "summary.json"
    if summary.exists() and json.loads(summary.read_text()).get("has_site_settings"):
        for name in ("directions.csv", "clock_offsets.csv"):
            (home / "config" / "captures" / name).unlink(missing_ok=True)
