"""Site tables in `HOME/config`: read whole, judged like a feed, refused whole with the reason.

Not here: what a row means (`schemas/site.py`, `published_totals.py`), what becomes of it.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl

from quality.judging import judge
from schemas.areas import AreaChangeRow
from schemas.codes import FOLDER
from schemas.contract import Contract, rule_reason_zh, wire_columns
from schemas.published_totals import PublishedTotalRow
from schemas.site import ClockOffsetRow, DirectionRow
from warehouse.home import Home, HomeError
from warehouse.lake import empty

AREA_CHANGES = "area_changes.csv"
DIRECTIONS = "captures/directions.csv"
CLOCK_OFFSETS = "captures/clock_offsets.csv"
PUBLISHED_TOTALS = "published_totals.csv"
_SHOWN = 5
_REMEDY = "mend the file, or take it away to do without it, and run again"


class SettingsError(HomeError):
    """A site table cannot be used; the message names file, row, rule and remedy."""


def directions(home: Home) -> pl.DataFrame:
    """Direction codes by source: `device_prefix`, `direction_code`, `heading`; may be empty."""
    return read_table(home, DIRECTIONS, DirectionRow)


def clock_offsets(home: Home) -> pl.DataFrame:
    """Clocks that are off: `device_id`, `valid_from`, `valid_until`, `offset_seconds` (not 0)."""
    return read_table(home, CLOCK_OFFSETS, ClockOffsetRow).filter(pl.col("offset_seconds") != 0)


def area_changes(home: Home) -> pl.DataFrame:
    """Codes of areas and those that came after them: `old_code`, `new_code`, `changed_on`."""
    return read_table(home, AREA_CHANGES, AreaChangeRow)


def published_totals(home: Home) -> pl.DataFrame:
    """Figures other people published, as printed; may be empty."""
    return read_table(home, PUBLISHED_TOTALS, PublishedTotalRow)


def read_table(
    home: Home, name: str, contract: type[Contract], *, default: bool = False
) -> pl.DataFrame:
    """A site table in its contract's columns; where the site has no such file, the default one.

    Args:
        home: The home.
        name: Path below `HOME/config`.
        contract: What its rows must keep.
        default: Whether the default is the table of that name in `schemas/codes`; else it is empty.

    Raises:
        SettingsError: any row breaks any rule, or a default is replaced by nothing: nothing of the
            file is used.
    """
    columns = list(wire_columns(contract))
    path = home.config / name
    if default and not path.exists():
        path = FOLDER / name
    if not path.exists():
        return empty(contract).select(columns)
    judged = judge(contract, _texts(path, f"config/{name}", contract))
    if judged.quarantined.height:
        broken = [
            f"row {row['row_number']}: {rule} ({rule_reason_zh(contract, rule)})"
            for row in judged.quarantined.sort("row_number").iter_rows(named=True)
            for rule in row["rules"]
        ]
        more = f"; and {len(broken) - _SHOWN} more" if len(broken) > _SHOWN else ""
        raise SettingsError(f"config/{name}: {'; '.join(broken[:_SHOWN])}{more}: {_REMEDY}")
    if default and judged.accepted.is_empty():
        raise SettingsError(f"config/{name}: no rows, and it replaces the default: {_REMEDY}")
    return judged.accepted.select(columns)


def _texts(path: Path, shown: str, contract: type[Contract]) -> pl.DataFrame:
    """The file's rows as texts under the contract's names, numbered from 1 below the header."""
    lines = io.StringIO(_decoded(path, shown), newline="")
    try:
        records = [one for one in csv.reader(lines, strict=True) if any(one)]
    except csv.Error as error:
        raise SettingsError(f"{shown}: not a CSV file ({error}): {_REMEDY}") from None
    if not records:
        raise SettingsError(f"{shown}: no header: {_REMEDY}")
    names = _columns([name.strip() for name in records[0]], shown, contract)
    for number, record in enumerate(records[1:], 1):
        if len(record) != len(names):
            raise SettingsError(
                f"{shown}: row {number}: row_is_readable ({len(record)} fields, the header has "
                f"{len(names)}): {_REMEDY}"
            )
    rows = pl.DataFrame(records[1:], schema=dict.fromkeys(names, pl.String), orient="row")
    absent = [pl.lit(None, pl.String).alias(c) for c in wire_columns(contract) if c not in names]
    return rows.with_columns(
        pl.lit(shown).alias("file_id"), pl.int_range(1, pl.len() + 1).alias("row_number"),
        pl.lit(1, pl.Int32).alias("item_number"), *absent,
    )  # fmt: skip


def _columns(header: list[str], shown: str, contract: type[Contract]) -> list[str]:
    """The contract's name of every column of the file."""
    own = {wire: column for column, wires in wire_columns(contract).items() for wire in wires}
    unknown = [name for name in header if name not in own]
    found = [own[name] for name in header if name in own]
    columns = contract.columns()
    missing = [c for c in wire_columns(contract) if c not in found and not columns[c].nullable]
    twice = sorted({c for c in found if found.count(c) > 1})
    for names, what in ((unknown, "unknown"), (missing, "missing"), (twice, "there twice")):
        if names:
            raise SettingsError(f"{shown}: header: {what}: {', '.join(names)}: {_REMEDY}")
    return found


def _decoded(path: Path, shown: str) -> str:
    """UTF-8, with or without mark, else GB18030, which spreadsheets write here."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{shown}: cannot be read ({error.strerror})") from None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise SettingsError(f"{shown}: neither UTF-8 nor GB18030: save it again as CSV UTF-8")
