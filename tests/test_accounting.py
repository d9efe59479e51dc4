"""Books that do not close are found: a row missing, a row too many, a tier out of step."""

from __future__ import annotations

from collections import Counter
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.accounting import day_accounts, open_file_accounts, tiers_out_of_step

quick = settings(deadline=None, max_examples=50)
DAYS = (date(2026, 11, 19), date(2026, 11, 20), None)
files = st.lists(st.sampled_from("abcd"), max_size=12)


def booked(bronze: list[str], quarantine: list[str], refused: int = 0) -> pl.DataFrame:
    accepted, broken = Counter(bronze), Counter(quarantine)
    rows = [(f, accepted[f] + broken[f] + refused, accepted[f], broken[f], refused)
            for f in sorted({*bronze, *quarantine})]  # fmt: skip
    return pl.DataFrame(rows, orient="row", schema={
        "file_id": pl.String, "arrived": pl.Int64, "accepted": pl.Int64, "quarantined": pl.Int64,
        "refused": pl.Int64})  # fmt: skip


def ids(names: list[str]) -> pl.DataFrame:
    return pl.DataFrame(list(Counter(names).items()), orient="row",
                        schema={"file_id": pl.String, "rows": pl.Int64})  # fmt: skip


def open_files(accounts: pl.DataFrame, bronze: list[str], quarantine: list[str]) -> set[str]:
    return set(open_file_accounts(accounts, ids(bronze), ids(quarantine))["file_id"])


@quick
@given(files, files, st.integers(0, 3))
def test_honest_file_accounts_close(bronze: list[str], quarantine: list[str], refused: int) -> None:
    assert open_files(booked(bronze, quarantine, refused), bronze, quarantine) == set()


@quick
@given(files, files, files, files)
def test_exactly_the_files_with_another_number_of_rows_are_open(
    bronze: list[str], quarantine: list[str], found: list[str], found_broken: list[str]
) -> None:
    counts = [Counter(names) for names in (bronze, found, quarantine, found_broken)]
    wrong = {f for f in "abcd" if counts[0][f] != counts[1][f] or counts[2][f] != counts[3][f]}
    assert open_files(booked(bronze, quarantine), found, found_broken) == wrong


@pytest.mark.parametrize("column", ["arrived", "accepted", "quarantined", "refused"])
@pytest.mark.parametrize("off", [-1, 1])
def test_a_number_booked_wrongly_leaves_the_file_open(column: str, off: int) -> None:
    accounts = booked(["a", "a", "b"], ["a"], refused=1)
    wrong = accounts.with_columns(
        pl.when(pl.col("file_id") == "a").then(pl.col(column) + off).otherwise(column).alias(column)
    )
    assert open_files(wrong, ["a", "a", "b"], ["a"]) == {"a"}


def test_rows_of_a_file_nobody_booked_are_found() -> None:
    assert open_files(booked(["a"], []), ["a", "ghost"], []) == {"ghost"}
    assert open_files(booked(["a"], []), ["a"], ["ghost"]) == {"ghost"}
    assert open_files(booked(["a"], []), [], []) == {"a"}


outcome = st.tuples(
    st.sampled_from(DAYS), st.sampled_from(["kept", "merged", "superseded", "set_aside", "lost"])
)


def counted(pairs: list[tuple], name: str | None = None) -> pl.DataFrame:
    days = Counter(day for day, what in pairs if name in (None, what))
    return pl.DataFrame({"day": list(days), "rows": list(days.values())},
                        schema={"day": pl.Date, "rows": pl.UInt32})  # fmt: skip


def account(fates: list[tuple], invented: list[tuple] | None = None) -> dict:
    found = [*fates, *(invented or [])]
    ledger = pl.concat(
        [counted(found, o).with_columns(outcome=pl.lit(o)) for o in ("merged", "superseded")]
    )
    rows = day_accounts(counted(fates), counted(found, "kept"), ledger, counted(found, "set_aside"))
    return {row.pop("day"): row for row in rows.to_dicts()}


@quick
@given(st.lists(outcome, max_size=20), st.lists(outcome, max_size=4))
def test_day_accounts_agree_with_a_plain_count(fates: list[tuple], invented: list[tuple]) -> None:
    found, invented = account(fates, invented), [pair for pair in invented if pair[1] != "lost"]
    for day in {day for day, what in [*fates, *invented]}:
        own = Counter(what for one, what in fates if one == day)
        extra = Counter(what for one, what in invented if one == day)
        names = ("kept", "merged", "superseded", "set_aside")
        assert {n: found[day][n] for n in names} == {n: own[n] + extra[n] for n in names}
        assert found[day]["accepted"] == own.total()
        assert found[day]["missing"] == own["lost"] - extra.total()


def test_a_lost_row_and_an_invented_row_do_not_close_the_day() -> None:
    fates = [(DAYS[0], "kept"), (DAYS[0], "merged"), (DAYS[1], "superseded"), (None, "kept")]
    assert {row["missing"] for row in account(fates).values()} == {0}
    lost = account([*fates, (DAYS[1], "lost")])
    assert {day: row["missing"] for day, row in lost.items()} == {DAYS[0]: 0, DAYS[1]: 1, None: 0}
    extra = account(fates, [(None, "set_aside")])
    assert {day: row["missing"] for day, row in extra.items()} == {DAYS[0]: 0, DAYS[1]: 0, None: -1}


TIERS = ("district", "street", "community")


def values(numbers: dict[tuple[str, str], list[float]]) -> pl.DataFrame:
    rows = [(metric, tier, f"{tier}{i}", float(v)) for (metric, tier), found in numbers.items()
            for i, v in enumerate(found)]  # fmt: skip
    return pl.DataFrame(rows, orient="row", schema={
        "metric_id": pl.String, "tier": pl.String, "area_code": pl.String,
        "value": pl.Float64})  # fmt: skip


def offenders(frame: pl.DataFrame) -> set[str]:
    return set(tiers_out_of_step(frame, ["metric_id"])["metric_id"])


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("change", [[1.0], [-1.0], [0.001]])
def test_a_tier_with_another_total_is_found(tier: str, change: list[float]) -> None:
    sums = {"district": [6], "street": [4, 2], "community": [1, 3, 2]}
    good = {(metric, one): found for metric in ("m", "other") for one, found in sums.items()}
    assert offenders(values(good)) == set()
    assert offenders(values(good | {("m", tier): [*good[("m", tier)], *change]})) == {"m"}


@pytest.mark.parametrize("tier", TIERS)
def test_a_missing_tier_is_found(tier: str) -> None:
    frame = values({("m", one): [5] for one in TIERS if one != tier})
    assert offenders(frame) == {"m"}


def test_days_are_compared_one_by_one() -> None:
    one = values({("m", tier): [5] for tier in TIERS})
    two = values({("m", "district"): [5], ("m", "street"): [4], ("m", "community"): [5]})
    both = pl.concat([one.with_columns(value_day=pl.lit(DAYS[0])),
                      two.with_columns(value_day=pl.lit(DAYS[1]))])  # fmt: skip
    assert tiers_out_of_step(both, ["metric_id", "value_day"])["value_day"].to_list() == [DAYS[1]]
