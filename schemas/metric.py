"""What a metric is. All of them: the metric book, `metrics.py`."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.protection import Sharing


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
        return self.table.split("_", 1)[0]
