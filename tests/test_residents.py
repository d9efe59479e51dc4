"""One person once over four sources, by hand: golden records, conflicts, ledgers, accounts."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import polars as pl
import pytest
from small_lake import arrive

from assets.accounts import silver_account
from assets.silver.periods import resident_periods
from assets.silver.persons import persons
from assets.silver.residents import residents
from quality.accounting import closes
from quality.judging import judge
from quality.resolution.clusters import OUTCOMES
from quality.tokens import tokens
from schemas import tables
from schemas.contract import wire_columns
from schemas.feeds import BY_NAME
from schemas.resolution import LINK_OUTCOMES
from warehouse import builds
from warehouse.lake import Lake

pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")

HERE, THERE, NOWHERE = "350299001001", "350299001002", "350299999999"
MAN, WOMAN = "990101198001010014", "99020319520304038X"
REGISTER, VISITS = "population_household", "population_visits"
PROPERTY, SELF = "population_property", "population_self"
ORDER = {
    "person_name": (REGISTER, SELF, VISITS, PROPERTY),
    "birth_day": (REGISTER, SELF, VISITS, PROPERTY),
    "sex_code": (REGISTER, SELF, VISITS, PROPERTY),
    "phone": (SELF, VISITS, PROPERTY, REGISTER),
    "population_category": (REGISTER, VISITS, SELF, PROPERTY),
    "address": (VISITS, SELF, PROPERTY, REGISTER),
}
WEI: dict[str, Any] = {"person_name": "王伟", "birth_day": "1980-01-01", "phone": "10912345678"}
SAID: list[tuple[str, dict[str, Any]]] = [
    (REGISTER, WEI | {"identity_number": MAN, "population_category": "1", "community_code": HERE,
                      "building_id": "B1", "dwelling_number": "101", "phone": None, "at": 1}),
    (VISITS, WEI | {"identity_number": "990101800101001", "population_category": "2", "at": 3,
                    "community_code": THERE, "building_id": "B9", "dwelling_number": "501室"}),
    (VISITS, WEI | {"identity_number": MAN, "population_category": "5", "at": 2,
                    "community_code": HERE, "person_name": "王韦"}),
    (PROPERTY, WEI | {"record_id": "WY1", "person_name": "王玮", "community_code": THERE, "at": 9,
                      "building_id": "B9", "dwelling_number": "501", "sex_code": "1"}),
    (PROPERTY, {"record_id": "WY2", "person_name": "陈秀英", "phone": "10900000002", "at": 5,
                "community_code": NOWHERE, "sex_code": "0"}),
    (PROPERTY, {"record_id": "WY3", "person_name": "赵云", "phone": "10900000003", "at": 4,
                "birth_day": "1990-05-06", "community_code": HERE, "building_id": "B2",
                "unit_number": "2单元", "dwelling_number": "301", "sex_code": "2"}),
    (PROPERTY, {"record_id": "WY4", "person_name": "赵云", "phone": "10900000003", "at": 6,
                "birth_day": "1990-05-06", "community_code": HERE, "building_id": "B2",
                "unit_number": "2", "sex_code": "1"}),
    (SELF, {"record_id": "ZZ1", "person_name": "李娜", "identity_number": WOMAN, "at": 4,
            "population_category": "2", "community_code": NOWHERE, "phone": "10900000004"}),
    (SELF, {"record_id": "ZZ2", "person_name": "李娜", "identity_number": WOMAN.lower(), "at": 5,
            "population_category": "5", "community_code": NOWHERE, "sex_code": "1"}),
    (REGISTER, {"person_name": "李娜", "identity_number": WOMAN, "population_category": "1",
                "community_code": HERE, "building_id": "B3", "at": 1}),
]  # fmt: skip
PEOPLE = [{(REGISTER, MAN), (VISITS, MAN), (PROPERTY, "WY1")}, {(PROPERTY, "WY2")},
          {(PROPERTY, "WY3"), (PROPERTY, "WY4")},
          {(SELF, "ZZ1"), (SELF, "ZZ2"), (REGISTER, WOMAN)}]  # fmt: skip
_FILES = itertools.count()


def at(hours: int) -> datetime:
    return datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=hours)


def bronze(feed: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Bronze rows of one file, judged as the intake does."""
    columns = list(wire_columns(BY_NAME[feed].contract))
    texts = [
        {c: row.get(c) for c in columns} | {"updated_at": at(row["at"]).isoformat()} for row in rows
    ]
    frame = pl.DataFrame(texts, schema=dict.fromkeys(columns, pl.String)).with_columns(
        file_id=pl.lit(f"file{next(_FILES)}"), row_number=pl.int_range(pl.len()),
        item_number=pl.lit(1, pl.Int32),
    )  # fmt: skip
    judged = judge(BY_NAME[feed].contract, frame)
    assert judged.quarantined.is_empty(), judged.quarantined["rules"].to_list()
    return judged.accepted


