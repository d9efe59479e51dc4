"""Two more sources of people: lists of property companies (XLSX), self-registration (NDJSON).

They know many people of the other sources, and some that no other source knows. Property companies
often have no identity number and never a category; then name, birth date, telephone and door must
tell who it is, with the slips of `person_habits.py`. Their rows are written a quarter of a second,
those of self-registration half a second past the full one: no two versions are equally new.
"""

from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
import polars as pl

from pipelines.demo.addresses import written
from pipelines.demo.devices import UNKNOWN_COMMUNITY
from pipelines.demo.identity import ago
from pipelines.demo.mentions import Town
from pipelines.demo.person_habits import SOURCES
from pipelines.demo.person_sources import written_births, written_names, written_phones
from pipelines.demo.plan import Plan
from pipelines.demo.tables import note_rows, spoil, with_rules
from pipelines.demo.workbooks import workbook

PROPERTY, SELF = "population_property", "population_self"
_ENGLISH = {
    "登记编号": "record_id", "姓名": "name", "公民身份号码": "id_number", "性别代码": "sex_code",
    "出生日期": "birth_date", "人口类别": "population_category", "社区编码": "community_code",
    "楼栋编码": "building_id", "单元": "unit_number", "房号": "dwelling_number", "住址": "address",
    "联系电话": "phone", "更新时间": "updated_at",
}  # fmt: skip


