"""The ground of 示范区: a jittered lattice of grids, grouped into communities and streets.

Neighbouring grids share their corner points exactly, so unions leave no holes and no overlaps.
Place names are fictional; 后浦社区 and 后埔社区 sound alike and lie in different streets.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from pipelines.demo.plan import Plan

DISTRICT = "350299"
CENTRE = (118.148, 24.53)
SIZE_DEGREES = (0.1382, 0.1083)  # about 14 × 12 km at this latitude
COLUMNS, ROWS = 25, 20
JITTER = 0.2  # of a cell: below 0.25 every cell stays convex

STREETS = {"云岭街道": 14, "澄溪街道": 12, "海岚街道": 11, "青屿街道": 9, "桃坞镇": 8}
_NAMES = (  # noqa: SIM905
    "云岭 后浦 松风 石桥 南薰 望湖 翠屏 清河 金桂 明月 长亭 竹园 红旗岭 书院 "
    "澄溪 柳浪 银杏 北斗 凤山 安平 锦绣湾 梅林 观海 东篱 永福 大榕 "
    "海岚 后埔 沙坡尾角 渔光 白鹭洲头 灯塔 蓝湾 潮生 砚池 榕荫 星河 "
    "青屿 月港 双溪口 鹤鸣 晴川 芦花 静安坊 玉泉 丹霞 "
    "桃坞 荷塘 稻香 上洋 下洋 茶山 柿林 泉井"
).split()


@dataclass(frozen=True)
class Space:
    """Areas of the demo.

    Attributes:
        corners: Grid → its four corners (lon, lat), counter-clockwise, shape (grids, 4, 2).
        grid_codes: 15-digit code of every grid.
        grid_community: Position of the grid's community in `community_codes`.
        community_codes: 12-digit codes, in street order.
        names: Area code → name.
        weights: How busy each community is; adds up to 1.
    """

    corners: np.ndarray
    grid_codes: np.ndarray
    grid_community: np.ndarray
    community_codes: np.ndarray
    names: dict[str, str]
    weights: np.ndarray

    def points(
        self, rng: np.random.Generator, communities: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """A point well inside a random grid of each community.

        Args:
            rng: Random stream.
            communities: Positions in `community_codes`.

        Returns:
            Points (n, 2) as lon, lat with 6 decimals, and the position of the grid of each.
        """
        order = np.argsort(self.grid_community, kind="stable")
        starts = np.searchsorted(self.grid_community[order], np.arange(len(self.community_codes)))
        sizes = np.bincount(self.grid_community, minlength=len(self.community_codes))
        grids = order[
            starts[communities]
            + np.floor(rng.random(len(communities)) * sizes[communities]).astype(int)
        ]
        u, v = 0.3 + 0.4 * rng.random((2, len(communities)))[:, :, None]
        a, b, c, d = (self.corners[grids, n] for n in range(4))
        points = (1 - u) * (1 - v) * a + u * (1 - v) * b + u * v * c + (1 - u) * v * d
        return np.round(points, 6), grids


def build_space(plan: Plan) -> Space:
    """Lay out the district. The same for every scale; another seed gives other shapes."""
    rng = plan.rng("space")
    corners = _lattice(rng)
    cells = [(x, y) for y in range(ROWS) for x in range(COLUMNS)]
    streets = _split(cells, [float(n) for n in STREETS.values()])
    community_of: dict[tuple[int, int], int] = {}
    community_codes: list[str] = []
    names = {DISTRICT: "示范区"}
    for s, (street, cells_of_street) in enumerate(zip(STREETS, streets, strict=True)):
        street_code = f"{DISTRICT}{s + 1:03d}"
        names[street_code] = street
        shares = list(0.6 + rng.random(STREETS[street]) * 1.2)
        for c, members in enumerate(_split(cells_of_street, shares)):
            code = f"{street_code}{c + 1:03d}"
            name = _NAMES[len(community_codes)]
            names[code] = name + ("村" if s == 4 and c > 1 else "社区")
            community_of.update(dict.fromkeys(members, len(community_codes)))
            community_codes.append(code)
    membership = np.array([community_of[cell] for cell in cells])
    grid_codes = _number_grids(membership, community_codes, names)
    weights = rng.lognormal(0.0, 0.6, len(community_codes))
    return Space(
        corners,
        grid_codes,
        membership,
        np.array(community_codes),
        names,
        weights / weights.sum(),
    )


def _lattice(rng: np.random.Generator) -> np.ndarray:
    """Corners of every cell, row by row from the south-west."""
    x, y = np.meshgrid(np.arange(COLUMNS + 1.0), np.arange(ROWS + 1.0))
    dx, dy = rng.uniform(-JITTER, JITTER, (2, ROWS + 1, COLUMNS + 1))
    dx[:, [0, -1]] = 0.0  # the outline stays straight
    dy[[0, -1], :] = 0.0
    lon = CENTRE[0] + ((x + dx) / COLUMNS - 0.5) * SIZE_DEGREES[0]
    lat = CENTRE[1] + ((y + dy) / ROWS - 0.5) * SIZE_DEGREES[1]
    node = np.round(np.stack([lon, lat], axis=-1), 6)
    quads = np.stack([node[:-1, :-1], node[:-1, 1:], node[1:, 1:], node[1:, :-1]], axis=2)
    return quads.reshape(-1, 4, 2)


def _split(cells: list[tuple[int, int]], shares: list[float]) -> list[list[tuple[int, int]]]:
    """Cut cells into connected parts by halving along the longer side, over and over."""
    if len(shares) == 1:
        return [cells]
    half = len(shares) // 2
    cut = round(len(cells) * sum(shares[:half]) / sum(shares))
    cut = min(max(cut, half), len(cells) - (len(shares) - half))
    spread = [max(c[axis] for c in cells) - min(c[axis] for c in cells) for axis in (0, 1)]
    long = 0 if spread[0] >= spread[1] else 1
    ordered = cells
    # A cut through a ragged side can leave an island: try the next direction then.
    for axis, sign in ((long, 1), (long, -1), (1 - long, 1), (1 - long, -1)):
        ordered = sorted(cells, key=lambda c, a=axis, s=sign: (c[a], s * c[1 - a]))
        if _is_connected(ordered[:cut]) and _is_connected(ordered[cut:]):
            break
    return _split(ordered[:cut], shares[:half]) + _split(ordered[cut:], shares[half:])


def _is_connected(cells: list[tuple[int, int]]) -> bool:
    waiting, left = [cells[0]], set(cells[1:])
    while waiting:
        x, y = waiting.pop()
        for near in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            if near in left:
                left.remove(near)
                waiting.append(near)
    return not left


def _number_grids(
    membership: np.ndarray, community_codes: list[str], names: dict[str, str]
) -> np.ndarray:
    """Give every grid its 15-digit code: community, then a running number within it."""
    counts = dict.fromkeys(range(len(community_codes)), 0)
    codes: list[str] = []
    for community in membership.tolist():
        counts[community] += 1
        code = f"{community_codes[community]}{counts[community]:03d}"
        names[code] = f"{names[community_codes[community]]}第{counts[community]}网格"
        codes.append(code)
    return np.array(codes)


def write_areas(plan: Plan, space: Space) -> None:
    """Write the areas of all tiers as one GeoJSON collection."""
    quads = np.asarray(shapely.polygons(space.corners))
    shapes: dict[str, Any] = dict(zip(space.grid_codes.tolist(), quads, strict=True))
    communities = space.community_codes[space.grid_community]
    for length in (12, 9, 6):
        above = np.array([code[:length] for code in communities])
        for code in np.unique(above).tolist():
            shapes[code] = shapely.union_all(quads[above == code])
    tiers = {6: "district", 9: "street", 12: "community", 15: "grid"}
    updated = f"{plan.all_days[0].year - 1}-12-31T08:00:00+08:00"
    features = [
        {
            "type": "Feature",
            "properties": {
                "area_code": code,
                "area_name": space.names[code],
                "tier": tiers[len(code)],
                "parent_code": code[:-3] if len(code) > 6 else None,
                "updated_at": updated,
            },
            "geometry": json.loads(shapely.to_geojson(shape)),
        }
        for code, shape in sorted(shapes.items(), key=lambda item: (len(item[0]), item[0]))
    ]
    name = f"areas-{plan.named_day(plan.last_day)}.geojson"
    text = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
    plan.landing.write_text("areas", name, text)
    plan.truth.arrive("areas", name, len(features))
