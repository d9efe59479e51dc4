"""The datasets: modules that say what arrives and what becomes of it.

Each declares `FEEDS`, what arrives, and `TABLES`, the silver tables made of it. Adding a feed is
such a module, and its name here. Topic databases declare themselves (`assets/topics`).
"""

from __future__ import annotations

from typing import Any

from schemas import (
    areas,
    captures,
    components,
    devices,
    dwellings,
    employment,
    fire,
    grid_cases,
    grid_staff,
    housing,
    iot_events,
    party,
    population,
    resolution,
    satisfaction,
    sensing,
    small_places,
    video_events,
    welfare,
)

DATASETS = (areas, devices, captures, grid_cases, sensing, population, resolution,
            housing, fire, small_places, employment, party, welfare, components,
            video_events, iot_events, grid_staff, dwellings, satisfaction)  # fmt: skip


def declared(what: str) -> list[Any]:
    """Everything of a kind that datasets declare, in their order."""
    return [one for module in DATASETS for one in getattr(module, what, ())]
