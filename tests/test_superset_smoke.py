"""Superset's own environment works: it starts from nothing and shows the serving file."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

import duckdb
import pytest

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".venv-superset" / "bin" / "python"
CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_ARGS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip
CASES, DISTRICT = 48_271, "350299"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="no .venv-superset: run `make setup-superset`"),
]


def publish(home: Path, generation: str, cases: int) -> Path:
    """Write a serving file and point `current` at it."""
    folder = home / "serving" / generation
    folder.mkdir(parents=True)
    file = folder / f"{DISTRICT}.duckdb"
    with duckdb.connect(str(file)) as connection:
        # The last row looks like the second in the columns shown: a query that groups loses it.
        connection.execute(f"""
            CREATE TABLE metric_values AS
            SELECT metric_id, metric_name, unit,
                   if(length(area_code) = 6, 'district', 'street') AS tier, area_code, area_name,
                   if(period_day IS NULL, 'to_date', 'day') AS period,
                   period_day::DATE AS period_day, value::DOUBLE AS value,
                   value IS NULL AS is_withheld
            FROM (VALUES
                ('cases', '网格案件数', '件', '{DISTRICT}', '示范区', NULL, {cases}),
                ('rate', '按期结案率', '%', '{DISTRICT}', '示范区', NULL, 93.75),
                ('tenants', '租住人数', '人', '{DISTRICT}', '示范区', NULL, NULL),
                ('cases', '网格案件数', '件', '{DISTRICT}', '示范区', '2026-11-19', 311),
                ('cases', '网格案件数', '件', '{DISTRICT}001', '东街', NULL, {cases - 9}),
                ('cases', '网格案件数', '件', '{DISTRICT}002', '西街', NULL, 9),
                ('rate_2', '按期结案率', '%', '{DISTRICT}', '示范区', NULL, 93.75)
            ) AS rows(metric_id, metric_name, unit, area_code, area_name, period_day, value)""")
    link = home / "serving" / ".next"
    link.symlink_to(generation)
    link.replace(home / "serving" / "current")
    return file


def district_totals(file: Path) -> list[dict[str, Any]]:
    """What the chart must show, by plain SQL on the serving file."""
    with duckdb.connect(str(file), read_only=True) as connection:
        found = connection.execute("""
            SELECT metric_name, value, unit, is_withheld FROM metric_values
            WHERE tier = 'district' AND period = 'to_date' ORDER BY metric_name""")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def environment(home: Path) -> dict[str, str]:
    """Nothing of this process's own environment: Superset needs only these."""
    return {
        "PATH": os.defpath,
        "HOME": str(home / "nobody"),
        "GOVLAKE_HOME": str(home),
        "SUPERSET_CONFIG_PATH": str(ROOT / "dashboards" / "superset_config.py"),
    }


def bootstrap(home: Path) -> None:
    done = subprocess.run(
        [PYTHON, ROOT / "dashboards" / "bootstrap.py"],
        env=environment(home), cwd=home, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


class Refused(Exception):
    """Superset's answer was an error: its code and text."""


@dataclass
class Superset:
    """A running server and the ways to ask it."""

    home: Path
    url: str

    def __post_init__(self) -> None:
        # an empty ProxyHandler: a proxy of this machine has no business with loopback
        self._opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))
        self._headers = {"Referer": self.url}

    @property
    def login(self) -> dict[str, str]:
        lines = (self.home / "superset" / "first_login.txt").read_text().splitlines()
        user, password = (line.split(": ", 1)[1] for line in lines)
        return {"username": user, "password": password}

    def sign_in(self, login: dict[str, str]) -> None:
        answer = self.ask("/api/v1/security/login", {**login, "provider": "db"})
        self._headers["Authorization"] = f"Bearer {answer['access_token']}"
        self._headers["X-CSRFToken"] = self.ask("/api/v1/security/csrf_token/")["result"]

    def ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        request = Request(self.url + path, data, self._headers | kind)
        try:
            with self._opener.open(request, timeout=60) as answer:
                return json.load(answer)
        except HTTPError as error:
            with error:
                raise Refused(f"{error.code} {error.read().decode()}") from None

    def only(self, kind: str) -> dict[str, Any]:
        (one,) = self.ask(f"/api/v1/{kind}/")["result"]
        return one

    def chart_rows(self) -> list[dict[str, Any]]:
        answer = self.ask(f"/api/v1/chart/{self.only('chart')['id']}/data/")
        return answer["result"][0]["data"]

    def run_sql(self, sql: str) -> dict[str, Any]:
        body = {"database_id": self.only("database")["id"], "sql": sql}
        return self.ask("/api/v1/sqllab/execute/", body)


