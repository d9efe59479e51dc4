"""People of 示范区, all invented: a household register and grid visits that overlap.

A person is one identity number (GB 11643); the newest word of either source says where they live.
Household rows are written in even seconds, visits in odd ones: no two versions are equally new.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from pipelines.demo.devices import UNKNOWN_COMMUNITY
from pipelines.demo.identity import ago, identity_numbers
from pipelines.demo.plan import Plan, pick
from pipelines.demo.resident_lists import write_lists
from pipelines.demo.space import Space
from pipelines.demo.tables import spoil, with_rules, write_csv

PEOPLE = 300_000  # a register has no days: this follows the scale only
_SURNAMES = pl.Series([
    "赵", "钱", "孙", "李", "周", "吴", "郑", "王", "冯", "陈", "林", "黄", "欧阳", "𠮷", "㑇",
    "𬱖",
])  # fmt: skip
_CATEGORIES = pl.Series(["1", "2", "3", "4", "5"])


def write_population(plan: Plan, space: Space, buildings: pl.DataFrame) -> None:
    """Write the wanted sources of population, and who truly lives where."""
    rng = plan.rng("population")
    people = build_people(plan, rng, buildings)
    if "population_household" not in plan.feeds:
        people = people.with_columns(in_register=False)
    if "population_visits" not in plan.feeds:
        people = people.with_columns(in_visits=False)
    register = _household_rows(plan, rng, people.filter("in_register"))
    visits = _visit_rows(plan, rng, people.filter("in_visits"))
    if len(register):
        _write_household(plan, rng, register)
    if len(visits):
        _write_visits(plan, space, rng, visits)
    lists = write_lists(plan, people, buildings)
    words = [_word(register), _word(visits), *(_word(one) for one in lists)]
    _note_truth(plan, pl.concat(words, how="vertical_relaxed"), register, visits, *lists)


def build_people(plan: Plan, rng: np.random.Generator, buildings: pl.DataFrame) -> pl.DataFrame:
    """Everybody of 示范区: who they are, where they live, which sources know them."""
    count = max(500, round(PEOPLE * plan.scale))
    first = pl.Series([plan.all_days[0] - timedelta(days=92 * 365)]).cast(pl.Int32)[0]
    born = pl.Series(first + rng.integers(0, 91 * 365, count)).cast(pl.Int32).cast(pl.Date)
    draw = rng.random(count)
    home = rng.integers(0, len(buildings), count)
    names = pick(_SURNAMES, rng.integers(0, len(_SURNAMES), count))
    return pl.DataFrame(
        {
            "identity_number": identity_numbers(rng, born),
            "name": names + pl.Series([f"示例{n % 1000:03d}" for n in range(count)]),
            "born": born,
            "home": home,
            "in_register": draw < 0.7,
            "in_visits": (draw < 0.35) | (draw >= 0.7),
            "category": pick(_CATEGORIES, rng.choice(5, count, p=[0.6, 0.3, 0.02, 0.02, 0.06])),
        }
    ).with_columns(
        building=pick(buildings["楼栋编码"], home),
        community=pick(buildings["true_community"], home),
        sex=pl.when(pl.col("identity_number").str.slice(16, 1).cast(pl.Int32) % 2 == 1)
        .then(pl.lit("1"))
        .otherwise(pl.lit("2")),
        moved_building=pick(buildings["楼栋编码"], np.roll(home, 11)),
        moved_community=pick(buildings["true_community"], np.roll(home, 11)),
    )


def _household_rows(plan: Plan, rng: np.random.Generator, people: pl.DataFrame) -> pl.DataFrame:
    """The register's rows. People known to one source only may have no code, or one unknown."""
    count = len(people)
    seconds = rng.integers(0, 40_000_000, count) // 2 * 2
    draw = pl.Series(rng.random(count))
    alone = ~people["in_visits"]
    return people.with_columns(
        written=pl.col("identity_number"),
        code=pl.when(alone & (draw < 0.02))
        .then(pl.lit(UNKNOWN_COMMUNITY))
        .when(alone & (draw < 0.05))
        .then(pl.lit(None, dtype=pl.String))
        .otherwise("community"),
        known=pl.when(~(alone & (draw < 0.05))).then("community"),
        updated=ago(plan, seconds),
    )


def _visit_rows(plan: Plan, rng: np.random.Generator, people: pl.DataFrame) -> pl.DataFrame:
    """Visits: some find people elsewhere; some write old numbers or a small x."""
    count = len(people)
    seconds = rng.integers(0, 20_000_000, count) // 2 * 2 + 1
    moved = people["in_register"] & pl.Series(rng.random(count) < 0.12)
    old = pl.Series(rng.random(count) < 0.03) & (people["born"].dt.year() < 2000)
    number = pl.col("identity_number")
    return people.with_columns(
        written=pl.when(old)
        .then(number.str.slice(0, 6) + number.str.slice(8, 9))
        .when(pl.Series(rng.random(count) < 0.3))
        .then(number.str.to_lowercase())
        .otherwise(number),
        code=pl.when(moved).then("moved_community").otherwise("community"),
        building=pl.when(moved).then("moved_building").otherwise("building"),
        category=pl.when(moved).then(pl.lit("2")).otherwise("category"),
        updated=ago(plan, seconds),
    ).with_columns(known="code")


