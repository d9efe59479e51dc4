"""Retention: what expired is gone from the disk, every account closes, old results stand still."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from contract_book import DEVICE, capture_id
from repair_homes import ORDER, messages_of
from support import content, govlake

from assets.accounts import feed_totals, open_accounts, silver_account
from assets.replaying import Replayed, judge_again, recover_all
from assets.retention import Expiry, expire_all
from assets.silver.captures import KINDS, build_passages, stale_days
from assets.taking_in import take_in
from quality.accounting import closes
from schemas import tables
from schemas.retention import ERASURES, EXPIRED_ROWS, SEALS
from schemas.tables import TABLES
from warehouse import journal
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.seals import sealed_through

FACES = KINDS[0]
FEED = "face_captures"
BRONZE, QUARANTINE = (tables.table(layer, FEED) for layer in ("bronze", "quarantine"))
PLACES = tables.table("silver", "device_places")
TODAY = date(2026, 11, 20)
OLD, EDGE, NEW = date(2026, 10, 10), date(2026, 10, 20), date(2026, 10, 21)


def face(day: date, hour: int = 12, **more: str) -> dict[str, str | None]:
    at = datetime(day.year, day.month, day.day, hour)
    return {
        "capture_id": capture_id("06", DEVICE, f"{at:%Y%m%d%H%M%S}"), "device_id": DEVICE,
        "shot_at": f"{at:%F %T}", "entered_at": f"{at + timedelta(seconds=5):%F %T}", **more,
    }  # fmt: skip


def deliver(home: Home, name: str, day: date, *rows: dict[str, str | None]) -> None:
    """A landing file delivered in the city evening of a day."""
    path = home.landing / "captures" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(messages_of(FEED, *rows))
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()
    os.utime(path, (at, at))


def stand(lake: Lake, *devices: str, **more: str) -> None:
    nothing = dict.fromkeys(PLACES.contract.columns())
    rows = [{**nothing, "device_id": one, "placed_by": "unplaced", **more} for one in devices]
    lake.replace(PLACES, pl.DataFrame(rows))


@pytest.fixture
def built(lake: Lake) -> Lake:
    """Rows of three days, two of them older than 30 days; one broken row of each file."""
    stand(lake, DEVICE)
    broken = {"shot_at": "no time"}
    deliver(lake.home, "old.ndjson", OLD, face(OLD), face(OLD, 13), face(OLD, 14, **broken))
    deliver(lake.home, "edge.ndjson", EDGE, face(EDGE), face(EDGE, 14, **broken))
    deliver(lake.home, "new.ndjson", NEW, face(EDGE, 23), face(NEW), face(NEW, 14, **broken))
    take_in(lake, "captures")
    assert feed_totals(lake, FEED) == {"arrived": 8, "accepted": 5, "quarantined": 3, "refused": 0}
    build_passages(lake, FACES)
    return lake


def check(lake: Lake) -> None:
    for whole in (False, True):
        assert open_accounts(lake, FEED, whole=whole).is_empty()
        assert closes(silver_account(lake, FACES.table.name, whole=whole))


def bytes_of(lake: Lake, table: tables.Table) -> int:
    return sum(1 for p in lake.path(table).rglob("*.parquet") if "_delta_log" not in p.parts)


def test_old_rows_are_gone_and_the_books_say_so(built: Lake) -> None:
    silver, totals = content(built, FACES.table.label), feed_totals(built, FEED)
    due = expire_all(built, TODAY, dry_run=True)
    assert due == [Expiry("captures", EDGE, rows=4 + 2, files=2)]
    assert built.read(BRONZE).height == 5
    assert expire_all(built, TODAY) == due
    assert built.read(BRONZE)["shot_day"].to_list() == [NEW]
    assert built.read(QUARANTINE).height == 1
    assert [p.name for p in sorted(built.home.landing.rglob("*.ndjson"))] == ["new.ndjson"]
    assert sealed_through(built, FEED) == EDGE
    assert not list(built.path(BRONZE).glob(f"shot_day={OLD}/*")), "no older version holds them"
    assert (bytes_of(built, BRONZE), bytes_of(built, QUARANTINE)) == (1, 1)
    proof = built.read(ERASURES).sort("layer", "event_day")
    assert proof.select("layer", "event_day", "rows").rows() == [
        ("bronze", OLD, 2), ("bronze", EDGE, 2), ("landing", OLD, 0), ("landing", EDGE, 0),
        ("quarantine", OLD, 1), ("quarantine", EDGE, 1),
    ]  # fmt: skip
    assert proof["files_removed"].to_list() == [1, 1, 1, 1, 0, 1]
    assert proof["is_vacuumed"].all()
    assert (proof["bytes_removed"] > 0).sum() == 5
    check(built)
    assert feed_totals(built, FEED) == totals, "what arrived has arrived"
    assert content(built, FACES.table.label).equals(silver)
    versions = {t: built.version(t) for t in TABLES}
    assert expire_all(built, TODAY) == []
    assert {t: built.version(t) for t in TABLES} == versions, "a second one finds nothing"
    tomorrow = expire_all(built, TODAY + timedelta(days=1))
    assert tomorrow == [Expiry("captures", NEW, rows=2, files=1)]
    check(built)


def test_sealed_days_are_not_built_again(built: Lake) -> None:
    silver = content(built, FACES.table.label)
    expire_all(built, TODAY)
    stand(built, DEVICE[:-1] + "9")  # nobody knows the camera any more: every day is concerned
    assert stale_days(built, FACES) == [str(NEW)]
    assert build_passages(built, FACES).renewed == [str(NEW)]
    old = silver.filter(pl.col("shot_day") <= EDGE)
    assert content(built, FACES.table.label).equals(old)
    check(built)


def test_late_rows_of_sealed_days_are_quarantined(built: Lake) -> None:
    expire_all(built, TODAY)
    silver = content(built, FACES.table.label)
    deliver(built.home, "late.ndjson", TODAY, face(OLD, 20), face(EDGE, 20), face(NEW, 20))
    take_in(built, "captures")
    rows = built.read(QUARANTINE).filter(pl.col("rules") == ["day_is_still_open"])
    assert rows.height == 2
    assert all(DEVICE in row for row in rows["row"])
    assert built.read(BRONZE)["shot_day"].to_list() == [NEW, NEW]
    assert build_passages(built, FACES).renewed == [str(NEW)]
    now = content(built, FACES.table.label)
    assert now.filter(pl.col("shot_day") <= EDGE).equals(silver.filter(pl.col("shot_day") <= EDGE))
    check(built)
    done = Replayed()
    judge_again(built, ORDER, done, [FEED], everything=True)
    assert done.accepted.total() == 0, "a replay does not open a day either"
    check(built)
    expire_all(built, TODAY + timedelta(days=31))
    assert built.read(QUARANTINE).is_empty()
    check(built)


def test_rows_that_are_not_built_yet_stay(built: Lake) -> None:
    deliver(built.home, "more.ndjson", OLD, face(OLD, 20))
    take_in(built, "captures")
    (one,) = expire_all(built, TODAY)
    assert "not built yet" in (one.left_alone or "")
    assert built.read(BRONZE).height == 6
    assert built.read(SEALS).is_empty()
    build_passages(built, FACES)
    assert expire_all(built, TODAY)[0].rows == 7


def test_a_file_that_changed_since_stays_in_landing(built: Lake) -> None:
    deliver(built.home, "old.ndjson", TODAY, face(NEW, 5))
    assert expire_all(built, TODAY)[0].files == 1
    assert (built.home.landing / "captures" / "old.ndjson").exists()


def test_where_clocks_are_corrected_the_last_sealed_day_keeps_its_rows(built: Lake) -> None:
    path = built.home.config / "captures" / "clock_offsets.csv"
    path.parent.mkdir(parents=True)
    path.write_text(f"device_id,valid_from,valid_until,offset_seconds\n{DEVICE},,,-7200\n")
    build_passages(built, FACES)
    moved = silver_account(built, FACES.table.name)["moved_in"].sum()
    assert moved == 1, "23:00 of the 20th by its clock is the 21st"
    check(built)
    expire_all(built, TODAY)
    assert sealed_through(built, FEED) == EDGE
    assert set(built.read(BRONZE)["shot_day"]) == {EDGE, NEW}
    next_day = NEW + timedelta(days=1)
    deliver(built.home, "late.ndjson", TODAY, face(next_day))
    take_in(built, "captures")
    assert build_passages(built, FACES).renewed[0] == str(next_day)
    stand(built, DEVICE, community_code="350299001001")
    assert build_passages(built, FACES).renewed[0] == str(NEW)
    assert silver_account(built, FACES.table.name)["moved_in"].sum() == moved
    check(built)


def test_late_rows_cannot_move_into_a_sealed_day(built: Lake) -> None:
    path = built.home.config / "captures" / "clock_offsets.csv"
    path.parent.mkdir(parents=True)
    path.write_text(f"device_id,valid_from,valid_until,offset_seconds\n{DEVICE},,,7200\n")
    build_passages(built, FACES)
    expire_all(built, TODAY)
    late = face(NEW, 1)  # by its clock; truly 23:00 of the day that is sealed
    deliver(built.home, "late.ndjson", TODAY, late, face(NEW + timedelta(days=1)))
    take_in(built, "captures")
    assert built.read(QUARANTINE)["rules"].to_list().count(["day_is_still_open"]) == 1
    build_passages(built, FACES)
    check(built)


@pytest.mark.parametrize("at", ["delete", "append", "vacuum", "unlink"])
def test_a_killed_expiry_is_undone_or_finished(
    built: Lake, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException): ...

    def die(*_: object, **__: object) -> None:
        raise Killed

    import assets.retention as module

    real = {"delete": Lake.delete, "append": Lake.append}
    with monkeypatch.context() as patch:
        if at == "delete":
            patch.setattr(Lake, "delete", lambda self, table, where: (
                die() if table is QUARANTINE else real["delete"](self, table, where)))  # fmt: skip
        elif at == "append":
            patch.setattr(Lake, "append", lambda self, table, rows: (
                die() if table is EXPIRED_ROWS else real["append"](self, table, rows)))  # fmt: skip
        else:
            patch.setattr(module, {"vacuum": "_vacuumed", "unlink": "_without_files"}[at], die)
        with pytest.raises(Killed):
            expire_all(built, TODAY)
    if at in ("delete", "append"):
        assert journal.open_tables(built)
        assert "half done" in (expire_all(built, TODAY)[0].left_alone or "")
        assert len(recover_all(built)) == 1
        assert (built.read(BRONZE).height, built.read(QUARANTINE).height) == (5, 3)
    check(built)
    expire_all(built, TODAY)
    assert (built.read(BRONZE).height, built.read(ERASURES).height) == (1, 6)
    assert (bytes_of(built, BRONZE), bytes_of(built, QUARANTINE)) == (1, 1)
    assert len(list(built.home.landing.rglob("*.ndjson"))) == 1
    check(built)


@pytest.mark.slow
def test_a_home_a_month_later_has_the_same_results(demo_run: Home, tmp_path: Path) -> None:
    home = Home(shutil.copytree(demo_run.root, tmp_path / "home", symlinks=True))
    lake, words = Lake(home), ("--home", str(home.root))
    before = {t.label: content(lake, t.label) for t in TABLES if t.layer in ("silver", "topics")}
    # the demo has clock offsets, so its last sealed day keeps its rows a day longer
    done = expire_all(lake, date(2026, 12, 21))
    assert done[0].rows > 100
    assert lake.read(BRONZE).is_empty()
    govlake("status", *words)
    assert "every row account closes" in govlake("upkeep", *words).stdout
    govlake("run", *words)
    for label, rows in before.items():
        assert content(lake, label).equals(rows), label
