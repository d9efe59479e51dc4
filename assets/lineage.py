"""Which feeds a table is made from, read off the assets themselves."""

from collections.abc import Iterator
from functools import cache

import dagster as dg

from assets.rooms import modules_in
from schemas.feeds import BY_NAME
from schemas.tables import Table

CONTEXT = frozenset({"areas", "buildings", "devices"})
"""Feeds that say where things are. They decide the place of nearly every row, so their state says
something of a number only where they are what is counted."""


@cache
def feeds_of(table: Table) -> tuple[str, ...]:
    """Names of the feeds a silver or topic table is made from, in registry order.

    Feeds that only give places are left out where there are others.
    """
    known = dependencies()
    found: set[str] = set()
    waiting, met = [table.key], set()
    while waiting:
        key = waiting.pop()
        if key in met:
            continue
        met.add(key)
        if key[0] == "bronze":
            found.add(key[1])
        waiting += known.get(key, ())
    own = found - CONTEXT or found
    return tuple(name for name in BY_NAME if name in own)


@cache
def dependencies() -> dict[tuple[str, str], tuple[tuple[str, str], ...]]:
    """Key of a table → keys of the tables its asset reads."""
    return {
        _pair(spec.key): tuple(_pair(dep.asset_key) for dep in spec.deps)
        for asset in _assets()
        for spec in asset.specs
    }


def _pair(key: dg.AssetKey) -> tuple[str, str]:
    layer, name = key.path
    return layer, name


def _assets() -> Iterator[dg.AssetsDefinition]:
    for module in (*modules_in("assets.silver"), *modules_in("assets.topics")):
        for thing in vars(module).values():
            if isinstance(thing, dg.AssetsDefinition):
                yield thing
