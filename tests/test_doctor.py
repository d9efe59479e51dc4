"""The doctor: every fault made by hand is found, explained, and told apart from a healthy home."""

from __future__ import annotations

import json
import os
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from small_lake import arrive, read
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.doctor import of_feeds, of_ports, of_retention, of_superset
from pipelines.serving_up import Door
from schemas import tables
from warehouse import diagnosis, journal, tidying
from warehouse.diagnosis import Finding
from warehouse.home import Home, HomeError
from warehouse.lake import CHECKPOINT_EVERY, Lake

ALARMS = tables.table("bronze", "fire_alarms")
FACES = tables.table("bronze", "face_captures")
GB = 1 << 30


@pytest.fixture
def well(lake: Lake) -> Home:
    """A small healthy home: rows of one feed, a key in use."""
    arrive(lake, "fire_alarms", read("fire_alarms", [{}]))
    lake.home.key("passage")
    return lake.home


def only(found: list[Finding]) -> Finding:
    assert len(found) == 1, found
    assert found[0].why
    assert found[0].remedy
    return found[0]


def everything(home: Home, *, whole: bool = False) -> list[Finding]:
    return [*diagnosis.of_keys(home), *diagnosis.of_permissions(home),
            *diagnosis.of_tables(home, whole=whole), *diagnosis.of_leftovers(home),
            *diagnosis.of_publication(home), *diagnosis.of_clock(home)]  # fmt: skip


def data_file(home: Home) -> Path:
    lake = Lake(home)
    return lake.path(ALARMS) / tidying.data_files(lake, ALARMS)["path"][0]


def test_a_healthy_home_has_nothing(well: Home) -> None:
    assert everything(well, whole=True) == []
    before = {p: p.stat().st_mtime_ns for p in well.root.rglob("*")}
    everything(well)
    assert {p: p.stat().st_mtime_ns for p in well.root.rglob("*")} == before


def test_keys_that_are_lost_damaged_or_others(well: Home) -> None:
    path = well.keys / "passage.key"
    text = path.read_text()
    path.unlink()
    assert "is missing" in only(everything(well)).what
    with pytest.raises(HomeError, match="is lost"):
        well.key("passage")
    assert not path.exists(), "a lost key is not made anew in silence"
    for words, said in (("x" * 64, "damaged"), ("0" * 64, "not the key of the lake")):
        path.write_text(words)
        path.chmod(0o600)
        one = only(everything(well))
        assert (one.severity, said in one.what) == ("serious", True)
    with pytest.raises(HomeError, match="not the key of the lake"):
        well.key("passage")
    path.write_text(text)
    assert everything(well) == []
    assert text.strip() not in well.key_marks_file.read_text()


def test_permissions_of_the_restricted_zone(well: Home) -> None:
    for path, mode in ((well.landing, 0o750), (well.lake / "bronze", 0o701),
                       (well.keys / "passage.key", 0o640)):  # fmt: skip
        was = path.stat().st_mode & 0o777
        path.chmod(mode)
        one = only(everything(well))
        assert one.severity == "serious"
        assert f"{mode:04o}" in one.what
        assert str(path) in one.remedy
        path.chmod(was)
    assert everything(well) == []


@pytest.mark.parametrize(
    ("free", "severity"),
    [(GB - 1, "serious"), (15 * GB, "serious"), (50 * GB, "warning"), (200 * GB, None)],
)
def test_a_disk_nearly_full(well: Home, free: int, severity: str | None) -> None:
    found = list(diagnosis.of_disk(well, free, 1000 * GB))
    assert [one.severity for one in found] == ([severity] if severity else [])


def test_data_files_that_are_gone_cut_or_damaged(well: Home) -> None:
    path = data_file(well)
    data = path.read_bytes()
    for bad, said in ((None, "is missing"), (data[:-9], "instead of"),
                      (b"\0" * len(data), "is damaged")):  # fmt: skip
        path.unlink() if bad is None else path.write_bytes(bad)
        one = only(everything(well))
        assert said in one.what
        assert path.name in one.what
        assert "restore" in one.remedy
        assert one.severity == "serious"
    middle = bytearray(data)
    middle[8:200] = b"\xff" * 192
    path.write_bytes(middle)
    assert only(everything(well, whole=True)).what.endswith("is damaged")
    path.write_bytes(data)
    assert everything(well, whole=True) == []


