"""The book of builds and of arrivals: read once a state, and never behind what another wrote."""

from __future__ import annotations

import subprocess
import sys
from datetime import date

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import tables
from schemas.ledgers import FileAccount
from warehouse import builds
from warehouse.builds import Built, fingerprint
from warehouse.home import Home
from warehouse.lake import Lake, empty

ACCOUNTS = tables.table("ops", "row_accounts")
BUILDS = tables.table("ops", "builds")
DAILY = tables.table("silver", "face_passages")
OTHER = tables.table("silver", "grid_cases")
DAYS = [date(2026, 11, day) for day in (18, 19, 20)]

account = st.fixed_dictionaries({
    "file_id": st.sampled_from("abc"),
    "feed": st.sampled_from(["face_captures", "grid_cases", "devices"]),
    "accepted": st.integers(0, 1),
    "days": st.sets(st.sampled_from(DAYS)).map(sorted),
})  # fmt: skip


def book(lake: Lake, found: list[dict]) -> None:
    others = {"batch_id": "b", "arrived": 1, "quarantined": 0, "refused": 0,
              "dropped_fields": "{}", "unknown_fields": "{}"}  # fmt: skip
    rows = [{**others, **one} for one in found]
    lake.append(ACCOUNTS, pl.DataFrame(rows, schema=empty(FileAccount).schema))


@settings(deadline=None, max_examples=15)
@given(st.lists(st.lists(account, max_size=5), min_size=1, max_size=3))
def test_what_arrived_agrees_with_a_plain_loop(tmp_path_factory, batches) -> None:
    lake = Lake(Home(tmp_path_factory.mktemp("lake")))
    booked = []
    for batch in batches:
        book(lake, batch)
        booked += [one for one in batch if one["accepted"]]
        for feed in ("face_captures", "grid_cases"):
            files: dict[str, set[str]] = {}
            for one in booked:
                for day in one["days"] if one["feed"] == feed else ():
                    files.setdefault(day.isoformat(), set()).add(one["file_id"])
            expected = {day: fingerprint(*sorted(own)) for day, own in files.items()}
            assert builds.arrived(lake, feed) == expected
        whole = {one["file_id"] for one in booked if one["feed"] == "devices"}
        expected = {"all": fingerprint(*sorted(whole))} if whole else {}
        assert builds.arrived(lake, "devices") == expected


def test_notes_are_kept_table_by_table_and_part_by_part(lake: Lake) -> None:
    one, two, three = (Built(f"i{n}", f"c{n}", n) for n in range(3))
    builds.record(lake, DAILY, {"2026-11-18": one})
    builds.record(lake, OTHER, {"all": two})
    builds.record(lake, DAILY, {"2026-11-19": three, "2026-11-18": two})
    for each in (lake, Lake(Home(lake.home.root))):
        assert builds.parts_of(each, DAILY) == {"2026-11-18": two, "2026-11-19": three}
        assert builds.parts_of(each, OTHER) == {"all": two}
    assert lake.read(BUILDS).height == 3, "and what is remembered is what is written"
    assert builds.stale(lake, DAILY, {"2026-11-18": "i1", "2026-11-19": "other", "new": "x"}) == [
        "2026-11-19", "new",
    ]  # fmt: skip


def test_notes_of_another_process_are_seen_and_kept(lake: Lake) -> None:
    builds.record(lake, DAILY, {"2026-11-18": Built("i", "c", 1)})
    write = (
        "import sys; from pathlib import Path; from warehouse import builds; "
        "from warehouse.home import Home; from warehouse.lake import Lake; "
        "from schemas import tables; builds.record(Lake(Home(Path(sys.argv[1]))), "
        "tables.table('silver', 'face_passages'), {'2026-11-19': builds.Built('j', 'd', 2)})"
    )
    subprocess.run([sys.executable, "-c", write, str(lake.home.root)], check=True)
    builds.record(lake, DAILY, {"2026-11-20": Built("k", "e", 3)})
    assert builds.parts_of(lake, DAILY) == {
        "2026-11-18": Built("i", "c", 1), "2026-11-19": Built("j", "d", 2),
        "2026-11-20": Built("k", "e", 3),
    }  # fmt: skip
    assert sorted(lake.read(BUILDS)["inputs"]) == ["i", "j", "k"]
