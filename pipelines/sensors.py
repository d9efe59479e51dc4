"""Sensors: new files in landing start an intake, a finished one a refresh of its days; alerts."""

import hashlib
from datetime import UTC, datetime

import dagster as dg

from assets.taking_in import new_files
from pipelines.alerts import alerts
from pipelines.jobs import REFRESH, TAKE_IN
from pipelines.planning import refresh_tags
from pipelines.settings import resources
from schemas.feeds import sources
from warehouse.landing import list_files


@dg.sensor(
    job=TAKE_IN,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="落地目录有新文件时启动读取",
)
def landing(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Ask for an intake when a file lies in landing that was never taken in.

    The run key names the files and the hour: a failed intake is asked for again an hour later.
    """
    lake = resources()["lake"]
    digest, new = hashlib.sha256(), 0
    for source in sources():
        for file in new_files(lake, source, list_files(lake.home.landing, source).files):
            digest.update(f"{file.name}\0{file.size}\0{file.modified_ns}\n".encode())
            new += 1
    if not new:
        return dg.SkipReason("no new files")
    return dg.RunRequest(run_key=f"{digest.hexdigest()[:16]}-{datetime.now(UTC):%Y%m%d%H}")


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[TAKE_IN],
    request_job=REFRESH,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="读取完成后刷新受影响的日期",
)
def refresh_what_was_touched(
    context: dg.RunStatusSensorContext,
) -> dg.RunRequest | dg.SkipReason:
    """Ask for a refresh of the days whose inputs changed."""
    tags = refresh_tags(resources()["lake"])
    return dg.RunRequest(run_key=context.dagster_run.run_id, tags=tags)


SENSORS = [landing, refresh_what_was_touched, alerts]
