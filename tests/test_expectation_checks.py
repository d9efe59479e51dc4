"""Expectations on a real lake and in Dagster: judged once, told in pages, in the way of faults."""

from __future__ import annotations

import re
import shutil
import socket
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from support import govlake
from test_expectations import AS_OF, FIRST, PEOPLE, SECOND, SECRET, people

from assets import validating
from assets.expectation_checks import EXPECTATION_CHECKS, NAMES, result, waves
from assets.lineage import dependencies
from assets.timing import AsOf
from pipelines.definitions import defs
from quality.validation.judging import Judge
from quality.validation.pages import HOME_PAGE
from schemas import tables
from schemas.contract import polars_schema
from warehouse import builds, serving
from warehouse.builds import Built
from warehouse.home import Home
from warehouse.lake import Lake


def write(lake: Lake, rows: pl.DataFrame) -> None:
    """A lake of two communities and their people, as builds leave it."""
    areas = tables.table("silver", "areas")
    schema = polars_schema(areas.contract)
    given = {"area_code": [FIRST, SECOND], "area_name": "某", "tier": "community", "shape": b"",
             "centre_longitude": 0.0, "centre_latitude": 0.0, "area_m2": 1.0,
             "updated_at": AS_OF.instant}  # fmt: skip
    codes = pl.DataFrame(given).with_columns(
        former_codes=pl.lit([], pl.List(pl.String)), parent_code=pl.lit(None, pl.String)
    )
    lake.replace(areas, codes.select(pl.col(n).cast(t) for n, t in schema.items()))
    lake.replace(PEOPLE, rows)
    builds.record(lake, PEOPLE, {"all": Built("in", builds.content_fingerprint(rows), rows.height)})


def test_a_table_that_stands_as_it_stood_is_not_judged_again(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(lake, people())
    judged: list[str] = []
    own = Judge.judge

    def counted(self: Judge, suite: Any) -> Any:
        judged.append(suite.label)
        return own(self, suite)

    monkeypatch.setattr(Judge, "judge", counted)
    first = validating.validate(lake, AS_OF, [PEOPLE])
    assert validating.validate(lake, AS_OF, [PEOPLE]) == first
    assert judged == [PEOPLE.label]
    write(lake, people(count=301))
    validating.validate(lake, AS_OF, [PEOPLE])
    (lake.home.quality / "topics.population_counts.html").unlink()
    validating.validate(lake, AS_OF, [PEOPLE])
    assert judged == [PEOPLE.label] * 3


def test_registers_are_held_against_their_own_earlier_days(lake: Lake) -> None:
    for n in range(4):
        write(lake, people(count=300 if n < 3 else 3))
        at = AsOf(AS_OF.instant + timedelta(days=n))
        found = validating.validate(lake, at, [PEOPLE])[PEOPLE.label].verdicts
        volume = next(one for one in found if "总量" in one.zh)
        assert (volume.severity, volume.passed) == (("note", True) if n < 3 else ("grade", False))


def test_what_a_register_held_earlier_the_same_day_is_no_past(lake: Lake) -> None:
    for n in range(5):
        write(lake, people(count=300 if n < 4 else 3))
        found = validating.validate(lake, AS_OF, [PEOPLE])[PEOPLE.label].verdicts
        assert next(one.severity for one in found if "总量" in one.zh) == "note"
    days = [AsOf(AS_OF.instant + timedelta(days=n)) for n in (1, 2, 2, 3)]
    for n, at in enumerate(days):
        write(lake, people(count=300 + n))
        found = validating.validate(lake, at, [PEOPLE])[PEOPLE.label].verdicts
        severity = next(one.severity for one in found if "总量" in one.zh)
        assert severity == ("note" if n < 3 else "grade")


def test_pages_open_offline_tell_no_values_and_nothing_leaves_the_machine(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("something called out")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    write(lake, people((SECOND, SECRET, 4_321)))
    entry = validating.validate(lake, AS_OF, [PEOPLE])[PEOPLE.label]
    assert [one.severity for one in entry.verdicts if not one.passed] == ["block"]
    pages = {path.name: path for path in lake.home.quality.iterdir()}
    assert set(pages) == {HOME_PAGE, "topics.population_counts.html"}
    for path in pages.values():
        html = path.read_text()
        assert re.findall(r"https?:|<script|<img|<link|@import|url\(|onclick", html) == []
        assert all((path.parent / name).exists() for name in re.findall(r'href="([^"#]+)"', html))
        assert SECRET not in html
        assert "4321" not in html.replace(",", "")
        assert path.stat().st_mode & 0o777 == 0o640
        assert "取值在代码表内" in html
    assert "1 行不符，共 5 行" in pages["topics.population_counts.html"].read_text()


def test_results_carry_severity_words_counts_and_the_page(lake: Lake) -> None:
    write(lake, people((SECOND, SECRET, 8)))
    entry = validating.validate(lake, AS_OF, [PEOPLE])[PEOPLE.label]
    block = result(lake.home, PEOPLE, entry, "block")
    assert (block.passed, block.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "1 行不符，共 5 行" in str(block.metadata["不符"].value)
    assert Path(str(block.metadata["Data Docs"].value)).exists()
    grade = result(lake.home, PEOPLE, entry, "grade")
    assert (grade.passed, grade.severity) == (True, dg.AssetCheckSeverity.WARN)
    for severity, passes, told in (("grade", False, "不符"), ("note", True, "提示")):
        poor = [replace(v, passed=False, severity=severity) for v in entry.verdicts]
        found = result(lake.home, PEOPLE, replace(entry, verdicts=poor), "grade")
        assert found.passed == passes
        assert found.metadata["failed"].value == (0 if passes else len(poor))
        assert poor[0].remedy in str(found.metadata[told].value)


def test_every_published_table_has_its_checks_and_no_step_waits_for_itself() -> None:
    graph = defs if isinstance(defs, dg.Definitions) else defs()
    specs = {
        (*spec.asset_key.path, spec.name): spec
        for one in EXPECTATION_CHECKS for spec in one.check_specs
    }  # fmt: skip
    for table in validating.published():
        assert specs[(*table.key, NAMES["block"])].blocking
        if table.layer == "topics":
            assert not specs[(*table.key, NAMES["grade"])].blocking
    seen: set[tuple[str, str]] = set()
    for wave in waves():
        for table in wave:
            above = [key for key in dependencies().get(table.key, ()) if key[0] == "topics"]
            assert set(above) <= seen, table.label
        seen |= {table.key for table in wave}
    assert graph.resolve_job_def("refresh")


@pytest.mark.slow
def test_a_broken_promise_stops_publication_and_the_last_generation_keeps_serving(
    demo_run: Home, tmp_path: Path
) -> None:
    shutil.copytree(demo_run.root, tmp_path / "home", symlinks=True)
    home = Home(tmp_path / "home")
    lake, before = Lake(home), serving.current(home.serving)
    assert (home.quality / HOME_PAGE).exists()
    table = tables.table("topics", "rentals_counts")
    version = lake.version(table)
    lake.append(table, lake.read(table).head(1))
    done = govlake("run", "--home", str(home.root), check=False)
    assert done.returncode
    assert NAMES["block"] in done.stdout + done.stderr
    assert serving.current(home.serving) == before
    assert "阻断发布" in (home.quality / HOME_PAGE).read_text()
    lake.restore(table, version)
    govlake("run", "--home", str(home.root))
