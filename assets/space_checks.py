"""Checks of space that warn: shapes of areas, and whether points stand in their declared system.

They stop nothing: what they name is mended at its source, or in the registry of feeds.
"""

import dagster as dg
import numpy as np
import polars as pl
import shapely

from assets.site_settings import SettingsError, read_table
from quality.area_shapes import FAULTS, faults
from quality.reference_points import (
    COMMUNITY_WITHIN_M,
    FEWEST_REFERENCES,
    OUTCOME_ZH,
    SURVEYED_WITHIN_M,
    Verdict,
    judge_system,
)
from schemas import tables
from schemas.feeds import FEEDS, Feed
from schemas.reference_points import ReferencePointRow
from warehouse.home import Home
from warehouse.lake import Lake

AREAS = tables.table("silver", "areas")
ORPHANS = tables.table("silver", "areas_set_aside")
REFERENCE_POINTS = "reference_points.csv"
_SHOWN = 20


@dg.asset_check(
    asset=list(AREAS.key),
    name="areas_cover_their_parent_once",
    description="各级区划无重叠、无缝隙、无空洞、不超出上级（准确性）",
)
def areas_cover_their_parent_once(lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
    """Names overlaps, gaps, holes and areas beyond their parent with their codes and m2."""
    found = faults(lake.read(AREAS))
    orphans = lake.read(ORPHANS).filter(pl.col("rule") == "parent_is_registered")["entity_id"]
    worst = found.sort("m2", descending=True, nulls_last=True).head(_SHOWN)
    counts = dict(found.group_by("fault").len().sort("fault").iter_rows())
    return dg.AssetCheckResult(
        passed=found.is_empty() and orphans.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            **{f"{fault}（{FAULTS[fault]}）": count for fault, count in counts.items()},
            "without_parent": orphans.sort().to_list()[:_SHOWN],
            "worst": worst.select("fault", "area_code", "other_code", "m2", "longitude",
                                  "latitude").to_dicts(),
        },
    )  # fmt: skip


def _stands_in_its_declared_system(feed: Feed) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=["silver", feed.name],
        name="coordinates_are_in_the_declared_system",
        description="坐标系与登记的一致，以参考点检验（准确性）",
    )
    def check(lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
        try:
            verdict, against = judge_feed(lake, feed)
        except SettingsError as error:
            return dg.AssetCheckResult(
                passed=False, severity=dg.AssetCheckSeverity.WARN, description=str(error)
            )
        return dg.AssetCheckResult(
            passed=verdict.outcome in ("as_declared", "cannot_tell"),
            severity=dg.AssetCheckSeverity.WARN,
            description=sentence(verdict),
            metadata={
                "declared": verdict.declared,
                "likely": verdict.likely or "?",
                "sureness": verdict.sureness,
                "references": verdict.references,
                "against": against,
                "displacement_m": round(verdict.displacement_m, 1),
                "east_m": verdict.east_m,
                "north_m": verdict.north_m,
                "misses_m": verdict.misses_m,
            },
        )

    return check


def sentence(verdict: Verdict) -> str:
    """A verdict for people."""
    parts = [f"{OUTCOME_ZH[verdict.outcome]}：登记为 {verdict.declared}"]
    if verdict.likely and verdict.outcome != "as_declared":
        parts.append(f"很可能是 {verdict.likely}（{verdict.sureness:.0%}）")
    if verdict.also:
        parts.append(f"另有 {verdict.also}（{verdict.also_share:.0%}）")
    if verdict.references:
        parts.append(f"与 {verdict.references} 个参考点相差 {verdict.displacement_m:.0f} 米")
    return "，".join(parts)


def judge_feed(lake: Lake, feed: Feed) -> tuple[Verdict, str]:
    """Whether a feed's points, as delivered, stand in its declared system.

    Surveyed points of the site come first, by the key of the feed; where they are few, the centres
    of the communities that rows name themselves.

    Returns:
        The verdict, and what it was reached by: `reference_points.csv` or `communities`.

    Raises:
        SettingsError: the site's table cannot be used.
    """
    surveyed, system = surveyed_points(lake.home), feed.coordinate_system
    within_m = SURVEYED_WITHIN_M if feed.has_points else COMMUNITY_WITHIN_M
    first = judge_system(_delivered(lake, feed, feed.key[0]), surveyed, system, within_m)
    names_communities = "community_code" in feed.contract.columns()
    if first.references >= FEWEST_REFERENCES or not names_communities:
        return first, REFERENCE_POINTS
    delivered = _delivered(lake, feed, "community_code")
    centres = _community_centres(lake.read(AREAS))
    return judge_system(delivered, centres, system, COMMUNITY_WITHIN_M), "communities"


def surveyed_points(home: Home) -> pl.DataFrame:
    """`reference`, `longitude`, `latitude` of the site's surveyed points; none is no rows."""
    rows = read_table(home, REFERENCE_POINTS, ReferencePointRow)
    return rows.select("longitude", "latitude", reference="code")


def _delivered(lake: Lake, feed: Feed, reference: str) -> pl.LazyFrame:
    """`reference`, `longitude`, `latitude` of rows as delivered; without a point, of the shape."""
    bronze = lake.scan(tables.table("bronze", feed.name))
    if not feed.shape_columns:
        return bronze.select("longitude", "latitude", reference=reference)
    given = ("longitude", "latitude") if feed.has_points else ()
    rows = bronze.select(*given, reference=reference, shape=feed.shape_columns[0]).collect()
    return _with_centres(rows).lazy()


def _community_centres(areas: pl.DataFrame) -> pl.DataFrame:
    own = areas.filter(pl.col("tier") == "community")
    return _with_centres(own.select("shape", reference="area_code"))


def _with_centres(rows: pl.DataFrame) -> pl.DataFrame:
    """Centroids of `shape` where there is no point yet."""
    centres = shapely.centroid(np.array(shapely.from_wkb(rows["shape"].to_list()), dtype=object))
    halves = {"longitude": shapely.get_x(centres), "latitude": shapely.get_y(centres)}
    return rows.select(
        "reference",
        *(
            pl.coalesce(*([axis] if axis in rows.columns else []),
                        pl.Series(np.asarray(half, float)).fill_nan(None)).alias(axis)
            for axis, half in halves.items()
        ),
    )  # fmt: skip


SPACE_CHECKS = [
    areas_cover_their_parent_once,
    *(_stands_in_its_declared_system(f) for f in FEEDS if f.has_points or f.shape_columns),
]