def test_log_entries_that_cannot_be_read(well: Home) -> None:
    log = Lake(well).path(ALARMS) / "_delta_log"
    entry = log / f"{1:020}.json"
    text = entry.read_text()
    for bad in ("", text[: len(text) // 2]):
        entry.write_text(bad)
        assert entry.name in only(everything(well)).what
    entry.unlink()
    entry.with_name(f"{2:020}.json").write_text(text)
    assert "cannot be opened" in only(everything(well)).what


def test_a_damaged_checkpoint_is_found_and_older_entries_do_not_matter(well: Home) -> None:
    lake = Lake(well)
    rows = lake.read(ALARMS)
    for _ in range(CHECKPOINT_EVERY):
        lake.append(ALARMS, rows)
    log = lake.path(ALARMS) / "_delta_log"
    (log / f"{1:020}.json").write_text("cut off")
    assert everything(well) == []
    (checkpoint,) = log.glob("*.checkpoint.parquet")
    checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    assert only(everything(well)).what.endswith(f"{checkpoint.name} cannot be read")


def test_half_made_tables_and_leftovers_of_a_killed_run(well: Home) -> None:
    folder = Lake(well).path(tables.table("silver", "fire_alarms"))
    (folder / "_delta_log").mkdir(parents=True)
    assert "half made" in only(everything(well)).what
    (folder / "part.parquet").write_bytes(b"x")
    assert "no log" in only(everything(well)).what
    (folder / "part.parquet").unlink()
    (folder / "_delta_log").rmdir()
    journal.begin(Lake(well), "fire_alarms", "b", [ALARMS])
    (well.serving / ".building-g1").mkdir()
    (well.lake / "silver" / "of_old").mkdir()
    found = everything(well)
    assert [one.severity for one in found] == ["info"] * 3
    assert ["of_old" in found[0].what, "fire_alarms" in found[1].what,
            ".building-g1" in found[2].what] == [True] * 3  # fmt: skip


def test_a_link_to_nothing_and_a_pin(well: Home) -> None:
    (well.serving / "current").symlink_to("g9")
    assert only(everything(well)).severity == "serious"
    (well.serving / "current").unlink()
    pin = {"generation": "g1", "reason": "audit", "since": "2026-11-20T00:00:00+00:00"}
    (well.serving / "pinned.json").write_text(json.dumps(pin))
    one = only(everything(well))
    assert (one.severity, "audit" in one.what) == ("info", True)


def test_clocks_that_are_off(well: Home) -> None:
    one = only(list(diagnosis.of_clock(well, datetime.now(UTC) - timedelta(minutes=10))))
    assert one.severity == "serious"
    assert not list(diagnosis.of_clock(well, datetime.now(UTC) - timedelta(minutes=4)))
    for n in range(5):
        late = well.landing / "fire_alarms" / f"{n}.csv"
        late.parent.mkdir(exist_ok=True)
        late.write_text("x")
        os.utime(late, (time.time() + 3600, time.time() + 3600))
    found = list(diagnosis.of_clock(well))
    assert [one.severity for one in found] == ["warning"] * 4
    assert "2 more" in found[-1].what


def test_feeds_overdue_or_ahead(well: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ALARMS.partition_by is not None
    newest = Lake(well).read(ALARMS)[ALARMS.partition_by].max()
    for days, said in ((30, None), (31, "overdue"), (-1, None), (-2, "to come")):
        last = datetime.fromisoformat(f"{newest}T23:59:00+08:00") + timedelta(days=days)
        monkeypatch.setenv("GOVLAKE_AS_OF", last.isoformat())
        found = [one.what for one in of_feeds(well)]
        assert len(found) == (said is not None), (days, found)
        assert all(str(said) in one for one in found)
        assert all("fire_alarms" in one for one in found)


def test_rows_past_their_retention(well: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    arrive(Lake(well), "face_captures", read("face_captures", [{}]))
    day = Lake(well).read(FACES)["shot_day"][0]
    for days, count in ((33, 0), (34, 1)):
        monkeypatch.setenv("GOVLAKE_AS_OF", f"{day + timedelta(days=days)}T03:00:00+08:00")
        found = list(of_retention(well))
        assert len(found) == count
        assert all("3 days past" in one.what for one in found)


def test_ports_and_superset(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        door = Door("127.0.0.1", busy.getsockname()[1])
        one = only(list(of_ports({"--port": door})))
        assert str(door.port) in one.what
        assert "--port" in one.remedy
    assert not list(of_ports({"--port": door}))
    monkeypatch.setenv("GOVLAKE_SUPERSET_PYTHON", "/nowhere/python")
    assert "make setup-superset" in only(list(of_superset())).remedy


def test_the_command_ends_with_1_where_something_is_serious(well: Home) -> None:
    words = ["doctor", "--home", str(well.root), "--port", "0", "--superset-port", "0"]
    (well.keys / "passage.key").unlink()
    arrive(Lake(well), "face_captures", read("face_captures", [{}]))
    for table in (FACES, ALARMS, tables.table("ops", "row_accounts")):
        (Lake(well).path(table) / "_delta_log" / f"{1:020}.json").write_text("{cut off")
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1
    assert "keys/passage.key is missing" in done.output
    assert "why: " in done.output
    none = CliRunner().invoke(app, ["doctor", "--home", str(well.root / "none")])
    assert isinstance(none.exception, HomeError)
