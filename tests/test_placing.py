"""Placing against a loop over shapes, one point at a time."""

from __future__ import annotations

from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point, Polygon, box

from quality.placing import Communities, Grids, Way

quick = settings(deadline=None, max_examples=60)

# Two rows of squares that share borders, and one that lies over two of them.
HOLE = box(2.5, 0.5, 3, 1).exterior.coords
SHAPES: dict[str, Polygon] = {
    "350299001001": box(0, 0, 1, 1),
    "350299001002": box(1, 0, 2, 1),
    "350299001003": box(0, 1, 1, 2),
    "350299002001": box(0.5, 0.5, 1.5, 1.5),
    "350299002002": Polygon([(2, 0), (4, 0), (4, 2), (2, 2)], [HOLE]),
}
NAMES = {"350299001001": "后浦社区", "350299001002": "后埔社区"}
CODES = [*SHAPES, "350299", "350299001", "350298001001", "350299001001001", "后浦社区", ""]
AREAS = pl.DataFrame(
    [
        {"area_code": code, "tier": "community", "shape": shape.wkb,
         "area_name": NAMES.get(code, code)}
        for code, shape in reversed(SHAPES.items())
    ]
    + [{"area_code": "350299", "tier": "district", "shape": box(0, 0, 4, 2).wkb, "area_name": "区"},
       {"area_code": "350299001001001", "tier": "grid", "shape": box(0, 0, 1, 1).wkb,
        "area_name": "网格"}]
)  # fmt: skip
COMMUNITIES = Communities(AREAS)

Row = dict[str, Any]

sides = st.sampled_from([None, 0.0, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 2.75, 3.0, 4.0, 4.5])
codes = st.sampled_from([None, None, *CODES])
grids = st.sampled_from([None, None, "350299001001001", "350299002002999", "350298001001001", "x"])
rows_of = st.lists(
    st.fixed_dictionaries(
        {"community_code": codes, "grid_code": grids, "longitude": sides, "latitude": sides}
    ),
    max_size=12,
)
SCHEMA = {"community_code": pl.String, "grid_code": pl.String, "longitude": pl.Float64,
          "latitude": pl.Float64}  # fmt: skip


def loop_at(longitude: float | None, latitude: float | None) -> str | None:
    if longitude is None or latitude is None:
        return None
    for code in sorted(SHAPES):
        if SHAPES[code].intersects(Point(longitude, latitude)):
            return code
    return None


def loop_place(row: Row) -> tuple[str | None, str]:
    for code in (row.get("community_code"), (row.get("grid_code") or "")[:12]):
        if code in SHAPES:
            return code, "code"
    code = loop_at(row.get("longitude"), row.get("latitude"))
    return (code, "point") if code else (None, "unplaced")


def placed(rows: pl.DataFrame, communities: Communities = COMMUNITIES) -> list[tuple]:
    return communities.place(rows).select("community_code", "placed_by").rows()


@quick
@given(rows_of)
def test_places_are_those_of_a_loop_over_shapes(rows: list[Row]) -> None:
    assert placed(pl.DataFrame(rows, schema=SCHEMA)) == [loop_place(row) for row in rows]


@quick
@given(rows_of, st.sets(st.sampled_from(["community_code", "grid_code", "point"])))
def test_only_columns_that_are_there_are_used(rows: list[Row], gone: set[str]) -> None:
    absent = {c for name in gone for c in
              (("longitude", "latitude") if name == "point" else (name,))}  # fmt: skip
    left = [{c: v for c, v in row.items() if c not in absent} for row in rows]
    frame = pl.DataFrame(rows, schema=SCHEMA).drop(absent).with_row_index("n")
    assert placed(frame) == [loop_place(row) for row in left]


@quick
@given(st.lists(st.tuples(st.floats(-1, 5), st.floats(-1, 3)), max_size=12))
def test_points_are_found_as_a_loop_finds_them(points: list[tuple[float, float]]) -> None:
    schema = {"longitude": pl.Float64, "latitude": pl.Float64}
    frame = pl.DataFrame(points, schema=schema, orient="row")
    assert COMMUNITIES.at_points(frame).to_list() == [loop_at(x, y) for x, y in points]


def test_a_point_on_a_border_belongs_to_the_smaller_code() -> None:
    frame = pl.DataFrame({"longitude": [1.0, 2.0, 2.5], "latitude": [0.25, 0.25, 0.75]})
    assert [code for code, _ in placed(frame)] == ["350299001001", "350299001002", "350299002002"]


def test_code_beats_grid_and_grid_beats_point() -> None:
    row = {"community_code": "350299002002", "grid_code": "350299001001001",
           "longitude": 1.75, "latitude": 0.25}  # fmt: skip
    found = []
    for gone in ((), ("community_code",), ("community_code", "grid_code")):
        found += placed(pl.DataFrame([row | dict.fromkeys(gone)], schema=SCHEMA))
    assert found == [("350299002002", "code"), ("350299001001", "code"), ("350299001002", "point")]