@contextmanager
def serving(home: Path) -> Iterator[Superset]:
    """Gunicorn on a port the system chooses, stopped with everything it started."""
    log = home / "gunicorn.log"
    command = [PYTHON, "-m", "gunicorn", "--bind", "127.0.0.1:0", "--workers", "1",
               "--worker-class", "gthread", "--threads", "4", "--timeout", "100",
               "--no-control-socket", "superset.app:create_app()"]  # fmt: skip
    with (
        log.open("w") as output,
        subprocess.Popen(
            command, env=environment(home), cwd=home, stdout=output, stderr=output,
            start_new_session=True,
        ) as server,
    ):  # fmt: skip
        try:
            yield Superset(home, when_ready(server, log))
        finally:
            server.terminate()
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)


def when_ready(server: subprocess.Popen[bytes], log: Path, patience_s: float = 80) -> str:
    opener = build_opener(ProxyHandler({}))
    until = time.monotonic() + patience_s
    while time.monotonic() < until and server.poll() is None:
        if listening := re.search(r"Listening at: (http://[\d.:]+)", log.read_text()):
            with opener.open(f"{listening[1]}/health", timeout=patience_s) as answer:
                assert answer.read() == b"OK"
            return listening[1]
        time.sleep(0.2)
    raise AssertionError(f"Superset did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="module")
def superset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    home = tmp_path_factory.mktemp("superset_home")
    publish(home, "g1", CASES)
    bootstrap(home)
    with serving(home) as server:
        server.sign_in(server.login)
        yield server


def test_its_secrets_are_generated_and_readable_by_their_owner_only(superset: Superset) -> None:
    folder = superset.home / "superset"
    assert folder.stat().st_mode & 0o777 == 0o700
    for name in ("secret_key", "first_login.txt", "superset.db"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600, name
    assert len(superset.login["password"]) >= 20
    assert not (superset.home / "nobody").exists(), "something was written outside its home"
    with pytest.raises(Refused, match=r"^401"):
        superset.sign_in({"username": "admin", "password": "admin"})


def test_the_chart_gives_the_numbers_of_the_serving_file(superset: Superset) -> None:
    expected = district_totals(superset.home / "serving" / "g1" / f"{DISTRICT}.duckdb")
    assert [row["value"] for row in expected if row["metric_name"] == "网格案件数"] == [CASES]
    assert superset.chart_rows() == expected


def test_sql_lab_can_neither_write_nor_read_files_nor_lift_the_lock(superset: Superset) -> None:
    assert superset.run_sql("SELECT count(*) AS n FROM metric_values")["data"] == [{"n": 7}]
    for sql, reason in {
        "SELECT * FROM read_text('/etc/hostname')": "disabled",
        "DELETE FROM metric_values": "DML_NOT_ALLOWED",
        "SET enable_external_access = true": "locked",
    }.items():
        with pytest.raises(Refused, match=reason):
            superset.run_sql(sql)


def test_a_new_generation_is_shown_at_once(superset: Superset) -> None:
    before = superset.chart_rows()
    file = publish(superset.home, "g2", CASES + 1)
    try:
        assert superset.chart_rows() == district_totals(file) != before
    finally:
        publish(superset.home, "g3", CASES)


def test_a_second_bootstrap_keeps_the_login_and_doubles_nothing(superset: Superset) -> None:
    before = superset.login, superset.chart_rows()
    bootstrap(superset.home)
    assert (superset.login, superset.chart_rows()) == before


@pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium: the panel is not drawn")
def test_the_panel_is_drawn_in_a_browser_with_the_number_on_it(
    superset: Superset, tmp_path: Path
) -> None:
    from playwright.sync_api import expect, sync_playwright

    asked: list[Any] = []
    with sync_playwright() as play:
        play.selectors.set_test_id_attribute("data-test")
        browser = play.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 800}, locale="zh-CN")
            page.set_default_timeout(40_000)
            page.on("request", lambda request: asked.append(request))
            page.goto(f"{superset.url}/login/")
            page.get_by_test_id("username-input").fill(superset.login["username"])
            page.get_by_test_id("password-input").fill(superset.login["password"])
            page.get_by_test_id("login-button").click()
            page.wait_for_url(lambda url: "/login" not in url)
            chart = superset.only("chart")["id"]
            page.goto(f"{superset.url}/explore/?slice_id={chart}&standalone=1")
            expect(page.get_by_text(f"{CASES:,}", exact=True)).to_be_visible(timeout=40_000)
            expect(page.get_by_text("93.75", exact=True)).to_have_count(2)
            page.screenshot(path=tmp_path / "panel.png")
            # what the page wanted from elsewhere never left it: its own policy refused ("csp")
            outside = {
                (request.url, request.failure)
                for request in asked
                if not request.url.startswith((superset.url, "data:", "blob:"))
            }
        finally:
            browser.close()
    assert {failure for _, failure in outside} <= {"csp"}, outside
