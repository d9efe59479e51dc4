"""`govlake metrics reconcile`: our totals against their parts, and what others published."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import polars as pl
from rich.console import Console
from rich.table import Table as Sheet

from assets.site_settings import published_totals
from pipelines.book import entry_of
from quality.published_totals import MEANINGS, Finding, figures, judged
from quality.reconciliation import WRONG, Family, families, reconciled
from schemas.metrics import BOOK
from warehouse.home import Home
from warehouse.serving import serving_file

_VALUES = """
    SELECT metric_id, tier, area_code, period, period_start, period_end, value, is_withheld
    FROM metric_values
"""
_SHOWN = 20


def reconcile(home: Home, console: Console) -> bool:
    """Print what adds up and what does not; whether all of our own totals do.

    Raises:
        ServingError: nothing is published yet.
        ValueError: a published figure names a metric that is not in the book.
    """
    file = serving_file(home.serving)
    with duckdb.connect(str(file), read_only=True) as connection:
        values = connection.execute(_VALUES).pl()
    published = figures(published_totals(home))
    for metric_id in {one.metric_id for one in published if one.metric_id}:
        entry_of(metric_id)
    found = families(BOOK)
    checked = reconciled(values, found)
    console.print(_summary(checked, found))
    wrong = checked.filter(pl.col("verdict").is_in(WRONG))
    for row in wrong.head(_SHOWN).iter_rows(named=True):
        console.print(
            f"{row['total']} by {row['by']}, {row['area_code']}, {row['period']} "
            f"{row['period_start'] or ''}: {row['total_value']:,.10g}, its parts "
            f"{row['parts_value']:,.10g}: {row['verdict']}", style="red", markup=False,
        )  # fmt: skip
    console.print(f"{checked.height:,} totals of {len(found)} families, {wrong.height:,} wrong")
    if published:
        console.print()
        for line in told(judged(published, values, file.stem)):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    return wrong.is_empty()


def told(found: Sequence[Finding]) -> list[str]:
    """Findings as lines, by document; what a finding can mean stands once, at the end."""
    lines: list[str] = []
    document = None
    for one in found:
        if one.document != document:
            document = one.document
            lines.append(document)
        lines.append(f"  {one.label}: {one.name}: {one.says}")
    for name in dict.fromkeys(one.name for one in found if one.name in MEANINGS):
        meaning = MEANINGS[name]
        lines += [f"{name} can mean: {meaning.can}", f"{name} cannot mean: {meaning.cannot}"]
    return lines


def _summary(checked: pl.DataFrame, found: Sequence[Family]) -> Sheet:
    verdicts = ("adds_up", "has_rest", "withheld", *WRONG)
    counts = {
        (total, by, verdict): n
        for total, by, verdict, n in checked.group_by("total", "by", "verdict").len().rows()
    }
    sheet = Sheet("total, by", *(v.replace("_", " ") for v in verdicts),
                  padding=(0, 1, 0, 0), pad_edge=False)  # fmt: skip
    sheet.columns[0].overflow = "fold"
    for one in found:
        own = [counts.get((one.total, one.by, verdict), 0) for verdict in verdicts]
        sheet.add_row(f"{one.total}, {one.by}", *(f"{n:,}" if n else "" for n in own))
    return sheet
