"""`govlake publish`: what was published and when; going back to a generation, holding one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import polars as pl
import typer
from rich.table import Table as Sheet

from pipelines.consoles import output
from schemas import tables
from schemas.city_time import city_wall_clock
from schemas.restatements import REASONS
from warehouse import pins, serving
from warehouse.home import Home, default_home
from warehouse.lake import Lake
from warehouse.serving import ServingError

app = typer.Typer(
    help="Publications: list and show them, go back to an earlier one, hold one.",
    no_args_is_help=True,
)
console = output()
HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Where data lives; default $GOVLAKE_HOME, else ./data."),
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; shown to everybody.")]
_BOOK = tables.table("ops", "publications")
_RESTATED = tables.table("ops", "restatements")


@app.command("list")
def list_publications(home: HomeOption = None) -> None:
    """Every publication, which of them are still kept, and which one is served."""
    place = Home(home or default_home())
    lake = Lake(place)
    kept, served = set(pins.kept(place.serving)), serving.current(place.serving)
    held = pins.pinned(place.serving)
    sheet = Sheet("generation", "published", "as of", "areas rebuilt", "restated", "")
    restated = dict(lake.read(_RESTATED, ["generation"])["generation"].value_counts().iter_rows())
    rows = lake.read(_BOOK).sort("published_at")
    clocks = rows.select(city_wall_clock(pl.col("published_at", "as_of")))
    for row, (published, as_of) in zip(rows.iter_rows(named=True), clocks.iter_rows(), strict=True):
        name = row["generation"]
        words = ["serving"] if name == served else ["kept"] if name in kept else ["removed"]
        words += ["pinned"] if held and held.generation == name else []
        sheet.add_row(name, f"{published:%Y-%m-%d %H:%M:%S}", f"{as_of:%Y-%m-%d %H:%M}",
                      str(row["areas_rebuilt"]), str(restated.get(name, 0)),
                      ", ".join(words))  # fmt: skip
    console.print(sheet)
    if held:
        console.print(f"pinned since {held.since}: {held.reason} (`govlake publish unpin` lets go)")


@app.command()
def show(
    generation: Annotated[str | None, typer.Argument(help="Default: the one served.")] = None,
    home: HomeOption = None,
) -> None:
    """What one publication changed of numbers that were finished, and why."""
    place = Home(home or default_home())
    lake = Lake(place)
    name = generation or serving.current(place.serving)
    known = lake.read(_BOOK, ["generation"])["generation"].to_list()
    if name not in known:
        raise ServingError(f"no publication {name}; there are {', '.join(known) or 'none'}")
    notes = lake.read(_RESTATED).filter(pl.col("generation") == name)
    console.print(f"{name}: {notes.height} numbers of finished periods changed")
    counts = notes.group_by("reason", "metric_id", "metric_name").len().sort("len", descending=True)
    sheet = Sheet("reason", "metric", "", "numbers")
    for reason, metric, words, count in counts.iter_rows():
        sheet.add_row(REASONS[reason], metric, words, f"{count:,}")
    if counts.height:
        console.print(sheet)


@app.command()
def rollback(
    reason: ReasonOption,
    generation: Annotated[str | None, typer.Argument(help="Default: the one before.")] = None,
    home: HomeOption = None,
) -> None:
    """Serve an earlier generation at once, and hold it until `unpin`."""
    place = Home(home or default_home())
    name = generation or _one_before(place)
    made = pins.pin(place, name, reason)
    console.print(f"serving {made.generation}, exports too; runs publish nothing until "
                  "`govlake publish unpin`")  # fmt: skip


@app.command()
def pin(
    reason: ReasonOption,
    generation: Annotated[str | None, typer.Argument(help="Default: the one served.")] = None,
    home: HomeOption = None,
) -> None:
    """Hold a generation: runs go on, but nothing new is published."""
    place = Home(home or default_home())
    name = generation or serving.current(place.serving)
    if name is None:
        raise ServingError("nothing is published yet: run `govlake run` first")
    made = pins.pin(place, name, reason)
    console.print(f"pinned {made.generation}")


@app.command()
def unpin(home: HomeOption = None) -> None:
    """Let generations flip again; the next run publishes what the lake then holds."""
    was = pins.unpin(Home(home or default_home()))
    console.print(f"{was.generation} is no longer pinned" if was else "nothing was pinned")


def _one_before(home: Home) -> str:
    """The newest kept generation published before the one served.

    Raises:
        ServingError: there is none.
    """
    order = Lake(home).read(_BOOK).sort("published_at")["generation"].to_list()
    kept, served = set(pins.kept(home.serving)), serving.current(home.serving)
    if served not in order:
        raise ServingError("nothing is published yet: run `govlake run` first")
    before = [name for name in order[: order.index(served)] if name in kept]
    if not before:
        raise ServingError(f"{served} is the oldest generation kept: there is none to go back to")
    return before[-1]
