"""Declaring a topic table: the table and its metrics, in the one file of its topic."""

from __future__ import annotations

from schemas import metrics, tables
from schemas.metric import Entry
from schemas.table import Table


def register(table: Table, *own: Entry) -> Table:
    """Make a topic table and the metrics computed from it known to all."""
    metrics.add(*own)
    return tables.register(table)
