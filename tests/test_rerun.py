"""The same input gives the same lake: rerun, shuffled, killed in the middle."""

from __future__ import annotations

import gzip
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import zstandard
from support import GOVLAKE, content, govlake

from schemas.tables import TABLES
from warehouse import serving
from warehouse.home import Home
from warehouse.lake import Lake

pytestmark = pytest.mark.slow

DERIVED = [t.label for t in TABLES if t.layer in {"persons", "silver", "topics", "statistics"}]


def versions(home: Home) -> dict[str, int | None]:
    lake = Lake(home)
    return {table.label: lake.version(table) for table in TABLES}


def assert_equal_lakes(left: Home, right: Home) -> None:
    for label in DERIVED:
        one, two = content(Lake(left), label), content(Lake(right), label)
        assert one.equals(two), f"{label} differs: {one.height} and {two.height} rows"


def same_district(source: Home, root: Path, *, landing: bool = True) -> Home:
    """A new home with the same keys, settings and as-of, with or without the same landing files."""
    other = Home(root)
    other.prepare()
    shutil.copytree(source.keys, other.keys, dirs_exist_ok=True)
    shutil.copytree(source.root / "demo", other.root / "demo")
    shutil.copytree(source.config, other.config)
    if landing:
        shutil.copytree(source.landing, other.landing, dirs_exist_ok=True)
    return other


def test_a_second_run_changes_nothing_and_says_so(demo_run: Home, tmp_path: Path) -> None:
    home = Home(shutil.copytree(demo_run.root, tmp_path / "home", symlinks=True))
    before, generation = versions(home), serving.current(home.serving)
    said = govlake("run", "--home", str(home.root)).stdout
    assert "nothing new" in said
    assert versions(home) == before
    assert serving.current(home.serving) == generation


def lines_of(path: Path) -> list[bytes]:
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    if path.suffix == ".zst":
        data = zstandard.ZstdDecompressor().stream_reader(data).read()
    return [line for line in data.split(b"\n") if line.strip()]


def deal(source: Path, target: Path, hand: random.Random) -> None:
    """Deal the rows of a source's files into others: other order, batches and names."""
    by_line: list[bytes] = []
    by_header: dict[bytes, list[bytes]] = {}
    target.mkdir(parents=True)
    for n, path in enumerate(sorted(source.iterdir())):
        if (
            path.suffix in {".json", ".geojson", ".xlsx"}
            or "torn" in path.name
            or (path.stat().st_size == 0 or "narrow" in path.name)
        ):
            shutil.copyfile(path, target / f"z{hand.random():.6f}-{n}{''.join(path.suffixes)}")
        elif path.suffix == ".csv":
            header, *rows = lines_of(path)
            by_header.setdefault(header, []).extend(rows)
        else:
            by_line += lines_of(path)
    for name, header, rows in [
        ("a.ndjson", b"", by_line),
        *((f"t{i}.csv", h, rows) for i, (h, rows) in enumerate(by_header.items())),
    ]:
        hand.shuffle(rows)
        parts = 5
        for part in range(parts):
            own = rows[part::parts]
            if own:
                lines = [*([header] if header else []), *own]
                (target / f"{part}-{name}").write_bytes(b"\n".join(lines) + b"\n")


def test_shuffled_and_split_otherwise_it_is_the_same_lake(demo_run: Home, tmp_path: Path) -> None:
    other = same_district(demo_run, tmp_path / "shuffled", landing=False)
    hand = random.Random(7)
    dealt = tmp_path / "dealt"
    for source in sorted(demo_run.landing.iterdir()):
        deal(source, dealt / source.name, hand)
    files = sorted(p for p in dealt.rglob("*") if p.is_file())
    hand.shuffle(files)
    for last, batch in ((False, files[::2]), (True, files[1::2])):
        for path in batch:
            place = other.landing / path.relative_to(dealt)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
        # half the files may lack the areas, without which nothing is published
        govlake("run", "--home", str(other.root), check=last)
    assert_equal_lakes(demo_run, other)


@pytest.mark.parametrize("point", [1, 2])
def test_killed_in_the_middle_it_ends_the_same(demo_run: Home, tmp_path: Path, point: int) -> None:
    other = same_district(demo_run, tmp_path / "killed")
    running = subprocess.Popen(
        [*GOVLAKE, "run", "--home", str(other.root)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    killed_at = wait_for_a_point(other, running, point, random.Random())
    running.send_signal(signal.SIGKILL)
    running.wait()
    govlake("run", "--home", str(other.root))
    assert serving.current(other.serving) is not None, killed_at
    assert_equal_lakes(demo_run, other)
    assert govlake("status", "--home", str(other.root), check=False).returncode == 0, killed_at


def wait_for_a_point(
    home: Home, running: subprocess.Popen[bytes], point: int, chance: random.Random
) -> str:
    """Wait until the run is somewhere in intake (1) or in what follows (2), then a little more."""
    begun = {1: "bronze", 2: "silver"}[point]
    while running.poll() is None:
        if len(list((home.lake / begun).glob("*/_delta_log/*.json"))) > chance.randint(1, 30):
            break
        time.sleep(0.02)
    assert running.poll() is None, "the run ended before it could be killed"
    time.sleep(chance.uniform(0, 1.0))
    return f"{begun}: {len(list(home.lake.rglob('*.json')))} commits"
