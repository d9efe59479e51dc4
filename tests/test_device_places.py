"""Where devices stood when: against plain loops, and only days a change touches are built again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import polars as pl
import shapely
from contract_book import DEVICE, capture_id
from hypothesis import given, settings
from hypothesis import strategies as st
from small_lake import arrive, read

from assets.silver import sensing
from assets.silver._device_days import note_device_days
from assets.silver._newest import newest_days
from assets.silver.captures import KINDS, build_passages, stale_days
from assets.silver.devices import placed, placements, places
from schemas import tables
from schemas.feeds import BY_NAME
from warehouse.lake import Lake, empty

CODES = ("350299001001", "350299001002", "350299001003")
START = datetime(2026, 11, 17, 16, tzinfo=UTC)  # midnight of the 18th in the city
OTHER = "35029901001320000002"
FACES = KINDS[0]
PLACES = tables.table("silver", "device_places")
SQUARES = [shapely.box(118 + n / 10, 24, 118.1 + n / 10, 24.1) for n in range(3)]
AREAS = pl.DataFrame(
    {"area_code": CODES, "area_name": ["甲", "乙", "丙"], "tier": "community",
     "parent_code": "350299001", "shape": [shapely.to_wkb(one) for one in SQUARES]}
)  # fmt: skip

Version = tuple[str, int, int | None, bool]  # device, hour, community, by point

versions = st.lists(
    st.tuples(st.sampled_from([DEVICE, OTHER]), st.integers(0, 6),
              st.sampled_from([0, 1, 2, None]), st.booleans()),
    min_size=1, max_size=9, unique_by=lambda v: v[:2],
)  # fmt: skip


def register(found: list[Version]) -> pl.DataFrame:
    rows = []
    for device, hour, at, by_point in found:
        is_point = by_point and at is not None
        rows.append({
            "device_id": device, "updated_at": f"{START + timedelta(hours=hour + 8):%F %T}",
            "community_code": None if at is None or is_point else CODES[at],
            "longitude": str(118.05 + at / 10) if is_point and at is not None else None,
            "latitude": "24.05" if is_point else None,
        })  # fmt: skip
    return read("devices", rows)


def stood(found: list[Version], device: str, at: datetime) -> str | None:
    """The place of the newest version at an instant; before the first one, the first one's."""
    own = sorted((v for v in found if v[0] == device), key=lambda v: v[1])
    past = [v for v in own if START + timedelta(hours=v[1]) <= at] or own[:1]
    return None if past[-1][2] is None else CODES[past[-1][2]]


@settings(deadline=None, max_examples=40)
@given(versions, st.randoms())
def test_places_and_placing_agree_with_a_plain_loop(found: list[Version], rng) -> None:
    rng.shuffle(found)
    known = places(register(found), AREAS)
    devices = sorted({v[0] for v in found})
    moments = [START + timedelta(minutes=30 * n) for n in range(-2, 15)]
    facts = pl.DataFrame(
        [(d, m) for d in devices for m in moments],
        {"device_id": pl.String, "at": pl.Datetime("us", "UTC")},
        orient="row",
    )
    for part in (facts, facts.filter(pl.col("at") > START + timedelta(hours=4)), facts.clear()):
        got = placed(part.sample(fraction=1.0, shuffle=True, seed=3), known, "at")
        assert got.height == part.height
        for device, at, code in got.select("device_id", "at", "community_code").iter_rows():
            assert code == stood(found, device, at)
    for (device,), own in known.group_by("device_id", maintain_order=True):
        codes = own["community_code"].to_list()
        assert all(a != b for a, b in pairwise(codes)), device
        assert own["valid_from"][0] is None
        assert own["valid_until"].to_list() == [*own["valid_from"].to_list()[1:], None]


def face(device: str, at: datetime) -> dict[str, str | None]:
    city = at + timedelta(hours=8)
    return {
        "capture_id": capture_id("06", device, f"{city:%Y%m%d%H%M%S}"), "device_id": device,
        "shot_at": f"{city:%F %T}", "entered_at": f"{city + timedelta(seconds=5):%F %T}",
    }  # fmt: skip


def stand(lake: Lake, found: list[Version]) -> None:
    lake.replace(PLACES, places(register(found), AREAS))


