"""A release of exports: what downstream systems are given of a publication.

Not here: which rows may leave the lake and what is withheld of them (`publish.py`), how a release
lies on disk (`warehouse/exports.py`).
"""

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from assets.topics.space import TABLE as AREAS
from schemas import tables
from schemas.contract import private_columns
from schemas.dcat import Publisher
from schemas.metric import topic_and_table
from schemas.tables import Table
from warehouse.exports import ExportedTable, build_release, flip_release
from warehouse.lake import Lake

DAY_OF_VALUES = "period_end"
AS_OF_COLUMN = "as_of_day"


def release(
    lake: Lake,
    name: str,
    as_of: datetime,
    published: Mapping[Table, pl.DataFrame],
    suppressed: Mapping[Table, int] | None = None,
) -> None:
    """Build a release beside the newest one; nothing is flipped yet.

    Args:
        lake: Lake of the home whose exports these are.
        name: Of the release, that of its generation.
        as_of: Instant the rows speak of.
        published: Tables and their rows as they may leave the lake.
        suppressed: Table → cells withheld, where it cannot be told from the rows.

    Raises:
        BreakingChangeError: readers of the last release would break, unannounced.
        ExportError: a table may not be published as it is.
    """
    known = suppressed or {}
    exports = [exported(table, rows, known.get(table)) for table, rows in published.items()]
    build_release(lake.home.exports, name, as_of, exports, publisher(lake))


def exported(table: Table, rows: pl.DataFrame, suppressed: int | None = None) -> ExportedTable:
    """A topic table under its topic, which its name begins with; others: statistics."""
    is_topic = table.layer == "topics"
    topic, name = topic_and_table(table.name) if is_topic else ("statistics", table.name)
    count = withheld_cells(table, rows) if suppressed is None else suppressed
    day = table.partition_by
    if table is tables.VALUES:
        # The manifest says it once; in every row it would make every day's file a new one.
        rows = rows.drop(AS_OF_COLUMN, strict=False)
        day = DAY_OF_VALUES
    return ExportedTable(topic, name, table, rows, day, count)


def withheld_cells(table: Table, rows: pl.DataFrame) -> int:
    """How many cells were withheld, as the rows tell it.

    Rows with a mark (`is_withheld`) tell it themselves; elsewhere a null in a count of persons that
    its contract requires can only have been withheld.
    """
    marks = [c for c in rows.columns if c.endswith("is_withheld")]
    if marks:
        return sum(int(rows[c].sum() or 0) for c in marks)
    columns = table.contract.columns()
    sensitive = private_columns(table.contract, "sensitive")
    return sum(rows[c].null_count() for c in sensitive if not columns[c].nullable)


def publisher(lake: Lake) -> Publisher:
    """The district whose lake this is."""
    areas = lake.read(AREAS).filter(pl.col("tier") == "district")
    return Publisher(areas["area_name"][0], areas["area_code"][0])


def flip(lake: Lake, name: str) -> None:
    """Make a release the newest one, and clear away old ones."""
    flip_release(lake.home.exports, name)
