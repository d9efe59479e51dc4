"""Four people in four sources, written by hand, and what must come of them, by loops."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import polars as pl
from small_lake import arrive

from assets.silver.periods import resident_periods
from assets.silver.persons import persons
from assets.silver.residents import residents
from quality.judging import judge
from quality.tokens import tokens
from schemas import tables
from schemas.contract import wire_columns
from schemas.feeds import BY_NAME
from warehouse.lake import Lake

HERE, THERE, NOWHERE = "350299001001", "350299001002", "350299999999"
MAN, WOMAN = "990101198001010014", "99020319520304038X"
REGISTER, VISITS = "population_household", "population_visits"
PROPERTY, SELF = "population_property", "population_self"
ORDER = {
    "person_name": (REGISTER, SELF, VISITS, PROPERTY),
    "birth_day": (REGISTER, SELF, VISITS, PROPERTY),
    "sex_code": (REGISTER, SELF, VISITS, PROPERTY),
    "phone": (SELF, VISITS, PROPERTY, REGISTER),
    "population_category": (REGISTER, VISITS, SELF, PROPERTY),
    "address": (VISITS, SELF, PROPERTY, REGISTER),
}
WEI: dict[str, Any] = {"person_name": "王伟", "birth_day": "1980-01-01", "phone": "10912345678"}
SAID: list[tuple[str, dict[str, Any]]] = [
    (REGISTER, WEI | {"identity_number": MAN, "population_category": "1", "community_code": HERE,
                      "building_id": "B1", "dwelling_number": "101", "phone": None, "at": 1}),
    (VISITS, WEI | {"identity_number": "990101800101001", "population_category": "2", "at": 3,
                    "community_code": THERE, "building_id": "B9", "dwelling_number": "501室"}),
    (VISITS, WEI | {"identity_number": MAN, "population_category": "5", "at": 2,
                    "community_code": HERE, "person_name": "王韦"}),
    (PROPERTY, WEI | {"record_id": "WY1", "person_name": "王玮", "community_code": THERE, "at": 9,
                      "building_id": "B9", "dwelling_number": "501", "sex_code": "1"}),
    (PROPERTY, {"record_id": "WY2", "person_name": "陈秀英", "phone": "10900000002", "at": 5,
                "community_code": NOWHERE, "sex_code": "0"}),
    (PROPERTY, {"record_id": "WY3", "person_name": "赵云", "phone": "10900000003", "at": 4,
                "birth_day": "1990-05-06", "community_code": HERE, "building_id": "B2",
                "unit_number": "2单元", "dwelling_number": "301", "sex_code": "2"}),
    (PROPERTY, {"record_id": "WY4", "person_name": "赵云", "phone": "10900000003", "at": 6,
                "birth_day": "1990-05-06", "community_code": HERE, "building_id": "B2",
                "unit_number": "2", "sex_code": "1"}),
    (SELF, {"record_id": "ZZ1", "person_name": "李娜", "identity_number": WOMAN, "at": 4,
            "population_category": "2", "community_code": NOWHERE, "phone": "10900000004"}),
    (SELF, {"record_id": "ZZ2", "person_name": "李娜", "identity_number": WOMAN.lower(), "at": 5,
            "population_category": "5", "community_code": NOWHERE, "sex_code": "1"}),
    (REGISTER, {"person_name": "李娜", "identity_number": WOMAN, "population_category": "1",
                "community_code": HERE, "building_id": "B3", "at": 1}),
]  # fmt: skip
PEOPLE = [{(REGISTER, MAN), (VISITS, MAN), (PROPERTY, "WY1")}, {(PROPERTY, "WY2")},
          {(PROPERTY, "WY3"), (PROPERTY, "WY4")},
          {(SELF, "ZZ1"), (SELF, "ZZ2"), (REGISTER, WOMAN)}]  # fmt: skip
_FILES = itertools.count()


def at(hours: int) -> datetime:
    return datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=hours)


def bronze(feed: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Bronze rows of one file, judged as the intake does."""
    columns = list(wire_columns(BY_NAME[feed].contract))
    texts = [
        {c: row.get(c) for c in columns} | {"updated_at": at(row["at"]).isoformat()} for row in rows
    ]
    frame = pl.DataFrame(texts, schema=dict.fromkeys(columns, pl.String)).with_columns(
        file_id=pl.lit(f"file{next(_FILES)}"), row_number=pl.int_range(pl.len()),
        item_number=pl.lit(1, pl.Int32),
    )  # fmt: skip
    judged = judge(BY_NAME[feed].contract, frame)
    assert judged.quarantined.is_empty(), judged.quarantined["rules"].to_list()
    return judged.accepted


