"""What a feed is. The registry of all of them: `feeds.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas.contract import Contract, facts

Form = Literal["ga1400", "ndjson", "csv", "xlsx", "geojson"]
CoordinateSystem = Literal["WGS84", "CGCS2000", "GCJ02", "BD09"]


@dataclass(frozen=True)
class Feed:
    """One kind of row that arrives, and where and how.

    Attributes:
        name: Table name in bronze and quarantine.
        zh: What people call it.
        contract: Columns, rules, wire names.
        source: Landing folder it is read from; feeds of one source share its files.
        forms: File forms it is accepted in, told apart by extension.
        key: Columns that together name one real-world thing.
        day_column: City day that partitions it; None for registers.
        version_columns: Instants that say which version of a key is newer; the latest one counts.
        owner: Department that answers for the data.
        object_name: GA/T 1400 object that carries it, for feeds in that form.
        retention_days: How long bronze and landing keep it; None: until replaced.
        coordinate_system: Of its longitudes, latitudes and shapes as delivered; bronze keeps them
            so, silver has CGCS2000. Without meaning for feeds that have none.
        is_daily: Whether rows of every city day are expected; a day without any is a gap.
        fresh_days: Days after which its newest row is old; None: 2 for what comes daily, 30
            for other events, a year for registers (our defaults: no standard names any).
    """

    name: str
    zh: str
    contract: type[Contract]
    source: str
    forms: tuple[Form, ...]
    key: tuple[str, ...]
    day_column: str | None
    version_columns: tuple[str, ...]
    owner: str
    object_name: str | None = None
    retention_days: int | None = None
    coordinate_system: CoordinateSystem = "CGCS2000"
    is_daily: bool = False
    fresh_days: int | None = None

    @property
    def stays_fresh_for(self) -> int:
        """Days after which its newest row is old."""
        return self.fresh_days or (2 if self.is_daily else 30 if self.day_column else 366)

    @property
    def shape_columns(self) -> tuple[str, ...]:
        """Columns that hold shapes."""
        columns = self.contract.columns()
        return tuple(n for n in columns if facts(self.contract, n).get("reader") == "geometry")

    @property
    def has_points(self) -> bool:
        """Whether its rows carry `longitude` and `latitude`."""
        return {"longitude", "latitude"} <= set(self.contract.columns())


NEWEST = ("updated_at",)
"""Version columns of what is delivered with the time of its last change."""
