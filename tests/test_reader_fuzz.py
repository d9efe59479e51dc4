"""Damaged input through every reader: nothing crashes, every row is accounted for, good rows stay.

`GOVLAKE_FUZZ_EXAMPLES` files per reader (default 60, always the same ones; workbooks a twentieth).
Each file holds known good rows with damaged pieces between them (`reader_inputs.py`).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import polars as pl
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from reader_inputs import (
    AREAS,
    BOOK,
    BOOKS,
    CAPTURES,
    CSV_ENCODINGS,
    DEVICES,
    EXAMPLES,
    GOOD,
    PARTS,
    READINGS,
    as_bytes,
    between,
    capture,
    csv_line,
    damaged,
    device,
    file_of,
    fuzz,
    lines_of,
    odd_area,
    odd_cell,
    odd_message,
    odd_object,
    odd_text,
    packed,
    post,
    reading,
)  # fmt: skip

from quality.judging import judge
from schemas.contract import PROVENANCE
from schemas.feeds import BY_NAME
from warehouse.readers import UnreadableFile

# --- running --------------------------------------------------------------------------------------


class Outcome:
    """What one file gave, its books checked on the way."""

    def __init__(self, reader: Callable, path: Path) -> None:
        self.accepted: dict[str, pl.DataFrame] = {}
        self.numbers: set[int] = set()
        self.refused = 0
        for chunk in reader(path):
            for feed, texts in chunk.rows.items():
                self._judge(feed, texts.with_columns(file_id=pl.lit("f")))
            assert all(broken.detail and broken.feed in BY_NAME for broken in chunk.broken)
            json.dumps([dict(chunk.dropped), dict(chunk.unknown)], ensure_ascii=False).encode()
            self.numbers.update(broken.row_number for broken in chunk.broken)
            self.refused += chunk.refused

    def _judge(self, feed: str, texts: pl.DataFrame) -> None:
        judged = judge(BY_NAME[feed].contract, texts)
        assert texts.height == judged.accepted.height + judged.quarantined.height
        assert texts.select(PROVENANCE).is_unique().all()
        assert (judged.quarantined["rules"].list.len() > 0).all()
        json.dumps(judged.quarantined["row"].to_list()).encode()
        self.numbers.update(texts["row_number"])
        rows = judged.accepted.drop(PROVENANCE)
        before = self.accepted.get(feed)
        self.accepted[feed] = rows if before is None else pl.concat([before, rows])

    def holds(self, good: Outcome) -> bool:
        """Whether every accepted row of another file is accepted here too, to the last value."""
        return all(
            rows.join(self.accepted[feed], on=rows.columns, how="anti", nulls_equal=True).is_empty()
            for feed, rows in good.accepted.items() if rows.height
        )  # fmt: skip


def run(folder: Path, reader: Callable, name: str, data: bytes) -> Outcome:
    path = folder / name
    path.write_bytes(data)
    return Outcome(reader, path)


@cache
def alone(folder: Path, form: str, at: int) -> Outcome:
    """What a good piece gives with no damage around it."""
    outcome = run(folder, *file_of(form, [at]))
    assert sum(rows.height for rows in outcome.accepted.values()) >= 1
    return outcome


def check_mixed(folder: Path, form: str, pieces: list) -> Outcome:
    """Run a file of good and damaged pieces; the good ones must all be there."""
    outcome = run(folder, *file_of(form, pieces))
    assert all(outcome.holds(alone(folder, form, p)) for p in pieces if isinstance(p, int))
    return outcome


# --- line by line ---------------------------------------------------------------------------------


def check_lines(folder: Path, form: str, pieces: list) -> None:
    """Every line written is met again: as rows, as broken, or refused."""
    outcome = check_mixed(folder, form, pieces)
    written = sum(bool(line.strip()) for line in file_of(form, pieces)[2].split(b"\n"))
    assert len(outcome.numbers) + outcome.refused == written


@fuzz()
@given(between(GOOD["ga1400"], odd_message | st.sampled_from(GOOD["ga1400"]).flatmap(damaged)))
def test_damaged_captures_cost_only_themselves(tmp_path, pieces):
    check_lines(tmp_path, "ga1400", pieces)


@fuzz()
@given(between(GOOD["ndjson"], odd_object(reading(99)) | damaged(as_bytes(reading(99)))))
def test_damaged_readings_cost_only_themselves(tmp_path, pieces):
    check_lines(tmp_path, "ndjson", pieces)


@st.composite
def csv_pieces(draw) -> tuple[str, list]:
    encoding = draw(st.sampled_from(CSV_ENCODINGS))
    fitting = st.tuples(*map(st.just, device(99, "坏")[:3]), odd_text, odd_text, odd_text)
    cells = st.lists(odd_text, max_size=8) | fitting
    written = cells.map(
        lambda c: csv_line(list(c)).encode(encoding.removesuffix("-sig"), "replace")
    )
    spoiled = st.sampled_from(GOOD[f"csv {encoding}"]).flatmap(damaged)
    return f"csv {encoding}", draw(between(GOOD[f"csv {encoding}"], written | spoiled))


@fuzz()
@given(csv_pieces())
def test_damaged_csv_rows_cost_only_themselves(tmp_path, drawn):
    check_mixed(tmp_path, *drawn)


# --- whole documents ------------------------------------------------------------------------------


@fuzz()
@given(between(GOOD["geojson"], odd_area))
def test_odd_areas_cost_only_themselves_where_the_document_is_json(tmp_path, pieces):
    data = file_of("geojson", pieces)[2]
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        with pytest.raises(UnreadableFile, match="not readable as GeoJSON"):
            run(tmp_path, AREAS, "a.geojson", data)
        return
    check_mixed(tmp_path, "geojson", pieces)


SEEDS = {
    "a.geojson": (AREAS, file_of("geojson", [0, 1, 2])[2]),
    "a.json": (CAPTURES, json.dumps(post("Face", capture("Face", 1)), indent=1).encode()),
    "a.csv": (DEVICES, file_of("csv gb18030", [0, 1, 3])[2]),
    "a.ndjson.gz": (CAPTURES, gzip.compress(lines_of(GOOD["ga1400"]))),
    "a.ndjson.zst": (READINGS, zstandard.compress(lines_of(GOOD["ndjson"]))),
}


@fuzz()
@given(st.sampled_from(list(SEEDS)).flatmap(lambda n: st.tuples(st.just(n), damaged(SEEDS[n][1]))))
def test_a_file_damaged_anywhere_is_read_or_set_aside(tmp_path, drawn):
    name, data = drawn
    try:
        run(tmp_path, SEEDS[name][0], name, data)
    except UnreadableFile as error:
        assert str(error) and "\n" not in str(error)


# --- workbooks ------------------------------------------------------------------------------------

BOOK_EXAMPLES = max(15, EXAMPLES // 20)


@fuzz(BOOK_EXAMPLES)
@given(between(GOOD["xlsx"], st.lists(odd_cell, max_size=9)))
def test_odd_cells_cost_only_their_row(tmp_path, pieces):
    check_mixed(tmp_path, "xlsx", pieces)


@st.composite
def damaged_book(draw) -> bytes:
    """A workbook damaged as it lies, or in one of its parts and packed again."""
    if draw(st.booleans()):
        return draw(damaged(BOOK))
    spoiled = draw(st.sampled_from([*PARTS, *["xl/worksheets/sheet1.xml"] * 6]))
    return packed({**PARTS, spoiled: draw(damaged(PARTS[spoiled]))})


@fuzz(BOOK_EXAMPLES)
@given(damaged_book())
def test_a_damaged_workbook_is_read_or_set_aside(tmp_path, data):
    try:
        run(tmp_path, BOOKS, "a.xlsx", data)
    except UnreadableFile as error:
        assert str(error) and "\n" not in str(error)
