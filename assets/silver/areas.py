"""silver.areas: one row per area, newest delivery, with its size and centre."""

import dagster as dg
import numpy as np
import polars as pl
import shapely
from pyproj import Geod

from assets.building import Clean, about, build_whole, inputs_of, told
from quality.deduplicate import newest_per_key
from schemas import tables
from schemas.areas import CODE_LENGTH
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
    """Newest version of every area; one whose parent is not delivered is set aside.

    Args:
        rows: bronze.areas.
    """
    kept = newest_per_key(rows, "area_code", ("updated_at",), happened="updated_at",
                          rule="older_version")  # fmt: skip
    frame = kept.rows.with_columns(
        parent_code=pl.when(pl.col("tier") != "district").then(
            pl.col("parent_code").fill_null(pl.col("area_code").str.head(
                pl.col("tier").replace_strict(_PARENT_LENGTH, default=None, return_dtype=pl.Int64)
            ))
        )
    )  # fmt: skip
    has_parent = pl.col("parent_code").is_null() | pl.col("parent_code").is_in(
        frame["area_code"].implode()
    )
    orphans = frame.filter(~has_parent)
    set_aside = orphans.select(
        event_day=pl.lit(None, pl.Date),
        entity_id="area_code",
        version_at="updated_at",
        rule=pl.lit("parent_is_registered"),
    )
    return Clean(_measured(frame.filter(has_parent)), kept.ledger, set_aside)


_TIERS = list(CODE_LENGTH)
_PARENT_LENGTH = {t: CODE_LENGTH[_TIERS[i - 1]] for i, t in enumerate(_TIERS) if i}


def _measured(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the ellipsoidal area and a point that lies inside."""
    shapes = shapely.from_wkb(frame["shape"].to_list())
    inside = shapely.point_on_surface(shapes)
    geod = Geod(ellps="GRS80")
    sizes = [abs(geod.geometry_area_perimeter(shape)[0]) for shape in shapes]
    return frame.with_columns(
        centre_longitude=pl.Series(np.asarray(shapely.get_x(inside), float), dtype=pl.Float64),
        centre_latitude=pl.Series(np.asarray(shapely.get_y(inside), float), dtype=pl.Float64),
        area_m2=pl.Series(sizes, dtype=pl.Float64).round(1),
    )