def send(lake: Lake, said: list[tuple[str, dict[str, Any]]]) -> None:
    for feed in (REGISTER, VISITS, PROPERTY, SELF):
        rows = [row for source, row in said if source == feed]
        if rows:
            arrive(lake, feed, bronze(feed, rows))


def build(lake: Lake) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert dg.materialize(
            [persons, residents, resident_periods], resources={"lake": lake}, instance=instance
        ).success


def table(lake: Lake, layer: tables.Layer, name: str) -> pl.DataFrame:
    return lake.read(tables.table(layer, name))


def token(lake: Lake, text: str) -> str:
    return tokens(lake.home.key("population"), pl.Series([text]))[0]


@pytest.fixture
def lake_with_areas(lake: Lake) -> Lake:
    areas = tables.table("silver", "areas")
    fill = {pl.Binary: b"", pl.Float64: 0.0, pl.Datetime: datetime.now(UTC), pl.List: []}
    schema = lake.read(areas).schema
    other = {name: fill.get(kind.base_type()) for name, kind in schema.items()}
    rows = [other | {"area_code": c, "area_name": c, "tier": "community"} for c in (HERE, THERE)]
    lake.replace(areas, pl.DataFrame(rows, schema=schema))
    return lake


@pytest.fixture
def built(lake_with_areas: Lake) -> Lake:
    send(lake_with_areas, SAID)
    build(lake_with_areas)
    return lake_with_areas


def newest_by_hand() -> dict[tuple[str, str], dict[str, Any]]:
    """The newest version of every record, its values as they are compared."""
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for source, row in sorted(SAID, key=lambda one: one[1]["at"]):
        number = {"990101800101001": MAN}.get(
            row.get("identity_number", ""), row.get("identity_number")
        )
        number = number.upper() if number else None
        key = (source, row.get("record_id") or number)
        code = row.get("community_code")
        parts = [code if code in (HERE, THERE) else None, row.get("building_id"),
                 (row.get("unit_number") or "").removesuffix("单元") or None,
                 (row.get("dwelling_number") or "").removesuffix("室") or None, None]  # fmt: skip
        sex = row.get("sex_code")
        newest[key] = {
            **{c: row.get(c) for c in ("person_name", "birth_day", "phone", "population_category")},
            "number": number, "sex_code": sex if sex in ("1", "2") else None, "at": row["at"],
            "address": parts if any(parts) else None,
        }  # fmt: skip
    return newest


def differs(one: Any, other: Any) -> bool:
    if isinstance(one, list):
        return any(a and b and a != b for a, b in zip(one, other, strict=True))
    return one != other


