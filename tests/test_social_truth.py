"""Registers of places and persons: a plain loop over the landed files finds what the lake holds."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, timezone
from itertools import combinations

import polars as pl
import pytest
import shapely
from landed import Row, lines_of

from schemas import tables
from warehouse.home import Home
from warehouse.lake import Lake

pytestmark = pytest.mark.slow

CITY = timezone(timedelta(hours=8))
Truth = Callable[[str], pl.DataFrame]
BANDS = {30: "18-30", 40: "31-40", 50: "41-50", 60: "51-60", 200: "61+"}


@pytest.fixture
def good_rows(demo_run: Home, truth: Truth) -> Callable[[str], Iterator[Row]]:
    """Rows of a feed's files that nothing quarantines."""
    bad = set(truth("quarantined").select("feed", "file_name", "row_number").iter_rows())

    def read(feed: str) -> Iterator[Row]:
        for path in sorted((demo_run.landing / feed).iterdir()):
            for number, row in enumerate(lines_of(path), 1):
                if (feed, path.name, number) not in bad:
                    yield row

    return read


@pytest.fixture
def communities(demo_run: Home) -> dict[str, tuple[str, shapely.Geometry]]:
    """Code → name and shape of every community, from the landed file."""
    (path,) = (demo_run.landing / "areas").glob("*.geojson")
    found = {}
    for feature in json.loads(path.read_text())["features"]:
        own = feature["properties"]
        if own["tier"] == "community":
            shape = shapely.from_geojson(json.dumps(feature["geometry"]))
            found[own["area_code"]] = (own["area_name"], shape)
    return found


def clock(text: str | None) -> datetime:
    digits = "".join(c for c in str(text)[:19] if c.isdigit())
    return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=CITY)


def a_day(text: str | None) -> date | None:
    digits = "".join(c for c in text or "" if c.isdigit())
    return datetime.strptime(digits[:8], "%Y%m%d").date() if digits else None


def whole(text: str | None) -> int:
    return int(text or 0)


def silver(lake: Lake, name: str) -> pl.DataFrame:
    return lake.read(tables.table("silver", name))


def unordered(frame: pl.DataFrame) -> set[tuple]:
    rows = set(frame.iter_rows())
    assert len(rows) == frame.height
    return rows


def place_by_hand(row: Row, communities: dict) -> tuple[str | None, str]:
    """Code, then grid, then name, then point: the first that says something."""
    names = {name: code for code, (name, _) in communities.items()}
    if row["社区编码"] in communities:
        return row["社区编码"], "code"
    if (row["网格编码"] or "")[:12] in communities:
        return (row["网格编码"] or "")[:12], "code"
    if row["社区名称"] in names:
        return names[row["社区名称"]], "name"
    if row["经度"] and row["纬度"]:
        point = shapely.Point(float(row["经度"]), float(row["纬度"]))
        for code, (_, shape) in communities.items():
            if shape.contains(point):
                return code, "point"
    return None, "unplaced"


def small_place_buildings(truth: Truth) -> dict[str, str | None]:
    """Place → community of the building it must be found in."""
    lies_in = dict(truth("buildings").select("building_id", "community_code").iter_rows())
    mentions = truth("building_mentions").filter(pl.col("feed") == "small_places")
    own = mentions.select("entity_id", "building_id").iter_rows()
    return {place: lies_in.get(building) for place, building in own}