def _texts(rows: pl.DataFrame) -> pl.DataFrame:
    number = pl.int_range(pl.len())
    return rows.select(
        pl.col("name").alias("姓名"),
        pl.col("written").alias("公民身份号码"),
        pl.col("sex").alias("性别代码"),
        pl.col("born").dt.strftime("%Y-%m-%d").alias("出生日期"),
        pl.col("category").alias("人口类别"),
        pl.col("code").alias("社区编码"),
        pl.col("building").alias("楼栋编码"),
        (number % 600 + 101).cast(pl.String).alias("房号"),
        pl.concat_str(pl.lit("0000-"), number.cast(pl.String).str.zfill(7)).alias("联系电话"),
        pl.col("updated").dt.strftime("%Y-%m-%d %H:%M:%S").alias("更新时间"),
    )


def _faulty(row: pl.DataFrame, older: str) -> list[pl.DataFrame]:
    number = str(row["公民身份号码"][0])
    wrong = number[:17] + ("1" if number[17] != "1" else "2")
    faults: list[tuple[str, dict[str, str | None]]] = [
        ("identity_number_is_valid", {"公民身份号码": wrong}),
        ("birth_day_agrees_with_the_identity_number", {"出生日期": "1900-01-01"}),
        ("population_category_is_a_known_code", {"人口类别": "9"}),
        ("population_category_is_present", {"人口类别": None}),
        ("sex_code_is_a_known_code", {"性别代码": "3"}),
        ("phone_is_well_formed", {"联系电话": "打给村口小卖部"}),
        ("birth_day_is_readable", {"出生日期": "属马"}),
        ("community_code_is_well_formed", {"社区编码": "后浦社区"}),
        ("updated_at_is_readable", {"更新时间": "刚刚"}),
    ]
    return [spoil(row, [rule], **({"更新时间": older} | values)) for rule, values in faults]


def _write_household(plan: Plan, rng: np.random.Generator, rows: pl.DataFrame) -> None:
    """GB18030 with rare characters of four bytes; an older delivery holds versions that lost."""
    text = _texts(rows).with_columns(
        户号=pl.concat_str(pl.lit("H"), (pl.int_range(pl.len()) // 3).cast(pl.String))
    )
    before = plan.all_days[0] - timedelta(days=900)
    older = text.gather_every(31).with_columns(更新时间=pl.lit(f"{before} 10:00:00"))
    write_csv(
        plan, "population_household", f"population_household-{plan.named_day(before)}.csv",
        with_rules(older), "gb18030",
    )  # fmt: skip
    name = f"population_household-{plan.named_day(plan.last_day)}.csv"
    template = text.filter(pl.col("公民身份号码").str.len_chars() == 18).head(1)
    rows_out = pl.concat([with_rules(text), *_faulty(template, f"{before} 11:00:00")])
    write_csv(plan, "population_household", name, rows_out, "gb18030")
    _note_older(plan, "population_household", rows.gather_every(31))


def _write_visits(plan: Plan, space: Space, rng: np.random.Generator, rows: pl.DataFrame) -> None:
    """UTF-8, with a column of community names nobody may match on: 后浦 and 后埔 are mixed up."""
    names = [space.names[code] for code in rows["code"].to_list()]
    swap = {"后浦社区": "后埔社区", "后埔社区": "后浦社区"}
    heard = rng.random(len(names)) < 0.3
    said = [swap.get(n, n) if h else n for n, h in zip(names, heard.tolist(), strict=True)]
    text = _texts(rows).with_columns(
        社区名称=pl.Series(said),
        在住=pl.Series(np.where(rng.random(len(names)) < 0.9, "是", "否")),
    )
    template = text.filter(pl.col("公民身份号码").str.len_chars() == 18).head(1)
    before = f"{plan.all_days[0] - timedelta(days=900)} 11:00:01"
    name = f"population_visits-{plan.named_day(plan.last_day)}.csv"
    out = pl.concat([with_rules(text), with_rules(text.slice(5, 1)), *_faulty(template, before)])
    write_csv(plan, "population_visits", name, out)
    _note_older(plan, "population_visits", rows.slice(5, 1))


def _note_older(plan: Plan, feed: str, rows: pl.DataFrame) -> None:
    plan.truth.add(
        "superseded", rows.select(entity_id="identity_number", rows=1, feed=pl.lit(feed))
    )


def _word(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select("identity_number", "known", "category", "updated")


def _note_truth(plan: Plan, words: pl.DataFrame, *sources: pl.DataFrame) -> None:
    """The newest word says where people live; the category is the newest any source gave."""
    order = ["identity_number", "updated"]
    newest = words.sort(order).unique("identity_number", keep="last", maintain_order=True)
    given = words.drop_nulls("category").sort(order)
    category = given.unique("identity_number", keep="last", maintain_order=True)
    flags = ("is_registered_here", "is_visited", "is_property_listed", "is_self_registered")
    persons = (
        newest.drop("category")
        .join(category.select("identity_number", "category"), "identity_number", how="left")
        .with_columns(
            pl.col("identity_number").is_in(source["identity_number"].implode()).alias(flag)
            for flag, source in zip(flags, sources, strict=True)
        )
        .with_columns(pl.col("category").fill_null("0"))
        .sort("identity_number")
        .rename({"known": "community_code", "category": "population_category"})
    )
    plan.truth.add("persons", persons)
    counts = persons.group_by("community_code").agg(person_count=pl.len()).sort("community_code")
    plan.truth.add("residents", counts)
