"""The captures of 示范区, day by day: one day stands in memory at a time."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from pipelines.demo.cameras import cameras_of
from pipelines.demo.capture_files import late_rows, write_files, write_late, write_notifications
from pipelines.demo.captures import Kind
from pipelines.demo.clocks import DayClock
from pipelines.demo.devices import Register
from pipelines.demo.faces import FACE, faces_of_day
from pipelines.demo.nonmotors import NONMOTOR, nonmotors_of_day
from pipelines.demo.plan import Plan
from pipelines.demo.vehicles import MOTOR, motors_of_day

FACES_A_MONTH = 16_845_640
MOTORS_A_MONTH = 462_416
NONMOTORS_A_MONTH = 30_000


def write_captures(plan: Plan, register: Register) -> None:
    """Write the captures that are wanted, with their truth."""
    makers = _makers(plan, register)
    late: dict[str, pl.DataFrame] = {}
    for n, day in enumerate(plan.all_days):
        clock = DayClock(day)
        sent = [(kind, rows_of_day(clock, n)) for kind, rows_of_day in makers]
        for kind, rows in sent:
            write_files(plan, kind, day, rows)
            if kind.feed in late:
                write_late(plan, kind, day, late[kind.feed])
            late[kind.feed] = late_rows(rows)
        write_notifications(plan, clock, sent)
        plan.progress("captures", (n + 1) / plan.days)


def _makers(
    plan: Plan, register: Register
) -> list[tuple[Kind, Callable[[DayClock, int], pl.DataFrame]]]:
    """Wanted kinds, in document order, each with what makes its rows of the n-th day."""
    cameras = cameras_of(plan, register.of("camera"), "faces")
    gates = cameras_of(plan, register.of("gate"), "motors")
    streets = cameras_of(plan, register.of("camera"), "nonmotors")
    faces = plan.per_day(plan.monthly(FACES_A_MONTH, 40 * plan.days))
    motors = plan.per_day(plan.monthly(MOTORS_A_MONTH, 30 * plan.days))
    nonmotors = plan.per_day(plan.monthly(NONMOTORS_A_MONTH, 10 * plan.days))
    makers: list[tuple[Kind, Callable[[DayClock, int], pl.DataFrame]]] = [
        (FACE, lambda clock, n: faces_of_day(plan, cameras, clock, faces[n])),
        (MOTOR, lambda clock, n: motors_of_day(plan, gates, clock, motors[n])),
        (NONMOTOR, lambda clock, n: nonmotors_of_day(plan, streets, clock, nonmotors[n])),
    ]
    return [(kind, maker) for kind, maker in makers if kind.feed in plan.feeds]
