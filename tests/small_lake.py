"""A lake of a few rows, filled as the intake fills it: for tests of single silver tables."""

from __future__ import annotations

import itertools
from typing import Any

import polars as pl
from contract_examples import BOOKS

from quality.judging import judge
from schemas import tables
from schemas.feeds import BY_NAME
from schemas.ledgers import FileAccount
from warehouse.lake import Lake, empty

ACCOUNTS = tables.table("ops", "row_accounts")
_NUMBERS = itertools.count()


def read(feed: str, texts: list[dict[str, Any]]) -> pl.DataFrame:
    """Bronze rows of texts, judged as the intake does."""
    rows = [BOOKS[feed].good | text for text in texts]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(BOOKS[feed].good, pl.String)).with_columns(
        file_id=pl.lit(f"file{next(_NUMBERS)}"), row_number=pl.int_range(pl.len()),
        item_number=pl.lit(1, pl.Int32),
    )  # fmt: skip
    judged = judge(BY_NAME[feed].contract, frame)
    assert judged.quarantined.is_empty(), judged.quarantined["rules"].to_list()
    return judged.accepted


def arrive(lake: Lake, feed: str, rows: pl.DataFrame) -> None:
    """What an intake leaves behind of one file."""
    day = BY_NAME[feed].day_column
    lake.append(tables.table("bronze", feed), rows)
    lake.append(ACCOUNTS, pl.DataFrame([{
        "file_id": rows["file_id"][0], "batch_id": "b", "feed": feed, "arrived": rows.height,
        "accepted": rows.height, "quarantined": 0, "refused": 0,
        "days": sorted(set(rows[day])) if day else [], "dropped_fields": "{}",
        "unknown_fields": "{}",
    }], schema=empty(FileAccount).schema))  # fmt: skip
