"""The same captures delivered twice: by another platform, in another folder, packed another way."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import polars as pl
import pytest
import zstandard
from support import content, govlake, write_demo_home

from schemas import tables
from warehouse.home import Home
from warehouse.lake import Lake

CLEANED = ("silver.face_passages", "silver.vehicle_passages", "silver.nonmotor_passages",
           "topics.passage_device_hours", "statistics.daily_values")  # fmt: skip


def unpacked(file: Path) -> bytes:
    data = file.read_bytes()
    if file.suffix == ".gz":
        return gzip.decompress(data)
    if file.suffix == ".zst":
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return data


@pytest.mark.slow
def test_a_second_delivery_of_the_same_captures_changes_no_number(tmp_path: Path) -> None:
    once = write_demo_home(tmp_path / "once", days=1, scale=0.001, feeds="areas,devices,captures")
    once.key("passage")  # made now, so that both homes give the same tokens
    twice = Home(shutil.copytree(once.root, tmp_path / "twice"))
    captures = twice.landing / "captures"
    files = sorted(f for f in captures.iterdir() if "01.ndjson" in f.name)
    # Another platform hands over one file byte for byte, in a folder of its own …
    (captures / "platform-b").mkdir()
    shutil.copy(files[0], captures / "platform-b" / f"b-{files[0].name}")
    # … and everything else packed anew, cut in two, in the folder of the feed's name.
    for file in files[1:]:
        feed = {"faces": "face_captures", "vehicles": "vehicle_captures",
                "nonmotors": "nonmotor_captures"}[file.name.split("-")[0]]  # fmt: skip
        (twice.landing / feed).mkdir(exist_ok=True)
        lines = unpacked(file).splitlines(keepends=True)
        for n, half in enumerate((lines[::2], lines[1::2])):
            again = twice.landing / feed / f"again-{n}-{file.name.split('.')[0]}.ndjson.gz"
            again.write_bytes(gzip.compress(b"".join(half)))
    for home in (once, twice):
        govlake("run", "--home", str(home.root))
    lake, doubled = Lake(once), Lake(twice)
    for label in CLEANED:
        assert content(lake, label).equals(content(doubled, label)), label
    outcomes = doubled.read(tables.table("ops", "files"))["outcome"].value_counts().rows()
    assert dict(outcomes)["seen_before"] == 1
    resent = [
        one.read(tables.table("silver", "vehicle_passages_merges"))
        .filter(pl.col("rule") == "resent_capture")
        .height
        for one in (lake, doubled)
    ]
    assert resent[1] > resent[0]
