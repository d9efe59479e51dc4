"""`govlake quarantine`: what was set aside and why, as sheets for its owners, and back again."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table as Sheet

from pipelines.consoles import output
from warehouse.home import Home, default_home

if TYPE_CHECKING:
    from assets.replaying import Replayed
    from warehouse.lake import Lake

app = typer.Typer(
    help="Rows set aside: list and show them, export them to be mended, replay them.",
    no_args_is_help=True,
)
console = output()
HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Where data lives; default $GOVLAKE_HOME, else ./data."),
]
FeedOption = Annotated[str | None, typer.Option(help="Feed, e.g. grid_cases.")]
RuleOption = Annotated[str | None, typer.Option(help="Name of a broken rule.")]
FileOption = Annotated[
    str | None, typer.Option("--file", help="Part of the landing file's name, or its id.")
]
DayOption = Annotated[
    str | None, typer.Option(help="City day the file was delivered, e.g. 2026-11-19.")
]
ReasonOption = Annotated[str | None, typer.Option(help="Why you look; kept in ops.access.")]


@app.command("list")
def list_rows(
    feed: FeedOption = None,
    rule: RuleOption = None,
    file: FileOption = None,
    day: DayOption = None,
    home: HomeOption = None,
) -> None:
    """Count rows by feed, rule, file and day of delivery; no value of a row is shown.

    `due` marks those the rules, codes or mappings in force may judge otherwise: replay them.
    """
    from assets.quarantined import Wanted, counts
    from warehouse.lake import Lake

    found = counts(Lake(_home(home)), Wanted(_feeds(feed), rule, file, _day(day)))
    if found.is_empty():
        console.print("nothing is in quarantine" + (" of that kind" if feed or rule else ""))
        return
    sheet = Sheet(title="隔离 (quarantine)")
    for name in ("feed", "rule", "file", "day"):
        sheet.add_column(name, overflow="fold")
    sheet.add_column("rows", justify="right")
    sheet.add_column("due")
    for row in found.iter_rows(named=True):
        sheet.add_row(row["feed"], row["rule"], row["file_name"], str(row["day"]),
                      f"{row['rows']:,}", "due" if row["is_due"] else "")  # fmt: skip
    console.print(sheet)


@app.command()
def show(
    feed: Annotated[str, typer.Argument(help="Feed, e.g. grid_cases.")],
    reason: ReasonOption = None,
    rule: RuleOption = None,
    file: FileOption = None,
    day: DayOption = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Rows to show.")] = 10,
    whole: Annotated[
        bool, typer.Option("--whole", help="All columns, not only those the rules speak of.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Show some rows with their reasons; who, when, which and why are written down first."""
    from assets.originals import kept_texts
    from assets.quarantined import Wanted, broken_columns, labels, rows_of
    from quality.remedies import reason_zh
    from schemas.contract import wire_columns
    from warehouse.lake import Lake

    wanted, lake = Wanted((feed,), rule, file, _day(day)), Lake(_home(home))
    (one,) = wanted.of_feeds()
    _write_down(lake, feed, reason, f"quarantine show: {limit} rows{', whole' if whole else ''}")
    found = rows_of(lake, one, wanted)
    rows, contract = found.head(limit), one.contract
    texts = {tuple(text[at] for at in ("file_id", "row_number", "item_number")): text
             for text in kept_texts(contract, rows).iter_rows(named=True)}  # fmt: skip
    columns = list(wire_columns(contract)) if whole else broken_columns(contract, rows)
    sheet = Sheet(title=one.zh)
    for name in ("文件", "行号", "原因", *labels(contract, columns)):
        sheet.add_column(name, overflow="fold")
    for row in rows.iter_rows(named=True):
        why = "；".join(reason_zh(contract, rule) for rule in row["rules"])
        text = texts.get((row["file_id"], row["row_number"], row["item_number"]), {})
        number = f"{row['row_number']}" + (f".{n}" if (n := row["item_number"]) > 1 else "")
        sheet.add_row(row["file_name"], number, f"{why} {row['detail'] or ''}".strip(),
                      *(text.get(name) or "" for name in columns))  # fmt: skip
    console.print(sheet)
    console.print(f"{rows.height:,} of {found.height:,} rows")


