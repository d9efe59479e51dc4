"""Upkeep: fewer and smaller files, short logs, the same rows; and it never takes what is needed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, Schema
from hypothesis import given, settings
from hypothesis import strategies as st
from support import content, govlake

from assets.upkeep import MANY_SMALL, SMALL_BYTES, Tidied, crowded_parts, tidy_all
from schemas import tables
from schemas.contract import polars_schema
from schemas.tables import TABLES
from warehouse import journal, serving, tidying
from warehouse.home import Home, HomeError
from warehouse.lake import CHECKPOINT_EVERY, Lake, empty

SORTED = tables.table("silver", "grid_cases_merges")  # by event_day, sorted by entity_id
PLAIN = tables.table("quarantine", "grid_cases")
FILES = tables.table("ops", "files")
DAYS = [date(2026, 11, day) for day in (18, 19, 20)]


def merges(*names: str, day: date = DAYS[0]) -> pl.DataFrame:
    return pl.DataFrame(
        [{"event_day": day, "entity_id": n, "version_at": None, "merged_into": n,
          "outcome": "merged", "rule": "r"} for n in names],
        schema=polars_schema(SORTED.contract),
    )  # fmt: skip


def broken(n: int) -> pl.DataFrame:
    return pl.DataFrame(
        [{"file_id": f"f{n}", "row_number": n, "item_number": 1, "rules": ["r"], "row": "{}",
          "detail": None}], schema=polars_schema(PLAIN.contract))  # fmt: skip


def on_disk(lake: Lake, table: tables.Table) -> dict[str, int]:
    folder = lake.path(table)
    return {p.relative_to(folder).as_posix(): p.stat().st_size for p in folder.rglob("*.parquet")
            if "_delta_log" not in p.parts}  # fmt: skip


def created_before_properties(lake: Lake, table: tables.Table) -> Path:
    """A table as it was created before tables got properties."""
    path = lake.path(table)
    path.mkdir(parents=True)
    DeltaTable.create(str(path), schema=Schema.from_arrow(empty(table.contract).to_arrow().schema))
    return path


def of(done: list[Tidied], table: tables.Table) -> Tidied:
    return next(one for one in done if one.label == table.label)


sizes = st.sampled_from([1, SMALL_BYTES - 1, SMALL_BYTES])


@given(st.lists(st.tuples(st.sampled_from(DAYS), sizes), max_size=16))
@settings(deadline=None, max_examples=50)
def test_a_part_is_crowded_by_its_small_files(files) -> None:
    frame = pl.DataFrame(
        [("x", size, day) for day, size in files], orient="row",
        schema={"path": pl.String, "size_bytes": pl.Int64, "part": pl.Date},
    )  # fmt: skip
    small = Counter(day for day, size in files if size < SMALL_BYTES)
    assert crowded_parts(frame) == [d for d in DAYS if small[d] >= MANY_SMALL]


def test_small_files_become_one_and_the_rows_stay(lake: Lake) -> None:
    for n in range(6):
        lake.append(PLAIN, broken(n))
        lake.append(SORTED, merges(f"{9 - n}", f"{n}x"))
    lake.append(SORTED, merges("a", day=DAYS[1]))
    before = {t: content(lake, t.label) for t in (PLAIN, SORTED)}
    assert [x.height for x in before.values()] == [6, 13]
    done = tidy_all(lake)
    assert {t: of(done, t).files_before for t in before} == {PLAIN: 6, SORTED: 7}
    assert {t: of(done, t).files_after for t in before} == {PLAIN: 1, SORTED: 2}
    assert all(content(lake, t.label).equals(before[t]) for t in before)
    files = tidying.data_files(lake, SORTED).filter(pl.col("part") == DAYS[0])
    written = pl.read_parquet(lake.path(SORTED) / files["path"][0], hive_partitioning=False)
    assert written["entity_id"].is_sorted(), "one device's rows lie together again"
    versions = {t: lake.version(t) for t in TABLES}
    assert not any(one.did_something for one in tidy_all(lake)), "a second upkeep does nothing"
    assert {t: lake.version(t) for t in TABLES} == versions


def test_replaced_files_stay_for_the_retention_and_then_go(lake: Lake) -> None:
    lake.replace(SORTED, merges("a"))
    old = on_disk(lake, SORTED)
    lake.replace(SORTED, merges("b"))
    assert not of(tidy_all(lake), SORTED).did_something
    assert old.keys() < on_disk(lake, SORTED).keys()
    lake.restore(SORTED, 1)
    assert lake.read(SORTED)["entity_id"].to_list() == ["a"]
    lake.restore(SORTED, 2)
    before, live = on_disk(lake, SORTED), set(tidying.data_files(lake, SORTED)["path"])
    assert not live & set(tidying.vacuum(lake, SORTED, 0, dry_run=True))
    done = of(tidy_all(lake, vacuum_days=0), SORTED)
    after = on_disk(lake, SORTED)
    assert done.removed == len(before) - len(after) > 0
    assert done.freed_bytes == sum(before.values()) - sum(after.values())
    assert lake.read(SORTED)["entity_id"].to_list() == ["b"]
    version = lake.version(SORTED)
    assert not of(tidy_all(lake, vacuum_days=0), SORTED).did_something
    assert lake.version(SORTED) == version


def test_what_a_killed_writer_left_goes_once_it_is_old(lake: Lake) -> None:
    lake.replace(PLAIN, broken(1))
    lake.replace(PLAIN, broken(2))
    orphan = lake.path(PLAIN) / "part-00000-orphan.snappy.parquet"
    orphan.write_bytes(b"half a file")
    assert of(tidy_all(lake), PLAIN).removed == 0
    week = time.time() - 8 * 86_400
    os.utime(orphan, (week, week))
    assert (of(tidy_all(lake), PLAIN).removed, orphan.exists()) == (1, False)
    lake.restore(PLAIN, 1)
    assert lake.read(PLAIN)["file_id"].to_list() == ["f1"], "what was replaced today stays"


def test_a_dry_run_says_what_is_due_and_changes_nothing(lake: Lake) -> None:
    for n in range(CHECKPOINT_EVERY + 5):
        lake.replace_parts(SORTED, merges(f"{n}"), DAYS[:1])
    created_before_properties(lake, PLAIN)
    for n in range(CHECKPOINT_EVERY):
        lake.append(PLAIN, broken(n))
    everything = {p: p.stat().st_mtime_ns for p in lake.home.lake.rglob("*") if p.is_file()}
    due = tidy_all(lake, vacuum_days=0, dry_run=True)
    assert (of(due, PLAIN).parts, of(due, PLAIN).has_checkpoint) == (1, True)
    assert of(due, SORTED).removed == CHECKPOINT_EVERY + 4
    assert {p: p.stat().st_mtime_ns for p in lake.home.lake.rglob("*") if p.is_file()} == everything


def test_tables_of_a_half_done_batch_are_left_alone(lake: Lake) -> None:
    lake.replace(PLAIN, broken(1))
    journal.begin(lake, "grid_cases", "batch", [PLAIN])
    lake.replace(PLAIN, broken(2))
    done = of(tidy_all(lake, vacuum_days=0), PLAIN)
    assert "half taken in" in (done.left_alone or "")
    journal.recover(lake, "grid_cases")
    assert lake.read(PLAIN)["file_id"].to_list() == ["f1"], "the version before is still there"
    assert of(tidy_all(lake, vacuum_days=0), PLAIN).removed == 1


def test_logs_are_summed_up_by_themselves_and_by_upkeep(lake: Lake) -> None:
    for n in range(2 * CHECKPOINT_EVERY + 3):
        lake.replace(SORTED, merges(f"{n}"))
        assert tidying.commits_to_read(lake, SORTED) <= CHECKPOINT_EVERY
    path = created_before_properties(lake, PLAIN)
    for n in range(CHECKPOINT_EVERY + 3):
        lake.append(PLAIN, broken(n))
    assert tidying.commits_to_read(lake, PLAIN) > CHECKPOINT_EVERY
    done = of(tidy_all(lake), PLAIN)
    assert done.has_checkpoint
    assert tidying.commits_to_read(lake, PLAIN) == 0
    assert not tidying.lacks_properties(lake, PLAIN)
    assert lake.read(PLAIN).height == CHECKPOINT_EVERY + 3
    (path / "_delta_log" / f"{0:020}.json").unlink()
    assert Lake(lake.home).read(PLAIN).height == CHECKPOINT_EVERY + 3, "the log begins later"


def test_the_log_notes_ranges_of_the_sorting_columns_only(lake: Lake) -> None:
    lake.append(SORTED, merges("a", "b"))
    lake.append(SORTED, merges("c", day=DAYS[1]))
    noted = pl.DataFrame(lake.open(SORTED).get_add_actions(flatten=True))
    assert {c for c in noted.columns if c.startswith("min.")} == {"min.entity_id"}
    assert sorted(noted["num_records"]) == [1, 2]
    assert lake.scan(SORTED).filter(pl.col("merged_into") == "b").collect().height == 1


def test_books_keep_themselves_few(lake: Lake) -> None:
    for n in range(120):
        lake.append(FILES, pl.DataFrame([{"file_id": f"f{n}", "source": "s", "file_name": "n",
                                          "size_bytes": 1, "modified_ns": 1, "batch_id": "b",
                                          "outcome": "taken_in", "reason": None}]))  # fmt: skip
        assert lake.book(FILES).height == n + 1
    assert len(tidying.data_files(lake, FILES)) < 60
    assert sorted(lake.read(FILES)["file_id"]) == sorted(f"f{n}" for n in range(120))


def test_a_home_at_work_is_not_tidied(home: Home) -> None:
    hold = (
        "import sys, time; from pathlib import Path; from warehouse.home import Home; "
        "held = Home(Path(sys.argv[1])).locked(); held.__enter__(); print(flush=True); "
        "time.sleep(60)"
    )
    words = [sys.executable, "-c", hold, str(home.root)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(HomeError, match="another run is at work"):
            tidy_all(Lake(home))
        other.kill()


@pytest.mark.slow
def test_after_upkeep_there_is_nothing_new(demo_run: Home, tmp_path: Path) -> None:
    home = Home(shutil.copytree(demo_run.root, tmp_path / "home", symlinks=True))
    lake, words = Lake(home), ("upkeep", "--home", str(home.root))
    before = {t.label: content(lake, t.label) for t in TABLES}
    generation = serving.current(home.serving)
    assert "dry run" in govlake(*words, "--vacuum-days", "0", "--dry-run").stdout
    said = govlake(*words, "--vacuum-days", "0").stdout
    assert "MB freed" in said
    assert "every row account closes" in said
    assert "nothing to do" in govlake(*words, "--vacuum-days", "0").stdout
    assert "nothing new" in govlake("run", "--home", str(home.root)).stdout
    assert serving.current(home.serving) == generation
    for label, rows in before.items():
        assert content(lake, label).equals(rows), label
    bronze = tables.table("bronze", "devices")
    lake.delete(bronze, "row_number = 1")
    failed = govlake(*words, check=False)
    assert failed.returncode == 1
    assert "do not close: bronze.devices" in failed.stdout + failed.stderr


def test_a_home_without_a_lake_is_not_made_one(tmp_path: Path) -> None:
    failed = govlake("upkeep", "--home", str(tmp_path / "none"), check=False)
    assert (failed.returncode, list(tmp_path.iterdir())) == (1, [])
    assert "holds no lake" in failed.stdout + failed.stderr
