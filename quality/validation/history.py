"""What a table's own past lets one expect of it today: how much, how new, how it is made up.

The bounds are ours: no standard names any. They are wide, for a false alarm greys good numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

import polars as pl

from quality.grading import FeedState
from quality.validation.contracts import PLACE
from quality.validation.rules import Rule, Within
from schemas.contract import facts
from schemas.table import Table

PAST = 28
"""Days looked back on; of what does not come daily, as many days in weeks."""
FEWEST = {1: 7, 7: 3}
"""Past windows needed before the newest is judged, by days of a window."""
TOO_FEW = 20
"""A median below it says nothing: by chance alone the next is half or double."""
DAILY_BOUNDS = (0.3, 3.0)
REGISTER_BOUNDS = (0.7, 1.5)
MOST_SHIFT = 0.2
"""Half the sum of differences of shares: as much of the whole stands elsewhere than before."""


_NO_CATEGORY = (PLACE, "area_code", "grid_code", "old_code", "counted_by", "register")
_NAMES = ("_id", "_number", "_name")
"""Endings of columns that name one thing."""


@dataclass(frozen=True)
class Past:
    """How much there was, and how it was made up, in windows of time; the newest last.

    Attributes:
        days: Days of a window; 0: states of a register, as of different days.
        totals: Amount of each window.
        shares: Category → amount in the newest window, and in all before it together.
    """

    days: int
    totals: tuple[float, ...]
    shares: Mapping[str, tuple[float, float]]


def measure_of(table: Table) -> str | None:
    """The column whose sum is how much there is; None: rows are counted."""
    columns = table.contract.columns()
    counts = [n for n in columns if n.endswith("_count") and _reader(table, n) == "integer"]
    return counts[0] if counts else None


def category_of(table: Table) -> str | None:
    """The column whose shares are looked at: the first by which the table is broken down."""
    for name in table.contract.columns():
        if name in _NO_CATEGORY or _reader(table, name) != "text":
            continue
        coded = bool(facts(table.contract, name).get("codes"))
        if coded or (name in table.sort_by and not name.endswith(_NAMES)):
            return name
    return None


def is_by_day(table: Table) -> bool:
    """Whether its rows are of city days."""
    return (table.partition_by or "").endswith("_day")


def past_of_days(table: Table, rows: pl.LazyFrame, last: date, *, daily: bool) -> Past:
    """The windows up to the last full day, from the days of the table itself.

    Args:
        table: A table by day.
        rows: Its rows.
        last: Last full city day.
        daily: Whether it is judged day by day, else week by week.
    """
    day, size = str(table.partition_by), 1 if daily else 7
    amounts = _amounts(table, rows.filter(pl.col(day).is_between(
        last - timedelta(days=PAST + size - 1), last)), day)  # fmt: skip
    first = rows.select(pl.col(day).min()).collect().item()
    if first is None or amounts.is_empty():
        return Past(size, (), {})
    age = (pl.lit(last) - pl.col(day)).dt.total_days() // size
    by_window = dict(amounts.group_by(age.alias("age")).agg(pl.col("amount").sum()).iter_rows())
    whole = min(PAST // size, ((last - first).days + 1) // size - 1)
    totals = tuple(float(by_window.get(n, 0)) for n in range(max(whole, 0), -1, -1))
    new, old = pl.col("amount").filter(age == 0).sum(), pl.col("amount").filter(age > 0).sum()
    shares = amounts.group_by("category").agg(new=new, old=old).sort("category", nulls_last=True)
    return Past(size, totals, {str(c): (float(a), float(b)) for c, a, b in shares.iter_rows()})


def amounts_now(table: Table, rows: pl.LazyFrame) -> dict[str, float]:
    """Category → amount, of a table that has only a newest state."""
    amounts = _amounts(table, rows, None).group_by("category").agg(pl.col("amount").sum())
    return {str(c): float(a) for c, a in amounts.sort("category", nulls_last=True).iter_rows()}


def past_of_states(now: Mapping[str, float], before: Sequence[Mapping[str, float]]) -> Past:
    """The states of a register as of different days.

    Args:
        now: What `amounts_now` gives.
        before: The same as of earlier days, the oldest first.
    """
    last = before[-1] if before else {}
    shares = {c: (now.get(c, 0.0), last.get(c, 0.0)) for c in sorted({*now, *last})}
    return Past(0, (*(sum(one.values()) for one in before), sum(now.values())), shares)


def _amounts(table: Table, rows: pl.LazyFrame, day: str | None) -> pl.DataFrame:
    """`amount` by `category` and day."""
    measure, category = measure_of(table), category_of(table)
    kind = pl.col(category) if category else pl.lit(None, pl.String)
    keys = [kind.alias("category"), *([pl.col(day)] if day else [])]
    amount = pl.col(measure).sum() if measure else pl.len()
    return rows.group_by(keys).agg(amount.cast(pl.Float64).alias("amount")).collect()


def past_rules(table: Table, past: Past, *, comes_daily: bool) -> Iterable[Rule]:
    """How much there is against the past, and whether it is made up as before.

    Too short a past is told, and judges nothing.
    """
    *before, now = past.totals or (0.0,)
    least, most = DAILY_BOUNDS if past.days else REGISTER_BOUNDS
    usual = median(before) if before else 0.0
    enough = len(before) >= FEWEST.get(past.days, 3) and usual >= TOO_FEW
    span = {0: "此前各次", 1: "近 28 天", 7: "前 4 周"}[past.days]
    unit = {0: "当前总量", 1: "最近一天数量", 7: "最近一周数量"}[past.days]
    ratio = now / usual if usual else None
    told = (
        "历史不足，仅作提示" if not enough or ratio is None else f"为{span}中位数的 {ratio:.2f} 倍"
    )
    judged = enough and (comes_daily or not past.days)
    yield Within(f"{unit}在{span}中位数的 {least} 至 {most} 倍之间", "grade" if judged else "note",
                 "完整性", "核对来源是否漏报、重报或停报", ratio if enough else None, least, most,
                 told)  # fmt: skip
    category = category_of(table)
    if category is None:
        return
    shift, label = _shift(past.shares), facts(table.contract, category).get("zh", category)
    yield Within(f"{label}（{category}）的构成与此前相差不超过 {MOST_SHIFT:.0%}", "note", "准确性",
                 "核对来源的分类口径是否改变", shift, None, MOST_SHIFT,
                 "历史不足，仅作提示" if shift is None else f"相差 {shift:.0%}")  # fmt: skip


def _shift(shares: Mapping[str, tuple[float, float]]) -> float | None:
    """Total variation between the shares of now and before; None where either is too few."""
    new, old = (sum(one[side] for one in shares.values()) for side in (0, 1))
    if min(new, old) < TOO_FEW * 5:
        return None
    return sum(abs(a / new - b / old) for a, b in shares.values()) / 2


def freshness_rules(feeds: Sequence[FeedState], last: date) -> Iterable[Rule]:
    """How old the newest rows of the feeds behind a table are.

    Where there are several, an old one is only told here: each number is graded by the feeds it is
    computed from (`quality/grading.py`), and this check would grey the numbers of the others too.

    Args:
        feeds: Feeds behind the table, of which anything ever arrived.
        last: Last day before the as-of instant.
    """
    for feed in feeds:
        if feed.newest is None:
            continue
        age, most = (last - feed.newest).days, feed.stays_fresh_for
        yield Within(f"{feed.zh}在 {most} 天内有更新", "grade" if len(feeds) == 1 else "note",
                     "时效性", "联系来源单位恢复报送", age, None, most,
                     f"最新数据为 {feed.newest:%Y-%m-%d}，已 {age} 天")  # fmt: skip


def _reader(table: Table, name: str) -> str | None:
    return facts(table.contract, name).get("reader")
