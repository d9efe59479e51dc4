"""silver.residents: one person once, as a token; names, numbers and addresses stay behind.

Who is one person is found in the restricted zone (`persons.py`). What stands here of a person is
the golden record without anything direct: of each attribute the word of the source that decides it.
"""

import dagster as dg
import polars as pl

from assets.building import Clean, about, build_whole, inputs_of, told
from assets.silver._population import (
    PROPERTY,
    REGISTER,
    SELF,
    SOURCES,
    VISITS,
    Standing,
    population_inputs,
    read_standing,
)
from quality.resolution.golden import rank_of_source
from quality.tokens import tokens
from schemas import tables
from schemas.population import UNKNOWN_CATEGORY, UNKNOWN_SEX
from warehouse import builds
from warehouse.lake import Lake

TABLE = tables.table("silver", "residents")
RECORDS, GOLDEN = tables.table("persons", "records"), tables.table("persons", "golden")
BY_NUMBER, BY_LIKENESS = "same_identity_number", "same_person_by_likeness"


@dg.asset(
    **about(TABLE, "public-security"),
    deps=[*(["bronze", source] for source in SOURCES), list(RECORDS.key), list(GOLDEN.key)],
    kinds={"polars", "deltalake"},
)
def residents(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per person over all population feeds, placed in a community."""
    found = (builds.content_of(lake, table) for table in (RECORDS, GOLDEN))
    inputs = inputs_of(*population_inputs(lake), *found)

    def clean() -> Clean:
        return clean_residents(
            read_standing(lake, []), lake.read(RECORDS), lake.read(GOLDEN),
            lake.home.key("population"),
        )  # fmt: skip

    return told(build_whole(lake, TABLE, inputs, clean))


def clean_residents(
    standing: dict[str, Standing], records: pl.DataFrame, golden: pl.DataFrame, key: bytes
) -> Clean:
    """One row per person.

    Args:
        standing: Records by source.
        records: persons.records.
        golden: persons.golden.
        key: Token key of the population topic.

    Returns:
        Residents; older versions of a record are superseded, other records of the person merged,
        records that a whole delivery left out set aside. Ledgers name records by token.
    """
    superseded = pl.concat([one.superseded for one in standing.values()])
    aside = pl.concat([one.set_aside for one in standing.values()])
    entities = pl.concat(
        [one.rows.select("source", "record_id", "entity_id") for one in standing.values()]
    )
    own = records.join(entities, on=["source", "record_id"])
    return Clean(
        persons_of(records, golden),
        pl.concat(
            [
                superseded.with_columns(_token(superseded, key, c) for c in _NAMED),
                merged(own.with_columns(_token(own, key, "entity_id"))),
            ]
        ),
        aside.with_columns(_token(aside, key, "entity_id")),
    )


_NAMED = ("entity_id", "merged_into")


def _token(rows: pl.DataFrame, key: bytes, column: str) -> pl.Series:
    return tokens(key, rows[column]).alias(column)


def persons_of(records: pl.DataFrame, golden: pl.DataFrame) -> pl.DataFrame:
    """silver.residents of persons: which sources know them, and their golden record."""
    known = records.group_by("person_token").agg(
        is_registered_here=(pl.col("source") == REGISTER).any(),
        is_visited=(pl.col("source") == VISITS).any(),
        is_property_listed=(pl.col("source") == PROPERTY).any(),
        is_self_registered=(pl.col("source") == SELF).any(),
        source_count=pl.col("source").n_unique().cast(pl.Int64),
        updated_at=pl.col("updated_at").max(),
    )
    told_of = golden.select(
        "person_token",
        "community_code",
        "building_id",
        sex_code=pl.col("sex_code").fill_null(UNKNOWN_SEX),
        birth_year=pl.col("birth_day").dt.year().cast(pl.Int64),
        population_category=pl.col("population_category").fill_null(UNKNOWN_CATEGORY),
    )
    return told_of.join(known, on="person_token")


def merged(records: pl.DataFrame) -> pl.DataFrame:
    """A ledger row for every record of a person but one.

    The one that stands carries the person's number, if there is one, and is of the best source.

    Args:
        records: persons.records with `entity_id`, the token of the record.
    """
    rank = rank_of_source("identity_number", pl.col("source"))
    order = ["person_token", "is_numbered", rank, "record_id"]
    others = records.sort(order, descending=[False, True, False, False]).filter(
        ~pl.col("person_token").is_first_distinct()
    )
    by_number = pl.when("is_numbered").then(pl.lit(BY_NUMBER)).otherwise(pl.lit(BY_LIKENESS))
    return others.select(
        "entity_id",
        event_day=pl.lit(None, pl.Date),
        version_at="updated_at",
        merged_into="person_token",
        outcome=pl.lit("merged"),
        rule=by_number,
    ).select("event_day", "entity_id", "version_at", "merged_into", "outcome", "rule")
