"""Registers delivered whole close what vanished, as changes apply them; each says as of when."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
import xlsxwriter
from support import write_demo_home

from assets.accounts import silver_account
from assets.silver.areas import areas
from assets.silver.housing import rentals
from assets.silver.periods import rental_periods
from assets.site_settings import SettingsError
from assets.taking_in import take_in
from quality.accounting import closes
from schemas import tables
from warehouse.home import Home
from warehouse.lake import Lake

HEADER = ("备案号", "社区编码", "租赁方式", "租赁渠道", "更新时间")


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return write_demo_home(
        tmp_path_factory.mktemp("d") / "home", days=1, scale=0.001, feeds="areas"
    )


@pytest.fixture
def lake(district: Home, tmp_path: Path) -> Lake:
    home = Home(tmp_path / "home")
    home.prepare()
    (home.landing / "areas").mkdir(exist_ok=True)
    for file in (district.landing / "areas").iterdir():
        (home.landing / "areas" / file.name).write_bytes(file.read_bytes())
    lake = Lake(home)
    take_in(lake, "areas")
    assert materialised(lake, areas)
    return lake


def materialised(lake: Lake, *several: Any) -> bool:
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize(list(several), resources={"lake": lake}, instance=instance).success


def communities(lake: Lake) -> list[str]:
    rows = lake.read(tables.table("silver", "areas"), ["area_code", "tier"])
    return rows.filter(pl.col("tier") == "community")["area_code"].sort().to_list()


def deliver(
    lake: Lake, name: str, rows: list[tuple[str, str, str]], *, is_timed: bool = True
) -> None:
    """`rows`: id, community, time of change; the column of the latter only if `is_timed`."""
    width = len(HEADER) - (not is_timed)
    folder = lake.home.landing / "rentals"
    folder.mkdir(exist_ok=True)
    with xlsxwriter.Workbook(folder / name) as book:
        sheet = book.add_worksheet()
        for n, heading in enumerate(HEADER[:width]):
            sheet.write_string(0, n, heading)
        for line, (rental, community, changed) in enumerate(rows, 1):
            for n, value in enumerate((rental, community, "1", "1", changed)[:width]):
                sheet.write_string(line, n, value)


def declare(lake: Lake, text: str = "feed,files\nrentals,rentals/whole-*.xlsx\n") -> None:
    (lake.home.config).mkdir(parents=True, exist_ok=True)
    (lake.home.config / "deliveries.csv").write_text(text)


def build(lake: Lake) -> tuple[pl.DataFrame, pl.DataFrame]:
    take_in(lake, "rentals")
    assert materialised(lake, rentals, rental_periods)
    own = lake.read(tables.table("silver", "rentals"), ["rental_id", "community_code"])
    history = lake.read(tables.table("silver", "rental_periods"))
    return own.sort("rental_id"), history.sort("rental_id", "valid_from")


def end_of(day: int) -> datetime:
    """A whole delivery speaks of the end of its city day."""
    return datetime(2026, 11, day, 15, 59, 59, 999_999, tzinfo=UTC)


def test_a_whole_delivery_closes_what_vanished_and_changes_apply(lake: Lake) -> None:
    one, two = communities(lake)[:2]
    declare(lake)
    deliver(lake, "whole-20261101.xlsx", [("A", one, "2026-10-01 08:00:00"),
                                          ("B", one, "2026-10-01 08:00:00")])  # fmt: skip
    deliver(lake, "changes-20261105.xlsx", [("C", two, "2026-11-05 08:00:00")])
    deliver(lake, "whole-20261110.xlsx", [("A", two, "2026-11-09 08:00:00"),
                                          ("C", two, "2026-11-05 08:00:00")])  # fmt: skip
    own, history = build(lake)
    assert own.rows() == [("A", two), ("C", two)]
    changed = datetime(2026, 11, 9, 0, tzinfo=UTC)
    first = datetime(2026, 10, 1, 0, tzinfo=UTC)
    assert history.select("rental_id", "community_code", "valid_from", "valid_until").rows() == [
        ("A", one, first, changed),
        ("A", two, changed, None),
        ("B", one, first, end_of(10)),
        ("C", two, datetime(2026, 11, 5, 0, tzinfo=UTC), None),
    ]
    set_aside = lake.read(tables.table("silver", "rentals_set_aside"))
    assert set_aside.select("entity_id", "rule").rows() == [
        ("B", "is_in_the_newest_whole_delivery")
    ]
    assert closes(silver_account(lake, "rentals"))


def test_what_vanished_may_come_back_and_parts_are_one_delivery(lake: Lake) -> None:
    (one, *_) = communities(lake)
    declare(lake)
    deliver(lake, "whole-20261101-01.xlsx", [("A", one, "2026-10-01 08:00:00")])
    deliver(lake, "whole-20261101-02.xlsx", [("B", one, "2026-10-01 08:00:00")])
    deliver(lake, "whole-20261110.xlsx", [("A", one, "2026-10-01 08:00:00")])
    own, _ = build(lake)
    assert own["rental_id"].to_list() == ["A"]
    # The very bytes of an earlier delivery, as of a later day: the entry is there again.
    folder = lake.home.landing / "rentals"
    (folder / "whole-20261120-01.xlsx").write_bytes(
        (folder / "whole-20261101-01.xlsx").read_bytes()
    )
    (folder / "whole-20261120-02.xlsx").write_bytes(
        (folder / "whole-20261101-02.xlsx").read_bytes()
    )
    own, history = build(lake)
    assert own["rental_id"].to_list() == ["A", "B"]
    assert history.filter(pl.col("rental_id") == "B").select(
        "valid_from", "valid_until"
    ).rows() == [
        (datetime(2026, 10, 1, 0, tzinfo=UTC), end_of(10)),
        (end_of(20), None),
    ]
    assert closes(silver_account(lake, "rentals"))


def test_deliveries_in_any_order_come_to_the_same(lake: Lake, tmp_path: Path) -> None:
    one, two = communities(lake)[:2]
    declare(lake)
    names = []
    for day, rows in ((1, "AB"), (5, "ABC"), (9, "BC"), (12, "ABD")):
        names.append(f"whole-202611{day:02d}.xlsx")
        deliver(
            lake, names[-1], [(r, one if r < "C" else two, "2026-10-01 08:00:00") for r in rows]
        )
    folder, aside = lake.home.landing / "rentals", tmp_path / "aside"
    aside.mkdir()
    random.Random(1).shuffle(names)
    for name in names:
        (folder / name).rename(aside / name)
    for name in names:
        (aside / name).rename(folder / name)
        build(lake)
    own, history = build(lake)
    assert own["rental_id"].to_list() == ["A", "B", "D"]
    # C is there since October, it says; the delivery of the 1st did not hold it, the 5th did.
    stretches = history.filter(pl.col("rental_id") == "C").select("valid_from", "valid_until")
    october = datetime(2026, 10, 1, 0, tzinfo=UTC)
    assert stretches.rows() == [(october, end_of(1)), (end_of(5), end_of(12))]
    assert history.filter(pl.col("rental_id") == "A").height == 2


def test_a_whole_register_without_a_day_is_refused(lake: Lake) -> None:
    declare(lake)
    deliver(lake, "whole-latest.xlsx", [("A", communities(lake)[0], "2026-10-01 08:00:00")])
    intake = take_in(lake, "rentals")
    told = intake.set_aside["rentals/whole-latest.xlsx"]
    assert "delivery_states_its_as_of" in told
    assert "does not state its day" in told


def test_a_settings_mistake_is_told(lake: Lake) -> None:
    declare(lake, "feed,files\nface_captures,captures/*\n")
    deliver(lake, "whole-20261101.xlsx", [("A", communities(lake)[0], "2026-10-01 08:00:00")])
    with pytest.raises(SettingsError, match="'face_captures' is no register"):
        take_in(lake, "rentals")


NAMED = """feed,files,holds,as_of
rentals,rentals/whole-*.xlsx,,
rentals,rentals/changes-*.xlsx,changes,name
rentals,rentals/dump*.xlsx,whole,column
"""


def test_changes_may_state_their_day_in_the_name(lake: Lake) -> None:
    one, two = communities(lake)[:2]
    declare(lake, NAMED)
    deliver(lake, "whole-20261101.xlsx", [("A", one, ""), ("B", one, "")], is_timed=False)
    deliver(lake, "changes-20261105.xlsx", [("A", two, ""), ("C", one, "2026-11-04 08:00:00")])
    own, history = build(lake)
    assert own.rows() == [("A", two), ("B", one), ("C", one)]
    assert history.select("rental_id", "community_code", "valid_from", "valid_until").rows() == [
        ("A", one, end_of(1), end_of(5)),
        ("A", two, end_of(5), None),
        ("B", one, end_of(1), None),
        ("C", one, datetime(2026, 11, 4, 0, tzinfo=UTC), None),
    ]
    book = lake.read(tables.table("ops", "deliveries")).sort("as_of")
    assert book.filter(feed="rentals").select("holds", "as_of").rows() == [
        ("whole", end_of(1)), ("changes", end_of(5))
    ]  # fmt: skip
    again = take_in(lake, "rentals")
    assert (again.files, again.set_aside) == (0, {})


def test_a_delivery_that_states_no_as_of_is_refused(lake: Lake) -> None:
    (one, *_) = communities(lake)
    deliver(lake, "a.xlsx", [("A", one, "")], is_timed=False)
    deliver(lake, "b.xlsx", [("A", one, ""), ("B", one, " ")])
    deliver(lake, "c.xlsx", [("A", one, "2026-11-04 08:00:00"), ("B", one, "")])
    intake = take_in(lake, "rentals")
    assert sorted(intake.set_aside) == ["rentals/a.xlsx", "rentals/b.xlsx"]
    for told in intake.set_aside.values():
        assert "更新时间" in told
        assert "delivery_states_its_as_of" in told
        assert "config/deliveries.csv" in told
    assert intake.rows["rentals accepted"] == 1, "one row without a time costs that row alone"
    assert intake.rows["rentals quarantined"] == 1
    book = lake.read(tables.table("ops", "deliveries")).filter(feed="rentals")
    assert book.select("holds", "as_of").rows() == [
        ("changes", datetime(2026, 11, 4, 0, tzinfo=UTC))
    ]


def test_a_column_states_the_day_of_a_whole_register(lake: Lake) -> None:
    (one, *_) = communities(lake)
    declare(lake, NAMED)
    deliver(lake, "dump1.xlsx", [("A", one, "2026-11-01 00:00"), ("B", one, "2026-11-01 09:00:00")])
    deliver(lake, "dump2.xlsx", [("A", one, "2026-11-02 08:00:00")])
    deliver(lake, "dump3.xlsx", [("A", one, "2026-11-03 08:00:00"), ("C", one, "2026-10-01 08:00")])
    deliver(lake, "dump4.xlsx", [])
    intake = take_in(lake, "rentals")
    assert sorted(intake.set_aside) == ["rentals/dump3.xlsx", "rentals/dump4.xlsx"]
    assert "2026-10-01 to 2026-11-03" in intake.set_aside["rentals/dump3.xlsx"]
    assert "without a row would close every entry" in intake.set_aside["rentals/dump4.xlsx"]
    own, history = build(lake)
    assert own["rental_id"].to_list() == ["A"]
    assert history.filter(rental_id="B")["valid_until"].to_list() == [end_of(2)]


def test_areas_are_never_whole(lake: Lake) -> None:
    declare(lake, "feed,files\nareas,areas/*\n")
    deliver(lake, "whole-20261101.xlsx", [("A", communities(lake)[0], "2026-10-01 08:00:00")])
    with pytest.raises(SettingsError, match=r"config/area_changes\.csv"):
        take_in(lake, "rentals")
