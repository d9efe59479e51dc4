"""Damaged input through every reader: nothing crashes, every row is accounted for, good rows stay.

`GOVLAKE_FUZZ_EXAMPLES` files per reader (default 60, always the same; XLSX a quarter to a twentieth).
Each file holds known good rows with damaged pieces between them.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.taking_in import take_in
from quality.judging import judge
from schemas import tables
from schemas.contract import PROVENANCE
from schemas.feeds import BY_NAME, sources
from warehouse import journal
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.readers import UnreadableFile
from warehouse.readers.objects import ObjectReader
from warehouse.readers.shapes import GeoJsonReader
from warehouse.readers.tables import CsvReader, XlsxReader

EXAMPLES = int(os.environ.get("GOVLAKE_FUZZ_EXAMPLES", "60"))


def fuzz(examples: int = EXAMPLES) -> settings:
    return settings(max_examples=examples, deadline=None, database=None, print_blob=True,
                    derandomize="GOVLAKE_FUZZ_EXAMPLES" not in os.environ,
                    suppress_health_check=list(HealthCheck))  # fmt: skip


# --- damage ---------------------------------------------------------------------------------------

ODD_JSON = [
    "null", "true", "[]", "{}", '""', "NaN", "-Infinity", "1e400", "-1e-400", "9" * 400, "-0",
    "9" * 5000, "0x1", "1.", "01", "'x'", r'"\ud800"', r'"\udc00\ud800"', r'"\u0000"', '"\x00"',
    '"\x1f"', '{"Data":"x"}', '[[{"a":1}]]', "[" * 10_000 + "]" * 10_000, "[" * 10_000,
    '{"a":' * 900 + "1" + "}" * 900, "[" * 900 + "]" * 900, json.dumps("长" * 70_000), "undefined",
    '{"type":"Point","coordinates":[1e308,-1e308]}', '{"type":"Point","coordinates":["x"]}',
    '{"type":"Polygon","coordinates":[[[0,0],[1,1],[1,0],[0,1],[0,0]]]}',
    '{"type":"GeometryCollection","geometries":[{"type":"GeometryCollection","geometries":[]}]}',
]  # fmt: skip
ODD_TEXT = [
    "", " ", "\ufffd", "\x00", "x\x00", "\u202e", "\ufeff", "nan", "-inf", "1e999", "1_000", "١٢٣",
    "２０２６１１０１００００００", "-9223372036854775809", "9" * 60, "20260230000000", "00000000000000",
    "99999999999999", "2026-13-45 99:99:99", "9999-12-31T23:59:59.999999999+14:00", "2026年13月1日",
    "0001-01-01T00:00:00-99:99", "2026-11-01T08:00:00+08:60", "1900-01-01 00:00:00.1234567890",
    "2026/1/1 1:00", "2026-11-01 24:00:00", "2026-11-01 23:59:60", "=1+1", '"', '"a\nb', ",,,", "\r",
]  # fmt: skip
ODD_BYTES = [b"\x00", b"\xff\xfe", b"\xc3(", b"\x80", b"\xed\xa0\x80", b"\xc4\n\xc4", b"\x810", b'"',
             b"\\", b",", b"{", b"[", b"}", b"\n", b"\r", b"\r\n", b'"Disposition', b'ListObject"',
             b"\xef\xbb\xbf", b"\xe2\x80\xa8", "长\u3000".encode(), "\U00020bb7".encode("gb18030")]  # fmt: skip

odd_text = st.sampled_from(ODD_TEXT) | st.text(max_size=30)
odd_json = st.sampled_from(ODD_JSON) | odd_text.map(json.dumps) | st.integers().map(str)
odd_bytes = st.sampled_from(ODD_BYTES) | st.binary(max_size=40)


@st.composite
def damaged(draw, piece: bytes) -> bytes:
    """A piece truncated, with bytes put in, put over or taken out, in another encoding, or junk."""
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(piece)))
        cut = draw(st.sampled_from([0, 0, 1, 2, 9, 40, 10**9]))
        piece = piece[:at] + draw(odd_bytes) + piece[at + cut :]
    return draw(st.sampled_from([piece] * 8 + [piece.decode("utf-8", "replace").encode("utf-16")]))


@st.composite
def odd_object(draw, fields: dict) -> bytes:
    """A JSON object some of whose fields hold odd values, are missing, or stand there twice."""
    texts = [(json.dumps(name), json.dumps(value)) for name, value in fields.items()]
    for at in draw(st.lists(st.integers(0, len(texts) - 1), min_size=1, max_size=4)):
        name, _ = texts[at]
        odd = (name, draw(odd_json))
        texts[at : at + 1] = draw(st.sampled_from([[odd], [odd], [odd], [], [odd, texts[at]],
                                                   [texts[at], odd]]))  # fmt: skip
        texts = texts or [odd]
    return "{{{}}}".format(",".join(f"{n}:{v}" for n, v in texts)).encode("utf-8")


def between(good: list[bytes], bad: st.SearchStrategy[bytes]) -> st.SearchStrategy:
    """Good pieces by position (more than damaged ones), damaged pieces as they are, mixed."""
    one = st.tuples(st.permutations(range(len(good))), st.lists(bad, min_size=1, max_size=4))
    return one.map(lambda d: [x for i, b in enumerate(d[1]) for x in (d[0][i], b)] + [d[0][-1]])


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
        assert judged.quarantined.select(pl.col("rules").list.len().min()).item() in (None, *range(1, 99))
        json.dumps(judged.quarantined["row"].to_list()).encode()
        self.numbers.update(texts["row_number"])
        rows = judged.accepted.drop(PROVENANCE)
        before = self.accepted.get(feed)
        self.accepted[feed] = rows if before is None else pl.concat([before, rows])

    def holds(self, good: "Outcome") -> bool:
        """Whether every accepted row of another file is accepted here too, to the last value."""
        return all(
            rows.join(self.accepted[feed], on=rows.columns, how="anti", nulls_equal=True).is_empty()
            for feed, rows in good.accepted.items() if rows.height
        )  # fmt: skip


FOLDER = Path(tempfile.mkdtemp(prefix="govlake-fuzz-"))


def run(reader: Callable, name: str, data: bytes) -> Outcome:
    path = FOLDER / name
    path.write_bytes(data)
    return Outcome(reader, path)


@cache
def alone(form: str, at: int) -> Outcome:
    """What a good piece gives with no damage around it."""
    outcome = run(*FILES[form](GOOD[form][at : at + 1]))
    assert sum(rows.height for rows in outcome.accepted.values()) >= 1
    return outcome


def check_mixed(form: str, pieces: list) -> Outcome:
    """Run a file of good and damaged pieces; the good ones must all be there."""
    outcome = run(*FILES[form]([GOOD[form][p] if isinstance(p, int) else p for p in pieces]))
    assert all(outcome.holds(alone(form, p)) for p in pieces if isinstance(p, int))
    return outcome