def test_small_places_agree_with_a_plain_loop_and_the_truth(
    demo_lake: Lake, truth: Truth, good_rows, communities
) -> None:
    newest: dict[str, Row] = {}
    for row in sorted(good_rows("small_places"), key=lambda r: clock(r["更新时间"])):
        newest[str(row["场所编号"])] = row
    in_building = small_place_buildings(truth)
    places = {key: place_by_hand(row, communities) for key, row in newest.items()}
    for key, (code, _) in places.items():
        if code is None and in_building[key] is not None:
            places[key] = (in_building[key], "building")
    found = {
        (key, *places[key], row["场所类别"], row["统一社会信用代码"],
         int(row["从业人数"]) if row["从业人数"] else None, row["消防安全责任级别"],
         a_day(row["最近检查日期"]), whole(row["隐患数"]), whole(row["已整改数"]))
        for key, row in newest.items()
    }  # fmt: skip
    columns = [
        "place_id", "community_code", "placed_by", "place_kind", "credit_code", "employee_count",
        "fire_level", "last_inspected_day", "hazard_count", "rectified_count",
    ]  # fmt: skip
    assert unordered(silver(demo_lake, "small_places").select(columns)) == found
    assert unordered(truth("small_places").select(columns)) == found
    assert {way for _, _, way, *_ in found} == {"code", "name", "point", "building", "unplaced"}
    counts = demo_lake.read(tables.table("topics", "small_places_counts"))
    assert counts["place_count"].sum() == len(found)
    assert counts["employee_count"].sum() == sum(row[5] or 0 for row in found)
    unrectified = sum(row[8] > row[9] for row in found)
    assert counts["open_hazard_place_count"].sum() == unrectified > 0
    assert counts.filter(pl.col("community_code").is_null())["place_count"].sum() == sum(
        row[1] is None for row in found
    )


def tokens_of(home: Home, topic: str) -> Callable[[str | None], str]:
    """Identity number → token of a topic, from the key as it lies in the home."""
    key = bytes.fromhex((home.keys / f"{topic}.key").read_text().strip())
    return lambda number: hmac.new(key, str(number).encode(), hashlib.sha256).hexdigest()[:24]


def newest_by(rows: Iterator[Row], *columns: str) -> dict[tuple, Row]:
    newest: dict[tuple, Row] = {}
    for row in sorted(rows, key=lambda r: clock(r["更新时间"])):
        row["公民身份号码"] = str(row["公民身份号码"]).upper()
        newest[tuple(row[c] for c in columns)] = row
    return newest


def known_place(row: Row, communities: dict) -> str | None:
    for code in (row["社区编码"], (row["网格编码"] or "")[:12]):
        if code in communities:
            return code
    return None


def as_tokens(frame: pl.DataFrame, token: Callable, columns: list[str]) -> set[tuple]:
    """Rows of a truth table with tokens in place of numbers."""
    numbers = frame["identity_number"].to_list()
    return {(token(n), *row) for n, row in zip(numbers, frame.select(columns).rows(), strict=True)}


def marginal(lake: Lake, name: str, counted_by: str, value: str = "person_count") -> dict:
    rows = lake.read(tables.table("topics", name)).filter(pl.col("counted_by") == counted_by)
    return {(code, what): n for code, what, n in rows.select(
        "community_code", "category", value).iter_rows()}  # fmt: skip


def tally(pairs: Iterator[tuple]) -> dict:
    return dict(Counter(pairs))


def test_employment_agrees_with_a_plain_loop_and_the_truth(
    demo_run: Home, demo_lake: Lake, truth: Truth, good_rows, communities
) -> None:
    token = tokens_of(demo_run, "employment")
    found = set()
    for (number,), row in newest_by(good_rows("employment"), "公民身份号码").items():
        school, state = row["学历代码"], row["就业状态"]
        branch = row["行业门类"] if state in ("1", "3") else None
        level = school and school[0] + "0"
        found.add((token(number), known_place(row, communities), state, level, branch))
    columns = ["community_code", "employment_state", "education_level", "industry_section"]
    own = silver(demo_lake, "employment").select("person_token", *columns)
    assert unordered(own) == found
    assert as_tokens(truth("employment"), token, columns) == found
    assert {place for _, place, *_ in found} > {None}
    topic = "employment_counts"
    by_state = tally((place, state) for _, place, state, _, _ in found)
    assert marginal(demo_lake, topic, "employment_state") == by_state
    by_school = tally((place, school or "unknown") for _, place, _, school, _ in found)
    assert marginal(demo_lake, topic, "education_level") == by_school
    by_branch = tally((p, b or "unknown") for _, p, state, _, b in found if state in ("1", "3"))
    assert marginal(demo_lake, topic, "industry_section") == by_branch


