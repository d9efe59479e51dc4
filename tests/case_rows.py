"""Cases for tests: some by hand around holidays, many at random."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from case_loops import Row, city

from assets.timing import AsOf
from schemas import tables
from schemas.city_time import CITY_TZ
from schemas.contract import polars_schema

SILVER = tables.table("silver", "grid_cases")
ONE, TWO = "350299001001", "350299002001"
AS_OF = AsOf(datetime(2026, 10, 31, 9, tzinfo=CITY_TZ))
BLANK: Row = dict.fromkeys(polars_schema(SILVER.contract))
TIMES = ("verified_at", "registered_at", "dispatched_at", "handled_at", "checked_at", "closed_at")


def made_up(count: int, seed: int = 7) -> list[Row]:
    """Cases around National Day 2026 (off 1-7 October, worked 20 September and 10 October)."""
    draw = random.Random(seed)
    rows = []
    for n in range(count):
        at = datetime(2026, 9, 17, tzinfo=UTC) + timedelta(minutes=draw.randrange(60 * 24 * 44))
        spot, cancelled = draw.random() < 0.2, draw.random() < 0.1
        row = BLANK | {
            "case_number": f"A{n:05d}", "source_type": draw.choice(["collector", "public", "iot"]),
            "case_kind": draw.choice(["matter", "component"]),
            "type_code": draw.choice(["01001", "06011", "06013", "08004", "09012", "10002", None]),
            "community_code": draw.choice([ONE, TWO, None]), "reported_at": at,
            "is_self_handled": spot, "rework_count": draw.choice([0, 0, 0, 1, 2]),
            "verify_result": draw.choice([None, "exist", "not_exist"]),
            "is_registration_right": draw.choice([None, True, False]),
            "return_count": draw.choice([None, 0, 1]),
        }  # fmt: skip
        if row["community_code"] and draw.random() < 0.9:
            row["grid_code"] = f"{row['community_code']}00{draw.randrange(1, 4)}"
        if draw.random() < 0.3:
            row["time_limit"] = draw.randrange(1, 6)
            row["time_limit_type"] = draw.choice(
                ["urgent_hour", "work_hour", "work_day", "natural_day"]
            )
        if draw.random() < 0.1:
            row["deadline_at"] = at + timedelta(hours=draw.randrange(1, 200))
        stages = (
            ("registered_at", "handled_at", "closed_at")[n % 2 :]
            if spot
            else TIMES[: draw.randrange(len(TIMES) + 1)]
        )
        for stage in stages:
            at += timedelta(minutes=draw.choice([1, 30, 240, 1440, 4000]))
            row[stage] = at
        if cancelled:
            row["cancelled_at"] = at
        rows.append(
            row | {"updated_at": at, "state": state(row), "report_day": city(row["reported_at"])}
        )
    return rows


def state(row: Row) -> str:
    return "cancelled" if row["cancelled_at"] else "closed" if row["closed_at"] else "open"


def frame(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=polars_schema(SILVER.contract))


def case(number: str, report: str, **at: Any) -> Row:
    """A matter of dirt (06011): dispatch within 2 hours, handled in 1 day, closed 2 days later."""

    def instant(text: str) -> datetime:
        return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=CITY_TZ)

    times = {name: instant(value) for name, value in at.items() if name.endswith("_at")}
    row = BLANK | {
        "case_number": number, "source_type": "collector", "case_kind": "matter",
        "type_code": "06011", "community_code": ONE, "grid_code": f"{ONE}001",
        "is_self_handled": False, "rework_count": 0, "reported_at": instant(report),
    } | at | times  # fmt: skip
    return row | {"updated_at": row["reported_at"], "state": state(row),
                  "report_day": city(row["reported_at"])}  # fmt: skip


SENT = {"registered_at": "09-30 09:00", "dispatched_at": "09-30 10:00"}
BY_HAND = [
    # handling is due on the first working day after the holidays, 8 October 10:00; closing two
    # working days on, on 10 October 10:00, for that Saturday is worked on
    case("in time", "09-30 08:30", **SENT, handled_at="10-08 09:59", closed_at="10-10 10:00"),
    case("late", "09-30 08:30", **SENT, handled_at="10-08 10:01", closed_at="10-10 10:01"),
    case("never", "09-30 08:30", **SENT),
    case("cancelled", "09-30 08:30", **SENT, cancelled_at="10-05 12:00"),
    case("not registered", "09-30 08:30"),
    case("on the spot", "09-30 08:30", is_self_handled=True, registered_at="09-30 08:35",
         handled_at="09-30 08:40",
         closed_at="09-30 08:41"),
    # due on a month's last working day, closing in the next month: after the as-of
    case("month end", "10-29 08:30", registered_at="10-29 09:00", dispatched_at="10-29 10:00"),
]  # fmt: skip
