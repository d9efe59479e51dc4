"""silver.rental_periods, silver.resident_periods: what registers said held when (SCD 2)."""

import dagster as dg
import polars as pl

from assets.building import Clean, about, build_whole, inputs_of, told
from assets.deliveries import deliveries_digest, deliveries_of, statements
from assets.silver._population import SOURCES, read_source
from quality.placing import Communities
from quality.tokens import tokens
from quality.validity import periods
from schemas import tables
from schemas.population import UNKNOWN_CATEGORY
from warehouse import builds
from warehouse.lake import Lake

AREAS = tables.table("silver", "areas")
RENTALS = tables.table("silver", "rental_periods")
RESIDENTS = tables.table("silver", "resident_periods")
RECORDS = tables.table("persons", "records")


@dg.asset(
    **about(RENTALS, "housing"),
    deps=[["bronze", "rentals"], list(AREAS.key)],
    kinds={"polars", "deltalake"},
)
def rental_periods(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Rentals through time: where, and how they were let."""

    def clean() -> Clean:
        rows = lake.read(tables.table("bronze", "rentals"))
        placed = Communities(lake.read(AREAS)).place(rows)
        versions = placed.with_columns(entity_id="rental_id", source=pl.lit("rentals"))
        facts = ["community_code", "building_id", "rent_way", "rent_channel"]
        found = _periods(lake, {"rentals": versions}, facts)
        return Clean(found.rename({"entity_id": "rental_id"}))

    return told(build_whole(lake, RENTALS, _inputs(lake, "rentals"), clean))


@dg.asset(
    **about(RESIDENTS, "public-security"),
    deps=[*(["bronze", source] for source in SOURCES), list(AREAS.key), list(RECORDS.key)],
    kinds={"polars", "deltalake"},
)
def resident_periods(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Persons through time: in which building and community, by the newest word of any source."""
    facts = ["community_code", "building_id", "population_category"]
    records = builds.content_of(lake, RECORDS)

    def clean() -> Clean:
        communities = Communities(lake.read(AREAS))
        known, key = lake.read(RECORDS), lake.home.key("population")
        said = {}
        for source in SOURCES:
            own = tokenised(read_source(lake, source, facts), known, key)
            said[source] = communities.place(own)
        said = _with_category(said)
        return Clean(_periods(lake, said, facts).rename({"entity_id": "person_token"}))

    return told(build_whole(lake, RESIDENTS, inputs_of(_inputs(lake, *SOURCES), records), clean))


def tokenised(rows: pl.DataFrame, records: pl.DataFrame, key: bytes) -> pl.DataFrame:
    """Versions with the person's token as `entity_id`, and nothing direct.

    A record its source has left out since is nobody's in `records`: it was its own number's, or its
    own.

    Args:
        rows: Bronze rows of one source, `keyed`.
        records: persons.records.
        key: Token key of the population topic.
    """
    own = rows.join(
        records.select("source", "record_id", "person_token"), on=["source", "record_id"],
        how="left",
    )  # fmt: skip
    lost = own.select(pl.coalesce("number", "entity_id")).to_series()
    return own.with_columns(entity_id=pl.coalesce("person_token", tokens(key, lost))).drop(
        "number", "identity_number", "record_id", "person_token"
    )


def _with_category(said: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Words without a category keep the one last given; property companies know none."""
    category = pl.col("population_category")
    given = pl.concat(said.values()).sort(
        "entity_id", "updated_at", "source", "population_category", nulls_last=True
    )
    filled = given.with_columns(
        category.forward_fill().over("entity_id").fill_null(UNKNOWN_CATEGORY)
    )
    return {source: filled.filter(pl.col("source") == source) for source in said}


def _periods(lake: Lake, said: dict[str, pl.DataFrame], facts: list[str]) -> pl.DataFrame:
    """Stretches from the versions of several sources and their whole deliveries."""
    columns = ["entity_id", "source", "said_at", *facts]
    versions, whole = [], []
    for source, rows in said.items():
        own = deliveries_of(lake, source)
        versions.append(statements(rows, own, "updated_at").select(columns))
        whole.append(own.select("as_of", source=pl.lit(source)))
    return periods(pl.concat(versions), pl.concat(whole), facts)


def _inputs(lake: Lake, *feeds: str) -> str:
    arrived = (builds.arrived(lake, feed) for feed in feeds)
    return inputs_of(
        *(digest for one in arrived for digest in one.values()),
        deliveries_digest(lake, *feeds),
        builds.content_of(lake, AREAS),
    )
