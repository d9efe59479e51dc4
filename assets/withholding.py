"""What of a publication is withheld: small counts of persons, and what would give them away."""

import polars as pl

from assets.person_cells import FIGURE, Topics, distinct, figure_cells, row_cells, sums_of
from quality.disclosure import Release, suppress
from schemas import tables
from schemas.contract import facts, private_columns
from schemas.metrics import BOOK, METRICS, Metric, Ratio, counts_persons
from schemas.metrics import sums_of as sums_below
from schemas.table import Table
from warehouse.lake import Lake

CELLS = tables.table("ops", "disclosed_cells")
SUMS = tables.table("ops", "disclosed_sums")
LONG_PERIODS = ("month", "quarter", "year", "to_date", "as_of")
"""Persons who came or went are not published by day or week: nearly every count would be small."""

_COMPARED = ["previous_value", "change", "last_year_value", "change_on_year"]
_TOLD = ["value", "numerator", "denominator", *_COMPARED]


def withheld(
    lake: Lake, values: pl.DataFrame, topics: Topics
) -> tuple[pl.DataFrame, dict[Table, pl.DataFrame], Release]:
    """Values and topic tables as they may leave the lake.

    Args:
        lake: Remembers what the last publication withheld.
        values: metric_values, nothing withheld.
        topics: Topic tables that are served.

    Returns:
        Both, with what is withheld null, and the decision, to be remembered once it is published.

    Raises:
        SumsDisagree: tiers or categories do not add up.
        Unprotected: something could be worked out; nothing may be published.
    """
    guarded = [one.id for one in BOOK if counts_persons(one)]
    is_guarded = pl.col("metric_id").is_in(guarded)
    values = values.filter(~is_guarded | pl.col("period").is_in(LONG_PERIODS))
    persons = [one for one in METRICS if one.counts_persons]
    figures = figure_cells(persons, values)
    columns = ["cell", "value", "sharing"]
    rows = [row_cells(table, frame).select(columns) for table, frame in topics.items()]
    cells = pl.concat([figures.select(columns), *rows])
    sums = sums_of(persons, figures, topics)
    if cells.is_empty():
        nothing = cells.with_columns(withheld=pl.lit(""), one=pl.lit(None, pl.String))
        return values, dict(topics), Release(nothing, sums)
    system = distinct(cells, sums)
    last = lake.read(CELLS)
    before = _last(last, lake.read(SUMS)) if last.height else None
    decided = suppress(
        system.cells, system.sums, last=before, links=_links(last, system.same, cells)
    )
    full = (
        cells.join(system.same, on="cell", how="left")
        .join(decided.select("withheld", one="cell"), on="one", how="left")
        .with_columns(pl.col("withheld").fill_null(""))
    )
    hidden = full.filter(pl.col("withheld") != "").select("cell", "withheld")
    own = {table: _rows_without(table, frame, hidden) for table, frame in topics.items()}
    return _values_without(values, hidden, guarded), own, Release(full, system.sums)


def remember(lake: Lake, decision: Release) -> None:
    """Note what a publication withheld, for the next one."""
    lake.replace(CELLS, decision.cells)
    lake.replace(SUMS, decision.sums)


def _last(cells: pl.DataFrame, sums: pl.DataFrame) -> Release:
    """The last publication as it was decided, every number once."""
    return Release(cells.filter(pl.col("cell") == pl.col("one")).drop("one"), sums)


def _links(last: pl.DataFrame, same: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame | None:
    """Numbers that did not change, although another cell stands for them now.

    A reader may guess that a figure is what it was; where the same cell stands for it in both,
    that is understood.
    """
    if last.is_empty():
        return None
    was = last.select("cell", "value", part="one")
    both = cells.join(was, on=["cell", "value"]).join(same.rename({"one": "total"}), on="cell")
    moved = both.filter((pl.col("total") != pl.col("part")).fill_null(value=False))
    return moved.select("total", "part", equation=pl.concat_str(pl.lit("unchanged: "), "cell"),
                        part_of=pl.lit("before"))  # fmt: skip


def _rows_without(table: Table, frame: pl.DataFrame, hidden: pl.DataFrame) -> pl.DataFrame:
    """A topic table without the withheld counts, and without sums over those they count."""
    cells = row_cells(table, frame).join(hidden.select("cell"), on="cell")
    gone = {measure: cells.filter(pl.col("measure") == measure)["place"].implode()
            for measure in private_columns(table.contract, "sensitive")}  # fmt: skip
    guards = {c: facts(table.contract, c).get("guarded_by") for c in frame.columns}
    place = pl.int_range(pl.len())
    return frame.with_columns(
        pl.when(~place.is_in(gone[guards[c] or c])).then(pl.col(c)).alias(c)
        for c in frame.columns if (guards[c] or c) in gone
    ).sort(frame.columns, nulls_last=True)  # fmt: skip


def _values_without(values: pl.DataFrame, hidden: pl.DataFrame, guarded: list[str]) -> pl.DataFrame:
    """metric_values without withheld figures, sums over them, and ratios that would tell them.

    What persons are compared with is not shown: it may be withheld where it stands itself.
    """
    said = values.select(FIGURE).unique()
    found = []
    for entry in BOOK:
        if entry.id not in guarded:
            continue
        for below in _telling(entry):
            mine = said.filter(pl.col("metric_id") == entry.id)
            found.append(
                mine.with_columns(cell=id_of_figure(below)).join(hidden, on="cell").drop("cell")
            )
    marks = pl.concat([pl.DataFrame(schema=said.schema | {"withheld": pl.String}), *found])
    worst = marks.group_by(FIGURE).agg(withheld_as=pl.col("withheld").max())
    marked = values.drop("withheld_as").join(worst, on=FIGURE, how="left", nulls_equal=True)
    is_withheld = pl.col("withheld_as").is_not_null()
    is_guarded = pl.col("metric_id").is_in(guarded)
    return (
        marked.with_columns(is_withheld=is_withheld)
        .with_columns(pl.when(~is_withheld).then(pl.col(c)).alias(c) for c in _TOLD)
        .with_columns(pl.when(~is_guarded).then(pl.col(c)).alias(c) for c in _COMPARED)
        .select(values.columns)
    )


def _telling(entry: Metric | Ratio | object) -> list[str]:
    """Ids of the counts that decide whether a metric is withheld."""
    if isinstance(entry, Ratio):
        return [one for below in sums_below(entry) for one in _telling(below)]
    assert isinstance(entry, Metric)
    if entry.guarded_by:
        return [entry.guarded_by]
    return [entry.id] if entry.counts_persons else []


def id_of_figure(metric_id: str) -> pl.Expr:
    """Id of the cell of another metric at the same area and period; a stock's, as of now."""
    is_stock = pl.lit(metric_id).is_in([m.id for m in METRICS if not m.day_column])
    own = [pl.lit(metric_id), pl.col("tier"), pl.col("area_code"),
           pl.when(is_stock).then(pl.lit("as_of")).otherwise("period"),
           pl.when(~is_stock).then(pl.col("period_start").cast(pl.String)).fill_null("")]  # fmt: skip  # noqa: E501
    return pl.concat_str(own, separator="|")
