"""How good a number is: A, B or C, from the state of the feeds behind it, with the reason in words.

A number is never changed by its grade; B is shown with a note, C is greyed. The limits are ours: no
standard for the quality of a statistic names any. What is looked at: completeness 完整性 (days that
arrived), timeliness 时效性 (how old the newest row is) and accuracy 准确性 (what was quarantined,
which checks failed).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

COMPLETE_ENOUGH = 0.8
"""Below this share of days delivered a number is C; below all of them, B."""
QUARANTINED_B, QUARANTINED_C = 0.02, 0.10
"""Shares of the rows of a feed that were quarantined, from which a number is B and C."""
MUCH_TOO_OLD = 3
"""Times a feed's own limit after which a number is C."""


@dataclass(frozen=True)
class FeedState:
    """What the books say of a feed.

    Attributes:
        zh: What people call it.
        arrived: Rows that ever arrived.
        quarantined: How many of them were quarantined.
        days: City days rows of it are of; empty for registers.
        newest: City day of its newest row or delivery; None: nothing arrived.
        is_daily: Whether every day is expected.
        stays_fresh_for: Days after which `newest` is old.
        failed_checks: Chinese names of checks of its tables that failed without blocking.
    """

    zh: str
    arrived: int
    quarantined: int
    days: frozenset[date]
    newest: date | None
    is_daily: bool
    stays_fresh_for: int
    failed_checks: tuple[str, ...] = ()


def grade(
    feeds: Iterable[FeedState], start: date | None, end: date, last: date
) -> tuple[str, str | None]:
    """Grade of a number and why it is not A.

    Args:
        feeds: Feeds behind it.
        start: First day it speaks of; None: all that is known, or the newest state of a register.
        end: Last day it speaks of.
        last: Last day before the as-of instant: only numbers that reach it can be too old.

    Returns:
        `A`, `B` or `C`, and reasons in Chinese, the worst first; None for A.
    """
    found: list[tuple[str, str]] = []
    for feed in feeds:
        found += _of_one(feed, start, end, last)
    if not found:
        return "A", None
    found.sort(key=lambda one: one[0], reverse=True)
    return found[0][0], "；".join(dict.fromkeys(reason for _, reason in found))


def _of_one(feed: FeedState, start: date | None, end: date, last: date) -> list[tuple[str, str]]:
    if feed.newest is None or not feed.arrived:
        return [("C", f"{feed.zh}尚未到达")]
    found = []
    if feed.is_daily and feed.days:
        first = min(feed.days) if start is None else max(start, min(feed.days))
        wanted = [first + timedelta(days=n) for n in range((end - first).days + 1)]
        missing = [one for one in wanted if one not in feed.days]
        if missing:
            arrived = len(wanted) - len(missing)
            worst = "C" if arrived < len(wanted) * COMPLETE_ENOUGH else "B"
            found.append((worst, f"{feed.zh}缺{len(missing)}天（共{len(wanted)}天）"))
    old = (last - feed.newest).days
    if end >= last and old > feed.stays_fresh_for:
        worst = "C" if old > MUCH_TOO_OLD * feed.stays_fresh_for else "B"
        found.append((worst, f"{feed.zh}最新数据为{feed.newest:%Y-%m-%d}，已{old}天未更新"))
    share = feed.quarantined / feed.arrived
    if share >= QUARANTINED_B:
        worst = "C" if share >= QUARANTINED_C else "B"
        found.append((worst, f"{feed.zh}隔离率{share:.1%}"))
    found += [("B", f"{feed.zh}检查未通过：{check}") for check in feed.failed_checks]
    return found
