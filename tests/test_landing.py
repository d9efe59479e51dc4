"""Landing: which files are taken, which wait, which are refused; and a batch killed half way."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from contract_examples import BOOKS

from assets.taking_in import take_in
from schemas import tables
from schemas.feeds import BY_NAME
from schemas.ledgers import FileAccount
from warehouse import journal
from warehouse.home import Home
from warehouse.lake import Lake, empty
from warehouse.landing import form_of, list_files

BRONZE, QUARANTINE = tables.table("bronze", "grid_cases"), tables.table("quarantine", "grid_cases")
SETTLED = time.time() - 3600


def put(home: Home, name: str, data: bytes = b"x", *, is_settled: bool = True) -> Path:
    path = home.landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    if is_settled:
        os.utime(path, (SETTLED, SETTLED))
    return path


def listed(home: Home, source: str = "grid_cases") -> list[str]:
    return [file.name for file in list_files(home.landing, source).files]


def test_files_are_listed_in_name_order_below_all_folders_of_a_source(home: Home) -> None:
    names = ["captures/b.ndjson", "face_captures/a/x.ndjson", "vehicle_captures/1.json.gz"]
    for name in reversed(names):
        put(home, name)
    put(home, "grid_cases/other.csv")
    put(home, "captures/.hidden.ndjson")
    assert listed(home, "captures") == names
    assert listed(home, "areas") == []


@pytest.mark.parametrize("ending", [".part", ".tmp", ".crdownload", ".filepart"])
def test_unfinished_names_wait(home: Home, ending: str) -> None:
    put(home, f"grid_cases/a.csv{ending}")
    put(home, "grid_cases/b.csv")
    listing = list_files(home.landing, "grid_cases")
    assert [f.name for f in listing.files] == ["grid_cases/b.csv"]
    assert listing.waiting == [f"grid_cases/a.csv{ending}"]


def test_a_growing_file_waits_and_a_young_one_that_stands_still_does_not(home: Home) -> None:
    growing = put(home, "grid_cases/growing.csv", is_settled=False)
    put(home, "grid_cases/young.csv", is_settled=False)
    put(home, "grid_cases/old.csv")
    is_done = threading.Event()

    def write() -> None:
        while not is_done.wait(0.05):
            with growing.open("ab") as handle:
                handle.write(b"more\n")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        listing = list_files(home.landing, "grid_cases")
    finally:
        is_done.set()
        writer.join()
    assert [f.name for f in listing.files] == ["grid_cases/old.csv", "grid_cases/young.csv"]
    assert listing.waiting == ["grid_cases/growing.csv"]


def test_a_file_that_vanishes_while_it_is_watched_is_not_taken(home: Home) -> None:
    path = put(home, "grid_cases/gone.csv", is_settled=False)
    remover = threading.Timer(0.2, path.unlink)
    remover.start()
    assert list_files(home.landing, "grid_cases").files == []
    remover.join()


def test_links_and_pipes_are_refused_and_never_followed(home: Home, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("secret")
    put(home, "grid_cases/real.csv")
    (home.landing / "grid_cases" / "link.csv").symlink_to(secret)
    (home.landing / "grid_cases" / "folder").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(home.landing / "grid_cases" / "pipe.csv")
    listing = list_files(home.landing, "grid_cases")
    assert [f.name for f in listing.files] == ["grid_cases/real.csv"]
    assert set(listing.refused) == {f"grid_cases/{n}" for n in ("link.csv", "folder", "pipe.csv")}


@pytest.mark.parametrize(
    ("name", "feed", "form"),
    [
        ("a.ndjson", "face_captures", "ga1400"),
        ("a.JSON.GZ", "face_captures", "ga1400"),
        ("a.b.jsonl.zst", "face_captures", "ga1400"),
        ("a.csv", "face_captures", None),
        ("a.csv", "grid_cases", "csv"),
        ("a.txt", "grid_cases", "csv"),
        ("2026.11.20.csv.gz", "grid_cases", "csv"),
        ("a.csv.zip", "grid_cases", None),
        ("a.gz", "grid_cases", None),
        ("csv", "grid_cases", None),
        ("a.xlsx", "rentals", "xlsx"),
        ("a.xlsx.gz", "rentals", None),
        ("a.xls", "rentals", None),
        ("a.json", "buildings", "geojson"),
        ("a.csv", "buildings", "csv"),
        ("a.ndjson", "sensor_readings", "ndjson"),
    ],
)
def test_the_form_of_a_file_is_told_by_its_extension(name: str, feed: str, form: Any) -> None:
    assert form_of(Path(name), (BY_NAME[feed],)) == form


# Taking in.


def case_file(*changes: dict[str, str | None]) -> bytes:
    """A CSV of cases under English headings."""
    wires = {c: BY_NAME["grid_cases"].contract.columns()[c].metadata["wire"][-1]
             for c in BOOKS["grid_cases"].good}  # fmt: skip
    lines = [",".join(wires.values())]
    for change in changes:
        row = BOOKS["grid_cases"].good | change
        lines.append(",".join(row[c] or "" for c in wires))
    return "\n".join(lines).encode()


def case_numbers(lake: Lake) -> list[str]:
    return sorted(lake.read(BRONZE, ["case_number"])["case_number"])


def outcomes(lake: Lake) -> dict[str, str]:
    return dict(lake.read(journal.FILES, ["file_name", "outcome"]).rows())


def receipt(lake: Lake, name: str) -> dict[str, Any]:
    return json.loads((lake.home.receipts / f"{name}.json").read_text())


def test_good_rows_are_taken_in_and_bad_ones_quarantined_with_a_receipt(lake: Lake) -> None:
    put(lake.home, "grid_cases/a.csv", case_file({}, {"case_kind": "what"}, {"case_number": "A2"}))
    intake = take_in(lake, "grid_cases")
    assert (intake.files, case_numbers(lake)) == (1, ["A1", "A2"])
    (broken,) = lake.read(QUARANTINE).to_dicts()
    assert (broken["rules"], broken["row_number"]) == (["case_kind_is_a_known_code"], 2)
    said = receipt(lake, "grid_cases/a.csv")["feeds"]["grid_cases"]
    assert said == {"arrived": 3, "accepted": 2, "quarantined": 1, "refused": 0,
                    "broken_rules": {"case_kind_is_a_known_code": 1}}  # fmt: skip
    assert take_in(lake, "grid_cases").files == 0
    assert case_numbers(lake) == ["A1", "A2"]


def test_the_same_bytes_under_another_name_are_seen_before(lake: Lake) -> None:
    data = case_file({}, {"case_number": "A2"})
    put(lake.home, "grid_cases/a.csv", data)
    put(lake.home, "grid_cases/copy.csv", data)
    intake = take_in(lake, "grid_cases")
    assert (intake.files, intake.seen_before) == (1, 1)
    put(lake.home, "grid_cases/late_copy.csv", data)
    intake = take_in(lake, "grid_cases")
    assert (intake.files, intake.seen_before) == (0, 1)
    assert case_numbers(lake) == ["A1", "A2"]
    assert outcomes(lake) == {"grid_cases/a.csv": "taken_in", "grid_cases/copy.csv": "seen_before",
                              "grid_cases/late_copy.csv": "seen_before"}  # fmt: skip
    assert lake.read(journal.ACCOUNTS).height == 1


def test_a_file_no_feed_reads_is_set_aside_and_stops_no_other(lake: Lake) -> None:
    put(lake.home, "grid_cases/a.pdf", b"%PDF")
    put(lake.home, "grid_cases/b.csv", b"nothing,here\n1,2\n")
    put(lake.home, "grid_cases/c.csv", case_file({}))
    intake = take_in(lake, "grid_cases")
    assert set(intake.set_aside) == {"grid_cases/a.pdf", "grid_cases/b.csv"}
    assert case_numbers(lake) == ["A1"]
    assert receipt(lake, "grid_cases/b.csv")["outcome"] == "set_aside"


def half_done(lake: Lake, batch: str, *, is_committed: bool = False) -> None:
    """What a run leaves that is killed after its appends (or right after its commit)."""
    journal.begin(lake, "grid_cases", batch, [BRONZE, QUARANTINE])
    ghost = {"file_id": "half", "batch_id": batch}
    row = lake.read(BRONZE).head(1).with_columns(case_number=pl.lit("ghost"))
    lake.append(BRONZE, row)
    numbers = dict.fromkeys(("arrived", "accepted", "quarantined", "refused"), 1)
    names = {"feed": "grid_cases", "days": [], "dropped_fields": "{}", "unknown_fields": "{}"}
    account = pl.DataFrame([ghost | numbers | names], schema=empty(FileAccount).schema)
    lake.append(journal.ACCOUNTS, account)
    if is_committed:
        lake.append(journal.FILES, pl.DataFrame([ghost | {
            "source": "grid_cases", "file_name": "grid_cases/ghost.csv", "size_bytes": 1,
            "modified_ns": 1, "outcome": "taken_in", "reason": None}],
            schema=empty(journal.FILES.contract).schema))  # fmt: skip


def test_a_batch_killed_before_its_commit_is_undone_and_taken_in_once(lake: Lake) -> None:
    put(lake.home, "grid_cases/a.csv", case_file({}))
    take_in(lake, "grid_cases")
    half_done(lake, "killed")
    assert case_numbers(lake) == ["A1", "ghost"]
    put(lake.home, "grid_cases/b.csv", case_file({"case_number": "B1"}))
    intake = take_in(lake, "grid_cases")
    assert (intake.recovered, intake.files) == ("killed", 1)
    assert case_numbers(lake) == ["A1", "B1"]
    assert "killed" not in lake.read(journal.ACCOUNTS)["batch_id"]
    assert take_in(lake, "grid_cases").recovered is None


def test_a_batch_killed_after_its_commit_stands(lake: Lake) -> None:
    put(lake.home, "grid_cases/a.csv", case_file({}))
    take_in(lake, "grid_cases")
    half_done(lake, "done", is_committed=True)
    intake = take_in(lake, "grid_cases")
    assert (intake.recovered, case_numbers(lake)) == (None, ["A1", "ghost"])
    assert journal.recover(lake, "grid_cases") is None


def test_a_first_batch_killed_leaves_empty_tables(lake: Lake) -> None:
    other = Lake(Home(lake.home.root / "other"))
    other.home.prepare()
    put(other.home, "grid_cases/a.csv", case_file({}))
    take_in(other, "grid_cases")
    journal.begin(lake, "grid_cases", "first", [BRONZE, QUARANTINE])
    lake.append(BRONZE, other.read(BRONZE))
    assert journal.recover(lake, "grid_cases") == "first"
    assert lake.read(BRONZE).height == 0
