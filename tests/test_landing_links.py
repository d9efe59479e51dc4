"""Links and other tricks in landing: nothing outside a feed's own folder is ever read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter
from test_landing import case_file, put

import assets.taking_in
from assets.taking_in import take_in
from warehouse import journal
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.landing import Listing, list_files
from warehouse.readers.stream import blocks
from warehouse.readers.workbooks import first_sheet


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Good rows that lie outside landing."""
    (tmp_path / "outside").mkdir()
    path = tmp_path / "outside" / "secret.csv"
    path.write_bytes(case_file({}))
    return path


def in_folder(home: Home, name: str) -> Path:
    (home.landing / "grid_cases").mkdir(exist_ok=True)
    return home.landing / "grid_cases" / name


def to_the_file(home: Home, secret: Path) -> str:
    in_folder(home, "link.csv").symlink_to(secret)
    return "grid_cases/link.csv"


def to_its_folder(home: Home, secret: Path) -> str:
    in_folder(home, "below").symlink_to(secret.parent, target_is_directory=True)
    return "grid_cases/below"


def upwards(home: Home, secret: Path) -> str:
    in_folder(home, "up.csv").symlink_to(Path("..", "..", "..", "outside", secret.name))
    return "grid_cases/up.csv"


def in_place_of_the_folder(home: Home, secret: Path) -> str:
    (home.landing / "grid_cases").symlink_to(secret.parent, target_is_directory=True)
    return "grid_cases"


def to_a_key(home: Home, _: Path) -> str:
    home.key("population")
    in_folder(home, "key.csv").symlink_to(home.keys / "population.key")
    return "grid_cases/key.csv"


TRICKS = [to_the_file, to_its_folder, upwards, in_place_of_the_folder, to_a_key]


@pytest.mark.parametrize("trick", TRICKS)
def test_a_link_is_refused_by_name_and_nothing_of_it_is_taken(
    lake: Lake, secret: Path, trick: Callable[[Home, Path], str]
) -> None:
    name = trick(lake.home, secret)
    intake = take_in(lake, "grid_cases")
    assert (intake.files, sum(intake.rows.values())) == (0, 0)
    assert list(intake.refused_files) == [name]
    assert "link" in intake.refused_files[name]
    assert lake.read(journal.FILES).is_empty()
    assert [path for path in lake.home.receipts.rglob("*") if path.is_file()] == []


def test_a_file_that_becomes_a_link_after_it_was_listed_is_not_followed(
    lake: Lake, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(lake.home, "grid_cases/a.csv", case_file({}))

    def listed(landing: Path, source: str) -> Listing:
        found = list_files(landing, source)
        path.unlink()
        path.symlink_to(secret)
        return found

    monkeypatch.setattr(assets.taking_in, "list_files", listed)
    intake = take_in(lake, "grid_cases")
    assert (intake.files, sum(intake.rows.values())) == (0, 0)
    assert "cannot be read" in intake.refused_files["grid_cases/a.csv"]


def test_readers_follow_no_link_and_wait_for_no_pipe(tmp_path: Path, secret: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "book.xlsx") as book:
        book.add_worksheet().write(0, 0, "x")
    assert first_sheet(tmp_path / "book.xlsx").height == 1
    for name, target in (("a.csv", secret), ("a.xlsx", tmp_path / "book.xlsx")):
        (tmp_path / name).symlink_to(target)
    os.mkfifo(tmp_path / "pipe.csv")
    for name in ("a.csv", "pipe.csv"):
        with pytest.raises(OSError, match=r"symbolic|regular"):
            list(blocks(tmp_path / name))
    with pytest.raises(OSError, match="symbolic"):
        first_sheet(tmp_path / "a.xlsx")
