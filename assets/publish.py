"""Publication: a serving generation and a release of exports, built aside and flipped together."""

from datetime import UTC, datetime

import dagster as dg
import polars as pl

from assets import exporting
from assets.building import inputs_of
from assets.check_results import failed_checks
from assets.grading import Failed
from assets.restating import restatements
from assets.served import metric_book, served_tables, served_values
from assets.statistics import PERIODS as PERIOD_VALUES
from assets.timing import AsOf
from assets.topics.space import TABLE as AREAS
from assets.withholding import remember, withheld
from schemas import tables
from warehouse import builds, serving
from warehouse.lake import Lake
from warehouse.pins import pinned
from warehouse.serving import Generation, ServingError

PUBLICATIONS = tables.table("ops", "publications")
RESTATEMENTS = tables.table("ops", "restatements")
TOPICS = [t for t in tables.TABLES if t.layer == "topics" and t.served]


@dg.asset(
    key=["serving", "generation"],
    group_name="serving",
    kinds={"duckdb", "parquet"},
    owners=["team:data-platform"],
    deps=[list(t.key) for t in (*TOPICS, PERIOD_VALUES)],
    description="按区划的 DuckDB 文件与 parquet 导出：先在旁构建并核对，再一步切换",
)
def generation(
    context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake], as_of: dg.ResourceParam[AsOf]
) -> dg.MaterializeResult:
    """Serving files for every area, and the exports, if anything they hold has changed."""
    with lake.home.locked(wait=True):
        made = publish(lake, as_of, failed_checks(context.instance))
    if made is None:
        held = pinned(lake.home.serving)
        why = f"pinned since {held.since}: {held.reason}" if held else "nothing"
        return dg.MaterializeResult(
            metadata={"generation": serving.current(lake.home.serving) or "", "renewed": why}
        )
    context.log.info(f"serving {made.name}: {len(made.rebuilt)} areas rebuilt, "
                     f"{len(made.linked)} carried over")  # fmt: skip
    return dg.MaterializeResult(
        metadata={
            "generation": made.name,
            "areas_rebuilt": len(made.rebuilt),
            "areas_carried_over": len(made.linked),
        }
    )


def publish(lake: Lake, as_of: AsOf, failed: Failed | None = None) -> Generation | None:
    """Publish what the lake holds now; None where that is served already, or another is pinned.

    Args:
        lake: The lake.
        as_of: When the values speak of.
        failed: Checks that failed without blocking, by feed: numbers they touch get a lower grade.

    Raises:
        ServingError: there is not exactly one district.
    """
    if pinned(lake.home.serving):
        return None
    made_from = {t: builds.content_of(lake, t) for t in (*TOPICS, PERIOD_VALUES)}
    inputs = inputs_of(*made_from.values(), sorted((failed or {}).items()))
    past = lake.read(PUBLICATIONS).sort("published_at")
    last, served = past.tail(1), serving.current(lake.home.serving)
    if last.height and last["inputs"][0] == inputs and last["generation"][0] == served:
        return None
    name = f"g{past.height + 1:05d}-{inputs[:8]}"
    areas = lake.read(AREAS)
    if areas.filter(pl.col("tier") == "district").height != 1:
        raise ServingError(
            "nothing can be published without exactly one district: put a GeoJSON of the district, "
            "its streets, communities and grids into landing/areas"
        )
    values, topics, decision = withheld(
        lake, served_values(lake, areas, as_of, failed), {t: lake.read(t) for t in TOPICS}
    )
    row = {
        "generation": name, "published_at": datetime.now(UTC), "as_of": as_of.instant,
        "inputs": inputs, "code": builds.code_fingerprint(), "areas": made_from[AREAS],
    }  # fmt: skip
    restated = restatements(lake, values, last, row)
    codes = areas.sort(pl.col("area_code").str.len_chars(), "area_code")["area_code"].to_list()
    notes = {RESTATEMENTS: restated}
    made = serving.build_generation(
        lake.home.serving, name, codes, served_tables(values, topics, notes)
    )
    published = {tables.VALUES: values, tables.METRIC_BOOK: metric_book(), **notes, **topics}
    exporting.release(lake, name, as_of.instant, published)
    serving.flip(lake.home.serving, name)
    exporting.flip(lake, name)
    remember(lake, decision)
    lake.append(RESTATEMENTS, restated.filter(pl.col("generation") == name))
    counts = {"areas_rebuilt": len(made.rebuilt), "areas_linked": len(made.linked)}
    lake.append(PUBLICATIONS, pl.DataFrame([row | counts]))
    return made


__all__ = ["AsOf", "generation", "publish"]
