"""Replaying quarantine: rules and mappings that changed, corrected sheets, kills, the books."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from contract_examples import BOOKS
from repair_homes import (
    ALARMS,
    ORDER,
    cells,
    closes,
    judge_strictly,
    judged_again,
    mended,
    messages_of,
    put,
    put_cases,
    put_mapping,
    rows,
)

from assets.corrections import apply_corrections, hand_in
from assets.quarantined import Wanted, counts, export, rows_of
from assets.replaying import Replayed, recover_all
from assets.restating import replayed_since
from assets.taking_in import take_in
from schemas import tables
from schemas.contract import wire_columns
from schemas.feeds import BY_NAME
from schemas.grid_cases import GridCaseRow
from schemas.replays import JUDGEMENTS, REPLAYS
from warehouse import builds, journal
from warehouse.home import Home
from warehouse.lake import Lake

CASES = BY_NAME["grid_cases"]
WIRES = {column: names[0] for column, names in wire_columns(GridCaseRow).items()}


def correct(lake: Lake, path: Path) -> Replayed:
    """Hand a sheet in and replay it."""
    done = Replayed()
    with lake.home.locked():
        recover_all(lake)
        hand_in(lake, path)
        apply_corrections(lake, ORDER, done)
    return done


def exported(lake: Lake, feed: str = "grid_cases", ending: str = "xlsx") -> Path:
    own = rows_of(lake, BY_NAME[feed], Wanted())
    return export(lake.home, BY_NAME[feed], own, ending, 30, {})


def test_a_mapping_that_learns_a_code_lets_its_rows_in(lake: Lake) -> None:
    put_mapping(lake.home, ALARMS)
    texts = ["流水号,楼号,类别,发生", *(f"A{n},B1,{kind},2026-11-19 16:30:0{n}"
             for n, kind in enumerate(["火", "漏水", "漏水" * 30, "鬼"]))]  # fmt: skip
    file = put(lake.home, "fire_alarms/acme_1.csv", "\n".join(texts).encode())
    take_in(lake, "fire_alarms")
    assert closes(lake, "fire_alarms") == (4, 1, 3)
    assert judged_again(lake) == ({}, {}, {}), "judged by these rules at intake"
    known = ALARMS["values"]["alarm_kind"] | {"漏水": "fault", "漏水" * 30: "fault"}  # pyright: ignore
    put_mapping(lake.home, ALARMS | {"values": {"alarm_kind": known}})
    assert judged_again(lake) == ({"fire_alarms": 2}, {}, {"fire_alarms": 1})
    assert closes(lake, "fire_alarms") == (4, 3, 1)
    assert rows(lake, "bronze", "fire_alarms")["alarm_kind"].to_list() == ["fire", "fault", "fault"]
    assert rows(lake, "bronze", "fire_alarms")["row_number"].to_list() == [1, 2, 3]
    assert judged_again(lake) == ({}, {}, {}), "a second replay finds nothing to do"
    put_mapping(lake.home, ALARMS | {"values": {"alarm_kind": known | {"鬼": "fire"}}})
    file.unlink()
    assert judged_again(lake) == ({}, {}, {}), "its text is gone: only a correction can mend it"
    assert closes(lake, "fire_alarms") == (4, 3, 1)


def test_a_mapping_that_learns_a_form_of_time_reads_the_file_again(lake: Lake) -> None:
    put_mapping(lake.home, ALARMS)
    text = "流水号,楼号,类别,发生\nA1,B1,火,19/11/2026 16:30\nA2,B1,火,2026-11-19 16:31"
    put(lake.home, "fire_alarms/acme_1.csv", text.encode())
    take_in(lake, "fire_alarms")
    assert closes(lake, "fire_alarms") == (2, 1, 1)
    put_mapping(lake.home, ALARMS | {"time_formats": ["%d/%m/%Y %H:%M"]})
    assert judged_again(lake) == ({"fire_alarms": 1}, {}, {})
    assert closes(lake, "fire_alarms") == (2, 2, 0)


def test_only_what_a_changed_rule_touches_is_judged_again(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_strictly(monkeypatch)
    put_cases(lake.home)
    faces = messages_of("face_captures", {}, {"left_px": "110"}, FeatureObject="x")
    put(lake.home, "captures/f.ndjson", faces)
    take_in(lake, "grid_cases")
    take_in(lake, "captures")
    assert closes(lake, "grid_cases") == (5, 1, 4)
    assert closes(lake, "face_captures") == (2, 1, 1)
    assert not counts(lake, Wanted())["is_due"].any()
    monkeypatch.undo()
    due = counts(lake, Wanted()).filter("is_due")
    assert set(due["feed"]) == {"grid_cases"}
    assert "row_is_readable" not in due["rule"]
    version = lake.version(tables.table("quarantine", "face_captures"))
    before = builds.arrived(lake, "grid_cases"), builds.arrived(lake, "face_captures")
    assert judged_again(lake) == ({"grid_cases": 1}, {}, {"grid_cases": 2})
    assert lake.version(tables.table("quarantine", "face_captures")) == version
    assert (closes(lake, "grid_cases"), closes(lake, "face_captures")) == ((5, 2, 3), (2, 1, 1))
    now = builds.arrived(lake, "grid_cases"), builds.arrived(lake, "face_captures")
    assert (before[0] != now[0], before[1] == now[1]) == (True, True), "its day is built again"
    assert judged_again(lake, everything=True) == (
        {}, {}, {"grid_cases": 2, "face_captures": 1})  # fmt: skip


def test_a_replayed_row_is_what_an_intake_by_todays_rules_would_have_made(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put_cases(lake.home)
    take_in(lake, "grid_cases")
    monkeypatch.undo()
    judged_again(lake)
    other = Lake(Home(tmp_path / "other"))
    other.home.prepare()
    put_cases(other.home)
    take_in(other, "grid_cases")
    for layer in ("bronze", "quarantine"):
        order = ["file_id", "row_number"]
        assert (
            rows(lake, layer, "grid_cases")
            .sort(order)
            .equals(rows(other, layer, "grid_cases").sort(order))
        )


def test_a_mended_sheet_replaces_its_rows_and_history_keeps_both(
    lake: Lake, tmp_path: Path
) -> None:
    put_cases(lake.home)
    take_in(lake, "grid_cases")
    assert closes(lake, "grid_cases") == (5, 2, 3)
    sheet = cells(exported(lake))
    good = {WIRES[c]: text for c, text in BOOKS["grid_cases"].good.items() if text}
    file = mended(sheet, tmp_path / "mended.xlsx", {
        1: {WIRES["closed_at"]: "2026-11-20 15:00:00"},
        2: {WIRES["case_kind"]: "still none", WIRES["reported_at"]: "soon"},
        3: good | {WIRES["case_number"]: "B3"},
    })  # fmt: skip
    before = builds.arrived(lake, "grid_cases")
    done = correct(lake, file)
    assert (done.accepted["grid_cases"], done.anew["grid_cases"]) == (2, 1)
    assert before != builds.arrived(lake, "grid_cases"), "the days are to be built again"
    assert closes(lake, "grid_cases") == (5, 4, 1)
    held = rows(lake, "bronze", "grid_cases").sort("case_number")
    assert held["case_number"].to_list() == ["A1", "A2", "B1", "B3"]
    assert held.filter(case_number="B3").select("row_number", "item_number").row(0) == (4, 1)
    (left,) = rows(lake, "quarantine", "grid_cases").to_dicts()
    assert json.loads(left["row"])["case_kind"] == "still none"
    book = lake.read(REPLAYS).sort("row_number")
    assert book["outcome"].to_list() == ["accepted", "quarantined", "accepted"]
    assert book["rules_before"].to_list()[2] == ["row_is_readable"]
    assert book["rules_before"].to_list()[1] != book["rules_after"].to_list()[1] == left["rules"]
    assert book["content_before"].is_null().to_list() == [False, False, True]
    assert (book["content_before"] != book["content_after"]).to_list()[:2] == [True, True]
    assert set(book["username"]) == {"zhang"}
    assert set(book["correction"]) <= set(lake.read(journal.FILES)["file_id"])
    receipt = json.loads((lake.home.receipts / "grid_cases/a.csv.json").read_text())
    about = receipt["feeds"]["grid_cases"]
    assert (about["accepted"], about["quarantined"], about["replayed"]) == (3, 1, 2)


def test_a_sheet_handed_in_twice_or_untouched_changes_nothing(lake: Lake, tmp_path: Path) -> None:
    put_cases(lake.home)
    take_in(lake, "grid_cases")
    sheet = exported(lake)
    done = correct(lake, sheet)
    assert (done.accepted.total(), done.anew.total(), done.unchanged.total()) == (0, 0, 2)
    file = mended(cells(sheet), tmp_path / "m.xlsx", {2: {WIRES["case_kind"]: "matter"}})
    assert correct(lake, file).accepted["grid_cases"] == 1
    before = [lake.version(t) for t in (tables.table("bronze", "grid_cases"), REPLAYS)]
    mended(cells(file), tmp_path / "again.xlsx", {1: {"更正说明": "see line two"}})
    for again in (file, tmp_path / "again.xlsx"):
        done = correct(lake, again)
        assert (done.accepted.total(), done.anew.total()) == (0, 0)
    assert done.unknown.total() == 1, "the row that left quarantine"
    assert before == [lake.version(t) for t in (tables.table("bronze", "grid_cases"), REPLAYS)]
    assert closes(lake, "grid_cases") == (5, 3, 2)
    early = {WIRES["closed_at"]: "2026-11-02 00:00:00"}
    assert correct(lake, mended(cells(sheet), tmp_path / "c.xlsx", {1: early})).anew.total() == 1
    assert "2026-11-02" in rows(lake, "quarantine", "grid_cases")["row"][0], "another wrong text"


@pytest.mark.parametrize(
    ("heading", "text", "why"),
    [("隔离数据源", "nothing", "must name one feed"), ("隔离行号", "x", "is missing or no number"),
     ("隔离行号", "2", "corrected twice")],
)  # fmt: skip
def test_a_sheet_that_does_not_say_what_it_corrects_is_set_aside(
    lake: Lake, tmp_path: Path, heading: str, text: str, why: str
) -> None:
    put_cases(lake.home)
    take_in(lake, "grid_cases")
    sheet = cells(exported(lake))
    done = correct(lake, mended(sheet, tmp_path / "m.xlsx", {2: {heading: text}}))
    assert [why in reason for reason in done.set_aside.values()] == [True]
    assert closes(lake, "grid_cases") == (5, 2, 3)
    assert lake.read(journal.FILES).filter(source="corrections")["outcome"].to_list() == [
        "set_aside"
    ]


def test_a_replay_since_a_publication_is_known(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    judge_strictly(monkeypatch)
    put_cases(lake.home)
    take_in(lake, "grid_cases")
    monkeypatch.undo()
    first = lake.read(JUDGEMENTS)["judged_at"].max()
    assert not replayed_since(lake, first)  # pyright: ignore
    judged_again(lake)
    assert replayed_since(lake, first)  # pyright: ignore
    assert not replayed_since(lake, lake.read(REPLAYS)["replayed_at"].max())  # pyright: ignore
