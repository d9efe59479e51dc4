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
from schemas.ledgers import Merge, SetAside
from schemas.protection import PRIVACY_ZH, SHARING_ZH
from schemas.tables import Table
from warehouse import builds
from warehouse.builds import WHOLE, Built, content_fingerprint
from warehouse.lake import Lake, conform, empty
from warehouse.progress import report

DAYS_PER_COMMIT = 8

GROUP_ZH = {
    "bronze": "入库层",
    "silver": "清洗层",
    "topics": "主题数据库",
    "statistics": "统计",
    "serving": "发布",
}


@dataclass
class Clean:
    """A cleaned part: rows that stand, and the ledgers of those that do not.

    `merges` and `set_aside` may lack `event_day`; it is filled in for daily tables.
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
    clean: Callable[[date], Clean],
    only: Iterable[str] | None = None,
) -> Outcome:
    """Rebuild the stale days of a silver table, each from its own day of bronze.

    Args:
        lake: The lake.
        table: A daily silver table.
        inputs: ISO day → fingerprint of everything the day is built from.
        clean: Builds one day.
        only: Days that may be rebuilt in this run (Dagster's partitions); None: all.
    """
    allowed = None if only is None else set(only)
    wanted = [d for d in builds.stale(lake, table, inputs) if allowed is None or d in allowed]
    done = 0
    for group in (wanted[i : i + DAYS_PER_COMMIT] for i in range(0, len(wanted), DAYS_PER_COMMIT)):
        cleaned = {}
        for day in group:
            cleaned[day] = clean(date.fromisoformat(day))
            done += 1
            report(f"build {table.label}", done, len(wanted))
        _write_days(lake, table, cleaned)
        builds.record(lake, table, {
            day: Built(inputs[day], content_fingerprint(conform(table, one.rows)), one.rows.height)
            for day, one in cleaned.items()
        })  # fmt: skip
    return Outcome(wanted, _rows(lake, table))


def _write_days(lake: Lake, table: Table, cleaned: Mapping[str, Clean]) -> None:
    days = [date.fromisoformat(day) for day in cleaned]
    rows = pl.concat([conform(table, one.rows) for one in cleaned.values()])
    lake.replace_parts(table, rows, days)
    for suffix in ("merges", "set_aside"):
        ledger = tables.table("silver", f"{table.name}_{suffix}")
        parts = [
            getattr(one, suffix).with_columns(event_day=pl.lit(date.fromisoformat(day), pl.Date))
            for day, one in cleaned.items()
        ]
        lake.replace_parts(ledger, pl.concat([conform(ledger, part) for part in parts]), days)


def build_whole(lake: Lake, table: Table, inputs: str, clean: Callable[[], Clean]) -> Outcome:
    """Rebuild a table whole if its inputs changed; silver tables with their ledgers."""
    if not builds.stale(lake, table, {WHOLE: inputs}):
        return Outcome([], _rows(lake, table))
    one = clean()
    lake.replace(table, one.rows)
    if ("silver", f"{table.name}_merges") in tables.BY_KEY:
        for suffix in ("merges", "set_aside"):
            ledger = tables.table("silver", f"{table.name}_{suffix}")
            part = getattr(one, suffix)
            if "event_day" not in part.columns:
                part = part.with_columns(event_day=pl.lit(None, pl.Date))
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
        "metadata": {
            "dagster/column_schema": column_schema(table),
            "dagster/table_name": table.label,
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
