"""The engine over real Delta tables: days, empty tables, and numbers that stay whole."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import tables
from schemas.contract import Contract, day, flag, geometry, instant, integer, number, polars_schema
from schemas.contract import text as words
from warehouse.engine import Engine
from warehouse.home import Home
from warehouse.lake import Lake

# Ibis 12 still calls DuckDB's old name.

DAYS = [date(2026, 11, one) for one in (18, 19, 20)]
CASES = tables.table("topics", "governance_case_days")
BIG = 2**53


class Sums(Contract):
    """Grain: one day."""

    report_day = day("日期", required=True)
    total = integer("合计", required=True)
    rows = integer("行数", required=True)


def case_day(on: date, seconds: int = 0) -> dict[str, Any]:
    return {"report_day": on, "community_code": None, "source_type": "iot", "case_kind": "matter",
            "type_code": None, "state": "open", "case_count": 1, "registered_count": 0,
            "self_handled_count": 0, "rework_count": 0, "closing_seconds": seconds}  # fmt: skip


@pytest.fixture
def filled(lake: Lake) -> Lake:
    for number_of, on in enumerate(DAYS, start=1):
        lake.append(CASES, pl.DataFrame([case_day(on)] * number_of,
                                        schema=polars_schema(CASES.contract)))  # fmt: skip
    return lake


def sums(expression) -> Any:
    return expression.group_by("report_day").aggregate(
        total=expression.closing_seconds.sum(), rows=expression.count()
    )


@pytest.mark.parametrize("wanted", [None, [], DAYS[:1], [DAYS[0], DAYS[2]], [date(2025, 1, 1)]])
def test_only_the_wanted_days_are_read(filled: Lake, wanted: list[date] | None) -> None:
    with Engine(filled, threads=1) as engine:
        found = engine.collect(sums(engine.table(CASES, wanted)), Sums)
    expected = {on: n for n, on in enumerate(DAYS, start=1) if wanted is None or on in wanted}
    assert dict(found.select("report_day", "rows").rows()) == expected


def test_a_table_that_does_not_exist_yet_is_empty_with_its_columns(lake: Lake) -> None:
    with Engine(lake, threads=1) as engine:
        for days in (None, DAYS):
            expression = engine.table(CASES, days)
            assert expression.columns == tuple(CASES.contract.columns())
            found = engine.collect(expression, CASES.contract)
            assert found.schema == pl.Schema(polars_schema(CASES.contract))
            assert found.height == 0
        lake.create(CASES)
        assert engine.collect(engine.table(CASES), CASES.contract).height == 0


whole = st.integers(-(2**60), 2**60) | st.sampled_from([BIG + 1, BIG - 1, -BIG - 1, 2**60 + 1])


@settings(deadline=None, max_examples=5)
@given(st.lists(st.tuples(st.sampled_from(DAYS), whole), min_size=1, max_size=7))
def test_sums_of_big_whole_numbers_are_exact(tmp_path_factory, found) -> None:
    lake = Lake(Home(tmp_path_factory.mktemp("engine")))
    lake.append(CASES, pl.DataFrame([case_day(on, seconds=n) for on, n in found],
                                    schema=polars_schema(CASES.contract)))  # fmt: skip
    with Engine(lake, threads=1) as engine:
        summed = engine.collect(sums(engine.table(CASES)), Sums)
    assert summed.schema == pl.Schema(polars_schema(Sums))
    expected = {on: sum(n for one, n in found if one == on) for on, _ in found}
    assert dict(summed.select("report_day", "total").rows()) == expected


def test_one_more_than_a_double_can_hold_survives(lake: Lake) -> None:
    lake.append(CASES, pl.DataFrame([case_day(DAYS[0], seconds=BIG), case_day(DAYS[0], seconds=1)],
                                    schema=polars_schema(CASES.contract)))  # fmt: skip
    with Engine(lake, threads=1) as engine:
        found = engine.collect(sums(engine.table(CASES)), Sums)
    assert found["total"].dtype == pl.Int64
    assert found["total"].to_list() == [BIG + 1] != [int(float(BIG) + 1.0)]


class EveryType(Contract):
    """Grain: one row."""

    a_text = words("文")
    a_whole = integer("整")
    a_real = number("实")
    a_flag = flag("是否")
    an_instant = instant("时刻")
    a_day = day("日")
    a_shape = geometry("形")


@pytest.mark.parametrize("is_empty", [False, True])
def test_every_type_comes_back_as_the_contract_has_it(lake: Lake, is_empty: bool) -> None:
    row = {"a_text": "后埔", "a_whole": BIG + 1, "a_real": 0.1, "a_flag": True,
           "an_instant": datetime(2026, 11, 20, 1, 2, 3, 456789, tzinfo=UTC),
           "a_day": DAYS[0], "a_shape": b"\x00\xff"}  # fmt: skip
    sent = pl.DataFrame([row, dict.fromkeys(row)], schema=polars_schema(EveryType))
    with Engine(lake, threads=1) as engine:
        engine.backend.con.register("sent", sent.to_arrow())
        expression = engine.backend.table("sent").filter(not is_empty)
        found = engine.collect(expression, EveryType)
    assert found.schema == pl.Schema(polars_schema(EveryType))
    assert found.rows() == ([] if is_empty else sent.rows())


def test_a_number_too_big_for_its_column_is_refused_not_wrapped(lake: Lake) -> None:
    lake.append(CASES, pl.DataFrame([case_day(DAYS[0], seconds=2**62)] * 2,
                                    schema=polars_schema(CASES.contract)))  # fmt: skip
    with Engine(lake, threads=1) as engine, pytest.raises(Exception, match="out of range"):
        engine.collect(sums(engine.table(CASES)), Sums)
