"""Which city days a refresh has to look at."""

from __future__ import annotations

from assets.silver import fire, grid_cases, sensing
from assets.silver._newest import stale_event_days
from assets.silver.captures import CAPTURES, day_inputs
from assets.silver.devices import placements
from warehouse import builds
from warehouse.lake import Lake

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
QUIET_DAY = "2000-01-01"
"""A day without data, for a refresh that has no day to renew but may have registers to."""


def stale_days(lake: Lake) -> list[str]:
    """City days of any daily silver table whose inputs are not those they were built from."""
    known = placements(lake)
    stale = {
        day
        for table, feed in CAPTURES.items()
        for day in builds.stale(lake, table, day_inputs(lake, feed, known))
    }
    recipes = [
        grid_cases.recipe(lake),
        sensing.alarm_recipe(lake),
        sensing.reading_recipe(lake),
        *fire.recipes(lake),
    ]
    stale.update(day for recipe in recipes for day in stale_event_days(lake, recipe))
    return sorted(stale)


def partition_range(lake: Lake) -> dict[str, str]:
    """Run tags that make Dagster refresh the stale days in one run."""
    days = stale_days(lake) or [QUIET_DAY]
    return {RANGE_START: days[0], RANGE_END: days[-1]}
