"""What a metric is. All of them: the metric book, `metrics.py`."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.protection import Sharing

TOPICS_OF_SEVERAL_WORDS = ("small_places",)
"""Topics whose name is more than the first word of their tables' names."""


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


@dataclass(frozen=True)
class Metric:
    """One statistic.

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
    """

    id: str
    zh: str
    definition: str
    unit: str
    table: str
    measure: str | None
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    day_column: str | None = None
    counts_persons: bool = False
    sharing: Sharing = "conditional"

    @property
    def topic(self) -> str:
        """The topic database it belongs to."""
        return topic_and_table(self.table)[0]
