"""The lake on real Delta tables: round trips, what it refuses, and what it never says."""

from __future__ import annotations

import stat
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import tables
from schemas.contract import INSTANT, polars_schema
from schemas.protection import RESTRICTED_LAYERS
from warehouse import builds
from warehouse.home import Home, HomeError
from warehouse.lake import Lake, LakeError, comments, conform, empty

DAILY = tables.table("silver", "grid_cases_merges")  # partitioned by event_day
WHOLE = tables.table("silver", "areas_merges")
NAMED = tables.table("ops", "builds")  # partitioned by a text
DAYS = [date(2026, 11, day) for day in (18, 19, 20)]
SECRET = "陈一"

Row = dict[str, Any]


def merge(name: str, day: date | None = DAYS[0], **more: Any) -> Row:
    return {"event_day": day, "entity_id": name, "version_at": None, "merged_into": name,
            "outcome": "merged", "rule": "r"} | more  # fmt: skip


def rows(*found: Row) -> pl.DataFrame:
    return pl.DataFrame(found, schema=polars_schema(DAILY.contract))


def names(lake: Lake, table: tables.Table = DAILY, **where: Any) -> list[str]:
    return sorted(lake.read(table, ["entity_id"], **where)["entity_id"])


@pytest.mark.parametrize("table", tables.TABLES, ids=[t.label for t in tables.TABLES])
def test_a_created_table_is_empty_and_has_its_contracts_columns(table, lake: Lake) -> None:
    assert lake.version(table) is None
    assert lake.read(table).equals(empty(table.contract))
    lake.create(table)
    lake.create(table)
    assert (lake.version(table), lake.exists(table)) == (0, True)
    assert lake.read(table).schema == pl.Schema(polars_schema(table.contract))
    delta = DeltaTable(str(lake.path(table)))
    assert delta.metadata().partition_columns == [c for c in [table.partition_by] if c]
    assert (delta.metadata().name, delta.metadata().description) == (table.label, table.zh)
    assert set(comments(table)) == set(table.contract.columns())


def test_rows_are_appended_replaced_and_deleted(lake: Lake) -> None:
    lake.append(WHOLE, rows(merge("a"), merge("b")))
    lake.append(WHOLE, rows())
    assert (names(lake, WHOLE), lake.version(WHOLE)) == (["a", "b"], 1)
    lake.append(WHOLE, rows(merge("b")))
    assert names(lake, WHOLE) == ["a", "b", "b"]
    lake.delete(WHOLE, "entity_id = 'b'")
    assert names(lake, WHOLE) == ["a"]
    lake.replace(WHOLE, rows(merge("c")))
    assert names(lake, WHOLE) == ["c"]
    lake.replace(WHOLE, rows())
    assert names(lake, WHOLE) == []


def test_only_the_named_days_are_replaced(lake: Lake) -> None:
    lake.append(DAILY, rows(*(merge(f"{i}", day) for i, day in enumerate(DAYS))))
    lake.replace_parts(DAILY, rows(merge("new", DAYS[1])), DAYS[:2])
    assert names(lake) == ["2", "new"]
    assert names(lake, days=[DAYS[1]]) == ["new"]
    before = lake.version(DAILY)
    lake.replace_parts(DAILY, rows(), [])
    assert (lake.version(DAILY), names(lake)) == (before, ["2", "new"])


@settings(deadline=None, max_examples=8)
@given(st.lists(st.tuples(st.sets(st.integers(0, 2), min_size=1),
                          st.lists(st.sampled_from("abcd"), max_size=3)),
                min_size=1, max_size=4))  # fmt: skip
def test_replacing_days_agrees_with_a_dictionary_of_days(tmp_path_factory, steps) -> None:
    lake = Lake(Home(tmp_path_factory.mktemp("lake")))
    held: dict[int, list[str]] = {}
    for parts, found in steps:
        held |= {part: list(found) for part in parts}
        fresh = [merge(name, DAYS[part]) for part in parts for name in found]
        lake.replace_parts(DAILY, rows(*fresh), [DAYS[part] for part in parts])
    for wanted in ([0], [1, 2], [0, 2], []):
        expected = sorted(name for day in wanted for name in held.get(day, []))
        assert names(lake, days=[DAYS[day] for day in wanted]) == expected
    assert names(lake) == sorted(name for found in held.values() for name in found)


def test_parts_can_be_texts(lake: Lake) -> None:
    for label, count in (("silver.areas", 1), ("silver.devices", 2), ("silver.areas", 3)):
        part = pl.DataFrame({"table_key": [label], "part": ["all"], "inputs": ["i"],
                             "content": ["c"], "rows": [count]})  # fmt: skip
        lake.replace_parts(NAMED, part, [label])
    held = dict(lake.read(NAMED, ["table_key", "rows"]).rows())
    assert held == {"silver.areas": 3, "silver.devices": 2}


def test_a_table_goes_back_to_an_earlier_version_or_to_nothing(lake: Lake) -> None:
    lake.restore(WHOLE, None)
    lake.restore(WHOLE, 3)
    assert not lake.exists(WHOLE)
    lake.append(WHOLE, rows(merge("a")))
    version = lake.version(WHOLE)
    lake.append(WHOLE, rows(merge("b")))
    lake.restore(WHOLE, version)
    assert names(lake, WHOLE) == ["a"]
    lake.append(WHOLE, rows(merge("c")))
    lake.restore(WHOLE, None)
    assert names(lake, WHOLE) == []