@app.command()
def export(
    feed: Annotated[str, typer.Argument(help="Feed, e.g. grid_cases.")],
    reason: ReasonOption = None,
    rule: RuleOption = None,
    file: FileOption = None,
    day: DayOption = None,
    csv: Annotated[bool, typer.Option("--csv", help="CSV (UTF-8) instead of XLSX.")] = False,
    keep_days: Annotated[
        int, typer.Option(min=1, max=90, help="Days until upkeep removes it.")
    ] = 30,
    home: HomeOption = None,
) -> None:
    """Write rows as a sheet for their owner into HOME/repairs (only you can open it).

    It has the rows as delivered, Chinese reasons and what to do; mend the cells and hand it back
    with `govlake quarantine replay FILE`. Who, when, which and why are written down first.
    """
    from assets.quarantined import Wanted, rows_of
    from assets.quarantined import export as write
    from warehouse.lake import Lake

    wanted, lake = Wanted((feed,), rule, file, _day(day)), Lake(_home(home))
    (one,) = wanted.of_feeds()
    ending = "csv" if csv else "xlsx"
    why = _write_down(lake, feed, reason, f"quarantine export: {ending}, {keep_days} days")
    rows = rows_of(lake, one, wanted)
    if rows.is_empty():
        console.print("nothing is in quarantine of that kind")
        return
    about = {
        "导出理由": why,
        "填写办法": "按“隔离原因”和“隔离处理办法”直接更正右侧各列；标题和“隔离”各列请勿改动；"
        "不更正的行可以删去。",
        "交回办法": "govlake quarantine replay 文件 --reason 理由；或放入 landing/corrections/。",
        "保密": "含受限明细，仅供数据责任人更正使用，请勿外传，用毕删除。",
    }
    path = write(lake.home, one, rows, ending, keep_days, about)
    console.print(f"{rows.height:,} rows: {path}", soft_wrap=True)
    console.print(f"upkeep removes it after {keep_days} days; copies are yours to remove")


@app.command()
def replay(
    file: Annotated[
        Path | None, typer.Argument(help="A sheet that was exported and mended; default: none.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why; kept in ops.replays.")] = None,
    feed: FeedOption = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also rows judged by the rules in force already.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Judge rows again: corrected ones, and those whose rules, codes or mapping changed.

    Corrections are FILE and what lies new in landing/corrections. Rows that pass leave quarantine;
    `govlake run` then renews what they touch.
    """
    from assets import corrections, replaying
    from assets.quarantined import Wanted
    from pipelines.restricted import account, stated
    from warehouse.lake import Lake

    order = replaying.Order(
        account(), stated("a replay", reason, "rows are replayed", "ops.replays")
    )
    lake = Lake(_home(home))
    names = [one.name for one in Wanted(_feeds(feed)).of_feeds()] if feed else []
    with lake.home.locked():
        done = replaying.Replayed(recovered=replaying.recover_all(lake))
        if file is not None:
            corrections.hand_in(lake, file)
        corrections.apply_corrections(lake, order, done)
        replaying.judge_again(lake, order, done, names, everything=everything)
    _tell(done)
    if done.set_aside:
        raise typer.Exit(1)


def _tell(done: Replayed) -> None:
    """What became of the rows; counts and names only."""
    for batch in done.recovered:
        console.print(f"a killed run left batch {batch} half done; it was undone")
    for feed in sorted({*done.accepted, *done.anew, *done.unchanged}):
        counts = done.accepted[feed], done.anew[feed], done.unchanged[feed]
        if any(counts):
            console.print("{}: accepted {:,} · quarantined anew {:,} · as before {:,}".format(
                feed, *counts))  # fmt: skip
    for name, rows in done.unknown.items():
        if rows:
            console.print(f"{name}: {rows:,} rows are not in quarantine (any more)")
    for name, why in done.left.items():
        console.print(f"left as they are: {name}: {why}", style="yellow", soft_wrap=True)
    for name, why in done.set_aside.items():
        console.print(f"set aside: {name}: {why}", style="red", soft_wrap=True)
    if not any((done.accepted.total(), done.anew.total(), done.unchanged.total())):
        console.print(
            "nothing to judge again: no corrections, and no rule, code or mapping changed"
        )
    elif done.accepted.total():
        console.print("`govlake run` renews what they touch")


def _write_down(lake: Lake, feed: str, reason: str | None, what: str) -> str:
    """Write the look into `ops.access`; the reason."""
    from assets.access import record
    from pipelines.restricted import account, stated

    why = stated("a look into quarantine", reason)
    record(lake, username=account(), tables=[f"quarantine.{feed}"], query=what, reason=why)
    return why


def _feeds(feed: str | None) -> tuple[str, ...]:
    return (feed,) if feed else ()


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ValueError(f"{text!r} is no day: write it as 2026-11-19") from None


def _home(path: Path | None) -> Home:
    return Home(path.resolve() if path else default_home())
