"""It counts places and protects people: held over every table, file and log of a real run."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import duckdb
import polars as pl
import pytest
from support import newest_values

from schemas import tables
from schemas.contract import private_columns
from schemas.feeds import FEEDS
from schemas.protection import (
    FORBIDDEN_COLUMN,
    RESTRICTED_LAYERS,
    SMALLEST_PERSON_COUNT,
    dropped_fields,
)
from warehouse import serving
from warehouse.home import Home
from warehouse.lake import Lake

pytestmark = pytest.mark.slow

MARKER = "FORBIDDEN"
"""The demo plants this word in the values of fields that must never be stored."""


@pytest.fixture(scope="module")
def direct_values(demo_run: Home) -> set[str]:
    """Every identity number, name, phone and plate that the restricted zone holds."""
    lake, found = Lake(demo_run), set()
    zone = [tables.table("bronze", feed.name) for feed in FEEDS]
    for table in [*zone, *(t for t in tables.TABLES if t.layer == "persons")]:
        columns = private_columns(table.contract, "direct")
        if columns:
            rows = lake.read(table, columns)
            for column in columns:
                # short values that say nothing would match by chance; names are whole words
                least = 3 if column == "person_name" else 7
                said = rows[column].drop_nulls().unique()
                found.update(said.filter(said.str.len_chars() >= least))
    assert len(found) > 500
    return found


def texts_outside_the_restricted_zone(home: Home) -> dict[str, pl.Series]:
    """Every text column of every derived table, serving file and export."""
    lake, found = Lake(home), {}
    for table in tables.TABLES:
        if not table.is_restricted:
            rows = lake.read(table)
            for name, dtype in rows.schema.items():
                if dtype == pl.String:
                    found[f"{table.label}.{name}"] = rows[name].drop_nulls()
    for path in sorted((home.exports / "latest").rglob("*.parquet")):
        rows = pl.read_parquet(path)
        for name, dtype in rows.schema.items():
            if dtype == pl.String:
                found[f"{path.name}.{name}"] = rows[name].drop_nulls()
    return found


def test_no_direct_value_leaves_the_restricted_zone(
    demo_run: Home, direct_values: set[str]
) -> None:
    texts = texts_outside_the_restricted_zone(demo_run)
    assert len(texts) > 100
    for where, column in texts.items():
        leaked = set(column.unique()) & direct_values
        assert not leaked, f"{len(leaked)} direct values in {where}"
    identity = re.compile(r"\b\d{17}[\dX]\b")
    for where, column in texts.items():
        # capture and device ids are longer runs of digits; identity numbers stand alone
        assert not column.str.contains(identity.pattern).any(), f"identity numbers in {where}"


def test_persons_stand_in_clear_in_the_restricted_zone_alone(demo_run: Home) -> None:
    own = [t for t in tables.TABLES if t.layer == "persons"]
    assert {t.name for t in own} == {"records", "links", "golden", "conflicts"}
    lake = Lake(demo_run)
    for table in own:
        assert table.is_restricted
        assert not table.served
        assert table.sharing == "restricted"
        assert private_columns(table.contract, "direct")
        assert lake.read(table).height > 0, table.label
        assert stat.S_IMODE(lake.path(table).stat().st_mode) == 0o700
    published = [p.name for p in (demo_run.exports / "latest").rglob("*")]
    assert len(published) > 20
    file = serving.serving_file(demo_run.serving)
    with duckdb.connect(str(file), read_only=True) as connection:
        published += [name for (name,) in connection.execute(
            "SELECT table_name FROM duckdb_tables()").fetchall()]  # fmt: skip
    names = re.compile("golden|conflict|links|records|persons")
    assert [name for name in published if names.search(name)] == []


def test_tokens_cannot_be_undone_by_the_values_they_stand_for(
    demo_run: Home, direct_values: set[str]
) -> None:
    residents = Lake(demo_run).read(tables.table("silver", "residents"), ["person_token"])
    assert residents["person_token"].n_unique() == residents.height
    assert residents["person_token"].str.contains("^[0-9a-f]{24}$").all()
    vehicles = Lake(demo_run).read(tables.table("silver", "vehicle_passages"))
    of_days = vehicles.drop_nulls("plate_token").group_by("plate_token").agg(
        pl.col("device_id").n_unique(), pl.col("shot_day").n_unique()
    )  # fmt: skip
    assert (of_days["device_id"] == 1).all()
    assert (of_days["shot_day"] == 1).all()


def test_no_table_has_a_forbidden_column(demo_run: Home) -> None:
    names = [(t.label, c) for t in tables.TABLES for c in Lake(demo_run).read(t).columns]
    file = serving.serving_file(demo_run.serving)
    with duckdb.connect(str(file), read_only=True) as connection:
        names += connection.execute(
            "SELECT table_name, column_name FROM duckdb_columns()"
        ).fetchall()
    assert [n for n in names if FORBIDDEN_COLUMN.search(n[1])] == []


def files_of(home: Home) -> list[Path]:
    """Everything a run wrote, landing and truth apart."""
    apart = {home.landing, home.root / "demo"}
    return [
        path
        for path in home.root.rglob("*")
        if path.is_file() and not any(folder in path.parents for folder in apart)
    ]


def test_values_of_forbidden_fields_are_nowhere_in_any_layer(demo_run: Home) -> None:
    landed = b"".join(p.read_bytes() for p in (demo_run.landing / "captures").glob("*.ndjson"))
    assert MARKER.encode() in landed, "the demo no longer plants forbidden values"
    lake = Lake(demo_run)
    for table in tables.TABLES:
        for name, dtype in (rows := lake.read(table)).schema.items():
            if dtype == pl.String:
                assert not rows[name].str.contains(MARKER).any(), f"{table.label}.{name}"
    for path in files_of(demo_run):
        if path.suffix != ".parquet":  # parquet pages are packed; the tables were read above
            assert MARKER.encode() not in path.read_bytes(), path


def test_forbidden_fields_are_counted_by_name(demo_run: Home) -> None:
    accounts = Lake(demo_run).read(tables.table("ops", "row_accounts"))
    counted: dict[str, int] = {}
    for text in accounts["dropped_fields"]:
        for name, times in json.loads(text).items():
            counted[name] = counted.get(name, 0) + times
    assert set(counted) <= dropped_fields()
    assert {"IDNumber", "GenderCode", "Data"} <= set(counted)
    unknown = "".join(accounts["unknown_fields"])
    assert "VendorX" in unknown


def test_logs_hold_no_direct_value(demo_run: Home, direct_values: set[str]) -> None:
    logs = [
        p for p in files_of(demo_run)
        if demo_run.dagster in p.parents or p.name == "done" or demo_run.receipts in p.parents
    ]  # fmt: skip
    assert len(logs) > 10
    words = re.compile(rb"[0-9A-Za-z\x80-\xff]{7,}")
    for path in logs:
        met = {w.decode("utf-8", "ignore") for w in words.findall(path.read_bytes())}
        assert not met & direct_values, path


def test_the_restricted_zone_is_closed_to_others(demo_run: Home) -> None:
    layers = [demo_run.lake / layer for layer in RESTRICTED_LAYERS]
    for folder in (demo_run.landing, demo_run.receipts, demo_run.keys, *layers):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder
    keys = list(demo_run.keys.iterdir())
    assert {key.stem for key in keys} == {
        "passage",
        "population",
        "employment",
        "party",
        "welfare",
        "governance",
    }
    assert all(stat.S_IMODE(key.stat().st_mode) == 0o600 for key in keys)


def test_small_counts_of_persons_are_withheld_where_they_are_published(demo_run: Home) -> None:
    lake = Lake(demo_run)
    small = newest_values(lake).filter(
        pl.col("metric_id").str.starts_with("population")
        & pl.col("value").is_between(1, SMALLEST_PERSON_COUNT - 1)
    )
    assert small.height > 0, "the demo has no small communities to protect"
    file = serving.serving_file(demo_run.serving)
    with duckdb.connect(str(file), read_only=True) as connection:
        shown = connection.execute(
            "SELECT count(*) FROM metric_values JOIN metrics USING (metric_id) "
            "WHERE counts_persons AND kind = 'sum' "
            f"AND value BETWEEN 1 AND {SMALLEST_PERSON_COUNT - 1}"
        ).fetchone()
        withheld = connection.execute(
            "SELECT count(*) FROM metric_values WHERE is_withheld AND value IS NULL"
        ).fetchone()
        counts = {
            (table.name, column): connection.execute(
                f"SELECT count(*), count({column}) FROM {table.name} "
                f"WHERE {column} IS NULL OR {column} BETWEEN 1 AND {SMALLEST_PERSON_COUNT - 1}"
            ).fetchone()
            for table in tables.TABLES if table.layer == "topics" and table.served
            for column in private_columns(table.contract, "sensitive")
        }  # fmt: skip
    assert shown == (0,)
    assert {name for name, _ in counts} >= {
        "population_counts", "rentals_counts", "small_places_counts", "employment_counts",
        "party_member_counts", "welfare_counts",
    }  # fmt: skip
    assert all(hidden > 0 and told == 0 for hidden, told in counts.values()), counts
    assert withheld is not None
    assert withheld[0] >= small.height


def test_an_area_file_holds_nothing_of_its_neighbours(demo_run: Home) -> None:
    for file in sorted((demo_run.serving / serving.CURRENT).glob("350299001*.duckdb"))[:4]:
        code = file.stem
        with duckdb.connect(str(file), read_only=True) as connection:
            columns = connection.execute(
                "SELECT table_name, column_name FROM duckdb_columns() "
                "WHERE column_name IN ('area_code', 'community_code')"
            ).fetchall()
            for table, column in columns:
                if table == "parent_values":
                    continue
                others = connection.execute(
                    f'SELECT count(*) FROM "{table}" '
                    f"WHERE {column} IS NULL OR NOT starts_with({column}, '{code}')"
                ).fetchone()
                assert others == (0,), f"{file.name}: {table}.{column}"


def test_serving_files_are_not_world_readable(demo_run: Home) -> None:
    mode = serving.serving_file(demo_run.serving).stat().st_mode
    assert stat.S_IMODE(mode) & 0o007 == 0
