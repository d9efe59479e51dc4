"""Database sources against a real PostgreSQL: every row lands once, whatever happens."""

from __future__ import annotations

import fcntl
import random
import signal
import subprocess
import time
from collections import Counter
from datetime import UTC, datetime

import pytest
from contract_examples import BOOKS
from postgres import Server
from pulled_homes import ALARMS, EMPTY, NUMBERED, VARIABLE, bronze, describe, landed, pulled, put
from support import GOVLAKE

from assets.silver._newest import newest_days
from assets.silver.fire import recipes
from assets.taking_in import take_in
from schemas import tables
from schemas.contract import wire_columns
from schemas.feeds import BY_NAME
from schemas.sources import SourceError
from warehouse.home import Home
from warehouse.lake import Lake


@pytest.fixture
def database(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setenv(VARIABLE, server.address())
    server.run(*EMPTY)
    return server


def test_rows_go_the_usual_way_in_and_nothing_else_leaves_the_database(
    home: Home, database: Server
) -> None:
    describe(home)
    put(database, "A1", "2026-11-19 16:31:00.123456+08", building='楼"1"\n东')
    put(database, "A2", "2026-11-19 16:32:00+08", kind="障")
    put(database, "A3", "2026-11-19 16:33:00+08", kind="漏水")
    first = pulled(home)
    assert (first.rows, len(first.files), first.begin) == (3, 1, None)
    assert first.end == datetime(2026, 11, 19, 8, 33, tzinfo=UTC)
    assert {name for row in landed(home) for name in row} == set(ALARMS["columns"].values())
    file = home.landing / first.files[0]
    assert file.stat().st_mode & 0o777 == 0o600
    intake = take_in(Lake(home), "fire_alarms")
    assert (intake.files, intake.set_aside) == (1, {})
    rows = bronze(home).sort("alarm_id")
    assert rows["alarm_id"].to_list() == ["A1", "A2"]
    assert rows["alarm_kind"].to_list() == ["fire", "fault"]
    assert rows["building_id"].to_list()[0] == '楼"1"\n东'
    assert rows["updated_at"][0] == datetime(2026, 11, 19, 8, 31, 0, 123456, tzinfo=UTC)
    assert rows["alarmed_at"][0] == datetime(2026, 11, 19, 8, 30, tzinfo=UTC)  # city time
    aside = Lake(home).read(tables.table("quarantine", "fire_alarms"))
    assert aside["rules"].to_list() == [["alarm_kind_is_mapped: 漏水"]]
    assert (home.receipts / f"{first.files[0]}.json").exists()


def test_a_value_that_is_no_plain_value_costs_its_row_only(home: Home, database: Server) -> None:
    describe(
        home,
        {k: v for k, v in ALARMS.items() if k != "table"},
        query="""
        SELECT "流水号", "类别", "发生", "修改", case "流水号" when 'A2' then
               E'{"a":\\n 1}'::json else '"B1"' end AS "楼号" FROM alarms;""",
    )
    put(database, "A1", "2026-11-19 16:31:00+08")
    put(database, "A2", "2026-11-19 16:32:00+08")
    assert pulled(home).rows == 2
    take_in(Lake(home), "fire_alarms")
    assert bronze(home)["building_id"].to_list() == ["B1"]
    aside = Lake(home).read(tables.table("quarantine", "fire_alarms"))
    assert aside["rules"].to_list() == [["building_id_is_readable"]]


def test_two_pulls_of_a_source_at_once_are_refused(home: Home, database: Server) -> None:
    describe(home)
    (home.landing / "fire_alarms").mkdir()
    with (home.landing / "fire_alarms" / ".db-acme.lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(SourceError, match="another pull of it is at work"):
            pulled(home)
    assert pulled(home).rows == 0


def test_the_next_pull_brings_what_is_new_or_changed_and_no_more(
    home: Home, database: Server
) -> None:
    describe(home)
    for n in range(5):
        put(database, f"A{n}", f"2026-11-19 16:3{n}:00+08")
    pulled(home)
    nothing = pulled(home)
    assert (nothing.rows, nothing.files) == (0, [])
    put(database, "A9", "2026-11-19 17:00:00+08")
    database.run("""UPDATE alarms SET "类别" = '障', "修改" = '2026-11-19 18:00+08'
                    WHERE "流水号" = 'A1'""")
    second = pulled(home)
    assert second.rows == 2
    assert [row["流水号"] for row in landed(home)][-2:] == ["A9", "A1"]
    take_in(Lake(home), "fire_alarms")
    alarms = recipes(Lake(home))[1]
    newest_days(Lake(home), alarms)
    kept = Lake(home).read(alarms.table).sort("alarm_id")
    assert kept["alarm_id"].to_list() == ["A0", "A1", "A2", "A3", "A4", "A9"]
    assert kept["alarm_kind"].to_list()[1] == "fault"
    assert bronze(home).height == 7
    merges = Lake(home).read(tables.table("silver", "fire_alarms_merges"))
    assert merges["outcome"].to_list() == ["superseded"]


def test_rows_that_come_to_share_the_mark_later_are_not_missed(
    home: Home, database: Server
) -> None:
    describe(home)
    same = "2026-11-19 16:31:00+08"
    put(database, "A1", same)
    put(database, "A2", same)
    assert pulled(home).rows == 2
    put(database, "A3", same)
    assert pulled(home).rows == 3
    assert pulled(home).files == []
    put(database, "A4", "2026-11-19 16:40:00+08")
    assert pulled(home).rows == 1
    take_in(Lake(home), "fire_alarms")
    alarms = recipes(Lake(home))[1]
    newest_days(Lake(home), alarms)
    assert sorted(Lake(home).read(alarms.table)["alarm_id"]) == ["A1", "A2", "A3", "A4"]


@pytest.mark.parametrize("seed", range(6))
def test_any_order_of_changes_and_pulls_agrees_with_a_plain_loop(
    home: Home, database: Server, seed: int
) -> None:
    """Rows land once; those at the mark land again, all of them, where others came to share it."""
    rng = random.Random(seed)
    describe(home, NUMBERED, batch_rows=rng.randint(1, 4))
    table, expected, mark, at_mark = list[tuple[int, str]](), Counter[str](), -1, set[str]()
    clock = 0
    for _ in range(5):
        clock += rng.randint(0, 1)
        for _ in range(rng.randint(0, 4)):
            clock += rng.randint(0, 1)
            table.append((clock, f"v{len(table)}"))
            database.run(f"INSERT INTO numbered VALUES ({clock}, '{table[-1][1]}')")
        pulled(home)
        if {t for n, t in table if n == mark} != at_mark:
            expected.update(t for n, t in table if n == mark)
        expected.update(t for n, t in table if n > mark)
        mark = max((n for n, _ in table), default=-1)
        at_mark = {t for n, t in table if n == mark}
    assert Counter(row["t"] for row in landed(home)) == expected
    assert set(expected) == {t for _, t in table}


def test_files_are_cut_between_marks_and_rows_land_once(home: Home, database: Server) -> None:
    describe(home, NUMBERED, batch_rows=100)
    database.run("INSERT INTO numbered SELECT i / 30, 'v' || i FROM generate_series(0, 999) i")
    done = pulled(home)
    assert len(done.files) == 9  # 120 rows in each: 100, and the rest of a mark
    assert Counter(row["t"] for row in landed(home)) == Counter(f"v{n}" for n in range(1000))
    assert sorted(home.landing.rglob("*.part")) == []


def test_a_killed_pull_neither_loses_nor_doubles_rows(home: Home, database: Server) -> None:
    describe(home, NUMBERED, batch_rows=500)
    rows = 60_000
    database.run(f"INSERT INTO numbered SELECT i / 3, 'v' || i FROM generate_series(1, {rows}) i")
    folder = home.landing / "fire_alarms"
    worker = subprocess.Popen([*GOVLAKE, "pull", "--home", str(home.root)],
                              stdout=subprocess.DEVNULL)  # fmt: skip
    until = time.monotonic() + 60
    while len(list(folder.glob("db-*.zst"))) < 3 and time.monotonic() < until:
        time.sleep(0.002)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    there = len(landed(home))
    assert 0 < there < rows, "killed too early or too late to test anything"
    done = pulled(home)
    assert done.begin is not None
    assert done.rows == rows - there
    assert Counter(row["t"] for row in landed(home)) == Counter(f"v{n}" for n in range(1, rows + 1))
    assert sorted(folder.glob("*.part")) == []


def test_the_mark_outlives_the_files_in_landing(home: Home, database: Server) -> None:
    describe(home, NUMBERED)
    database.run("INSERT INTO numbered VALUES (1, 'a'), (-2, 'b')")
    done = pulled(home)
    take_in(Lake(home), "fire_alarms")
    (home.landing / done.files[0]).unlink()  # retention
    assert pulled(home).files == []
    again = pulled(home, since="-2")
    assert (again.rows, again.begin, again.end) == (2, -2, 1)


def test_what_may_still_change_waits_and_what_has_no_mark_is_counted(
    home: Home, database: Server
) -> None:
    describe(home)
    put(database, "A1", "2026-11-19 16:31:00+08")
    database.run("""INSERT INTO alarms ("流水号", "修改") VALUES
        ('now', now()), ('never', NULL), ('ever', 'infinity'), ('soon', now() + '1 day')""")
    done = pulled(home)
    assert [row["流水号"] for row in landed(home)] == ["A1"]
    assert done.unmarked == 2
    describe(home, settle_seconds=0)
    assert pulled(home).rows == 1


@pytest.mark.parametrize(
    ("column", "first", "second"),
    [("date", "'2026-11-18'", "'2026-11-19'"), ("smallint", "1", "2"),
     ("timestamp", "'2026-11-18 08:00:00.000001'", "'2026-11-18 08:00:00.000002'")],
)  # fmt: skip
def test_marks_may_be_days_numbers_and_times_without_a_zone(
    home: Home, database: Server, column: str, first: str, second: str
) -> None:
    database.run(f"ALTER TABLE numbered ALTER n TYPE {column} USING NULL",
                 f"INSERT INTO numbered VALUES ({first}, 'a')")  # fmt: skip
    describe(home, NUMBERED)
    assert pulled(home).rows == 1
    database.run(f"INSERT INTO numbered VALUES ({second}, 'b')")
    assert pulled(home).rows == 1
    assert [row["t"] for row in landed(home)] == ["a", "b"]
    database.run("ALTER TABLE numbered ALTER n TYPE timestamptz USING now()")
    with pytest.raises(SourceError, match="another type before"):
        pulled(home)


def test_rows_of_a_feed_that_arrives_as_messages_may_come_from_a_table(
    home: Home, database: Server
) -> None:
    good = {c: v for c, v in BOOKS["face_captures"].good.items() if v is not None}
    database.run("DROP TABLE IF EXISTS shots")
    database.run("CREATE TABLE shots AS SELECT 1 AS n, "
                 + ", ".join(f"'{value}'::text AS {c}" for c, value in good.items()))  # fmt: skip
    columns = {c: c for c in good if c in wire_columns(BY_NAME["face_captures"].contract)}
    describe(home, {"feed": "face_captures", "connection": VARIABLE, "high_water": "n",
                    "query": "SELECT * FROM shots -- all of them", "columns": columns})  # fmt: skip
    assert pulled(home).rows == 1
    intake = take_in(Lake(home), "captures")
    assert (intake.set_aside, intake.rows["face_captures accepted"]) == ({}, 1)
    assert bronze(home, "face_captures")["capture_id"].to_list() == [good["capture_id"]]