def golden_by_hand(lake: Lake) -> tuple[dict[str, dict[str, Any]], set[tuple]]:
    """What holds of every person, and what the others said, by loops."""
    newest, golden, conflicts = newest_by_hand(), {}, set()
    for person in PEOPLE:
        number = next((n for one in person if (n := newest[one]["number"])), None)
        source, record = min(person, key=lambda one: (ORDER["person_name"].index(one[0]), one[1]))
        key = token(lake, number or f"record:{source}:{record}")
        said: dict[str, Any] = {"identity_number": number}
        for attribute, order in ORDER.items():
            statements = [
                (attribute == "address" and not newest[one][attribute][0], order.index(one[0]),
                 -newest[one]["at"], one, newest[one][attribute])
                for one in person if newest[one][attribute]
            ]  # fmt: skip
            chosen: tuple[Any, Any] = (None, None)
            if number and attribute == "birth_day":
                chosen = ("identity_number", f"{number[6:10]}-{number[10:12]}-{number[12:14]}")
            elif number and attribute == "sex_code":
                chosen = ("identity_number", "1" if int(number[16]) % 2 else "2")
            elif statements:
                _, _, _, (best, _), value = min(statements)
                chosen = (best, value)
            said |= {f"{attribute}_source": chosen[0], attribute: chosen[1]}
            for _, _, _, (loser, its_record), value in statements:
                if differs(value, chosen[1]):
                    text = "|".join(p or "" for p in value) if isinstance(value, list) else value
                    conflicts.add((key, attribute, chosen[0], loser, its_record, text))
        golden[key] = said
    return golden, conflicts


def test_golden_records_and_conflicts_agree_with_a_plain_loop(built: Lake) -> None:
    golden, conflicts = golden_by_hand(built)
    found = {}
    for row in table(built, "persons", "golden").iter_rows(named=True):
        parts = [row[c] for c in ("community_code", "building_id", "unit_number",
                                  "dwelling_number")]  # fmt: skip
        own = {c: row[c] for c in row if c.removesuffix("_source") in ORDER}
        birth = row["birth_day"].isoformat() if row["birth_day"] else None
        found[row["person_token"]] = own | {
            "birth_day": birth, "address": [*parts, row["address"]] if any(parts) else None,
            "identity_number": row["identity_number"],
        }  # fmt: skip
    assert found == golden
    said = table(built, "persons", "conflicts").select(
        "person_token", "attribute", "chosen_source", "losing_source", "losing_record_id",
        "losing_value",
    )  # fmt: skip
    assert set(said.rows()) == conflicts
    assert said.height == len(conflicts)
    disputed = (token(built, MAN), "address", VISITS, REGISTER, MAN, f"{HERE}|B1||101|")
    assert disputed in conflicts, "two sources disagree on the community"
    told = {row[1] for row in conflicts}
    assert told == {"address", "person_name", "sex_code", "population_category"}


def test_records_are_persons_and_residents_hold_what_their_golden_record_says(built: Lake) -> None:
    records = table(built, "persons", "records")
    grouped = records.group_by("person_token").agg(pl.struct("source", "record_id").alias("of"))
    found = {frozenset((o["source"], o["record_id"]) for o in of) for of in grouped["of"]}
    assert found == {frozenset(person) for person in PEOPLE}
    own = {row.pop("person_token"): row for row in table(built, "silver", "residents").to_dicts()}
    nobody = {"is_registered_here": False, "is_visited": False, "is_property_listed": False,
              "is_self_registered": False}  # fmt: skip
    assert own == {
        token(built, MAN): nobody | {
            "sex_code": "1", "birth_year": 1980, "population_category": "1", "source_count": 3,
            "community_code": THERE, "building_id": "B9", "updated_at": at(9),
            "is_registered_here": True, "is_visited": True, "is_property_listed": True,
        },
        token(built, WOMAN): nobody | {
            "sex_code": "2", "birth_year": 1952, "population_category": "1", "source_count": 2,
            "community_code": HERE, "building_id": "B3", "updated_at": at(5),
            "is_registered_here": True, "is_self_registered": True,
        },
        token(built, f"record:{PROPERTY}:WY2"): nobody | {
            "sex_code": "0", "birth_year": None, "population_category": "0", "source_count": 1,
            "community_code": None, "building_id": None, "updated_at": at(5),
            "is_property_listed": True,
        },
        token(built, f"record:{PROPERTY}:WY3"): nobody | {
            "sex_code": "1", "birth_year": 1990, "population_category": "0", "source_count": 1,
            "community_code": HERE, "building_id": "B2", "updated_at": at(6),
            "is_property_listed": True,
        },
    }  # fmt: skip


