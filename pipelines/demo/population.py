"""People of 示范区, all invented: a household register and grid visits that overlap.

A person is one identity number (GB 11643), whether a source knows it or not. Of each attribute the
best source says what holds (`_BEST`, written down here once more: the truth is no copy of the
table it tests). Household rows are written in even seconds, visits in odd ones: no two versions are
equally new.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from pipelines.demo.devices import UNKNOWN_COMMUNITY
from pipelines.demo.identity import ago
from pipelines.demo.mentions import Town
from pipelines.demo.person_habits import SOURCES
from pipelines.demo.person_sources import invented_people, written_names, written_phones
from pipelines.demo.plan import Plan, pick
from pipelines.demo.resident_lists import PROPERTY, SELF, write_lists
from pipelines.demo.space import Space
from pipelines.demo.tables import spoil, with_rules, write_csv

PEOPLE = 300_000  # a register has no days: this follows the scale only
REGISTER, VISITS = "population_household", "population_visits"
_RARE = pl.Series(["欧阳", "𠮷", "㑇", "𬱖"])  # of four bytes in GB18030, the first apart
_CATEGORIES = pl.Series(["1", "2", "3", "4", "5"])
_BEST = {
    "address": (VISITS, SELF, PROPERTY, REGISTER),
    "category": (REGISTER, VISITS, SELF, PROPERTY),
}
"""Which source is believed first."""


def write_population(plan: Plan, town: Town, buildings: pl.DataFrame) -> None:
    """Write the wanted sources of population, and who truly lives where."""
    rng = plan.rng("population")
    everybody = build_everybody(plan, rng, buildings)
    if REGISTER not in plan.feeds:
        everybody = everybody.with_columns(in_register=False)
    if VISITS not in plan.feeds:
        everybody = everybody.with_columns(in_visits=False)
    register = _household_rows(plan, rng, everybody.filter("in_register"))
    visits = _visit_rows(plan, rng, everybody.filter("in_visits"))
    if len(register):
        _write_household(plan, rng, register)
    if len(visits):
        _write_visits(plan, town.space, rng, visits)
    lists = write_lists(plan, town, everybody)
    _note_truth(plan, pl.concat([_word(one) for one in (register, visits, *lists)]))


def build_people(plan: Plan, rng: np.random.Generator, buildings: pl.DataFrame) -> pl.DataFrame:
    """The people whom the household register or the grid know."""
    return build_everybody(plan, rng, buildings).filter(pl.col("in_register") | pl.col("in_visits"))


def build_everybody(plan: Plan, rng: np.random.Generator, buildings: pl.DataFrame) -> pl.DataFrame:
    """Everybody of 示范区: who they are, where they live, which sources know them.

    The last twelfth are newcomers whom neither police nor grid know yet.
    """
    known = max(500, round(PEOPLE * plan.scale))
    count = known + known // 12
    people = invented_people(rng, count, plan.last_day)
    doors = _doors(rng, int(people["home"].max()) + 1, buildings)  # pyright: ignore[reportArgumentType]
    draw = rng.random(count)
    is_new = np.arange(count) >= known
    home = people["home"]
    moved = pl.Series(np.roll(home.to_numpy(), 11))
    is_rare = pl.col("home") % 61 == 0
    category = rng.choice(5, count, p=[0.6, 0.3, 0.02, 0.02, 0.06])
    return people.select(
        "home", "phone", "old_phone",
        pl.when(is_rare)
        .then(pick(_RARE, home.to_numpy() // 61 % 4) + pl.col("name").str.slice(1))
        .otherwise("name")
        .alias("name"),
        identity_number="number",
        born="birth_date",
        sex=pl.when("is_man").then(pl.lit("1")).otherwise(pl.lit("2")),
        in_register=pl.Series((draw < 0.7) & ~is_new),
        in_visits=pl.Series(((draw < 0.35) | (draw >= 0.7)) & ~is_new),
        category=pick(_CATEGORIES, np.where(is_new, 1, category)),
    ).hstack(doors[home]).hstack(doors.select(pl.all().name.prefix("moved_"))[moved])  # fmt: skip


def _doors(rng: np.random.Generator, homes: int, buildings: pl.DataFrame) -> pl.DataFrame:
    """A door of its own for every home: `building, community, unit, room`."""
    at = pl.Series(rng.integers(0, len(buildings), homes))
    nth = pl.int_range(pl.len()).over("at")
    return pl.DataFrame(
        {
            "at": at,
            "building": pick(buildings["楼栋编码"], at.to_numpy()),
            "community": pick(buildings["true_community"], at.to_numpy()),
        }
    ).select(
        "building",
        "community",
        unit=(nth % 3 + 1).cast(pl.String),
        room=((nth // 12 + 1) * 100 + nth // 3 % 4 + 1).cast(pl.String),
    )


def _as_written(rng: np.random.Generator, rows: pl.DataFrame, source: str) -> pl.DataFrame:
    """Names and telephones with the slips and gaps of a source."""
    habits, count = SOURCES[source], len(rows)

    def happens(share: float) -> pl.Series:
        return pl.Series(rng.random(count) < share)

    return rows.with_columns(
        source=pl.lit(source),
        written_name=written_names(rng, rows["name"], happens(habits.name_slip)),
        written_phone=written_phones(rng, rows, habits, happens),
    )


def _household_rows(plan: Plan, rng: np.random.Generator, people: pl.DataFrame) -> pl.DataFrame:
    """The register's rows. People known to one source only may have no code, or one unknown."""
    count = len(people)
    seconds = rng.integers(0, 40_000_000, count) // 2 * 2
    draw = pl.Series(rng.random(count))
    alone = ~people["in_visits"]
    return _as_written(rng, people, REGISTER).with_columns(
        record_id="identity_number",
        is_numbered=True,
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
    return (
        _as_written(rng, people, VISITS)
        .with_columns(
            pl.when(moved).then(f"moved_{c}").otherwise(c).alias(c) for c in ("building", "room")
        )
        .with_columns(
            record_id="identity_number",
            is_numbered=True,
            written=pl.when(old)
            .then(number.str.slice(0, 6) + number.str.slice(8, 9))
            .when(pl.Series(rng.random(count) < 0.3))
            .then(number.str.to_lowercase())
            .otherwise(number),
            code=pl.when(moved).then("moved_community").otherwise("community"),
            category=pl.when(moved).then(pl.lit("2")).otherwise("category"),
            updated=ago(plan, seconds),
        )
        .with_columns(known="code")
    )


def _texts(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        pl.col("written_name").alias("姓名"),
        pl.col("written").alias("公民身份号码"),
        pl.col("sex").alias("性别代码"),
        pl.col("born").dt.strftime("%Y-%m-%d").alias("出生日期"),
        pl.col("category").alias("人口类别"),
        pl.col("code").alias("社区编码"),
        pl.col("building").alias("楼栋编码"),
        pl.col("room").alias("房号"),
        pl.col("written_phone").alias("联系电话"),
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
    """Whose record it is, and what it says that counts."""
    return rows.select(
        "source", "record_id", "identity_number", "is_numbered", "known", "category", "updated"
    )


def _note_truth(plan: Plan, words: pl.DataFrame) -> None:
    """Whose every record is, and what holds of a person: the best source that says it."""
    plan.truth.add("person_records", words.rename({"identity_number": "person"}))
    person = "identity_number"
    flags = {
        "is_registered_here": REGISTER,
        "is_visited": VISITS,
        "is_property_listed": PROPERTY,
        "is_self_registered": SELF,
    }
    persons = words.group_by(person).agg(
        pl.col("is_numbered").any(),
        *((pl.col("source") == source).any().alias(flag) for flag, source in flags.items()),
    )
    for column, said in {"known": "address", "category": "category"}.items():
        best = words.drop_nulls(column).with_columns(
            rank=pl.col("source").replace_strict(
                {source: rank for rank, source in enumerate(_BEST[said])}, return_dtype=pl.Int64
            )
        )
        decided = best.sort(person, "rank").unique(person, keep="first")
        persons = persons.join(decided.select(person, column), person, how="left")
    persons = (
        persons.with_columns(pl.col("category").fill_null("0"))
        .sort(person)
        .rename({"known": "community_code", "category": "population_category"})
    )
    plan.truth.add("persons", persons)
    counts = persons.group_by("community_code").agg(person_count=pl.len()).sort("community_code")
    plan.truth.add("residents", counts)
