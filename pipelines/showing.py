"""What the command prints: accounts, quarantine, generation, where things are."""

from __future__ import annotations

import polars as pl
from rich.console import Console
from rich.table import Table as Sheet

from assets.accounts import PARTS, feed_totals, open_accounts, silver_account
from quality.accounting import closes
from schemas import tables
from schemas.city_time import city_wall_clock
from schemas.feeds import FEEDS
from warehouse import landing, serving
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.pins import pinned
from warehouse.seals import sealed_through

_SILVER_PARTS = ("accepted", "kept", "merged", "superseded", "set_aside")


def show_places(home: Home, console: Console) -> None:
    """Where the serving file and the exports are."""
    try:
        console.print(f"serving file: {serving.serving_file(home.serving)}")
        console.print(f"exports:      {home.exports / 'latest'}")
    except serving.ServingError as error:
        console.print(str(error))


def show_summary(home: Home, console: Console) -> None:
    """One line of totals."""
    lake = Lake(home)
    totals = lake.read(tables.table("ops", "row_accounts")).select(pl.col(*PARTS).sum())
    files = lake.read(tables.table("ops", "files"))
    aside = files.filter(pl.col("outcome") == "set_aside").height
    console.print(
        " · ".join(f"{name} {totals[name][0]:,}" for name in PARTS)
        + f" · files {files.height}"
        + (f" ({aside} set aside)" if aside else "")
    )


def show_unread(home: Home, console: Console) -> None:
    """What lies in landing and is not read, one line each."""
    for name, reason in landing.unread(home.landing).items():
        console.print(f"not read: landing/{name}: {reason}", style="yellow", soft_wrap=True)


def show_status(home: Home, console: Console) -> bool:
    """Everything about a home on one page; False where an account does not close."""
    lake = Lake(home)
    closed = _show_feeds(lake, console)
    closed = _show_silver(lake, console) and closed
    _show_quarantine(lake, console)
    _show_files(lake, console)
    show_unread(home, console)
    _show_publication(lake, console)
    if not closed:
        console.print("row accounts do NOT close: see the lines marked ✗", style="bold red")
    return closed


def _sheet(title: str, names: tuple[str, ...], numbers: tuple[str, ...]) -> Sheet:
    """A table whose names are never cut short and whose numbers stand flush right."""
    sheet = Sheet(title=title, padding=(0, 0, 0, 1), pad_edge=False)
    for name in names:
        sheet.add_column(name, no_wrap=True)
    for name in numbers:
        sheet.add_column(name, justify="right")
    return sheet


def _show_feeds(lake: Lake, console: Console) -> bool:
    sheet = _sheet("到达 = 接受 + 隔离 + 拒收 (arrived rows)", ("feed",), (*PARTS, "closes"))
    closed = True
    for feed in FEEDS:
        totals, wrong = feed_totals(lake, feed.name), open_accounts(lake, feed.name)
        if not totals["arrived"] and wrong.is_empty():
            continue
        closed = closed and wrong.is_empty()
        numbers = [f"{totals[name]:,}" for name in PARTS]
        sheet.add_row(f"{feed.name} {feed.zh}", *numbers, "✓" if wrong.is_empty() else "✗")
    console.print(sheet)
    return closed


def _show_silver(lake: Lake, console: Console) -> bool:
    sheet = _sheet(
        "接受 = 保留 + 合并 + 被取代 + 暂置 (accepted rows)",
        ("table",),
        ("days", *_SILVER_PARTS, "closes"),
    )
    closed = True
    for name in tables.ACCOUNTED:
        account = silver_account(lake, name)
        if account.is_empty():
            continue
        good = closes(account)
        closed = closed and good
        days = account["day"].drop_nulls().len()
        numbers = [f"{account[part].sum():,}" for part in _SILVER_PARTS]
        sheet.add_row(
            f"{name} {tables.table('silver', name).zh}",
            str(days or "-"),
            *numbers,
            "✓" if good else "✗",
        )
    console.print(sheet)
    return closed


def _show_quarantine(lake: Lake, console: Console) -> None:
    sheet = _sheet("隔离原因 (quarantine by rule)", ("feed", "rule"), ("rows",))
    for feed in FEEDS:
        rows = lake.read(tables.table("quarantine", feed.name), ["rules"])
        counts = rows.explode("rules")["rules"].value_counts(sort=True)
        for rule, count in counts.sort("count", "rules", descending=[True, False]).iter_rows():
            sheet.add_row(feed.name, rule, f"{count:,}")
    if sheet.row_count:
        console.print(sheet)


def _show_files(lake: Lake, console: Console) -> None:
    files = lake.read(tables.table("ops", "files")).filter(pl.col("outcome") == "set_aside")
    if files.height:
        sheet = _sheet("未读取的文件 (files set aside)", ("file",), ())
        sheet.add_column("reason")
        for name, reason in files.sort("file_name").select("file_name", "reason").iter_rows():
            sheet.add_row(name, reason)
        console.print(sheet)


def _show_publication(lake: Lake, console: Console) -> None:
    served = serving.current(lake.home.serving)
    published = lake.read(tables.table("ops", "publications"))
    last = published.filter(pl.col("generation") == (served or ""))
    if last.is_empty():
        console.print("generation: nothing is published yet (run `govlake run`)")
        return
    local = last.select(city_wall_clock(pl.col("published_at", "as_of")))
    published, as_of = local.row(-1)
    console.print(f"generation {served}, published {published:%Y-%m-%d %H:%M:%S}, "
                  f"as of {as_of:%Y-%m-%d %H:%M} (city time)")  # fmt: skip
    held = pinned(lake.home.serving)
    if held:
        console.print(f"  pinned since {held.since}: {held.reason}; nothing new is published")
    for feed in FEEDS:
        if feed.day_column:
            newest = lake.scan(tables.table("bronze", feed.name)).select(
                pl.col(feed.day_column).max()
            ).collect().item()  # fmt: skip
            through = sealed_through(lake, feed.name)
            sealed = f"; sealed through {through}, details expired" if through else ""
            if newest or sealed:
                console.print(f"  {feed.name}: newest day {newest or '-'}{sealed}")
