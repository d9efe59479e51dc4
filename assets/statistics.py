"""statistics: the metric book by day, and by every period, at three tiers, adding up exactly.

Community values are summed once from the topic tables; streets and the district are sums of those.
What has no community is counted in `<district>-unplaced`, at the community and the street tier, so
community sums + unplaced = street sums + unplaced = district.
"""

from collections.abc import Iterable
from datetime import date

import dagster as dg
import ibis.expr.types as ir
import polars as pl

import assets.topics  # noqa: F401 - registers every topic and its metrics
from assets import period_values as finishing
from assets.building import Clean, about, build_whole, inputs_of, told
from assets.measuring import (
    at_three_tiers,
    sum_metric,
    sums_between,
    sums_by_period,
    union,
    unsummed,
)
from assets.period_values import Span
from assets.timing import AsOf
from assets.topics.tabulate import day_inputs, topic_days
from schemas import tables
from schemas.areas import TIERS, unplaced_code
from schemas.contract import Contract, day, number, text
from schemas.metric import Distinct, Metric, Quantile, Ratio
from schemas.metrics import BOOK, METRICS, DailyValue, Entry, PeriodValue, tables_of
from warehouse import builds
from warehouse.engine import Engine
from warehouse.lake import Lake, empty

DAILY = tables.table("statistics", "daily_values")
PERIODS = tables.table("statistics", "period_values")
AREAS = tables.table("silver", "areas")

EVENT_METRICS = [m for m in METRICS if m.day_column]
STOCK_METRICS = [m for m in METRICS if not m.day_column]
UNSUMMED = [m for m in BOOK if isinstance(m, Distinct | Quantile)]
RATIOS = [m for m in BOOK if isinstance(m, Ratio)]


def sources_of(metrics: Iterable[Entry]) -> list[tables.Table]:
    """The topic tables some metrics are computed from."""
    names = dict.fromkeys(name for m in metrics for name in tables_of(m))
    return [tables.table("topics", name) for name in names]


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
        summed = union(sum_metric(engine, metric, days) for metric in EVENT_METRICS)
        return at_three_tiers(summed, district)

    return told(topic_days(lake, DAILY, inputs, transform, sources_of(EVENT_METRICS)))


@dg.asset(
    **about(PERIODS),
    deps=[list(DAILY.key), list(AREAS.key)]
    + [list(t.key) for t in sources_of([*STOCK_METRICS, *UNSUMMED])],
    kinds={"ibis", "duckdb", "polars", "deltalake"},
)
def period_values(
    lake: dg.ResourceParam[Lake], as_of: dg.ResourceParam[AsOf]
) -> dg.MaterializeResult:
    """Every metric by day, week, month, quarter, year, to date or as of the newest registers."""
    upstream = [DAILY, AREAS, *sources_of([*STOCK_METRICS, *UNSUMMED])]
    inputs = inputs_of(as_of.instant, *(builds.content_of(lake, t) for t in upstream))
    return told(build_whole(lake, PERIODS, inputs, lambda: Clean(values_of(lake, as_of))))


def values_of(lake: Lake, as_of: AsOf) -> pl.DataFrame:
    """The whole book at every area and period, before withholding."""
    district, spans = district_code(lake), spans_of(lake, as_of)
    areas = areas_of(lake)
    with Engine(lake) as engine:
        found = [
            *_event_sums(engine, areas, spans),
            *_stocks(engine, areas, spans, district),
        ]
        others = [_unsummed(engine, one, areas, spans, district) for one in UNSUMMED
                  if one.id in spans]  # fmt: skip
    if not found:
        return empty(PeriodValue)
    sums = pl.concat(found)
    stocks = {one.id for one in STOCK_METRICS}
    ratios = [finishing.ratio_values(one, sums, stocks) for one in RATIOS]
    return finishing.in_order(pl.concat([sums, *others, *ratios]))


def _event_sums(engine: Engine, areas: pl.DataFrame, spans: dict[str, Span]) -> list[pl.DataFrame]:
    daily = engine.table(DAILY)
    values = engine.collect(sums_by_period(daily), _Summed)
    by_span: dict[Span, list[Metric]] = {}
    for metric in EVENT_METRICS:
        if metric.id in spans:
            by_span.setdefault(spans[metric.id], []).append(metric)
    found = []
    for span, metrics in by_span.items():
        rows = finishing.without_gaps(metrics, areas, spans)
        running = {
            window: engine.collect(sums_between(daily, window.first, window.last), _Windowed)
            for window in finishing.windows(span)
        }
        found.append(finishing.compared(rows, values, running))
    return found


def _stocks(
    engine: Engine, areas: pl.DataFrame, spans: dict[str, Span], district: str
) -> list[pl.DataFrame]:
    known = [one for one in STOCK_METRICS if one.id in spans]
    if not known:
        return []
    summed = at_three_tiers(union(sum_metric(engine, one, None) for one in known), district)
    values = engine.collect(summed, DailyValue).select(
        "metric_id", "tier", "area_code", "value",
        period=pl.lit("as_of"), period_start=pl.lit(None, pl.Date),
    )  # fmt: skip
    return [finishing.compared(finishing.without_gaps(known, areas, spans), values)]


def _unsummed(
    engine: Engine, entry: Distinct | Quantile, areas: pl.DataFrame, spans: dict[str, Span],
    district: str,
) -> pl.DataFrame:  # fmt: skip
    values = engine.collect(unsummed(engine, entry, district), _Summed)
    nothing = 0.0 if isinstance(entry, Distinct) else None
    rows = finishing.without_gaps([entry], areas, spans)
    return finishing.compared(rows, values, nothing=nothing)


class _Windowed(Contract):
    """Sums over a run of days."""

    metric_id = text("指标", required=True)
    tier = text("层级", required=True)
    area_code = text("区划代码", required=True)
    value = number("数值", required=True)


class _Summed(_Windowed):
    """Sums by period."""

    period = text("期间", required=True)
    period_start = day("起始日")


def spans_of(lake: Lake, as_of: AsOf) -> dict[str, Span]:
    """Metric id → days known of its table; a table without rows knows none, so it says nothing."""
    found = {}
    for entry in (*METRICS, *UNSUMMED):
        table = tables.table("topics", entry.table)
        parts = {part: one for part, one in builds.parts_of(lake, table).items() if one.rows}
        if not parts:
            continue
        last = as_of.last_day
        if entry.day_column:
            days = sorted(date.fromisoformat(part) for part in parts)
            found[entry.id] = Span(days[0], max(days[-1], last), as_of.full_day)
        else:
            found[entry.id] = Span(last, last, as_of.full_day)
    return found


def areas_of(lake: Lake) -> pl.DataFrame:
    """`tier, area_code` of the three tiers, with the buckets of what has no place."""
    areas = lake.read(AREAS, ["tier", "area_code"]).filter(pl.col("tier").is_in(TIERS))
    nowhere = unplaced_code(district_code(lake))
    buckets = pl.DataFrame({"tier": ["street", "community"], "area_code": [nowhere] * 2})
    return pl.concat([areas, buckets])


def district_code(lake: Lake) -> str:
    """The district of this home; six zeros while no areas were delivered."""
    own = lake.read(AREAS, ["area_code", "tier"]).filter(pl.col("tier") == "district")
    return own["area_code"].sort()[0] if own.height else "000000"
