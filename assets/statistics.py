"""statistics: the metric book computed by day and to date at three tiers, adding up exactly.

Community values are summed once from the topic tables; streets and the district are sums of those.
What has no community is counted in `<district>-unplaced`, at the community and the street tier, so
community sums + unplaced = street sums + unplaced = district.
"""

from collections.abc import Iterable
from datetime import date

import dagster as dg
import ibis
import ibis.expr.types as ir
import polars as pl
from ibis import _

import assets.topics  # noqa: F401 - registers every topic and its metrics
from assets.building import Clean, about, build_whole, inputs_of, told
from assets.topics.tabulate import day_inputs, topic_days
from schemas import tables
from schemas.areas import unplaced_code
from schemas.metrics import METRICS, Metric
from warehouse import builds
from warehouse.engine import Engine
from warehouse.lake import Lake

DAILY = tables.table("statistics", "daily_values")
CURRENT = tables.table("statistics", "current_values")
AREAS = tables.table("silver", "areas")

EVENT_METRICS = [m for m in METRICS if m.day_column]
STOCK_METRICS = [m for m in METRICS if not m.day_column]


def sources_of(metrics: Iterable[Metric]) -> list[tables.Table]:
    """The topic tables some metrics are summed from."""
    return [tables.table("topics", name) for name in dict.fromkeys(m.table for m in metrics)]


@dg.asset(
    **about(DAILY),
    deps=[list(t.key) for t in sources_of(EVENT_METRICS)] + [list(AREAS.key)],
    kinds={"ibis", "duckdb", "deltalake"},
)
def daily_values(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Every additive event metric by city day and area."""
    district = district_code(lake)
    inputs = {
        day: inputs_of(district, content)
        for day, content in day_inputs(lake, *sources_of(EVENT_METRICS)).items()
    }

    def transform(engine: Engine, days: list[date]) -> ir.Table:
        parts = [sum_metric(engine, metric, days) for metric in EVENT_METRICS]
        return at_three_tiers(ibis.union(*parts) if len(parts) > 1 else parts[0], district)

    return told(topic_days(lake, DAILY, inputs, transform, sources_of(EVENT_METRICS)))


@dg.asset(
    **about(CURRENT),
    deps=[list(DAILY.key), list(AREAS.key)] + [list(t.key) for t in sources_of(STOCK_METRICS)],
    kinds={"ibis", "duckdb", "deltalake"},
)
def current_values(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Event metrics to date, and stock metrics as of the newest registers, by area."""
    district = district_code(lake)
    upstream = [DAILY, *sources_of(STOCK_METRICS)]
    inputs = inputs_of(district, *(builds.content_of(lake, t) for t in upstream))

    def clean() -> Clean:
        with Engine(lake) as engine:
            daily = engine.table(DAILY)
            to_date = daily.group_by("metric_id", "tier", "area_code").aggregate(
                value=_.value.sum()
            )
            summed = [sum_metric(engine, metric, None) for metric in STOCK_METRICS]
            stocks = at_three_tiers(ibis.union(*summed), district)
            everything = ibis.union(to_date, stocks.select(to_date.columns))
            return Clean(engine.collect(everything, CURRENT.contract))

    return told(build_whole(lake, CURRENT, inputs, clean))


def district_code(lake: Lake) -> str:
    """The district of this home; six zeros while no areas were delivered."""
    own = lake.read(AREAS, ["area_code", "tier"]).filter(pl.col("tier") == "district")
    return own["area_code"].sort()[0] if own.height else "000000"


def sum_metric(engine: Engine, metric: Metric, days: list[date] | None) -> ir.Table:
    """One metric by day (null for stocks) and community."""
    rows = engine.table(tables.table("topics", metric.table), days)
    for column, values in metric.where:
        rows = rows.filter(_[column].isin(list(values)))
    day = rows[metric.day_column] if metric.day_column else ibis.null("date")
    own = rows.select(
        value_day=day,
        metric_id=ibis.literal(metric.id),
        community_code=rows.community_code,
        measure=rows[metric.measure] if metric.measure else ibis.literal(1),
    )
    summed = own.group_by("value_day", "metric_id", "community_code").aggregate(
        value=_.measure.sum()
    )
    return summed.mutate(value=_.value.cast("float64"))


def at_three_tiers(values: ir.Table, district: str) -> ir.Table:
    """Community values as rows of all three tiers; each tier is the sum of the one below."""
    code = _.community_code
    nowhere = ibis.literal(unplaced_code(district))
    tiers = {
        "community": code.fill_null(nowhere),
        "street": code.left(9).fill_null(nowhere),
        "district": ibis.literal(district),
    }
    found = []
    for tier, area in tiers.items():
        own = values.select(
            "value_day", "metric_id", "value", tier=ibis.literal(tier), area_code=area
        )
        found.append(
            own.group_by("value_day", "metric_id", "tier", "area_code").aggregate(
                value=_.value.sum()
            )
        )
    return ibis.union(*found)
