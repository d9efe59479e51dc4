"""Database sources against a real PostgreSQL: every row lands once, whatever happens."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
import yaml
import zstandard
from contract_examples import BOOKS
from postgres import PASSWORD, Server, programs, serving
from support import GOVLAKE

from assets.pulling import Pulled, pull
from assets.silver._newest import newest_days
from assets.silver.fire import recipes
from assets.site_mappings import sources_of
from assets.taking_in import take_in
from pipelines.pulling import HOURLY_PULL, pull_job
from schemas import tables
from schemas.contract import wire_columns
from schemas.feeds import BY_NAME
from schemas.sources import SourceError
from warehouse.home import Home
from warehouse.lake import Lake

VARIABLE = "GOVLAKE_TEST_DATABASE"
ALARMS = {
    "feed": "fire_alarms",
    "connection": VARIABLE,
    "table": "alarms",
    "high_water": "修改",
    "columns": {"alarm_id": "流水号", "alarm_kind": "类别", "alarmed_at": "发生",
                "updated_at": "修改", "building_id": "楼号"},
    "values": {"alarm_kind": {"火": "fire", "障": "fault"}},
}  # fmt: skip
NUMBERED = {**ALARMS, "table": "numbered", "high_water": "n",
            "columns": dict.fromkeys(("alarm_id", "alarm_kind", "alarmed_at", "updated_at"), "t"),
            "values": {}}  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    found = programs()
    if found is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    with serving(found) as running:
        if running is None:
            pytest.skip("PostgreSQL does not run as root, and nobody else can be had here")
        yield running


@pytest.fixture
def database(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setenv(VARIABLE, server.address())
    server.run(
        "DROP TABLE IF EXISTS alarms, numbered",
        'CREATE TABLE alarms ("流水号" text, "类别" text, "发生" timestamp, "修改" timestamptz, '
        '"楼号" text, "照片" bytea)',
        "CREATE TABLE numbered (n bigint, t text)",
    )
    return server


def describe(home: Home, document: dict = ALARMS, name: str = "acme", **more: object) -> None:
    path = home.config / "sources" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({**document, **more}, allow_unicode=True), encoding="utf-8")


def pulled(home: Home, since: str | None = None) -> Pulled:
    return pull(Lake(home), sources_of(home)[0], since)


def put(server: Server, number: str, updated: str, kind: str = "火", building: str = "B1") -> None:
    server.run(f"INSERT INTO alarms VALUES ('{number}', '{kind}', '2026-11-19 16:30:00', "
               f"'{updated}', '{building}', '\\x00')")  # fmt: skip


def landed(home: Home, feed: str = "fire_alarms") -> list[dict]:
    """Every row in landing, in the order in which it landed."""
    found = []
    files = (home.landing / feed).glob("db-*.ndjson.zst")
    for path in sorted(files, key=lambda p: p.stat().st_mtime_ns):
        with zstandard.open(path, "rt", encoding="utf-8") as lines:
            found += [json.loads(line) for line in lines]
    return found


def bronze(home: Home, feed: str = "fire_alarms") -> pl.DataFrame:
    return Lake(home).read(tables.table("bronze", feed))


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


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"table": "nothing"}, "table nothing: there is no such table"),
        ({"table": "alarms", "high_water": "水位"}, "no column 水位; there are: 流水号"),
        ({"columns": ALARMS["columns"] | {"building_id": "楼"}}, "no column 楼; there are"),
        ({"high_water": "类别"}, "类别 is neither a whole number nor a date nor a time"),
        ({"table": None, "query": "SELEC 1"}, "its query: the query is not readable as SQL"),
        ({"table": None, "query": "SELECT geheim FROM alarms"}, "names a column that is not there"),
        ({"table": None, "query": "SELECT *, '私密'::int FROM alarms"}, "SQLSTATE 22P02"),
        ({"connection": "GOVLAKE_TEST_NOT_SET"}, "GOVLAKE_TEST_NOT_SET is not set"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_the_remedy(
    home: Home, database: Server, change: dict, words: str
) -> None:
    put(database, "A1", "2026-11-19 16:31:00+08")
    describe(home, {k: v for k, v in (ALARMS | change).items() if v is not None})
    with pytest.raises(SourceError) as caught:
        pulled(home)
    said = str(caught.value)
    assert said.startswith("source acme: ")
    assert words in said
    assert said.endswith("and pull again")
    assert "\n" not in said
    assert "私密" not in said
    assert list(home.landing.rglob("db-*.zst")) == []


def test_a_source_may_only_read(home: Home, database: Server) -> None:
    put(database, "A1", "2026-11-19 16:31:00+08")
    database.run('CREATE OR REPLACE FUNCTION meddle() RETURNS text LANGUAGE sql AS $$ '
                 'DELETE FROM alarms RETURNING "流水号" $$')  # fmt: skip
    query = "SELECT *, meddle() FROM alarms"
    describe(home, {k: v for k, v in ALARMS.items() if k != "table"}, query=query)
    with pytest.raises(SourceError, match="a source may only read"):
        pulled(home, None)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("wrong-secret", "refuses the user or the password"),
        ("half@wrong-secret/x:y?z", "is no address"),
    ],
)
def test_no_secret_is_shown(home: Home, server: Server, password: str, reason: str) -> None:
    describe(home)
    environment = os.environ | {VARIABLE: server.address(password)}
    done = subprocess.run([*GOVLAKE, "pull", "acme", "--home", str(home.root)],
                          capture_output=True, text=True, env=environment)  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert f"no connection by {VARIABLE}" in said
    assert reason in said
    assert "Traceback" not in said
    for secret in (password, "secret", "127.0.0.1", PASSWORD):
        assert secret not in said


def test_nothing_listens_or_no_such_database(
    home: Home, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    describe(home)
    monkeypatch.setenv(VARIABLE, server.address(database="nowhere"))
    with pytest.raises(SourceError, match="knows no such database"):
        pulled(home)
    monkeypatch.setenv(VARIABLE, "postgresql://127.0.0.1:1/x")
    with pytest.raises(SourceError, match="nothing listens"):
        pulled(home)


def test_dagster_pulls_every_source_and_the_schedule_is_off(home: Home, database: Server) -> None:
    describe(home, NUMBERED)
    describe(home, NUMBERED, name="broken", table="nothing")
    database.run("INSERT INTO numbered VALUES (1, 'a')")
    done = pull_job.execute_in_process(resources={"lake": Lake(home)}, raise_on_error=False)
    assert not done.success
    assert len(landed(home)) == 1
    Path(home.config, "sources", "broken.yaml").unlink()
    assert pull_job.execute_in_process(resources={"lake": Lake(home)}).success
    assert HOURLY_PULL.default_status.value == "STOPPED"
