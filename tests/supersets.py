"""A real Superset for tests: serving files made by hand, one bootstrap, gunicorn, and a client."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".venv-superset" / "bin" / "python"


def environment(home: Path) -> dict[str, str]:
    """Nothing of this process's own environment: Superset needs only these."""
    return {
        "PATH": os.defpath,
        "HOME": str(home / "nobody"),
        "GOVLAKE_HOME": str(home),
        "SUPERSET_CONFIG_PATH": str(ROOT / "dashboards" / "superset_config.py"),
    }


def ask_bootstrap(home: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Run `dashboards/bootstrap.py` on a request."""
    done = subprocess.run(
        [PYTHON, ROOT / "dashboards" / "bootstrap.py"], input=json.dumps(request),
        env=environment(home), cwd=home, capture_output=True, text=True, timeout=400,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def user(username: str, role: str, area_code: str | None) -> dict[str, Any]:
    """A user as `govlake users` asks for one."""
    return {"username": username, "display_name": username, "role": role, "area_code": area_code}


class Refused(Exception):
    """Superset's answer was an error: its code and text."""


@dataclass
class Session:
    """Someone at a running server, signed in or not."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # an empty ProxyHandler: a proxy of this machine has no business with loopback
        self._opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))
        self.headers["Referer"] = self.url

    def sign_in(self, username: str, password: str) -> Session:
        login = {"username": username, "password": password, "provider": "db"}
        answer = self.ask("/api/v1/security/login", login)
        self.headers["Authorization"] = f"Bearer {answer['access_token']}"
        self.headers["X-CSRFToken"] = self.ask("/api/v1/security/csrf_token/")["result"]
        return self

    def fetch(self, path: str, body: Any = None, method: str | None = None) -> tuple[int, str]:
        """Status and text of an answer, whatever it is."""
        data = None if body is None else json.dumps(body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        request = Request(self.url + path, data, self.headers | kind, method=method)
        try:
            with self._opener.open(request, timeout=60) as answer:
                return answer.status, answer.read().decode("utf-8", "replace")
        except HTTPError as error:
            with error:
                return error.code, error.read().decode("utf-8", "replace")

    def ask(self, path: str, body: Any = None, method: str | None = None) -> dict[str, Any]:
        """An answer in JSON.

        Raises:
            Refused: it was an error.
        """
        status, text = self.fetch(path, body, method)
        if status >= 400:
            raise Refused(f"{status} {text}")
        return json.loads(text)

    def post_form(self, path: str, fields: dict[str, str]) -> tuple[int, str]:
        """Send a form as a page does."""
        request = Request(self.url + path, urlencode(fields).encode(), self.headers)
        try:
            with self._opener.open(request, timeout=60) as answer:
                return answer.status, answer.read().decode("utf-8", "replace")
        except HTTPError as error:
            with error:
                return error.code, error.read().decode("utf-8", "replace")

    def only(self, kind: str) -> dict[str, Any]:
        (one,) = self.ask(f"/api/v1/{kind}/")["result"]
        return one

    def run_sql(self, sql: str, database: int = 1) -> dict[str, Any]:
        return self.ask("/api/v1/sqllab/execute/", {"database_id": database, "sql": sql})


@dataclass
class Superset:
    """A running server, and who can sign in."""

    home: Path
    url: str
    logins: dict[str, str]

    def as_user(self, username: str) -> Session:
        return Session(self.url).sign_in(username, self.logins[username])


@contextmanager
def serving(home: Path, logins: dict[str, str]) -> Iterator[Superset]:
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
            yield Superset(home, when_ready(server, log), logins)
        finally:
            server.terminate()
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)


def when_ready(server: subprocess.Popen[bytes], log: Path, patience_s: float = 240) -> str:
    opener = build_opener(ProxyHandler({}))
    until = time.monotonic() + patience_s
    while time.monotonic() < until and server.poll() is None:
        if listening := re.search(r"Listening at: (http://[\d.:]+)", log.read_text()):
            with opener.open(f"{listening[1]}/health", timeout=patience_s) as answer:
                assert answer.read() == b"OK"
            return listening[1]
        time.sleep(0.2)
    raise AssertionError(f"Superset did not start:\n{log.read_text()[-3000:]}")


def cookie_session(url: str, username: str, password: str) -> Session:
    """Signed in as a browser is: by the form, with a cookie."""
    session = Session(url)
    page = session.fetch("/login/")[1]
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"|csrf_token&#34;: ?&#34;([^&]+)', page)
    token = (found[1] or found[2]) if found else ""
    session.post_form("/login/", {"username": username, "password": password, "csrf_token": token})
    return session
