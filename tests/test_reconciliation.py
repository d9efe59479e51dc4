"""Families of the book against rows counted one by one; published totals by hand."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.site_settings import SettingsError, published_totals
from pipelines.reconciling import told
from quality.published_totals import Figure, days_that_fit, figures, judged, our_value
from quality.reconciliation import MEASURED, WRONG, Family, families, reconciled
from schemas.metric import Metric, Ratio
from schemas.metrics import BOOK, BY_ID, summed
from warehouse.home import Home

DISTRICT = "350299"
FOUND = families(BOOK)
PAGE = Path(__file__).parent.parent / "docs" / "reconciliation.md"


def metric(name: str, *where: tuple[str, tuple[str, ...]], measure: str = "n") -> Metric:
    return Metric(name, name, name, "件", "governance_case_days", measure, where, "report_day")


def test_families_everybody_knows_are_found() -> None:
    found = {(one.total, one.by): one for one in FOUND}
    state = found["governance_case_count", "state"]
    assert state.parts == ("governance_closed_count", "governance_open_count",
                           "governance_cancelled_count")  # fmt: skip
    assert state.is_whole
    assert not found["governance_case_count", "source_type"].is_whole
    assert found["rentals_rental_count", "rent_way"].parts == (
        "rentals_whole_count", "rentals_shared_count")  # fmt: skip
    for total, by in [
        ("rentals_rental_count", "rent_channel"),
        ("population_person_count", "population_category"),
        ("sensing_registered_device_count", "online_state"),
        ("welfare_kind_1_person_count", "welfare_class"),
    ]:  # fmt: skip
        assert (total, by) in found
    assert set(MEASURED) <= set(FOUND), "an id of MEASURED is no longer in the book"


def test_ratios_have_no_parts_and_a_total_is_no_part_of_itself() -> None:
    ratio = Ratio("r", "r", "r", "%", ("a",), ("b",))
    twice = [metric("a"), metric("same_rows"), ratio]
    assert families(twice) == ()


def test_parts_that_overlap_are_not_added_and_the_finest_are_taken() -> None:
    book = [
        metric("all"), metric("ab", ("state", ("closed", "open"))),
        metric("a", ("state", ("closed",))), metric("b", ("state", ("open",))),
        metric("other_measure", ("state", ("cancelled",)), measure="m"),
    ]  # fmt: skip
    assert families(book) == (
        Family("all", "state", ("a", "b"), is_whole=False),
        Family("ab", "state", ("a", "b"), is_whole=True),
    )


@given(st.data())
def test_of_rows_drawn_at_random_no_family_contradicts_itself(data: st.DataObject) -> None:
    """Rows of any values are summed one by one, with no engine; what is whole leaves no rest."""
    family = data.draw(st.sampled_from([one for one in FOUND if one not in MEASURED]))
    own = [summed(one) for one in (family.total, *family.parts)]
    named: dict[str, set[str]] = {}
    for one in own:
        for column, values in one.where:
            named.setdefault(column, set()).update(values)
    # a value no metric names can only occur where the parts do not claim to be all there is
    strange = {c: set() if family.is_whole and c == family.by else {"strange"} for c in named}
    rows = data.draw(st.lists(st.fixed_dictionaries(
        {c: st.sampled_from(sorted(v | strange[c])) for c, v in named.items()}
        | {"n": st.integers(0, 9)}), max_size=30))  # fmt: skip
    sums = {
        one.id: float(sum(int(r["n"]) for r in rows if all(r[c] in v for c, v in one.where)))
        for one in own
    }
    (row,) = reconciled(served(sums), [family]).iter_rows(named=True)
    rest = sums[family.total] - sum(sums[one] for one in family.parts)
    assert row["verdict"] == ("adds_up" if rest == 0 else "has_rest")
    assert row["rest"] == rest


def served(sums: Mapping[str, float], withheld: tuple[str, ...] = ()) -> pl.DataFrame:
    rows = [
        {"metric_id": name, "tier": "district", "area_code": DISTRICT, "period": "as_of",
         "period_start": None, "period_end": date(2026, 11, 19),
         "value": None if name in withheld else value, "is_withheld": name in withheld}
        for name, value in sums.items()
    ]  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"period_start": pl.Date, "value": pl.Float64})


@pytest.mark.parametrize(
    ("total", "parts", "withheld", "is_whole", "verdict"),
    [
        (5, (2, 3), (), True, "adds_up"), (5, (2, 2), (), True, "falls_short"),
        (5, (2, 2), (), False, "has_rest"), (5, (3, 3), (), False, "exceeds"),
        (5, (3, 2), ("p1",), True, "withheld"), (5, (6, 2), ("p1",), True, "exceeds"),
        (5, (9, 9), ("total",), True, "withheld"), (0, (0, 0), (), True, "adds_up"),
    ],
)  # fmt: skip
def test_verdicts(
    total: int, parts: tuple[int, ...], withheld: tuple[str, ...], is_whole: bool, verdict: str
) -> None:
    names = tuple(f"p{n}" for n in range(len(parts)))
    values = served({"total": total} | dict(zip(names, parts, strict=True)), withheld)
    found = reconciled(values, [Family("total", "by", names, is_whole)])
    assert found["verdict"].to_list() == [verdict]


def test_the_unplaced_of_two_tiers_are_not_added_up() -> None:
    one = served({"total": 5, "p0": 5})
    both = pl.concat([one.with_columns(tier=pl.lit(t)) for t in ("street", "community")])
    found = reconciled(both, [Family("total", "by", ("p0",), is_whole=True)])
    assert found["verdict"].to_list() == ["adds_up", "adds_up"]


@pytest.mark.slow
def test_no_total_of_the_demo_district_contradicts_its_parts(demo_run: Home) -> None:
    import duckdb

    from warehouse.serving import serving_file

    with duckdb.connect(str(serving_file(demo_run.serving)), read_only=True) as connection:
        values = connection.execute("FROM metric_values").pl()
    found = reconciled(values, FOUND)
    assert found.filter(pl.col("verdict").is_in(WRONG)).is_empty()
    assert {"adds_up", "has_rest"} <= set(found["verdict"])
    # a row more of one part, and the check sees it
    broken = values.with_columns(
        value=pl.col("value") + pl.col("metric_id").eq("governance_open_count").cast(pl.Float64)
    )
    wrong = reconciled(broken, FOUND).filter(pl.col("verdict").is_in(WRONG))
    assert set(wrong["total"]) == {"governance_case_count"}


@given(st.integers(1, 5_000), st.integers(1, 40), st.integers(0, 2), st.booleans())
def test_days_that_fit_are_those_whose_average_is_printed_so(
    total: int, days: int, digits: int, is_cut: bool
) -> None:
    """Every number of days up to 60 is tried; what prints as the rate, rounded or cut, must fit."""

    def printed(n: int, *, cut: bool) -> Decimal:
        step = 10**digits
        own = total * step // n if cut else (2 * total * step + n) // (2 * n)  # half up
        return Decimal(own).scaleb(-digits)

    rate = printed(days, cut=is_cut)
    few, many = days_that_fit(Decimal(total), rate)
    tried = {n for n in range(1, 61) if rate in (printed(n, cut=True), printed(n, cut=False))}
    assert tried == {n for n in range(1, 61) if few <= n <= many}


def figure(label: str, value: str, **more: Any) -> Figure:
    return Figure("letter", label, Decimal(value), **more)


@pytest.mark.parametrize(
    ("parts", "name"),
    [(["60", "40"], "parts_add_up"), (["60", "41"], "parts_exceed"), (["60"], "parts_fall_short"),
     (["60.0", "40.1"], "parts_add_up")],
)  # fmt: skip
def test_parts_of_a_published_total(parts: list[str], name: str) -> None:
    total = figure("all", "100" if "." not in parts[0] else "100.0")
    listed = [figure(f"part {n}", value, part_of="all") for n, value in enumerate(parts)]
    (found,) = judged([total, *listed], pl.DataFrame(), DISTRICT)
    assert found.name == name
    assert (found.meaning is None) == (name == "parts_add_up")


@pytest.mark.parametrize(
    ("total", "rate", "days", "name"),
    [("1174566", "3262", 360, "rate_fits"), ("1174566", "3262", 432, "rate_of_other_days"),
     ("1174566", "2718.9", 432, "rate_fits"), ("1174566", "3262", None, "rate_tells_days"),
     ("100", "73", 2, "rate_of_no_days")],
)  # fmt: skip
def test_daily_averages(total: str, rate: str, days: int | None, name: str) -> None:
    both = [figure("all", total, days=days), figure("a day", rate, rate_of="all")]
    (found,) = judged(both, pl.DataFrame(), DISTRICT)
    assert found.name == name


def cases_by_day() -> pl.DataFrame:
    """Cases of ten days, n on the n-th, and their month."""
    first = date(2026, 11, 1)
    days = [first + timedelta(days=n) for n in range(10)]
    periods = [("day", day, day, float(n)) for n, day in enumerate(days, 1)]
    periods += [("month", first, days[-1], 55.0), ("to_date", None, days[-1], 55.0)]
    return pl.DataFrame(
        [("governance_case_count", DISTRICT, p, s, e, v, False) for p, s, e, v in periods],
        schema={"metric_id": pl.String, "area_code": pl.String, "period": pl.String,
                "period_start": pl.Date, "period_end": pl.Date, "value": pl.Float64,
                "is_withheld": pl.Boolean}, orient="row",
    )  # fmt: skip


def test_our_value_is_of_just_the_days_named() -> None:
    ours, case = cases_by_day(), "governance_case_count"
    first, last = date(2026, 11, 1), date(2026, 11, 10)
    assert our_value(ours, case, DISTRICT, None, None) == 55
    assert our_value(ours, case, DISTRICT, first, last) == 55
    assert our_value(ours, case, DISTRICT, date(2026, 11, 2), date(2026, 11, 4)) == 2 + 3 + 4
    assert our_value(ours, case, DISTRICT, first, date(2026, 11, 11)) is None, "a day is not known"
    assert our_value(ours, case, "350299001", first, last) is None
    gone = ours.with_columns(is_withheld=pl.col("period_start") == date(2026, 11, 3))
    assert our_value(gone, case, DISTRICT, date(2026, 11, 2), date(2026, 11, 4)) is None


@pytest.mark.parametrize(
    ("value", "area", "name"),
    [("55", None, "agrees_with_ours"), ("54", DISTRICT, "differs_from_ours"),
     ("54", "350299009", "not_comparable")],
)  # fmt: skip
def test_a_published_figure_beside_ours(value: str, area: str | None, name: str) -> None:
    one = figure("cases", value, metric_id="governance_case_count", area_code=area)
    assert [f.name for f in judged([one], cases_by_day(), DISTRICT)] == [name]


def config(home: Home, text: str) -> None:
    home.config.mkdir(parents=True, exist_ok=True)
    (home.config / "published_totals.csv").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("row", "rule"),
    [("d,a,9,,nothing,", "totals_named_stand_in_the_document"),
     ("d,a,9,,a,", "totals_named_stand_in_the_document"), ("d,a,9 000,,,", "value_is_well_formed"),
     ("d,a,9,,,\nd,a,8,,,", "a_label_of_a_document_stands_once"),
     ("d,a,9,0,,", "days_is_within_range")],
)  # fmt: skip
def test_a_table_that_breaks_a_rule_is_refused(home: Home, row: str, rule: str) -> None:
    config(home, f"document,label,value,days,part_of,rate_of\n{row}\n")
    with pytest.raises(SettingsError, match=rule):
        published_totals(home)


def test_the_examples_of_the_page_are_what_the_command_says(home: Home) -> None:
    """To renew the page: put what this test found into its text block."""
    page = PAGE.read_text(encoding="utf-8")
    blocks = dict(re.findall(r"```(csv|text)\n(.*?)```", page, re.DOTALL))
    config(home, blocks["csv"])
    found = (
        "\n".join(told(judged(figures(published_totals(home)), pl.DataFrame(), DISTRICT))) + "\n"
    )
    assert blocks["text"] == found
    # and by hand, from the figures of the page
    rows = list(csv.DictReader(io.StringIO(blocks["csv"])))
    plain = {row["label"]: int(row["value"].replace(",", "")) for row in rows}
    parts = sum(plain[row["label"]] for row in rows if row["part_of"])
    assert parts == 34_098
    assert f"{parts - plain['alerts']:+,}" in found
    assert math.floor(plain["reports"] / 360) == plain["reports a day"]
    near = Counter(
        math.floor(plain["reports"] / n) == plain["reports a day"] for n in (359, 361, 432)
    )
    assert near == {False: 3}
    assert f"{plain['reports a day'] * 432:,}" in page
    assert set(BY_ID).isdisjoint(plain), "examples are judged on their own arithmetic"
