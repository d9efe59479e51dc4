"""Camera clocks put right: against a plain loop over all rows at once, day by day or together."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from contract_book import DEVICE, capture_id
from hypothesis import given, settings
from hypothesis import strategies as st
from small_lake import arrive, read

from assets.accounts import silver_account
from assets.silver import _clocks as clocks
from assets.silver.captures import KINDS, build_passages, stale_days
from assets.site_settings import CLOCK_OFFSETS, SettingsError
from quality.accounting import closes
from schemas import tables
from warehouse.home import Home
from warehouse.lake import Lake

OTHER, STRANGER = "35029901001320000002", "35029901001320000003"
START = datetime(2026, 11, 17, 16, tzinfo=UTC)  # midnight of the 18th in the city
FIRST = date(2026, 11, 18)
FACES = KINDS[0]
DAY = 86_400
# around midnights and the hour at which clocks are set
SECONDS = [n * DAY + s for n in range(3) for s in (0, 5, 25, 895, 905, 43_200, 43_230, 85_495,
                                                    85_505, 86_370, 86_395)]  # fmt: skip
OFFSETS = (0, 40, -40, 900, -900, 86_400, -86_400)

Row = tuple[str, int, str]  # device, second by its clock, track
Stretch = tuple[int, int | None]  # offset until, a second by the clock


def moment(second: int) -> datetime:
    return START + timedelta(seconds=second)


def offset_of(stretches: list[tuple[str, int | None, int | None, int]], row: Row) -> int:
    for device, since, until, offset in stretches:
        after = since is None or row[1] >= since
        if device == row[0] and after and (until is None or row[1] < until):
            return offset
    return 0


def passages_by_hand(rows: list[Row], stretches: list) -> set[tuple]:
    """(day, device, start, end, shots, offset) of every passage: true times first, then tracks."""
    tracks: dict[tuple, list[tuple[int, int]]] = {}
    for row in rows:
        offset = offset_of(stretches, row)
        track = (row[0], row[1] // DAY, row[2])  # a token is valid one day of the camera's clock
        tracks.setdefault(track, []).append((row[1] - offset, offset))
    found = []
    for (device, _, _), shots in tracks.items():
        own: list[list[tuple[int, int]]] = []
        for shot in sorted(shots):
            last = own[-1][-1][0] if own else None
            if last is None or shot[0] - last > 30 or shot[0] // DAY != last // DAY:
                own.append([])
            own[-1].append(shot)
        found += [(p[0][0] // DAY, device, p[0][0], p[-1][0], len(p)) for p in own]
    return Counter(found)  # pyright: ignore[reportReturnType]


def frame(rows: list[Row]) -> pl.DataFrame:
    """Captures as the contract gives them, with boxes of one size."""
    return read("face_captures", [face(row) for row in rows])


def face(row: Row) -> dict[str, str | None]:
    city = moment(row[1]) + timedelta(hours=8)
    return {
        "capture_id": capture_id("06", row[0], f"{city:%Y%m%d%H%M%S}"), "device_id": row[0],
        "shot_at": f"{city:%F %T}", "entered_at": f"{city + timedelta(seconds=5):%F %T}",
        "track_token": row[2],
    }  # fmt: skip


def settings_of(stretches: list[tuple[str, int | None, int | None, int]]) -> str:
    def text(second: int | None) -> str:
        return "" if second is None else f"{moment(second) + timedelta(hours=8):%F %T}"

    lines = [f"{d},{text(a)},{text(b)},{o}" for d, a, b, o in stretches]
    return "\n".join(["device_id,valid_from,valid_until,offset_seconds", *lines]) + "\n"


def write_settings(home: Home, text: str) -> None:
    path = home.config / CLOCK_OFFSETS
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def register(lake: Lake, *devices: str) -> None:
    places = tables.table("silver", "device_places")
    lake.replace(places, pl.DataFrame({
        **{c: [None] * len(devices) for c in places.contract.columns()}, "device_id": devices,
        "placed_by": "unplaced"}))  # fmt: skip


def found(lake: Lake) -> Counter:
    rows = lake.read(FACES.table)
    return Counter(
        ((day - FIRST).days, device, *(round((at - START).total_seconds()) for at in (a, b)), n)
        for day, device, a, b, n in rows.select(
            "shot_day", "device_id", "started_at", "ended_at", "shot_count"
        ).iter_rows()
    )


one_row = st.tuples(
    st.sampled_from([DEVICE, OTHER]), st.sampled_from(SECONDS), st.sampled_from("ab")
)
some_rows = st.lists(one_row, min_size=1, max_size=12, unique_by=lambda row: row[:2])
some_stretches = st.tuples(st.sampled_from(OFFSETS), st.sampled_from(OFFSETS),
                           st.sampled_from(SECONDS), st.booleans())  # fmt: skip


def stretches_of(drawn: tuple[int, int, int, bool]) -> list:
    first, second, at, is_open = drawn
    return [(DEVICE, None if is_open else 5, at, first), (DEVICE, at, None, second)]


@settings(deadline=None, max_examples=60)
@given(some_rows, some_stretches, st.integers(0, 2))
def test_days_built_alone_agree_with_a_plain_loop_over_all_rows(rows, drawn, apart) -> None:
    """Every day is built from what `captures_of` would bring it, and the accounts close."""
    stretches = [s for s in stretches_of(drawn) if s[2] is None or (s[1] or 0) < s[2]]
    captures = frame(rows).with_columns(event_day="shot_day")
    offsets = pl.DataFrame(
        [(d, a if a is None else moment(a), b if b is None else moment(b), o)
         for d, a, b, o in stretches if o],
        {"device_id": pl.String, "valid_from": pl.Datetime("us", "UTC"),
         "valid_until": pl.Datetime("us", "UTC"), "offset_seconds": pl.Int64},
        orient="row",
    )  # fmt: skip
    seen = captures.select("event_day", "device_id").unique()
    crossing = clocks.crossings(seen, offsets)
    near = {(a, b, d) for a, b, d in crossing.select("event_day", "to_day", "device_id").rows()}
    days = [FIRST + timedelta(days=n) for n in range(-1, 4)]
    groups = [[day] for day in days] if apart else [days[:2], days[2:]]
    kept: Counter = Counter()
    moves: Counter = Counter()
    for group in groups:
        coming = pl.DataFrame(
            [(a, d) for a, b, d in near if b in group and a not in group],
            {"event_day": pl.Date, "device_id": pl.String},
            orient="row",
        ).unique()
        at_home = captures.filter(pl.col("event_day").is_in(group))
        own = pl.concat([at_home, captures.join(coming, on=coming.columns, how="semi")])
        got, ledger = clocks.corrected(own, offsets, group)
        for device, day, at in got.select("device_id", "shot_day", "shot_at").iter_rows():
            kept[device, (day - FIRST).days, round((at - START).total_seconds())] += 1
        moves.update(ledger.select("event_day", "entity_id", "outcome").rows())
    true = [(d, s - offset_of(stretches, (d, s, t)), s) for d, s, t in rows]
    assert kept == Counter((d, at // DAY, at) for d, at, _ in true)
    gone = Counter(o for (_, _, o) in moves.elements())
    assert gone["moved_in"] == gone["moved_out"] == sum(at // DAY != s // DAY for _, at, s in true)


@pytest.mark.parametrize("offset", [-900, 900, 40, -86_400])
def test_passages_of_a_real_lake_agree_and_every_day_closes(lake: Lake, offset: int) -> None:
    stretches = [(DEVICE, None, DAY + 43_200, offset), (DEVICE, 2 * DAY + 895, None, -offset),
                 (STRANGER, None, None, offset)]  # fmt: skip
    rows = [(device, second, track) for device in (DEVICE, OTHER) for second in SECONDS
            for track in ("a" if second % 10 else "b",)]  # fmt: skip
    register(lake, DEVICE, OTHER)
    write_settings(lake.home, settings_of(stretches))
    captures = frame(rows)
    again = captures.filter(pl.col("device_id") == DEVICE).with_columns(file_id=pl.lit("again"))
    arrive(lake, "face_captures", captures)
    arrive(lake, "face_captures", again)
    stranger = frame([(STRANGER, second, "a") for second in SECONDS])
    arrive(lake, "face_captures", stranger)
    for n in range(-2, 5):  # each day by itself
        build_passages(lake, FACES, [str(FIRST + timedelta(days=n))])
    assert found(lake) == passages_by_hand(rows, stretches)
    account = silver_account(lake, "face_passages")
    assert closes(account)
    assert account["missing"].to_list() == [0] * account.height
    assert account["moved_in"].sum() > 0
    assert account["set_aside"].sum() == len(SECONDS)
    offsets = lake.read(FACES.table, ["device_id", "clock_offset_s"])
    assert set(offsets.filter(device_id=OTHER)["clock_offset_s"]) == {0}
    assert build_passages(lake, FACES).renewed == []


def test_a_change_of_the_settings_renews_only_the_days_it_touches(lake: Lake) -> None:
    rows = [(device, n * DAY + second, "a") for n in range(5) for device in (DEVICE, OTHER)
            for second in (10, 50_000, 86_390)]  # fmt: skip
    register(lake, DEVICE, OTHER)
    arrive(lake, "face_captures", frame(rows))
    days = [str(FIRST + timedelta(days=n)) for n in range(-1, 6)]
    assert build_passages(lake, FACES).renewed == days[1:6]
    plain = found(lake)

    def renewed(*stretches: tuple) -> list[str]:
        write_settings(lake.home, settings_of(list(stretches)))
        done = build_passages(lake, FACES).renewed
        assert closes(silver_account(lake, "face_passages"))
        assert found(lake) == passages_by_hand(rows, list(stretches))
        return done

    assert renewed((STRANGER, None, None, 60)) == [], "nobody has seen it"
    noon = (DEVICE, DAY + 40_000, DAY + 60_000, 60)
    assert renewed(noon) == [days[2]], "nothing of it comes near midnight"
    assert renewed(noon, (DEVICE, 2 * DAY, 3 * DAY, -60)) == [days[3], days[4]]
    assert renewed(noon) == [days[3], days[4]]
    # slow to the end: the day after the last one receives, and is emptied again
    assert renewed((DEVICE, 4 * DAY, None, -60)) == [days[2], days[5], days[6]]
    assert found(lake) != plain
    (lake.home.config / CLOCK_OFFSETS).unlink()
    assert build_passages(lake, FACES).renewed == [days[5], days[6]]
    assert found(lake) == plain
    assert stale_days(lake, FACES) == []
    assert closes(silver_account(lake, "face_passages"))


def test_late_rows_of_a_neighbour_come_over(lake: Lake) -> None:
    register(lake, DEVICE)
    write_settings(lake.home, settings_of([(DEVICE, None, None, -60)]))
    first = [(DEVICE, DAY + 100, "a"), (DEVICE, DAY - 50, "b")]
    late = [(DEVICE, DAY - 30, "b")]
    arrive(lake, "face_captures", frame(first))
    build_passages(lake, FACES)
    arrive(lake, "face_captures", frame(late))
    build_passages(lake, FACES)
    stretches = [(DEVICE, None, None, -60)]
    assert found(lake) == passages_by_hand(first + late, stretches)
    assert closes(silver_account(lake, "face_passages"))


def test_a_malformed_table_stops_the_build_and_leaves_what_was(lake: Lake) -> None:
    register(lake, DEVICE)
    arrive(lake, "face_captures", frame([(DEVICE, 100, "a")]))
    build_passages(lake, FACES)
    before = found(lake)
    arrive(lake, "face_captures", frame([(DEVICE, DAY, "a")]))
    write_settings(lake.home, settings_of([(DEVICE, None, None, 60), (DEVICE, None, None, 61)]))
    with pytest.raises(SettingsError, match=r"clock_offsets.csv: row \d: stretches_of_a_camera"):
        build_passages(lake, FACES)
    assert found(lake) == before
