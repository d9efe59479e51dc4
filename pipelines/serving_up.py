"""`govlake serve`: Dagster and Superset as children of one process, which ends with them.

Their output goes to `HOME/dagster/serve.log` and `HOME/superset/server.log`; the console shows what
people need: addresses, and once the first logins.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NoReturn
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from rich.console import Console
from rich.table import Table as Sheet

from pipelines import boards, superset
from pipelines.errors import RunFailed
from warehouse import serving
from warehouse.home import Home, HomeError

PATIENCE_S = 180
STOPPING_S = 20
THREADS = 8


@dataclass(frozen=True)
class Door:
    """Where a server listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """As people type it; a server for every address is reached on the loopback."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host  # nosec B104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only people on this machine reach it."""
        return self.host in ("127.0.0.1", "::1", "localhost")

    def check_free(self, option: str) -> None:
        """Refuse early what a child would fail on late.

        Raises:
            HomeError: someone listens there, or the address is not of this machine.
        """
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family) as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                attempt.bind((self.host, self.port))
            except OSError as error:
                raise HomeError(
                    f"{self.host}:{self.port} cannot be listened on ({error.strerror}); "
                    f"choose another with {option}"
                ) from None


@dataclass
class Children:
    """The processes of one `serve`; leaving the block stops them all."""

    running: dict[str, tuple[subprocess.Popen[bytes], Path]] = field(default_factory=dict)
    _before: dict[signal.Signals, Any] = field(default_factory=dict)

    def __enter__(self) -> Children:
        for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._before[one] = signal.signal(one, _leave)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Ask every child to stop; those that do not within the time are killed, group and all."""
        for one in self._before:
            signal.signal(one, signal.SIG_IGN)  # impatience must not leave a child behind
        for process, _ in self.running.values():
            process.terminate()
        until = time.monotonic() + STOPPING_S
        for process, _ in self.running.values():
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        for one, handler in self._before.items():
            signal.signal(one, handler)

    def start(
        self, name: str, command: list[str], env: dict[str, str], log: Path, *, umask: int = -1
    ) -> None:
        """Start a child in a process group of its own; the log of the last time is kept."""
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        log.touch(0o600)
        with log.open("ab") as output:
            process = subprocess.Popen(
                command, env=env, cwd=log.parent, stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, start_new_session=True, umask=umask,
            )  # fmt: skip
        self.running[name] = process, log

    def check(self) -> None:
        """Nothing may be missing.

        Raises:
            RunFailed: a child ended by itself.
        """
        for name, (process, log) in self.running.items():
            if process.poll() is not None:
                raise RunFailed(f"{name} ended by itself (code {process.returncode}); see {log}")

    def wait_until(self, url: str, name: str) -> None:
        """Wait until a server answers.

        Raises:
            RunFailed: it ended, or took too long.
        """
        until = time.monotonic() + PATIENCE_S
        opener = build_opener(ProxyHandler({}))  # a proxy has no business with our own ports
        while time.monotonic() < until:
            self.check()
            try:
                with opener.open(url, timeout=5) as answer:
                    if answer.status == 200:
                        return
            except (URLError, OSError):
                pass
            time.sleep(0.3)
        raise RunFailed(f"{name} does not answer at {url} after {PATIENCE_S} s; see its log")


def serve(
    home: Home, console: Console, *, dagster: Door, panels: Door | None, workers: int,
    read_only: bool = False,
) -> None:  # fmt: skip
    """Run Dagster, and Superset unless `panels` is None, until a signal or the end of one of them.

    Args:
        home: A home that is prepared.
        console: Where to say what is up.
        dagster: Where Dagster listens; it has no login.
        panels: Where Superset listens.
        workers: Processes of Superset, about 340 MB each.
        read_only: Whether nothing can be started or switched in the Dagster UI; automations go on.

    Raises:
        HomeError: Superset is not installed, or a port is taken.
        RunFailed: a server did not start, or ended by itself.
    """
    started = time.monotonic()
    if panels:
        superset.superset_python()
        panels.check_free("--superset-port")
    dagster.check_free("--port")
    with Children() as children:
        _start_dagster(children, home, dagster, read_only=read_only)
        if panels:
            _await_publication(children, home, console)
            with console.status("preparing Superset …"):
                logins = _bootstrap(home)
                _start_superset(children, home, panels, workers)
                children.wait_until(f"{panels.url}/health", "Superset")
            _show_logins(logins, console)
            console.print(f"Superset: {panels.url} (ready after {_since(started)})")
        with console.status("starting Dagster …"):
            children.wait_until(f"{dagster.url}/server_info", "Dagster")
        console.print(f"Dagster UI: {dagster.url} (ready after {_since(started)})")
        if not dagster.is_loopback:
            may = "read everything" if read_only else "start and change everything"
            console.print(
                f"whoever reaches {dagster.host} can {may} there: it has no login; put a proxy "
                "with one before it (SECURITY.md)", style="yellow",
            )  # fmt: skip
        console.print("Ctrl-C stops everything")
        while True:
            children.check()
            time.sleep(1)


def _start_dagster(children: Children, home: Home, door: Door, *, read_only: bool) -> None:
    listening = ["-m", "pipelines.definitions", "-h", door.host, "-p", str(door.port)]
    log = home.dagster / "serve.log"
    if not read_only:
        children.start("Dagster", [_program("dagster"), "dev", *listening], dict(os.environ), log)
        return
    # `dagster dev` has no such option: its two halves, each with definitions of its own
    command = [_program("dagster-webserver"), "--read-only", *listening]
    children.start("Dagster", command, dict(os.environ), log)
    daemon = [_program("dagster-daemon"), "run", "-m", "pipelines.definitions"]
    children.start("Dagster daemon", daemon, dict(os.environ), home.dagster / "daemon.log")


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _start_superset(children: Children, home: Home, door: Door, workers: int) -> None:
    host = f"[{door.host}]" if ":" in door.host else door.host
    command = [
        str(superset.superset_python()), "-m", "gunicorn", "--bind", f"{host}:{door.port}",
        "--workers", str(workers), "--worker-class", "gthread", "--threads", str(THREADS),
        "--timeout", "120", "--no-control-socket", "superset.app:create_app()",
    ]  # fmt: skip
    log = superset.superset_folder(home) / "server.log"
    children.start("Superset", command, superset.environment(home), log, umask=0o077)


def _await_publication(children: Children, home: Home, console: Console) -> None:
    """Superset has nothing to show before the first generation; Dagster may be making it."""
    if serving.current(home.serving):
        return
    console.print("Superset starts after the first publication (`govlake run`, or Dagster's)")
    while not serving.current(home.serving):
        children.check()
        time.sleep(2)


def _bootstrap(home: Home) -> dict[str, str]:
    is_demo = home.demo_marker.exists()
    people = superset.demo_users(superset.published_areas(home)) if is_demo else []
    boards.write_bundle(home)
    answer = superset.ask_superset(home, {"do": "bootstrap", "first_users": people})
    if error := answer.get("error"):
        for name, password in answer["logins"].items():  # made all the same, and told only now
            print(f"{name}  {password}", file=sys.stderr)  # noqa: T201
        raise RunFailed(error)
    return answer["logins"]


def _show_logins(logins: dict[str, str], console: Console) -> None:
    if not logins:
        return
    sheet = Sheet(title="first logins, shown this once (`govlake users` makes others)")
    sheet.add_column("user", no_wrap=True)
    sheet.add_column("password", no_wrap=True)
    for name, password in logins.items():
        sheet.add_row(name, password)
    console.print(sheet, highlight=False)


def _since(started: float) -> str:
    return f"{time.monotonic() - started:.0f} s"


def _leave(number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(0 if number == signal.SIGINT else 128 + number)
