"""Publication: a serving generation and a release of exports, built aside and flipped together."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import dagster as dg
import polars as pl

from assets import exporting
from assets.building import inputs_of
from assets.statistics import CURRENT as CURRENT_VALUES
from assets.statistics import DAILY as DAILY_VALUES
from assets.timing import AsOf
from assets.topics.space import TABLE as AREAS
from quality.disclosure import is_small, withhold
from schemas import tables
from schemas.areas import unplaced_code
from schemas.contract import private_columns
from schemas.metrics import METRICS, MetricEntry, ServedValue
from schemas.protection import SHARING_ZH
from warehouse import builds, serving
from warehouse.lake import Lake, comments
from warehouse.serving import Generation, ServedTable, ServingError

PUBLICATIONS = tables.table("ops", "publications")
TOPICS = [t for t in tables.TABLES if t.layer == "topics" and t.served]
UNPLACED_NAME = "未定位"


@dg.asset(
    key=["serving", "generation"],
    group_name="serving",
    kinds={"duckdb", "parquet"},
    owners=["team:data-platform"],
    deps=[list(t.key) for t in (*TOPICS, DAILY_VALUES, CURRENT_VALUES)],
    description="按区划的 DuckDB 文件与 parquet 导出：先在旁构建并核对，再一步切换",
)
def generation(
    context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake], as_of: dg.ResourceParam[AsOf]
) -> dg.MaterializeResult:
    """Serving files for every area, and the exports, if anything they hold has changed."""
    with lake.home.locked(wait=True):
        made = publish(lake, as_of.instant)
    if made is None:
        return dg.MaterializeResult(
            metadata={"generation": serving.current(lake.home.serving) or "", "renewed": "nothing"}
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


def publish(lake: Lake, as_of: datetime) -> Generation | None:
    """Publish what the lake holds now; None where the newest generation already does."""
    inputs = inputs_of(
        *(builds.content_of(lake, t) for t in (*TOPICS, DAILY_VALUES, CURRENT_VALUES))
    )
    last = lake.read(PUBLICATIONS).sort("published_at").tail(1)
    served = serving.current(lake.home.serving)
    if last.height and last["inputs"][0] == inputs and last["generation"][0] == served:
        return None
    name = f"g{lake.read(PUBLICATIONS, ['generation']).height + 1:05d}-{inputs[:8]}"
    areas = lake.read(AREAS)
    if areas.filter(pl.col("tier") == "district").height != 1:
        raise ServingError(
            "nothing can be published without exactly one district: put a GeoJSON of the district, "
            "its streets, communities and grids into landing/areas"
        )
    values = served_values(lake, areas)
    topics = {table: published_rows(lake, table) for table in TOPICS}
    codes = areas.sort(pl.col("area_code").str.len_chars(), "area_code")["area_code"].to_list()
    made = serving.build_generation(lake.home.serving, name, codes, served_tables(values, topics))
    published = {tables.VALUES: values, tables.METRIC_BOOK: metric_book(), **topics}
    exporting.release(lake, name, as_of, published)
    serving.flip(lake.home.serving, name)
    exporting.flip(lake, name)
    lake.append(PUBLICATIONS, pl.DataFrame({
        "generation": [name], "published_at": [datetime.now(UTC)], "as_of": [as_of],
        "inputs": [inputs], "areas_rebuilt": [len(made.rebuilt)],
        "areas_linked": [len(made.linked)],
    }))  # fmt: skip
    return made


def served_values(lake: Lake, areas: pl.DataFrame) -> pl.DataFrame:
    """metric_values for people: names, units, periods; small counts of persons withheld."""
    daily = lake.read(DAILY_VALUES).rename({"value_day": "period_day"})
    current = lake.read(CURRENT_VALUES).with_columns(period_day=pl.lit(None, pl.Date))
    names = areas.select("area_code", "area_name")
    district = areas.filter(pl.col("tier") == "district")["area_code"][0]
    nowhere = pl.DataFrame({"area_code": [unplaced_code(district)], "area_name": [UNPLACED_NAME]})
    book = pl.DataFrame(
        [(m.id, m.zh, m.unit, m.counts_persons) for m in METRICS],
        schema=["metric_id", "metric_name", "unit", "counts_persons"],
        orient="row",
    )
    columns = ["metric_id", "tier", "area_code", "period_day", "value"]
    return (
        pl.concat([daily.select(columns), current.select(columns)])
        .join(book, on="metric_id")
        .join(pl.concat([names, nowhere]), on="area_code")
        .with_columns(
            period=pl.when(pl.col("period_day").is_null())
            .then(pl.lit("to_date"))
            .otherwise(pl.lit("day")),
            is_withheld=pl.col("counts_persons") & is_small(pl.col("value")),
        )
        .with_columns(value=pl.when(~pl.col("is_withheld")).then(pl.col("value")))
        .select(list(ServedValue.columns()))
        .sort("metric_id", "period", "tier", "area_code", "period_day", nulls_last=True)
    )


def published_rows(lake: Lake, table: tables.Table) -> pl.DataFrame:
    """A topic table as it may leave the lake: `sensitive` counts below k withheld."""
    rows = lake.read(table)
    sensitive = private_columns(table.contract, "sensitive")
    return withhold(rows, sensitive).sort(rows.columns, nulls_last=True)


def served_tables(
    values: pl.DataFrame, topics: dict[tables.Table, pl.DataFrame]
) -> list[ServedTable]:
    """What every serving file holds."""
    return [
        _served(tables.VALUES, values, (by_area := RowsByArea(values, "area_code")).below),
        _served(tables.PARENT_VALUES, values, by_area.of_parent),
        _served(tables.METRIC_BOOK, book := metric_book(), lambda _: book),
        *(
            _served(t, rows, RowsByArea(rows, _area_column(rows)).below)
            for t, rows in topics.items()
        ),
    ]


def _served(
    table: tables.Table, rows: pl.DataFrame, scope: Callable[[str], pl.DataFrame]
) -> ServedTable:
    return ServedTable(table.name, table.zh, rows, comments(table), scope)


def metric_book() -> pl.DataFrame:
    """The metric book as a table."""
    return pl.DataFrame(
        [(m.id, m.zh, m.topic, m.definition, m.unit, m.day_column is not None, m.counts_persons,
          SHARING_ZH[m.sharing]) for m in METRICS],
        schema=list(MetricEntry.columns()),
        orient="row",
    )  # fmt: skip


class RowsByArea:
    """Rows looked up by area: sixty files each filtering a year of rows cost more than writing."""

    def __init__(self, rows: pl.DataFrame, column: str) -> None:
        """`column` holds the area's code, null for what has no place."""
        self.rows = rows
        places = rows.select(column).with_row_index("place").group_by(column).agg("place")
        self._places: dict[str | None, pl.Series] = dict(
            zip(places[column], places["place"], strict=True)
        )

    def below(self, code: str) -> pl.DataFrame:
        """An area's own rows and those of the areas in it; the district also has the unplaced."""
        return self._of(
            one for one in self._places if (one is None and len(code) == 6)
            or (one is not None and one.startswith(code))
        )  # fmt: skip

    def of_parent(self, code: str) -> pl.DataFrame:
        """Published totals of the area above; none for the district."""
        above = {9: 6, 12: 9}.get(len(code))
        return self._of([code[:above]] if above and code[:above] in self._places else [])

    def _of(self, codes: Iterable[str | None]) -> pl.DataFrame:
        found = [self._places[code] for code in codes]
        if not found:
            return self.rows.clear()
        return self.rows[pl.concat(found).sort()]


def _area_column(rows: pl.DataFrame) -> str:
    return "community_code" if "community_code" in rows.columns else "area_code"


__all__ = ["AsOf", "generation", "publish"]
