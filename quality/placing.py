"""Placing facts in communities: by code where the code is known, else by point, else unplaced.

Names are never matched: 后浦 and 后埔 sound alike and are different communities.
"""

from __future__ import annotations

import geopandas as gpd
import polars as pl
import shapely

PLACED_BY = ("code", "point", "unplaced")
CRS = "EPSG:4490"  # CGCS2000, equal to WGS 84 for every purpose here


class Communities:
    """The communities of a district, ready to be asked."""

    def __init__(self, areas: pl.DataFrame) -> None:
        """Take the communities out of silver.areas (`area_code`, `tier`, `shape` as WKB)."""
        own = areas.filter(pl.col("tier") == "community").sort("area_code")
        self.codes = own["area_code"]
        self._shapes = gpd.GeoDataFrame(
            {"community_code": self.codes.to_list()},
            geometry=shapely.from_wkb(own["shape"].to_list()),
            crs=CRS,
        )

    def known(self, code: pl.Expr) -> pl.Expr:
        """The code where it is a community of the district, else null."""
        return pl.when(code.is_in(self.codes.implode())).then(code)

    def at_points(self, points: pl.DataFrame) -> pl.Series:
        """Community of every (longitude, latitude), null where none holds it.

        A point on a shared border belongs to the smaller code.
        """
        nothing = pl.Series("community_code", [None], dtype=pl.String).new_from_index(
            0, points.height
        )
        here = points.with_row_index("at").drop_nulls(["longitude", "latitude"])
        if here.is_empty() or self.codes.is_empty():
            return nothing
        located = gpd.GeoDataFrame(
            {"at": here["at"].to_list()},
            geometry=gpd.points_from_xy(here["longitude"].to_list(), here["latitude"].to_list()),
            crs=CRS,
        )
        joined = gpd.sjoin(located, self._shapes, predicate="intersects")
        found = (
            pl.DataFrame({"at": joined["at"].to_list(), "code": joined["community_code"].to_list()},
                         schema={"at": pl.UInt32, "code": pl.String})
            .group_by("at").agg(pl.col("code").min())
        )  # fmt: skip
        return (
            points.select(pl.int_range(pl.len(), dtype=pl.UInt32).alias("at"))
            .join(found, on="at", how="left", maintain_order="left")["code"]
            .alias("community_code")
        )

    def place(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Set `community_code` and `placed_by` from the columns that are there.

        Args:
            rows: May hold `community_code`, `grid_code`, `longitude` and `latitude`, used in this
                order of trust: own code, grid, point.

        Returns:
            The rows with both columns; an unknown code counts as none.
        """
        by_code = [self.known(pl.col("community_code"))] if "community_code" in rows.columns else []
        if "grid_code" in rows.columns:
            by_code.append(self.known(pl.col("grid_code").str.head(12)))
        coded = pl.coalesce(by_code) if by_code else pl.lit(None, pl.String)
        frame = rows.with_columns(_code=coded)
        point = pl.lit(None, pl.String)
        if "longitude" in rows.columns:
            frame = frame.with_columns(_point=self._points_where_needed(frame))
            point = pl.col("_point")
        how = (
            pl.when(pl.col("_code").is_not_null()).then(pl.lit("code"))
            .when(point.is_not_null()).then(pl.lit("point"))
            .otherwise(pl.lit("unplaced"))
        )  # fmt: skip
        return frame.with_columns(community_code=pl.coalesce("_code", point), placed_by=how).drop(
            "_code", "_point", strict=False
        )

    def _points_where_needed(self, frame: pl.DataFrame) -> pl.Series:
        needed = frame.select(
            pl.when(pl.col("_code").is_null()).then(pl.col(c)).alias(c)
            for c in ("longitude", "latitude")
        )
        return self.at_points(needed)
