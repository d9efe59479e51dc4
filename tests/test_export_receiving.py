"""What a receiver gets: rows every reader agrees on, contracts, a catalogue, and a check of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow.dataset as ds
import pyspark
import pytest
import yaml
from export_examples import AS_OF, day_rows, days, received, released, stock
from support import govlake

from warehouse import exports
from warehouse.exports import CATALOGUE, CONTRACT, MANIFEST, SUCCESS, manifest_of
from warehouse.home import Home
from warehouse.receiving import check_release


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A release as somebody received it."""
    made = released(tmp_path / "exports", "r1", days(day_rows([[1, 2], [3], [4, 5, 6]])), stock())
    return received(made, tmp_path / "received")


# --- readers -------------------------------------------------------------------------------------


def duckdb_rows(folder: Path) -> list[dict[str, Any]]:
    with duckdb.connect() as connection:
        query = f"FROM read_parquet('{folder}/**/*.parquet', hive_partitioning = true)"
        return connection.execute(query).to_arrow_table().to_pylist()


def polars_rows(folder: Path) -> list[dict[str, Any]]:
    return pl.read_parquet(folder, hive_partitioning=True).to_dicts()


def pandas_rows(folder: Path) -> list[dict[str, Any]]:
    frame = pd.read_parquet(folder, dtype_backend="pyarrow")
    return [{str(k): None if v is pd.NA else v for k, v in row.items()}
            for row in frame.to_dict("records")]  # fmt: skip


def arrow_rows(folder: Path) -> list[dict[str, Any]]:
    return ds.dataset(folder, partitioning="hive").to_table().to_pylist()


SPARK = """
import json, sys
from pyspark.sql import SparkSession
builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
spark = builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
rows = [row.asDict() for row in spark.read.parquet(sys.argv[1]).collect()]
print(json.dumps(rows, default=str))
"""


def spark_rows(folder: Path) -> list[dict[str, Any]]:
    if not (Path(pyspark.__file__).parent / "jars").is_dir():
        pytest.skip("only the client of Spark Connect is installed, which cannot read files")
    done = subprocess.run(  # a process of its own: Spark leaves sockets and a JVM behind
        [sys.executable, "-c", SPARK, str(folder)],
        capture_output=True, text=True, check=True, env={**os.environ, "TZ": "UTC"},
    )  # fmt: skip
    return json.loads(done.stdout)


READERS = {"duckdb": duckdb_rows, "polars": polars_rows, "pandas": pandas_rows,
           "pyarrow": arrow_rows, "spark": spark_rows}  # fmt: skip


