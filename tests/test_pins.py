"""Holding a generation and going back to one: what is served, and that runs leave it alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from assets.publish import publish
from assets.timing import AsOf
from pipelines.cli import app
from schemas import tables
from warehouse import serving
from warehouse.exports import flip_release
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.pins import kept, pin, pinned, unpin
from warehouse.serving import ServedTable, ServingError, build_generation, flip

WHEN = datetime(2026, 11, 20, tzinfo=UTC)
NAMES = ["g00001-a", "g00002-b", "g00003-c"]


@pytest.fixture
def published(home: Home) -> Home:
    """Three publications of one number, 1 to 3; the last one is served."""
    lake = Lake(home)
    for number, name in enumerate(NAMES, 1):
        rows = pl.DataFrame({"n": [number]})
        table = ServedTable("numbers", "数", rows, {}, lambda _, rows=rows: rows)
        build_generation(home.serving, name, ["350299"], [table])
        (home.exports / name).mkdir(parents=True)
        flip(home.serving, name)
        flip_release(home.exports, name)
        lake.append(tables.table("ops", "publications"), pl.DataFrame([{
            "generation": name, "published_at": WHEN + timedelta(hours=number), "as_of": WHEN,
            "inputs": name, "code": "c", "areas": "a", "areas_rebuilt": 1, "areas_linked": 0,
        }]))  # fmt: skip
    return home


def served(home: Home) -> tuple[Any, ...]:
    """The number people see, and the release downstream systems get."""
    import duckdb

    with duckdb.connect(str(serving.serving_file(home.serving)), read_only=True) as connection:
        row = connection.execute("SELECT n FROM numbers").fetchone()
    assert row is not None
    return row[0], (home.exports / "latest").resolve().name


def told(*words: str) -> str:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_rollback_serves_the_one_before_and_a_run_leaves_it(published: Home) -> None:
    home = ["--home", str(published.root)]
    assert served(published) == (3, NAMES[2])
    told("publish", "rollback", "--reason", "误报", *home)
    assert served(published) == (2, NAMES[1])
    assert publish(Lake(published), AsOf(WHEN)) is None
    assert served(published) == (2, NAMES[1])
    listed = told("publish", "list", *home)
    assert "误报" in listed
    assert "pinned" in listed
    told("publish", "rollback", "--reason", "再退", *home)
    assert served(published) == (1, NAMES[0])
    with pytest.raises(ServingError, match="oldest"):
        told("publish", "rollback", "--reason", "再退", *home)
    assert "no longer pinned" in told("publish", "unpin", *home)
    assert pinned(published.serving) is None


def test_a_pin_needs_a_reason_and_a_generation_that_is_kept(published: Home) -> None:
    with pytest.raises(ServingError, match="reason"):
        pin(published, NAMES[0], "  ")
    with pytest.raises(ServingError, match="g00001-a"):
        pin(published, "g00009-z", "为什么")
    assert pinned(published.serving) is None
    assert served(published) == (3, NAMES[2])


def test_holding_what_is_served_changes_nothing_else(published: Home) -> None:
    made = pin(published, NAMES[2], "演示")
    assert pinned(published.serving) == made
    assert served(published) == (3, NAMES[2])
    assert kept(published.serving) == NAMES[::-1]
    assert unpin(published) == made
    assert unpin(published) is None


def test_without_a_pin_a_run_publishes(home: Home) -> None:
    with pytest.raises(ServingError, match="exactly one district"):
        publish(Lake(home), AsOf(WHEN))
