"""Employment, party members and welfare of 示范区: registers about the people of `population.py`.

The same people stand in several registers, so that a test can show that topics do not join.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from pipelines.demo.devices import UNKNOWN_COMMUNITY
from pipelines.demo.plan import Plan
from pipelines.demo.population import build_people
from pipelines.demo.tables import note_rows, spoil, with_rules, write_csv
from pipelines.demo.workbooks import workbook

_STATES, _STATE_SHARES = ["1", "2", "3", "4", "6", "9"], [0.5, 0.05, 0.15, 0.2, 0.05, 0.05]
_SCHOOLS = ["11", "21", "31", "41", "61", "71", "81", "90"]
_BANDS = ((30, "18-30"), (40, "31-40"), (50, "41-50"), (60, "51-60"), (200, "61+"))
_AMOUNTS = {"1": 735.5, "2": 1300.0, "3": 2000.0, "4": 80.0, "5": 120.25, "7": 100.0}
Faults = list[tuple[str, dict[str, str | None]]]


def write_social(plan: Plan, buildings: pl.DataFrame) -> None:
    """Write the wanted registers of persons."""
    writers = {"employment": _employment, "party_members": _party, "welfare": _welfare}
    for feed, write in writers.items():
        if feed in plan.feeds:
            people = build_people(plan, plan.rng("population"), buildings)
            write(plan, plan.rng(feed), _aged(plan, people))


def _aged(plan: Plan, people: pl.DataFrame) -> pl.DataFrame:
    """With ages in completed years on the last day, counted by hand."""
    return people.select(
        "identity_number", "name", "born", "community", "sex",
        age=pl.Series([_age(born, plan.last_day) for born in people["born"]]),
    )  # fmt: skip


def _age(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _common(plan: Plan, rng: np.random.Generator, rows: pl.DataFrame) -> pl.DataFrame:
    """The columns every register has, written as it writes them, and the truth of the place."""
    count = len(rows)
    way = rng.choice(["code", "grid", "wrong", "none"], count, p=[0.92, 0.03, 0.025, 0.025])
    ago = rng.integers(1, 20_000_000, count)
    ago[0] = 0  # somebody's row is of the last day: what is in force is judged on it
    evening = pl.Series([plan.last_day]).cast(pl.Datetime("us"))[0] + timedelta(hours=20)
    updated = pl.Series(-ago * 1_000_000).cast(pl.Duration("us")) + evening
    is_way = {name: pl.Series(way == name) for name in ("code", "grid", "wrong")}
    number = pl.col("identity_number")
    return rows.with_columns(
        姓名="name",
        公民身份号码=pl.when(pl.Series(rng.random(count) < 0.3)).then(number.str.to_lowercase())
        .otherwise(number),
        社区编码=pl.when(is_way["code"]).then("community")
        .when(is_way["wrong"]).then(pl.lit(UNKNOWN_COMMUNITY)),
        网格编码=pl.when(is_way["grid"]).then(pl.col("community") + "001"),
        更新时间=updated.dt.strftime("%Y-%m-%d %H:%M:%S"),
        community_code=pl.when(is_way["code"] | is_way["grid"]).then("community"),
        placed_by=pl.when(is_way["code"] | is_way["grid"]).then(pl.lit("code"))
        .otherwise(pl.lit("unplaced")),
    )  # fmt: skip


_SHARED = ["姓名", "公民身份号码", "社区编码", "网格编码"]


def _faulty(text: pl.DataFrame, faults: Faults) -> list[pl.DataFrame]:
    """One row per fault, each about the first person, older than anything else."""
    one = text.head(1)
    wrong = str(one["公民身份号码"][0])[:17] + "?"
    every: Faults = [
        *faults,
        ("identity_number_is_valid", {"公民身份号码": wrong}),
        ("identity_number_is_present", {"公民身份号码": None}),
        ("community_code_is_well_formed", {"社区编码": "后浦"}),
        ("updated_at_is_readable", {"更新时间": "近日"}),
    ]
    return [spoil(one, [rule], **values) for rule, values in every]


def _with_older(text: pl.DataFrame, day: date, **was: str | None) -> pl.DataFrame:
    """Every 17th row also in an older version, which must lose."""
    values = {name: pl.lit(value, dtype=pl.String) for name, value in was.items()}
    older = text.gather_every(17).with_columns(更新时间=pl.lit(f"{day} 09:00:00"), **values)
    return with_rules(pl.concat([older, text]))


def _employment(plan: Plan, rng: np.random.Generator, people: pl.DataFrame) -> None:
    rows = _common(plan, rng, people.filter(pl.col("age") >= 16))
    count = len(rows)
    state = np.where(rows["age"] < 20, "5", rng.choice(_STATES, count, p=_STATE_SHARES))
    school = rng.choice(
        [*_SCHOOLS, ""], count, p=[0.05, 0.2, 0.2, 0.1, 0.15, 0.15, 0.08, 0.02, 0.05]
    )
    branch = np.where(rng.random(count) < 0.9, rng.choice(list("CEFGHIJKOPQS"), count), "")
    has_branch = np.isin(state, ["1", "3", "4"])  # pensioners still stand with their old branch
    before = plan.all_days[0] - timedelta(days=900)
    registered = f"{before - timedelta(days=9)}"
    rows = rows.with_columns(
        就业状态=pl.Series(state.tolist()),
        学历代码=pl.Series([code or None for code in school.tolist()]),
        行业门类=pl.Series(np.where(has_branch, branch, "").tolist()).replace("", None),
        失业登记日期=pl.Series(np.where(state == "2", registered, "").tolist()).replace("", None),
    )
    text = rows.select(*_SHARED, "就业状态", "学历代码", "行业门类", "失业登记日期", "更新时间")
    faults: Faults = [
        ("employment_state_is_a_known_code", {"就业状态": "在职"}),
        ("education_code_is_well_formed", {"学历代码": "55"}),
        ("industry_section_is_a_known_code", {"行业门类": "U"}),
        ("is_registered_before_it_is_reported", {"失业登记日期": "2099-01-01"}),
    ]
    out = pl.concat([_with_older(text, before, 就业状态="9"), *_faulty(text, faults)])
    name = f"employment-{plan.named_day(plan.last_day)}.csv"
    write_csv(plan, "employment", name, out, "utf-8-sig")
    works = pl.col("就业状态").is_in(["1", "3"])
    plan.truth.add("employment", rows.with_columns(
        employment_state="就业状态", education_level=pl.col("学历代码").str.head(1) + "0",
        industry_section=pl.when(works).then("行业门类"),
    ))  # fmt: skip


def _party(plan: Plan, rng: np.random.Generator, people: pl.DataFrame) -> None:
    grown = people.filter(pl.col("age") >= 20)
    rows = _common(plan, rng, grown.filter(pl.Series(rng.random(len(grown)) < 0.25)))
    count = len(rows)
    joined = [born + timedelta(days=18 * 366 + 5) for born in rows["born"]]
    rows = rows.with_columns(
        党组织代码=pl.Series([f"350299A{n % 40:03d}" for n in range(count)]),
        党员类别=pl.Series(rng.choice(["1", "2"], count, p=[0.95, 0.05])),
        入党日期=pl.Series(joined).dt.strftime("%Y-%m-%d"),
        年龄=pl.when(pl.Series(rng.random(count) < 0.9)).then(pl.col("age").cast(pl.String)),
        性别代码="sex",
        流动党员=pl.Series(np.where(rng.random(count) < 0.1, "是", "否")),
        age_band=pl.Series([next(b for last, b in _BANDS if age <= last) for age in rows["age"]]),
        sex_code="sex",
    )
    text = rows.select(*_SHARED, "党组织代码", "党员类别", "入党日期", "年龄", "性别代码",
                       "流动党员", "更新时间")  # fmt: skip
    opposite = "2" if rows["sex"][0] == "1" else "1"
    faults: Faults = [
        ("joins_at_eighteen_or_later", {"入党日期": f"{rows['born'][0] + timedelta(days=4000)}"}),
        ("joins_before_it_is_reported", {"入党日期": "2099-01-01"}),
        ("age_agrees_with_the_identity_number", {"年龄": "119"}),
        ("sex_agrees_with_the_identity_number", {"性别代码": opposite}),
        ("party_organisation_code_is_present", {"党组织代码": None}),
        ("membership_is_a_known_code", {"党员类别": "3"}),
        ("is_floating_is_readable", {"流动党员": "偶尔"}),
    ]
    before = plan.all_days[0] - timedelta(days=900)
    older = _with_older(text, before, 社区编码=None, 年龄=None)
    out = pl.concat([older, *_faulty(text, faults)])
    name = f"party_members-{plan.named_day(plan.last_day)}.xlsx"
    plan.landing.write("party_members", name, [workbook(out.drop("rules"), "党员名册")])
    note_rows(plan, "party_members", name, out["rules"])
    plan.truth.add("party_members", rows)


def _welfare(plan: Plan, rng: np.random.Generator, people: pl.DataFrame) -> None:
    """Aid that began, and aid that has ended or has not begun; a person may have several kinds."""
    kinds = list(_AMOUNTS)
    one = people.filter(pl.Series(rng.random(len(people)) < 0.2))
    one = one.with_columns(kind=pl.Series(rng.choice(kinds, len(one), p=[0.5, *[0.1] * 5])))
    more = one.gather_every(9).with_columns(
        kind=pl.when(pl.col("kind") == "1").then(pl.lit("4")).otherwise(pl.lit("1"))
    )
    rows = _common(plan, rng, pl.concat([one, more]))
    count = len(rows)
    begun, length = rng.integers(-40, 700, count), rng.choice([30, 365, 1000, 0], count)
    starts = [plan.last_day - timedelta(days=int(d)) for d in begun]
    ends = [s + timedelta(days=int(n)) if n else None for s, n in zip(starts, length, strict=True)]
    in_force = [s <= plan.last_day and (e is None or e >= plan.last_day)
                for s, e in zip(starts, ends, strict=True)]  # fmt: skip
    classes = rng.choice(["A", "B", "C", ""], count, p=[0.2, 0.3, 0.4, 0.1])
    heads = rng.choice(["是", "否", ""], count, p=[0.45, 0.5, 0.05])
    rows = rows.with_columns(
        户号=pl.Series([f"DB{n // 2:06d}" for n in range(count)]),
        是否户主=pl.Series(heads).replace("", None),
        救助类别="kind",
        低保类别=pl.when(pl.col("kind") == "1").then(
            pl.Series([c or None for c in classes.tolist()])),
        月救助金额=pl.col("kind").replace({k: str(a) for k, a in _AMOUNTS.items()}),
        起始日期=pl.Series(starts).dt.strftime("%Y-%m-%d"),
        终止日期=pl.Series(ends, dtype=pl.Date).dt.strftime("%Y-%m-%d"),
        is_in_force=pl.Series(in_force),
    )  # fmt: skip
    text = rows.select(*_SHARED, "户号", "是否户主", "救助类别", "低保类别", "月救助金额",
                       "起始日期", "终止日期", "更新时间")  # fmt: skip
    faults: Faults = [
        ("ends_after_it_starts", {"终止日期": "1999-01-01"}),
        ("only_subsistence_has_a_class", {"救助类别": "2", "低保类别": "A"}),
        ("welfare_kind_is_a_known_code", {"救助类别": "低保", "低保类别": None}),
        ("amount_yuan_per_month_is_within_range", {"月救助金额": "-1"}),
        ("starts_day_is_present", {"起始日期": None}),
    ]
    before = plan.all_days[0] - timedelta(days=900)
    out = pl.concat([_with_older(text, before, 月救助金额="1"), *_faulty(text, faults)])
    write_csv(plan, "welfare", f"welfare-{plan.named_day(plan.last_day)}.csv", out, "gb18030")
    plan.truth.add("welfare_grants", rows.with_columns(
        welfare_kind="kind", welfare_class="低保类别", amount_yuan_per_month="月救助金额",
        is_household_head=(pl.col("是否户主") == "是").fill_null(False),
    ))  # fmt: skip
