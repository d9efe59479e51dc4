"""What is booked of a landed file: its record, its accounts by feed, and the receipt."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from warehouse.home import Home
from warehouse.landing import LandedFile


@dataclass
class Account:
    """Rows of one feed of one file."""

    arrived: int = 0
    accepted: int = 0
    quarantined: int = 0
    refused: int = 0
    days: set[date] = field(default_factory=set)
    rules: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Ended:
    """How the intake of one file ended: taken_in, set_aside or seen_before, and why."""

    file: LandedFile
    file_id: str
    outcome: str
    reason: str | None = None


def file_record(ended: Ended, source: str, batch_id: str) -> dict[str, Any]:
    """A row of `ops.files`."""
    return {
        "file_id": ended.file_id,
        "source": source,
        "file_name": ended.file.name,
        "size_bytes": ended.file.size,
        "modified_ns": ended.file.modified_ns,
        "batch_id": batch_id,
        "outcome": ended.outcome,
        "reason": ended.reason,
    }


def file_account(file_id: str, batch_id: str, feed: str, one: Account) -> dict[str, Any]:
    """A row of `ops.row_accounts`."""
    return {
        "file_id": file_id,
        "batch_id": batch_id,
        "feed": feed,
        "arrived": one.arrived,
        "accepted": one.accepted,
        "quarantined": one.quarantined,
        "refused": one.refused,
        "days": sorted(one.days),
        "dropped_fields": json.dumps(dict(sorted(one.dropped.items()))),
        "unknown_fields": json.dumps(dict(sorted(one.unknown.items())), ensure_ascii=False),
    }


def receipt_of(ended: Ended, book: dict[str, Account]) -> dict[str, Any]:
    """What the source system is told of its file: counts and rule names, never values."""
    return {
        "file": ended.file.name,
        "file_id": ended.file_id,
        "outcome": ended.outcome,
        "reason": ended.reason,
        "feeds": {
            feed: {"arrived": one.arrived, "accepted": one.accepted, "quarantined": one.quarantined,
                   "refused": one.refused, "broken_rules": dict(sorted(one.rules.items()))}
            for feed, one in book.items()
        },
    }  # fmt: skip


def write_receipt(home: Home, file: LandedFile, receipt: dict[str, Any]) -> None:
    """Lay a receipt where the source system finds it."""
    path = home.receipts / f"{file.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(receipt, ensure_ascii=False, indent=1))
