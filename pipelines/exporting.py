"""`govlake export`: what was released, and checking a release where it was received."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table as Sheet

from pipelines.consoles import output
from schemas.city_time import CITY_TZ

app = typer.Typer(
    help="Releases of exports: list them, and check one where it was received.\n\n"
    "Every publication writes HOME/exports/<release>/ and points HOME/exports/latest to it: "
    "parquet by topic, table and day, a contract per topic (contract.odcs.yaml), "
    "catalogue.jsonld, manifest.json and, last of all, _SUCCESS. Copy a release whole (without "
    "_SUCCESS it is not there yet), check it with `govlake export verify PATH`, then read it. "
    "More: docs/exports.md.",
    no_args_is_help=True,
)
console = output()
errors = Console(stderr=True)


@app.command("list")
def list_releases(
    home: Annotated[
        Path | None,
        typer.Option("--home", help="Where data lives; default $GOVLAKE_HOME, else ./data."),
    ] = None,
) -> None:
    """Releases of this home, newest first: as of (city time), rows, size, cells withheld."""
    from warehouse.exports import LATEST, releases_of
    from warehouse.home import Home, default_home

    root = Home(home.resolve() if home else default_home()).exports
    found = releases_of(root)
    if not found:
        console.print(f"no release in {root}: run `govlake run` first")
        return
    latest = (root / LATEST).resolve().name
    sheet = Sheet(padding=(0, 0, 0, 1), pad_edge=False)
    for name in ("release", "as of"):
        sheet.add_column(name, no_wrap=True)
    for name in ("tables", "rows", "MB", "withheld"):
        sheet.add_column(name, justify="right", no_wrap=True)
    sheet.add_column("", no_wrap=True)
    for manifest in found:
        told = manifest["tables"]
        size = sum(t["bytes"] for t in told) / 1e6
        sheet.add_row(
            manifest["release"], f"{_city_time(manifest['as_of']):%Y-%m-%d %H:%M}", str(len(told)),
            f"{sum(t['rows'] for t in told):,}", f"{size:,.1f}",
            f"{sum(t['suppressed'] for t in told):,}",
            LATEST if manifest["release"] == latest else "",
        )  # fmt: skip
    console.print(sheet)


@app.command()
def verify(
    path: Annotated[
        Path, typer.Argument(help="A release, e.g. exports/latest or where you copied it to.")
    ],
) -> None:
    """Check a received release: offline, from its folder alone; exit code 1 if anything is wrong.

    Checked are: the mark _SUCCESS and the manifest it was written for; that every listed file is
    there with its size and sha256, and no other file; rows by file and table; columns, types and
    required values against the contract of the topic.

    What is wrong is told one line each: missing, changed, extra, rows, contract. The remedy is the
    same for all: copy the release again, whole, into an empty folder; if it is still wrong, tell
    the sender the line.
    """
    from warehouse.receiving import check_release

    found = check_release(path)
    for problem in found.problems:
        errors.print(problem, style="red", highlight=False, soft_wrap=True, markup=False)
    if found.problems:
        errors.print(f"{path}: do not use this release (problems found: {len(found.problems)})",
                     soft_wrap=True, highlight=False)  # fmt: skip
        raise typer.Exit(1)
    as_of = f"{_city_time(found.as_of):%Y-%m-%d %H:%M} (city time)"
    console.print(
        f"release {found.release}, as of {as_of}: "
        f"{found.tables} tables, {found.files} files, {found.rows:,} rows, "
        f"{found.bytes / 1e6:,.1f} MB: complete and unchanged",
        soft_wrap=True, highlight=False,
    )  # fmt: skip


def _city_time(instant: str) -> datetime:
    return datetime.fromisoformat(instant).astimezone(CITY_TZ)
