"""Declared coordinate systems against points whose true position is known."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from quality.coordinates import wgs84_to_bd09, wgs84_to_gcj02
from quality.reference_points import (
    COMMUNITY_WITHIN_M,
    FEWEST_REFERENCES,
    OUTCOME_ZH,
    Verdict,
    judge_system,
)

quick = settings(deadline=None, max_examples=80)
TO = {"WGS84": lambda x, y: (x, y), "CGCS2000": lambda x, y: (x, y), "GCJ02": wgs84_to_gcj02,
      "BD09": wgs84_to_bd09}  # fmt: skip
SAME = {"CGCS2000": "WGS84"}
systems = st.sampled_from(list(TO))
in_china = st.tuples(st.floats(76, 130), st.floats(19, 50))


def moved(x, y, east_m, north_m):
    """Points moved by metres, on a ball."""
    north = np.degrees(north_m / 6371000)
    return x + np.degrees(east_m / (6371000 * np.cos(np.radians(y)))), y + north


def frame(reference, x, y) -> pl.DataFrame:
    return pl.DataFrame(
        {"reference": [str(r) for r in reference], "longitude": x, "latitude": y},
        schema_overrides={"longitude": pl.Float64, "latitude": pl.Float64},
    )


def district(
    seed: int, count: int, place=(118.148, 24.53)
) -> tuple[pl.DataFrame, np.random.Generator]:
    """References spread over some ten kilometres."""
    rng = np.random.default_rng(seed)
    east, north = rng.uniform(-6000, 6000, (2, count))
    return frame(range(count), *moved(*place, east, north)), rng


def delivered(references: pl.DataFrame, system: str, east_m, north_m) -> pl.DataFrame:
    """What a feed in a system delivers for these references, with some error of its own."""
    x, y = moved(references["longitude"].to_numpy(), references["latitude"].to_numpy(),
                 east_m, north_m)  # fmt: skip
    return frame(references["reference"], *TO[system](x, y))


def apart_m(place: tuple[float, float], one: str, other: str) -> float:
    (x1, y1), (x2, y2) = TO[one](*place), TO[other](*place)
    return math.hypot((x1 - x2) * 111320 * math.cos(math.radians(place[1])), (y1 - y2) * 111320)


def noise(rng: np.random.Generator, count: int, most_m: float):
    """Errors of up to `most_m` metres in any direction."""
    angle, length = rng.uniform(0, 2 * np.pi, count), most_m * np.sqrt(rng.random(count))
    return length * np.cos(angle), length * np.sin(angle)


@quick
@given(st.integers(0, 10**6), st.integers(12, 60), in_china, systems, systems,
       st.floats(0, 30))  # fmt: skip
def test_the_true_system_is_recognised_whatever_is_declared(
    seed, count, place, true, declared, most_m
) -> None:
    others = {"WGS84", "GCJ02", "BD09"} - {SAME.get(true, true)}
    assume(min(apart_m(place, true, other) for other in others) > 150)
    references, rng = district(seed, count, place)
    verdict = judge_system(delivered(references, true, *noise(rng, count, most_m)), references,
                           declared)  # fmt: skip
    is_right = SAME.get(true, true) == SAME.get(declared, declared)
    assert verdict.outcome == ("as_declared" if is_right else "wrong"), verdict
    assert SAME.get(verdict.likely, verdict.likely) == SAME.get(true, true)
    assert verdict.sureness >= 0.99
    assert verdict.references == count
    expected = 0.0 if is_right else apart_m(place, true, declared)
    assert verdict.displacement_m == pytest.approx(expected, abs=40, rel=0.1)


@quick
@given(st.integers(0, 10**6), st.integers(0, FEWEST_REFERENCES - 1), systems, systems)
def test_few_references_cannot_tell(seed, count, true, declared) -> None:
    references, rng = district(seed, count)
    verdict = judge_system(delivered(references, true, *noise(rng, count, 5)), references, declared)
    assert (verdict.outcome, verdict.likely) == ("cannot_tell", None)
    assert verdict.references == count


@quick
@given(st.integers(0, 10**6), st.integers(6, 40), in_china, systems, systems)
def test_what_is_said_surely_is_never_false(seed, count, place, true, declared) -> None:
    """Also where systems hardly differ: by 38 m at the least within China."""
    references, rng = district(seed, count, place)
    verdict = judge_system(delivered(references, true, *noise(rng, count, 30)), references,
                           declared)  # fmt: skip
    assert verdict.likely is None or SAME.get(verdict.likely, verdict.likely) == SAME.get(
        true, true
    )
    assert verdict.outcome in {"as_declared", "wrong", "cannot_tell"}


def test_a_wrong_declaration_names_system_and_metres() -> None:
    references, rng = district(1, 30)
    verdict = judge_system(
        delivered(references, "GCJ02", *noise(rng, 30, 20)), references, "CGCS2000"
    )
    assert (verdict.outcome, verdict.likely, verdict.declared) == ("wrong", "GCJ02", "CGCS2000")
    assert verdict.displacement_m == pytest.approx(579.4, abs=15)  # codes/coord_test_vectors.csv
    assert verdict.misses_m["GCJ02"] < 15
    assert verdict.misses_m["BD09"] > 500
    assert verdict.east_m == pytest.approx(497, abs=20)
    assert verdict.north_m == pytest.approx(-299, abs=20)


def test_communities_are_enough_where_there_are_many() -> None:
    rng = np.random.default_rng(4)
    references, _ = district(4, 54)
    east, north = rng.normal(0, 350, (2, 54 * 20))
    rows = pl.concat([references] * 20)
    for true, outcome in (("WGS84", "as_declared"), ("GCJ02", "wrong"), ("BD09", "wrong")):
        points = delivered(rows, true, east, north)
        verdict = judge_system(points, references, "WGS84", COMMUNITY_WITHIN_M)
        assert (verdict.outcome, verdict.likely, verdict.references) == (outcome, true, 54)
    few = references.head(8)
    alone = delivered(few, "GCJ02", *rng.normal(0, 700, (2, 8)))
    assert judge_system(alone, few, "WGS84", COMMUNITY_WITHIN_M).outcome == "cannot_tell"


def test_a_share_in_another_system_is_told() -> None:
    references, rng = district(5, 40)
    own, other = references.head(28), references.tail(12)
    rows = pl.concat([delivered(own, "WGS84", *noise(rng, 28, 20)),
                      delivered(other, "GCJ02", *noise(rng, 12, 20))])  # fmt: skip
    verdict = judge_system(rows, references, "WGS84")
    assert (verdict.outcome, verdict.likely, verdict.also) == ("mixed", "WGS84", "GCJ02")
    assert (verdict.sureness, verdict.also_share) == (0.7, 0.3)
    half = pl.concat([rows.head(20), delivered(references.tail(20), "BD09", 0.0, 0.0)])
    assert judge_system(half, references, "GCJ02").outcome == "mixed"


def test_a_share_counts_only_where_it_is_one() -> None:
    references, rng = district(10, 100)
    rows = pl.concat([delivered(references.head(96), "WGS84", *noise(rng, 96, 20)),
                      delivered(references.tail(4), "GCJ02", 0.0, 0.0)])  # fmt: skip
    assert judge_system(rows, references, "WGS84").outcome == "as_declared"
    few = references.head(24)
    astray = pl.concat([
        delivered(few.head(4), "WGS84", 0.0, 0.0), delivered(few.slice(4, 4), "GCJ02", 0.0, 0.0),
        delivered(few.tail(16), "WGS84", rng.uniform(2000, 5000, 16), rng.uniform(2000, 5000, 16)),
    ])  # fmt: skip
    assert judge_system(astray, few, "WGS84").outcome == "no_known_system"


def test_systems_that_hardly_differ_are_not_mixed() -> None:
    place = (96.75, 36.75)  # the offset is least here
    assert apart_m(place, "WGS84", "GCJ02") < 40
    references, rng = district(11, 40, place)
    rows = delivered(references, "WGS84", *noise(rng, 40, 30))
    assert judge_system(rows, references, "WGS84").outcome in ("as_declared", "cannot_tell")


def test_a_few_points_elsewhere_do_not_matter() -> None:
    references, rng = district(6, 40)
    rows = delivered(references, "WGS84", *noise(rng, 40, 20))
    astray = rows.with_columns(
        pl.when(pl.int_range(pl.len()) < 8).then(pl.col("longitude") + 0.05).otherwise("longitude")
    )
    assert judge_system(astray, references, "WGS84").outcome == "as_declared"


def test_a_displacement_of_another_kind_is_no_known_system() -> None:
    references, rng = district(7, 40)
    east, north = noise(rng, 40, 20)
    verdict = judge_system(
        delivered(references, "WGS84", east - 80, north - 90), references, "WGS84"
    )
    assert (verdict.outcome, verdict.likely) == ("no_known_system", None)
    assert verdict.displacement_m == pytest.approx(120, abs=10)


def test_outside_china_gcj02_is_no_other_system() -> None:
    references, rng = district(8, 20, (-122.42, 37.77))
    rows = delivered(references, "WGS84", *noise(rng, 20, 20))
    for declared in ("WGS84", "GCJ02"):
        verdict = judge_system(rows, references, declared)
        assert (verdict.outcome, verdict.likely) == ("as_declared", declared)
    assert judge_system(rows, references, "BD09").outcome == "wrong"


def test_a_busy_reference_counts_once_and_incomplete_rows_do_not() -> None:
    references, _ = district(9, 10)
    rows = delivered(references, "WGS84", 0.0, 0.0)
    busy = pl.concat([rows.head(1).with_columns(pl.col("longitude") + 0.1)] * 500)
    gaps = pl.DataFrame({"reference": [None, "3", "3", "nobody"],
                         "longitude": [118.0, None, 118.0, 118.0],
                         "latitude": [24.0, 24.0, None, 24.0]})  # fmt: skip
    verdict = judge_system(pl.concat([rows, busy, gaps]), references, "WGS84")
    assert (verdict.outcome, verdict.references) == ("as_declared", 10)
    assert judge_system(rows.clear(), references, "BD09") == Verdict("cannot_tell", "BD09")
    assert set(OUTCOME_ZH) >= {verdict.outcome}
