"""The house itself: which way imports run, how long files are, what may not stand in them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
ROOMS = ("schemas", "quality", "warehouse", "assets", "pipelines", "dashboards", "tests")
LONGEST = 350
SKIPPED = re.compile(
    r"^(\.git|\.venv.*|\..*_cache|\.hypothesis|__pycache__|.*\.egg-info|data|dist)$"
)
# Written in two parts, so that this file does not find itself.
MACHINE_PATH = re.compile(r"(?<![\w.~$}<])/" + r"(home|root|Users|work|mnt)/[\w.]")


def files(*suffixes: str) -> Iterator[Path]:
    for folder, below, names in os.walk(HOUSE):
        below[:] = [name for name in below if not SKIPPED.match(name)]
        for name in names:
            if not suffixes or name.endswith(suffixes):
                yield Path(folder, name)


def texts() -> Iterator[tuple[str, str]]:
    """Every text file with its name; tables of codes, locks and pictures are no prose."""
    for path in files():
        if path.suffix in {".py", ".md", ".toml", ".yaml", ".yml", ".sh", ".json", ""}:
            yield path.relative_to(HOUSE).as_posix(), path.read_text(errors="replace")


def test_imports_run_one_way() -> None:
    tool = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([tool, "--no-cache"], cwd=HOUSE, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_every_room_is_there() -> None:
    assert [room for room in ROOMS if not (HOUSE / room).is_dir()] == []


def test_no_python_file_is_too_long() -> None:
    lengths = {p.relative_to(HOUSE): p.read_text().count("\n") for p in files(".py")}
    assert len(lengths) > 50
    assert {path: n for path, n in lengths.items() if n > LONGEST} == {}


def test_no_text_names_a_place_on_one_machine() -> None:
    found = {name: hit.group() for name, text in texts() if (hit := MACHINE_PATH.search(text))}
    assert found == {}


@pytest.mark.parametrize("name", ["platform", "superset"])
def test_lock_files_hold_hashes_and_no_addresses(name: str) -> None:
    text = (HOUSE / "requirements" / f"{name}.lock").read_text()
    assert "://" not in text
    pinned = re.findall(r"^[A-Za-z0-9_.\-\[\]]+==", text, re.MULTILINE)
    assert len(pinned) > 20
    assert text.count("--hash=sha256:") >= len(pinned)


def test_keys_and_data_are_never_tracked() -> None:
    ignored = (HOUSE / ".gitignore").read_text().split()
    assert {"/data/", "/.venv*/"} <= set(ignored)