def send(lake: Lake, said: list[tuple[str, dict[str, Any]]]) -> None:
    for feed in (REGISTER, VISITS, PROPERTY, SELF):
        rows = [row for source, row in said if source == feed]
        if rows:
            arrive(lake, feed, bronze(feed, rows))


def build(lake: Lake) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert dg.materialize(
            [persons, residents, resident_periods], resources={"lake": lake}, instance=instance
        ).success


def table(lake: Lake, layer: tables.Layer, name: str) -> pl.DataFrame:
    return lake.read(tables.table(layer, name))


def token(lake: Lake, text: str) -> str:
    return tokens(lake.home.key("population"), pl.Series([text]))[0]


def know_areas(lake: Lake) -> None:
    """Two communities, without shapes."""
    areas = tables.table("silver", "areas")
    fill = {pl.Binary: b"", pl.Float64: 0.0, pl.Datetime: datetime.now(UTC), pl.List: []}
    schema = lake.read(areas).schema
    other = {name: fill.get(kind.base_type()) for name, kind in schema.items()}
    rows = [other | {"area_code": c, "area_name": c, "tier": "community"} for c in (HERE, THERE)]
    lake.replace(areas, pl.DataFrame(rows, schema=schema))


def newest_by_hand() -> dict[tuple[str, str], dict[str, Any]]:
    """The newest version of every record, its values as they are compared."""
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for source, row in sorted(SAID, key=lambda one: one[1]["at"]):
        number = {"990101800101001": MAN}.get(
            row.get("identity_number", ""), row.get("identity_number")
        )
        number = number.upper() if number else None
        key = (source, row.get("record_id") or number)
        code = row.get("community_code")
        parts = [code if code in (HERE, THERE) else None, row.get("building_id"),
                 (row.get("unit_number") or "").removesuffix("单元") or None,
                 (row.get("dwelling_number") or "").removesuffix("室") or None, None]  # fmt: skip
        sex = row.get("sex_code")
        newest[key] = {
            **{c: row.get(c) for c in ("person_name", "birth_day", "phone", "population_category")},
            "number": number, "sex_code": sex if sex in ("1", "2") else None, "at": row["at"],
            "address": parts if any(parts) else None,
        }  # fmt: skip
    return newest


def differs(one: Any, other: Any) -> bool:
    if isinstance(one, list):
        return any(a and b and a != b for a, b in zip(one, other, strict=True))
    return one != other


def golden_by_hand(lake: Lake) -> tuple[dict[str, dict[str, Any]], set[tuple]]:
    """What holds of every person, and what the others said, by loops."""
    newest, golden, conflicts = newest_by_hand(), {}, set()
    for person in PEOPLE:
        number = next((n for one in person if (n := newest[one]["number"])), None)
        source, record = min(person, key=lambda one: (ORDER["person_name"].index(one[0]), one[1]))
        key = token(lake, number or f"record:{source}:{record}")
        said: dict[str, Any] = {"identity_number": number}
        for attribute, order in ORDER.items():
            statements = [
                (attribute == "address" and not newest[one][attribute][0], order.index(one[0]),
                 -newest[one]["at"], one, newest[one][attribute])
                for one in person if newest[one][attribute]
            ]  # fmt: skip
            chosen: tuple[Any, Any] = (None, None)
            if number and attribute == "birth_day":
                chosen = ("identity_number", f"{number[6:10]}-{number[10:12]}-{number[12:14]}")
            elif number and attribute == "sex_code":
                chosen = ("identity_number", "1" if int(number[16]) % 2 else "2")
            elif statements:
                _, _, _, (best, _), value = min(statements)
                chosen = (best, value)
            said |= {f"{attribute}_source": chosen[0], attribute: chosen[1]}
            for _, _, _, (loser, its_record), value in statements:
                if differs(value, chosen[1]):
                    text = "|".join(p or "" for p in value) if isinstance(value, list) else value
                    conflicts.add((key, attribute, chosen[0], loser, its_record, text))
        golden[key] = said
    return golden, conflicts
