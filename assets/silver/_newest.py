"""Silver tables that keep the newest version of every key: events by day, registers whole.

An event is filed under the city day it happened on. When a later version names another day, the
newest version decides: the key leaves the old day, which is recomputed together with the new one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from assets.building import Clean, Outcome, build_days, build_whole, days_at_once, inputs_of
from assets.deliveries import deliveries_digest, deliveries_of, set_vanished_aside, vanished
from assets.silver.devices import split_unregistered
from quality.deduplicate import newest_per_key
from schemas import tables
from schemas.contract import polars_schema
from schemas.feeds import BY_NAME, Feed
from schemas.ledgers import SetAside
from schemas.tables import Table
from warehouse import builds
from warehouse.builds import content_fingerprint
from warehouse.lake import Lake, empty

KEY = "entity_id"
OLDER = "older_version"

Split = Callable[[pl.DataFrame], tuple[pl.DataFrame, pl.DataFrame]]
Finish = Callable[[pl.DataFrame], pl.DataFrame]


def all_stand(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The split of a table that depends on no other: nothing is set aside."""
    return rows, empty(SetAside)


def _as_delivered(rows: pl.DataFrame) -> pl.DataFrame:
    return rows


def need_known(known: pl.Series, column: str, happened: str, rule: str) -> Split:
    """The split of facts that name an entry of another table: those of unknown ones are set aside.

    Args:
        known: What the other table holds.
        column: Column that names the entry.
        happened: Instant that goes to the ledger as the row's own time.
        rule: Name under which the others are set aside.
    """

    def split(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        is_known = pl.col(column).is_in(known.implode())
        return rows.filter(is_known), rows.filter(~is_known).select(
            "event_day", KEY, version_at=pl.col(happened), rule=pl.lit(rule)
        )

    return split


def need_registered_device(known: pl.DataFrame, happened: str) -> Split:
    """The split of facts of devices: those of unregistered ones are set aside."""
    return lambda rows: split_unregistered(rows, known, KEY, happened)


@dataclass(frozen=True)
class Recipe:
    """How a daily silver table comes from its feed.

    Attributes:
        table: The silver table.
        feed: The feed it is made of.
        happened: Instant that goes to the ledger as the row's own time.
        split: Rows that stand and rows that another table does not bear out.
        finish: From bronze columns to silver columns.
        other_inputs: Fingerprints of everything else the rows depend on.
        day_inputs: ISO day → digest of what only that day depends on.
    """

    table: Table
    feed: Feed
    happened: str
    finish: Finish
    split: Split = all_stand
    other_inputs: Sequence[str] = ()
    day_inputs: Mapping[str, str] = field(default_factory=dict)


def newest_days(lake: Lake, recipe: Recipe, only: Iterable[str] | None = None) -> Outcome:
    """Rebuild the stale days of an event table, keeping the newest version of every key."""
    moved = _moved(lake, recipe)
    bronze = tables.table("bronze", recipe.feed.name)

    def clean(days: list[date]) -> Clean:
        return clean_days(_keyed(lake.read(bronze, days=days), recipe.feed), moved, recipe)

    inputs = _inputs(lake, recipe, moved)
    at_once = days_at_once(lake, recipe.feed.name)
    return build_days(lake, recipe.table, inputs, clean, only=only, at_once=at_once)


def stale_event_days(lake: Lake, recipe: Recipe) -> list[str]:
    """Days that `newest_days` would rebuild now."""
    return builds.stale(lake, recipe.table, _inputs(lake, recipe, _moved(lake, recipe)))


def clean_days(rows: pl.DataFrame, moved: pl.DataFrame, recipe: Recipe) -> Clean:
    """Newest versions of some days, less those whose newest version is filed under another day.

    Args:
        rows: Bronze rows of the days, with `entity_id` and `event_day`.
        moved: Keys met on several days, with the day of their newest version.
        recipe: How the table is made.
    """
    own, set_aside = recipe.split(rows)
    own = own.join(moved, on=KEY, how="left")
    is_elsewhere = (pl.col("newest_day") != pl.col("event_day")).fill_null(value=False)
    left, stays = own.filter(is_elsewhere), own.filter(~is_elsewhere)
    kept = newest_per_key(
        stays, KEY, recipe.feed.version_columns, happened=recipe.happened, rule=OLDER
    )
    filed_elsewhere = left.select(
        "event_day",
        KEY,
        version_at=pl.col(recipe.happened),
        merged_into=pl.col(KEY),
        outcome=pl.lit("superseded"),
        rule=pl.lit("newest_version_is_of_another_day"),
    )
    return Clean(recipe.finish(kept.rows), pl.concat([kept.ledger, filed_elsewhere]), set_aside)


def newest_register(
    lake: Lake,
    table: Table,
    feed: Feed,
    happened: str,
    finish: Finish,
    other_inputs: Sequence[str],
    *,
    prepare: Finish = _as_delivered,
    split: Split = all_stand,
) -> Outcome:
    """Rebuild a register whole: the newest version of every key its source still holds.

    Args:
        lake: The lake.
        table: The silver table.
        feed: The feed it is made of.
        happened: Instant that goes to the ledger as the row's own time.
        finish: From bronze columns to silver columns.
        other_inputs: Fingerprints of everything else the rows depend on.
        prepare: Applied to bronze rows before they get their key: tokens in place of identities,
            so that no ledger names one.
        split: Rows that stand and rows that another table does not bear out.
    """
    files = builds.arrived(lake, feed.name).values()
    inputs = inputs_of(*files, deliveries_digest(lake, feed.name), *other_inputs)

    def clean() -> Clean:
        bronze = prepare(lake.read(tables.table("bronze", feed.name)))
        rows, unborne = split(_keyed(bronze, feed))
        kept = newest_per_key(rows, KEY, feed.version_columns, happened=happened, rule=OLDER)
        gone = vanished(rows, deliveries_of(lake, feed.name), KEY, happened)
        stands, set_aside = set_vanished_aside(kept.rows, gone, KEY, happened)
        columns = list(polars_schema(SetAside))
        parts = [part.select(columns) for part in (unborne, set_aside)]
        return Clean(finish(stands), kept.ledger, pl.concat(parts, how="vertical_relaxed"))

    return build_whole(lake, table, inputs, clean)


def recipe_feed(name: str) -> Feed:
    """A feed by name."""
    return BY_NAME[name]


def _keyed(rows: pl.DataFrame, feed: Feed) -> pl.DataFrame:
    """Add the key as one text, and the day the row belongs to (null in registers)."""
    day = pl.col(feed.day_column) if feed.day_column else pl.lit(None, pl.Date)
    return rows.with_columns(pl.concat_str(*feed.key, separator="/").alias(KEY), event_day=day)


def _moved(lake: Lake, recipe: Recipe) -> pl.DataFrame:
    """Keys met on more than one day, and the day of their newest version."""
    feed, bronze = recipe.feed, tables.table("bronze", recipe.feed.name)
    day = feed.day_column
    assert day is not None
    narrow = lake.scan(bronze).select(*feed.key, day)
    several = narrow.group_by(feed.key).agg(pl.col(day).n_unique().alias("n")).filter(
        pl.col("n") > 1
    )  # fmt: skip
    keys = several.drop("n").collect()
    nothing = pl.DataFrame(schema={KEY: pl.String, "newest_day": pl.Date})
    if keys.is_empty():
        return nothing
    rows = _keyed(lake.scan(bronze).join(keys.lazy(), on=feed.key, how="semi").collect(), feed)
    own, _ = recipe.split(rows)
    kept = newest_per_key(own, KEY, feed.version_columns, happened=recipe.happened, rule=OLDER)
    days = own.group_by(KEY).agg(pl.col(day).n_unique().alias("n")).filter(pl.col("n") > 1)
    return kept.rows.join(days, on=KEY, how="semi").select(KEY, newest_day=pl.col(day))


def _inputs(lake: Lake, recipe: Recipe, moved: pl.DataFrame) -> dict[str, str]:
    touched = _moved_by_day(lake, recipe, moved)
    return {
        day: inputs_of(
            files, *recipe.other_inputs, recipe.day_inputs.get(day, ""), touched.get(day, "")
        )
        for day, files in builds.arrived(lake, recipe.feed.name).items()
    }


def _moved_by_day(lake: Lake, recipe: Recipe, moved: pl.DataFrame) -> dict[str, str]:
    """Day → digest of the moved keys that have a version on it."""
    if moved.is_empty():
        return {}
    day = recipe.feed.day_column
    assert day is not None
    bronze = lake.scan(tables.table("bronze", recipe.feed.name)).select(*recipe.feed.key, day)
    met = _keyed(bronze.collect(), recipe.feed).select(KEY, day).unique()
    return {
        str(one): content_fingerprint(part.select(KEY, "newest_day"))
        for (one,), part in met.join(moved, on=KEY).group_by(day)
    }