def test_party_members_agree_with_a_plain_loop_and_the_truth(
    demo_run: Home, demo_lake: Lake, truth: Truth, good_rows, communities
) -> None:
    token = tokens_of(demo_run, "party")
    newest = newest_by(good_rows("party_members"), "公民身份号码")
    today = max(clock(row["更新时间"]) for row in newest.values()).date()
    found = set()
    for (number,), row in newest.items():
        age = (int(today.strftime("%Y%m%d")) - int(number[6:14])) // 10_000
        band = next(b for last, b in BANDS.items() if age <= last)
        sex = "1" if int(number[16]) % 2 else "2"
        found.add((token(number), known_place(row, communities), band, sex))
    columns = ["community_code", "age_band", "sex_code"]
    own = silver(demo_lake, "party_members")
    assert own.columns == ["person_token", "age_band", "sex_code", "community_code"]
    assert unordered(own.select("person_token", *columns)) == found
    assert as_tokens(truth("party_members"), token, columns) == found
    assert {band for _, _, band, _ in found} == set(BANDS.values())
    topic = "party_member_counts"
    assert marginal(demo_lake, topic, "age_band") == tally((p, b) for _, p, b, _ in found)
    assert marginal(demo_lake, topic, "sex_code") == tally((p, s) for _, p, _, s in found)


def test_welfare_agrees_with_a_plain_loop_and_the_truth(
    demo_run: Home, demo_lake: Lake, truth: Truth, good_rows, communities
) -> None:
    token = tokens_of(demo_run, "welfare")
    newest = newest_by(good_rows("welfare"), "公民身份号码", "救助类别")
    today = max(clock(row["更新时间"]) for row in newest.values()).date()
    found = set()
    for (number, kind), row in newest.items():
        ends = a_day(row["终止日期"])
        in_force = a_day(row["起始日期"]) <= today <= (ends or today)  # pyright: ignore
        found.add((token(number), known_place(row, communities), kind, row["低保类别"],
                   row["是否户主"] == "是", float(str(row["月救助金额"])), in_force))  # fmt: skip
    columns = ["community_code", "welfare_kind", "welfare_class", "is_household_head",
               "amount_yuan_per_month", "is_in_force"]  # fmt: skip
    own = silver(demo_lake, "welfare_grants").select("person_token", *columns)
    assert unordered(own) == found
    assert as_tokens(truth("welfare_grants"), token, columns) == found
    assert len({person for person, *_ in found}) < len(found), "nobody has aid of two kinds"
    now = [row for row in found if row[6]]
    assert 0 < len(now) < len(found)
    topic, persons = "welfare_counts", tally((row[1], row[2]) for row in now)
    assert marginal(demo_lake, topic, "welfare_kind") == persons
    by_class = tally((row[1], row[3] or "unknown") for row in now if row[2] == "1")
    assert marginal(demo_lake, topic, "welfare_class") == by_class
    heads = marginal(demo_lake, topic, "welfare_kind", "household_count")
    amounts = marginal(demo_lake, topic, "welfare_kind", "amount_yuan_per_month")
    for cell, count in persons.items():
        here = [row for row in now if (row[1], row[2]) == cell]
        assert heads[cell] == sum(row[4] for row in here)
        told = round(sum(row[5] for row in here), 2) if count >= 5 else None
        assert amounts[cell] == told
    by_class = marginal(demo_lake, topic, "welfare_class", "amount_yuan_per_month")
    assert set(by_class.values()) == {None}


def test_the_same_people_have_another_token_in_every_topic(demo_lake: Lake, truth: Truth) -> None:
    registers = {"employment": "employment", "party_members": "party_members",
                 "welfare_grants": "welfare_grants", "residents": "persons"}  # fmt: skip
    for one, other in combinations(registers, 2):
        same = set(truth(registers[one])["identity_number"])
        assert same & set(truth(registers[other])["identity_number"]), "nobody stands in both"
        tokens = set(silver(demo_lake, one)["person_token"])
        assert not tokens & set(silver(demo_lake, other)["person_token"])


def test_older_words_are_superseded_and_ledgers_name_tokens(demo_lake: Lake, good_rows) -> None:
    for feed, table in (("employment", "employment"), ("party_members", "party_members"),
                        ("welfare", "welfare_grants")):  # fmt: skip
        ledger = silver(demo_lake, f"{table}_merges")
        assert ledger.height == len(list(good_rows(feed))) - silver(demo_lake, table).height > 0
        assert set(ledger["outcome"]) == {"superseded"}
        assert ledger["entity_id"].str.contains(r"^[0-9a-f]{24}(/\d)?$").all()
