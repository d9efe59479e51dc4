"""All published figures of persons as one system of cells and sums, for disclosure control.

Cells are metrics of three tiers and the rows of topic tables; sums are tiers, periods, and the
categories of which a metric is made. Nothing is decided here (`quality/disclosure.py`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from quality.disclosure import SumsDisagree, area_sums
from schemas.contract import private_columns
from schemas.metric import Metric, topic_and_table
from schemas.protection import SMALLEST_PERSON_COUNTS
from schemas.table import Table

FIGURE = ["metric_id", "tier", "area_code", "period", "period_start"]
_ROW = {"table": pl.String, "measure": pl.String, "counted_by": pl.String,
        "community_code": pl.String, "cell": pl.String, "sharing": pl.String,
        "place": pl.UInt32, "value": pl.Int64}  # fmt: skip
_LONGER = {"month": ("quarter", "1q"), "quarter": ("year", "1y"), "year": ("to_date", None)}

Topics = Mapping[Table, pl.DataFrame]


def id_of(columns: Iterable[str]) -> pl.Expr:
    """A cell's id: what tells it from others, in one text."""
    return pl.concat_str([pl.col(c).cast(pl.String).fill_null("") for c in columns], separator="|")


def row_cells(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """A cell for every count of persons in a topic table.

    Args:
        table: A topic table; without sensitive columns it gives no cell.
        frame: Its rows.

    Returns:
        `table, measure, counted_by, community_code, cell, sharing, place, value`; `place` is the
        row's place in the frame.
    """
    keys = [c for c, dtype in frame.schema.items() if dtype in (pl.String, pl.Date)]
    by = "counted_by" if "counted_by" in frame.columns else pl.lit(None, pl.String)
    parts = [
        frame.with_row_index("place").select(
            "place", "community_code", table=pl.lit(table.name), measure=pl.lit(measure),
            counted_by=by, sharing=pl.lit(table.sharing), value=pl.col(measure).cast(pl.Int64),
            cell=pl.concat_str(pl.lit(f"{table.name}.{measure}|"), id_of(keys)),
        ).select(list(_ROW))
        for measure in private_columns(table.contract, "sensitive")
    ]  # fmt: skip
    return pl.concat([pl.DataFrame(schema=_ROW), *parts])


def figure_cells(metrics: Iterable[Metric], values: pl.DataFrame) -> pl.DataFrame:
    """A cell for every figure of metrics that count persons.

    Args:
        metrics: Sums that count persons.
        values: metric_values.

    Returns:
        The columns of `FIGURE`, `cell`, `sharing` and `value`.
    """
    sharing = pl.DataFrame([(one.id, one.sharing) for one in metrics],
                           schema={"metric_id": pl.String, "sharing": pl.String}, orient="row")  # fmt: skip  # noqa: E501
    return values.join(sharing, on="metric_id").select(
        *FIGURE, "sharing", cell=id_of(FIGURE), value=pl.col("value").cast(pl.Int64)
    )


def sums_of(metrics: Iterable[Metric], figures: pl.DataFrame, topics: Topics) -> pl.DataFrame:
    """Which cells add up to which: over areas, periods and categories.

    Args:
        metrics: Sums that count persons.
        figures: What `figure_cells` gives.
        topics: Topic tables and their rows.

    Returns:
        `equation, total, part`.
    """
    rows = pl.concat([row_cells(table, frame) for table, frame in topics.items()])
    frames = {table.name: frame for table, frame in topics.items()}
    parts = [
        area_sums(figures, ["metric_id", "period", "period_start"]),
        *_over_periods(figures),
        *(
            sums
            for metric in metrics if not metric.day_column and metric.table in frames
            for sums in _over_categories(metric, figures, rows, frames[metric.table])
        ),
    ]  # fmt: skip
    return pl.concat(parts).unique().sort("equation", "total", "part")


def _over_periods(figures: pl.DataFrame) -> list[pl.DataFrame]:
    """Months are quarters, quarters are years, years are everything to date."""
    found = []
    for period, (longer, every) in _LONGER.items():
        begins = pl.col("period_start").dt.truncate(every) if every else pl.lit(None, pl.Date)
        parts = figures.filter(pl.col("period") == period).select(
            "metric_id", "tier", "area_code", part="cell",
            period=pl.lit(longer), period_start=begins,
        )  # fmt: skip
        both = parts.join(figures.select(*FIGURE, total="cell"), on=FIGURE, nulls_equal=True)
        found.append(_equations(f"{period}s", both))
    return found


def _over_categories(
    metric: Metric, figures: pl.DataFrame, rows: pl.DataFrame, frame: pl.DataFrame
) -> list[pl.DataFrame]:
    """A stock of a community is the sum of the rows it counts, and of any others that add up to it.

    The same persons are counted by several attributes, perhaps in several tables of a topic.
    Wherever the rows of one add up to a metric in every community, a reader may know that they do.
    """
    totals = figures.filter(
        (pl.col("metric_id") == metric.id)
        & (pl.col("tier") == "community") & (pl.col("period") == "as_of")
    ).select(
        "value", total="cell",
        community_code=pl.when(~pl.col("area_code").str.contains("-")).then("area_code"),
    )  # fmt: skip
    counted = frame.with_row_index("place")
    for column, allowed in metric.where:
        counted = counted.filter(pl.col(column).is_in(list(allowed)))
    own = rows.filter(
        (pl.col("table") == metric.table) & (pl.col("measure") == metric.measure)
        & pl.col("place").is_in(counted["place"].implode())
    )  # fmt: skip
    found = [_of_community(metric.id, totals, own)]
    topic = topic_and_table(metric.table)[0]
    for (table, measure, by), part in rows.group_by(
        "table", "measure", "counted_by", maintain_order=True
    ):
        if topic_and_table(str(table))[0] == topic and _agree(totals, part):
            found.append(_of_community(f"{metric.id} by {table}.{measure} {by}", totals, part))
    return found


def _agree(totals: pl.DataFrame, parts: pl.DataFrame) -> bool:
    summed = parts.group_by("community_code").agg(pl.col("value").sum())
    both = totals.join(summed, on="community_code", how="full", nulls_equal=True, suffix="_parts")
    value = pl.col("value").fill_null(0)
    return both.select((value == pl.col("value_parts").fill_null(0)).all()).item()


def _of_community(name: str, totals: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    own = parts.select("community_code", part="cell")
    return _equations(name, own.join(totals, on="community_code", nulls_equal=True))


def _equations(name: str, both: pl.DataFrame) -> pl.DataFrame:
    return both.select(pl.concat_str(pl.lit(f"{name}: "), "total").alias("equation"),
                       "total", "part")  # fmt: skip


@dataclass(frozen=True)
class Distinct:
    """Cells and sums with every number once: a quarter of the work of what all are written as.

    Attributes:
        cells: One cell of each set that is bound to be equal, above zero.
        sums: The sums among them.
        same: `cell, one`: which of `cells` stands for it; zeros have none, for they are published.
    """

    cells: pl.DataFrame
    sums: pl.DataFrame
    same: pl.DataFrame


def distinct(cells: pl.DataFrame, sums: pl.DataFrame) -> Distinct:
    """Join cells that are one number: a sum of one part is that part.

    Args:
        cells: `cell, value, sharing`.
        sums: What `sums_of` gives.

    Raises:
        SumsDisagree: a total is not the sum of its parts.
    """
    _refuse_wrong(cells, sums)
    above = cells.filter(pl.col("value") > 0)
    own = sums.join(above.select(part="cell"), on="part", how="semi")
    size = pl.len().over("equation")
    first: dict[str, str] = {}

    def standing(cell: str) -> str:
        while cell in first:
            cell = first[cell]
        return cell

    for total, part in own.filter(size == 1).select("total", "part").iter_rows():
        one, other = sorted((standing(total), standing(part)))
        if one != other:
            first[other] = one
    same = above.select(
        "cell", one=pl.Series([standing(c) for c in above["cell"]], dtype=pl.String)
    )
    names = dict(same.iter_rows())
    stated = own.filter(size > 1).with_columns(
        pl.col("total", "part").replace_strict(names, return_dtype=pl.String)
    )
    said = stated.group_by("equation").agg(pl.col("total").first(), pl.col("part").sort())
    once = said.sort("equation").unique(["total", "part"], keep="first").select("equation")
    strictest = pl.col("sharing").sort_by(
        pl.col("sharing").replace_strict(SMALLEST_PERSON_COUNTS), descending=True
    )
    kept = (
        above.join(same, on="cell").group_by("one").agg(pl.col("value").first(), strictest.first())
    )
    return Distinct(
        kept.select("value", "sharing", cell="one").sort("cell"),
        stated.join(once, on="equation", how="semi"), same,
    )  # fmt: skip


def _refuse_wrong(cells: pl.DataFrame, sums: pl.DataFrame) -> None:
    value = cells.select("cell", "value")
    found = (
        sums.join(value.rename({"cell": "part"}), on="part", how="left")
        .group_by("equation", "total").agg(pl.col("value").sum())
        .join(value.rename({"cell": "total", "value": "said"}), on="total", how="left")
        .filter(~pl.col("value").eq_missing(pl.col("said"))).sort("equation")
    )  # fmt: skip
    if found.height:
        some = "; ".join(f"{name}: {parts} of parts, {said} said" for name, _, parts, said
                         in found.head(3).iter_rows())  # fmt: skip
        raise SumsDisagree(f"{found.height} totals are not the sum of their parts: {some}")
