"""Counts that read only new data files equal counts of everything, whatever happened in between."""

from __future__ import annotations

import os
from collections import Counter
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import tables
from schemas.contract import polars_schema
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.tallies import tally
from warehouse.tidying import data_files

DAILY = tables.table("silver", "grid_cases_merges")  # partitioned by event_day
WHOLE = tables.table("silver", "areas_merges")
DAYS = [date(2026, 11, day) for day in (18, 19, 20)]
BY = ("outcome", "event_day")

one_row = st.tuples(st.integers(0, 2), st.sampled_from(["merged", "superseded"]))
step = st.one_of(
    st.tuples(st.just("append"), st.lists(one_row, min_size=1, max_size=4)),
    st.tuples(st.just("replace"), st.lists(one_row, max_size=4)),
    st.tuples(st.just("compact"), st.just([])),
    st.tuples(st.just("back"), st.just([])),
    st.tuples(st.just("look"), st.just([])),
)


def rows(found: list[tuple[int, str]]) -> pl.DataFrame:
    return pl.DataFrame(
        [{"event_day": DAYS[day], "entity_id": f"{day}", "version_at": None, "merged_into": "x",
          "outcome": outcome, "rule": "r"} for day, outcome in found],
        schema=polars_schema(DAILY.contract),
    )  # fmt: skip


def counted(lake: Lake, *, whole: bool = False) -> dict[tuple, int]:
    found = tally(lake, DAILY, BY, whole=whole)
    return {(outcome, day): n for outcome, day, n in found.select(*BY, "rows").iter_rows()}


def in_plain_python(lake: Lake) -> dict[tuple, int]:
    return dict(Counter(lake.read(DAILY, list(BY)).iter_rows()))


@settings(deadline=None, max_examples=15)
@given(st.lists(step, min_size=1, max_size=6))
def test_a_tally_is_the_count_of_the_rows_there_are(tmp_path_factory, steps) -> None:
    lake = Lake(Home(tmp_path_factory.mktemp("lake")))
    for what, found in steps:
        frame = rows(found)
        if what == "append":
            lake.append(DAILY, frame)
        elif what == "replace":
            lake.replace_parts(DAILY, frame, frame["event_day"].unique())
        elif what == "compact" and lake.exists(DAILY):
            lake.compact(DAILY)
        elif what == "back" and (lake.version(DAILY) or 0) > 1:
            lake.restore(DAILY, 1)
        if what == "look":
            assert counted(lake) == in_plain_python(lake)
    assert counted(lake) == in_plain_python(lake) == counted(lake, whole=True)


def test_sums_of_a_column_and_tables_without_parts_or_rows(lake: Lake) -> None:
    assert tally(lake, WHOLE, ("outcome",)).is_empty()
    assert tally(lake, WHOLE, ())["rows"].to_list() == [0]
    lake.create(WHOLE)
    assert tally(lake, WHOLE, ())["rows"].to_list() == [0]
    lake.append(WHOLE, rows([(0, "merged"), (1, "merged")]))
    assert tally(lake, WHOLE, ())["rows"].to_list() == [2]
    assert tally(lake, WHOLE, ("outcome",)).rows() == [("merged", 2)], "counted otherwise before"
    values = tables.table("statistics", "daily_values")
    parts = [(DAYS[0], "district", 2.5), (DAYS[0], "district", 1.0), (DAYS[1], "street", 4.0)]
    lake.append(values, pl.DataFrame(
        [{"value_day": d, "metric_id": "m", "tier": t, "area_code": "a", "value": v}
         for d, t, v in parts]))  # fmt: skip
    found = tally(lake, values, ("tier", "value_day"), "value")
    assert sorted(found.rows()) == [("district", DAYS[0], 3.5), ("street", DAYS[1], 4.0)]


@pytest.fixture
def file(lake: Lake) -> Path:
    """The one data file of a table that was counted; then a second one is appended."""
    lake.append(DAILY, rows([(0, "merged"), (0, "merged")]))
    assert counted(lake) == {("merged", DAYS[0]): 2}
    path = lake.path(DAILY) / data_files(lake, DAILY)["path"][0]
    lake.append(DAILY, rows([(1, "superseded")]))
    return path


BOTH = {("merged", DAYS[0]): 2, ("superseded", DAYS[1]): 1}


def test_a_data_file_is_read_once(lake: Lake, file: Path) -> None:
    about = file.stat()
    file.write_bytes(b"\0" * about.st_size)
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert counted(lake) == BOTH, "what was counted is not read again"
    with pytest.raises(pl.exceptions.PolarsError):
        counted(lake, whole=True)


def test_a_data_file_changed_on_the_disk_is_counted_again(lake: Lake, file: Path) -> None:
    assert counted(lake) == BOTH
    pl.read_parquet(file).head(1).write_parquet(file)
    assert counted(lake) == {**BOTH, ("merged", DAYS[0]): 1}


def test_rows_of_a_lost_data_file_are_missed_until_it_is_back(lake: Lake, file: Path) -> None:
    assert counted(lake) == BOTH
    file.rename(away := file.with_suffix(".away"))
    assert counted(lake) == {("superseded", DAYS[1]): 1}
    away.rename(file)
    assert counted(lake) == BOTH


def test_without_its_notes_or_with_damaged_ones_everything_is_counted(
    lake: Lake, file: Path
) -> None:
    (notes,) = (lake.home.lake / "ops" / "_tallies").iterdir()
    notes.write_bytes(b"no parquet")
    assert counted(lake) == BOTH
    notes.unlink()
    assert counted(lake) == BOTH
