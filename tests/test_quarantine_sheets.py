"""Quarantine as people see it: counts, looks, sheets that are closed, harmless and expire."""

from __future__ import annotations

import json
import os
import stat
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from contract_book import Texts
from contract_examples import BOOKS
from hypothesis import given
from hypothesis import strategies as st
from repair_homes import cells, closes, csv_of, mended, messages_of, put
from typer.testing import CliRunner

from assets.corrections import NOTES, ORIGIN
from assets.quarantined import Wanted, counts, expire
from assets.taking_in import take_in
from pipelines.repairing import app
from quality.judging import UNREADABLE_ROW
from quality.remedies import columns_of, reason_zh, remedy_zh
from schemas.access import ACCESS
from schemas.contract import Contract, column_rules, row_rules, wire_columns
from schemas.feeds import BY_NAME, FEEDS
from schemas.protection import FORBIDDEN_COLUMN
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.sheets import neutral, restored

WHY = ["--reason", "mend cases with the owner"]
CASES = BY_NAME["grid_cases"]
WIRES = {column: names[0] for column, names in wire_columns(CASES.contract).items()}
HOSTILE = "=HYPERLINK(A1)"


@pytest.fixture
def held(lake: Lake) -> Lake:
    """Three quarantined cases in two files, and one face."""
    odd: list[Texts] = [{}, {"case_kind": HOSTILE}, {"closed_at": "2026-11-01 00:00:00"}]
    put(lake.home, "grid_cases/a.csv", csv_of("grid_cases", *odd))
    put(lake.home, "grid_cases/b.csv", csv_of("grid_cases", {"case_number": "B"}, broken=True))
    faces = messages_of(
        "face_captures", {"left_px": "110"}, FeatureInfo="secret", Similaritydegree=1
    )
    put(lake.home, "captures/f.ndjson", faces)
    for source in ("grid_cases", "captures"):
        take_in(lake, source)
    return lake


def command(home: Home, *words: str) -> str:
    done = CliRunner().invoke(app, [*words, "--home", str(home.root)], env={"COLUMNS": "300"})
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def asked(lake: Lake) -> list[tuple[str, str, str]]:
    return lake.read(ACCESS).sort("at").select("target", "part", "reason").rows()


def test_counts_are_by_feed_rule_file_and_day_of_delivery(held: Lake) -> None:
    found = counts(held, Wanted())
    assert found["rows"].sum() == 4
    assert set(found.select("feed", "rule", "file_name").rows()) == {
        ("face_captures", "box_has_an_area", "captures/f.ndjson"),
        ("grid_cases", "case_kind_is_a_known_code", "grid_cases/a.csv"),
        ("grid_cases", "closes_after_it_is_reported", "grid_cases/a.csv"),
        ("grid_cases", UNREADABLE_ROW, "grid_cases/b.csv"),
    }
    day = found["day"][0]
    for wanted, rows in [
        (Wanted(rule="box_has_an_area"), 1), (Wanted(("grid_cases",)), 3),
        (Wanted(file="b.csv"), 1), (Wanted(day=day), 4), (Wanted(day=day - timedelta(days=1)), 0),
        (Wanted(("grid_cases",), "closes_after_it_is_reported", "a.csv", day), 1),
    ]:  # fmt: skip
        assert counts(held, wanted)["rows"].sum() == rows, wanted
    with pytest.raises(ValueError, match="no feed is called nothing"):
        counts(held, Wanted(("nothing",)))


def test_the_list_shows_no_value_and_asks_for_no_reason(held: Lake) -> None:
    output = command(held.home, "list")
    assert "case_kind_is_a_known_code" in output
    assert "HYPERLINK" not in output
    assert not held.exists(ACCESS)


@pytest.mark.parametrize("words", [["show", "grid_cases"], ["export", "grid_cases"], ["replay"]])
def test_without_a_reason_nothing_is_shown(held: Lake, words: list[str]) -> None:
    for reason in ([], ["--reason", " x "]):
        with pytest.raises(ValueError, match="needs --reason"):
            command(held.home, *words, *reason)
    assert not held.exists(ACCESS)
    assert not list(held.home.repairs.iterdir())


def test_a_look_is_written_down_and_shows_what_the_rules_speak_of(held: Lake) -> None:
    output = command(held.home, "show", "grid_cases", "--rule", "case_kind_is_a_known_code", *WHY)
    assert "HYPERLINK" in output
    assert "取值在代码表内" in output
    longitude = str(BOOKS["grid_cases"].good["longitude"])
    assert longitude not in output, "no rule speaks of it"
    assert longitude in command(held.home, "show", "grid_cases", "--whole", *WHY)
    assert asked(held) == [
        ("quarantine.grid_cases", "quarantine show: 10 rows", WHY[1]),
        ("quarantine.grid_cases", "quarantine show: 10 rows, whole", WHY[1]),
    ]


