"""Backup and restore: what comes back is what was; damage, and keys beside data, are refused."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from repair_homes import csv_of, put
from support import content, govlake
from typer.testing import CliRunner

from assets.accounts import open_accounts
from assets.taking_in import take_in
from pipelines.cli import app
from schemas import tables
from schemas.tables import TABLES
from warehouse import diagnosis, journal
from warehouse.backups import MANIFEST, back_up, restore
from warehouse.home import Home, HomeError
from warehouse.lake import Lake
from warehouse.tidying import data_files

ALARMS = tables.table("bronze", "fire_alarms")


@pytest.fixture
def used(home: Home) -> Home:
    """A home at work: rows taken in, replaced files, a key, settings, databases, a generation."""
    put(home, "fire_alarms/a.csv", csv_of("fire_alarms", {}, {"alarm_kind": "nonsense"}))
    lake = Lake(home)
    take_in(lake, "fire_alarms")
    lake.replace(ALARMS, lake.read(ALARMS))
    home.key("passage")
    (home.root / "config").mkdir()
    (home.root / "config" / "deliveries.csv").write_text("feed,files,holds,as_of\n")
    for name in ("g1", "g2"):
        (home.serving / name).mkdir()
        (home.serving / name / "manifest.json").write_text("{}")
    (home.serving / "current").symlink_to("g2")
    (home.root / "superset").mkdir(0o700)
    (home.root / "superset" / "secret_key").write_text("secret")
    return home


def listed(home: Home) -> dict[str, tuple[int, int, str]]:
    """Path → mode, time and digest of every file."""
    return {
        p.relative_to(home.root).as_posix(): (
            p.stat().st_mode, p.stat().st_mtime_ns, hashlib.sha256(p.read_bytes()).hexdigest()
        )
        for p in home.root.rglob("*") if p.is_file() and not p.is_symlink()
    }  # fmt: skip


def test_what_comes_back_is_what_was_there(used: Home, tmp_path: Path) -> None:
    saved = back_up(used, tmp_path / "backup", tmp_path / "keys")
    other = Home(tmp_path / "other")
    assert restore(tmp_path / "backup", other, tmp_path / "keys") == saved
    before, after = listed(used), listed(other)
    assert {n: one for n, one in after.items() if one != before[n]}.keys() <= {"run.lock"}
    left = set(before) - set(after)
    live = {str(p) for p in data_files(Lake(used), ALARMS)["path"]}
    assert {n for n in left if not n.startswith(("lake/ops/_tallies", "serving/g1/"))} == {
        n for n in before if n.startswith("lake/bronze/fire_alarms/") and n.endswith(".parquet")
        and n.removeprefix("lake/bronze/fire_alarms/") not in live
    }  # fmt: skip
    assert len(left) > 1, "a file that was replaced is not backed up"
    assert (other.serving / "current").readlink() == Path("g2")
    assert other.key("passage") == used.key("passage")
    assert not [*diagnosis.of_tables(other, whole=True), *diagnosis.of_permissions(other),
                *diagnosis.of_keys(other), *diagnosis.of_publication(other)]  # fmt: skip
    for table in TABLES:
        assert content(Lake(other), table.label).equals(content(Lake(used), table.label))
    assert open_accounts(Lake(other), "fire_alarms", whole=True).is_empty()
    versions = {t: Lake(other).version(t) for t in TABLES}
    assert take_in(Lake(other), "fire_alarms").seen_before == 0
    assert {t: Lake(other).version(t) for t in TABLES} == versions, "nothing is new to it"


def test_a_backup_holds_no_key_and_nobody_else_can_read_it(used: Home, tmp_path: Path) -> None:
    back_up(used, tmp_path / "backup", tmp_path / "keys")
    secrets = [(used.keys / "passage.key").read_bytes(), b"secret"]
    for folder, holds in ((tmp_path / "backup", False), (tmp_path / "keys", True)):
        data = [p.read_bytes() for p in folder.rglob("*") if p.is_file()]
        assert [any(one in d for d in data if len(d) < 1000) for one in secrets] == [holds, holds]
        assert folder.stat().st_mode & 0o077 == 0


def test_without_keys_a_restored_home_says_what_that_means(used: Home, tmp_path: Path) -> None:
    runner, backup = CliRunner(), str(tmp_path / "backup")
    said = runner.invoke(app, ["backup", backup, "--home", str(used.root)]).output
    assert "keys are not in it" in said
    other = tmp_path / "other"
    said = runner.invoke(app, ["restore", backup, "--home", str(other)]).output
    assert "without the keys of passage" in said
    (found,) = diagnosis.of_keys(Home(other))
    assert "missing" in found.what
    with pytest.raises(HomeError, match="is lost"):
        Home(other).key("passage")
    shutil.move(other / "lake", tmp_path / "away")  # as the message says
    assert Home(other).key("passage") != used.key("passage")
    take_in(Lake(Home(other)), "fire_alarms")
    assert content(Lake(Home(other)), ALARMS.label).equals(content(Lake(used), ALARMS.label))


def rewritten(backup: Path, change: Callable[[dict], object]) -> None:
    """A manifest changed together with its checksum, as someone who means it would."""
    noted = json.loads((backup / MANIFEST).read_text())
    change(noted)
    data = json.dumps(noted).encode()
    (backup / MANIFEST).write_bytes(data)
    (backup / f"{MANIFEST}.sha256").write_text(hashlib.sha256(data).hexdigest())


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a bit of a file": (
        lambda b: (b / "home/config/deliveries.csv").write_text("feed,files,holds,as_oF\n"),
        "deliveries.csv missing or changed"),
    "a file": (lambda b: (b / "home/landing/fire_alarms/a.csv").unlink(), "a.csv missing"),
    "the manifest": (lambda b: (b / MANIFEST).write_text("{}"), "damaged"),
    "no manifest": (lambda b: (b / MANIFEST).unlink(), "no finished backup"),
    "a way out": (lambda b: rewritten(b, lambda m: m["files"].append(
        {"path": "../x", "sha256": "", "size": 0, "mode": 0o600, "modified_ns": 0})), "outside"),
    "a link out": (lambda b: rewritten(b, lambda m: m["files"].append(
        {"path": "serving/x", "link": "../../y"})), "outside"),
    "another form": (lambda b: rewritten(b, lambda m: m.update(form=2)), "of form 2"),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_backup_restores_nothing(used: Home, tmp_path: Path, what: str) -> None:
    back_up(used, tmp_path / "backup")
    make, said = DAMAGES[what]
    make(tmp_path / "backup")
    with pytest.raises(HomeError, match=said):
        restore(tmp_path / "backup", Home(tmp_path / "other"))
    assert not (tmp_path / "other").exists()


def test_places_that_do_not_fit_are_refused(used: Home, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    for target, keys, said in (
        (tmp_path / "full", None, "not empty"),
        (used.root / "backup", None, "apart from the home"),
        (tmp_path, None, "apart from the home"),
        (tmp_path / "b", tmp_path / "b", "apart from the backup"),
        (tmp_path / "b", tmp_path / "b" / "keys", "apart from the backup"),
        (tmp_path / "b", used.root / "k", "apart from the home"),
    ):
        with pytest.raises(HomeError, match=said):
            back_up(used, target, keys)
    assert not (tmp_path / "b").exists()
    back_up(used, tmp_path / "backup")
    with pytest.raises(HomeError, match="is not empty"):
        restore(tmp_path / "backup", used)


def test_keys_of_another_home_are_refused(used: Home, tmp_path: Path) -> None:
    back_up(used, tmp_path / "backup")
    stranger = Home(tmp_path / "stranger")
    stranger.prepare()
    stranger.key("passage")
    back_up(stranger, tmp_path / "theirs", tmp_path / "their_keys")
    with pytest.raises(HomeError, match="does not hold the key"):
        restore(tmp_path / "backup", Home(tmp_path / "other"), tmp_path / "their_keys")
    assert not (tmp_path / "other").exists()


def test_a_half_done_batch_is_not_backed_up(used: Home, tmp_path: Path) -> None:
    journal.begin(Lake(used), "fire_alarms", "b", [ALARMS])
    with pytest.raises(HomeError, match="half taken in"):
        back_up(used, tmp_path / "backup")


def test_databases_in_use_are_copied_whole(used: Home, tmp_path: Path) -> None:
    path = used.root / "superset" / "superset.db"
    live = sqlite3.connect(path)
    live.execute("PRAGMA journal_mode = WAL")
    live.execute("CREATE TABLE t (n)")
    live.executemany("INSERT INTO t VALUES (?)", [(n,) for n in range(1000)])
    live.commit()  # in the write-ahead log only: the file itself has no row yet
    back_up(used, tmp_path / "backup")
    restore(tmp_path / "backup", Home(tmp_path / "other"))
    with sqlite3.connect(tmp_path / "other" / "superset" / "superset.db") as copy:
        assert copy.execute("SELECT count(*) FROM t").fetchone() == (1000,)
    live.close()


@pytest.mark.slow
def test_after_a_restore_accounts_close_and_nothing_is_new(demo_run: Home, tmp_path: Path) -> None:
    home, words = Home(tmp_path / "other"), ("--home", str(tmp_path / "other"))
    back_up(demo_run, tmp_path / "backup", tmp_path / "keys")
    restore(tmp_path / "backup", home, tmp_path / "keys")
    govlake("status", *words)
    assert "nothing new" in govlake("run", *words).stdout
    for table in TABLES:
        assert content(Lake(home), table.label).equals(content(Lake(demo_run), table.label))