def write_lists(
    plan: Plan, town: Town, everybody: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Write the wanted sources; their words on people, with what is truly known."""
    rng = plan.rng("resident_lists")
    listed = everybody.filter(pl.Series(rng.random(len(everybody)) < 0.3))
    registered = everybody.filter(pl.Series(rng.random(len(everybody)) < 0.15))
    in_lists = _property(plan, town, listed.head(len(listed) if PROPERTY in plan.feeds else 0))
    in_app = _self(plan, town, registered.head(len(registered) if SELF in plan.feeds else 0))
    return in_lists, in_app


def _as_written(
    plan: Plan, rng: np.random.Generator, rows: pl.DataFrame, source: str
) -> pl.DataFrame:
    """Names, births, sexes and telephones as the source writes them.

    Rows with a number have the birth date it says, or none: others would be quarantined.
    """
    habits, count = SOURCES[source], len(rows)

    def happens(share: float) -> pl.Series:
        return pl.Series(rng.random(count) < share)

    births = _possible(plan, written_births(rng, rows["born"], habits, happens))
    born = pl.when(pl.col("is_numbered") & births.is_not_null()).then("born").otherwise(births)
    other = pl.when(pl.col("sex") == "1").then(pl.lit("2")).otherwise(pl.lit("1"))
    return rows.with_columns(
        source=pl.lit(source),
        written_name=written_names(rng, rows["name"], happens(habits.name_slip)),
        written_born=born,
        written_sex=pl.when(happens(habits.sex_missing)).then(pl.lit("0"))
        .when(happens(habits.sex_slip)).then(other).otherwise("sex"),
        written_phone=written_phones(rng, rows, habits, happens),
        has_unit=~happens(habits.unit_missing),
        has_door=~happens(habits.door_missing),
    )  # fmt: skip


def _property(plan: Plan, town: Town, rows: pl.DataFrame) -> pl.DataFrame:
    """Two workbooks; some rows have no number, some of these no code of a building either."""
    rng, count = plan.rng(PROPERTY), len(rows)
    draw = pl.Series(rng.random(count))
    place = pl.Series(rng.random(count))
    rows = _as_written(
        plan, rng, rows.with_columns(is_numbered=draw >= 0.3), PROPERTY
    ).with_columns(
        record_id=pl.Series([f"WY{n:07d}" for n in range(1, count + 1)], dtype=pl.String),
        written=pl.when("is_numbered").then("identity_number"),
        code=pl.when(place < 0.02).then(pl.lit(UNKNOWN_COMMUNITY))
        .when(place >= 0.05).then("community"),
        known=pl.when(place >= 0.05).then("community"),
        category=pl.lit(None, pl.String),
        updated=ago(plan, rng.integers(0, 30_000_000, count)).dt.offset_by("250ms"),
    )  # fmt: skip
    if not count:
        return rows
    text = _texts(rng, town, rows).with_columns(
        物业公司=pl.concat_str(pl.lit("示例物业"), (pl.int_range(pl.len()) % 9).cast(pl.String)),
        住户身份=pl.Series(rng.choice(["1", "2", "3", "9"], count)),
    ).drop("人口类别")  # fmt: skip
    faults: list[tuple[str, dict[str, str | None]]] = [
        ("occupant_role_is_a_known_code", {"住户身份": "房东"}),
        ("record_id_is_present", {"登记编号": None}),
        ("phone_is_well_formed", {"联系电话": "门卫有"}),
        ("identity_number_is_valid", {"公民身份号码": "350299190001010000", "出生日期": None}),
        ("address_is_within_length", {"住址": "远" * 201}),
    ]
    half = count // 2
    for n, part in enumerate((text.head(half), text.tail(count - half)), 1):
        bad = [spoil(part.head(1), [rule], **values) for rule, values in faults] if n == 1 else []
        _workbook(plan, n, pl.concat([_with_older(plan, part, "08:00:00.250"), *bad]))
    return rows


def _workbook(plan: Plan, number: int, rows: pl.DataFrame) -> None:
    name = f"population_property-{plan.named_day(plan.last_day)}-{number:02d}.xlsx"
    plan.landing.write(PROPERTY, name, [workbook(rows.drop("rules"), "住户")])
    note_rows(plan, PROPERTY, name, rows["rules"])


def _self(plan: Plan, town: Town, rows: pl.DataFrame) -> pl.DataFrame:
    """One object per line, English names; everybody gives a number and a category."""
    rng, count = plan.rng(SELF), len(rows)
    rows = _as_written(plan, rng, rows.with_columns(is_numbered=True), SELF).with_columns(
        record_id=pl.Series([f"ZZ{n:07d}" for n in range(1, count + 1)], dtype=pl.String),
        written="identity_number",
        code="community",
        known="community",
        category=pl.when(pl.Series(rng.random(count) < 0.8)).then("category")
        .otherwise(pl.lit("5")),
        updated=ago(plan, rng.integers(0, 10_000_000, count)).dt.offset_by("500ms"),
    )  # fmt: skip
    if not count:
        return rows
    text = _texts(rng, town, rows)
    faults: list[tuple[str, dict[str, str | None]]] = [
        ("identity_number_is_present", {"公民身份号码": None}),
        ("population_category_is_present", {"人口类别": None}),
        ("birth_day_agrees_with_the_identity_number", {"出生日期": "1900-01-01"}),
        ("updated_at_is_readable", {"更新时间": "刚刚"}),
    ]
    bad = [spoil(text.head(1), [rule], **values) for rule, values in faults]
    out = pl.concat([_with_older(plan, text, "08:00:00.500"), *bad])
    lines = [
        json.dumps({_ENGLISH[k]: v for k, v in row.items() if v is not None}, ensure_ascii=False)
        for row in out.drop("rules").to_dicts()
    ]
    name = f"population_self-{plan.named_day(plan.last_day)}.ndjson"
    plan.landing.write_text(SELF, name, "\n".join(lines) + "\n")
    note_rows(plan, SELF, name, out["rules"])
    return rows


def _with_older(plan: Plan, text: pl.DataFrame, clock: str) -> pl.DataFrame:
    """Every 13th row also in an older version, which must lose."""
    before = plan.all_days[0] - timedelta(days=900)
    older = text.gather_every(13).with_columns(更新时间=pl.lit(f"{before} {clock}"))
    return with_rules(pl.concat([older, text]))


def _possible(plan: Plan, births: pl.Series) -> pl.Series:
    """Births of people who may live; a clerk notices the others and leaves them out."""
    may_be = births.is_between(date(1900, 1, 1), plan.last_day)
    return births.zip_with(may_be.fill_null(value=False), births.clear(len(births)))


def _texts(rng: np.random.Generator, town: Town, rows: pl.DataFrame) -> pl.DataFrame:
    """Every seventh row has its building, unit and room only in words."""
    in_words = pl.int_range(pl.len()) % 7 == 0
    return rows.select(
        pl.col("record_id").alias("登记编号"),
        pl.col("written_name").alias("姓名"),
        pl.col("written").alias("公民身份号码"),
        pl.col("written_sex").alias("性别代码"),
        pl.col("written_born").dt.strftime("%Y-%m-%d").alias("出生日期"),
        pl.col("category").alias("人口类别"),
        pl.col("code").alias("社区编码"),
        pl.when(~in_words).then("building").alias("楼栋编码"),
        pl.when(pl.col("has_unit") & ~in_words).then("unit").alias("单元"),
        pl.when(pl.col("has_door") & ~in_words).then("room").alias("房号"),
        _addresses(rng, town, rows).alias("住址"),
        pl.col("written_phone").alias("联系电话"),
        pl.col("updated").dt.strftime("%Y-%m-%d %H:%M:%S.%3f").alias("更新时间"),
    )  # fmt: skip


def _addresses(rng: np.random.Generator, town: Town, rows: pl.DataFrame) -> pl.Series:
    """Where people live, as one of many would write it."""
    doors = rows.select(pl.concat_str("unit", pl.lit("单元"), "room", pl.lit("室"))).to_series()
    at = rows["building"].str.strip_prefix("LD").cast(pl.Int64) - 1
    places = (town.places[one] for one in at)
    return pl.Series(
        [written(rng, place, door) for place, door in zip(places, doors, strict=True)],
        dtype=pl.String,
    )
