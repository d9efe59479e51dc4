"""One demo district, run once a session and shared; tests that change things make their own."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from postgres import Server, programs, serving
from support import govlake, write_demo_home

import assets.topics  # noqa: F401 - registers every topic table and its metrics
from warehouse.home import Home
from warehouse.lake import Lake


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose demo district was taken in and published; read-only for tests."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    root = shared / "demo_home"
    with (shared / "demo_home.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "done").exists():
            days = int(os.environ.get("GOVLAKE_TEST_DAYS", "4"))
            scale = float(os.environ.get("GOVLAKE_TEST_SCALE", "0.002"))
            write_demo_home(root, days=days, scale=scale)
            output = govlake("run", "--home", str(root))
            (root / "done").write_text(output.stdout + output.stderr)
    return Home(root)


@pytest.fixture(scope="session")
def demo_lake(demo_run: Home) -> Lake:
    """The lake of the shared demo run."""
    return Lake(demo_run)


@pytest.fixture
def truth(demo_run: Home) -> Callable[[str], pl.DataFrame]:
    """Reads a table of the demo's own truth."""
    return lambda name: pl.read_parquet(demo_run.root / "demo" / "truth" / f"{name}.parquet")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home."""
    empty = Home(tmp_path / "home")
    empty.prepare()
    return empty


@pytest.fixture
def lake(home: Home) -> Lake:
    """The lake of an empty home."""
    return Lake(home)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A running PostgreSQL; tests that need one skip where it is not installed."""
    found = programs()
    if found is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    with serving(found) as running:
        if running is None:
            pytest.skip("PostgreSQL does not run as root, and nobody else can be had here")
        yield running
