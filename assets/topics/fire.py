"""消防 fire: inspections and hazards, alarms, and incidents derived from unit responses."""

from datetime import date

import dagster as dg
import ibis.expr.types as ir
from ibis import _

from assets.building import about, told
from assets.topics.tabulate import day_inputs, topic_days
from schemas import tables
from warehouse.engine import Engine
from warehouse.lake import Lake

INSPECTIONS = tables.table("silver", "fire_inspections")
ALARMS = tables.table("silver", "fire_alarms")
RESPONSES = tables.table("silver", "fire_responses")
INSPECTION_DAYS = tables.table("topics", "fire_inspection_days")
ALARM_DAYS = tables.table("topics", "fire_alarm_days")
INCIDENTS = tables.table("topics", "fire_incidents")
_KINDS = {"ibis", "duckdb", "deltalake"}


@dg.asset(**about(INSPECTION_DAYS), deps=[list(INSPECTIONS.key)], kinds=_KINDS)
def fire_inspection_days(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Inspections, hazards found and hazards rectified by day of inspection."""
    inputs = day_inputs(lake, INSPECTIONS)
    return told(topic_days(lake, INSPECTION_DAYS, inputs, count_inspections))


@dg.asset(**about(ALARM_DAYS), deps=[list(ALARMS.key)], kinds=_KINDS)
def fire_alarm_days(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Alarms of fire control rooms by day, and how many were confirmed."""
    return told(topic_days(lake, ALARM_DAYS, day_inputs(lake, ALARMS), count_alarms))


@dg.asset(**about(INCIDENTS), deps=[list(RESPONSES.key)], kinds=_KINDS)
def fire_incidents(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per incident: units sent, first arrival, response time where it is known."""
    return told(topic_days(lake, INCIDENTS, day_inputs(lake, RESPONSES), derive_incidents))


def count_inspections(engine: Engine, days: list[date]) -> ir.Table:
    """Inspections of some days."""
    rows = engine.table(INSPECTIONS, days)
    own = rows.mutate(fire_day=_.inspected_day)
    return own.group_by("fire_day", "community_code").aggregate(
        inspection_count=_.count(),
        hazard_count=_.hazard_count.sum(),
        rectified_count=_.rectified_count.sum(),
    )


def count_alarms(engine: Engine, days: list[date]) -> ir.Table:
    """Alarms of some days."""
    rows = engine.table(ALARMS, days)
    own = rows.mutate(
        fire_day=_.alarmed_day, confirmed=_.is_confirmed.fill_null(False).cast("int64")
    )
    return own.group_by("fire_day", "community_code", "alarm_kind").aggregate(
        alarm_count=_.count(), confirmed_count=_.confirmed.sum()
    )


def derive_incidents(engine: Engine, days: list[date]) -> ir.Table:
    """Incidents whose calls came in on some days.

    The response time runs from the first call to the first unit known to have arrived; units that
    never reported an arrival leave it unknown, not zero.
    """
    rows = engine.table(RESPONSES, days)
    incidents = rows.group_by("received_day", "incident_number").aggregate(
        call_type=_.call_type.min(),
        community_code=_.community_code.min(),
        unit_count=_.count(),
        received_at=_.received_at.min(),
        first_on_scene_at=_.on_scene_at.min(),
    )
    seconds = _.first_on_scene_at.epoch_seconds() - _.received_at.epoch_seconds()
    return incidents.mutate(response_seconds=seconds.cast("int64"))
