"""Dashboards as they are written: `<tier>/board.yaml`, `_shared/panels.yaml`, `datasets.yaml`.

Read and judged here, before anything is built; what Superset is given is made in `bundle.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from schemas.metrics import BY_ID

HERE = Path(__file__).parent
SHARED = HERE / "_shared"
TIERS = ("district", "street", "community")
OF_METRICS = ("numbers", "bars", "ring", "funnel", "trend")
KINDS = (*OF_METRICS, "strip", "map", "ranking", "table", "alarms", "devices", "heat", "notes")
GRID_WIDTH = 12


class BoardError(ValueError):
    """A dashboard that cannot be built; says which file, and what is wrong."""


@dataclass(frozen=True)
class Panel:
    """One panel: what it shows, in which way.

    Attributes:
        id: Name in `panels.yaml`.
        title: Chinese title.
        kind: One of `KINDS`.
        metrics: Ids of the metric book, in the order shown.
    """

    id: str
    title: str
    kind: str
    metrics: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """Panels below one another: their ids and heights in units of 8 px."""

    width: int
    panels: dict[str, int]


@dataclass(frozen=True)
class Board:
    """The dashboard of one tier.

    Attributes:
        title: Chinese title.
        tier: One of `TIERS`; also its address.
        roles: Who may open it.
        map_metric: What the map shows at first.
        rows: Columns beside one another, twelve units wide together.
    """

    title: str
    tier: str
    roles: tuple[str, ...]
    map_metric: str
    rows: tuple[tuple[Column, ...], ...]

    def panel_ids(self) -> list[str]:
        """Ids of its panels, row by row."""
        return [panel for row in self.rows for column in row for panel in column.panels]


def read_panels() -> dict[str, Panel]:
    """Every panel by id.

    Raises:
        BoardError: a panel is of no known kind, or names a metric that is not in the book.
    """
    found = {}
    for panel_id, said in _read(SHARED / "panels.yaml").items():
        panel = Panel(panel_id, said["title"], said["kind"], tuple(said.get("metrics", ())))
        if panel.kind not in KINDS:
            raise BoardError(f"panel {panel_id}: kind {panel.kind}; there are {', '.join(KINDS)}")
        if bool(panel.metrics) != (panel.kind in OF_METRICS):
            raise BoardError(f"panel {panel_id}: metrics belong to {', '.join(OF_METRICS)} only")
        if unknown := [m for m in panel.metrics if m not in BY_ID]:
            raise BoardError(f"panel {panel_id}: not in the metric book: {', '.join(unknown)}")
        found[panel_id] = panel
    return found


def read_board(tier: str, panels: dict[str, Panel]) -> Board:
    """The dashboard of a tier.

    Raises:
        BoardError: it has no roles, a row is not twelve wide, or a panel is unknown or shown twice.
    """
    path = HERE / tier / "board.yaml"
    said = _read(path)
    rows = tuple(
        tuple(Column(column["width"], dict(column["panels"])) for column in row)
        for row in said["rows"]
    )
    board = Board(said["title"], said["tier"], tuple(said["roles"]), said["map_metric"], rows)
    shown = board.panel_ids()
    wrong = {
        f"tier {board.tier} in the folder {tier}": board.tier != tier,
        "no roles": not board.roles,
        f"rows are not {GRID_WIDTH} wide": any(
            sum(column.width for column in row) != GRID_WIDTH for row in rows
        ),
        f"unknown panels {sorted(set(shown) - set(panels))}": not set(shown) <= set(panels),
        "a panel is shown twice": len(shown) != len(set(shown)),
        f"map_metric {board.map_metric} is not in the metric book": board.map_metric not in BY_ID,
    }
    if reasons := [reason for reason, is_so in wrong.items() if is_so]:
        raise BoardError(f"{tier}/board.yaml: {'; '.join(reasons)}")
    return board


def read_datasets() -> dict[str, Any]:
    """`datasets.yaml` as it is written."""
    return _read(SHARED / "datasets.yaml")


def _read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))
