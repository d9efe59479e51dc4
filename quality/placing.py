"""Placing facts in areas: by code, by name or by point, in the order a caller trusts them.

A name counts only where the caller asks for it, and only whole: 后浦 and 后埔 sound alike and are
different communities (`area_names.py`). Points are exact to the border (`area_raster.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final, Literal

import polars as pl

from quality.area_names import AreaNames
from quality.area_raster import NOWHERE, raster_of

Way = Literal["code", "grid", "name", "point"]
PLACED_BY = ("code", "name", "point", "building", "unplaced")
"""How a fact was placed; `building`: where the building it names lies (quality.addresses)."""
USUAL_ORDER: Final[tuple[Way, ...]] = ("code", "grid", "point")

_NEEDS: Final[dict[Way, tuple[str, ...]]] = {
    "code": ("community_code",),
    "grid": ("grid_code",),
    "name": ("community_name",),
    "point": ("longitude", "latitude"),
}


class Areas:
    """The areas of one tier, ready to be asked."""

    def __init__(self, areas: pl.DataFrame, tier: str) -> None:
        """Take the areas of a tier out of silver.areas.

        Args:
            areas: `area_code`, `tier`, `shape` as WKB; with `former_codes`, a code that is no more
                counts as the one that came after it.
            tier: `community`, `grid` …
        """
        own = areas.filter(pl.col("tier") == tier).sort("area_code")
        self.tier = tier
        self.codes = own["area_code"]
        self._shapes = tuple(own["shape"].to_list())
        self._now: dict[str, str] = {}
        if "former_codes" in own.columns:
            pairs = own.select("former_codes", "area_code").explode("former_codes").drop_nulls()
            self._now = dict(pairs.iter_rows())

    def known(self, code: pl.Expr) -> pl.Expr:
        """The code where it is an area of this tier, or became one; else null."""
        now = code.replace(self._now) if self._now else code
        return pl.when(now.is_in(self.codes.implode())).then(now)

    def at_points(self, points: pl.DataFrame) -> pl.Series:
        """Area of every (`longitude`, `latitude`) in degrees, null where none holds it.

        A point on a shared border belongs to the smaller code. Null, NaN and infinite ones have no
        area. The raster is made once a process for the same shapes.
        """
        x, y = (
            points[axis].cast(pl.Float64).fill_null(float("nan")).to_numpy()
            for axis in ("longitude", "latitude")
        )
        position = pl.Series(raster_of(self._shapes).at(x, y))
        found = position.set(position == NOWHERE, None)
        return self.codes.gather(found).alias(f"{self.tier}_code")


class Grids(Areas):
    """The grids of a district (15 digits)."""

    def __init__(self, areas: pl.DataFrame) -> None:
        """Take the grids out of silver.areas."""
        super().__init__(areas, "grid")


class Communities(Areas):
    """The communities of a district (12 digits)."""

    def __init__(self, areas: pl.DataFrame) -> None:
        """Take the communities out of silver.areas; `area_name` is needed to place by name."""
        super().__init__(areas, "community")
        self._areas = areas

    def place(self, rows: pl.DataFrame, order: Sequence[Way] = USUAL_ORDER) -> pl.DataFrame:
        """Set `community_code` and `placed_by` from the columns that are there.

        Args:
            rows: May hold `community_code`, `grid_code`, `longitude` and `latitude`,
                `community_name` with or without `street_name`.
            order: What to trust, most trusted first; a way whose columns are missing is passed
                over.

        Returns:
            The rows with both columns. An unknown code counts as none; `placed_by` is one of
            `PLACED_BY`, a grid being a code, never `building`. With `name` in the order also
            `name_reason`: why the name told no community (`area_names.Reason`), null where it did
            or was not asked.
        """
        code = pl.repeat(None, rows.height, dtype=pl.String, eager=True)
        placed_by, name_reason = code, code
        for way in order:
            if not set(_NEEDS[way]) <= set(rows.columns):
                continue
            is_open = code.is_null()
            if way == "name":
                found, name_reason = self._by_name(rows, is_open)
            else:
                found = self._by_code_or_point(rows, way, is_open)
            tells = is_open & found.is_not_null()
            code = found.zip_with(tells, code)
            placed_by = placed_by.set(tells, "code" if way == "grid" else way)
        reason = [name_reason.alias("name_reason")] if "name" in order else []
        return rows.with_columns(
            code.alias("community_code"),
            placed_by.fill_null("unplaced").alias("placed_by"),
            *reason,
        )

    def _by_code_or_point(self, rows: pl.DataFrame, way: Way, is_open: pl.Series) -> pl.Series:
        if way == "code":
            return rows.select(self.known(pl.col("community_code"))).to_series()
        if way == "grid":
            return rows.select(self.known(pl.col("grid_code").str.head(12))).to_series()
        if is_open.all():
            return self.at_points(rows)
        return self.at_points(
            rows.select(pl.when(is_open).then(pl.col(axis)) for axis in _NEEDS["point"])
        )

    def _by_name(self, rows: pl.DataFrame, is_open: pl.Series) -> tuple[pl.Series, pl.Series]:
        """What the names of the open rows tell, and why not; null for the others."""
        street = "street_name" if "street_name" in rows.columns else pl.lit(None, pl.String)
        written = rows.select(
            name=pl.when(is_open).then(pl.col("community_name").fill_null("")),
            street=street,
        )
        pairs = written.drop_nulls("name").unique()
        told = [self._names.find(*pair) for pair in pairs.iter_rows()]
        answers = pairs.with_columns(
            pl.Series("code", [code for code, _ in told], dtype=pl.String),
            pl.Series("reason", [reason for _, reason in told], dtype=pl.String),
        )
        joined = written.join(
            answers, on=["name", "street"], how="left", nulls_equal=True, maintain_order="left"
        )
        return joined["code"], joined["reason"]

    @cached_property
    def _names(self) -> AreaNames:
        named = self._areas.select("tier", "area_code", "area_name")
        own, above = (
            dict(named.filter(pl.col("tier").is_in(tiers)).select("area_code", "area_name").rows())
            for tiers in (["community"], ["district", "street"])
        )
        return AreaNames(own, above)
