"""Checks of space on a real lake: what they warn of, and what they name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import dagster as dg
import numpy as np
import polars as pl
import pytest
import shapely
from shapely import Polygon, box

from assets import space_checks
from assets.silver import areas as silver_areas
from assets.space_checks import SPACE_CHECKS, areas_cover_their_parent_once, judge_feed, sentence
from quality.coordinates import wgs84_to_bd09, wgs84_to_gcj02
from schemas import tables
from schemas.contract import polars_schema
from schemas.feeds import BY_NAME, Feed
from warehouse.lake import Lake

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WIDE = 0.02
CENTRES = {f"350299001{n:03d}": (118.1 + WIDE * (n % 4), 24.5 + WIDE * (n // 4)) for n in range(12)}
Shift = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def community(code: str) -> Polygon:
    x, y = CENTRES[code]
    return box(x - WIDE / 2, y - WIDE / 2, x + WIDE / 2, y + WIDE / 2)


def write(lake: Lake, layer: str, name: str, rows: list[dict]) -> None:
    table = tables.table(layer, name)  # pyright: ignore[reportArgumentType]
    schema = polars_schema(table.contract)
    frame = pl.DataFrame(rows, schema_overrides={c: t for c, t in schema.items() if c in rows[0]})
    absent = [pl.lit(None, t).alias(c) for c, t in schema.items() if c not in frame.columns]
    lake.replace(table, frame.with_columns(absent))


def write_areas(lake: Lake, shapes: dict[str, Polygon], *, shift: Shift | None = None) -> None:
    """Bronze as delivered, silver as cleaned from what is true."""
    own = {"350299": shapely.union_all([community(code) for code in CENTRES]), **shapes}
    own["350299001"] = own["350299"]
    tiers = {6: "district", 9: "street", 12: "community"}
    true = [
        {"file_id": "f", "row_number": n, "item_number": 0, "area_code": code, "area_name": code,
         "tier": tiers[len(code)], "parent_code": None, "shape": shape, "updated_at": NOW}
        for n, (code, shape) in enumerate(own.items())
    ]  # fmt: skip
    given = [
        row | {"shape": shapely.to_wkb(shapely.transform(
            row["shape"], lambda c: np.column_stack(shift(*c.T)) if shift else c))}
        for row in true
    ]  # fmt: skip
    write(lake, "bronze", "areas", given)
    schema = polars_schema(tables.table("bronze", "areas").contract)
    rows = pl.DataFrame([row | {"shape": shapely.to_wkb(row["shape"])} for row in true], schema)
    lake.replace(tables.table("silver", "areas"), silver_areas.clean(rows).rows)


def write_devices(lake: Lake, shift: Shift, count: int = 240) -> list[tuple[str, float, float]]:
    """Cameras all over the communities; their codes with the true positions."""
    rng = np.random.default_rng(3)
    codes = rng.choice(list(CENTRES), count)
    true = np.array([CENTRES[code] for code in codes]) + rng.uniform(-0.4, 0.4, (count, 2)) * WIDE
    x, y = shift(*true.T)
    ids = [f"35029900001320{n:06d}" for n in range(count)]
    write(lake, "bronze", "devices", [
        {"file_id": "f", "row_number": n, "item_number": 0, "device_id": ids[n],
         "device_kind": "camera", "longitude": x[n], "latitude": y[n], "community_code": codes[n],
         "updated_at": NOW}
        for n in range(count)
    ])  # fmt: skip
    return [(one, *point) for one, point in zip(ids, true.tolist(), strict=True)]


def write_surveyed(lake: Lake, points: list[tuple[str, float, float]]) -> None:
    lake.home.config.mkdir(parents=True, exist_ok=True)
    lines = [f"{code},某处,{x:.6f},{y:.6f}" for code, x, y in points]
    text = "\n".join(["编码,名称,经度,纬度", *lines])
    (lake.home.config / "reference_points.csv").write_text(text, encoding="gb18030")


def stay(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return x, y


def check_of(feed: str) -> dg.AssetChecksDefinition:
    key = dg.AssetKey(["silver", feed])
    return next(c for c in SPACE_CHECKS[1:] if next(iter(c.check_specs)).asset_key == key)


def run(check: dg.AssetChecksDefinition, lake: Lake) -> dg.AssetCheckResult:
    found = check(lake)
    assert isinstance(found, dg.AssetCheckResult)
    return found


def test_a_sound_district_passes(lake: Lake) -> None:
    write_areas(lake, {code: community(code) for code in CENTRES})
    found = run(areas_cover_their_parent_once, lake)
    assert found.passed
    assert found.metadata["worst"].value == []


def test_overlaps_gaps_and_orphans_are_named_with_codes_and_square_metres(lake: Lake) -> None:
    shapes = {code: community(code) for code in CENTRES}
    first, second, *_, last = shapes
    shapes[first] = shapes[first].union(shapes[second])
    shapes[last] = box(*shapes[last].centroid.coords[0], *shapes[last].bounds[2:])
    write_areas(lake, shapes)
    orphans = [{"event_day": None, "entity_id": "350299009001", "version_at": NOW,
                "rule": "parent_is_registered"}]  # fmt: skip
    write(lake, "silver", "areas_set_aside", orphans)
    found = run(areas_cover_their_parent_once, lake)
    assert not found.passed
    assert found.severity == dg.AssetCheckSeverity.WARN
    assert found.metadata["without_parent"].value == ["350299009001"]
    worst = found.metadata["worst"].value
    assert [(row["fault"], row["area_code"], row["other_code"]) for row in worst] == [
        ("overlap", first, second), ("gap", "350299001", None)
    ]  # fmt: skip
    write(lake, "silver", "areas_set_aside", [orphans[0] | {"rule": "another"}])
    assert not run(areas_cover_their_parent_once, lake).passed
    whole = run_m2(lake, second)
    assert worst[0]["m2"] == pytest.approx(whole, rel=1e-3)
    assert worst[1]["m2"] == pytest.approx(whole * 3 / 4, rel=1e-2)


def run_m2(lake: Lake, code: str) -> float:
    areas = lake.read(tables.table("silver", "areas"), ["area_code", "area_m2"])
    return areas.filter(pl.col("area_code") == code)["area_m2"].item()


@pytest.mark.parametrize(
    ("shift", "likely", "metres"), [(stay, "CGCS2000", 0), (wgs84_to_gcj02, "GCJ02", 580)]
)
def test_devices_are_compared_with_surveyed_points(lake: Lake, shift, likely, metres) -> None:
    write_surveyed(lake, write_devices(lake, shift)[:10])
    verdict, against = judge_feed(lake, BY_NAME["devices"])
    assert against == "reference_points.csv"
    assert (verdict.likely, verdict.references) == (likely, 10)
    assert verdict.displacement_m == pytest.approx(metres, abs=25)
    found = run(check_of("devices"), lake)
    assert found.passed == (likely == "CGCS2000")
    assert found.severity == dg.AssetCheckSeverity.WARN
    assert found.metadata["likely"].value == likely
    assert found.description == sentence(verdict)
    if not found.passed:
        assert "声明有误：登记为 CGCS2000，很可能是 GCJ02（100%）" in sentence(verdict)


def test_without_surveyed_points_the_communities_rows_name_decide(lake: Lake) -> None:
    write_areas(lake, {code: community(code) for code in CENTRES})
    for shift, outcome in ((stay, "as_declared"), (wgs84_to_bd09, "wrong")):
        surveyed = write_devices(lake, shift)
        write_surveyed(lake, surveyed[:3])
        verdict, against = judge_feed(lake, BY_NAME["devices"])
        assert (verdict.outcome, against, verdict.references) == (outcome, "communities", 12)


def test_what_is_declared_decides_what_is_wrong(lake: Lake) -> None:
    write_surveyed(lake, write_devices(lake, wgs84_to_gcj02)[:20])
    for system, outcome in (("GCJ02", "as_declared"), ("BD09", "wrong"), ("WGS84", "wrong")):
        declared: Feed = replace(BY_NAME["devices"], coordinate_system=system)
        assert judge_feed(lake, declared)[0].outcome == outcome


def test_outlines_are_compared_by_their_middle(lake: Lake) -> None:
    write_surveyed(lake, [(code, *centre) for code, centre in CENTRES.items()])
    shapes = {code: community(code) for code in CENTRES}
    for shift, outcome in ((None, "as_declared"), (wgs84_to_gcj02, "wrong")):
        write_areas(lake, shapes, shift=shift)
        assert judge_feed(lake, BY_NAME["areas"])[0].outcome == outcome
    offices = [
        (code, x + 0.0007, y) for code, (x, y) in CENTRES.items()
    ]  # some 70 m off the middle
    write_surveyed(lake, offices)
    write_areas(lake, shapes)
    assert judge_feed(lake, BY_NAME["areas"])[0].outcome == "as_declared"


def test_a_footprint_stands_for_a_building_without_a_point(lake: Lake) -> None:
    rng = np.random.default_rng(1)
    places = np.array([118.1, 24.5]) + rng.uniform(0, 0.05, (20, 2))
    moved = np.column_stack(wgs84_to_gcj02(*places.T))
    rows = [
        {"file_id": "f", "row_number": n, "item_number": 0, "building_id": f"B{n}",
         "longitude": x if n % 2 else None, "latitude": y if n % 2 else None,
         "footprint": None if n % 2 else box(x - 1e-4, y - 1e-4, x + 1e-4, y + 1e-4).wkb,
         "updated_at": NOW}
        for n, (x, y) in enumerate(moved.tolist())
    ]  # fmt: skip
    write(lake, "bronze", "buildings", rows)
    write_surveyed(lake, [(f"B{n}", x, y) for n, (x, y) in enumerate(places.tolist())])
    verdict, _ = judge_feed(lake, BY_NAME["buildings"])
    assert (verdict.outcome, verdict.likely, verdict.references) == ("wrong", "GCJ02", 20)


def test_a_broken_table_of_points_is_told_and_an_empty_lake_cannot_tell(lake: Lake) -> None:
    for check in SPACE_CHECKS[1:]:
        found = run(check, lake)
        assert found.passed
        assert found.metadata["references"].value == 0
        assert "参考点相差" not in (found.description or "")
    write_surveyed(lake, [("1", 118.0, 95.0), ("1", 118.0, 24.0)])
    found = run(check_of("devices"), lake)
    assert not found.passed
    assert "latitude_is_within_range" in (found.description or "")
    assert "a_code_stands_once" in (found.description or "")


def test_every_feed_with_coordinates_is_checked() -> None:
    checked = {next(iter(c.check_specs)).asset_key.path[-1] for c in space_checks.SPACE_CHECKS[1:]}
    assert checked == {"areas", "devices", "grid_cases", "buildings", "components",
                       "fire_responses", "small_places"}  # fmt: skip
