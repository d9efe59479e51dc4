"""Superset from the platform's side: its own environment, asked by a process, never imported.

What is asked is done by `dashboards/bootstrap.py`: JSON in, JSON out. Its settings, secrets and
logs lie in `HOME/superset` (0700). Not here: which children `govlake serve` runs (`serving_up.py`).
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.errors import RunFailed
from warehouse import serving
from warehouse.home import Home, HomeError

ROOT = Path(__file__).resolve().parent.parent
DASHBOARDS = ROOT / "dashboards"
PYTHON_VARIABLE = "GOVLAKE_SUPERSET_PYTHON"
PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "GOVLAKE_SUPERSET_DB", "GOVLAKE_SUPERSET_TLS")
"""Superset gets these of our environment and no others."""
BOOTSTRAP_SECONDS = 600


def superset_python() -> Path:
    """The interpreter of Superset's environment.

    Raises:
        HomeError: it is not installed.
    """
    given = os.environ.get(PYTHON_VARIABLE)
    python = Path(given) if given else ROOT / ".venv-superset" / "bin" / "python"
    if not python.exists():
        raise HomeError(
            f"Superset is not installed ({python} is missing): run `make setup-superset`, name its "
            f"interpreter in {PYTHON_VARIABLE}, or leave it out with --no-superset"
        )
    return python


def superset_folder(home: Home) -> Path:
    """HOME/superset, for its owner only."""
    folder = home.root / "superset"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def environment(home: Home) -> dict[str, str]:
    """What a Superset process sees of the world."""
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return passed | {
        "HOME": str(superset_folder(home)),
        "GOVLAKE_HOME": str(home.root),
        "SUPERSET_CONFIG_PATH": str(DASHBOARDS / "superset_config.py"),
    }


def ask_superset(home: Home, request: Mapping[str, Any]) -> dict[str, Any]:
    """Have one request done in Superset's environment; one at a time.

    Args:
        home: A home that has published.
        request: `do` and what belongs to it; see `dashboards/bootstrap.py`.

    Raises:
        HomeError: Superset is not installed.
        RunFailed: it could not be done; the message says why.
    """
    python, folder = superset_python(), superset_folder(home)
    log = folder / "bootstrap.log"
    log.touch(0o600)
    with (folder / "bootstrap.lock").open("w") as lock, log.open("r+") as output:
        fcntl.flock(lock, fcntl.LOCK_EX)
        output.truncate()
        done = subprocess.run(
            [python, DASHBOARDS / "bootstrap.py"], input=json.dumps(request), text=True,
            stdout=subprocess.PIPE, stderr=output, env=environment(home), cwd=folder, check=False,
            timeout=BOOTSTRAP_SECONDS, umask=0o077,
        )  # fmt: skip
    if done.returncode:
        lines = log.read_text(errors="replace").strip().splitlines() or ["no reason given"]
        raise RunFailed(f"Superset: {lines[-1]} (more in {log})")
    return json.loads(done.stdout)


def published_areas(home: Home) -> list[str]:
    """Codes of the areas that have a serving file, the district first.

    Raises:
        ServingError: nothing was published yet.
    """
    folder = serving.serving_file(home.serving).parent
    return sorted((p.stem for p in folder.glob("[0-9]*.duckdb")), key=lambda c: (len(c), c))


def demo_users(areas: Sequence[str]) -> list[dict[str, str]]:
    """One user of each kind, to look at the demo with."""
    first = {length: next((c for c in areas if len(c) == length), None) for length in (6, 9, 12)}
    wanted = (
        ("leader", "区领导", "区领导", first[6]),
        ("street", "街道", "街道", first[9]),
        ("community", "社区", "社区", first[12]),
        ("analyst", "分析员", "分析员", first[6]),
    )
    return [
        {"username": name, "display_name": zh, "role": role, "area_code": code}
        for name, zh, role, code in wanted
        if code
    ]


def put_panels(home: Home, packed: bytes) -> None:
    """Lay a zipped bundle where the next bootstrap imports it from.

    Args:
        home: The home.
        packed: As `dashboards/govlake_superset/panels.py` reads it.
    """
    path = superset_folder(home) / "panels.zip"
    part = path.with_name(".panels.part")
    part.unlink(missing_ok=True)
    part.touch(0o600)
    part.write_bytes(packed)
    part.replace(path)
