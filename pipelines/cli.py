"""The `govlake` command: demo, run, status, sql, upkeep, serve. Exit code 0: all is well."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipelines import (
    alerting,
    boards,
    book,
    briefing,
    caring,
    exporting,
    publishing,
    repairing,
    users,
)
from pipelines.consoles import output
from pipelines.errors import RunFailed
from warehouse.home import Home, HomeError, default_home
from warehouse.lake import LakeError
from warehouse.pins import pinned
from warehouse.serving import ServingError, serving_file

app = typer.Typer(
    help="govlake: city-district feeds to governed topic databases, statistics and exports.\n\n"
    "Start with `govlake demo` and `govlake run`; then `govlake status`, `govlake sql`, "
    "`govlake serve`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(alerting.app, name="alerts")
app.add_typer(exporting.app, name="export")
app.add_typer(publishing.app, name="publish")
app.add_typer(users.app, name="users")
app.add_typer(boards.app, name="dashboards")
app.command()(briefing.briefing)
app.add_typer(book.app, name="metrics")
app.add_typer(repairing.app, name="quarantine")
for command in caring.COMMANDS:
    app.command()(command)
console = output()
errors = Console(stderr=True)

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Where data lives; default $GOVLAKE_HOME, else ./data."),
]


def home_of(path: Path | None) -> Home:
    """The home a command works on."""
    return Home(path.resolve() if path else default_home())


@app.command()
def demo(
    home: HomeOption = None,
    days: Annotated[int, typer.Option(min=1, max=3660, help="City days of data.")] = 30,
    scale: Annotated[
        float, typer.Option(min=0.0001, max=10.0, help="1.0 is the headline volume.")
    ] = 0.01,
    seed: Annotated[int, typer.Option(help="Another seed, another district.")] = 1,
    as_of: Annotated[
        str | None,
        typer.Option(help="Instant with zone; data end the city day before. Default: today."),
    ] = None,
    feeds: Annotated[
        str | None, typer.Option(help="Comma-separated feeds or groups, e.g. captures,cases.")
    ] = None,
) -> None:
    """Write the fictional demo district's feed files into HOME/landing, with a truth to check by."""  # noqa: E501 - shown by --help
    from pipelines.demo import write_demo
    from pipelines.settings import demo_as_of, refuse_another_demo

    place = home_of(home)
    instant = demo_as_of(place, as_of)
    refuse_another_demo(place, days=days, scale=scale, seed=seed, as_of=instant)
    place.prepare()
    with console.status("writing the demo district …"):
        summary = write_demo(
            place.root, days=days, scale=scale, seed=seed, as_of=instant,
            feeds=[f.strip() for f in feeds.split(",")] if feeds else None,
        )  # fmt: skip
    rows = sum(summary.rows.values())
    console.print(f"demo district: {len(summary.files)} files, {rows:,} rows in {place.landing}")


@app.command()
def run(home: HomeOption = None) -> None:
    """Take in everything new, refresh what it touched, publish."""
    from pipelines.running import run_graph

    place = home_of(home)
    report = run_graph(place, console)
    if not report.changed and not report.published:
        console.print(f"nothing new: every table unchanged ({report.seconds:.1f} s)")
    else:
        console.print(f"{len(report.changed)} tables renewed in {report.seconds:.1f} s")
    held = pinned(place.serving)
    if held:
        console.print(
            f"nothing published: {held.generation} is pinned ({held.reason}); "
            "`govlake publish unpin` lets go"
        )
    from pipelines.showing import show_places, show_summary, show_unread

    show_summary(place, console)
    show_unread(place, console)
    show_places(place, console)


@app.command()
def status(home: HomeOption = None) -> None:
    """Row accounts, quarantine by rule, files set aside, generation, freshness."""
    from pipelines.showing import show_status

    if not show_status(home_of(home), console):
        raise typer.Exit(1)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help='e.g. "FROM metric_values LIMIT 10"')],
    home: HomeOption = None,
    area: Annotated[
        str | None, typer.Option(help="Area code of the file to ask; default the district.")
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead of a table.")] = False,
    restricted: Annotated[
        bool, typer.Option("--restricted", help="Ask tables of the lake, e.g. bronze.grid_cases.")
    ] = False,
    reason: Annotated[
        str | None, typer.Option(help="Why; with --restricted. Kept in ops.access.")
    ] = None,
) -> None:
    """Query the serving file (read-only, no access to anything outside it).

    With --restricted, query tables of the lake: who, when, which and why are written down first.
    """
    from pipelines.asking import show_query

    if restricted:
        from pipelines.restricted import show_restricted

        show_restricted(home_of(home), query, reason, console, csv=csv)
        return
    if reason is not None:
        raise ValueError("--reason goes with --restricted")
    show_query(serving_file(home_of(home).serving, area), query, console, csv=csv)


