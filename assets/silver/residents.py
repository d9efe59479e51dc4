"""silver.residents: one person once, by exact identity, as a token; names and numbers stay behind.

Only exact identity numbers match here. The newest word of any source decides a person's attributes.
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
from warehouse import builds
from warehouse.lake import Lake

AREAS = tables.table("silver", "areas")
TABLE = tables.table("silver", "residents")
REGISTER, VISITS = "population_household", "population_visits"
SOURCES = (REGISTER, VISITS)
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
    """One row per person over both population feeds, placed in a community."""
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
        Residents; older versions of one source are superseded, other sources' words merged.
    """
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
    one = newest_per_key(said, "person_token", ("updated_at",), happened="updated_at",
                         rule="same_identity_number")  # fmt: skip
    sources = said.group_by("person_token").agg(
        is_registered_here=(pl.col("source") == REGISTER).any(),
        is_visited=(pl.col("source") == VISITS).any(),
        source_count=pl.col("source").n_unique().cast(pl.Int64),
    )
    merged = one.ledger.with_columns(outcome=pl.lit("merged"))
    placed = Communities(areas).place(one.rows.join(sources, on="person_token", how="left"))
    ledger = pl.concat([*(kept.ledger for kept in newest), merged])
    return Clean(placed, ledger, pl.concat([aside for _, aside in ended]))


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
