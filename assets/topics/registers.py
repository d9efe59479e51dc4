"""台账 registers: what was opened, closed and moved in registers by day, and stock at month ends.

Counts of silver's validity periods, nothing personal. Changes are counted from the first whole
delivery of a register on (`config/deliveries.csv`); one never delivered whole has none, and its
stock is what happened to be delivered, from the first day anything of it holds on. What the first
whole delivery held is counted once, on its day, as listed 初次入册, never as opened. An entry that
appears later is opened 新增 if its own source had been delivered whole before (residents have
several), else it too was only listed: nobody knows whether it is new. So on every day

    stock = listed + opened - closed + moved in - moved out, summed up to that day.

Rows of residents by day are not served: their metrics are, by month and longer, with what is
withheld. Stock at month ends is not, for two of them beside the changes tell single persons.

Moves are between communities of one entry without a gap, also to and from the unplaced. A day's
stock is that at its end. Posts of grid staff are counted, worker by grid: one who changes the grid
closes a post and opens another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import dagster as dg
import polars as pl

from assets.building import Clean, Outcome, about, build_days, build_whole, inputs_of, told
from assets.deliveries import whole_since
from assets.timing import AsOf
from quality.register_flows import Start, changes, known_since, stock_days, stocks
from schemas import tables
from schemas.city_time import city_date_of
from schemas.contract import Contract, day, flag, integer, text
from schemas.metric import Metric
from schemas.table import Table
from schemas.topics import register
from warehouse import builds
from warehouse.builds import content_fingerprint
from warehouse.lake import Lake

REGISTERS = {"rentals": "出租房", "devices": "设备", "grid_staff": "网格员岗位"}
RESIDENTS = "residents"
_WORDS = {
    "listed": ("初次入册", "首次交付时已在册、或无法判断是否新增的"),
    "opened": ("新增", "整册交付之后新出现的"),
    "closed": ("注销", "不再在册的（最后有效日之次日或整册截至日）"),
    "moved_in": ("迁入", "自其他社区（含未定位）迁入的"),
    "moved_out": ("迁出", "迁往其他社区（含未定位）的"),
}
_DAYS_AT_ONCE = 400


@dataclass(frozen=True)
class Register:
    """A register through time.

    Attributes:
        name: What its rows are filed under.
        periods: Silver table of its validity periods.
        entry: Columns that name an entry.
        feed: Feed it is delivered as; None: the periods name their source.
    """

    name: str
    periods: Table
    entry: tuple[str, ...]
    feed: str | None


def _periods(name: str) -> Table:
    return tables.table("silver", name)


THINGS = (
    Register("rentals", _periods("rental_periods"), ("rental_id",), "rentals"),
    Register("devices", _periods("device_periods"), ("device_id",), "devices"),
    Register("grid_staff", _periods("grid_staff_periods"), ("staff_token", "grid_code"),
             "grid_staff"),
)  # fmt: skip
PERSONS = Register(RESIDENTS, _periods("resident_periods"), ("person_token",), None)


class RegisterChange(Contract):
    """topics.registers_changes. Grain: city day × register × community."""

    change_day = day("日期", required=True)
    register = text("台账", required=True, codes=REGISTERS)
    community_code = text("社区编码", note="null: unplaced")
    listed_count = integer("初次入册数", required=True, note="in the first delivery; never opened")
    opened_count = integer("新增数", required=True)
    closed_count = integer("注销数", required=True, note="by the first day without it")
    moved_in_count = integer("迁入数", required=True)
    moved_out_count = integer("迁出数", required=True)


class ResidentChange(Contract):
    """topics.registers_resident_changes. Grain: city day × community."""

    change_day = day("日期", required=True)
    community_code = text("社区编码", note="null: unplaced")
    listed_count = integer("初次入册人数", required=True, unit="人", privacy="sensitive",
                           note="in the first delivery; never opened")  # fmt: skip
    opened_count = integer("新增人数", required=True, unit="人", privacy="sensitive")
    closed_count = integer("注销人数", required=True, unit="人", privacy="sensitive")
    moved_in_count = integer("迁入人数", required=True, unit="人", privacy="sensitive")
    moved_out_count = integer("迁出人数", required=True, unit="人", privacy="sensitive")


class RegisterStock(Contract):
    """topics.registers_stocks. Grain: register × community × day.

    Days are the one from which the register is known, and every month's last one since.
    """

    stock_day = day("截至日", required=True)
    register = text("台账", required=True, codes=REGISTERS)
    community_code = text("社区编码", note="null: unplaced")
    entry_count = integer("在册数", required=True)
    is_whole = flag("有整册交付", required=True, note="else only what happened to be delivered")


class ResidentStock(Contract):
    """topics.registers_resident_stocks. Grain: community × day, as of `registers_stocks`."""

    stock_day = day("截至日", required=True)
    community_code = text("社区编码", note="null: unplaced")
    person_count = integer("在册人数", required=True, unit="人", privacy="sensitive")
    is_whole = flag("有整册交付", required=True, note="else only what happened to be delivered")


def _metrics(
    table: str, name: str, zh: str, unit: str, *, moves: bool = False, persons: bool = False
) -> list[Metric]:
    """Metrics of the changes of one register; its table also tells what was listed, and moves.

    A metric by day has a value for every area and day: those that are mostly zero are none.
    """
    kinds = ("opened", "closed", *(("moved_in", "moved_out") if moves else ()))
    where = () if persons else (("register", (name,)),)
    return [
        Metric(f"registers_{name}_{kind}_count", f"{zh}{word}数", f"{zh}台账中{which}，按日", unit,
               table, f"{kind}_count", where, "change_day", persons,
               feeds=() if persons else (name,))
        for kind, (word, which) in ((kind, _WORDS[kind]) for kind in kinds)
    ]  # fmt: skip


CHANGES = register(
    Table("topics", "registers_changes", RegisterChange, "台账 变更日", "change_day",
          ("register", "community_code"), "conditional", True),
    *_metrics("registers_changes", "rentals", "出租房", "套"),
    *_metrics("registers_changes", "devices", "设备", "台", moves=True),
    *_metrics("registers_changes", "grid_staff", "网格员岗位", "个"),
)  # fmt: skip
RESIDENT_CHANGES = register(
    Table("topics", "registers_resident_changes", ResidentChange, "台账 人口变更日", "change_day",
          ("community_code",)),
    *_metrics("registers_resident_changes", RESIDENTS, "人口", "人", moves=True, persons=True),
)  # fmt: skip
STOCKS = register(
    Table("topics", "registers_stocks", RegisterStock, "台账 月末在册", None,
          ("stock_day", "register", "community_code"), "conditional", True)
)  # fmt: skip
RESIDENT_STOCKS = register(
    Table("topics", "registers_resident_stocks", ResidentStock, "台账 月末在册人口", None,
          ("stock_day", "community_code"))
)  # fmt: skip
_OF_THINGS = {"deps": [list(one.periods.key) for one in THINGS], "kinds": {"polars", "deltalake"}}
_OF_PERSONS = {"deps": [list(PERSONS.periods.key)], "kinds": {"polars", "deltalake"}}


@dg.asset(**about(CHANGES), **_OF_THINGS)
def registers_changes(
    lake: dg.ResourceParam[Lake], as_of: dg.ResourceParam[AsOf]
) -> dg.MaterializeResult:
    """Rentals, devices and posts listed, opened, closed and moved, by the day it took effect."""
    return told(_build_changes(lake, CHANGES, THINGS, as_of.day))


@dg.asset(**about(RESIDENT_CHANGES), **_OF_PERSONS)
def registers_resident_changes(
    lake: dg.ResourceParam[Lake], as_of: dg.ResourceParam[AsOf]
) -> dg.MaterializeResult:
    """Residents listed, opened, closed and moved; small counts are withheld on publication."""
    return told(_build_changes(lake, RESIDENT_CHANGES, (PERSONS,), as_of.day))


@dg.asset(**about(STOCKS), **_OF_THINGS)
def registers_stocks(
    lake: dg.ResourceParam[Lake], as_of: dg.ResourceParam[AsOf]
) -> dg.MaterializeResult:
    """Rentals, devices and posts in the register at month ends."""
    return told(_build_stocks(lake, STOCKS, THINGS, as_of.day, "entry_count"))


@dg.asset(**about(RESIDENT_STOCKS), **_OF_PERSONS)
def registers_resident_stocks(
    lake: dg.ResourceParam[Lake], as_of: dg.ResourceParam[AsOf]
) -> dg.MaterializeResult:
    """Residents in the register at month ends; small counts are withheld on publication."""
    return told(_build_stocks(lake, RESIDENT_STOCKS, (PERSONS,), as_of.day, "person_count"))


def _build_changes(
    lake: Lake, table: Table, registers: tuple[Register, ...], today: date
) -> Outcome:
    """Rebuild the days up to today whose changes are others than they were."""
    found = [
        changes(*_read(lake, one)).with_columns(register=pl.lit(one.name)) for one in registers
    ]
    rows = pl.concat(found).filter(pl.col("change_day") <= today)
    contents = {str(d): content_fingerprint(part) for (d,), part in rows.group_by("change_day")}
    days = contents.keys() | builds.parts_of(lake, table).keys()  # a day may lose its changes
    inputs = {d: inputs_of(contents.get(d, "")) for d in days}

    def clean(wanted: list[date]) -> Clean:
        return Clean(rows.filter(pl.col("change_day").is_in(wanted)))

    return build_days(lake, table, inputs, clean, at_once=_DAYS_AT_ONCE)


def _build_stocks(
    lake: Lake, table: Table, registers: tuple[Register, ...], today: date, counted: str
) -> Outcome:
    days = [_stock_days(lake, one, today) for one in registers]
    inputs = inputs_of(*(builds.content_of(lake, one.periods) for one in registers), days)

    def clean() -> Clean:
        found = [
            stocks(*_read(lake, one), today).with_columns(register=pl.lit(one.name))
            for one in registers
        ]
        return Clean(pl.concat(found).rename({"count": counted}))

    return build_whole(lake, table, inputs, clean)


def _read(lake: Lake, one: Register) -> tuple[pl.DataFrame, dict[str, Start]]:
    """A register's periods under common names, and from when on its sources are known."""
    source = pl.lit(one.feed) if one.feed else pl.col("source")
    rows = lake.read(one.periods).select(
        "community_code", "valid_from", "valid_until",
        entity_id=pl.concat_str(*one.entry, separator="/"), source=source,
    )  # fmt: skip
    return rows, _starts(lake, one)


def _starts(lake: Lake, one: Register) -> dict[str, Start]:
    """Source → its first whole delivery, else the first instant anything of it holds from."""
    named = pl.lit(one.feed) if one.feed else pl.col("source")
    columns = ["valid_from", *([] if one.feed else ["source"])]
    first = lake.read(one.periods, columns).group_by(source=named).agg(pl.col("valid_from").min())
    found = {}
    for name, earliest in first.drop_nulls().sort("source").iter_rows():
        whole = whole_since(lake, name)
        found[name] = Start(whole or earliest, is_whole=whole is not None)
    return found


def _stock_days(lake: Lake, one: Register, today: date) -> list[str]:
    since = known_since(_starts(lake, one))
    return [f"{d} {since}" for d in stock_days(city_date_of(since.at), today)] if since else []
