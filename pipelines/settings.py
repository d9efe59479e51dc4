"""Settings of a run: which home, and as of when."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

from assets.publish import AsOf
from schemas.city_time import city_date_of, start_of_city_day
from warehouse.home import Home, default_home
from warehouse.lake import Lake

HOME_VARIABLE = "GOVLAKE_HOME"
AS_OF_VARIABLE = "GOVLAKE_AS_OF"


def as_of_of(home: Home) -> datetime:
    """The as-of instant: `$GOVLAKE_AS_OF`, else the demo's own, else now.

    Raises:
        ValueError: the variable is no instant with a zone.
    """
    text = os.environ.get(AS_OF_VARIABLE)
    if text:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise ValueError(
                f"{AS_OF_VARIABLE}={text} has no zone: write 2026-11-20T00:00:00+08:00"
            )
        return instant.astimezone(UTC)
    return (home.demo_as_of() or datetime.now(UTC)).astimezone(UTC)


def resources() -> dict[str, Any]:
    """Dagster resources for the home of this process."""
    home = Home(default_home())
    return {"lake": Lake(home), "as_of": AsOf(as_of_of(home))}


def demo_as_of(home: Home, text: str | None) -> datetime:
    """As-of of a demo to be written: as asked, else as it was, else the start of the city day."""
    if text:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise ValueError(f"--as-of {text} has no zone: write 2026-11-20T00:00:00+08:00")
        return instant
    return home.demo_as_of() or start_of_city_day(city_date_of(datetime.now(UTC)))
