"""Undoing a half-done intake or replay: what the tables were before a batch began.

A batch of files is taken in by appends to several tables and becomes real with one last commit to
`ops.files`; a batch of replayed rows by one to `ops.replays`. A run killed before that leaves its
journal behind; the next run puts the tables back and starts the batch again. So a file's rows are
in the lake once, or not at all, and a replayed row is where it was or where it belongs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from schemas import tables
from schemas.replays import JUDGEMENTS
from schemas.tables import Table
from warehouse.lake import Lake

FILES = tables.table("ops", "files")
ACCOUNTS = tables.table("ops", "row_accounts")
DELIVERIES = tables.table("ops", "deliveries")
_BOOKS = (ACCOUNTS, DELIVERIES, JUDGEMENTS)
"""Books that name the batch of every row."""


def _path(lake: Lake, source: str) -> Path:
    return lake.home.lake / "ops" / "_journal" / f"{source}.json"


def begin(
    lake: Lake, source: str, batch_id: str, written: Sequence[Table], commit: Table = FILES
) -> None:
    """Note the versions of the tables a batch will change; a row in `commit` makes it real."""
    path = _path(lake, source)
    path.parent.mkdir(parents=True, exist_ok=True)
    versions = {table.label: lake.version(table) for table in written}
    part = path.with_suffix(".part")
    part.write_text(
        json.dumps({"batch_id": batch_id, "versions": versions, "commit": commit.label})
    )
    part.replace(path)


def end(lake: Lake, source: str) -> None:
    """The batch is committed; nothing is to be undone."""
    _path(lake, source).unlink(missing_ok=True)


def open_tables(lake: Lake) -> set[str]:
    """Labels of tables that a batch left half done may yet put back to an earlier version."""
    notes = _path(lake, "any").parent.glob("*.json")
    return {label for note in notes for label in json.loads(note.read_text())["versions"]}


def recover(lake: Lake, source: str) -> str | None:
    """Undo what a killed run left half done.

    Returns:
        The batch that was undone, or None where there was nothing to undo.
    """
    path = _path(lake, source)
    if not path.exists():
        return None
    note = json.loads(path.read_text())
    batch_id = note["batch_id"]
    commit = _table(note.get("commit", FILES.label))
    committed = lake.scan(commit).filter(pl.col("batch_id") == batch_id).collect().height > 0
    if not committed:
        for label, version in note["versions"].items():
            lake.restore(_table(label), version)
        for book in _BOOKS:
            lake.delete(book, f"batch_id = '{batch_id}'")
    end(lake, source)
    return None if committed else batch_id


def _table(label: str) -> Table:
    layer, _, name = label.partition(".")
    return tables.BY_KEY[(layer, name)]
