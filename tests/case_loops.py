"""Case measures and the evaluation in plain loops over rows, for tests: no table library."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import chinese_calendar

from schemas.city_time import CITY_TZ

CODES = Path(__file__).parents[1] / "schemas" / "codes"
HOURS = [("08:00", "12:00"), ("14:00", "18:00")]
Row = dict[str, Any]


def listed(name: str) -> list[Row]:
    with (CODES / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def walked(start: datetime, limit: int, kind: str, hours: list[tuple[str, str]]) -> datetime:
    """Due by walking along the days, one stretch of office hours after the other."""
    if kind in ("urgent_hour", "natural_day"):
        return start + timedelta(hours=limit * (1 if kind == "urgent_hour" else 24))
    clocks = [(time.fromisoformat(a), time.fromisoformat(b)) for a, b in hours]
    span = timedelta()
    for a, b in clocks:
        span += datetime.combine(date.min, b) - datetime.combine(date.min, a)
    left = limit * (timedelta(hours=1) if kind == "work_hour" else span)
    start = start.astimezone(CITY_TZ)
    day = start.date()
    while True:
        if chinese_calendar.is_workday(day):
            for a, b in clocks:
                begin = max(start, datetime.combine(day, a, CITY_TZ))
                end = datetime.combine(day, b, CITY_TZ)
                if begin < end:
                    if left <= end - begin:
                        return begin + left
                    left -= end - begin
        day += timedelta(days=1)


def fitting(rows: list[Row], case: Row) -> Row | None:
    """The row of a table by kind and code that says most of the case."""
    found = [
        r for r in rows
        if r["case_kind"] in ("", case["case_kind"])
        and (not r["type_prefix"] or (case["type_code"] or "").startswith(r["type_prefix"]))
    ]  # fmt: skip
    return max(found, key=lambda r: (len(r["type_prefix"]), r["case_kind"] != ""), default=None)


def due(case: Row) -> dict[str, datetime]:
    """Deadlines of a case by stage, by the default limits."""
    limits = listed("case_time_limits")
    found: dict[str, datetime] = {}

    def after(stage: str, start: datetime | None, own: tuple[int, str] | None = None) -> None:
        row = fitting([r for r in limits if r["stage"] == stage], case)
        if start is None or row is None:
            return
        count, kind = own or (int(row["time_limit"]), row["time_limit_type"])
        try:
            found[stage] = walked(start, count, kind, HOURS)
        except NotImplementedError:  # the calendar ends
            return

    own = (case["time_limit"], case["time_limit_type"]) if case["time_limit"] else None
    after("verify", case["reported_at"])
    after("register", case["reported_at"])
    after("dispatch", case["registered_at"])
    after("dispose", case["dispatched_at"] or found.get("dispatch"), own)
    if case["deadline_at"] and case["registered_at"]:
        found["dispose"] = case["deadline_at"]
    after("check", case["handled_at"])
    after("close", found.get("dispose"))
    return found


def city(at: datetime) -> date:
    return at.astimezone(CITY_TZ).date()


def measures(cases: list[Row], as_of: datetime) -> dict[tuple, Counter[str]]:
    """(day, community, kind) → counts that are not zero, under the names of the contract."""
    book: dict[tuple, Counter[str]] = defaultdict(Counter)
    for case in cases:
        limits = due(case)

        def add(at: date, case: Row = case, **counts: object) -> None:
            key = (at, case["community_code"], case["case_kind"])
            book[key].update({k: int(v) for k, v in counts.items() if v})  # pyright: ignore[reportArgumentType]

        def over(stage: str, limits: dict[str, datetime] = limits) -> datetime | None:
            return at if (at := limits.get(stage)) and at <= as_of else None

        live, spot = case["cancelled_at"] is None, case["is_self_handled"]
        registered, sent, handled = (
            case[f"{s}_at"] for s in ("registered", "dispatched", "handled")
        )
        needs = registered and live and not spot
        closed, right = case["closed_at"], case["is_registration_right"]
        valid = live and case["verify_result"] != "not_exist"
        lacks = needs and (
            {"dispatch", "dispose", "close"} - limits.keys() or (handled and "check" not in limits)
        )  # fmt: skip
        add(city(case["reported_at"]), valid_report_count=valid,
            registered_valid_count=valid and registered is not None,
            intime_registered_count=registered and registered <= limits["register"],
            registration_judged_count=registered is not None and right is not None,
            right_registered_count=registered is not None and right,
            undated_count=bool(lacks))  # fmt: skip
        asked = case["verified_at"] or (case["source_type"] == "public" and live)
        if asked and not spot and (at := over("verify")):
            add(city(at), need_verify_count=1,
                intime_verify_count=case["verified_at"] and case["verified_at"] <= at)  # fmt: skip
        if needs and (at := over("dispatch")):
            add(city(at), need_dispatch_count=1, dispatch_count=sent is not None,
                intime_dispatch_count=sent and sent <= at,
                dispatch_judged_count=case["return_count"] is not None,
                right_dispatch_count=sent and case["return_count"] == 0)  # fmt: skip
        if needs and sent and (at := over("dispose")):
            add(city(at), need_dispose_count=1, dispose_count=handled is not None,
                intime_dispose_count=handled and handled <= at,
                rework_case_count=handled and case["rework_count"] > 0)  # fmt: skip
        if needs and handled and (at := over("check")):
            checked = case["checked_at"]
            add(city(at), need_check_count=1, intime_check_count=checked and checked <= at)
        if needs and (at := over("close")):
            add(city(at), need_archive_count=1, archive_count=closed is not None,
                intime_archive_count=closed and closed <= at,
                overtime_archive_count=closed and closed > at)  # fmt: skip
        if live and not spot and sent and handled:
            add(city(handled), handled_count=1,
                handling_seconds=int((handled - sent).total_seconds()))  # fmt: skip
        if live and not spot and closed:
            add(city(closed), finished_count=1,
                finishing_seconds=int((closed - case["reported_at"]).total_seconds()))  # fmt: skip
    return {key: counts for key, counts in book.items() if counts}


COSTS = {"not_closed_when_due": 100, "closed_late": 50, "reworked": 30, "found_by_residents": 10,
         "dissatisfied": 100, "neutral": 50}  # fmt: skip


def judged(cases: list[Row], visits: list[Row], as_of: datetime) -> dict[tuple, list[tuple]]:
    """(month, community, grid, indicator) → (case number, reason or None) of all that is judged."""
    book: dict[tuple, list[tuple]] = defaultdict(list)
    grids = {case["case_number"]: case["grid_code"] for case in cases}
    for case in cases:
        at, closed = due(case).get("close"), case["closed_at"]
        spot, registered = case["is_self_handled"], case["registered_at"]
        if case["cancelled_at"] or not (spot or (registered and at and at <= as_of)):
            continue
        day = city(case["reported_at"] if spot else at)  # pyright: ignore[reportArgumentType]
        row = fitting(listed("evaluation_indicators"), case)
        assert row is not None
        reason = None
        if not spot and not closed:
            reason = "not_closed_when_due"
        elif not spot and closed > at:
            reason = "closed_late"
        elif case["rework_count"]:
            reason = "reworked"
        elif case["source_type"] == "public":
            reason = "found_by_residents"
        key = (day.replace(day=1), case["community_code"], case["grid_code"], row["indicator"])
        book[key].append((case["case_number"], reason))
    for visit in visits:
        if visit["answer"] == "unreached" or visit["visited_at"] > as_of:
            continue
        number, month = visit["case_number"], city(visit["visited_at"]).replace(day=1)
        reason = visit["answer"] if visit["answer"] in ("dissatisfied", "neutral") else None
        book[month, visit["community_code"], grids[number], "satisfied"].append((number, reason))
    return dict(book)


def points(book: dict[tuple, list[tuple]], weights: dict[str, int]) -> dict[tuple, tuple]:
    """(month, community, grid, indicator) → judged, faulty, possible, earned, in thousandths."""
    found = {}
    for key, rows in book.items():
        possible = weights[key[3]] * 1000
        lost = Counter(reason for _, reason in rows if reason)
        deducted = sum(possible * n * COSTS[one] // (100 * len(rows)) for one, n in lost.items())
        found[key] = (len(rows), sum(lost.values()), possible, possible - deducted)
    return found
