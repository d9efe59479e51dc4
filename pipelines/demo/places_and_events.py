"""The feeds of places and events of 示范区, each by its own writer."""

from __future__ import annotations

import polars as pl

from pipelines.demo.components import write_components
from pipelines.demo.devices import Register
from pipelines.demo.dwellings import write_dwellings
from pipelines.demo.events import write_events
from pipelines.demo.grid_staff import write_grid_staff
from pipelines.demo.mentions import Town
from pipelines.demo.plan import Plan
from pipelines.demo.space import Space
from pipelines.demo.visits import write_visits


def write_places(plan: Plan, space: Space, town: Town) -> None:
    """Write the wanted feeds of places; dwellings need the buildings they are in."""
    if "components" in plan.feeds:
        write_components(plan, space)
    if "grid_staff" in plan.feeds:
        write_grid_staff(plan, space)
    if {"dwellings", "buildings"} <= plan.feeds:
        write_dwellings(plan, town)


def write_happenings(plan: Plan, register: Register, cases: pl.DataFrame | None) -> None:
    """Write the wanted feeds of events; visits need the cases they are about."""
    write_events(plan, register)
    if cases is not None and "satisfaction_visits" in plan.feeds:
        write_visits(plan, cases)
