"""Schedules: once a day, early, whatever has landed."""

from __future__ import annotations

import dagster as dg

from pipelines.jobs import TAKE_IN
from schemas.city_time import CITY_ZONE

DAILY = dg.ScheduleDefinition(
    name="daily_take_in",
    job=TAKE_IN,
    cron_schedule="30 4 * * *",
    execution_timezone=CITY_ZONE,
    description="每日 04:30 读取新到文件；随后由传感器触发刷新",
)

SCHEDULES = [DAILY]
