"""Schedules: once a day, early: upkeep of the lake; and taking in whatever has landed."""

from __future__ import annotations

import dagster as dg

from pipelines.access import HOURLY_ACCESS
from pipelines.jobs import TAKE_IN
from pipelines.pulling import HOURLY_PULL
from pipelines.upkeep import upkeep_job
from schemas.city_time import CITY_ZONE

DAILY = dg.ScheduleDefinition(
    name="daily_take_in",
    job=TAKE_IN,
    cron_schedule="30 4 * * *",
    execution_timezone=CITY_ZONE,
    description="每日 04:30 读取新到文件；随后由传感器触发刷新",
)

UPKEEP = dg.ScheduleDefinition(
    name="daily_upkeep",
    job=upkeep_job,
    cron_schedule="30 3 * * *",
    execution_timezone=CITY_ZONE,
    # unlike taking in, which the landing sensor does, nothing else would do it
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="每日 03:30 维护数据湖：合并小文件、清理过期版本、汇总日志、复核行账",
)

SCHEDULES = [DAILY, UPKEEP, HOURLY_PULL, HOURLY_ACCESS]
