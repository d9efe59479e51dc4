"""Filling the access register from Superset's log: hourly by Dagster, and by `govlake upkeep`."""

import json
import os
import subprocess

import dagster as dg

from assets.access import add_acts, expire, since
from pipelines.errors import RunFailed
from pipelines.superset import DASHBOARDS, environment, superset_folder, superset_python
from schemas.access import KEPT_DAYS
from schemas.city_time import CITY_ZONE
from warehouse.lake import Lake

PATIENCE_S = 300


def update_register(lake: Lake) -> tuple[int, int]:
    """Bring the register up to date; how many acts came, and how many expired.

    Without Superset in this home there is nothing to read.

    Raises:
        HomeError: Superset was used here, and is not installed any more.
        RunFailed: its log cannot be read; says where the reason is.
    """
    has_log = (lake.home.root / "superset" / "superset.db").exists()
    if not has_log and not os.environ.get("GOVLAKE_SUPERSET_DB"):
        return 0, expire(lake)
    log = superset_folder(lake.home) / "access.log"
    with log.open("w") as output:
        done = subprocess.run(
            [superset_python(), DASHBOARDS / "access_rows.py", since(lake).isoformat(),
             str(KEPT_DAYS)], env=environment(lake.home), stdout=subprocess.PIPE, stderr=output,
            text=True, check=False, timeout=PATIENCE_S,
        )  # fmt: skip
    if done.returncode:
        raise RunFailed(f"Superset's log cannot be read; see {log}")
    return add_acts(lake, [json.loads(line) for line in done.stdout.splitlines()]), expire(lake)


@dg.op(description="把 Superset 日志中的访问记录写入访问登记；清除 180 天以前的记录")
def fill_access_register(context: dg.OpExecutionContext, lake: dg.ResourceParam[Lake]) -> None:
    """Add what users did since the last time."""
    added, expired = update_register(lake)
    context.add_output_metadata({"acts_added": added, "acts_expired": expired})


@dg.job(name="access_register", description="访问登记：谁在何时打开了什么；只写入 ops.access")
def access_job() -> None:
    """Fill the access register."""
    fill_access_register()


HOURLY_ACCESS = dg.ScheduleDefinition(
    name="hourly_access_register",
    job=access_job,
    cron_schedule="40 * * * *",
    execution_timezone=CITY_ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="每小时第40分更新访问登记",
)
