"""Counts of register changes and stocks: against a loop over days, and from files to topics."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import dagster as dg
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.silver.areas import areas
from assets.silver.register_periods import device_periods
from assets.taking_in import take_in
from assets.topics.registers import CHANGES, STOCKS, THINGS, _build_changes, _build_stocks
from quality.register_flows import COUNTS, Start, changes, stock_days, stocks
from schemas import tables
from schemas.city_time import INSTANT, city_date_of, end_of_city_day
from schemas.contract import private_columns
from schemas.metric import Metric
from schemas.metrics import METRICS
from warehouse.lake import Lake

FIRST = date(2026, 1, 20)
LAST = 95
ENDS = (date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31))
PLACES = ("P", "Q", None)


def noon(n: int) -> datetime:
    return datetime(2026, 1, 20, 4, tzinfo=UTC) + timedelta(days=n)


def on(n: int) -> date:
    return FIRST + timedelta(days=n)


Stretch = tuple[str, str | None, int, int | None]  # source, place, from, until

stretches = st.lists(
    st.tuples(st.sampled_from("xy"), st.sampled_from(PLACES), st.integers(0, 9), st.integers(1, 9)),
    max_size=5,
)  # fmt: skip


@st.composite
def entries(draw: st.DrawFn) -> dict[str, list[Stretch]]:
    """Entries with stretches one after the other, some with gaps, the last one open or not."""
    found = {}
    for entity in "abcd":
        at, own = 0, []
        for source, place, gap, lasts in draw(stretches):
            own.append((source, place, at + gap * (gap > 4), at + gap * (gap > 4) + lasts))
            at = own[-1][3]
        if own and draw(st.booleans()):
            own[-1] = (*own[-1][:3], None)
        found[entity] = own
    return found


def frame(found: dict[str, list[Stretch]]) -> pl.DataFrame:
    return pl.DataFrame(
        [(entity, source, place, noon(since), None if until is None else noon(until))
         for entity, own in found.items() for source, place, since, until in own],
        schema={"entity_id": pl.String, "source": pl.String, "community_code": pl.String,
                "valid_from": INSTANT, "valid_until": INSTANT},
        orient="row",
    )  # fmt: skip


def held(own: list[Stretch], n: int) -> tuple[str, str | None] | None:
    """Source and place of an entry at the end of a day."""
    for source, place, since, until in own:
        if since <= n and (until is None or n < until):
            return source, place
    return None


def by_loop(found: dict[str, list[Stretch]], starts: dict[str, tuple[int, bool]]) -> set[tuple]:
    """(day, place, counts) by comparing every evening with the one before."""
    whole = [n for n, is_whole in starts.values() if is_whole]
    known = min(whole or (n for n, _ in starts.values()))
    counts: dict[tuple, list[int]] = {}

    def count(n: int, place: str | None, kind: int) -> None:
        counts.setdefault((on(n), place), [0] * 5)[kind] += 1

    for own in found.values():
        if now := held(own, known):
            count(known, now[1], 0)
        for before, n in pairwise(range(known, LAST + 1)):
            was, now = held(own, before), held(own, n)
            if now and not was:
                begun, is_whole = starts[now[0]]
                count(n, now[1], 1 if is_whole and n > begun else 0)
            elif was and not now:
                count(n, was[1], 2)
            elif was and now and was[1] != now[1]:
                count(n, now[1], 3)
                count(n, was[1], 4)
    return {(*key, *one) for key, one in counts.items()}


STARTS = st.fixed_dictionaries(dict.fromkeys("xy", st.tuples(st.integers(0, 20), st.booleans())))


@given(entries(), STARTS)
@settings(max_examples=25, deadline=None)
def test_changes_are_those_from_evening_to_evening(found, starts) -> None:
    given_starts = {source: Start(noon(n), whole) for source, (n, whole) in starts.items()}
    told = changes(frame(found), given_starts)
    is_known = any(is_whole for _, is_whole in starts.values())
    assert set(told.iter_rows()) == (by_loop(found, starts) if is_known else set())
    stood = stocks(frame(found), given_starts, on(LAST))
    whole = [n for n, is_whole in starts.values() if is_whole]
    known = min(whole or (n for n, _ in starts.values()))
    asked = [on(known), *(d for d in ENDS if d > on(known))]
    assert stock_days(on(known), on(LAST)) == asked
    for asked_day in asked:
        for place in PLACES:
            there = stood.filter(
                pl.col("stock_day") == asked_day, pl.col("community_code").eq_missing(place)
            )["count"].sum()
            own = [held(one, (asked_day - FIRST).days) for one in found.values()]
            assert there == sum(1 for one in own if one and one[1] == place)
            if not is_known:
                continue
            flows = told.filter(
                pl.col("change_day") <= asked_day, pl.col("community_code").eq_missing(place)
            )
            listed, opened, closed, into, out = (sum(flows[c].to_list()) for c in COUNTS)
            assert there == listed + opened - closed + into - out
    assert set(stood["is_whole"]) <= {bool(whole)}


def test_a_register_never_delivered_is_not_known() -> None:
    nobody = frame({"a": [("x", "P", 1, None)]})
    assert changes(nobody, {}).is_empty()
    assert stocks(nobody, {}, on(9)).is_empty()


HEADER = "设备编码,设备类型,更新时间"
DEVICES = [f"3502990000132000000{n}" for n in range(5)]


@pytest.fixture
def register(lake: Lake) -> Lake:
    lake.home.config.mkdir(exist_ok=True)
    (lake.home.config / "deliveries.csv").write_text("feed,files\ndevices,devices/whole-*.csv\n")
    (lake.home.landing / "devices").mkdir()
    return lake


BUILT: list[Any] = [areas, device_periods]


def deliver(lake: Lake, name: str, *lines: str) -> None:
    path = lake.home.landing / "devices" / name
    path.write_text("\n".join([HEADER, *(f"{line} 08:00:00" for line in lines)]) + "\n")
    assert not take_in(lake, "devices").set_aside
    with dg.DagsterInstance.ephemeral() as instance:
        done = dg.materialize(BUILT, resources={"lake": lake}, instance=instance)
    assert done.success


def test_the_first_delivery_is_listed_and_later_ones_open_and_close(register: Lake) -> None:
    lake, (a, b, c, d, _) = register, DEVICES
    today = date(2026, 12, 1)
    deliver(lake, "whole-20261101.csv", f"{a},camera,2020-05-01", f"{b},camera,2026-10-01")
    _build_changes(lake, CHANGES, THINGS, today)
    deliver(lake, "whole-20261110.csv", f"{a},camera,2020-05-01", f"{c},gate,2026-11-05")
    deliver(lake, "later.csv", f"{d},camera,2026-11-20")
    renewed = _build_changes(lake, CHANGES, THINGS, today).renewed
    assert renewed == ["2026-11-05", "2026-11-10", "2026-11-20"]
    found = lake.read(CHANGES).sort("change_day")
    assert found.select("register", "change_day", *COUNTS[:3]).rows() == [
        ("devices", date(2026, 11, 1), 2, 0, 0), ("devices", date(2026, 11, 5), 0, 1, 0),
        ("devices", date(2026, 11, 10), 0, 0, 1), ("devices", date(2026, 11, 20), 0, 1, 0),
    ]  # fmt: skip
    _build_stocks(lake, STOCKS, THINGS, today, "entry_count")
    stood = lake.read(STOCKS).sort("stock_day").select("stock_day", "entry_count", "is_whole")
    assert stood.rows() == [(date(2026, 11, 1), 2, True), (date(2026, 11, 30), 3, True)]
    assert _build_changes(lake, CHANGES, THINGS, today).renewed == []
    assert _build_stocks(lake, STOCKS, THINGS, date(2026, 12, 30), "entry_count").renewed == []
    assert _build_stocks(lake, STOCKS, THINGS, date(2026, 12, 31), "entry_count").renewed == ["all"]


def test_days_to_come_are_not_counted_and_a_day_may_lose_its_changes(register: Lake) -> None:
    lake, (a, b, *_) = register, DEVICES
    deliver(lake, "whole-20261101.csv", f"{a},camera,2026-10-01")
    deliver(lake, "later.csv", f"{b},camera,2026-11-20")
    assert _build_changes(lake, CHANGES, THINGS, date(2026, 11, 19)).renewed == ["2026-11-01"]
    assert _build_changes(lake, CHANGES, THINGS, date(2026, 11, 20)).renewed == ["2026-11-20"]
    deliver(lake, "earlier.csv", f"{b},camera,2026-11-15")
    renewed = _build_changes(lake, CHANGES, THINGS, date(2026, 11, 20)).renewed
    assert renewed == ["2026-11-15", "2026-11-20"]
    assert lake.read(CHANGES)["change_day"].sort().to_list() == [
        date(2026, 11, 1), date(2026, 11, 15)
    ]  # fmt: skip


def test_without_a_whole_delivery_only_stock_is_told(register: Lake) -> None:
    lake, (a, b, *_) = register, DEVICES
    deliver(lake, "one.csv", f"{a},camera,2026-11-01")
    deliver(lake, "two.csv", f"{b},camera,2026-11-20")
    _build_changes(lake, CHANGES, THINGS, date(2026, 12, 1))
    found = lake.read(CHANGES)
    assert found.is_empty()
    _build_stocks(lake, STOCKS, THINGS, date(2026, 12, 1), "entry_count")
    stood = lake.read(STOCKS).sort("stock_day")
    assert stood.select("entry_count", "is_whole").rows() == [(1, False), (2, False)]


def test_the_last_moment_of_a_day_belongs_to_it() -> None:
    last = end_of_city_day(FIRST)
    assert city_date_of(last) == FIRST
    assert city_date_of(last + timedelta(microseconds=1)) == on(1)


def test_rows_of_persons_are_marked_for_withholding() -> None:
    for name in ("registers_resident_changes", "registers_resident_stocks"):
        table = tables.table("topics", name)
        counted = [c for c in table.contract.columns() if c.endswith("_count")]
        assert private_columns(table.contract, "sensitive") == counted
    own = [m for m in METRICS if m.id.startswith("registers_")]
    assert len(own) == 12
    for metric in own:
        assert isinstance(metric, Metric)
        assert metric.counts_persons == ("residents" in metric.id)
