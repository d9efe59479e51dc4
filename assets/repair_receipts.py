"""Receipts after a replay: what a file's rows are now, told to its source system."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection

import polars as pl

from schemas import tables
from warehouse import journal
from warehouse.lake import Lake

PARTS = ("arrived", "accepted", "quarantined", "refused")


def amend_receipts(lake: Lake, files: Collection[str], feed: str) -> None:
    """Bring the receipts of files up to date; one that was taken away is not made again.

    Args:
        lake: The lake.
        files: Their ids.
        feed: The feed whose rows were replayed.
    """
    accounts = lake.book(journal.ACCOUNTS).filter(pl.col("feed") == feed)
    held = lake.scan(tables.table("quarantine", feed)).select("file_id", "rules")
    rules = held.filter(pl.col("file_id").is_in(list(files))).collect()
    for file_id in files:
        broken = Counter(rules.filter(file_id=file_id)["rules"].explode().drop_nulls().to_list())
        _amend(lake, file_id, feed, accounts.filter(file_id=file_id), broken)


def _amend(lake: Lake, file_id: str, feed: str, entries: pl.DataFrame, rules: Counter[str]) -> None:
    own = {part: int(entries[part].sum()) for part in PARTS}
    replayed = int(entries.filter(arrived=0)["accepted"].sum())
    now = {
        **own,
        "replayed": replayed,
        "broken_rules": dict(sorted(rules.items())),
    }
    records = lake.book(journal.FILES).filter(file_id=file_id, outcome="taken_in")
    for name in records["file_name"]:
        path = lake.home.receipts / f"{name}.json"
        if path.exists():
            receipt = json.loads(path.read_text())
            receipt["feeds"][feed] = now
            path.write_text(json.dumps(receipt, ensure_ascii=False, indent=1))
