"""A release of exports: what downstream systems are given of a publication.

Not here: which rows may leave the lake and what is withheld of them (`publish.py`), how a release
lies on disk (`warehouse/exports.py`).
"""

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from schemas.metric import topic_and_table
from schemas.protection import SHARING_ZH
from schemas.tables import Table
from warehouse.exports import ExportedTable, build_release
from warehouse.lake import Lake, comments
from warehouse.serving import flip as flip_to


def release(
    lake: Lake, name: str, as_of: datetime, published: Mapping[Table, pl.DataFrame]
) -> None:
    """Build a release beside the newest one; nothing is flipped yet.

    Args:
        lake: Lake of the home whose exports these are.
        name: Of the release, that of its generation.
        as_of: Instant the rows speak of.
        published: Tables and their rows as they may leave the lake.
    """
    build_release(lake.home.exports, name, as_of, [exported(t, r) for t, r in published.items()])


def exported(table: Table, rows: pl.DataFrame) -> ExportedTable:
    """A topic table under its topic, which its name begins with; others: statistics."""
    is_topic = table.layer == "topics"
    topic, name = topic_and_table(table.name) if is_topic else ("statistics", table.name)
    sharing = SHARING_ZH[table.sharing]
    return ExportedTable(topic, name, table.zh, sharing, rows, comments(table))


def flip(lake: Lake, name: str) -> None:
    """Make a release the newest one, and clear away old ones."""
    flip_to(lake.home.exports, name)
