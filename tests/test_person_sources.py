"""The invented people of four sources: a truth that is one, with slips of every kind."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.demo.person_habits import SOURCES
from pipelines.demo.person_names import HOMOPHONES, LOOK_ALIKES, NEARLY, slipped
from pipelines.demo.person_sources import person_records
from schemas.check_numbers import identity_number_canonical, identity_number_is_valid

KEY = ["source", "record_id"]


@pytest.fixture(scope="module")
def made() -> pl.DataFrame:
    records, truth = person_records(20_000, seed=2)
    return records.join(truth, on=KEY, validate="1:1")


def test_the_same_seed_makes_the_same_people() -> None:
    for one, again in zip(person_records(500, 6), person_records(500, 6), strict=True):
        assert_frame_equal(one, again)
    assert not person_records(500, 6)[0].equals(person_records(500, 7)[0])


def test_size_and_sources_are_as_asked(made: pl.DataFrame) -> None:
    assert abs(made.height - 20_000) < 400
    assert set(made["source"]) == set(SOURCES)
    assert not made.select(pl.struct(KEY).is_duplicated().any()).item()


def test_a_number_of_eighteen_digits_is_one_persons(made: pl.DataFrame) -> None:
    known = made.filter(identity_number_is_valid(pl.col("id_number")))
    whole = known.filter(pl.col("id_number").str.len_chars() == 18)
    owners = whole.group_by("id_number").agg(pl.col("person").n_unique())
    assert (owners["person"] == 1).all()
    born = whole["id_number"].str.slice(6, 8).str.to_date("%Y%m%d")
    assert (born == whole["birth_date"]).mean() > 0.9  # pyright: ignore[reportOperatorIssue]


def test_every_kind_of_trouble_is_there(made: pl.DataFrame) -> None:
    number = made["id_number"]
    valid = made.select(identity_number_is_valid(pl.col("id_number"))).to_series()
    canonical = made.select(identity_number_canonical(pl.col("id_number"))).to_series()
    assert 0.15 < number.is_null().mean() < 0.35  # pyright: ignore[reportOperatorIssue]
    assert (number.str.len_chars() == 15).sum() > 50
    assert (~valid).sum() > 50
    assert canonical.str.len_chars().drop_nulls().is_between(15, 18).all()
    per = made.group_by("person").agg(pl.all().drop_nulls().n_unique())
    for column in ("name", "birth_date", "sex", "phone", "building"):
        assert (per[column] > 1).sum() > 20, column
    twins = made.group_by("birth_date", "building", "room").agg(
        pl.col("person").n_unique(), pl.col("birth_date").first().alias("born")
    )
    assert twins.filter(pl.col("born").is_not_null() & (pl.col("person") > 1)).height > 5
    namesakes = made.group_by("name", "building").agg(pl.col("person").n_unique())
    assert (namesakes["person"] > 1).sum() > 5


def test_carelessness_multiplies_gaps() -> None:
    careful, careless = (person_records(4_000, 3, carelessness=c)[0] for c in (0.0, 2.0))
    assert careful["id_number"].null_count() == 0
    assert careless["id_number"].null_count() > 0.4 * careless.height


@pytest.mark.parametrize(
    ("kind", "table"), [("homophone", HOMOPHONES), ("nearly", NEARLY), ("look", LOOK_ALIKES)]
)
def test_a_slip_changes_one_character_into_one_of_its_group(kind, table) -> None:
    rng = np.random.default_rng(1)
    for name in ("王明丽", "林静", "欧敏"):
        wrong = slipped(name, kind, rng)
        apart = [(a, b) for a, b in zip(name, wrong, strict=True) if a != b]
        assert len(apart) <= 1
        assert all(b in table[a] for a, b in apart)
