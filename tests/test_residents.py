"""One person once over four sources, by hand: golden records, conflicts, ledgers, accounts."""

from __future__ import annotations

import random

import polars as pl
import pytest
from people_by_hand import (
    HERE,
    MAN,
    ORDER,
    PEOPLE,
    PROPERTY,
    REGISTER,
    SAID,
    SELF,
    THERE,
    VISITS,
    WOMAN,
    at,
    bronze,
    build,
    golden_by_hand,
    know_areas,
    send,
    table,
    token,
)
from small_lake import arrive

from assets.accounts import silver_account
from quality.accounting import closes
from quality.resolution.clusters import OUTCOMES
from schemas import tables
from schemas.resolution import LINK_OUTCOMES
from warehouse import builds
from warehouse.home import Home
from warehouse.lake import Lake


def built_in(home: Home) -> Lake:
    home.prepare()
    lake = Lake(home)
    know_areas(lake)
    send(lake, SAID)
    build(lake)
    return lake


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Built once; read-only for tests."""
    return built_in(Home(tmp_path_factory.mktemp("people") / "home"))


def test_golden_records_and_conflicts_agree_with_a_plain_loop(seen: Lake) -> None:
    golden, conflicts = golden_by_hand(seen)
    found = {}
    for row in table(seen, "persons", "golden").iter_rows(named=True):
        parts = [row[c] for c in ("community_code", "building_id", "unit_number",
                                  "dwelling_number")]  # fmt: skip
        own = {c: row[c] for c in row if c.removesuffix("_source") in ORDER}
        birth = row["birth_day"].isoformat() if row["birth_day"] else None
        found[row["person_token"]] = own | {
            "birth_day": birth, "address": [*parts, row["address"]] if any(parts) else None,
            "identity_number": row["identity_number"],
        }  # fmt: skip
    assert found == golden
    said = table(seen, "persons", "conflicts").select(
        "person_token", "attribute", "chosen_source", "losing_source", "losing_record_id",
        "losing_value",
    )  # fmt: skip
    assert set(said.rows()) == conflicts
    assert said.height == len(conflicts)
    disputed = (token(seen, MAN), "address", VISITS, REGISTER, MAN, f"{HERE}|B1||101|")
    assert disputed in conflicts, "two sources disagree on the community"
    told = {row[1] for row in conflicts}
    assert told == {"address", "person_name", "sex_code", "population_category"}


def test_records_are_persons_and_residents_hold_what_their_golden_record_says(seen: Lake) -> None:
    records = table(seen, "persons", "records")
    grouped = records.group_by("person_token").agg(pl.struct("source", "record_id").alias("of"))
    found = {frozenset((o["source"], o["record_id"]) for o in of) for of in grouped["of"]}
    assert found == {frozenset(person) for person in PEOPLE}
    own = {row.pop("person_token"): row for row in table(seen, "silver", "residents").to_dicts()}
    nobody = {"is_registered_here": False, "is_visited": False, "is_property_listed": False,
              "is_self_registered": False}  # fmt: skip
    assert own == {
        token(seen, MAN): nobody | {
            "sex_code": "1", "birth_year": 1980, "population_category": "1", "source_count": 3,
            "community_code": THERE, "building_id": "B9", "updated_at": at(9),
            "is_registered_here": True, "is_visited": True, "is_property_listed": True,
        },
        token(seen, WOMAN): nobody | {
            "sex_code": "2", "birth_year": 1952, "population_category": "1", "source_count": 2,
            "community_code": HERE, "building_id": "B3", "updated_at": at(5),
            "is_registered_here": True, "is_self_registered": True,
        },
        token(seen, f"record:{PROPERTY}:WY2"): nobody | {
            "sex_code": "0", "birth_year": None, "population_category": "0", "source_count": 1,
            "community_code": None, "building_id": None, "updated_at": at(5),
            "is_property_listed": True,
        },
        token(seen, f"record:{PROPERTY}:WY3"): nobody | {
            "sex_code": "1", "birth_year": 1990, "population_category": "0", "source_count": 1,
            "community_code": HERE, "building_id": "B2", "updated_at": at(6),
            "is_property_listed": True,
        },
    }  # fmt: skip


def test_the_ledger_says_by_what_records_were_merged_and_the_account_closes(seen: Lake) -> None:
    merges = table(seen, "silver", "residents_merges")
    man, woman, other = (token(seen, one) for one in (MAN, WOMAN, f"record:{PROPERTY}:WY3"))
    records = [(PROPERTY, "WY1"), (PROPERTY, "WY4"), (SELF, "ZZ1"), (SELF, "ZZ2")]
    own = {record: token(seen, f"record:{source}:{record}") for source, record in records}
    columns = ["entity_id", "merged_into", "outcome", "rule"]
    assert sorted(merges.select(columns).rows()) == sorted([
        (man, man, "superseded", "older_version"),
        (man, man, "merged", "same_identity_number"),
        (own["WY1"], man, "merged", "same_person_by_likeness"),
        (own["WY4"], other, "merged", "same_person_by_likeness"),
        (own["ZZ1"], woman, "merged", "same_identity_number"),
        (own["ZZ2"], woman, "merged", "same_identity_number"),
    ])  # fmt: skip
    assert closes(silver_account(seen, "residents"))
    assert silver_account(seen, "residents")["accepted"].sum() == len(SAID)


def test_every_link_has_weight_and_reason(seen: Lake) -> None:
    links = table(seen, "persons", "links")
    assert set(LINK_OUTCOMES) == set(OUTCOMES)
    by_number = links["rule"] == "identity_number"
    assert by_number.any()
    assert (links["weight"].is_null() == by_number).all()
    assert links.filter(~by_number)["rule"].str.starts_with("splink:name=").all()
    joined = links.filter(pl.col("outcome") == "joined")
    assert joined.height == sum(len(person) - 1 for person in PEOPLE)


def test_a_record_its_source_no_longer_holds_is_set_aside(lake: Lake) -> None:
    know_areas(lake)
    send(lake, SAID)
    whole = bronze(PROPERTY, [row for source, row in SAID if row.get("record_id") == "WY4"])
    arrive(lake, PROPERTY, whole)
    delivery = {"file_id": whole["file_id"][0], "feed": PROPERTY, "batch_id": "b",
                "as_of": at(20), "holds": "whole"}  # fmt: skip
    book = tables.table("ops", "deliveries")
    columns = lake.read(book).schema
    lake.append(book, pl.DataFrame([{c: delivery[c] for c in columns}], schema=columns))
    build(lake)
    aside = table(lake, "silver", "residents_set_aside")
    assert sorted(aside["entity_id"]) == sorted(
        token(lake, f"record:{PROPERTY}:{n}") for n in ("WY1", "WY2", "WY3")
    )
    assert set(aside["rule"]) == {"is_in_the_newest_whole_delivery"}
    left = table(lake, "persons", "records").filter(pl.col("source") == PROPERTY)
    assert left["record_id"].to_list() == ["WY4"]
    man = table(lake, "silver", "residents").filter(pl.col("person_token") == token(lake, MAN))
    assert man["is_property_listed"].to_list() == [False]
    assert closes(silver_account(lake, "residents"))
    over = table(lake, "silver", "resident_periods").drop_nulls("valid_until")
    assert token(lake, f"record:{PROPERTY}:WY2") in set(over["person_token"])


def test_persons_are_found_again_only_if_something_changed_and_no_order_of_arrival_shows(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = built_in(home)
    own = [t for t in tables.TABLES if t.layer == "persons"]
    silver = [t for t in tables.TABLES if t.layer == "silver" and "resident" in t.name]
    assert len(own) == len(silver) == 4
    before = {t.label: (lake.version(t), lake.read(t)) for t in own + silver}

    def rebuilt() -> set[int]:
        versions = [lake.version(t) or 0 for t in own]
        build(lake)
        return {(lake.version(t) or 0) - v for t, v in zip(own, versions, strict=True)}

    assert rebuilt() == {0}
    monkeypatch.setattr("assets.silver.persons._model_digest", lambda: "other weights")
    assert rebuilt() == {1}
    areas = tables.table("silver", "areas")
    builds.record(lake, areas, {builds.WHOLE: builds.Built("other", "areas", 2)})
    assert rebuilt() == {1}
    hand = random.Random(5)
    for n in range(0, len(SAID), 3):  # the same once more, in other files and another order
        send(lake, hand.sample(SAID[n : n + 3], len(SAID[n : n + 3])))
    assert rebuilt() == {1}
    for one in own + silver:
        if one.name != "residents_merges":  # there the second copies stand as superseded
            assert lake.read(one).equals(before[one.label][1]), one.label


def test_periods_follow_the_person_and_not_the_record(seen: Lake) -> None:
    own = table(seen, "silver", "resident_periods")
    assert set(own["person_token"]) == set(table(seen, "silver", "residents")["person_token"])
    man = own.filter(pl.col("person_token") == token(seen, MAN)).sort("valid_from")
    assert man.select("source", "community_code").rows() == [
        (REGISTER, HERE), (VISITS, HERE), (VISITS, THERE),
    ]  # fmt: skip
