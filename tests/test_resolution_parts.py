"""The parts of resolving persons, each against something plainer than itself."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypinyin import lazy_pinyin
from test_resolve import NUMBER_A, people

from pipelines.demo.person_sources import person_records
from quality.resolution import records as records_module
from quality.resolution.clusters import OUTCOMES, joined
from quality.resolution.golden import chosen
from quality.resolution.model import LEVELS, load_model, train
from quality.resolution.model import settings as settings_of
from quality.resolution.names import comparable_names
from quality.resolution.records import comparable
from schemas.codes import table

HAN = "王李张单曾伟炜小晓明朋宁林"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(HAN, min_size=1, max_size=5), min_size=1, max_size=6))
def test_names_agree_with_a_plain_loop(names: list[str]) -> None:
    readings = dict(table("surname_readings").select("character", "reading").iter_rows())
    looks = dict(table("similar_characters").select("character", "stands_for").iter_rows())
    found = comparable_names(pl.Series(names)).to_dicts()
    for name, form in zip(names, found, strict=True):
        sound = [readings.get(c, lazy_pinyin(c)[0]) if at == 0 else lazy_pinyin(c)[0]
                 for at, c in enumerate(name)]  # fmt: skip
        shorter = {name[:at] + name[at + 1 :] for at in range(len(name))}
        assert form["sound"] == " ".join(sound)
        assert form["look"] == "".join(looks.get(c, c) for c in name)
        assert form["letters"] == "".join(sorted(name))
        assert set(form["shorter"] or ()) == (shorter if len(name) > 2 else set())


@pytest.mark.parametrize(
    ("one", "other", "form"),
    [
        ("张宁", "脏林", "near"),
        ("王 伟", "王伟", "name"),
        ("阿不都·热合曼", "阿不都•热合曼", "name"),
        ("Li, Anna-Maria".replace(",", ""), "LI ANNA MARIA", "name"),
        ("单明", "善明", "sound"),
    ],
)
def test_spellings_of_one_name_meet(one: str, other: str, form: str) -> None:
    forms = comparable_names(pl.Series([one, other]))[form]
    assert forms[0] is not None
    assert forms[0] == forms[1]


@pytest.mark.parametrize(
    ("text", "born", "number", "damaged"),
    [
        (NUMBER_A, None, NUMBER_A, None),
        ("990101800101001", None, NUMBER_A, None),
        ("990101800101001", date(1980, 1, 1), NUMBER_A, None),
        ("990101800101001", date(1981, 1, 1), None, None),  # no check character: the date decides
        (NUMBER_A[:-1] + "5", None, None, NUMBER_A[:-1] + "5"),
        (NUMBER_A[:-1], None, None, NUMBER_A[:-1]),
        ("111111111111111111", None, None, None),
        ("无", None, None, None),
        (" ", None, None, None),
    ],
)
def test_numbers_are_valid_damaged_or_nothing(text, born, number, damaged) -> None:
    own = comparable(people({"id_number": text, "birth_date": born}))
    assert (own["number"].item(), own["damaged"].item()) == (number, damaged)


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("+86 109-1234-5678", "10912345678"),
        ("0592 1234567", "05921234567"),
        ("00000000000", None),
        ("12345", None),
        ("打给小卖部", None),
    ],
)
def test_telephones_are_digits_or_nothing(text: str, digits: str | None) -> None:
    assert comparable(people({"phone": text}))["phone_digits"].item() == digits


def test_what_a_number_says_fills_gaps() -> None:
    own = comparable(people({"id_number": NUMBER_A, "birth_date": None, "sex": "9"}))
    assert own.select("born", "sex_known").row(0) == ("19800101", "1")


def test_nobody_is_looked_for_under_a_key_that_too_many_share(monkeypatch) -> None:
    monkeypatch.setattr(records_module, "LARGEST_BLOCK", 2)
    own = comparable(people({}, {}, {}, {"phone": "10900000001"}, {"phone": "10900000001"}))
    assert own["key_same_phone"].to_list() == [None] * 3 + ["10900000001"] * 2


@st.composite
def linked(draw: st.DrawFn) -> tuple[list[str | None], list[tuple[int, int, float]]]:
    numbers = draw(st.lists(st.sampled_from([None, None, "A", "B", "C"]), min_size=2, max_size=9))
    row = st.integers(0, len(numbers) - 1)
    weights = st.sampled_from([6.0, 7.0, 9.0])
    drawn = draw(st.lists(st.tuples(row, row, weights), max_size=20, unique_by=lambda p: p[:2]))
    return numbers, [(a, b, w) for a, b, w in drawn if a < b]


@settings(max_examples=150, deadline=None)
@given(linked())
def test_joining_agrees_with_sets_merged_one_by_one(case) -> None:
    numbers, links = case
    own = pl.DataFrame({"row": range(len(numbers)), "number": numbers},
                       schema={"row": pl.UInt32, "number": pl.String})  # fmt: skip
    frame = pl.DataFrame(
        [(a, b, w, "link") for a, b, w in links],
        schema={"row_a": pl.UInt32, "row_b": pl.UInt32, "weight": pl.Float64, "outcome": pl.String},
        orient="row",
    )
    person, told = joined(own, frame)
    sets = [{row} for row in range(len(numbers))]

    def merge(a: int, b: int) -> None:
        one, other = (next(s for s in sets if row in s) for row in (a, b))
        if one is not other:
            sets.remove(other)
            one |= other

    for a in range(len(numbers)):
        for b in range(a):
            if numbers[a] is not None and numbers[a] == numbers[b]:
                merge(a, b)
    expected = {}
    for a, b, _ in sorted(links, key=lambda link: (-link[2], link[:2])):
        one, other = (next(s for s in sets if row in s) for row in (a, b))
        known = {numbers[row] for row in one | other} - {None}
        if one is other:
            expected[a, b] = "agrees"
        elif len(known) > 1:
            expected[a, b] = "two_identity_numbers"
        else:
            expected[a, b] = "joined"
            merge(a, b)
    assert {(a, b): o for a, b, _, o in told.iter_rows()} == expected
    firsts = [min(next(s for s in sets if row in s)) for row in range(len(numbers))]
    assert person.to_list() == firsts
    assert set(expected.values()) <= set(OUTCOMES)


def spoken() -> pl.DataFrame:
    """One person in four sources, and what each says."""
    new, old = datetime(2025, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)
    rows = people(
        {"source": "population_household", "id_number": NUMBER_A, "name": "王伟",
         "phone": "10900000001", "room": "101", "version_at": new, "population_category": "1"},
        {"source": "population_visits", "name": "王炜", "phone": None, "sex": "2", "unit": None,
         "version_at": old, "birth_date": date(1980, 1, 7)},
        {"source": "population_visits", "name": "王 伟", "phone": "10900000003", "version_at": new,
         "unit": None, "population_category": "2"},
        {"source": "population_self", "name": None, "phone": "10900000002", "version_at": old},
        {"source": "another_source", "name": "王薇", "phone": "10900000004", "version_at": new,
         "room": None, "birth_date": None, "sex": "0"},
    )  # fmt: skip
    return comparable(rows).with_columns(person_key=pl.lit(NUMBER_A))


def test_each_attribute_comes_from_its_best_source() -> None:
    golden, _ = chosen(spoken())
    assert golden.height == 1
    one = golden.row(0, named=True)
    assert {c: one[c] for c in one if not c.endswith("_source")} == {
        "person_key": NUMBER_A, "identity_number": NUMBER_A, "name": "王伟",
        "birth_date": "1980-01-01", "sex": "1", "phone": "10900000002",
        "community_code": "350299001001", "building": "B1", "unit": None, "room": "502",
        "address": None, "population_category": "1",
    }  # fmt: skip
    assert {c: one[c] for c in one if c.endswith("_source")} == {
        "population_category_source": "population_household",
        "identity_number_source": "population_household", "name_source": "population_household",
        "birth_date_source": "identity_number", "sex_source": "identity_number",
        "phone_source": "population_self", "address_source": "population_visits",
    }  # fmt: skip


def test_within_one_source_the_newest_record_decides_then_content() -> None:
    new, old = datetime(2025, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)
    rows = people(
        {"phone": "10900000001", "version_at": old, "name": "王伟"},
        {"phone": "10900000003", "version_at": new, "name": None},
        {"phone": "10900000002", "version_at": new, "name": None},
        {"phone": "10900000000", "version_at": None, "name": None},
    )
    golden, _ = chosen(comparable(rows).with_columns(person_key=pl.lit("record:x")))
    assert golden.select("phone", "name").row(0) == ("10900000002", "王伟")


def test_who_said_otherwise_is_kept() -> None:
    _, conflicts = chosen(spoken())
    said = conflicts.select("column", "chosen_source", "losing_source", "losing_value").rows()
    assert sorted(said) == sorted([
        ("address", "population_visits", "population_household", "350299001001|B1|1|101|"),
        ("birth_date", "identity_number", "population_visits", "1980-01-07"),
        ("name", "population_household", "another_source", "王薇"),
        ("name", "population_household", "population_visits", "王炜"),
        ("phone", "population_self", "another_source", "10900000004"),
        ("phone", "population_self", "population_household", "10900000001"),
        ("phone", "population_self", "population_visits", "10900000003"),
        ("population_category", "population_household", "population_visits", "2"),
        ("sex", "identity_number", "population_visits", "2"),
    ])  # fmt: skip


def test_an_address_without_a_community_decides_only_where_no_other_has_one() -> None:
    unplaced = {"source": "population_visits", "community_code": None, "building": "B2"}
    register = {"source": "population_household", "community_code": "350299001002"}
    for rows, said in (([unplaced, register], ("350299001002", "population_household")),
                       ([unplaced], (None, "population_visits"))):  # fmt: skip
        own = comparable(people(*rows)).with_columns(person_key=pl.lit("record:x"))
        golden, conflicts = chosen(own)
        assert golden.select("community_code", "address_source").row(0) == said
        assert conflicts.height == len(rows) - 1


def test_a_building_in_words_is_compared_where_it_has_no_code() -> None:
    rows = people({"building": None, "place": "示例路7号2幢"}, {"building": "B1", "place": "x"})
    own = comparable(rows)
    assert own["building_key"].to_list() == ["350299001001|示例路7号2幢", "350299001001|B1"]
    assert own["dwelling"].to_list() == [f"{key}|502" for key in own["building_key"]]


def test_the_table_of_priorities_leaves_no_ties_and_gives_reasons() -> None:
    priority = table("source_priority")
    assert not priority.select(pl.struct("column", "rank").is_duplicated().any()).item()
    assert not priority.select(pl.struct("column", "source").is_duplicated().any()).item()
    assert priority["reason"].null_count() == 0


def test_the_kept_model_compares_what_the_code_says() -> None:
    model = load_model()
    wanted = settings_of().create_settings_dict("duckdb")
    kept = {c["output_column_name"]: c["comparison_levels"] for c in model.splink["comparisons"]}
    assert list(kept) == list(LEVELS)
    for comparison in wanted["comparisons"]:
        levels = kept[comparison["output_column_name"]]
        assert [level["sql_condition"] for level in levels] == [
            level["sql_condition"] for level in comparison["comparison_levels"]
        ]
        assert all(
            0 < level[p] <= 1 for level in levels if not level.get("is_null_level")
            for p in ("m_probability", "u_probability")
        )  # fmt: skip
    rules = "blocking_rules_to_generate_predictions"
    assert [rule["blocking_rule"] for rule in model.splink[rules]] == [
        rule["blocking_rule"] for rule in wanted[rules]
    ]
    assert model.ask_weight < model.join_weight


def test_training_twice_gives_the_same_weights() -> None:
    records, _ = person_records(600, seed=4)
    own = comparable(records)
    assert train(own, pairs=5e4) == train(own, pairs=5e4)
