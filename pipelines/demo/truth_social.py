"""Truth tables of the registers of places and persons: small places, employment, party, welfare."""

from __future__ import annotations

import polars as pl

_PLACED = {"community_code": pl.String, "placed_by": pl.String}

SOCIAL: dict[str, dict[str, pl.DataType | type[pl.DataType]]] = {
    "person_records": {
        "source": pl.String,
        "record_id": pl.String,
        "person": pl.String,
        "is_numbered": pl.Boolean,
    },
    "small_places": {
        "place_id": pl.String,
        **_PLACED,
        "building_id": pl.String,
        "building_by": pl.String,
        "place_kind": pl.String,
        "credit_code": pl.String,
        "employee_count": pl.Int64,
        "fire_level": pl.String,
        "last_inspected_day": pl.Date,
        "hazard_count": pl.Int64,
        "rectified_count": pl.Int64,
    },
    "employment": {
        "identity_number": pl.String,
        **_PLACED,
        "employment_state": pl.String,
        "education_level": pl.String,
        "industry_section": pl.String,
    },
    "party_members": {
        "identity_number": pl.String,
        "community_code": pl.String,
        "age_band": pl.String,
        "sex_code": pl.String,
    },
    "welfare_grants": {
        "identity_number": pl.String,
        **_PLACED,
        "welfare_kind": pl.String,
        "welfare_class": pl.String,
        "is_household_head": pl.Boolean,
        "amount_yuan_per_month": pl.Float64,
        "is_in_force": pl.Boolean,
    },
}
