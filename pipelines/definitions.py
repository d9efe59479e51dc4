"""The one Dagster entry: every asset, check, job, schedule and sensor of govlake."""

from __future__ import annotations

import dagster as dg

from assets import publish, statistics
from assets.checks import CHECKS
from assets.expectation_checks import EXPECTATION_CHECKS
from assets.intake import INTAKE_ASSETS
from assets.rooms import modules_in
from assets.space_checks import SPACE_CHECKS
from pipelines.jobs import JOBS
from pipelines.schedules import SCHEDULES
from pipelines.sensors import SENSORS
from pipelines.settings import resources


@dg.definitions
def defs() -> dg.Definitions:
    """Everything Dagster knows of this code location."""
    derived = dg.load_assets_from_modules(
        [*modules_in("assets.silver"), *modules_in("assets.topics"), statistics, publish]
    )
    return dg.Definitions(
        assets=[*INTAKE_ASSETS, *derived],
        asset_checks=[*CHECKS, *SPACE_CHECKS, *EXPECTATION_CHECKS],
        jobs=JOBS,
        schedules=SCHEDULES,
        sensors=SENSORS,
        resources=resources(),
        executor=dg.in_process_executor,
    )