@pytest.mark.parametrize("ending", ["xlsx", "csv"])
def test_a_sheet_is_closed_harmless_and_comes_back_as_it_was(held: Lake, ending: str) -> None:
    before = os.umask(0)
    try:
        command(held.home, "export", "grid_cases", *WHY, *(["--csv"] if ending == "csv" else []))
    finally:
        os.umask(before)
    (path,) = held.home.repairs.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(held.home.repairs.stat().st_mode) == 0o700
    assert asked(held)[0][1] == f"quarantine export: {ending}, 30 days"
    if ending == "csv":
        frame = pl.read_csv(path, infer_schema=False)
        header, *sheet = [frame.columns, *map(list, frame.rows())]
    else:
        header, *sheet = cells(path)
    assert [len(sheet), len({*header})] == [3, len(header)]
    texts = [dict(zip(header, row, strict=True)) for row in sheet]
    kinds = [str(row[WIRES["case_kind"]]) for row in texts]
    assert [kind[:2] for kind in kinds if "HYPERLINK" in kind] == ["'="]
    assert "请填写代码表内的取值：component（管理部件）、matter（管理事项）" in {
        row["隔离处理办法"] for row in texts
    }
    assert not any(row["更正说明"] for row in texts)
    assert "as before 2" in command(held.home, "replay", str(path), *WHY)
    assert closes(held, "grid_cases") == (5, 2, 3)


def test_forbidden_fields_are_in_no_sheet(held: Lake) -> None:
    command(held.home, "export", "face_captures", *WHY)
    (path,) = held.home.repairs.iterdir()
    assert b"secret" not in path.read_bytes()
    text = json.dumps(cells(path), ensure_ascii=False)
    assert "secret" not in text
    assert not [name for name in cells(path)[0] if name and FORBIDDEN_COLUMN.search(name.lower())]
    assert "FeatureInfo" not in text


def test_a_mended_sheet_goes_through_the_command(held: Lake, tmp_path: Path) -> None:
    command(held.home, "export", "face_captures", *WHY)
    (path,) = held.home.repairs.iterdir()
    good = BOOKS["face_captures"].good["left_px"]
    assert good
    wire = wire_columns(BY_NAME["face_captures"].contract)["left_px"][0]
    file = mended(cells(path), tmp_path / "m.xlsx", {1: {wire: good}})
    assert "face_captures: accepted 1" in command(held.home, "replay", str(file), *WHY)
    assert closes(held, "face_captures") == (1, 1, 0)
    assert "nothing to judge again" in command(held.home, "replay", *WHY)
    landed = list((held.home.landing / "corrections").iterdir())
    assert [stat.S_IMODE(one.stat().st_mode) for one in landed] == [0o600]


def test_sheets_expire(held: Lake) -> None:
    command(held.home, "export", "grid_cases", "--keep-days", "3", *WHY)
    (path,) = held.home.repairs.iterdir()
    copy, odd = path.with_name(f"copy of {path.name}"), path.with_name("x-until-20269999.xlsx")
    for one in (copy, odd):
        one.write_bytes(b"x")
    last = date.fromisoformat(path.stem[-8:])
    assert expire(held.home, last) == 0
    assert expire(held.home, last + timedelta(days=1)) == 2
    assert [one.name for one in held.home.repairs.iterdir()] == [odd.name]
    assert expire(held.home, last + timedelta(days=40)) == 1


RISKY = st.text(st.sampled_from("'=+-@|\t\r\n ＝－1.a"), max_size=6)


@given(st.lists(st.none() | RISKY | st.text(max_size=5), min_size=1))
def test_no_cell_begins_a_formula_and_all_come_back(texts: list[str | None]) -> None:
    frame = pl.DataFrame({"t": texts}, schema={"t": pl.String})
    safe = frame.select(neutral(pl.col("t")))
    assert safe.select(restored(pl.col("t")))["t"].to_list() == texts
    for text in safe["t"].drop_nulls():
        plain = text.lstrip()
        is_number = plain.startswith("-") and plain[1:].replace(".", "", 1).isdigit()
        assert not plain or plain[0] not in "=+-@|＝＋－＠" or is_number, text


def every_rule(contract: type[Contract]) -> list[str]:
    columns = wire_columns(contract)
    own = [f"{name}_{rule}" for name in columns for rule in column_rules(contract, name)]
    return [*own, *(f"{name}_is_readable" for name in columns), *row_rules(contract),
            UNREADABLE_ROW, f"{next(iter(columns))}_is_mapped: x"]  # fmt: skip


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_every_rule_has_a_reason_and_a_remedy_in_chinese(feed) -> None:
    for rule in every_rule(feed.contract):
        for text in (reason_zh(feed.contract, rule), remedy_zh(feed.contract, rule)):
            assert any("\u4e00" <= sign <= "\u9fff" for sign in text), (rule, text)
        if rule != UNREADABLE_ROW:
            assert set(columns_of(feed.contract, rule)) <= set(feed.contract.columns())
            assert columns_of(feed.contract, rule), rule


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.name)
def test_no_feed_calls_a_column_as_sheets_call_theirs(feed) -> None:
    own = {heading for headings in ORIGIN.values() for heading in headings} | set(NOTES)
    wires = wire_columns(feed.contract)
    assert not own & {name for names in wires.values() for name in names}
    assert len({names[0] for names in wires.values()}) == len(wires)
    assert not set(ORIGIN) & set(wires)
