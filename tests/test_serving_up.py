"""`govlake serve`: where the Dagster UI listens, and what a read-only one refuses."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
from support import GOVLAKE
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.serving_up import Door
from warehouse.home import Home

PERMISSIONS = "{ permissions { permission value } }"
START = """mutation { startSensor(sensorSelector: {repositoryName: "__repository__",
  repositoryLocationName: "pipelines.definitions", sensorName: "landing"}) { __typename } }"""
LAUNCH = """mutation { launchRun(executionParams: {selector: {repositoryName: "__repository__",
  repositoryLocationName: "pipelines.definitions", jobName: "upkeep"}}) { __typename } }"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def asked(port: int, query: str) -> Any:
    request = Request(f"http://127.0.0.1:{port}/graphql", json.dumps({"query": query}).encode(),
                      {"Content-Type": "application/json"})  # fmt: skip
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)["data"]


@pytest.fixture
def read_only(home: Home) -> Iterator[int]:
    port = free_port()
    words = ["serve", "--home", str(home.root), "--no-superset", "--read-only", "--port", str(port)]
    serving = subprocess.Popen([*GOVLAKE, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        until = time.monotonic() + 180
        while time.monotonic() < until and serving.poll() is None:
            try:
                urlopen(f"http://127.0.0.1:{port}/server_info", timeout=5).close()
                break
            except (URLError, OSError):
                time.sleep(0.5)
        yield port
    finally:
        serving.send_signal(signal.SIGTERM)
        said, _ = serving.communicate(timeout=60)
        assert b"Dagster UI" in said, said.decode()


@pytest.mark.slow
def test_a_read_only_ui_starts_and_switches_nothing_while_automations_go_on(
    read_only: int, home: Home
) -> None:
    rights = {
        one["permission"]: one["value"] for one in asked(read_only, PERMISSIONS)["permissions"]
    }
    assert len(rights) > 10
    assert not any(rights.values()), rights
    assert asked(read_only, START)["startSensor"]["__typename"] == "UnauthorizedError"
    assert asked(read_only, LAUNCH)["launchRun"]["__typename"] == "UnauthorizedError"
    until = time.monotonic() + 120
    log = home.dagster / "daemon.log"
    while "SensorDaemon" not in log.read_text() and time.monotonic() < until:
        time.sleep(0.5)
    assert "SensorDaemon" in log.read_text()


def test_the_dagster_ui_listens_on_the_loopback_unless_told_otherwise(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr("pipelines.serving_up.serve", lambda *_, **others: given.update(others))
    monkeypatch.setattr("pipelines.preparing.prepare", lambda _: None)
    assert CliRunner().invoke(app, ["serve", "--home", str(home.root)]).exit_code == 0
    assert given["dagster"].is_loopback
    assert given["panels"].is_loopback
    assert not given["read_only"]
    assert not Door("0.0.0.0", 3000).is_loopback
