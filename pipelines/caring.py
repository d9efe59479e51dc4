"""Commands that look after a home: `govlake doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from warehouse.home import Home, default_home

console = Console()
HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Where data lives; default $GOVLAKE_HOME, else ./data."),
]


def doctor(
    home: HomeOption = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Read every data file to its end; may take long.")
    ] = False,
    port: Annotated[int, typer.Option(help="Port of the Dagster UI.")] = 3000,
    superset_port: Annotated[int, typer.Option(help="Port of Superset.")] = 8088,
) -> None:
    """Find what is wrong: keys, permissions, disk, tables, clocks, ports, feeds; change nothing.

    Every finding says why it matters and what to do. Exit code 1 if one is serious.
    """
    from pipelines.doctor import examine, show
    from pipelines.serving_up import Door

    doors = {"--port": Door("127.0.0.1", port), "--superset-port": Door("127.0.0.1", superset_port)}
    if not show(examine(_home(home), doors, whole=whole), console):
        raise typer.Exit(1)


def _home(path: Path | None) -> Home:
    return Home(path.resolve() if path else default_home())


COMMANDS = (doctor,)
