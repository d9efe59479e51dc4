"""One person once: quality on a labelled truth, and what must never happen."""

from __future__ import annotations

import logging
import random
from datetime import UTC, date, datetime

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.demo.person_sources import person_records
from quality.resolution.records import KEY, comparable
from quality.resolve import Resolved, UnfitRecords, replaced_tokens, resolve, with_tokens
from quality.tokens import tokens

NUMBER_A, NUMBER_B = "990101198001010014", "99010119800101017X"


@pytest.fixture(scope="module")
def demo() -> tuple[pl.DataFrame, pl.DataFrame, Resolved]:
    records, truth = person_records(5_000, seed=3)
    return records, truth, resolve(records)


def people(*rows: dict[str, object]) -> pl.DataFrame:
    """Records with the fields a test is not about filled in alike."""
    common = {
        "source": "population_visits", "name": "欧阳晓明", "id_number": None,
        "birth_date": date(1980, 1, 1), "sex": "1", "phone": "10912345678",
        "community_code": "350299001001", "building": "B1", "unit": "1", "room": "502",
        "place": None,
        "version_at": datetime(2025, 1, 1, tzinfo=UTC), "population_category": None,
    }  # fmt: skip
    schema = dict.fromkeys((*common, "record_id"), pl.String) | {
        "birth_date": pl.Date,
        "version_at": pl.Datetime("us", "UTC"),
    }
    filled = [common | {"record_id": f"{at:03d}"} | row for at, row in enumerate(rows)]
    return pl.DataFrame(filled, schema=schema)


def persons_of(found: Resolved) -> list[set[str]]:
    grouped = found.clusters.group_by("person_key").agg("record_id")
    return sorted((set(ids) for ids in grouped["record_id"].to_list()), key=min)


def outcomes(found: Resolved) -> list[tuple[str, str]]:
    return sorted(found.links.select("rule", "outcome").rows())


def pairs(person_of: dict[tuple[str, str], object]) -> set[frozenset[tuple[str, str]]]:
    """Every pair of records of one person, the plain way."""
    members: dict[object, list[tuple[str, str]]] = {}
    for record, person in person_of.items():
        members.setdefault(person, []).append(record)
    return {frozenset((a, b)) for own in members.values() for a in own for b in own if a < b}


def test_most_pairs_are_found_and_hardly_any_is_wrong(demo) -> None:
    _, truth, found = demo
    right = pairs({(s, r): p for s, r, p in truth.iter_rows()})
    ours = pairs({(s, r): p for s, r, p in found.clusters.iter_rows()})
    assert len(right & ours) / len(ours) >= 0.995
    assert len(right & ours) / len(right) >= 0.97


def test_neither_order_nor_threads_show(demo) -> None:
    records, _, found = demo
    shuffled = records.sample(fraction=1.0, shuffle=True, seed=random.randrange(1 << 30))
    again = resolve(shuffled.select(sorted(shuffled.columns)), threads=1)
    for name in ("clusters", "links", "golden", "conflicts"):
        assert_frame_equal(getattr(found, name), getattr(again, name))


def test_every_record_has_one_person_and_a_person_one_number(demo) -> None:
    records, _, found = demo
    assert_frame_equal(found.clusters.select(KEY), records.select(KEY).sort(KEY))
    numbers = comparable(records).select(*KEY, "number").join(found.clusters, on=KEY)
    known = numbers.drop_nulls("number")
    assert (known["person_key"] == known["number"]).all()
    assert found.golden["person_key"].is_unique().all()
    assert set(found.golden["person_key"]) == set(found.clusters["person_key"])


def test_the_links_that_joined_explain_every_person(demo) -> None:
    _, _, found = demo
    person: dict[tuple[str, str], set[tuple[str, str]]] = {
        key: {key} for key in found.clusters.select(KEY).iter_rows()
    }
    joined = found.links.filter(pl.col("outcome") == "joined")
    for a, b, c, d in joined.select(
        "source_a", "record_id_a", "source_b", "record_id_b"
    ).iter_rows():
        one = person[a, b] | person[c, d]
        person.update(dict.fromkeys(one, one))
    by_links = {frozenset(one) for one in person.values()}
    members = found.clusters.group_by("person_key").agg(pl.struct(KEY).alias("of"))
    assert by_links == {
        frozenset((one["source"], one["record_id"]) for one in own) for own in members["of"]
    }
    assert joined.height == found.clusters.height - found.golden.height


def test_ledger_and_log_hold_no_value_of_a_person(caplog, capfd) -> None:
    records, _ = person_records(1_000, seed=8)
    with caplog.at_level(logging.DEBUG):
        found = resolve(records)
    words = found.links["rule"].str.replace_all("[a-z_:=,]", "")
    assert set(words) == {""}
    said = caplog.text + "".join(capfd.readouterr())
    for column in ("name", "phone", "id_number"):
        assert not [value for value in records[column].drop_nulls() if value in said]


