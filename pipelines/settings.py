"""Settings of a run: which home, and as of when."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

from assets.publish import AsOf
from assets.upkeep import VACUUM_DAYS
from schemas.city_time import city_date_of, start_of_city_day
from warehouse.home import Home, HomeError, default_home
from warehouse.lake import Lake

AS_OF_VARIABLE = "GOVLAKE_AS_OF"
VACUUM_DAYS_VARIABLE = "GOVLAKE_VACUUM_DAYS"


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


def vacuum_days() -> float:
    """Days that replaced files stay: `$GOVLAKE_VACUUM_DAYS`, else a week.

    Raises:
        ValueError: the variable is no number of days.
    """
    text = os.environ.get(VACUUM_DAYS_VARIABLE, "").strip() or str(VACUUM_DAYS)
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if not 0 <= days < 36_500:
        raise ValueError(f"{VACUUM_DAYS_VARIABLE}={text} is no number of days")
    return days


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


def refuse_another_demo(home: Home, *, days: int, scale: float, seed: int, as_of: datetime) -> None:
    """Keep two demo districts out of one lake.

    Raises:
        HomeError: this home was already run on a demo of other parameters.
    """
    if not home.demo_marker.exists() or not (home.lake / "ops" / "files").exists():
        return
    was = json.loads(home.demo_marker.read_text())
    same = (was["days"], was["scale"], was["seed"]) == (days, scale, seed)
    if not same or datetime.fromisoformat(was["as_of"]) != as_of:
        raise HomeError(
            f"{home.root} already holds the demo of {was['days']} days, scale {was['scale']}, "
            f"seed {was['seed']}, as of {was['as_of']}: choose another --home, or remove this one"
        )
