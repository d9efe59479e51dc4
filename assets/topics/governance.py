"""社区治理 governance: grid cases by day, community, source, national code and state."""

from datetime import date

import dagster as dg
import ibis.expr.types as ir
from ibis import _

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
    seconds = _.closed_at.epoch_seconds() - _.reported_at.epoch_seconds()
    own = cases.mutate(seconds=seconds)
    return own.group_by(
        "report_day", "community_code", "source_type", "case_kind", "type_code", "state"
    ).aggregate(
        case_count=_.count(),
        registered_count=_.registered_at.count(),
        self_handled_count=_.is_self_handled.cast("int64").sum(),
        rework_count=_.rework_count.sum(),
        closing_seconds=_.seconds.sum(where=_.state == "closed").fill_null(0),
    )
