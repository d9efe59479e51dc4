"""Records of the four sources of population: which version of each stands.

The household register and visits know people by number, the other sources by records of their own.
A record stands in its newest version, unless a whole delivery of its source left it out.

Not here: whose records they are (`persons.py`).
"""

from dataclasses import dataclass

import polars as pl

from assets.deliveries import deliveries_digest, deliveries_of, set_vanished_aside, vanished
from quality.deduplicate import newest_per_key
from quality.identifiers import identity_number_canonical
from schemas import tables
from warehouse import builds
from warehouse.lake import Lake

REGISTER, VISITS = "population_household", "population_visits"
PROPERTY, SELF = "population_property", "population_self"
SOURCES = (REGISTER, VISITS, PROPERTY, SELF)
OLDER = "older_version"


@dataclass(frozen=True)
class Standing:
    """Records of one source.

    Attributes:
        rows: Newest versions of the records that stand, with `source`, `record_id`, `number` (18
            characters) and `entity_id` (`record_key`).
        superseded: Ledger rows of older versions.
        set_aside: Ledger rows of records that the newest whole delivery left out.
    """

    rows: pl.DataFrame
    superseded: pl.DataFrame
    set_aside: pl.DataFrame


def population_inputs(lake: Lake) -> list[str]:
    """Fingerprints of what arrived from the four sources, and of their whole deliveries."""
    arrived = [digest for one in SOURCES for digest in builds.arrived(lake, one).values()]
    return [*arrived, deliveries_digest(lake, *SOURCES)]


def read_source(lake: Lake, source: str, columns: list[str] | None = None) -> pl.DataFrame:
    """Bronze rows of a source, all versions, keyed; of the columns those it has."""
    table = tables.table("bronze", source)
    has = list(table.contract.columns())
    wanted = None if columns is None else [
        c for c in ("record_id", "identity_number", "updated_at", "file_id", *columns) if c in has
    ]  # fmt: skip
    return keyed(lake.read(table, wanted), source)


def keyed(rows: pl.DataFrame, source: str) -> pl.DataFrame:
    """Bronze rows with `source`, `number`, `record_id` and `entity_id`; still in clear."""
    number = identity_number_canonical(pl.col("identity_number"))
    own = rows.with_columns(source=pl.lit(source), number=number)
    if source in (REGISTER, VISITS):
        own = own.with_columns(record_id="number")
    return own.with_columns(entity_id=record_key(source))


def record_key(source: str) -> pl.Expr:
    """What a record is known by in ledgers, before it becomes a token: its number, or itself.

    The second form is also the key of a person who has no number (`quality.resolve`).
    """
    if source in (REGISTER, VISITS):
        return pl.col("number")
    return pl.concat_str(pl.lit(f"record:{source}:"), "record_id")


def standing(rows: pl.DataFrame, deliveries: pl.DataFrame) -> Standing:
    """The records of one source that stand.

    Args:
        rows: All versions, `keyed`.
        deliveries: `deliveries_of` the source.
    """
    kept = newest_per_key(rows, "entity_id", ("updated_at",), happened="updated_at", rule=OLDER)
    gone = vanished(rows, deliveries, "entity_id", "updated_at")
    stands, aside = set_vanished_aside(kept.rows, gone, "entity_id", "updated_at")
    return Standing(stands, kept.ledger, aside)


def read_standing(lake: Lake, columns: list[str] | None = None) -> dict[str, Standing]:
    """Source → its records; `columns` beside those that tell versions apart, None: all."""
    return {
        source: standing(read_source(lake, source, columns), deliveries_of(lake, source))
        for source in SOURCES
    }
