"""What a refresh has to look at, as the tags of its Dagster run."""

from __future__ import annotations

from contextlib import suppress

from assets.silver.captures import KINDS
from assets.silver.captures import stale_days as stale_capture_days
from assets.silver.sensing import stale_reading_days
from assets.site_settings import SettingsError
from assets.timing import CITY_DAY, EVERY_STALE_DAY
from warehouse.lake import Lake

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"


def stale_days(lake: Lake) -> list[str]:
    """City days of the partitioned tables whose inputs changed since they were built."""
    stale = set(stale_reading_days(lake))
    for kind in KINDS:
        with suppress(SettingsError):  # its asset fails with that message; the others still run
            stale.update(stale_capture_days(lake, kind))
    return sorted(stale)


def refresh_tags(lake: Lake) -> dict[str, str]:
    """Run tags for a refresh of everything stale.

    The range is what Dagster books as materialized; days outside its partitions (a camera clock
    gone mad) are renewed all the same.
    """
    known = CITY_DAY.get_partition_keys()
    days = [day for day in stale_days(lake) if known[0] <= day <= known[-1]] or [known[-1]]
    return {EVERY_STALE_DAY: "true", RANGE_START: days[0], RANGE_END: days[-1]}
