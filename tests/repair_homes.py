"""Small homes with quarantined rows, and sheets mended by hand: for tests of repair."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest
import xlsxwriter
import yaml
from contract_book import Texts
from contract_examples import BOOKS

from assets.accounts import feed_totals, open_accounts
from assets.replaying import Order, Replayed, judge_again, recover_all
from schemas import tables
from schemas.contract import wire_columns
from schemas.feeds import BY_NAME
from schemas.grid_cases import GridCaseRow
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.readers.workbooks import first_sheet

ORDER = Order("zhang", "test of repair")
SETTLED = time.time() - 3600
ALARMS = {
    "feed": "fire_alarms",
    "files": "fire_alarms/acme_*",
    "columns": {"alarm_id": "流水号", "building_id": "楼号", "alarm_kind": "类别",
                "alarmed_at": "发生", "updated_at": "发生"},
    "values": {"alarm_kind": {"火": "fire"}},
}  # fmt: skip


def put(home: Home, name: str, data: bytes) -> Path:
    """A landing file that nobody is writing any more."""
    path = home.landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (SETTLED, SETTLED))
    return path


def put_mapping(home: Home, document: object) -> None:
    folder = home.config / "mappings"
    folder.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(document, allow_unicode=True)
    (folder / "acme.yaml").write_text(text, encoding="utf-8")


def csv_of(feed: str, *changes: dict[str, str | None], broken: bool = False) -> bytes:
    """A CSV of good rows with changes; with a last line of one field too few, if asked."""
    wires = {c: names[-1] for c, names in wire_columns(BY_NAME[feed].contract).items()
             if c in BOOKS[feed].good}  # fmt: skip
    rows = [BOOKS[feed].good | change for change in changes]
    lines = [",".join(wires.values()), *(",".join(row[c] or "" for c in wires) for row in rows)]
    return "\n".join([*lines, *(["only,three,fields"] if broken else [])]).encode()


def messages_of(feed: str, *changes: dict[str, str | None], **more: object) -> bytes:
    """GA/T 1400 objects of a feed, one a line."""
    wires = {c: names[0] for c, names in wire_columns(BY_NAME[feed].contract).items()}
    good = BOOKS[feed].good
    return b"".join(
        json.dumps(
            {wires[c]: v for c, v in (good | change).items() if v is not None} | more
        ).encode()
        + b"\n"
        for change in changes
    )


def judged_again(
    lake: Lake, *feeds: str, everything: bool = False
) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """Feed → rows accepted, quarantined anew and left as they were by a replay."""
    done = Replayed()
    with lake.home.locked():
        recover_all(lake)
        judge_again(lake, ORDER, done, feeds, everything=everything)
    accepted, anew, unchanged = (
        {feed: rows for feed, rows in one.items() if rows}
        for one in (done.accepted, done.anew, done.unchanged)
    )
    return accepted, anew, unchanged


def rows(lake: Lake, layer: tables.Layer, name: str) -> pl.DataFrame:
    return lake.read(tables.table(layer, name)).sort("row_number")


def closes(lake: Lake, feed: str) -> tuple[int, int, int]:
    """Arrived, accepted and quarantined of a feed, by its books; the tables must agree."""
    assert open_accounts(lake, feed, whole=True).is_empty()
    assert open_accounts(lake, feed).is_empty()
    total = feed_totals(lake, feed)
    held = [lake.read(tables.table(layer, feed)).height for layer in ("bronze", "quarantine")]
    assert held == [total["accepted"], total["quarantined"]]
    return total["arrived"], total["accepted"], total["quarantined"]


def cells(path: Path) -> list[list[str | None]]:
    """The first sheet of a workbook, header first."""
    return [list(row) for row in first_sheet(path).iter_rows()]


def mended(sheet: list[list[str | None]], path: Path, changes: dict[int, dict[str, str]]) -> Path:
    """A workbook with the cells of a sheet, some typed anew: row of the sheet → heading → text."""
    sheet = [list(row) for row in sheet]
    for number, texts in changes.items():
        for heading, text in texts.items():
            sheet[number][sheet[0].index(heading)] = text
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        for y, row in enumerate(sheet):
            for x, text in enumerate(row):
                page.write_string(y, x, text or "")
    return path


TOO_EARLY: Texts = {"case_number": "B1", "closed_at": "2026-11-01 00:00:00"}
NO_CODE: Texts = {"case_number": "B2", "case_kind": "no kind"}


class StrictCase(GridCaseRow):
    """Cases by one rule more than today's."""

    @dy.rule()
    def is_no_first_case(cls) -> pl.Expr:
        """案件编号不得为A1"""
        return pl.col("case_number") != "A1"


def judge_strictly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have cases judged by one rule more, until it is undone."""
    monkeypatch.setitem(BY_NAME["grid_cases"].__dict__, "contract", StrictCase)


def put_cases(home: Home) -> None:
    """Five cases in two files: two good ones, two that break a rule, a line that is none."""
    put(home, "grid_cases/a.csv", csv_of("grid_cases", {}, TOO_EARLY, NO_CODE, broken=True))
    put(home, "grid_cases/b.csv", csv_of("grid_cases", {"case_number": "A2"}))
