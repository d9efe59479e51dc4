"""Making a home ready for Dagster; apart, so that `govlake serve` need not load the graph."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from warehouse.home import Home

HOME_VARIABLE = "GOVLAKE_HOME"
DAGSTER_SETTINGS = Path(__file__).parent.parent / "dagster.yaml"


def prepare(home: Home) -> None:
    """Make the home ready for Dagster: directories, settings, environment."""
    home.prepare()
    settings = home.dagster / "dagster.yaml"
    if not settings.exists() or settings.read_bytes() != DAGSTER_SETTINGS.read_bytes():
        shutil.copyfile(DAGSTER_SETTINGS, settings)
    os.environ[HOME_VARIABLE] = str(home.root)
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"
