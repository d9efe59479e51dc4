"""What every asset body shares: which parts are stale, writing them, and telling Dagster.

A silver table is written with its two ledgers; a part is noted as built last, so a killed build is
simply built again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from schemas import tables
from schemas.contract import facts, polars_schema
from schemas.dictionary import grain, labelled
from schemas.ledgers import Merge, SetAside
from schemas.protection import PRIVACY_ZH, SHARING_ZH
from schemas.tables import Table
from warehouse import builds
from warehouse.builds import WHOLE, Built, content_fingerprint
from warehouse.lake import Lake, conform, empty
from warehouse.progress import report

ROWS_AT_ONCE = 600_000
"""Days are built together up to about so many rows: a headline day alone, a small month at once."""


@dataclass
class Clean:
    """A cleaned part: rows that stand, and the ledgers of those that do not.

    Ledger rows carry the day they belong to as `event_day`, null in registers.
    """

    rows: pl.DataFrame
    merges: pl.DataFrame = field(default_factory=lambda: empty(Merge))
    set_aside: pl.DataFrame = field(default_factory=lambda: empty(SetAside))


@dataclass(frozen=True)
class Outcome:
    """What a build did: the parts it renewed, and rows now in the table."""

    renewed: list[str]
    rows: int


def build_days(
    lake: Lake,
    table: Table,
    inputs: Mapping[str, str],
    clean: Callable[[list[date]], Clean],
    *,
    only: Iterable[str] | None = None,
    at_once: int = 1,
) -> Outcome:
    """Rebuild the stale days of a silver table from their own days of bronze.

    Args:
        lake: The lake.
        table: A daily silver table.
        inputs: ISO day → fingerprint of everything the day is built from.
        clean: Builds some days together; no day depends on another.
        only: Days that may be rebuilt in this run (Dagster's partitions); None: all.
        at_once: How many days are built and committed together.
    """
    allowed = None if only is None else set(only)
    wanted = [d for d in builds.stale(lake, table, inputs) if allowed is None or d in allowed]
    with lake.home.locked(wait=True):
        _build_groups(lake, table, inputs, clean, wanted, at_once)
    return Outcome(wanted, _rows(lake, table))


def _build_groups(
    lake: Lake,
    table: Table,
    inputs: Mapping[str, str],
    clean: Callable[[list[date]], Clean],
    wanted: list[str],
    at_once: int,
) -> None:
    for start in range(0, len(wanted), at_once):
        group = wanted[start : start + at_once]
        days = [date.fromisoformat(day) for day in group]
        one = clean(days)
        rows = conform(table, one.rows)
        lake.replace_parts(table, rows, days)
        for ledger, part in _ledgers(table, one):
            lake.replace_parts(ledger, part, days)
        builds.record(lake, table, builds.built_parts(table, rows, {d: inputs[d] for d in group}))
        report(f"build {table.label}", start + len(group), len(wanted))


def days_at_once(lake: Lake, feed: str) -> int:
    """How many days of a feed make up about `ROWS_AT_ONCE` rows."""
    accounts = lake.scan(tables.table("ops", "row_accounts")).filter(pl.col("feed") == feed)
    accepted = accounts.select(pl.col("accepted").sum()).collect().item() or 0
    days = len(builds.arrived(lake, feed)) or 1
    return max(1, int(ROWS_AT_ONCE * days / max(accepted, 1)))


def _ledgers(table: Table, one: Clean) -> list[tuple[Table, pl.DataFrame]]:
    """The ledger tables of a silver table with their rows; none for other layers."""
    if ("silver", f"{table.name}_merges") not in tables.BY_KEY:
        return []
    return [
        (tables.table("silver", f"{table.name}_merges"), one.merges),
        (tables.table("silver", f"{table.name}_set_aside"), one.set_aside),
    ]


def build_whole(lake: Lake, table: Table, inputs: str, clean: Callable[[], Clean]) -> Outcome:
    """Rebuild a table whole if its inputs changed; silver tables with their ledgers."""
    if not builds.stale(lake, table, {WHOLE: inputs}):
        return Outcome([], _rows(lake, table))
    one = clean()
    with lake.home.locked(wait=True):
        lake.replace(table, one.rows)
        for ledger, part in _ledgers(table, one):
            lake.replace(ledger, part)
        content = content_fingerprint(conform(table, one.rows))
        builds.record(lake, table, {WHOLE: Built(inputs, content, one.rows.height)})
    report(f"build {table.label}", 1, 1)
    return Outcome([WHOLE], one.rows.height)


def inputs_of(*things: object) -> str:
    """Fingerprint of everything a part is built from; the code that builds it is always one."""
    return builds.fingerprint(builds.code_fingerprint(), *things)


def _rows(lake: Lake, table: Table) -> int:
    return sum(one.rows for one in builds.parts_of(lake, table).values())


# --- Dagster ------------------------------------------------------------------------------------


def column_schema(table: Table) -> dg.TableSchema:
    """Columns with their Chinese labels, units and privacy classes, for the Dagster UI."""
    columns = table.contract.columns()
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name,
                str(dtype),
                description=_description(table, name),
                constraints=dg.TableColumnConstraints(nullable=columns[name].nullable),
                tags={"privacy": str(facts(table.contract, name).get("privacy", "open"))},
            )
            for name, dtype in polars_schema(table.contract).items()
        ]
    )


def _description(table: Table, name: str) -> str:
    about = facts(table.contract, name)
    parts = [about.get("zh", name), about.get("unit"), PRIVACY_ZH.get(about.get("privacy", "")),
             about.get("note")]  # fmt: skip
    return " · ".join(str(part) for part in parts if part)


def about(table: Table, owner: str = "data-platform") -> dict[str, Any]:
    """Arguments every table asset shares."""
    return {
        "key": list(table.key),
        "group_name": table.layer,
        "owners": [f"team:{owner}"],
        "description": f"{table.zh}\n\n{(table.contract.__doc__ or '').strip()}",
        "tags": {"sharing": table.sharing},
        "metadata": {
            "dagster/column_schema": column_schema(table),
            "dagster/table_name": table.label,
            "粒度 grain": grain(table.contract),
            "主键/排序 key": labelled(table, table.sort_by),
            "分区 partition": labelled(table, [table.partition_by] if table.partition_by else []),
            "共享类别": SHARING_ZH[table.sharing],
        },
    }


def told(outcome: Outcome) -> dg.MaterializeResult:
    """What a build did, for Dagster."""
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": outcome.rows,
            "renewed_parts": len(outcome.renewed),
            "renewed": ", ".join(outcome.renewed[:40]) or "nothing: inputs unchanged",
        }
    )
