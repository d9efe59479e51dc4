"""As of when a run speaks; city days as Dagster partitions, and which of them it is to look at.

Captures and sensor readings, whose days are large, are partitioned in Dagster too. Other events
keep daily Delta partitions and renew their stale days by themselves: a register of fire calls over
twenty years would otherwise log thousands of empty partitions a run.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import dagster as dg

from schemas.city_time import CITY_ZONE, city_date_of

FIRST_DAY = "2010-01-01"
EVERY_STALE_DAY = "govlake/every_stale_day"
"""Run tag: renew all stale days, whatever the range says (late rows can be of any day)."""

CITY_DAY = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, timezone=CITY_ZONE, end_offset=1)
"""One partition per city day (Asia/Shanghai), today included."""


@dataclass(frozen=True)
class AsOf:
    """The instant up to which a run speaks; injected, never the clock of an asset."""

    instant: datetime

    @property
    def day(self) -> date:
        """Its city day: what is due before it is overdue."""
        return city_date_of(self.instant)

    @property
    def last_day(self) -> date:
        """The last city day it speaks of: at midnight, the day that has just ended."""
        return city_date_of(self.instant - timedelta(microseconds=1))

    @property
    def full_day(self) -> date:
        """The last city day that is over."""
        return self.day - timedelta(days=1)


def days_wanted(context: dg.AssetExecutionContext) -> list[str] | None:
    """Days a partitioned asset may renew in this run; None: every stale one."""
    if context.run.tags.get(EVERY_STALE_DAY) == "true":
        return None
    return list(context.partition_keys)
