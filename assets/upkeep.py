"""Upkeep of every table: few files, short logs, nothing kept that no one can ask for any more.

Rows, builds and accounts stay as they are. Due is due: a second upkeep finds nothing to do.
Not here: expiry of rows (retention), Delta itself (`warehouse/tidying.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

import assets.topics  # noqa: F401 - registers every topic table
from schemas.tables import TABLES, Table
from warehouse import journal, tidying
from warehouse.lake import CHECKPOINT_EVERY, Lake
from warehouse.progress import report

VACUUM_DAYS = 7.0
SMALL_BYTES = 8 << 20
MANY_SMALL = 4
"""A part with so many small files is written anew. Fewer cost a reader less than the writing."""


@dataclass(frozen=True)
class Tidied:
    """What upkeep did to a table, or would do.

    Attributes:
        label: The table.
        files_before: Data files it consisted of.
        files_after: Data files it consists of now; before a dry run's end, the same as before.
        parts: Parts (days, say) whose small files were made few.
        removed: Files no version within the retention needs, and orphans of killed writers.
        freed_bytes: Their size.
        has_checkpoint: Whether its log was summed up.
        left_alone: Why nothing was done; None: everything due was.
    """

    label: str
    files_before: int = 0
    files_after: int = 0
    parts: int = 0
    removed: int = 0
    freed_bytes: int = 0
    has_checkpoint: bool = False
    left_alone: str | None = None

    @property
    def did_something(self) -> bool:
        """Whether anything was due."""
        return bool(self.parts or self.removed or self.has_checkpoint)


def tidy_all(
    lake: Lake, *, vacuum_days: float = VACUUM_DAYS, dry_run: bool = False, wait: bool = False
) -> list[Tidied]:
    """Upkeep of every table of a home.

    Args:
        lake: The lake; its home is held meanwhile.
        vacuum_days: How long replaced files stay, for readers still at them and for going back.
        dry_run: Change nothing, tell what is due.
        wait: Wait for another run to end, instead of refusing.

    Raises:
        HomeError: another run is at work.
        LakeError: a table could not be read or written.
    """
    done: list[Tidied] = []
    with lake.home.locked(wait=wait):
        half_done = journal.open_tables(lake)
        there = [table for table in TABLES if lake.exists(table)]
        for table in there:
            if table.label in half_done:
                reason = "a batch of files is half taken in: run `govlake run` first"
                done.append(Tidied(table.label, left_alone=reason))
            else:
                done.append(tidy(lake, table, vacuum_days=vacuum_days, dry_run=dry_run))
            report("upkeep", len(done), len(there))
    return done


def tidy(lake: Lake, table: Table, *, vacuum_days: float, dry_run: bool) -> Tidied:
    """Upkeep of one table: few files, then vacuum, then a short log."""
    files = tidying.data_files(lake, table)
    crowded = crowded_parts(files)
    if not dry_run:
        if tidying.lacks_properties(lake, table):
            tidying.set_properties(lake, table)
        for part in crowded:
            _merge_small(lake, table, part)
    after = tidying.data_files(lake, table).height if crowded else files.height
    removed, freed = _vacuum(lake, table, vacuum_days, dry_run=dry_run)
    long_log = tidying.commits_to_read(lake, table) >= CHECKPOINT_EVERY
    if long_log and not dry_run:
        tidying.checkpoint(lake, table)
    return Tidied(table.label, files.height, after, len(crowded), removed, freed, long_log)


def crowded_parts(files: pl.DataFrame) -> list[date | str | None]:
    """Parts that hold many small files.

    Args:
        files: `path`, `size_bytes`, `part` of a table's data files.
    """
    small = files.filter(pl.col("size_bytes") < SMALL_BYTES).group_by("part").len()
    return small.filter(pl.col("len") >= MANY_SMALL)["part"].sort().to_list()


def _merge_small(lake: Lake, table: Table, part: date | str | None) -> None:
    """Make the small files of a part few.

    Where rows lie in order (silver by device and time), the part is sorted again: merely joined
    files would have to be searched whole for one device. Bronze is read by whole days only.
    """
    if table.sort_by and table.layer != "bronze":
        if table.partition_by is None:
            lake.replace(table, lake.read(table))
        elif part is not None:
            own = lake.scan(table).filter(pl.col(table.partition_by) == part).collect()
            lake.replace_parts(table, own, [part])
        return
    lake.compact(table, part)


def _vacuum(lake: Lake, table: Table, days: float, *, dry_run: bool) -> tuple[int, int]:
    """How many files went, and their bytes.

    Delta names files removed long ago too (those removed twice even twice), as long as its log
    remembers them, and writes two commits even for nothing: so it is asked first.
    """
    folder = lake.path(table)
    named = {folder / name for name in tidying.vacuum(lake, table, days, dry_run=True)}
    sizes = [path.stat().st_size for path in named if path.exists()]
    if sizes and not dry_run:
        tidying.vacuum(lake, table, days, dry_run=False)
    return len(sizes), sum(sizes)
