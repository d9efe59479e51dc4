"""Releases: by day, carried over, flipped as a whole; versions that tell if readers still fit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import polars as pl
import pytest
from export_examples import AS_OF, DISTRICT, STOCK, day_rows, days, released, stock, stock_rows
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.exporting import exported, withheld_cells
from schemas import tables
from schemas.published import BreakingChangeError, next_version, published_columns
from warehouse.exports import (
    LATEST,
    MANIFEST,
    SUCCESS,
    ExportedTable,
    ExportError,
    build_release,
    manifest_of,
)
from warehouse.serving import KEEP_GENERATIONS


def versions(root: Path) -> dict[str, str]:
    return {t["table"]: t["version"] for t in manifest_of(root / LATEST)["tables"]}


def refused(root: Path, *made: ExportedTable) -> str:
    """What a release that is refused says; it leaves nothing behind."""
    before = sorted(root.rglob("*"))
    with pytest.raises((BreakingChangeError, ExportError)) as error:
        build_release(root, "refused", AS_OF, made, DISTRICT)
    assert sorted(root.rglob("*")) == before
    assert "\n" not in str(error.value)
    return str(error.value)


counts = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=3), max_size=6)


@settings(max_examples=60, deadline=None)
@given(first=counts, second=counts)
def test_days_whose_rows_did_not_change_are_carried_over(
    tmp_path_factory: pytest.TempPathFactory, first: list[list[int]], second: list[list[int]]
) -> None:
    root = tmp_path_factory.mktemp("exports")
    one = released(root, "r1", days(day_rows(first)))
    two = released(root, "r2", days(day_rows(second).sample(fraction=1, shuffle=True, seed=1)))
    for number in range(max(len(first), len(second))):
        name = f"lamps/days/lit_day=2026-11-{number + 1:02}/part-0.parquet"
        before = first[number] if number < len(first) else None
        after = second[number] if number < len(second) else None
        assert (two / name).exists() == (after is not None)
        if before is not None and after is not None:
            is_linked = (one / name).samefile(two / name)
            assert is_linked == (before == after)


def test_a_linked_file_of_another_length_is_written_again(tmp_path: Path) -> None:
    one = released(tmp_path, "r1", stock())
    damaged = one / "lamps/stock/part-0.parquet"
    damaged.chmod(0o644)
    damaged.write_bytes(b"PAR1")
    two = released(tmp_path, "r2", stock())
    assert pl.read_parquet(two / "lamps/stock/part-0.parquet").equals(stock_rows())


def test_a_manifest_says_what_a_recount_finds(tmp_path: Path) -> None:
    root = released(tmp_path, "r1", days(day_rows([[1, 2], [3]])), stock())
    manifest = json.loads((root / MANIFEST).read_text())
    assert (manifest["release"], manifest["generation"]) == ("r1", "r1")
    assert manifest["as_of"] == AS_OF.isoformat()
    for file in [*manifest["files"], *manifest["documents"]]:
        data = (root / file["path"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file["bytes"], file["sha256"])
    found = {t["table"]: t for t in manifest["tables"]}
    daily, whole = found["lamps.days"], found["lamps.stock"]
    assert (daily["rows"], daily["first_day"], daily["last_day"]) == (3, "2026-11-01", "2026-11-02")
    assert (whole["rows"], whole["suppressed"], whole["sharing"]) == (2, 1, "无条件共享")
    assert (daily["sharing"], daily["version"], daily["day_column"]) == (
        "有条件共享", "1.0.0", "lit_day",
    )  # fmt: skip
    there = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}
    listed = {f["path"] for f in [*manifest["files"], *manifest["documents"]]}
    assert there == listed | {MANIFEST, SUCCESS}


def test_files_are_read_only_and_success_names_the_manifest(tmp_path: Path) -> None:
    root = released(tmp_path, "r1", days(day_rows([[1]])), stock())
    assert all(p.stat().st_mode & 0o222 == 0 for p in root.rglob("*") if p.is_file())
    digest = hashlib.sha256((root / MANIFEST).read_bytes()).hexdigest()
    assert (root / SUCCESS).read_text() == f"{digest}  {MANIFEST}\n"
    assert max(root.rglob("*"), key=lambda p: p.is_file() and p.stat().st_mtime_ns).name == SUCCESS


def test_latest_flips_and_old_releases_go(tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to("r0")
    for number in range(KEEP_GENERATIONS + 2):
        released(tmp_path, f"r{number}", stock(stock_rows(number + 10)))
        assert (tmp_path / LATEST).resolve().name == f"r{number}"
    left = {p.name for p in tmp_path.iterdir()}
    assert left == {LATEST} | {f"r{n}" for n in range(2, KEEP_GENERATIONS + 2)}
    build_release(tmp_path, "aside", AS_OF, [stock()], DISTRICT)
    assert (tmp_path / LATEST).resolve().name == f"r{KEEP_GENERATIONS + 1}"


BROKEN: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], list[str]]] = {
    "removed": (lambda r: r.drop("energy_kwh"), ["energy_kwh was double, now gone"]),
    "renamed": (
        lambda r: r.rename({"energy_kwh": "energy"}),
        ["energy_kwh was double, now gone (renamed to energy?)"],
    ),
    "retyped": (
        lambda r: r.cast({"lamp_count": pl.Float64}),
        ["lamp_count was of type int64, now double"],
    ),
    "instant without a zone": (
        lambda r: r.with_columns(pl.col("seen_at").dt.replace_time_zone(None)),
        ["seen_at was of type timestamp[us, UTC], now timestamp[us, None]"],
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_breaks_readers_needs_a_new_major_version(tmp_path: Path, what: str) -> None:
    change, words = BROKEN[what]
    rows = day_rows([[1, 2], [3]])
    released(tmp_path, "r1", days(rows), stock())
    message = refused(tmp_path, days(change(rows)), stock())
    for word in ["lamps.days 1.0.0", "`major=2`", *words]:
        assert word in message
    two = released(tmp_path, "r2", days(change(rows), major=2), stock())
    assert versions(tmp_path) == {"lamps.days": "2.0.0", "lamps.stock": "1.0.0"}
    assert manifest_of(two)["products"]["lamps"]["version"] == "2.0.0"
    # same values under another name are no unchanged file
    found = pl.read_parquet(two / "lamps/days", hive_partitioning=True)
    assert set(found.columns) == set(change(rows).columns)
    assert "goes back" in refused(tmp_path, days(change(rows)), stock())


def test_the_day_in_the_path_and_promised_values_are_part_of_the_contract(tmp_path: Path) -> None:
    rows = day_rows([[1, 2]])
    released(tmp_path, "r1", days(rows), stock())
    whole = ExportedTable("lamps", "days", days(rows).table, rows)
    assert "lit_day was in the path: True, now False" in refused(tmp_path, whole, stock())
    strict = published_columns(STOCK, stock_rows().schema, None)
    loose = [replace(one, required=False) for one in strict]
    last = {"version": "1.4.2", "columns": [asdict(one) for one in strict]}
    with pytest.raises(BreakingChangeError, match="lamp_kind was never null: True, now False"):
        next_version("lamps.stock", 1, loose, last)
    last["columns"] = [asdict(one) for one in loose]
    assert next_version("lamps.stock", 1, strict, last) == "1.4.3"


def test_additions_and_wording_are_versions_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = day_rows([[1]])
    released(tmp_path, "r1", days(rows), stock())
    released(tmp_path, "r2", days(rows.with_columns(is_new=True)), stock())
    assert versions(tmp_path) == {"lamps.days": "1.1.0", "lamps.stock": "1.0.0"}
    metadata = days(rows).table.contract.columns()["lamp_count"].metadata
    assert metadata is not None
    monkeypatch.setitem(metadata, "zh", "灯数")
    last = released(tmp_path, "r3", days(rows.with_columns(is_new=True)), stock())
    assert versions(tmp_path)["lamps.days"] == "1.1.1"
    assert manifest_of(last)["products"]["lamps"]["version"] == "1.1.1"


def test_a_table_never_vanishes_in_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released(tmp_path, "r1", days(day_rows([[1]])), stock())
    assert "lamps.stock: published before, now gone" in refused(tmp_path, days(day_rows([[1]])))
    monkeypatch.setattr("schemas.published.WITHDRAWN", frozenset({"lamps.stock"}))
    two = released(tmp_path, "r2", days(day_rows([[1]])))
    assert manifest_of(two)["products"]["lamps"]["version"] == "2.0.0"


def test_what_its_classes_forbid_is_not_exported(tmp_path: Path) -> None:
    silver = tables.table("silver", "grid_cases")
    nobody = ExportedTable("x", "y", silver, pl.DataFrame({"case_id": ["1"]}))
    assert "不予共享" in refused(tmp_path, nobody)
    nulls = day_rows([[1]]).with_columns(lamp_count=pl.lit(None, pl.Int64))
    assert "lamps.days: lamp_count should never be null" in refused(tmp_path, days(nulls))


def test_withheld_cells_are_counted_by_marks_or_by_nulls_that_cannot_be_else() -> None:
    rows = pl.concat([stock_rows(), stock_rows(8), stock_rows()])
    assert withheld_cells(STOCK, rows) == 2
    marked = rows.with_columns(is_withheld=pl.int_range(pl.len()) > 1)
    assert withheld_cells(STOCK, marked) == 4
    assert exported(STOCK, marked, 9).suppressed == 9