def days_of(lake: Lake, feed: str = "face_captures") -> dict[date, set[str | None]]:
    name = {"face_captures": "face_passages"}.get(feed, feed)
    table = tables.table("silver", name)
    rows = lake.read(table).group_by(table.partition_by or "").agg("community_code")
    return {day: set(codes) for day, codes in rows.iter_rows()}


def test_a_change_of_the_register_renews_only_the_days_it_touches(lake: Lake) -> None:
    d18, d19, d20 = (date(2026, 11, day) for day in (18, 19, 20))
    noon = [START + timedelta(days=n, hours=12) for n in range(3)]
    arrive(lake, "face_captures", read("face_captures", [
        *(face(DEVICE, at) for at in noon), face(OTHER, noon[1])]))  # fmt: skip
    stand(lake, [(DEVICE, 0, 0, False)])
    assert build_passages(lake, FACES).renewed == ["2026-11-18", "2026-11-19", "2026-11-20"]
    aside = tables.table("silver", "face_passages_set_aside")
    assert lake.read(aside)["event_day"].to_list() == [d19]
    assert stale_days(lake, FACES) == []

    # a device nobody has seen, a name changed, a place found another way: nothing to do
    stand(lake, [(DEVICE, 0, 0, False), ("9" * 20, 0, 1, False)])
    assert stale_days(lake, FACES) == []
    stand(lake, [(DEVICE, 0, 0, True), (DEVICE, 1, 0, False)])
    assert stale_days(lake, FACES) == []

    # it is registered: only the day it was seen on
    stand(lake, [(DEVICE, 0, 0, False), (OTHER, 0, 1, False)])
    assert build_passages(lake, FACES).renewed == ["2026-11-19"]
    assert lake.read(aside).is_empty()

    # it moves at noon of the 19th: that second counts as moved, the day before is left alone
    stand(lake, [(DEVICE, 0, 0, False), (OTHER, 0, 1, False), (DEVICE, 36, 2, False)])
    assert build_passages(lake, FACES).renewed == ["2026-11-19", "2026-11-20"]
    assert days_of(lake) == {d18: {CODES[0]}, d19: {CODES[1], CODES[2]}, d20: {CODES[2]}}

    # the move is dated an hour later: only the day it lies in
    later = [(DEVICE, 0, 0, False), (OTHER, 0, 1, False), (DEVICE, 37, 2, False)]
    stand(lake, later)
    assert build_passages(lake, FACES).renewed == ["2026-11-19"]
    assert days_of(lake)[d19] == {CODES[0], CODES[1]}

    # late rows of a day: its devices are looked up again
    arrive(lake, "face_captures", read("face_captures", [face(OTHER, noon[0])]))
    assert build_passages(lake, FACES).renewed == ["2026-11-18"]
    assert build_passages(lake, FACES).renewed == []
    stand(lake, [*later, (OTHER, -1, 2, False)])
    assert stale_days(lake, FACES) == [], "it stood there before the first day"


def test_readings_are_placed_and_renewed_by_their_own_time(lake: Lake) -> None:
    texts = [
        {"reading_id": f"r{n}", "device_id": DEVICE, "read_at": f"2026-11-{18 + n} 12:00:00",
         "sent_at": f"2026-11-{18 + n} 12:00:01"}
        for n in range(2)
    ]  # fmt: skip
    arrive(lake, "sensor_readings", read("sensor_readings", texts))

    def build() -> list[str]:
        note_device_days(lake, BY_NAME["sensor_readings"])
        return newest_days(lake, sensing.reading_recipe(lake)).renewed

    stand(lake, [(DEVICE, 0, 0, False)])
    assert build() == ["2026-11-18", "2026-11-19"]
    stand(lake, [(DEVICE, 0, 0, False), (DEVICE, 30, 1, False)])
    assert build() == ["2026-11-19"]
    assert days_of(lake, "sensor_readings") == {
        date(2026, 11, 18): {CODES[0]}, date(2026, 11, 19): {CODES[1]},
    }  # fmt: skip


def test_an_empty_register_places_nothing(lake: Lake) -> None:
    known = placements(lake)
    assert known.is_empty()
    assert places(empty(tables.table("bronze", "devices").contract), AREAS).is_empty()
