"""What can be wrong with a database source is said in one line, and no secret with it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from postgres import PASSWORD, Server
from pulled_homes import ALARMS, EMPTY, NUMBERED, VARIABLE, describe, landed, pulled, put
from support import GOVLAKE

from pipelines.pulling import HOURLY_PULL, pull_job
from schemas.sources import SourceError
from warehouse.home import Home
from warehouse.lake import Lake


@pytest.fixture
def database(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setenv(VARIABLE, server.address())
    server.run(*EMPTY)
    return server


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
