"""Registers of persons by hand: ages, newest words, marginals, and amounts that tell of few."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_lake import arrive, read

from assets.silver import employment, party_members, periods, welfare_grants
from assets.silver._persons import newest_persons
from assets.topics import welfare as welfare_topic
from assets.topics.tabulate import topic_whole
from pipelines.demo.credit_codes import credit_code
from pipelines.demo.identity import identity_numbers
from schemas import tables
from schemas.check_numbers import social_credit_code_is_valid
from schemas.party import AGE_BANDS, age_band
from schemas.persons import age_at, birth_day, sex_code
from warehouse.lake import Lake

HERE, THERE = "350299001001", "350299001002"
DAYS = st.dates(date(1900, 1, 1), date(2100, 12, 31))


def birthdays_until(born: date, day: date) -> int:
    """Birthdays lived through; one on 29 February falls on 1 March in other years."""
    count = 0
    while True:
        year = born.year + count + 1
        try:
            birthday = born.replace(year=year)
        except ValueError:
            birthday = date(year, 3, 1)
        if birthday > day:
            return count
        count += 1


@given(DAYS, st.integers(0, 40_000))
def test_an_age_is_the_number_of_birthdays(born: date, later: int) -> None:
    day = born + timedelta(days=later)
    frame = pl.DataFrame({"born": [born]})
    found = frame.select(age_at(pl.col("born"), pl.lit(day))).item()
    assert found == birthdays_until(born, day)


def test_bands_end_where_the_communique_says() -> None:
    ages = {18: "18-30", 30: "18-30", 31: "31-40", 40: "31-40", 41: "41-50", 50: "41-50",
            51: "51-60", 60: "51-60", 61: "61+", 120: "61+"}  # fmt: skip
    found = pl.DataFrame({"a": list(ages)}).select(age_band(pl.col("a"))).to_series()
    assert found.to_list() == list(ages.values())
    assert set(found) == set(AGE_BANDS)


def test_a_number_says_birth_and_sex_in_both_forms() -> None:
    frame = pl.DataFrame({"n": ["11010519491231002X", "110105491231002", "no number", None]})
    found = frame.select(birth=birth_day(pl.col("n")), sex=sex_code(pl.col("n")))
    assert found.rows() == [(date(1949, 12, 31), "2")] * 2 + [(None, None)] * 2


def test_credit_codes_of_the_demo_are_valid() -> None:
    codes = pl.DataFrame({"c": [credit_code(n) for n in range(500)] + [credit_code(7, "91")]})
    assert codes.select(social_credit_code_is_valid(pl.col("c")).all()).item()
    assert codes["c"].n_unique() == 501


@pytest.fixture
def with_areas(lake: Lake) -> Lake:
    table = tables.table("silver", "areas")
    fill = {pl.Binary: b"", pl.Float64: 0.0, pl.Datetime: datetime.now(UTC), pl.List: []}
    other = {name: fill.get(t.base_type()) for name, t in lake.read(table).schema.items()}
    tiers = {"350299": "district", "350299001": "street", HERE: "community", THERE: "community"}
    rows = [other | {"area_code": c, "area_name": c, "tier": t} for c, t in tiers.items()]
    lake.replace(table, pl.DataFrame(rows, schema=lake.read(table).schema))
    return lake


def numbers(count: int) -> list[str]:
    born = pl.Series([date(1970, 1, 1) + timedelta(days=n) for n in range(count)])
    return identity_numbers(np.random.default_rng(1), born).to_list()


def test_the_newest_word_counts_and_the_ledger_names_a_token(with_areas: Lake) -> None:
    """The old form, a small x and the number itself are one person."""
    words = [("11010519491231002X", "2", "2026-11-01"), ("11010519491231002x", "1", "2026-11-03"),
             ("110105491231002", "4", "2026-11-02")]  # fmt: skip
    texts = [{"identity_number": number, "employment_state": state, "community_code": HERE,
              "updated_at": f"{day} 08:00:00", "registered_day": None}
             for number, state, day in words]  # fmt: skip
    arrive(with_areas, "employment", read("employment", texts))
    newest_persons(with_areas, employment.REGISTER)
    kept = with_areas.read(employment.TABLE)
    assert kept["employment_state"].to_list() == ["1"]
    merges = with_areas.read(tables.table("silver", "employment_merges"))
    token = kept["person_token"][0]
    assert merges["entity_id"].to_list() == merges["merged_into"].to_list() == [token] * 2
    assert "11010" not in "".join(str(row) for row in merges.rows())


def test_a_word_without_a_category_keeps_the_one_last_given() -> None:
    given = [("p", 2, None), ("p", 3, "1"), ("p", 4, None), ("p", 6, None), ("q", 1, None)]
    schema = {"entity_id": pl.String, "updated_at": pl.Int64, "population_category": pl.String}
    lists = pl.DataFrame(given, schema=schema, orient="row").with_columns(source=pl.lit("lists"))
    app = pl.DataFrame([("p", 5, "2")], schema=schema, orient="row").with_columns(
        source=pl.lit("app")
    )
    filled = periods._with_category({"lists": lists, "app": app})
    found = {row[:3] for part in filled.values() for row in part.rows()}
    assert found == {("p", 2, "0"), ("p", 3, "1"), ("p", 4, "1"), ("p", 5, "2"), ("p", 6, "2"),
                     ("q", 1, "0")}  # fmt: skip
    assert set(filled["app"]["source"]) == {"app"}


def test_a_party_register_nobody_sent_is_an_empty_table(with_areas: Lake) -> None:
    newest_persons(with_areas, party_members.REGISTER)
    assert with_areas.read(party_members.TABLE).is_empty()


def test_amounts_are_told_of_five_and_more_only(with_areas: Lake) -> None:
    texts = [
        {"identity_number": number, "welfare_kind": "2", "welfare_class": None,
         "is_household_head": "是" if n % 2 else None, "amount_yuan_per_month": "10.1",
         "starts_day": "2026-01-01", "ends_day": None, "grid_code": None,
         "community_code": HERE if n < 5 else THERE}
        for n, number in enumerate(numbers(9))
    ]  # fmt: skip
    texts[0] |= {"ends_day": "2026-11-20"}  # its last day, that of the newest row
    arrive(with_areas, "welfare", read("welfare", texts))
    newest_persons(with_areas, welfare_grants.REGISTER)
    topic_whole(with_areas, welfare_topic.TABLE, [welfare_topic.GRANTS], welfare_topic.count_grants)
    found = with_areas.read(welfare_topic.TABLE).drop("counted_by", "category_name").rows()
    assert set(found) == {(HERE, "2", 5, 2, 50.5), (THERE, "2", 4, 2, None)}
    texts[0] |= {"ends_day": "2026-11-19"}
    arrive(with_areas, "welfare", read("welfare", [texts[0] | {"updated_at": "2026-11-20 09:00"}]))
    newest_persons(with_areas, welfare_grants.REGISTER)
    topic_whole(with_areas, welfare_topic.TABLE, [welfare_topic.GRANTS], welfare_topic.count_grants)
    found = with_areas.read(welfare_topic.TABLE).drop("counted_by", "category_name").rows()
    assert set(found) == {(HERE, "2", 4, 2, None), (THERE, "2", 4, 2, None)}
