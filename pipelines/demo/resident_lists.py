"""Two more sources of people: lists of property companies (XLSX), self-registration (NDJSON).

They know many people of the other sources, and some that no other source knows. Property companies
often have no identity number and never a category. Their rows are written a quarter of a second,
those of self-registration half a second past the full one: no two versions are equally new.
"""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import polars as pl

from pipelines.demo.devices import UNKNOWN_COMMUNITY
from pipelines.demo.identity import ago, identity_numbers
from pipelines.demo.plan import Plan, pick
from pipelines.demo.tables import note_rows, spoil, with_rules
from pipelines.demo.workbooks import workbook

PROPERTY, SELF = "population_property", "population_self"
_KEPT = ["identity_number", "name", "born", "sex", "community", "building", "category"]
_ENGLISH = {
    "登记编号": "record_id", "姓名": "name", "公民身份号码": "id_number", "性别代码": "sex_code",
    "出生日期": "birth_date", "人口类别": "population_category", "社区编码": "community_code",
    "楼栋编码": "building_id", "单元": "unit_number", "房号": "dwelling_number", "住址": "address",
    "联系电话": "phone", "更新时间": "updated_at",
}  # fmt: skip


def write_lists(
    plan: Plan, people: pl.DataFrame, buildings: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Write the wanted sources; their words on people with a number, with what is truly known."""
    rng = plan.rng("resident_lists")
    everybody = pl.concat([people.select(_KEPT), _newcomers(plan, rng, people, buildings)])
    listed = everybody.filter(pl.Series(rng.random(len(everybody)) < 0.3))
    registered = everybody.filter(pl.Series(rng.random(len(everybody)) < 0.15))
    in_lists = _property(plan, listed.head(len(listed) if PROPERTY in plan.feeds else 0))
    in_app = _self(plan, registered.head(len(registered) if SELF in plan.feeds else 0))
    return in_lists, in_app


def _newcomers(
    plan: Plan, rng: np.random.Generator, people: pl.DataFrame, buildings: pl.DataFrame
) -> pl.DataFrame:
    """People whom neither police nor grid know yet; their numbers are of another region."""
    count = len(people) // 12
    first = pl.Series([plan.all_days[0] - timedelta(days=60 * 365)]).cast(pl.Int32)[0]
    born = pl.Series(first + rng.integers(0, 40 * 365, count)).cast(pl.Int32).cast(pl.Date)
    home = rng.integers(0, len(buildings), count)
    number = identity_numbers(rng, born, "350298")
    is_man = pl.Series("n", number).str.slice(16, 1).cast(pl.Int32) % 2 == 1
    return pl.DataFrame(
        {
            "identity_number": number,
            "name": [f"新示例{n:05d}" for n in range(count)],
            "born": born,
            "sex": pl.Series(np.where(is_man, "1", "2")),
            "community": pick(buildings["true_community"], home),
            "building": pick(buildings["楼栋编码"], home),
            "category": ["2"] * count,
        }
    )


def _property(plan: Plan, rows: pl.DataFrame) -> pl.DataFrame:
    """Two workbooks; rows without a number wait, and are known by the company's own record."""
    rng, count = plan.rng(PROPERTY), len(rows)
    draw = pl.Series(rng.random(count))
    place = pl.Series(rng.random(count))
    rows = rows.with_columns(
        record_id=pl.Series([f"WY{n:07d}" for n in range(1, count + 1)], dtype=pl.String),
        written=pl.when(draw >= 0.3).then("identity_number"),
        code=pl.when(place < 0.02).then(pl.lit(UNKNOWN_COMMUNITY))
        .when(place >= 0.05).then("community"),
        known=pl.when(place >= 0.05).then("community"),
        category=pl.lit(None, pl.String),
        updated=ago(plan, rng.integers(0, 30_000_000, count)).dt.offset_by("250ms"),
    )  # fmt: skip
    if not count:
        return rows
    text = _texts(rows, "350299").with_columns(
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
    nameless = rows.filter(pl.col("written").is_null())
    plan.truth.add("unnumbered_residents", nameless.select("record_id", source=pl.lit(PROPERTY)))
    return rows.filter(pl.col("written").is_not_null())


def _workbook(plan: Plan, number: int, rows: pl.DataFrame) -> None:
    name = f"population_property-{plan.named_day(plan.last_day)}-{number:02d}.xlsx"
    plan.landing.write(PROPERTY, name, [workbook(rows.drop("rules"), "住户")])
    note_rows(plan, PROPERTY, name, rows["rules"])


def _self(plan: Plan, rows: pl.DataFrame) -> pl.DataFrame:
    """One object per line, English names; everybody gives a number and a category."""
    rng, count = plan.rng(SELF), len(rows)
    rows = rows.with_columns(
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
    text = _texts(rows, "350299")
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


def _texts(rows: pl.DataFrame, district: str) -> pl.DataFrame:
    number = pl.int_range(pl.len())
    unit, room = (number % 3 + 1).cast(pl.String), (number % 600 + 101).cast(pl.String)
    return rows.select(
        pl.col("record_id").alias("登记编号"),
        pl.col("name").alias("姓名"),
        pl.col("written").alias("公民身份号码"),
        pl.col("sex").alias("性别代码"),
        pl.col("born").dt.strftime("%Y-%m-%d").alias("出生日期"),
        pl.col("category").alias("人口类别"),
        pl.col("code").alias("社区编码"),
        pl.col("building").alias("楼栋编码"),
        unit.alias("单元"),
        room.alias("房号"),
        pl.concat_str(pl.lit(f"示范区{district}示例路"), number.cast(pl.String), pl.lit("号"), unit,
                      pl.lit("单元"), room, pl.lit("室")).alias("住址"),
        pl.concat_str(pl.lit("0001-"), number.cast(pl.String).str.zfill(7)).alias("联系电话"),
        pl.col("updated").dt.strftime("%Y-%m-%d %H:%M:%S.%3f").alias("更新时间"),
    )  # fmt: skip
