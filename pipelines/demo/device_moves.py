"""Devices that are moved, and the truth of where every device stood when."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl

from pipelines.demo.plan import Plan
from pipelines.demo.site import Site
from pipelines.demo.space import Space
from pipelines.demo.tables import wall_clock

BY_POINT = "moved gate"
"""This one's new version brings no code: its new point must place it."""


def moved_rows(
    plan: Plan, space: Space, site: Site, rows: pl.DataFrame, frame: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """New versions of the devices that are moved.

    Returns:
        The rows to deliver, and `device_id`, `community_code`, `placed_by` of the new places.
    """
    rng = plan.rng("moves")
    codes = space.community_codes
    home = dict(frame.select("device_id", "community_code").iter_rows())
    versions, places = [], []
    for move in site.moves:
        there = (int(np.flatnonzero(codes == home[move.device_id])[0]) + 11) % len(codes)
        changes: dict[str, str | None] = {"CommunityCode": str(codes[there])}
        if move.device_id == site.roles[BY_POINT]:
            ((lon, lat),) = space.points(rng, np.array([there]))[0]
            changes = {"CommunityCode": None, "Longitude": f"{lon:.6f}", "Latitude": f"{lat:.6f}"}
        at = wall_clock(plan, np.array([move.at]))[0]
        new = {"UpdatedAt": f"{at}", **changes}
        versions.append(
            rows.filter(pl.col("ApeID") == move.device_id).with_columns(
                pl.lit(value, pl.String).alias(column) for column, value in new.items()
            )
        )
        way = "point" if changes["CommunityCode"] is None else "code"
        places.append((move.device_id, str(codes[there]), way))
    schema = ["device_id", "community_code", "placed_by"]
    return pl.concat(versions), pl.DataFrame(places, schema, orient="row")


def note_places(
    plan: Plan,
    at_point: pl.Series,
    rows: pl.DataFrame,
    older: pl.DataFrame,
    later: pl.DataFrame,
    frame: pl.DataFrame,
) -> None:
    """Truth of device_places: the stretches of every device, one after the other."""
    known = {code for code in frame["community_code"] if code} | set(at_point.drop_nulls())
    inside = dict(zip(rows["ApeID"].to_list(), at_point.to_list(), strict=True))
    standing = frame.filter(~pl.col("device_id").is_in(later["ApeID"].implode()))
    final = {d: (c, by) for d, c, by in standing.select(_PLACE).iter_rows()}
    final |= {m.device_id: (m.before, "code") for m in plan.site.moves}
    moved = {d: (c, by) for d, c, by in frame.select(_PLACE).iter_rows()}
    first: dict[str, tuple[str | None, str]] = {}
    for device, code in older.select("ApeID", "CommunityCode").iter_rows():
        place = code if code in known else inside[device]
        first[device] = (place, "code" if code in known else "point" if place else "unplaced")
    versions: dict[str, list[tuple[datetime, str | None, str]]] = {}
    for part, places in ((older, first), (rows, final), (later, moved)):
        for device, at in part.select("ApeID", "UpdatedAt").iter_rows():
            code, way = places[device]
            versions.setdefault(device, []).append((_utc(at), code, way))
    for device, found in versions.items():
        stretches: list[dict] = []
        for at, code, by in found:
            if not stretches or stretches[-1]["community_code"] != code:
                start = at if stretches else None
                if stretches:
                    stretches[-1]["valid_until"] = at
                stretches.append({"community_code": code, "valid_from": start, "valid_until": None})
            stretches[-1]["placed_by"] = by
        for stretch in stretches:
            plan.truth.note("device_places", device_id=device, **stretch)


_PLACE = ("device_id", "community_code", "placed_by")


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)
