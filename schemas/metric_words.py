"""How a metric is made, in one line for people: the data dictionary and the metric book."""

from __future__ import annotations

from schemas.metric import Entry, Metric, Ratio, Where
from schemas.metrics import Distinct, tables_of


def home_of(entry: Entry) -> str:
    """The topic table a metric is listed under: its own, or that of the first sum of a ratio."""
    return tables_of(entry)[0]


def made_of(entry: Entry) -> str:
    """What is summed, divided, told apart or ranked, and which rows of it.

    >>> made_of(Ratio("a_share", "甲", "乙", "%", ("a_one", "a_two"), ("a_all",)))
    '(`a_one` + `a_two`) ÷ `a_all` × 100'
    """
    if isinstance(entry, Ratio):
        return _quotient(entry)
    where = said(entry.where)
    if isinstance(entry, Metric):
        words = f"`{entry.measure}`" if entry.measure else "行数 rows"
    elif isinstance(entry, Distinct):
        words = f"不同的 `{entry.column}` distinct"
    else:
        words = f"`{entry.column}` 的 {entry.share:.0%} 分位数 quantile"
    return f"{words} ({where})" if where else words


def said(where: Where) -> str:
    """Conditions as `column = values`."""
    return "; ".join(f"{column} = {', '.join(values)}" for column, values in where)


def _quotient(ratio: Ratio) -> str:
    above, below = (
        " + ".join(f"`{one}`" for one in side) for side in (ratio.numerator, ratio.denominator)
    )
    above = f"({above})" if len(ratio.numerator) > 1 else above
    below = f"({below})" if len(ratio.denominator) > 1 else below
    scale = "" if ratio.scale == 1 else f" × {ratio.scale:g}"
    return f"{above} ÷ {below}{scale}"