def test_an_unknown_code_counts_as_none() -> None:
    row = {"community_code": "350298001001", "grid_code": "350298001001001",
           "longitude": 0.25, "latitude": 0.25}  # fmt: skip
    assert placed(pl.DataFrame([row])) == [("350299001001", "point")]
    assert placed(pl.DataFrame([row]).drop("longitude", "latitude")) == [(None, "unplaced")]


def test_names_that_sound_alike_are_never_matched() -> None:
    for name in NAMES.values():
        frame = pl.DataFrame({"community_code": [name], "community_name": [name]})
        assert placed(frame) == [(None, "unplaced")]


def test_a_district_without_communities_places_nothing() -> None:
    nobody = Communities(AREAS.filter(pl.col("tier") == "grid"))
    frame = pl.DataFrame(
        {"community_code": ["350299001001"], "longitude": [0.5], "latitude": [0.5]}
    )
    assert placed(frame, nobody) == [(None, "unplaced")]


NAMED = pl.DataFrame(
    [
        {"area_code": code, "tier": tier, "area_name": name,
         "shape": SHAPES.get(code, box(0, 0, 4, 2)).wkb}
        for code, tier, name in [
            ("350299", "district", "示范区"), ("350299001", "street", "云岭街道"),
            ("350299002", "street", "澄溪街道"), ("350299001001", "community", "后浦社区"),
            ("350299001002", "community", "中心社区"), ("350299002002", "community", "中心社区"),
        ]
    ]
)  # fmt: skip


def test_names_count_where_the_caller_asks_and_in_the_order_given() -> None:
    row = {"community_code": "350299002002", "community_name": "后浦居委会",
           "longitude": 1.75, "latitude": 0.25}  # fmt: skip
    communities = Communities(NAMED)

    def by(*order: Way) -> tuple:
        placed = communities.place(pl.DataFrame([row]), order)
        return placed.select("community_code", "placed_by").row(0)

    assert by("code", "name", "point") == ("350299002002", "code")
    assert by("name", "code", "point") == ("350299001001", "name")
    assert by("grid", "point", "name") == ("350299001002", "point")
    assert by("grid") == (None, "unplaced")
    assert placed(pl.DataFrame([row]).drop("community_code"), communities)[0][1] == "point"


def test_a_name_that_tells_nothing_says_why_and_leaves_the_rest_to_the_next_way() -> None:
    rows = pl.DataFrame(
        {
            "community_name": ["中心社区", "中心社区", "厚浦", None, "后浦", "后浦"],
            "street_name": [None, "澄溪街道办事处", None, None, "海岚街道", None],
            "longitude": [1.75, None, None, 0.25, None, None],
            "latitude": [0.25, None, None, 0.25, None, None],
        }
    )
    found = Communities(NAMED).place(rows, ("name", "point"))
    assert found.select("community_code", "placed_by", "name_reason").rows() == [
        ("350299001002", "point", "name_is_ambiguous"),
        ("350299002002", "name", None),
        (None, "unplaced", "name_is_unknown"),
        ("350299001001", "point", "name_is_absent"),
        (None, "unplaced", "street_is_unknown"),
        ("350299001001", "name", None),
    ]
    assert found.drop("community_code", "placed_by", "name_reason").equals(rows)


def test_a_row_placed_before_is_not_asked_for_its_name() -> None:
    rows = pl.DataFrame({"community_code": ["350299001001"], "community_name": ["没有"]})
    found = Communities(NAMED).place(rows, ("code", "name"))
    assert found["name_reason"].to_list() == [None]
    assert "name_reason" not in Communities(NAMED).place(rows).columns


@quick
@given(rows_of)
def test_the_order_of_trust_is_the_callers(rows: list[Row]) -> None:
    frame = pl.DataFrame(rows, schema=SCHEMA)
    expected = []
    for row in rows:
        code = loop_at(row["longitude"], row["latitude"])
        expected.append((code, "point") if code else
                        loop_place(row | {"longitude": None, "community_code": None}))  # fmt: skip
    placed = COMMUNITIES.place(frame, ("point", "grid"))
    assert placed.select("community_code", "placed_by").rows() == expected


def test_grids_are_found_by_points_too() -> None:
    halves = {"350299001001001": box(0, 0, 1, 1), "350299001001002": box(1, 0, 2, 1)}
    areas = pl.concat([
        AREAS.filter(pl.col("tier") != "grid"),
        pl.DataFrame([{"area_code": code, "tier": "grid", "shape": shape.wkb, "area_name": code}
                      for code, shape in halves.items()]),
    ])  # fmt: skip
    grids = Grids(areas)
    points = pl.DataFrame({"longitude": [0.5, 1.0, 1.5, 2.5, None, float("nan")],
                           "latitude": [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]})  # fmt: skip
    first, second = halves
    assert grids.at_points(points).to_list() == [first, first, second, None, None, None]
    assert grids.at_points(points).name == "grid_code"
    assert grids.codes.to_list() == [first, second]
