"""Residents of the whole demo: golden records by a plain loop, persons against who is truly who."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import combinations

import dagster as dg
import polars as pl
import pytest
from landed import Row, lines_of
from support import write_demo_home
from test_social_truth import Truth, as_tokens, silver, tokens_of, unordered

from assets.silver.areas import areas
from assets.silver.housing import buildings
from assets.silver.persons import persons
from assets.taking_in import take_in
from schemas import tables
from warehouse.home import Home
from warehouse.lake import Lake

pytestmark = pytest.mark.slow

ORDER_OF_ADDRESS = ("population_visits", "population_self", "population_property",
                    "population_household")  # fmt: skip
ORDER_OF_CATEGORY = ("population_household", "population_visits", "population_self",
                     "population_property")  # fmt: skip
FLAGS = {"is_registered_here": "population_household", "is_visited": "population_visits",
         "is_property_listed": "population_property",
         "is_self_registered": "population_self"}  # fmt: skip
ENGLISH = {"登记编号": "record_id", "公民身份号码": "id_number", "人口类别": "population_category",
           "社区编码": "community_code", "更新时间": "updated_at"}  # fmt: skip


@pytest.fixture
def good_rows(demo_run: Home, truth: Truth) -> Callable[[str], Iterator[Row]]:
    """Rows of a feed's files that nothing quarantines."""
    bad = set(truth("quarantined").select("feed", "file_name", "row_number").iter_rows())

    def read(feed: str) -> Iterator[Row]:
        for path in sorted((demo_run.landing / feed).iterdir()):
            for number, row in enumerate(lines_of(path), 1):
                if (feed, path.name, number) not in bad:
                    yield row

    return read


@pytest.fixture
def communities(demo_run: Home) -> set[str]:
    """Codes of all communities, from the landed file."""
    (path,) = (demo_run.landing / "areas").glob("*.geojson")
    own = [feature["properties"] for feature in json.loads(path.read_text())["features"]]
    return {one["area_code"] for one in own if one["tier"] == "community"}


def statements(good_rows, communities) -> dict[tuple[str, str], dict]:
    """The newest version of every record of the four sources, by a plain loop over the files."""
    newest: dict[tuple[str, str], dict] = {}
    for source in ORDER_OF_ADDRESS:
        for row in good_rows(source):
            said = {zh: row.get(zh) or row.get(en) for zh, en in ENGLISH.items()}
            number = (said["公民身份号码"] or "").upper() or None
            if number and len(number) == 15:
                body = number[:6] + "19" + number[6:]
                number = body + check_character(body)
            is_listed = source in ("population_property", "population_self")
            key = (source, said["登记编号"] if is_listed else number)
            code = said["社区编码"] if said["社区编码"] in communities else None
            version = (said["更新时间"], code, said["人口类别"], number)
            newest[key] = max(newest.get(key, ("",)), version, key=lambda one: one[0])
    return newest


def check_character(body: str) -> str:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


def test_residents_hold_what_the_best_source_says_of_every_person(
    demo_lake: Lake, good_rows, communities
) -> None:
    """Who is one person is taken as found; the next test judges that."""
    newest = statements(good_rows, communities)
    records = demo_lake.read(tables.table("persons", "records"))
    persons: dict[str, list[tuple]] = {}
    for source, record, person in records.select("source", "record_id", "person_token").rows():
        persons.setdefault(person, []).append((source, *newest.pop((source, record))))
    assert not newest, "every record is somebody's"
    expected = set()
    for person, said in persons.items():
        by_address = sorted((one for one in said if one[2]), key=lambda one: one[1], reverse=True)
        by_address.sort(key=lambda one: ORDER_OF_ADDRESS.index(one[0]))
        by_category = sorted((one for one in said if one[3]), key=lambda one: one[1], reverse=True)
        by_category.sort(key=lambda one: ORDER_OF_CATEGORY.index(one[0]))
        expected.add((
            person, by_address[0][2] if by_address else None,
            by_category[0][3] if by_category else "0",
            *(any(one[0] == source for one in said) for source in FLAGS.values()),
        ))  # fmt: skip
    own = silver(demo_lake, "residents")
    columns = ["person_token", "community_code", "population_category", *FLAGS]
    assert unordered(own.select(columns)) == expected
    assert own.filter(~pl.col("is_registered_here") & ~pl.col("is_visited")).height > 0
    assert (own["source_count"] == own.select(pl.sum_horizontal(*FLAGS)).to_series()).all()
    assert own["population_category"].n_unique() == 6, "of some people nobody knows the category"
    assert own["birth_year"].null_count() > 0, "of some people nobody knows the age"


def pairs_of(person_of: dict[tuple, str], numbered: dict[tuple, bool]) -> set[frozenset]:
    """Pairs of records of one person that equal numbers do not settle."""
    members: dict[str, list[tuple]] = {}
    for record, person in person_of.items():
        members.setdefault(person, []).append(record)
    return {
        frozenset(pair)
        for own in members.values()
        for pair in combinations(own, 2)
        if not (numbered[pair[0]] and numbered[pair[1]])
    }


FEEDS = ("areas", "buildings", *FLAGS.values())


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Some 27,000 records of 15,000 people: enough to speak of shares."""
    home = write_demo_home(
        tmp_path_factory.mktemp("people") / "home", days=1, scale=0.05, feeds=",".join(FEEDS)
    )
    lake = Lake(home)
    for feed in FEEDS:
        take_in(lake, feed)
    with dg.DagsterInstance.ephemeral() as instance:
        assert dg.materialize(
            [areas, buildings, persons], resources={"lake": lake}, instance=instance
        ).success
    return home


def test_persons_are_exact_by_number_and_almost_so_by_likeness(district: Home) -> None:
    found = {
        (source, record): person
        for source, record, person in Lake(district)
        .read(tables.table("persons", "records"))
        .select("source", "record_id", "person_token")
        .rows()
    }
    true, numbered = {}, {}
    said = pl.read_parquet(district.root / "demo" / "truth" / "person_records.parquet")
    for source, record, person, has_number in said.rows():
        true[source, record], numbered[source, record] = person, has_number
    assert found.keys() == true.keys()
    token = tokens_of(district, "population")
    for record, has_number in numbered.items():
        assert not has_number or found[record] == token(true[record])
    right, ours = pairs_of(true, numbered), pairs_of(found, numbered)
    assert len(right) > 2_000
    assert len(right & ours) / len(ours) >= 0.995
    assert len(right & ours) / len(right) >= 0.97


def test_where_records_are_rightly_joined_residents_are_those_of_the_truth(
    demo_run: Home, demo_lake: Lake, truth: Truth
) -> None:
    token = tokens_of(demo_run, "population")
    columns = ["community_code", "population_category", *FLAGS]
    numbered = truth("persons").filter("is_numbered")
    expected = as_tokens(numbered, token, columns)
    found = set(silver(demo_lake, "residents").select("person_token", *columns).iter_rows())
    assert len(expected & found) / len(expected) >= 0.98
    total = truth("persons").height
    assert abs(silver(demo_lake, "residents").height - total) <= 0.01 * total
    disputed = demo_lake.read(tables.table("persons", "conflicts")).filter(
        pl.col("attribute") == "address"
    )
    assert disputed["person_token"].is_in(silver(demo_lake, "residents")["person_token"]).all()
    said = disputed["losing_value"].str.head(12)
    lives = disputed.join(silver(demo_lake, "residents"), on="person_token", maintain_order="left")
    assert (said != lives["community_code"]).sum() > 20, "people who moved are told of"
