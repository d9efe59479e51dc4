"""What a metric is: the four ways a number is made. All of them: the metric book, `metrics.py`.

A *sum* adds up over days and areas and is computed once from a topic table. A *ratio* is a quotient
of sums, taken anew at every tier and period and never averaged. A *distinct count* and a *quantile*
add up over nothing; they are computed exactly from the rows of each area and period.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas.protection import Sharing

TOPICS_OF_SEVERAL_WORDS = ("small_places",)
"""Topics whose name is more than the first word of their tables' names."""

Where = tuple[tuple[str, tuple[str, ...]], ...]
"""Column → allowed values."""


def topic_and_table(name: str) -> tuple[str, str]:
    """A topic table's name as its topic and its own name within it.

    >>> topic_and_table("fire_alarm_days"), topic_and_table("small_places_counts")
    (('fire', 'alarm_days'), ('small_places', 'counts'))
    """
    for topic in TOPICS_OF_SEVERAL_WORDS:
        if name.startswith(f"{topic}_"):
            return topic, name.removeprefix(f"{topic}_")
    topic, _, own = name.partition("_")
    return topic, own


def english_name(metric_id: str) -> str:
    """A metric's id in words.

    >>> english_name("small_places_open_hazard_place_count"), english_name("fire_hazard_count")
    ('Small places: open hazard place count', 'Fire: hazard count')
    """
    topic, own = topic_and_table(metric_id)
    return f"{topic.capitalize()}: {own}".replace("_", " ")


class _OfTable:
    """What is computed from one topic table belongs to that table's topic."""

    table: str

    @property
    def topic(self) -> str:
        """The topic database it belongs to."""
        return topic_and_table(self.table)[0]


@dataclass(frozen=True)
class Metric(_OfTable):
    """A sum over rows of a topic table. Additive over days and areas.

    Attributes:
        id: English name, `<topic>_<what>`.
        zh: Chinese name.
        definition: One sentence, in Chinese: what is counted, over what.
        unit: Unit of the value.
        table: Topic table it is summed from.
        measure: Integer column that is summed (integers add up the same in any order); None: rows
            are counted.
        where: Column → allowed values.
        day_column: City day of the events; None: a stock, as of the newest registers.
        counts_persons: Whether values below k are withheld.
        sharing: Sharing class.
        guarded_by: Id of the count this is a sum over; withheld wherever that is, for a sum over
            one rental is that rental's own.
        feeds: Feeds its rows come from, where its table has more; for its grade.
    """

    id: str
    zh: str
    definition: str
    unit: str
    table: str
    measure: str | None
    where: Where = ()
    day_column: str | None = None
    counts_persons: bool = False
    sharing: Sharing = "conditional"
    guarded_by: str | None = None
    feeds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ratio:
    """A quotient of sums; null where the divisor is zero or missing.

    Attributes:
        id: English name, `<topic>_<what>`.
        zh: Chinese name.
        definition: One sentence, in Chinese, that names dividend and divisor.
        unit: Unit of the value.
        numerator: Ids of the sums that are added up above the line.
        denominator: Ids of those below it. A stock divides events of any period.
        scale: What the quotient is multiplied by: 100 for percent, 1/3600 for hours of seconds.
        sharing: Sharing class.
    """

    id: str
    zh: str
    definition: str
    unit: str
    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    scale: float = 100.0
    sharing: Sharing = "conditional"

    @property
    def topic(self) -> str:
        """The topic database it belongs to."""
        return topic_and_table(self.id)[0]


@dataclass(frozen=True)
class Distinct(_OfTable):
    """How many different values a column has among the rows of an area and period; exact.

    Attributes:
        id: English name, `<topic>_<what>`.
        zh: Chinese name.
        definition: One sentence, in Chinese.
        unit: Unit of the value.
        table: Topic table.
        column: Whose different values are counted; nulls are not.
        day_column: City day of the rows.
        where: Column → allowed values.
        sharing: Sharing class.
        feeds: Feeds its rows come from, where its table has more; for its grade.
    """

    id: str
    zh: str
    definition: str
    unit: str
    table: str
    column: str
    day_column: str
    where: Where = ()
    sharing: Sharing = "conditional"
    feeds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Quantile(_OfTable):
    """A quantile of a column over the rows of an area and period, by linear interpolation.

    Attributes:
        id: English name, `<topic>_<what>`.
        zh: Chinese name.
        definition: One sentence, in Chinese.
        unit: Unit of the value.
        table: Topic table with one row per thing measured.
        column: What is measured; nulls are left out.
        share: 0.5 for the median, 0.9 for the 90th percentile.
        day_column: City day of the rows.
        where: Column → allowed values.
        scale: What the quantile is multiplied by: 1/3600 for hours of seconds.
        sharing: Sharing class.
        feeds: Feeds its rows come from, where its table has more; for its grade.
    """

    id: str
    zh: str
    definition: str
    unit: str
    table: str
    column: str
    share: float
    day_column: str
    where: Where = ()
    scale: float = 1.0
    sharing: Sharing = "conditional"
    feeds: tuple[str, ...] = ()


Entry = Metric | Ratio | Distinct | Quantile
KINDS: dict[type[Entry], Literal["sum", "ratio", "distinct", "quantile"]] = {
    Metric: "sum",
    Ratio: "ratio",
    Distinct: "distinct",
    Quantile: "quantile",
}
KIND_ZH = {"sum": "合计", "ratio": "比率", "distinct": "去重计数", "quantile": "分位数"}
