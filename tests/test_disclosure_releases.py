"""Two releases together: what was hidden last time stays hidden, whatever is told now."""

from __future__ import annotations

import itertools
import random

import polars as pl
import pytest
from disclosure_tables import district, district_sums, hidden_in, leaks, table
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from quality.disclosure import Release, UnfitTable, audit, audit_releases, suppress

SUMS = {"street": ["a", "b", "c"], "district": ["street", "rest"]}


def street(a: int, b: int, c: int, rest: int = 100) -> tuple[pl.DataFrame, pl.DataFrame]:
    total = a + b + c
    values = {"a": a, "b": b, "c": c, "street": total, "rest": rest, "district": total + rest}
    return table(values, SUMS)


def decided(cells: pl.DataFrame, sums: pl.DataFrame) -> Release:
    return Release(suppress(cells, sums), sums)


def test_what_did_not_change_is_not_told_later() -> None:
    """b hid a; now a is large, b alone would be published and give last month's a away."""
    last = decided(*street(3, 9, 20))
    cells, sums = street(6, 9, 20)
    assert hidden_in(last.cells) == {"a", "b"}
    assert hidden_in(suppress(cells, sums)) == set()
    assert leaks(audit_releases(last, decided(cells, sums))) == {"a": (3, 3)}
    together = suppress(cells, sums, last=last)
    assert {"b"} < hidden_in(together)
    assert leaks(audit_releases(last, Release(together, sums))) == {}


def test_the_new_release_is_safe_against_what_the_last_one_told() -> None:
    """b was published, so it cannot hide a now; c changed and can."""
    last = decided(*street(8, 9, 20))
    cells, sums = street(3, 9, 21)
    assert hidden_in(suppress(cells, sums)) == {"a", "b"}
    found = audit_releases(last, decided(cells, sums))
    assert leaks(found) == {"a": (3, 3)}
    assert found.filter(~pl.col("is_safe"))["release"].to_list() == ["after"]
    assert {"a", "c"} <= hidden_in(suppress(cells, sums, last=last))


def test_equal_values_that_may_have_changed_tell_nothing() -> None:
    last = decided(*street(3, 9, 20))
    after = decided(*street(6, 9, 20))
    moved = pl.Series(["b", "c", "rest"])
    assert leaks(audit_releases(last, after, changed=moved)) == {}
    assert hidden_in(suppress(*street(6, 9, 20), last=last, changed=moved)) == set()


def test_flows_give_no_stock_away() -> None:
    """To date = to date last month + this month: 9 less 6 is the hidden 3."""
    last = decided(*table({"a": 3, "b": 9, "c": 20, "t": 32}, {"t": ["a", "b", "c"]}))
    months = {"month a": 6, "month b": 5, "month c": 8, "month t": 19}
    values = {"a": 9, "b": 14, "c": 28, "t": 51} | months
    cells, sums = table(values, {"t": ["a", "b", "c"]})
    rows = [(x, x, part, when) for x in "abct" for part, when in ((x, "before"), (f"month {x}", "after"))]  # fmt: skip  # noqa: E501
    links = pl.DataFrame(rows, ["equation", "total", "part", "part_of"], orient="row")
    after = decided(cells, sums)
    assert leaks(audit_releases(last, after)) == {}
    assert leaks(audit_releases(last, after, links=links)) == {"a": (3, 3)}
    together = suppress(cells, sums, last=last, links=links)
    assert leaks(audit_releases(last, Release(together, sums), links=links)) == {}
    wrong = cells.with_columns(value=pl.col("value") + (pl.col("cell") == "month a"))
    with pytest.raises(UnfitTable, match="a: after a is 9, its parts are 10"):
        suppress(wrong, sums, last=last, links=links)
    with pytest.raises(UnfitTable, match="links need"):
        suppress(cells, sums, last=last, links=links.drop("part_of"))


