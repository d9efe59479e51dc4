"""Disclosure control: what is hidden is safe from an attacker that tries every table there is."""

from __future__ import annotations

import itertools
import random

import polars as pl
import pytest
from disclosure_tables import Sums, district, district_sums, hidden_in, hide, leaks, table
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from quality.disclosure import (
    SumsDisagree,
    UnfitTable,
    Unprotected,
    audit,
    suppress,
)
from quality.disclosure_control.knowledge import open_limits
from quality.disclosure_control.solve import parts
from quality.disclosure_control.system import system_of


def crossed(inner: list[list[int]], k: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Areas by categories with both margins."""
    rows, columns = len(inner), len(inner[0])
    values = {f"{i}{j}": inner[i][j] for i in range(rows) for j in range(columns)}
    values |= {f"{i}T": sum(inner[i]) for i in range(rows)}
    values |= {f"T{j}": sum(row[j] for row in inner) for j in range(columns)}
    values["TT"] = sum(map(sum, inner))
    lines = [*map(str, range(rows)), "T"]
    heads = [*map(str, range(columns)), "T"]
    sums = {f"{i}T over": [f"{i}{j}" for j in heads[:-1]] for i in lines}
    sums |= {f"T{j} down": [f"{i}{j}" for i in lines[:-1]] for j in heads}
    return table(values, sums, k)


def every_table(cells: pl.DataFrame, sums: pl.DataFrame, hidden: set[str], top: int):
    """All values of the hidden cells that agree with what is published, one table after another."""
    value = dict(cells.select("cell", "value").rows())
    k = dict(cells.select("cell", "k").rows())
    order = sorted(hidden)
    may_be = [range(1, k[c]) if 0 < value[c] < k[c] else range(k[c], top) for c in order]
    equations: dict[str, tuple[str, list[str]]] = {}
    for name, total, part in sums.rows():
        equations.setdefault(name, (total, []))[1].append(part)
    for guess in itertools.product(*may_be):
        known = value | dict(zip(order, guess, strict=True))
        if all(known[total] == sum(known[p] for p in own) for total, own in equations.values()):
            yield known


def bounds(cells: pl.DataFrame, sums: pl.DataFrame, hidden: set[str], top: int):
    found = list(every_table(cells, sums, hidden, top))
    return {c: (min(t[c] for t in found), max(t[c] for t in found)) for c in hidden}


STREET = {"a": 3, "b": 9, "c": 20, "street": 32, "rest": 100, "district": 132}
STREET_SUMS = {"street": ["a", "b", "c"], "district": ["street", "rest"]}


def test_a_small_count_takes_its_cheapest_neighbour_with_it() -> None:
    cells, sums = table(STREET, STREET_SUMS)
    decided = suppress(cells, sums)
    said = dict(decided.select("cell", "withheld").rows())
    assert said == dict.fromkeys(STREET, "") | {"a": "primary", "b": "complementary"}
    assert decided["cell"].to_list() == cells["cell"].to_list()


def test_a_neighbour_that_is_too_near_k_is_not_enough() -> None:
    """b = 5 cannot be lower, so a = 1 could not be higher: c has to help."""
    cells, sums = table(STREET | {"a": 1, "b": 5, "c": 26}, STREET_SUMS)
    assert leaks(audit(hide(cells, "a", "b"), sums)) == {"a": (1, 1)}
    assert hidden_in(suppress(cells, sums)) in ({"a", "c"}, {"a", "b", "c"})


def test_the_audit_finds_what_a_leaky_table_leaks() -> None:
    cells, sums = table(STREET, STREET_SUMS)
    assert leaks(audit(hide(cells, "a"), sums)) == {"a": (3, 3)}
    assert leaks(audit(hide(cells), sums)) == {"a": (3, 3)}
    assert leaks(audit(hide(cells, "a", "street"), sums)) == {"a": (3, 3)}
    assert leaks(audit(hide(cells, "a", "street", "district"), sums)) == {}


def test_the_audit_combines_sums() -> None:
    """Every sum has two hidden parts; three sums together tell all three."""
    values = {"a": 3, "b": 8, "c": 9, "ab": 11, "bc": 17, "ca": 12}
    cells, sums = table(values, {"ab": ["a", "b"], "bc": ["b", "c"], "ca": ["c", "a"]})
    assert leaks(audit(hide(cells, "a", "b", "c"), sums)) == {"a": (3, 3)}
    assert len(hidden_in(suppress(cells, sums))) == 4


def test_unplaced_persons_do_not_give_the_rest_away() -> None:
    """The unplaced stand at two tiers; hiding them at one is no use."""
    values = {"c1": 4, "c2": 30, "c3": 50, "unplaced_c": 7, "unplaced_s": 7}
    values |= {"s1": 34, "s2": 50, "district": 91}
    tiers = {
        "district by_street": ["s1", "s2", "unplaced_s"],
        "district by_community": ["c1", "c2", "c3", "unplaced_c"],
        "unplaced_s": ["unplaced_c"],
        "s1": ["c1", "c2"],
        "s2": ["c3"],
    }
    cells, sums = table(values, tiers)
    assert leaks(audit(hide(cells, "c1", "s1", "unplaced_c"), sums)) == {"c1": (4, 4)}
    assert hidden_in(suppress(cells, sums)) == {"c1", "c2"}


def test_whole_numbers_tell_more_than_fractions() -> None:
    """s = 2 x + t with s below 5: fractions leave x up to 1.5, whole numbers only 1."""
    values = {"x": 1, "t": 2, "y": 3, "s": 4}
    cells, sums = table(values, {"y": ["x", "t"], "s": ["x", "y"]})
    found = audit(hide(cells, *values), sums)
    exact = bounds(cells, sums, set(values), 10)
    assert {c: (low, high) for c, low, high in found["cell", "lower", "upper"].rows()} == exact
    assert found["is_safe"].all(), "everything is hidden: no more can be asked"


def test_limits_that_need_no_publication_follow_from_sums() -> None:
    """A street of 4 with two communities above zero: neither is 4, whatever is hidden."""
    values = {"a": 3, "b": 1, "c": 0, "street": 4, "rest": 90, "district": 94}
    system = system_of(*table(values, STREET_SUMS))
    low, high = (dict(zip(system.ids, one, strict=True)) for one in open_limits(system))
    assert {c: (low[c], high[c]) for c in "abc"} == {"a": (1, 3), "b": (1, 3), "c": (0, 0)}
    assert (low["street"], high["street"]) == (2, 4)
    assert (low["district"], high["district"]) == (7, float("inf"))


def test_zeros_are_published_unless_they_are_small() -> None:
    cells, sums = table({"a": 0, "b": 9, "c": 20, "t": 29}, {"t": ["a", "b", "c"]})
    assert hidden_in(suppress(cells, sums)) == set()
    found = suppress(cells, sums, zero_is_small=True)
    assert dict(found.select("cell", "withheld").rows())["a"] == "primary"
    assert hidden_in(found) == {"a", "b"}
    known = audit(found, sums, zero_is_small=True).filter(pl.col("cell") == "a")
    assert known["lower", "upper", "needed_lower", "needed_upper"].rows() == [(0, 4, 0, 4)]


def test_k_follows_the_sharing_class() -> None:
    cells, sums = table({"a": 7, "b": 40, "c": 60, "t": 107}, {"t": ["a", "b", "c"]})
    inside = cells.drop("k").with_columns(sharing=pl.lit("conditional"))
    outside = cells.drop("k").with_columns(sharing=pl.lit("unconditional"))
    assert hidden_in(suppress(inside, sums)) == set()
    assert hidden_in(suppress(outside, sums)) == {"a", "b"}


def test_costs_and_the_last_choice_are_heeded() -> None:
    cells, sums = table(STREET | {"c": 9, "street": 21, "district": 121}, STREET_SUMS)
    assert hidden_in(suppress(cells, sums)) == {"a", "b"}
    kept = cells.with_columns(was_hidden=pl.col("cell") == "c")
    assert hidden_in(suppress(kept, sums)) == {"a", "c"}
    dear = cells.with_columns(weight=pl.when(pl.col("cell") == "b").then(9.0).otherwise(1.0))
    assert hidden_in(suppress(dear, sums)) == {"a", "c"}


def test_a_table_that_cannot_be_had_safe_is_refused(monkeypatch) -> None:
    cells, sums = table(STREET, STREET_SUMS)
    monkeypatch.setattr("quality.disclosure.hidden_cells", lambda system, **_: system.is_small)
    with pytest.raises(Unprotected, match="1 small counts could be narrowed: a"):
        suppress(cells, sums)


small_tables = st.tuples(
    st.integers(3, 5),
    st.sampled_from([(2, 2), (2, 3), (3, 2)]).flatmap(
        lambda shape: st.lists(
            st.lists(st.integers(0, 6), min_size=shape[1], max_size=shape[1]),
            min_size=shape[0],
            max_size=shape[0],
        )
    ),
)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(small_tables, st.randoms(use_true_random=False))
def test_the_audit_agrees_with_trying_every_table(drawn, rng: random.Random) -> None:
    k, inner = drawn
    cells, sums = crossed(inner, k)
    shown = [c for c, v in cells.select("cell", "value").rows() if v > 0 and "T" not in c]
    hidden = set(rng.sample(shown, min(len(shown), 4)))
    found = audit(hide(cells, *hidden), sums, every_bound=True).filter(pl.col("withheld") != "")
    exact = bounds(cells, sums, hidden, 19) if hidden else {}
    assert {c: (low, high) for c, low, high in found["cell", "lower", "upper"].rows()} == exact


@settings(max_examples=25, deadline=None, derandomize=True)
@given(small_tables)
def test_small_counts_keep_their_limits_in_some_table(drawn) -> None:
    """Where trying every table is possible, both limits of every small count occur."""
    k, inner = drawn
    cells, sums = crossed(inner, k)
    for exact_cells in (0, 400):
        decided = suppress(cells, sums, exact_cells=exact_cells)
        hidden = hidden_in(decided)
        if len(hidden) > 4:
            continue
        exact = bounds(cells, sums, hidden, 19) if hidden else {}
        judged = audit(decided, sums).filter(pl.col("withheld") == "primary")
        for cell, low, high in judged["cell", "needed_lower", "needed_upper"].rows():
            assert exact[cell] == (low, high)


@pytest.mark.parametrize("inner", [[[6, 4], [5, 6]], [[0, 2], [0, 6]], [[12, 7], [4, 9]]])
def test_small_tables_are_hidden_at_least_cost(inner: list[list[int]]) -> None:
    """Against every pattern there is, where taking the cheapest cell each time is not best."""
    cells, sums = crossed(inner, 5)
    system = system_of(cells, sums)
    weight = dict(zip(system.ids, system.weight, strict=True))
    value = dict(cells.select("cell", "value").rows())
    small = {c for c, v in value.items() if 0 < v < 5}
    others = [c for c, v in value.items() if v >= 5]
    safe = [
        sum(weight[c] for c in more)
        for size in range(len(others) + 1)
        for more in itertools.combinations(others, size)
        if audit(hide(cells, *small, *more), sums)["is_safe"].all()
    ]
    spent, by_rule = (
        sum(weight[c] for c in hidden_in(suppress(cells, sums, exact_cells=most)) - small)
        for most in (400, 0)
    )
    assert spent == pytest.approx(min(safe))
    assert by_rule > spent


def test_the_order_of_rows_does_not_matter() -> None:
    cells, sums = table(district(1), district_sums())
    decided = suppress(cells, sums)
    assert decided["withheld"].value_counts().height == 3
    shuffled = suppress(
        cells.sample(fraction=1, shuffle=True, seed=2), sums.sample(fraction=1, shuffle=True)
    )
    assert_frame_equal(decided.sort("cell"), shuffled.sort("cell"))
    assert_frame_equal(decided, suppress(cells, sums))


def test_large_tables_are_safe_and_cost_little_more() -> None:
    cells, sums = table(district(3), district_sums())
    assert len(parts(system_of(cells, sums), 400)) == 1
    by_rule, by_program = suppress(cells, sums, exact_cells=0), suppress(cells, sums)
    assert audit(by_rule, sums)["is_safe"].all()
    small = cells.filter(pl.col("value").is_between(1, 4)).height
    least, more = (len(hidden_in(one)) - small for one in (by_program, by_rule))
    assert 0 < least <= more <= 1.5 * least


def test_what_turned_out_to_be_needless_is_published_again(monkeypatch) -> None:
    cells, sums = table(district(3), district_sums())
    pruned = hidden_in(suppress(cells, sums, exact_cells=0))
    monkeypatch.setattr("quality.disclosure_control.solve.prune", lambda cover: None)
    assert len(pruned) < len(hidden_in(suppress(cells, sums, exact_cells=0)))


@pytest.mark.parametrize(
    ("values", "sums", "said"),
    [
        ({"a": 3, "t": 4}, {"t": ["a"]}, "t: t is 4, its parts are 3"),
        ({"a": -1, "t": -1}, {"t": ["a"]}, "negative: a, t"),
        ({"a": 3, "t": 3}, {"t": ["a", "b"]}, "not there: b"),
        ({"a": 3, "t": 3}, {"t": ["a", "a"]}, "twice: t"),
        ({"a": 3, "t": 3}, {"t": ["a"], "a": ["t"]}, "part of itself"),
        ({"a": 1.5, "t": 1.5}, {"t": ["a"]}, "no whole number: a, t"),
    ],
)
def test_unfit_tables_say_what_is_wrong(values, sums: Sums, said: str) -> None:
    with pytest.raises(UnfitTable, match=said):
        suppress(*table(values, sums))


def test_unfit_cells_say_what_is_wrong() -> None:
    cells, sums = table(STREET, STREET_SUMS)
    with pytest.raises(SumsDisagree, match=r"1 totals .* street: street is 32, its parts are 33"):
        suppress(cells.with_columns(value=pl.col("value") + (pl.col("cell") == "b")), sums)
    with pytest.raises(UnfitTable, match="stand twice: a"):
        suppress(pl.concat([cells, cells.head(1)]), sums)
    with pytest.raises(UnfitTable, match="k = 2 protects nobody"):
        suppress(cells.with_columns(k=pl.lit(2)), sums)
    with pytest.raises(UnfitTable, match="1 cells have no value"):
        suppress(cells.with_columns(value=pl.col("value").replace(9, None)), sums)
    with pytest.raises(UnfitTable, match="no column withheld"):
        audit(cells, sums)
    with pytest.raises(UnfitTable, match=r"no k for sharing classes \['secret'\]"):
        suppress(cells.drop("k").with_columns(sharing=pl.lit("secret")), sums)
