"""A real PostgreSQL server for tests, started from Debian's packages; none: the tests skip."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from adbc_driver_postgresql import dbapi

PASSWORD = "q7-Only*For#Tests"


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        port: On 127.0.0.1.
    """

    port: int

    def address(self, password: str = "q7-Only%2AFor%23Tests", database: str = "postgres") -> str:
        return f"postgresql://postgres:{password}@127.0.0.1:{self.port}/{database}"

    def run(self, *statements: str) -> None:
        opened = dbapi.connect(self.address(), autocommit=True)
        with opened as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def programs() -> Path | None:
    """Folder of the server's programs, the newest version's."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: p.parts[4])
    return found[-1].parent if found else None


def another_user(folder: Path) -> list[str] | None:
    """Words that run a program as somebody else than root, who may not run a server."""
    if os.geteuid() != 0:
        return []
    namespace = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    if shutil.which("unshare") and not subprocess.run([*namespace, "true"], check=False).returncode:
        return namespace
    if shutil.which("runuser") and not subprocess.run(["id", "postgres"], check=False).returncode:
        shutil.chown(folder, "postgres")
        return ["runuser", "-u", "postgres", "--"]
    return None


@contextmanager
def serving(bin: Path) -> Iterator[Server | None]:
    """A server with its own empty data, gone afterwards; None where it cannot be run."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    user = another_user(folder)
    try:
        if user is None:
            yield None
            return
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        secret = folder / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        data, quiet = folder / "data", {"cwd": folder, "stdout": subprocess.DEVNULL, "check": True}
        subprocess.run([*user, bin / "initdb", "-D", data, "-N", "-U", "postgres", "-E", "UTF8",
                        "--locale=C.UTF-8", "-A", "scram-sha-256", f"--pwfile={secret}"],
                       **quiet)  # fmt: skip
        options = f"-p {port} -h 127.0.0.1 -k {folder} -c fsync=off"
        subprocess.run([*user, bin / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o",
                        options, "start"], **quiet)  # fmt: skip
        try:
            yield Server(port)
        finally:
            subprocess.run([*user, bin / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **quiet)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
