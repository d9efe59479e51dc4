"""社区治理 governance: grid cases by day, community, source, national code and state."""

from datetime import date

import dagster as dg
import ibis
import ibis.expr.types as ir

from assets.building import about, told
from assets.topics.tabulate import day_inputs, topic_days
from schemas import tables
from warehouse.engine import Engine
from warehouse.lake import Lake

CASES = tables.table("silver", "grid_cases")
TABLE = tables.table("topics", "governance_case_days")


@dg.asset(**about(TABLE), deps=[list(CASES.key)], kinds={"ibis", "duckdb", "deltalake"})
def governance_case_days(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Cases by the day they were reported on, in the state they are in now."""
    return told(topic_days(lake, TABLE, day_inputs(lake, CASES), count_cases))


def count_cases(engine: Engine, days: list[date]) -> ir.Table:
    """Cases of some report days."""
    cases = engine.table(CASES, days)
    hours = (cases.closed_at.epoch_seconds() - cases.reported_at.epoch_seconds()) / 3600.0
    own = cases.mutate(hours=hours)
    return own.group_by(
        "report_day", "community_code", "source_type", "case_kind", "type_code", "state"
    ).aggregate(
        case_count=own.count(),
        registered_count=own.registered_at.count(),
        self_handled_count=own.is_self_handled.cast("int64").sum(),
        rework_count=own.rework_count.sum(),
        closing_hours=own.hours.sum(where=own.state == "closed").fill_null(ibis.literal(0.0)),
    )
