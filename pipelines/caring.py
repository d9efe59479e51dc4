"""Commands that look after a home: `govlake doctor`, `backup`, `restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.consoles import output
from warehouse.home import Home, default_home

console = output()
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


def backup(
    folder: Annotated[Path, typer.Argument(help="Empty or new, outside the home.")],
    home: HomeOption = None,
    keys: Annotated[
        Path | None,
        typer.Option("--keys", help="Where the keys go: another place, kept by other hands."),
    ] = None,
    landing: Annotated[
        bool, typer.Option(help="With the files of landing, from which a lake can be built anew.")
    ] = True,
) -> None:
    """Copy a home, with checksums, while no run is at work; keys only with --keys, elsewhere."""
    import assets.topics  # noqa: F401 - registers every topic table
    from warehouse.backups import back_up

    done = back_up(_home(home), folder.resolve(), keys.resolve() if keys else None, landing=landing)
    console.print(f"{done.files:,} files, {done.size_bytes / 1e6:,.1f} MB, each with its checksum: "
                  f"{folder}", soft_wrap=True)  # fmt: skip
    console.print("it holds the restricted zone: keep it where only you can read")
    if keys:
        console.print(f"keys: {keys}; keep them apart from it", soft_wrap=True)
    else:
        console.print("keys are not in it: `--keys DIR` copies them to another place; without them "
                      "tokens of the past can never be matched again", soft_wrap=True)  # fmt: skip


def restore(
    folder: Annotated[Path, typer.Argument(help="What `govlake backup` wrote.")],
    home: HomeOption = None,
    keys: Annotated[
        Path | None, typer.Option("--keys", help="What `govlake backup --keys` wrote.")
    ] = None,
) -> None:
    """Lay a backup into an empty home, after comparing every checksum."""
    import assets.topics  # noqa: F401 - registers every topic table
    from warehouse.backups import restore as lay
    from warehouse.home import LOST_KEY

    place = _home(home)
    done = lay(folder.resolve(), place, keys.resolve() if keys else None)
    console.print(f"{done.files:,} files of {done.made_at}: every checksum holds; {place.root}",
                  soft_wrap=True)  # fmt: skip
    if not keys and done.marks:
        console.print(f"without the keys of {', '.join(sorted(done.marks))} runs stop: {LOST_KEY}",
                      style="yellow", soft_wrap=True)  # fmt: skip
    console.print("next: `govlake doctor`, `govlake status`, `govlake run`")


def _home(path: Path | None) -> Home:
    return Home(path.resolve() if path else default_home())


COMMANDS = (doctor, backup, restore)
