"""silver.areas: one row per area, newest delivery, with its size and centre."""

import dagster as dg
import numpy as np
import polars as pl
import shapely

from assets.building import Clean, about, build_whole, inputs_of, told
from quality.area_shapes import areas_m2
from quality.coordinates import in_wgs84
from quality.deduplicate import newest_per_key
from schemas import tables
from schemas.areas import CODE_LENGTH
from schemas.feeds import BY_NAME
from warehouse import builds
from warehouse.lake import Lake

BRONZE = tables.table("bronze", "areas")
TABLE = tables.table("silver", "areas")


@dg.asset(**about(TABLE, "civil-affairs"), deps=[list(BRONZE.key)], kinds={"polars", "deltalake"})
def areas(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per area code: the newest version of every area of the three tiers and the grid."""
    inputs = inputs_of(*builds.arrived(lake, "areas").values())
    return told(build_whole(lake, TABLE, inputs, lambda: clean(lake.read(BRONZE))))


def clean(rows: pl.DataFrame) -> Clean:
    """Newest version of every area; one whose parent does not stand is set aside.

    Args:
        rows: bronze.areas, in the coordinate system their feed declares.
    """
    kept = newest_per_key(rows, "area_code", ("updated_at",), happened="updated_at",
                          rule="older_version")  # fmt: skip
    frame = in_wgs84(kept.rows, BY_NAME["areas"]).with_columns(
        parent_code=pl.when(pl.col("tier") != "district").then(
            pl.col("parent_code").fill_null(pl.col("area_code").str.head(
                pl.col("tier").replace_strict(_PARENT_LENGTH, default=None, return_dtype=pl.Int64)
            ))
        )
    )  # fmt: skip
    stands = pl.col("area_code").is_in(_standing(frame))
    orphans = frame.filter(~stands)
    set_aside = orphans.select(
        event_day=pl.lit(None, pl.Date),
        entity_id="area_code",
        version_at="updated_at",
        rule=pl.lit("parent_is_registered"),
    )
    return Clean(_measured(frame.filter(stands)), kept.ledger, set_aside)


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


def _measured(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the ellipsoidal area and a point that lies inside."""
    shapes = np.array(shapely.from_wkb(frame["shape"].to_list()), dtype=object)
    inside = shapely.point_on_surface(shapes)
    return frame.with_columns(
        centre_longitude=pl.Series(np.asarray(shapely.get_x(inside), float), dtype=pl.Float64),
        centre_latitude=pl.Series(np.asarray(shapely.get_y(inside), float), dtype=pl.Float64),
        area_m2=pl.Series(areas_m2(shapes), dtype=pl.Float64).round(1),
    )