def test_what_is_known_already_is_hidden_but_not_judged() -> None:
    """k was raised: last month's 7 is out, nobody can take it back."""
    cells, sums = street(7, 20, 30)
    last = decided(cells, sums)
    stricter = cells.with_columns(k=pl.lit(10))
    again = suppress(stricter, sums, last=last)
    assert hidden_in(last.cells) == set()
    assert {"a"} < hidden_in(again), "whoever missed the last release learns nothing"
    assert audit(again, sums)["is_safe"].all()


def test_a_hidden_count_that_becomes_small_keeps_what_both_rules_leave() -> None:
    """b = 7 is small for k = 10 now; that a + b = 10 and a < 5 was told before."""
    cells, sums = street(3, 7, 20)
    last = decided(cells, sums)
    assert hidden_in(last.cells) == {"a", "b"}
    stricter = cells.with_columns(k=pl.lit(10))
    now = Release(suppress(stricter, sums, last=last), sums)
    needed = audit_releases(last, now).filter(pl.col("cell") == "b")
    assert needed["needed_lower", "needed_upper"].rows() == [(6, 9)]


def test_a_month_later_both_releases_hold() -> None:
    rng = random.Random(7)
    before, sums = table(district(5), district_sums())
    values = dict(before.select("cell", "value").rows())
    for cell in [c for c in values if c[0] == "c" and not c.endswith("all")]:
        change = rng.choice([0, 0, 0, 1, -1]) if values[cell] else 0
        area, who = cell.split(".")
        for above in (area, f"s{int(area[1:]) % 6}", "district"):
            for name in (f"{above}.{who}", f"{above}.all"):
                values[name] += change
    last, (after, _) = decided(before, sums), table(values, district_sums())
    apart = decided(after, sums)
    assert leaks(audit_releases(last, apart))
    together = suppress(after, sums, last=last)
    assert leaks(audit_releases(last, Release(together, sums))) == {}
    assert audit(together, sums)["is_safe"].all()
    shuffled = Release(last.cells.sample(fraction=1, shuffle=True, seed=1), sums)
    assert_frame_equal(suppress(after, sums, last=shuffled), together)
    assert len(hidden_in(together)) < 1.5 * len(hidden_in(apart.cells))


counts = st.lists(st.integers(0, 9), min_size=3, max_size=3)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(counts, counts)
def test_both_limits_occur_in_some_pair_of_tables(first: list[int], second: list[int]) -> None:
    """Against trying every pair of tables that agrees with both releases."""
    names, sums = ("a", "b", "c"), {"t": ["a", "b", "c"]}
    pair = []
    for leaves in (first, second):
        values = dict(zip(names, leaves, strict=True)) | {"t": sum(leaves)}
        pair.append(table(values, sums))
    last = decided(*pair[0])
    together = Release(suppress(*pair[1], last=last), pair[1][1])
    value = [dict(one.cells.select("cell", "value").rows()) for one in (last, together)]
    hidden = [hidden_in(one.cells) for one in (last, together)]
    same = {c for c in value[0] if value[0][c] == value[1][c]}
    found: dict[tuple[int, str], set[int]] = {}
    tries = [
        [range(1, 5) if 0 < v < 5 else range(5, 24)] if c in hidden[at] else [[v]]
        for at in (0, 1)
        for c, v in value[at].items()
        if c != "t"
    ]
    for guess in itertools.product(*(own[0] for own in tries)):
        tables = [dict(zip(names, guess[i : i + 3], strict=True)) for i in (0, 3)]
        for at, one in enumerate(tables):
            one["t"] = sum(one.values())
            is_small, is_hidden = 0 < value[at]["t"] < 5, "t" in hidden[at]
            fits = is_small == (one["t"] < 5) if is_hidden else one["t"] == value[at]["t"]
            if not fits:
                break
        else:
            if all(tables[0][c] == tables[1][c] for c in same):
                for at, one in enumerate(tables):
                    for c, v in one.items():
                        found.setdefault((at, c), set()).add(v)
    judged = audit_releases(last, together).filter(pl.col("withheld") == "primary")
    for cell, low, high, release in judged[
        "cell", "needed_lower", "needed_upper", "release"
    ].rows():
        seen = found[int(release == "after"), cell]
        assert (min(seen), max(seen)) == (low, high)