def test_the_ledger_says_by_what_records_were_merged_and_the_account_closes(built: Lake) -> None:
    merges = table(built, "silver", "residents_merges")
    man, woman, other = (token(built, one) for one in (MAN, WOMAN, f"record:{PROPERTY}:WY3"))
    records = [(PROPERTY, "WY1"), (PROPERTY, "WY4"), (SELF, "ZZ1"), (SELF, "ZZ2")]
    own = {record: token(built, f"record:{source}:{record}") for source, record in records}
    columns = ["entity_id", "merged_into", "outcome", "rule"]
    assert sorted(merges.select(columns).rows()) == sorted([
        (man, man, "superseded", "older_version"),
        (man, man, "merged", "same_identity_number"),
        (own["WY1"], man, "merged", "same_person_by_likeness"),
        (own["WY4"], other, "merged", "same_person_by_likeness"),
        (own["ZZ1"], woman, "merged", "same_identity_number"),
        (own["ZZ2"], woman, "merged", "same_identity_number"),
    ])  # fmt: skip
    assert closes(silver_account(built, "residents"))
    assert silver_account(built, "residents")["accepted"].sum() == len(SAID)


def test_every_link_has_weight_and_reason(built: Lake) -> None:
    links = table(built, "persons", "links")
    assert set(LINK_OUTCOMES) == set(OUTCOMES)
    by_number = links["rule"] == "identity_number"
    assert by_number.any()
    assert (links["weight"].is_null() == by_number).all()
    assert links.filter(~by_number)["rule"].str.starts_with("splink:name=").all()
    joined = links.filter(pl.col("outcome") == "joined")
    assert joined.height == sum(len(person) - 1 for person in PEOPLE)


def test_a_record_its_source_no_longer_holds_is_set_aside(lake_with_areas: Lake) -> None:
    lake = lake_with_areas
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


def test_a_second_run_writes_nothing_and_no_order_of_arrival_shows(
    built: Lake, tmp_path_factory: pytest.TempPathFactory
) -> None:
    names = [t for t in tables.TABLES if t.layer == "persons" or "resident" in t.name]
    names = [t for t in names if t.layer in ("persons", "silver")]
    assert len(names) == 8
    before = {t.label: (built.version(t), built.read(t)) for t in names}
    build(built)
    assert {label: version for label, (version, _) in before.items()} == {
        t.label: built.version(t) for t in names
    }
    hand = random.Random(5)
    for n in range(0, len(SAID), 3):  # the same once more, in other files and another order
        send(built, hand.sample(SAID[n : n + 3], len(SAID[n : n + 3])))
    build(built)
    for one in names:
        if one.name != "residents_merges":  # there the second copies stand as superseded
            assert built.read(one).equals(before[one.label][1]), one.label


@pytest.mark.parametrize("what", ["the weights", "areas", "a delivery", "nothing"])
def test_persons_are_found_again_only_if_something_they_depend_on_changed(
    built: Lake, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    own = [t for t in tables.TABLES if t.layer == "persons"]
    before = [built.version(t) or 0 for t in own]
    if what == "the weights":
        monkeypatch.setattr("assets.silver.persons._model_digest", lambda: "other weights")
    elif what == "areas":
        areas = tables.table("silver", "areas")
        builds.record(built, areas, {builds.WHOLE: builds.Built("other", "areas", 2)})
    elif what == "a delivery":
        send(built, SAID[-1:])
    build(built)
    assert [built.version(t) for t in own] == [v + (what != "nothing") for v in before]


def test_periods_follow_the_person_and_not_the_record(built: Lake) -> None:
    own = table(built, "silver", "resident_periods")
    assert set(own["person_token"]) == set(table(built, "silver", "residents")["person_token"])
    man = own.filter(pl.col("person_token") == token(built, MAN)).sort("valid_from")
    assert man.select("source", "community_code").rows() == [
        (REGISTER, HERE), (VISITS, HERE), (VISITS, THERE),
    ]  # fmt: skip