def plain(rows: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Rows in one order, days and instants as text, whatever type a reader gives them."""
    found = []
    for row in rows:
        texts = []
        for name, value in sorted(row.items()):
            if name.endswith("_at") and value is not None:
                value = pd.Timestamp(value).strftime("%Y-%m-%d %H:%M:%S.%f")
            texts.append(f"{name}={value}")
        found.append(tuple(texts))
    return sorted(found)


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_sees_the_rows_that_were_published(release: Path, reader: str) -> None:
    for folder, published in (
        (release / "lamps/days", day_rows([[1, 2], [3], [4, 5, 6]])),
        (release / "lamps/stock", stock().rows),
    ):
        assert plain(READERS[reader](folder)) == plain(published.to_dicts())


@pytest.mark.parametrize("reader", READERS)
def test_a_table_without_days_yet_opens_with_its_columns(tmp_path: Path, reader: str) -> None:
    root = released(tmp_path, "r1", days(day_rows([])))
    assert READERS[reader](root / "lamps/days") == []


@pytest.mark.slow
def test_every_table_of_a_real_release_opens_alike(demo_run: Home) -> None:
    root = demo_run.exports / exports.LATEST
    told = manifest_of(root)["tables"]
    assert len(told) > 25
    assert {t["topic"] for t in told} >= {"passage", "governance", "statistics", "rentals"}
    for table in told:
        folder = root / table["folder"]
        seen = {name: plain(READERS[name](folder)) for name in ("duckdb", "polars", "pyarrow")}
        assert len(seen["polars"]) == table["rows"], table["table"]
        assert seen["duckdb"] == seen["polars"] == seen["pyarrow"], table["table"]
    assert sum(t["suppressed"] for t in told) > 0
    checked = check_release(root)
    assert (checked.problems, checked.rows) == ([], sum(t["rows"] for t in told))


# --- contract and catalogue ----------------------------------------------------------------------


def test_a_contract_is_an_odcs_document_of_the_columns_in_the_files(release: Path) -> None:
    contract = yaml.safe_load((release / "lamps" / CONTRACT).read_text())
    for key in ("version", "apiVersion", "kind", "id", "status"):  # required by ODCS 3.0.2
        assert isinstance(contract[key], str)
    assert (contract["apiVersion"], contract["kind"]) == ("v3.0.2", "DataContract")
    assert {"property": "asOf", "value": AS_OF.isoformat(), "driver": "operational"} in (
        contract["slaProperties"]
    )
    daily, whole = contract["schema"]
    assert daily["dataGranularityDescription"] == "community × day"
    columns = {c["name"]: c for c in daily["properties"]}
    files = polars_rows(release / "lamps/days")
    assert set(columns) == set(files[0])
    assert columns["lit_day"]["partitioned"]
    assert columns["lamp_count"]["businessName"] == "路灯数"
    assert columns["lamp_count"]["required"]
    assert {"property": "unit", "value": "盏"} in columns["lamp_count"]["customProperties"]
    keepers = {c["name"]: c for c in whole["properties"]}["keeper_count"]
    assert (keepers["classification"], keepers["required"]) == ("sensitive", False)
    assert "quality" not in keepers  # no promise that a withheld count is present
    kinds = {c["name"]: c for c in whole["properties"]}["lamp_kind"]
    assert "lamp_kind_is_a_known_code" in {rule["name"] for rule in kinds["quality"]}
    known = {"1": "LED", "2": "高压钠灯"}
    assert {"property": "codes", "value": known} in kinds["customProperties"]
    sharing = {c["property"]: c["value"] for c in whole["customProperties"]}
    assert (sharing["sharingClass"], sharing["schemaVersion"]) == ("unconditional", "1.0.0")


def test_the_catalogue_lists_every_data_set_with_its_sharing_class(release: Path) -> None:
    catalogue = json.loads((release / CATALOGUE).read_text())
    assert catalogue["@type"] == "dcat:Catalog"
    sets = {one["dct:identifier"]: one for one in catalogue["dcat:dataset"]}
    assert set(sets) == {"lamps.days", "lamps.stock"}
    daily = sets["lamps.days"]
    assert daily["dct:accessRights"]["skos:prefLabel"][0]["@value"] == "有条件共享"
    assert daily["dct:spatial"]["dct:identifier"] == "350299"
    assert daily["dct:temporal"]["dcat:endDate"]["@value"] == "2026-11-03"
    assert "dct:temporal" not in sets["lamps.stock"]
    for name, one in sets.items():
        held = one["dcat:distribution"]
        folder = release / held["dcat:accessURL"]["@id"]
        size = sum(p.stat().st_size for p in folder.rglob("*.parquet"))
        assert held["dcat:byteSize"]["@value"] == str(size), name
        assert (release / one["dct:conformsTo"]["@id"]).is_file()


# --- checking ------------------------------------------------------------------------------------

STOCK = "lamps/stock/part-0.parquet"


def redone(root: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest and its mark, as a sender at fault would."""
    manifest = manifest_of(root)
    change(manifest)
    (root / MANIFEST).write_text(json.dumps(manifest))
    (root / SUCCESS).write_text(f"{exports.sha256_of(root / MANIFEST)}  {MANIFEST}\n")


def exchanged(root: Path, name: str, data: bytes) -> None:
    """Another file in place of one, listed as if it belonged there."""
    (root / name).write_bytes(data)

    def change(manifest: dict[str, Any]) -> None:
        for entry in [*manifest["files"], *manifest["documents"]]:
            if entry["path"] == name:
                entry.update(bytes=len(data), sha256=exports.sha256_of(root / name))
        for table in manifest["tables"]:
            own = [e for e in manifest["files"] if e["table"] == table["table"]]
            table["sha256"] = exports.digest_of(own)

    redone(root, change)


def rewritten(root: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """Other rows in the stock's file, listed as if they belonged there."""
    change(pl.read_parquet(root / STOCK)).write_parquet(root / "other")
    data = (root / "other").read_bytes()
    (root / "other").unlink()
    exchanged(root, STOCK, data)


def outside(manifest: dict[str, Any]) -> None:
    manifest["documents"][0]["path"] = "../secret"


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no mark": (lambda r: (r / SUCCESS).unlink(), "missing: _SUCCESS"),
    "no manifest": (lambda r: (r / MANIFEST).unlink(), "missing: manifest.json"),
    "manifest changed": (
        lambda r: (r / MANIFEST).write_text((r / MANIFEST).read_text() + " "),
        "changed: manifest.json",
    ),
    "manifest cut off": (lambda r: (r / MANIFEST).write_text("{"), "cannot be read"),
    "of another format": (lambda r: redone(r, lambda m: m.update(format=9)), "format 9"),
    "file gone": (lambda r: (r / STOCK).unlink(), f"missing: {STOCK}"),
    "file cut off": (lambda r: (r / STOCK).write_bytes(b"PAR1"), f"changed: {STOCK} has 4 bytes"),
    "one byte": (
        lambda r: (r / STOCK).write_bytes((r / STOCK).read_bytes()[:-9] + b"x" * 9),
        f"changed: {STOCK} has another sha256",
    ),
    "extra file": (
        lambda r: (r / "lamps/days/lit_day=2026-11-09.parquet").touch(),
        "extra: lamps/days/lit_day=2026-11-09.parquet",
    ),
    "outside": (lambda r: redone(r, outside), "outside: ../secret"),
    "rows of a file": (
        lambda r: redone(r, lambda m: m["files"][0].update(rows=7)),
        "part-0.parquet holds 2, the manifest says 7",
    ),
    "rows of a table": (
        lambda r: redone(r, lambda m: m["tables"][0].update(rows=7)),
        "rows: lamps.days holds 6, the manifest says 7",
    ),
    "digest of a table": (
        lambda r: redone(r, lambda m: m["tables"][0].update(sha256="0")),
        "changed: lamps.days: files are not those",
    ),
    "no parquet": (lambda r: exchanged(r, STOCK, b"x" * 99), "is not a parquet file"),
    "rows": (lambda r: rewritten(r, lambda f: f.head(1)), "holds 1, the manifest says 2"),
    "column gone": (lambda r: rewritten(r, lambda f: f.drop("lamp_kind")), "kind is not there"),
    "column retyped": (
        lambda r: rewritten(r, lambda f: f.cast({"keeper_count": pl.UInt8})),
        "keeper_count is UInt8, contract: int64",
    ),
    "columns shuffled": (
        lambda r: rewritten(r, lambda f: f.select(f.columns[::-1])),
        "columns in another order",
    ),
    "null": (
        lambda r: rewritten(r, lambda f: f.with_columns(lamp_kind=pl.lit(None, pl.String))),
        "lamp_kind is required and null in 2 rows",
    ),
    "contract of another version": (
        lambda r: exchanged(
            r, f"lamps/{CONTRACT}",
            (r / "lamps" / CONTRACT).read_bytes().replace(b"value: 1.0.0", b"value: 1.9.0"),
        ),
        "its contract says 1.9.0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_told_by_its_file(release: Path, what: str) -> None:
    assert check_release(release).problems == []
    damage, words = DAMAGE[what]
    damage(release)
    problems = check_release(release).problems
    assert any(words in line for line in problems), problems


def test_the_command_ends_with_1_where_anything_is_wrong(release: Path) -> None:
    well = govlake("export", "verify", str(release))
    assert "2 tables, 4 files, 8 rows" in well.stdout
    (release / STOCK).unlink()
    ill = govlake("export", "verify", str(release), check=False)
    assert (ill.returncode, ill.stdout) == (1, "")
    assert f"missing: {STOCK}" in ill.stderr
    assert "do not use this release" in ill.stderr
    assert "Traceback" not in ill.stderr


def test_the_list_names_releases_newest_first(home: Home) -> None:
    assert "govlake run" in govlake("export", "list", "--home", str(home.root)).stdout
    for name in ("r1", "r2"):
        released(home.exports, name, stock())
    lines = govlake("export", "list", "--home", str(home.root)).stdout.splitlines()
    found = [line for line in lines if "r1" in line or "r2" in line]
    assert ["r2" in line for line in found] == ["latest" in line for line in found] == [True, False]
