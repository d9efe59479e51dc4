"""What happens to devices in 示范区: some are moved, some have wrong clocks, one falls silent.

Seconds count from the first midnight of the demo. Only the whole demo has all this; a demo of some
feeds is plain, so that whoever reads it needs no site settings.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

DAY_S = 86_400


@dataclass(frozen=True)
class Clock:
    """A camera's clock that is off, from and until instants of that clock (None: open)."""

    device_id: str
    offset: int
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True)
class Move:
    """A device that stood in one community until an instant, and stands in another since."""

    device_id: str
    at: int
    before: str | None


@dataclass(frozen=True)
class Silence:
    """A camera that sees somebody in these hours of one day, and in no other hour of daylight."""

    device_id: str
    day: int
    hours: tuple[int, ...]


@dataclass(frozen=True)
class Site:
    """Everything out of the ordinary.

    Attributes:
        roles: What a device is chosen for → its id.
        directions: Device prefix → direction code → heading (`HDirectionType`).
    """

    roles: dict[str, str] = field(default_factory=dict)
    clocks: tuple[Clock, ...] = ()
    moves: tuple[Move, ...] = ()
    silence: Silence | None = None
    directions: dict[str, dict[str, str]] = field(default_factory=dict)

    def heading(self, device_id: str, code: str) -> str | None:
        """Heading of a code of the source with the longest matching prefix."""
        sources = [p for p in self.directions if device_id.startswith(p)]
        return self.directions[max(sources, key=len)].get(code) if sources else None

    def role(self, name: str, ids: pl.Series) -> int | None:
        """Position of the device chosen for something; None where there is none."""
        found = (ids == self.roles.get(name, "")).arg_true()
        return int(found[0]) if len(found) else None

    def clock_offsets(
        self, ids: pl.Series, which: np.ndarray, seconds: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """How far each camera's clock was off, and the number of the clock (0: it was right).

        Args:
            ids: Device ids.
            which: Position in `ids` of the camera of each row.
            seconds: Time of each row by its camera's clock.
        """
        offset = np.zeros(len(which), dtype=np.int64)
        number = np.zeros(len(which), dtype=np.int64)
        for n, clock in enumerate(self.clocks, 1):
            for at in (ids == clock.device_id).arg_true().to_list():
                hit = which == at
                if clock.since is not None:
                    hit &= seconds >= clock.since
                if clock.until is not None:
                    hit &= seconds < clock.until
                offset[hit], number[hit] = clock.offset, n
        return offset, number

    def communities(self, devices: pl.Series, newest: pl.Series, seconds: np.ndarray) -> pl.Series:
        """Community in which each row's device stood at the row's true time.

        Args:
            devices: Device of each row.
            newest: Where it stands in the end.
            seconds: True time of each row.
        """
        found = pl.DataFrame({"d": devices, "c": newest, "s": seconds})
        for move in self.moves:
            was = (pl.col("d") == move.device_id) & (pl.col("s") < move.at)
            found = found.with_columns(
                c=pl.when(was).then(pl.lit(move.before, pl.String)).otherwise("c")
            )
        return found["c"]
