"""The demo knows which building every row is in; registers must find it or say why not."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest
from test_truth import same, silver

from warehouse.lake import Lake

Truth = Callable[[str], pl.DataFrame]

pytestmark = pytest.mark.slow

KEYS = {"rentals": "rental_id", "dwellings": "dwelling_id", "small_places": "place_id"}


def found_and_true(demo_lake: Lake, truth: Truth, feed: str) -> pl.DataFrame:
    """Rows that write an address and no code that is known: what was found, what is true."""
    mentions = truth("building_mentions").filter(
        pl.col("feed") == feed, pl.col("has_address"), pl.col("building_by") != "code"
    )
    own = silver(demo_lake, feed).select(
        found="building_id", way="building_by", entity_id=KEYS[feed]
    )
    return mentions.join(own, on="entity_id", how="left", validate="1:1")


@pytest.mark.parametrize("feed", KEYS)
def test_every_row_finds_the_building_its_words_tell(
    demo_lake: Lake, truth: Truth, feed: str
) -> None:
    mentions = truth("building_mentions").filter(pl.col("feed") == feed)
    assert mentions.height == silver(demo_lake, feed).height > 0
    columns = ["entity_id", "building_id", "building_by"]
    same(silver(demo_lake, feed).rename({KEYS[feed]: "entity_id"}), mentions.select(columns))


@pytest.mark.parametrize("feed", KEYS)
def test_no_address_finds_a_wrong_building_and_few_find_none(
    demo_lake: Lake, truth: Truth, feed: str
) -> None:
    rows = found_and_true(demo_lake, truth, feed)
    found = rows.drop_nulls("found")
    right = found.filter(pl.col("found") == pl.col("true_building_id"))
    assert right.height == found.height >= 15, "precision 1"
    assert right.height / rows.height > 0.6, "recall, of all that write an address"
    assert set(rows["way"]) <= {"address", "ambiguous", "unknown"}


def test_buildings_have_standard_addresses_of_their_own(demo_lake: Lake) -> None:
    buildings = silver(demo_lake, "buildings")
    own = buildings.drop_nulls("address")
    assert 0 < own.height < buildings.height
    assert own["standard_address"].null_count() == 0
    assert buildings.filter(pl.col("address").is_null())["standard_address"].drop_nulls().is_empty()
    placed = own.drop_nulls("community_code")
    assert placed["standard_address"].is_unique().all()
    assert placed["standard_address"].str.contains("^(?:福建省示范市)?示范区.+(?:街道|镇)").all()
