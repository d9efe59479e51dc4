"""Registers of persons: a token instead of the number, the newest word, placed; nothing more.

The ledgers name persons by token too. Each register has the key of its own topic.
"""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from assets.building import Outcome
from assets.silver._newest import newest_register, recipe_feed
from quality.identifiers import identity_number_canonical
from quality.placing import Communities
from quality.tokens import tokens
from schemas import tables
from schemas.city_time import city_day
from schemas.contract import private_columns
from schemas.feeds import Feed
from schemas.persons import birth_day, sex_code
from schemas.tables import Table
from warehouse import builds
from warehouse.lake import Lake

AREAS = tables.table("silver", "areas")


@dataclass(frozen=True)
class PersonRegister:
    """How a silver table of persons comes from its feed.

    Attributes:
        table: The silver table.
        feed: Name of the feed.
        topic: Whose key makes the tokens.
        finish: From bronze columns, `person_token`, `born`, `sex_by_number`, `newest_day` (city day
            of the register's newest row), `community_code` and `placed_by` to silver columns.
    """

    table: Table
    feed: str
    topic: str
    finish: Callable[[pl.DataFrame], pl.DataFrame]


def newest_persons(lake: Lake, register: PersonRegister) -> Outcome:
    """Rebuild a register of persons whole if what arrived, or the areas, changed."""
    feed, key = recipe_feed(register.feed), lake.home.key(register.topic)
    communities = Communities(lake.read(AREAS))
    return newest_register(
        lake, register.table, feed, "updated_at",
        lambda rows: register.finish(
            communities.place(rows.rename({"identity_number": "person_token"}))
        ),
        [builds.content_of(lake, AREAS)],
        prepare=lambda rows: without_identity(rows, key, feed),
    )  # fmt: skip


def without_identity(rows: pl.DataFrame, key: bytes, feed: Feed) -> pl.DataFrame:
    """Bronze rows with a token as `identity_number`, without any other direct identifier.

    Args:
        rows: Bronze rows.
        key: Token key of the topic.
        feed: The feed they are of.

    Returns:
        The rows with `born` and `sex_by_number`, which the number said, and `newest_day`.
    """
    number = pl.col("identity_number")
    canonical = rows.select(identity_number_canonical(number)).to_series()
    direct = set(private_columns(feed.contract, "direct")) - {"identity_number"}
    return rows.with_columns(
        born=birth_day(number),
        sex_by_number=sex_code(number),
        newest_day=city_day(pl.col("updated_at").max()),
        identity_number=tokens(key, canonical),
    ).drop(direct)