def test_numbers_match_exactly_in_old_and_new_form() -> None:
    apart = {"name": "王红", "phone": None, "birth_date": None, "building": None}
    found = resolve(
        people(
            {"id_number": NUMBER_A},
            {"id_number": " 990101800101001", **apart},
            {"id_number": NUMBER_B.lower()},
        )
    )
    assert persons_of(found) == [{"000", "001"}, {"002"}]
    assert outcomes(found) == [("identity_number", "joined")]


def test_two_numbers_are_never_joined_not_even_along_a_chain() -> None:
    older, newer = {"room": "101", "building": "B7"}, {"phone": "10900000001"}
    found = resolve(
        people({"id_number": NUMBER_A, **older}, older, {}, newer, {"id_number": NUMBER_B, **newer})
    )
    numbers = {"000": NUMBER_A, "004": NUMBER_B}
    assert all(len(one & numbers.keys()) <= 1 for one in persons_of(found))
    told = [o for _, o in outcomes(found)]
    assert "two_identity_numbers" in told
    assert told.count("joined") == 5 - len(persons_of(found))


def test_a_record_as_near_to_two_numbers_joins_neither() -> None:
    found = resolve(people({"id_number": NUMBER_A}, {}, {"id_number": NUMBER_B}, {}))
    assert persons_of(found) == [{"000"}, {"001", "003"}, {"002"}]
    assert [o for _, o in outcomes(found)] == ["ambiguous"] * 4 + ["joined"]


def test_relatives_at_one_door_stay_apart() -> None:
    found = resolve(
        people(
            {"name": "王子轩"},
            {"name": "王子涵"},  # a twin: birthday, door and telephone in common
            {"name": "王建国", "birth_date": None, "sex": None},
        )
    )
    assert persons_of(found) == [{"000"}, {"001"}, {"002"}]
    assert outcomes(found) == [
        ("splink:name=other_character,birth_date=same,sex=same,phone=same,address=same_dwelling",
         "to_look_at")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("other", "word"),
    [
        ({"name": "欧阳小名"}, "name=same_sound"),
        ({"name": "欧阳晓朋"}, "name=look_alike"),
        ({"name": "欧阳晓敏"}, "name=near_sound"),
        ({"name": "欧阳明晓"}, "name=character_moved"),
        ({"birth_date": date(1980, 1, 7)}, "birth_date=one_slip"),
        ({"phone": "+86 10912345687"}, "phone=one_slip"),
        ({"unit": None}, "address=same_dwelling"),
        ({"id_number": "990101198001010074"}, "number=one_slip"),
    ],
)
def test_a_slip_is_forgiven_and_named(other: dict[str, object], word: str) -> None:
    found = resolve(people({"id_number": NUMBER_A}, other))
    assert persons_of(found) == [{"000", "001"}]
    assert word in found.links["rule"].item()


def test_day_and_month_may_be_swapped() -> None:
    found = resolve(people({"birth_date": date(1980, 2, 11)}, {"birth_date": date(1980, 11, 2)}))
    assert "birth_date=day_and_month_swapped" in found.links["rule"].item()


def test_tokens_are_one_per_topic_and_those_of_the_number() -> None:
    found = resolve(people({"id_number": NUMBER_A}, {"name": "王红", "phone": None, "room": "1"}))
    one, other = (with_tokens(found.clusters, key) for key in (b"a" * 32, b"b" * 32))
    assert one["person_token"][0] == tokens(b"a" * 32, pl.Series([NUMBER_A]))[0]
    assert not set(one["person_token"]) & set(other["person_token"])
    assert one["person_token"].n_unique() == 2
    assert "person_key" not in one.columns


def test_a_token_outlives_records_of_lesser_sources_and_follows_a_number() -> None:
    def token(*rows: dict[str, object]) -> pl.DataFrame:
        return with_tokens(resolve(people(*rows)).clusters, b"k" * 32)

    first = token({"record_id": "5"})
    more = token({"record_id": "5"}, {"record_id": "1", "source": "population_property"})
    known = token({"record_id": "5"}, {"record_id": "6", "id_number": NUMBER_A})
    assert more["person_token"].unique().to_list() == first["person_token"].to_list()
    assert replaced_tokens(first, more).is_empty()
    assert replaced_tokens(first, known).rows() == [
        (first["person_token"].item(), known["person_token"][0])
    ]


def test_nothing_in_nothing_out() -> None:
    found = resolve(people())
    assert [len(f) for f in vars(found).values()] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    "unfit",
    [
        people({"record_id": "1"}, {"record_id": "1"}),
        people({"record_id": None}),
        people({}).drop("source"),
        people({}).with_columns(birth_date=pl.lit("19800101秘")),
    ],
)
def test_unfit_records_are_refused_without_quoting_them(unfit: pl.DataFrame) -> None:
    with pytest.raises(UnfitRecords) as refused:
        resolve(unfit)
    assert "秘" not in str(refused.value)
    assert "欧阳" not in str(refused.value)
