"""`govlake dashboards`: build the bundle of panels, and tell where Superset differs from it.

The bundle is built here, from contracts and the metric book; Superset's environment only imports
it (`dashboards/bootstrap.py`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table as Sheet

from dashboards import bundle
from pipelines.consoles import output
from pipelines.superset import ask_superset, superset_folder
from warehouse.home import Home, default_home

BUNDLE, MACROS = "panels.zip", "panels.sql"

app = typer.Typer(
    help="Dashboards as code: build what Superset imports, report what was changed in it by hand.",
    no_args_is_help=True,
)
console = output()
HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Where data lives; default $GOVLAKE_HOME, else ./data."),
]


def write_bundle(home: Home) -> Path:
    """HOME/superset/panels.zip, and the SQL behind it; equal input, equal bytes."""
    import assets.topics  # noqa: F401 - registers every topic table and its metrics

    files = {MACROS: bundle.macros().encode(), BUNDLE: bundle.zipped(bundle.build())}
    for name, content in files.items():
        path = superset_folder(home) / name
        part = path.with_name(f".{name}-{os.getpid()}.part")
        part.write_bytes(content)
        part.replace(path)
    return superset_folder(home) / BUNDLE


@app.command("build")
def build_bundle(home: HomeOption = None) -> None:
    """Write HOME/superset/panels.zip; `govlake serve` does so and imports it."""
    place = Home(home.resolve() if home else default_home())
    console.print(f"written: {write_bundle(place)}")


@app.command("import")
def import_bundle(home: HomeOption = None) -> None:
    """Bring Superset's panels back to what the repository says; what left it is removed."""
    place = Home(home.resolve() if home else default_home())
    write_bundle(place)
    if error := ask_superset(place, {"do": "bootstrap"}).get("error"):
        console.print(error, style="red")
        raise typer.Exit(1)
    console.print("imported: Superset shows what the repository says")


@app.command()
def diff(home: HomeOption = None) -> None:
    """What was changed in Superset by hand since the repository was imported. Exit code 1: some."""
    place = Home(home.resolve() if home else default_home())
    write_bundle(place)
    found = ask_superset(place, {"do": "diff"})["differences"]
    if not found:
        console.print("Superset shows what the repository says")
        return
    sheet = Sheet("what", "name", "difference")
    for one in found:
        sheet.add_row(one["kind"], one["name"], one["difference"])
    console.print(sheet)
    console.print(
        "put it back with `govlake dashboards import`; to keep it, write it into dashboards/"
    )
    raise typer.Exit(1)
