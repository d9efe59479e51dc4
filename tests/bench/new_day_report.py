"""What one new day cost after a history, as a section of the page."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.table import Table

from .history import NewDay
from .page import Target, machine, promises

_COLUMNS = ("history", "scale", "rows of the day", "history CPU s", "nothing new", "new day",
            "less nothing new", "× its share", "peak GiB")  # fmt: skip


def targets(found: list[NewDay]) -> list[Target]:
    """The promises for a new day: against its share, against a long history, lookups."""
    largest = max(found, key=lambda one: (one.scale, -one.days))
    made = [
        Target(f"CPU of a new day after {largest.days} days, against its 1/{largest.days}", 2.5,
               largest.against_its_share),
    ]  # fmt: skip
    alike = sorted((o for o in found if o.scale == min(x.scale for x in found)),
                   key=lambda one: one.days)  # fmt: skip
    if len(alike) > 1:
        short, long = alike[0], alike[-1]
        made.append(Target(f"CPU of a new day after {long.days} days against {short.days}", 1.1,
                           long.day.cpu_s / short.day.cpu_s))  # fmt: skip
    for one in found:
        for kind, milliseconds in one.lookups.items():
            limit = 10.0 if kind.startswith("id") else 50.0
            for when, each in zip(("", ", after upkeep"), milliseconds, strict=True):
                made.append(Target(f"{kind}, {one.days} days, scale {one.scale:g}{when}", limit,
                                   each, " ms"))  # fmt: skip
    return made


def screen(found: list[NewDay]) -> Table:
    """The figures as a rich table."""
    table = Table(*_COLUMNS, title=title(found))
    for one in found:
        table.add_row(*_row(one))
    return table


def title(found: list[NewDay]) -> str:
    """Heading of the section."""
    return f"One new day, scale {max(one.scale for one in found):g}"


def section(found: list[NewDay]) -> str:
    """The section of the page."""
    upkept = [
        f"Upkeep after {o.days} days at scale {o.scale:g}: {o.upkeep.cpu_s:.1f} CPU s."
        for o in found
        if o.upkeep
    ]
    return "\n".join([
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC. The history is taken in in one go; then a run "
        "with nothing new, and one with the files of one new day and late rows of three earlier "
        "days. A day's share is the history's CPU less that of the run with nothing new, divided "
        "by its days; the new day is compared with it less the same.",
        "",
        machine(),
        "",
        f"| {' | '.join(_COLUMNS)} |",
        "|---|" + "--:|" * (len(_COLUMNS) - 1),
        *(f"| {' | '.join(_row(one))} |" for one in found),
        "",
        *promises(targets(found)),
        "",
        *upkept,
    ])  # fmt: skip


def _row(one: NewDay) -> list[str]:
    return [f"{one.days} days", f"{one.scale:g}", f"{one.new_rows:,}", f"{one.full.cpu_s:.1f}",
            f"{one.idle.cpu_s:.1f}", f"{one.day.cpu_s:.1f}", f"{one.net_cpu_s:.1f}",
            f"{one.against_its_share:.2f}", f"{one.day.peak_gib:.2f}"]  # fmt: skip
