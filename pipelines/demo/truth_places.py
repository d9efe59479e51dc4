"""Truth tables of the feeds of places and events (see `truth.py`)."""

from __future__ import annotations

import polars as pl

_PLACED = {"community_code": pl.String, "placed_by": pl.String}

PLACES_TRUTH: dict[str, dict[str, pl.DataType | type[pl.DataType]]] = {
    "components": {
        "component_id": pl.String,
        **_PLACED,
        "type_code": pl.String,
        "department_name": pl.String,
        "component_state": pl.String,
    },
    "grid_staff": {
        "staff_number": pl.String,
        "grid_code": pl.String,
        **_PLACED,
        "staff_role": pl.String,
        "on_duty_from": pl.Date,
        "on_duty_until": pl.Date,
    },
    "dwellings": {
        "dwelling_id": pl.String,
        "building_id": pl.String,
        "building_by": pl.String,
        "community_code": pl.String,
        "dwelling_use": pl.String,
        "dwelling_state": pl.String,
        "area_m2": pl.Float64,
    },
    "building_mentions": {
        "feed": pl.String,
        "entity_id": pl.String,
        "has_address": pl.Boolean,
        "building_id": pl.String,
        "building_by": pl.String,
        "true_building_id": pl.String,
    },
    "ai_video_events": {
        "event_id": pl.String,
        "device_id": pl.String,
        "community_code": pl.String,
        "event_kind": pl.String,
        "type_code": pl.String,
        "happened_day": pl.Date,
        "is_confirmed": pl.Boolean,
        "handled_seconds": pl.Int64,
    },
    "iot_events": {
        "event_id": pl.String,
        "device_id": pl.String,
        "community_code": pl.String,
        "system_type": pl.String,
        "status_name": pl.String,
        "happened_day": pl.Date,
        "handled_seconds": pl.Int64,
    },
    "satisfaction_visits": {
        "visit_id": pl.String,
        "case_number": pl.String,
        "community_code": pl.String,
        "visited_day": pl.Date,
        "answer": pl.String,
        "score": pl.Int64,
    },
    "fire_episodes": {
        "device_id": pl.String,
        "opened_at": pl.Datetime("us", "UTC"),
        "closed_at": pl.Datetime("us", "UTC"),
        "worst_level": pl.String,
    },
}
