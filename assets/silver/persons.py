"""persons.*: the records of four sources become persons, with every link and every contradiction.

Runs and stays inside the restricted zone: names, telephones and numbers are read and kept in clear.
"""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import polars as pl

import quality.resolution
from assets.building import Clean, about, build_whole, inputs_of, told
from assets.silver._buildings import AREAS, BUILDINGS, content_of_buildings, known_buildings
from assets.silver._population import SOURCES, Standing, population_inputs, read_standing
from quality.addresses import Buildings, matching_key, parse, standard
from quality.placing import Communities
from quality.resolve import Resolved, resolve, with_tokens
from schemas.resolution import TABLES
from warehouse import builds
from warehouse.lake import Lake

RECORDS, LINKS, GOLDEN, CONFLICTS = TABLES
_COLUMNS = [
    "person_name", "sex_code", "birth_day", "phone", "population_category", "community_code",
    "building_id", "unit_number", "dwelling_number", "address",
]  # fmt: skip
_NAMES = {
    "name": "person_name", "birth_date": "birth_day", "sex": "sex_code", "building": "building_id",
    "unit": "unit_number", "room": "dwelling_number",
}  # fmt: skip
"""What the matcher calls our columns."""


@dg.multi_asset(
    name="persons",
    specs=[
        dg.AssetSpec(
            **about(table, "public-security"),
            deps=[
                *(["bronze", source] for source in SOURCES),
                list(AREAS.key),
                list(BUILDINGS.key),
            ],
            kinds={"polars", "duckdb", "deltalake"},
        )
        for table in TABLES
    ],
    can_subset=False,
)
def persons(lake: dg.ResourceParam[Lake]) -> Iterator[dg.MaterializeResult]:
    """One person once, over all population feeds."""
    inputs = inputs_of(*population_inputs(lake), *content_of_buildings(lake), _model_digest())
    found: dict[str, pl.DataFrame] = {}

    def clean(name: str) -> Clean:
        if not found:
            standing = read_standing(lake, _COLUMNS)
            key = lake.home.key("population")
            found.update(resolved(standing, lake.read(AREAS), known_buildings(lake), key))
        return Clean(found[name])

    for table in TABLES:
        outcome = build_whole(lake, table, inputs, lambda name=table.name: clean(name))
        yield dg.MaterializeResult(asset_key=list(table.key), metadata=told(outcome).metadata)


def resolved(
    standing: dict[str, Standing], areas: pl.DataFrame, buildings: Buildings, key: bytes
) -> dict[str, pl.DataFrame]:
    """The tables of the layer by name.

    Args:
        standing: Records by source.
        areas: silver.areas; a community it does not know is none.
        buildings: The registered buildings, found by address where a record has no code.
        key: Token key of the population topic.
    """
    communities = Communities(areas)
    records = pl.concat(
        [
            _comparable(communities.place(one.rows, order=("code",)), buildings)
            for one in standing.values()
        ]
    )
    found = resolve(records)
    return {
        RECORDS.name: _records(records, found, key),
        LINKS.name: found.links,
        GOLDEN.name: _golden(found, key),
        CONFLICTS.name: _conflicts(found, key),
    }


def _comparable(rows: pl.DataFrame, buildings: Buildings) -> pl.DataFrame:
    """Records of one source as `quality.resolve` wants them."""
    lacks = [pl.lit(None, pl.String).alias(c) for c in ("unit_number", "address")
             if c not in rows.columns]  # fmt: skip
    own = rows.with_columns(*lacks)
    nothing = pl.lit(None, pl.String).alias("building_id")
    found = buildings.find(own.select("community_code", nothing, _unless_coded("address")))
    described = own.hstack(_in_words(own)).with_columns(
        building=pl.coalesce("building_id", found["building_id"])
    )
    coded = pl.col("building").is_not_null()
    return described.select(
        "source", "record_id", "phone", "population_category", "community_code", "building",
        name="person_name",
        id_number="number",
        birth_date="birth_day",
        sex="sex_code",
        place=pl.when(~coded).then("said_place"),
        unit=pl.coalesce(pl.col("unit_number").str.replace(r"单元$", ""), "said_unit"),
        room=pl.coalesce(pl.col("dwelling_number").str.replace(r"[室号]$", ""), "said_room"),
        address=pl.when(~coded).then("said_address"),
        version_at="updated_at",
    )  # fmt: skip


def _unless_coded(column: str) -> pl.Expr:
    return pl.when(pl.col("building_id").is_null()).then(column).alias(column)


def _in_words(rows: pl.DataFrame) -> pl.DataFrame:
    """What the text of an address says, read only where a column of its own is empty."""
    columns = ("building_id", "unit_number", "dwelling_number")
    is_wanted = pl.any_horizontal(pl.col(c).is_null() for c in columns)
    texts = rows.select(pl.when(is_wanted).then("address").alias("address")).to_series()
    levels = parse(texts)
    keys = matching_key(levels)
    door = levels.with_columns(
        unit=pl.lit(None, pl.String), floor=pl.lit(None, pl.Int16), room=pl.lit(None, pl.String)
    )
    is_a_place = pl.any_horizontal(
        pl.col(c).is_not_null() for c in ("building_key", "road_key", "compound_key")
    )
    return keys.with_columns(standard(door).alias("door"), standard(levels)).select(
        said_place=pl.when(is_a_place).then("door"),
        said_unit="unit_key",
        said_room="room_key",
        said_address="standard_address",
    )


def _records(said: pl.DataFrame, found: Resolved, key: bytes) -> pl.DataFrame:
    own = said.select("source", "record_id", "id_number", updated_at="version_at").join(
        found.clusters, on=["source", "record_id"]
    )
    is_numbered = (pl.col("id_number") == pl.col("person_key")).fill_null(value=False)
    return with_tokens(own.with_columns(is_numbered=is_numbered), key)


def _golden(found: Resolved, key: bytes) -> pl.DataFrame:
    own = with_tokens(found.golden, key)
    sources = {f"{a}_source": f"{b}_source" for a, b in _NAMES.items()
               if f"{a}_source" in own.columns}  # fmt: skip
    return own.rename(_NAMES | sources).with_columns(pl.col("birth_day").str.to_date("%Y-%m-%d"))


def _conflicts(found: Resolved, key: bytes) -> pl.DataFrame:
    own = with_tokens(found.conflicts, key)
    return own.rename({"column": "attribute"}).with_columns(pl.col("attribute").replace(_NAMES))


def _model_digest() -> str:
    """The weights are data: the fingerprint of the code does not see them."""
    folder = Path(quality.resolution.__file__).parent
    return builds.fingerprint((folder / "model.json").read_text())
