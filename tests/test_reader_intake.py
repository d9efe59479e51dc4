"""Damaged files through the whole intake: books close, the good file beside them is taken in."""

from __future__ import annotations

import gzip
import json
import os
import tempfile
from pathlib import Path

import polars as pl
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from reader_inputs import (
    BOOK,
    EXAMPLES,
    GOOD,
    PARTS,
    as_bytes,
    between,
    damaged,
    file_of,
    fuzz,
    lines_of,
    odd_area,
    odd_cell,
    odd_message,
    odd_object,
    packed,
    reading,
)  # fmt: skip

from assets.taking_in import take_in
from schemas import tables
from schemas.feeds import sources
from warehouse import journal
from warehouse.home import Home
from warehouse.lake import Lake


def check_books(lake: Lake, source: str) -> None:
    """Accounts close, and the tables hold exactly the rows they name."""
    accounts = lake.read(journal.ACCOUNTS)
    parts = accounts["accepted"] + accounts["quarantined"] + accounts["refused"]
    assert accounts["arrived"].to_list() == parts.to_list()
    for feed in sources()[source]:
        own = accounts.filter(pl.col("feed") == feed.name)
        bronze = lake.read(tables.BY_KEY[("bronze", feed.name)])
        quarantine = lake.read(tables.BY_KEY[("quarantine", feed.name)])
        assert bronze.height == own["accepted"].sum()
        assert quarantine.height == own["quarantined"].sum()
        assert (quarantine["rules"].list.len() > 0).all()
    for record in lake.read(journal.FILES).iter_rows(named=True):
        receipt = json.loads((lake.home.receipts / f"{record['file_name']}.json").read_text())
        assert receipt["outcome"] == record["outcome"]
        assert (record["outcome"] == "set_aside") == bool(receipt["reason"])


def intake(folder: Path, source: str, files: dict[str, bytes]) -> tuple[Lake, dict[str, str]]:
    """Land the files in a new home and take them in; file name → reason for those set aside."""
    home = Home(Path(tempfile.mkdtemp(dir=folder)))
    home.prepare()
    (home.landing / source).mkdir()
    for name, data in files.items():
        path = home.landing / source / name
        path.write_bytes(data)
        os.utime(path, (0, 0))
    lake = Lake(home)
    taken = take_in(lake, source)
    check_books(lake, source)
    return lake, {Path(name).name: reason for name, reason in taken.set_aside.items()}


SOURCES = {
    "ga1400": ("captures", odd_message | st.sampled_from(GOOD["ga1400"]).flatmap(damaged)),
    "ndjson": ("sensor_readings", odd_object(reading(99)) | damaged(as_bytes(reading(99)))),
    "csv gb18030": ("devices", st.sampled_from(GOOD["csv gb18030"]).flatmap(damaged)),
    "geojson": ("areas", odd_area),
    "xlsx": ("rentals", st.lists(odd_cell, max_size=9)),
}


@pytest.mark.parametrize("form", SOURCES)
def test_damaged_files_are_taken_in_with_books_that_close(tmp_path, form):
    source, bad = SOURCES[form]

    @fuzz(max(2, EXAMPLES // 200))
    @given(st.lists(between(GOOD[form], bad), min_size=1, max_size=8, unique_by=str))
    def check(files):
        made = {}
        for n, pieces in enumerate(files):
            _, name, data = file_of(form, pieces)
            made[f"{n}{name}"] = data
        intake(tmp_path, source, made)

    check()


def test_the_worst_files_are_set_aside_and_the_good_one_beside_them_taken_in(tmp_path):
    face, zeros, long = lines_of(GOOD["ga1400"]), b"\0" * (300 << 20), b"x" * (10 << 20) + b"\n"
    lake, aside = intake(tmp_path, "captures", {
        "good.ndjson": face, "empty.json": b"", "bomb.ndjson.zst": zstandard.compress(zeros),
        "bomb.json.gz": gzip.compress(zeros), "cut.json.gz": gzip.compress(face)[:-9],
        "cut.json.zst": zstandard.compress(face * 2)[:-9], "deep.json": b"[" * 10_000,
        "long.ndjson": face + long + face.replace(b"08000000", b"08000010"), "what.pdf": b"%PDF",
    })  # fmt: skip
    assert aside.keys() == {"empty.json", "bomb.ndjson.zst", "bomb.json.gz", "cut.json.gz",
                            "cut.json.zst", "deep.json", "what.pdf"}  # fmt: skip
    assert lake.read(tables.BY_KEY[("quarantine", "face_captures")]).height >= 1
    far = {name: part.replace(b'r="A3"', b'r="XFD1048576"') for name, part in PARTS.items()}
    _, aside = intake(
        tmp_path, "rentals", {"far.xlsx": packed(far), "no.xlsx": b"PK", "good.xlsx": BOOK}
    )
    assert aside.keys() == {"far.xlsx", "no.xlsx"}
