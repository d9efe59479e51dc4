"""De-duplication once more, as plain loops over dictionaries: slow, and easy to read."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from typing import Any

Row = dict[str, Any]


def loop_newest(rows: list[Row], key: str, versions: tuple[str, ...]) -> list[Row]:
    """Of every key the row with the latest instant, then the smallest content, nulls last."""

    def rank(row: Row) -> tuple[Any, ...]:
        times = [row[v].timestamp() for v in versions if row[v] is not None]
        content = [(v is None, v if v is not None else 0) for c, v in row.items() if c != key]
        return (not times, -max(times, default=0), content)

    by_key: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_key[row[key]].append(row)
    return [min(several, key=rank) for several in by_key.values()]


def clusters(rows: list[Row], belong) -> list[list[Row]]:
    """Rows that belong together directly or through others."""
    groups: list[list[Row]] = []
    for row in rows:
        joined, apart = [row], []
        for group in groups:
            if any(belong(row, other) for other in group):
                joined += group
            else:
                apart.append(group)
        groups = [*apart, joined]
    return groups


def gap(a: Row, b: Row) -> float:
    return abs(a["shot_at"] - b["shot_at"]) / timedelta(seconds=1)


def same(a: Row, b: Row, *columns: str) -> bool:
    return all(a[c] is not None and a[c] == b[c] for c in columns)


def looks(plate: str) -> str:
    return plate[0] + "".join({"I": "1", "S": "5", "B": "8", "D": "0"}.get(c, c) for c in plate[1:])


def one_pass_of_a_face(a: Row, b: Row) -> bool:
    return same(a, b, "device_id", "shot_day", "track_token") and gap(a, b) <= 30


def one_pass_of_a_vehicle(a: Row, b: Row) -> bool:
    if not same(a, b, "device_id", "shot_day") or a["plate"] is None or b["plate"] is None:
        return False
    if a["plate"] == b["plate"]:
        return gap(a, b) <= 60
    differences = sum(x != y for x, y in zip(a["plate"], b["plate"], strict=True))
    is_confused = looks(a["plate"]) == looks(b["plate"]) and differences == 1
    return is_confused and same(a, b, "lane_number") and gap(a, b) <= 10


def face_rank(row: Row) -> tuple[Any, ...]:
    size = (row["right_px"] - row["left_px"]) * (row["bottom_px"] - row["top_px"])
    return (-size, row["shot_at"], row["capture_id"])


def vehicle_rank(row: Row) -> tuple[Any, ...]:
    reliability = row["plate_reliability"]
    return (reliability is None, -(reliability or 0), row["shot_at"], row["capture_id"])


def loop_passages(rows: list[Row], belong, rank) -> tuple[set[tuple], Counter]:
    """(best shot, start, end, shots) of every passage; (id, into, outcome, rule) of the others."""
    newest = loop_newest(rows, "capture_id", ("entered_at", "triggered_at"))
    ledger = Counter(
        {(row["capture_id"], row["capture_id"], "superseded", "resent_capture"): n - 1
         for row in newest
         if (n := sum(other["capture_id"] == row["capture_id"] for other in rows)) > 1}
    )  # fmt: skip
    passages = set()
    for group in clusters(newest, belong):
        best = min(group, key=rank)
        times = [row["shot_at"] for row in group]
        passages.add((best["capture_id"], best["device_id"], min(times), max(times), len(group)))
        for row in group:
            if row is not best:
                is_same = row.get("plate") == best.get("plate")
                rule = "same_passage" if is_same else "confused_plate"
                ledger[(row["capture_id"], best["capture_id"], "merged", rule)] += 1
    return passages, ledger
