"""City days as Dagster partitions."""

from __future__ import annotations

import dagster as dg

from schemas.city_time import CITY_ZONE

FIRST_DAY = "2000-01-01"

CITY_DAY = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, timezone=CITY_ZONE, end_offset=1)
"""One partition per city day (Asia/Shanghai), today included."""
