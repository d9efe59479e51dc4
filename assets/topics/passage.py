"""通行 passage: how many passed where and when. Places are counted; nobody is followed."""

from datetime import date

import dagster as dg
import ibis
import ibis.expr.types as ir
from ibis import _

from assets.building import about, told
from assets.topics.tabulate import day_inputs, topic_days
from schemas import tables
from warehouse.engine import Engine
from warehouse.lake import Lake

TABLE = tables.table("topics", "passage_device_hours")

# Silver table → kind of passage and the column that counts shots (None: one each).
KINDS = {
    "face_passages": ("face", "shot_count"),
    "vehicle_passages": ("motor", "reading_count"),
    "nonmotor_passages": ("nonmotor", None),
}
SOURCES = [tables.table("silver", name) for name in KINDS]


@dg.asset(
    **about(TABLE), deps=[list(t.key) for t in SOURCES], kinds={"ibis", "duckdb", "deltalake"}
)
def passage_device_hours(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Passages and shots by device, hour and kind; only days that changed are counted again."""
    return told(topic_days(lake, TABLE, day_inputs(lake, *SOURCES), count_hours))


def count_hours(engine: Engine, days: list[date]) -> ir.Table:
    """Passages of some days by device and city hour."""
    counted = []
    for name, (kind, shots) in KINDS.items():
        passages = engine.table(tables.table("silver", name), days)
        own = passages.select(
            "shot_day", "community_code", "device_id",
            shot_hour=(_.shot_at + ibis.interval(hours=8)).hour().cast("int64"),
            passage_kind=ibis.literal(kind),
            shots=_[shots] if shots else ibis.literal(1, "int64"),
        )  # fmt: skip
        counted.append(
            own.group_by(
                "shot_day", "shot_hour", "community_code", "device_id", "passage_kind"
            ).aggregate(passage_count=_.count(), shot_count=_.shots.sum())
        )
    return ibis.union(*counted) if len(counted) > 1 else counted[0]