@app.command()
def upkeep(
    home: HomeOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what is due only.")] = False,
    vacuum_days: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Days that replaced files stay, for readers still at them and for going back; "
            "default $GOVLAKE_VACUUM_DAYS, else 7.",
        ),
    ] = None,
) -> None:
    """Join small files, remove versions nobody needs, sum up logs; then count every account."""
    from pipelines.upkeep import run_upkeep

    run_upkeep(home_of(home), console, days=vacuum_days, dry_run=dry_run)


@app.command()
def pull(
    name: Annotated[str | None, typer.Argument(help="Of the source; default: all.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Read again from this number, day or time on.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Land what is new in the database sources of HOME/config/sources; `run` takes it in."""
    from pipelines.pulling import run_pull

    run_pull(home_of(home), console, name, since)


@app.command("map")
def map_feed(
    feed: Annotated[str, typer.Argument(help="Feed the file's rows belong to, e.g. grid_cases.")],
    file: Annotated[Path, typer.Argument(help="A sample: CSV, XLSX, NDJSON or GeoJSON.")],
    write: Annotated[
        str | None, typer.Option(help="Save it as HOME/config/mappings/<name>.yaml.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Draft a mapping of a supplier's own columns and codes; read it before you use it.

    With a mapping in HOME/config/mappings a new supplier of a known feed needs no Python.
    """
    from pipelines.drafting import drafted, save_draft

    text = drafted(feed, file)
    if write is None:
        typer.echo(text, nl=False)
    else:
        console.print(
            f"written: {save_draft(home_of(home), write, text)}; read it before the next run"
        )


@app.command()
def dictionary(
    write: Annotated[
        Path | None, typer.Option(help="File to write it to, e.g. docs/dictionary.md.")
    ] = None,
) -> None:
    """The data dictionary of every table, in Chinese and English, as Markdown."""
    import assets.topics  # noqa: F401 - registers every topic table and its metrics
    from schemas.dictionary import dictionary as page_of
    from schemas.metrics import BOOK
    from schemas.tables import SERVED, TABLES

    page = page_of([*TABLES, *SERVED], BOOK)
    if write is None:
        typer.echo(page, nl=False)
    else:
        write.write_text(page, encoding="utf-8")
        console.print(f"written: {write}")


@app.command()
def serve(
    home: HomeOption = None,
    host: Annotated[
        str, typer.Option(help="Address of the Dagster UI, which has no login.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the Dagster UI.")] = 3000,
    superset_host: Annotated[str, typer.Option(help="Address of Superset.")] = "127.0.0.1",
    superset_port: Annotated[int, typer.Option(help="Port of Superset.")] = 8088,
    superset_workers: Annotated[
        int, typer.Option(min=1, max=64, help="Processes of Superset, about 340 MB each.")
    ] = 2,
    superset: Annotated[bool, typer.Option(help="Leave Superset out.")] = True,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Nothing can be started in the Dagster UI.")
    ] = False,
) -> None:
    """Start the Dagster UI and Superset for this home; logins are generated and shown once."""
    from pipelines.preparing import prepare
    from pipelines.serving_up import Door
    from pipelines.serving_up import serve as serve_up

    place = home_of(home)
    prepare(place)
    panels = Door(superset_host, superset_port) if superset else None
    serve_up(
        place, console, dagster=Door(host, port), panels=panels, workers=superset_workers,
        read_only=read_only,
    )  # fmt: skip


def main() -> None:
    """Entry point: errors people can act on become one line, exit code 1."""
    try:
        app()
    except (HomeError, LakeError, ServingError, RunFailed, ValueError) as error:
        errors.print(f"govlake: {error}", style="red", highlight=False, soft_wrap=True)
        sys.exit(1)
