"""What a table of the lake is. The registry of all of them: `tables.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas import ledgers
from schemas.contract import Contract
from schemas.protection import RESTRICTED_LAYERS, Sharing

Layer = Literal["bronze", "quarantine", "persons", "silver", "topics", "statistics", "ops",
                "serving"]  # fmt: skip


@dataclass(frozen=True)
class Table:
    """One Delta table.

    Attributes:
        layer: Folder below `lake/`; `serving` tables stand in serving files and exports only.
        name: Plural noun; for topics `<topic>_<table>`.
        contract: Its columns.
        zh: What people call it.
        partition_by: Column whose values are replaced together; None: replaced whole or appended.
        sort_by: Order inside its files.
        sharing: Sharing class of what is published from it.
        served: Whether serving files and exports carry it.
        accounts_for: Feeds whose accepted rows a silver table accounts for, by its ledgers.
        major: Major version of its published columns (`published.py`): raise it when one of them is
            removed, renamed or retyped.
    """

    layer: Layer
    name: str
    contract: type[Contract]
    zh: str
    partition_by: str | None = None
    sort_by: tuple[str, ...] = ()
    sharing: Sharing = "restricted"
    served: bool = False
    accounts_for: tuple[str, ...] = ()
    major: int = 1

    @property
    def key(self) -> tuple[str, str]:
        """Layer and name, as Dagster's asset key."""
        return (self.layer, self.name)

    @property
    def label(self) -> str:
        """`layer.name`, as people and ledgers write it."""
        return f"{self.layer}.{self.name}"

    @property
    def is_restricted(self) -> bool:
        """Whether it lies in the restricted zone (directories 0700)."""
        return self.layer in RESTRICTED_LAYERS


def with_ledgers(table: Table) -> list[Table]:
    """A silver table, its merge ledger, and the rows another table does not bear out."""
    day = "event_day" if table.partition_by else None
    return [
        table,
        Table("silver", f"{table.name}_merges", ledgers.Merge, f"{table.zh} 合并台账", day,
              ("entity_id",)),
        Table("silver", f"{table.name}_set_aside", ledgers.SetAside, f"{table.zh} 暂置", day,
              ("entity_id",)),
    ]  # fmt: skip
