"""`govlake metrics`, the metric book: what a number is, how it is computed, what it is today."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated

import duckdb
import typer
from rich.console import Group
from rich.table import Table as Sheet

from pipelines.consoles import output
from schemas import tables
from schemas.metric import KIND_ZH, KINDS, Distinct, Entry, Metric, Quantile, Ratio
from schemas.metrics import BOOK, BY_ID, counts_persons, english_name, is_stock, tables_of
from schemas.periods import PERIOD_ZH
from schemas.protection import SHARING_ZH
from warehouse.home import Home, default_home
from warehouse.serving import ServingError, serving_file

app = typer.Typer(
    help="The metric book: list it, show one metric with SQL and values, reconcile totals.",
    no_args_is_help=True,
)
console = output()
HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Where data lives; default $GOVLAKE_HOME, else ./data."),
]
_DISTRICT = "DISTRICT"
_NEWEST = """
    SELECT period, period_start, period_end, is_complete, value, numerator, denominator, change,
           change_on_year, is_withheld, grade, grade_reason, area_name
    FROM metric_values WHERE metric_id = ? AND area_code = ? AND is_newest
"""


@app.command("list")
def list_metrics(
    topic: Annotated[str | None, typer.Option(help="Topic database, e.g. governance.")] = None,
) -> None:
    """Every metric: id, Chinese name, kind, unit, and what it is of."""
    import assets.topics  # noqa: F401 - registers every metric

    topics = list(dict.fromkeys(one.topic for one in BOOK))
    if topic is not None and topic not in topics:
        raise ValueError(f"no topic {topic!r}; there are {', '.join(sorted(topics))}")
    found = sorted(
        (one for one in BOOK if topic in (None, one.topic)), key=lambda one: (one.topic, one.id)
    )
    sheet = Sheet("id", "指标", "kind", "unit", "of", padding=(0, 1, 0, 0), pad_edge=False)
    sheet.columns[0].no_wrap = True
    for one in found:
        sheet.add_row(one.id, one.zh, KINDS[type(one)], one.unit, _of(one))
    console.print(sheet)
    console.print(f"{len(found)} metrics; `govlake metrics show ID` tells all of one")


@app.command()
def show(
    metric_id: Annotated[str, typer.Argument(help="e.g. governance_closed_count")],
    home: HomeOption = None,
    area: Annotated[
        str | None, typer.Option(help="Area code of the values; default the district.")
    ] = None,
) -> None:
    """Definition, sources and SQL of a metric, and its newest value of every period."""
    import assets.topics  # noqa: F401 - registers every metric
    from pipelines.book_sql import steps_of

    entry = entry_of(metric_id)
    root = Home(home.resolve() if home else default_home()).serving
    for name, told in facts(entry).items():
        console.print(f"[bold]{name:<12}[/bold] ", end="")
        console.print(told, markup=False, highlight=False, soft_wrap=True)
    try:
        district = serving_file(root).stem
    except ServingError:
        district = _DISTRICT
    for step in steps_of(entry, district):
        console.print(f"\n-- {step.says}", style="dim", markup=False, highlight=False)
        console.print(step.sql, markup=False, highlight=False, soft_wrap=True)
    if isinstance(entry, Ratio):
        console.print(f"-- value = above x {entry.scale:g} / below, of each area and period; "
                      "null where below is 0", style="dim", highlight=False)  # fmt: skip
    elif isinstance(entry, Metric) and not is_stock(entry):
        console.print("-- weeks, months, quarters, years and to date: days added up", style="dim")
    console.print()
    if area is None and district == _DISTRICT:
        console.print("nothing is published yet: no value to show")
        return
    console.print(newest_values(serving_file(root, area), entry))


@app.command()
def reconcile(home: HomeOption = None) -> None:
    """Set every total against its parts, and figures others published against ours.

    Published figures stand in HOME/config/published_totals.csv (docs/reconciliation.md). Exit code
    1 where a total of ours contradicts its parts; what others published never changes it.
    """
    import assets.topics  # noqa: F401 - registers every metric
    from pipelines.reconciling import reconcile as reconcile_home

    if not reconcile_home(Home(home.resolve() if home else default_home()), console):
        raise typer.Exit(1)


def entry_of(metric_id: str) -> Entry:
    """A metric of the book.

    Raises:
        ValueError: there is none of that id; those whose id or Chinese name is like it are named.
    """
    if metric_id in BY_ID:
        return BY_ID[metric_id]
    near = difflib.get_close_matches(metric_id, BY_ID, 3, 0.6)
    near += [i for i, one in BY_ID.items() if metric_id in i or metric_id in one.zh]
    names = [f"{i} {BY_ID[i].zh}" for i in dict.fromkeys(near)][:5]
    like = f"; near it: {', '.join(names)}" if names else "; see `govlake metrics list`"
    raise ValueError(f"no metric {metric_id!r} in the book{like}")


def facts(entry: Entry) -> dict[str, str]:
    """What the book says of a metric, label → text."""
    from assets.grading import metric_feeds

    kind = KINDS[type(entry)]
    found = {
        "metric": f"{entry.id} {entry.zh} ({english_name(entry.id)})",
        "definition": entry.definition,
        "kind": f"{kind} {KIND_ZH[kind]}, "
        + ("newest registers" if is_stock(entry) else "periods"),
        "unit": entry.unit,
    }
    if isinstance(entry, Ratio):
        found["numerator"] = " + ".join(f"{one} {BY_ID[one].zh}" for one in entry.numerator)
        found["denominator"] = " + ".join(f"{one} {BY_ID[one].zh}" for one in entry.denominator)
    elif entry.where:
        found["only"] = "; ".join(f"{column} = {', '.join(v)}" for column, v in entry.where)
    if isinstance(entry, Distinct | Quantile):
        found["measured"] = entry.column
    found["tables"] = ", ".join(f"topics.{name}{_kept(name)}" for name in tables_of(entry))
    found["feeds"] = ", ".join(metric_feeds(entry))
    found["sharing"] = SHARING_ZH[entry.sharing]
    if counts_persons(entry):
        found["protection"] = "tells of persons: small counts are withheld"
    return found


def newest_values(file: Path, entry: Entry) -> Group:
    """The newest value of every period in a serving file's own area, and why a grade is not A.

    Raises:
        ValueError: the file was published without this metric.
    """
    with duckdb.connect(str(file), read_only=True) as connection:
        rows = connection.execute(_NEWEST, [entry.id, file.stem]).fetchall()
    if not rows:
        raise ValueError(
            f"{entry.id} has no value in the file of {file.stem}: nothing of its tables is known "
            "yet, or it was published before the metric was added"
        )
    rows.sort(key=lambda row: list(PERIOD_ZH).index(row[0]))
    heads = ("period", "from", "to", "value", "change 环比", "on year 同比", "grade")
    title = f"{rows[0][-1]} {file.stem}, {entry.unit}"
    sheet = Sheet(*heads, title=title, title_justify="left", padding=(0, 1, 0, 0), pad_edge=False)
    reasons: list[str] = []
    for period, start, end, whole, value, up, down, change, year, withheld, grade, why, _ in rows:
        shown = "withheld" if withheld else "none" if value is None else f"{value:,.10g}"
        if up is not None and down is not None and not withheld:
            shown += f" = {up:,.10g} : {down:,.10g}"
        until = f"{end}" + ("" if whole or period in ("to_date", "as_of") else " (running)")
        sheet.add_row(
            f"{period} {PERIOD_ZH[period]}", f"{start or ''}", until, shown,
            _percent(change), _percent(year), grade,
        )  # fmt: skip
        if why:
            reasons.append(f"{grade}: {why}")
    return Group(sheet, *dict.fromkeys(reasons))


def _of(entry: Entry) -> str:
    return "registers" if is_stock(entry) else "periods"


def _kept(name: str) -> str:
    """A word on topic tables whose rows stay in the lake: SQL on them does not run for analysts."""
    return "" if tables.table("topics", name).served else " (not in serving files)"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:+.1f} %"
