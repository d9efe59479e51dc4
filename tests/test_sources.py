"""Descriptions of database sources: refused with the key and the remedy, never a secret."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.site_mappings import sources_of
from schemas.mappings import MappingError
from schemas.sources import source_of
from warehouse.home import Home
from warehouse.marks import Reached, Ties, file_name, mark_given, mark_of, mark_text, reached_by

GOOD = {
    "feed": "fire_alarms",
    "connection": "ACME_DATABASE",
    "table": "public.alarms",
    "high_water": "changed",
    "columns": {"alarm_id": "no", "alarm_kind": "kind", "alarmed_at": ["at", "changed"],
                "updated_at": "changed"},
}  # fmt: skip
MARKS = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.dates(), st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
)  # fmt: skip


def test_only_the_named_columns_are_read() -> None:
    source = source_of("acme", GOOD)
    assert sorted(source.columns) == ["at", "changed", "kind", "no"]
    assert source.mapping.matches("fire_alarms/db-acme-start-i1-0123456789abcdef.ndjson.zst")
    assert not source.mapping.matches("fire_alarms/other.csv")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"connection": "postgresql://me:hush@host/db"}, "never the address itself"),
        ({"connection": None}, "never the address itself"),
        ({"query": "SELECT 1"}, "either table or query"),
        ({"table": None}, "either table or query"),
        ({"high_water": None}, "high_water: name the column"),
        ({"batch_rows": 0}, "batch_rows: should be a whole number, 1 or more"),
        ({"settle_seconds": "1; DROP"}, "settle_seconds: should be a whole number"),
        ({"password": "hush"}, "key password is not known"),
        ({"files": "x"}, "key files is not known"),
        ({"feed": "nothing"}, "feed: 'nothing' is none of"),
        ({"columns": {"alarm_id": "no"}}, "is required and has no source"),
        ({"time_zone": "UTC'; --"}, "time_zone"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(change: dict, words: str) -> None:
    with pytest.raises(MappingError) as caught:
        source_of("acme", {k: v for k, v in (GOOD | change).items() if v is not None})
    said = str(caught.value)
    assert said.startswith("config/sources/acme.yaml: ")
    assert words in said
    assert said.endswith("mend the source, or take it away, and run again")
    assert "hush" not in said


@pytest.mark.parametrize("name", ["Acme", "a-b", "../x", "", "a" * 41])
def test_a_name_must_fit_into_file_names(name: str) -> None:
    with pytest.raises(MappingError, match="small letters"):
        source_of(name, GOOD)


def test_a_torn_file_is_not_quoted(tmp_path: Path) -> None:
    home = Home(tmp_path)
    (home.config / "sources").mkdir(parents=True)
    (home.config / "sources" / "acme.yaml").write_text("a: b\npassword: 'hush: [\n")
    with pytest.raises(MappingError, match=r"acme\.yaml: not readable as YAML") as caught:
        sources_of(home)
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None


@given(MARKS, MARKS)
def test_a_file_name_tells_how_far_it_went(begin, end) -> None:
    name = file_name("acme_2", begin, Reached(end, Ties().digest))
    assert reached_by(
        "acme_2", [f"fire_alarms/{name}", "other.csv", name.replace("acme", "b")]
    ) == [Reached(end, Ties().digest)]
    assert mark_of(mark_text(begin)) == begin


@given(st.lists(st.text(max_size=3), max_size=6), st.randoms())
def test_ties_are_known_in_any_order_but_not_fewer(lines: list[str], rng) -> None:
    one, other, fewer = Ties(), Ties(), Ties()
    one.add(1, lines)
    shuffled = rng.sample(lines, len(lines))
    other.add(0, ["before"])
    for line in shuffled:
        other.add(1, [line])
    fewer.add(1, lines[1:])
    assert one.digest == (other.digest if lines else one.digest)
    assert not lines or fewer.digest != one.digest


@pytest.mark.parametrize(("kind", "text"), [("z", "2026-11-20T08:00"), ("d", "x"), ("i", "1.5"),
                                            ("t", "2026-11-20T08:00+08:00")])  # fmt: skip
def test_a_mark_of_another_kind_is_refused(kind: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        mark_given(kind, text)
    assert mark_given("d", "2026-11-20") == date(2026, 11, 20)
    assert mark_given("t", "2026-11-20T08:00") == datetime(2026, 11, 20, 8)
