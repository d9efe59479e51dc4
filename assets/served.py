"""What people are shown: values with names, changes and grades; topic tables; the metric book.

Not here: what of it is withheld (`withholding.py`), and when a generation is made (`publish.py`).
"""

from collections.abc import Callable, Iterable, Mapping

import polars as pl

from assets.grading import Failed, feed_states, grades, metric_feeds
from assets.statistics import PERIODS as PERIOD_VALUES
from assets.timing import AsOf
from schemas import tables
from schemas.areas import unplaced_code
from schemas.contract import polars_schema
from schemas.metrics import (
    BOOK,
    KINDS,
    Entry,
    Metric,
    MetricEntry,
    Ratio,
    ServedValue,
    counts_persons,
    english_name,
    is_stock,
    tables_of,
)
from schemas.protection import SHARING_ZH
from schemas.table import Table
from warehouse.lake import Lake, comments
from warehouse.serving import ServedTable

UNPLACED_NAME = "未定位"


def served_values(
    lake: Lake, areas: pl.DataFrame, as_of: AsOf, failed: Failed | None = None
) -> pl.DataFrame:
    """metric_values for people, nothing withheld yet.

    Args:
        lake: The lake.
        areas: topics.space_areas.
        as_of: When the values speak of.
        failed: Checks that failed without blocking, by feed.
    """
    values = lake.read(PERIOD_VALUES)
    names = areas.select("area_code", "area_name")
    district = areas.filter(pl.col("tier") == "district")["area_code"][0]
    nowhere = pl.DataFrame({"area_code": [unplaced_code(district)], "area_name": [UNPLACED_NAME]})
    own = grades(values, feed_states(lake, failed or {}), as_of)
    newest = pl.col("period_start").max().over("metric_id", "period")
    return (
        values.join(_names(), on="metric_id")
        .join(pl.concat([names, nowhere]), on="area_code")
        .join(own, on=["metric_id", "period", "period_start"], how="left", nulls_equal=True)
        .with_columns(
            is_newest=pl.col("period_start").eq_missing(newest),
            change=_change("previous_value"),
            change_on_year=_change("last_year_value"),
            is_withheld=pl.lit(value=False),
            withheld_as=pl.lit(None, pl.String),
            as_of_day=pl.lit(as_of.last_day),
        )
        .select(list(ServedValue.columns()))
        .sort("metric_id", "period", "tier", "area_code", "period_start", nulls_last=True)
    )


def _change(base: str) -> pl.Expr:
    """Per cent against a base; null where that is missing or zero."""
    was = pl.col(base)
    return pl.when(was != 0).then((pl.col("value") - was) / was * 100)


def _names() -> pl.DataFrame:
    return pl.DataFrame(
        [(one.id, one.zh, one.topic, one.unit) for one in BOOK],
        schema=["metric_id", "metric_name", "topic", "unit"],
        orient="row",
    )


def metric_book() -> pl.DataFrame:
    """The metric book as a table."""
    rows = [_entry(one) for one in BOOK]
    return pl.DataFrame(rows, schema=polars_schema(MetricEntry))


def _entry(one: Entry) -> dict[str, object]:
    ratio = one if isinstance(one, Ratio) else None
    where = "" if ratio or isinstance(one, Ratio) else "；".join(
        f"{column} = {'、'.join(values)}" for column, values in one.where
    )  # fmt: skip
    return {
        "metric_id": one.id,
        "metric_name": one.zh,
        "english_name": english_name(one.id),
        "topic": one.topic,
        "kind": KINDS[type(one)],
        "definition": one.definition,
        "unit": one.unit,
        "source_tables": "、".join(f"topics.{name}" for name in tables_of(one)),
        "conditions": where or None,
        "numerator": " + ".join(ratio.numerator) if ratio else None,
        "denominator": " + ".join(ratio.denominator) if ratio else None,
        "dimensions": "、".join(_dimensions(one)) or None,
        "adds_up": isinstance(one, Metric),
        "is_daily": not is_stock(one),
        "counts_persons": counts_persons(one),
        "feeds": "、".join(metric_feeds(one)),
        "sharing": SHARING_ZH[one.sharing],
    }


def _dimensions(one: Entry) -> list[str]:
    """Text columns of a metric's tables beside the place: what it can be split by, in SQL."""
    contracts = [tables.table("topics", name).contract for name in tables_of(one)]
    found = [
        column
        for contract in contracts
        for column, dtype in polars_schema(contract).items()
        if dtype == pl.String and column != "community_code" and not column.endswith("_name")
    ]
    return list(dict.fromkeys(found))


def served_tables(
    values: pl.DataFrame,
    topics: Mapping[Table, pl.DataFrame],
    notes: Mapping[Table, pl.DataFrame] | None = None,
) -> list[ServedTable]:
    """What every serving file holds.

    Args:
        values: metric_values as they may be shown.
        topics: Topic tables as they may be shown.
        notes: Further tables about the values, with an `area_code`.
    """
    book = metric_book()
    return [
        _served(tables.VALUES, values, (by_area := RowsByArea(values, "area_code")).below),
        _served(tables.PARENT_VALUES, values, by_area.of_parent),
        _served(tables.METRIC_BOOK, book, lambda _: book),
        *(
            _served(t, rows, RowsByArea(rows, _area_column(rows)).below)
            for t, rows in [*(notes or {}).items(), *topics.items()]
        ),
    ]


def _served(table: Table, rows: pl.DataFrame, scope: Callable[[str], pl.DataFrame]) -> ServedTable:
    return ServedTable(table.name, table.zh, rows, comments(table), scope)


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
