"""Keeping Delta tables quick to open and no larger than needed: files, vacuum, logs, properties.

Rows are never changed here. Not here: what is due and when (`assets/upkeep.py`).
"""

from __future__ import annotations

import polars as pl

from schemas.tables import Table
from warehouse.lake import Lake, names_in, properties


def data_files(lake: Lake, table: Table) -> pl.DataFrame:
    """The data files of a table as it is now.

    Returns:
        `path` below the table, `size_bytes`, `part`: the value of its partition column, null in
        tables without. A data file is never changed once it is written.
    """
    found = pl.DataFrame(lake.open(table).get_add_actions(flatten=True))
    by = table.partition_by
    part = pl.col(f"partition.{by}") if by else pl.lit(None, pl.String)
    return found.select("path", "size_bytes", part.alias("part"))


def vacuum(lake: Lake, table: Table, days: float, *, dry_run: bool) -> list[str]:
    """Remove files that no version of the last days needs, whoever left them there.

    Args:
        lake: The lake; its home is held, for a writer's new files are not yet in any version.
        table: The table.
        days: How long a version stays readable after it was replaced.
        dry_run: Name them only.

    Returns:
        The files, by path below the table.
    """
    found: list[str] = []

    def remove() -> None:
        found[:] = lake.open(table).vacuum(
            retention_hours=round(days * 24),
            dry_run=dry_run,
            enforce_retention_duration=False,
            # "lite" forgets files whose removal has left the log
            full=True,
        )

    lake.commit(table, remove)
    return found


def commits_to_read(lake: Lake, table: Table) -> int:
    """Commits since the last checkpoint: what opening the table has to read one by one."""
    names = [n for n in names_in(lake.path(table) / "_delta_log") if n[:20].isdigit()]
    checked = max((n[:20] for n in names if ".checkpoint." in n), default="")
    return sum(n.endswith(".json") and n[:20] > checked for n in names)


def checkpoint(lake: Lake, table: Table) -> None:
    """Sum up the log, and drop entries older than the table's log retention (Delta's 30 days)."""

    def sum_up() -> None:
        opened = lake.open(table)
        opened.create_checkpoint()
        opened.cleanup_metadata()

    lake.commit(table, sum_up)


def lacks_properties(lake: Lake, table: Table) -> bool:
    """Whether the table was created before it got its properties on creation."""
    return bool(properties(table).items() - lake.open(table).metadata().configuration.items())


def set_properties(lake: Lake, table: Table) -> None:
    """Give a table the properties it would be created with today."""
    lake.commit(table, lambda: lake.open(table).alter.set_table_properties(properties(table)))
