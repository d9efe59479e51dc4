"""silver.residents: one person once, by exact identity, as a token; names and numbers stay behind.

Only exact identity numbers match here; rows without one are set aside. The newest word of any
source decides a person's attributes; the category is the newest one any source gave.
"""

import dagster as dg
import polars as pl

from assets.building import Clean, about, build_whole, inputs_of, told
from assets.deliveries import deliveries_digest, deliveries_of, set_vanished_aside, vanished
from quality.deduplicate import newest_per_key
from quality.identifiers import identity_number_canonical
from quality.placing import Communities
from quality.tokens import tokens
from schemas import tables
from schemas.ledgers import SetAside
from schemas.population import UNKNOWN_CATEGORY
from warehouse import builds
from warehouse.lake import Lake, empty

AREAS = tables.table("silver", "areas")
TABLE = tables.table("silver", "residents")
REGISTER, VISITS = "population_household", "population_visits"
PROPERTY, SELF = "population_property", "population_self"
SOURCES = (REGISTER, VISITS, PROPERTY, SELF)
NUMBERED = "identity_number_is_given"
_SHARED = [
    "person_token", "sex_code", "birth_year", "population_category", "community_code",
    "building_id", "updated_at", "source",
]  # fmt: skip


@dg.asset(
    **about(TABLE, "public-security"),
    deps=[*(["bronze", source] for source in SOURCES), list(AREAS.key)],
    kinds={"polars", "deltalake"},
)
def residents(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per person over all population feeds, placed in a community."""
    arrived = [digest for one in SOURCES for digest in builds.arrived(lake, one).values()]
    inputs = inputs_of(*arrived, deliveries_digest(lake, *SOURCES), builds.content_of(lake, AREAS))

    def clean() -> Clean:
        rows = {source: lake.read(tables.table("bronze", source)) for source in SOURCES}
        whole = {source: deliveries_of(lake, source) for source in SOURCES}
        return clean_residents(rows, lake.read(AREAS), lake.home.key("population"), whole)

    return told(build_whole(lake, TABLE, inputs, clean))


def clean_residents(
    rows: dict[str, pl.DataFrame],
    areas: pl.DataFrame,
    key: bytes,
    whole: dict[str, pl.DataFrame] | None = None,
) -> Clean:
    """One row per person.

    Args:
        rows: Bronze rows by source.
        areas: silver.areas.
        key: Token key of the population topic.
        whole: Whole deliveries by source: a source's word ends with one that omits the person.

    Returns:
        Residents; older versions of one source are superseded, other sources' words merged, rows
        without an identity number set aside.
    """
    nameless = [unnumbered(frame, source, key) for source, frame in rows.items()]
    rows = {source: numbered(frame) for source, frame in rows.items()}
    own = [without_identity(frame, source, key) for source, frame in rows.items()]
    newest = [
        newest_per_key(frame, "person_token", ("updated_at",), happened="updated_at",
                       rule="older_version") for frame in own
    ]  # fmt: skip
    gone = [
        vanished(
            frame.with_columns(file_id=rows[source]["file_id"]), whole[source], "person_token",
            "updated_at",
        ) if whole and source in whole else frame["person_token"].clear()
        for source, frame in zip(rows, own, strict=True)
    ]  # fmt: skip
    ended = [
        set_vanished_aside(kept.rows, keys, "person_token", "updated_at")
        for kept, keys in zip(newest, gone, strict=True)
    ]
    said = pl.concat([stands for stands, _ in ended])
    one = newest_per_key(
        with_category(said), "person_token", ("updated_at",), happened="updated_at",
        rule="same_identity_number",
    )  # fmt: skip
    sources = said.group_by("person_token").agg(
        is_registered_here=(pl.col("source") == REGISTER).any(),
        is_visited=(pl.col("source") == VISITS).any(),
        is_property_listed=(pl.col("source") == PROPERTY).any(),
        is_self_registered=(pl.col("source") == SELF).any(),
        source_count=pl.col("source").n_unique().cast(pl.Int64),
    )
    merged = one.ledger.with_columns(outcome=pl.lit("merged"))
    placed = Communities(areas).place(one.rows.join(sources, on="person_token", how="left"))
    ledger = pl.concat([*(kept.ledger for kept in newest), merged])
    return Clean(placed, ledger, pl.concat([*nameless, *(aside for _, aside in ended)]))


def numbered(frame: pl.DataFrame) -> pl.DataFrame:
    """Bronze rows that name a person by number."""
    return frame.filter(pl.col("identity_number").is_not_null())


def unnumbered(frame: pl.DataFrame, source: str, key: bytes) -> pl.DataFrame:
    """A set-aside row for every other, under a token of the source's own record."""
    own = frame.filter(pl.col("identity_number").is_null())
    if own.is_empty():
        return empty(SetAside)
    records = own.select(pl.concat_str(pl.lit(f"{source}:"), "record_id")).to_series()
    return own.select(
        event_day=pl.lit(None, pl.Date),
        entity_id=tokens(key, records),
        version_at="updated_at",
        rule=pl.lit(NUMBERED),
    )


def with_category(said: pl.DataFrame) -> pl.DataFrame:
    """The newest category any source gave for a person; unknown where none did."""
    category = "population_category"
    given = said.drop_nulls(category).sort("updated_at", category)
    newest = given.group_by("person_token").agg(pl.col(category).last())
    own = said.drop(category).join(newest, on="person_token", how="left")
    return own.with_columns(pl.col(category).fill_null(UNKNOWN_CATEGORY))


def without_identity(frame: pl.DataFrame, source: str, key: bytes) -> pl.DataFrame:
    """A token instead of the number; sex and year of birth are read off the number (GB 11643)."""
    number = frame.select(identity_number_canonical(pl.col("identity_number"))).to_series()
    digits = pl.Series(number)
    is_male = digits.str.slice(16, 1).cast(pl.Int64, strict=False) % 2 == 1
    return frame.with_columns(
        person_token=tokens(key, number),
        sex_code=pl.select(pl.when(is_male).then(pl.lit("1")).otherwise(pl.lit("2"))).to_series(),
        birth_year=digits.str.slice(6, 4).cast(pl.Int64, strict=False),
        source=pl.lit(source),
    ).select(_SHARED)