def test_what_is_written_has_the_contracts_types_and_order(lake: Lake) -> None:
    loose = pl.DataFrame({"rows": pl.Series([2, 1], dtype=pl.UInt8), "more": ["x", "y"],
                          "content": ["c", "c"], "inputs": ["i", "i"], "part": ["a", "b"],
                          "table_key": ["t2", "t1"]})  # fmt: skip
    lake.append(NAMED, loose)
    read = lake.read(NAMED)
    assert read.schema == pl.Schema(polars_schema(NAMED.contract))
    assert conform(NAMED, loose)["table_key"].to_list() == ["t1", "t2"]
    assert conform(DAILY, rows(merge("b"), merge("a")))["entity_id"].to_list() == ["a", "b"]


def refusal(action) -> str:
    with pytest.raises(LakeError) as caught:
        action()
    message = str(caught.value)
    assert SECRET not in message
    assert caught.value.__cause__ is None
    return message


def test_what_does_not_fit_is_refused_without_naming_a_value(lake: Lake) -> None:
    lake.append(DAILY, rows(merge("a")))
    good = rows(merge(SECRET))
    outside = rows(merge(SECRET, DAYS[1]), merge("b", DAYS[0]))
    said = {
        "nulls where the contract forbids them: outcome, rule":
            lambda: lake.append(DAILY, rows(merge(SECRET, outcome=None, rule=None))),
        "columns missing before writing: outcome, rule":
            lambda: lake.append(DAILY, good.drop("rule", "outcome")),
        "1 rows lie outside the parts": lambda: lake.replace_parts(DAILY, outside, [DAYS[0]]),
        "failed validation":
            lambda: lake.replace_parts(DAILY, rows(merge(SECRET, None)), [DAYS[0]]),
        "no partitions to replace": lambda: lake.replace_parts(WHOLE, good, [DAYS[0]]),
        "is not partitioned by day": lambda: lake.read(WHOLE, days=[DAYS[0]]),
        "No field named": lambda: lake.delete(DAILY, f"nothing = '{SECRET}'"),
    }  # fmt: skip
    for words, action in said.items():
        assert words in refusal(action)
    assert names(lake) == ["a"]


def test_a_value_that_cannot_be_cast_is_not_quoted(lake: Lake) -> None:
    part = pl.DataFrame({"table_key": ["t"], "part": ["p"], "inputs": ["i"], "content": ["c"],
                         "rows": [SECRET]})  # fmt: skip
    assert "rows" in refusal(lambda: lake.append(NAMED, part))


def test_a_damaged_table_is_named_with_a_way_out(lake: Lake) -> None:
    lake.append(WHOLE, rows(merge(SECRET)))
    log = lake.path(WHOLE) / "_delta_log"
    for entry in log.iterdir():
        entry.unlink()
    said = refusal(lambda: lake.version(WHOLE))
    assert "silver.areas_merges cannot be opened" in said
    assert "from backup, or move the whole lake" in said


# Who may look.


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_restricted_zone_is_closed_to_others(lake: Lake) -> None:
    home = lake.home
    for table in tables.TABLES:
        if table.layer in RESTRICTED_LAYERS:
            lake.create(table)
            assert mode(lake.path(table)) == 0o700, table.label
    layers = [home.lake / layer for layer in RESTRICTED_LAYERS]
    zone = (home.landing, *layers, home.receipts, home.keys)
    assert {mode(path) for path in zone} == {0o700}


def test_a_key_is_made_once_and_is_its_owners_alone(home: Home) -> None:
    key = home.key("passage")
    path = home.keys / "passage.key"
    assert (len(key), mode(path)) == (32, 0o600)
    assert Home(home.root).key("passage") == key != home.key("population")
    assert sorted(p.name for p in home.keys.iterdir()) == ["passage.key", "population.key"]
    for others in (0o644, 0o640, 0o604):
        path.chmod(others)
        with pytest.raises(HomeError, match="chmod 600"):
            home.key("passage")
    path.chmod(0o600)
    path.write_text(key.hex()[:-1])
    with pytest.raises(HomeError, match="damaged"):
        home.key("passage")


def test_a_home_is_held_against_other_processes_and_shared_within_one(home: Home) -> None:
    ask = (
        f"from pathlib import Path; from warehouse.home import Home; Home(Path({str(home.root)!r}))"
    )
    with home.locked(), Home(home.root).locked():
        other = subprocess.run(
            [sys.executable, "-c", f"{ask}.locked().__enter__()"], capture_output=True, text=True
        )
        assert "another run is at work" in other.stderr
    free = subprocess.run([sys.executable, "-c", f"{ask}.locked().__enter__()"])
    assert free.returncode == 0


# Noticing change.

frames = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([None, *DAYS])), max_size=6)


@settings(deadline=None, max_examples=60)
@given(frames, frames, st.randoms())
def test_equal_rows_in_any_order_have_equal_fingerprints_and_others_do_not(one, two, rng) -> None:
    def digest(found: list[tuple]) -> str:
        return builds.content_fingerprint(rows(*(merge(n, day) for n, day in found)))

    shuffled = rng.sample(one, len(one))
    assert digest(one) == digest(shuffled)
    assert (digest(one) == digest(two)) == (sorted(one, key=repr) == sorted(two, key=repr))


def test_instants_are_stored_in_utc(lake: Lake) -> None:
    assert polars_schema(DAILY.contract)["version_at"] == INSTANT
