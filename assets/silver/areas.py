"""silver.areas: one row per area, newest delivery, with its size and centre."""

import dagster as dg
import numpy as np
import polars as pl
import shapely

from assets.building import Clean, about, build_whole, inputs_of, told
from assets.site_settings import area_changes
from quality.area_shapes import areas_m2
from quality.coordinates import in_wgs84
from quality.deduplicate import newest_per_key
from schemas import tables
from schemas.areas import CODE_LENGTH
from schemas.city_time import city_date_of
from schemas.feeds import BY_NAME
from warehouse import builds
from warehouse.builds import content_fingerprint
from warehouse.lake import Lake

BRONZE = tables.table("bronze", "areas")
TABLE = tables.table("silver", "areas")


@dg.asset(**about(TABLE, "civil-affairs"), deps=[list(BRONZE.key)], kinds={"polars", "deltalake"})
def areas(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per area code: the newest version of every area of the three tiers and the grid."""
    changes = area_changes(lake.home)
    inputs = inputs_of(*builds.arrived(lake, "areas").values(), content_fingerprint(changes))
    return told(build_whole(lake, TABLE, inputs, lambda: clean(lake.read(BRONZE), changes)))


def clean(rows: pl.DataFrame, changes: pl.DataFrame | None = None) -> Clean:
    """Newest version of every area in force; one whose parent does not stand is set aside.

    Args:
        rows: bronze.areas, in the coordinate system their feed declares.
        changes: `old_code`, `new_code`: areas that are no more, and what came after them.
    """
    after = successors(changes)
    kept = newest_per_key(rows, "area_code", ("updated_at",), happened="updated_at",
                          rule="older_version")  # fmt: skip
    frame = in_wgs84(kept.rows, BY_NAME["areas"]).with_columns(
        parent_code=pl.when(pl.col("tier") != "district").then(
            pl.col("parent_code").fill_null(pl.col("area_code").str.head(
                pl.col("tier").replace_strict(_PARENT_LENGTH, default=None, return_dtype=pl.Int64)
            ))
        )
    )  # fmt: skip
    is_past = pl.col("area_code").is_in(list(after))
    stands = pl.col("area_code").is_in(_standing(frame.filter(~is_past)))
    set_aside = frame.filter(~stands).select(
        event_day=pl.lit(None, pl.Date),
        entity_id="area_code",
        version_at="updated_at",
        rule=pl.when(is_past).then(pl.lit("area_is_in_force"))
        .otherwise(pl.lit("parent_is_registered")),
    )  # fmt: skip
    former: dict[str, list[str]] = {}
    for old, new in sorted(after.items()):
        if len(new) == 1:
            former.setdefault(new[0], []).append(old)
    codes = frame.filter(stands)["area_code"]
    names = pl.Series("former_codes", [former.get(c, []) for c in codes], pl.List(pl.String))
    in_force = _grown(frame.filter(stands).with_columns(names), frame.filter(is_past), changes)
    return Clean(_measured(in_force), kept.ledger, set_aside)


def successors(changes: pl.DataFrame | None) -> dict[str, list[str]]:
    """Code that is no more → the codes in force that came after it, in order.

    Changes follow each other: what became B, which became C, is C. A code that was given back (A to
    B, later B to A) is in force again.
    """
    if changes is None or changes.is_empty():
        return {}
    now: dict[str, set[str]] = {}
    for (_,), day in changes.sort("changed_on").group_by("changed_on", maintain_order=True):
        turned: dict[str, set[str]] = {}
        for old, new in day.select("old_code", "new_code").iter_rows():
            turned.setdefault(old, set()).add(new)
        for old, codes in now.items():
            now[old] = {after for code in codes for after in turned.get(code, {code})}
        now.update(turned)
        for code in {new for codes in turned.values() for new in codes} & set(now):
            if code not in turned:
                del now[code]
    return {old: sorted(codes) for old, codes in now.items() if codes != {old}}


_TIERS = list(CODE_LENGTH)
_PARENT_LENGTH = {t: CODE_LENGTH[_TIERS[i - 1]] for i, t in enumerate(_TIERS) if i}


def _standing(frame: pl.DataFrame) -> list[str]:
    """Codes whose parents stand all the way up: what lies below an orphan is one, too."""
    standing: list[str] = []
    for tier in _TIERS:
        own = frame.filter(pl.col("tier") == tier)
        parent = pl.col("parent_code")
        standing += own.filter(parent.is_null() | parent.is_in(standing))["area_code"].to_list()
    return standing


def _grown(frame: pl.DataFrame, past: pl.DataFrame, changes: pl.DataFrame | None) -> pl.DataFrame:
    """Areas whose outline was delivered before they took in others: the outlines are joined."""
    if changes is None or past.is_empty():
        return frame
    outlines = dict(past.select("area_code", "shape").iter_rows())
    changed = dict(changes.sort("changed_on").select("old_code", "changed_on").iter_rows())
    shapes = []
    for shape, former, updated_at in frame.select(
        "shape", "former_codes", "updated_at"
    ).iter_rows():
        missing = [outlines[code] for code in former
                   if code in outlines and city_date_of(updated_at) < changed[code]]  # fmt: skip
        joined = shapely.union_all(shapely.from_wkb([shape, *missing])) if missing else None
        shapes.append(shape if joined is None else shapely.to_wkb(joined))
    return frame.with_columns(shape=pl.Series(shapes, dtype=pl.Binary))


def _measured(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the ellipsoidal area and a point that lies inside."""
    shapes = np.array(shapely.from_wkb(frame["shape"].to_list()), dtype=object)
    inside = shapely.point_on_surface(shapes)
    return frame.with_columns(
        centre_longitude=pl.Series(np.asarray(shapely.get_x(inside), float), dtype=pl.Float64),
        centre_latitude=pl.Series(np.asarray(shapely.get_y(inside), float), dtype=pl.Float64),
        area_m2=pl.Series(areas_m2(shapes), dtype=pl.Float64).round(1),
    )
