"""空间 space: the areas of three tiers, their size and outline, and what became of former ones."""

from collections import Counter

import dagster as dg
import ibis.expr.types as ir
import polars as pl
import shapely
from ibis import _

from assets.building import Clean, about, build_whole, inputs_of, told
from assets.silver.areas import successors
from assets.site_settings import area_changes
from assets.topics.tabulate import topic_whole
from schemas import tables
from schemas.areas import CODE_LENGTH, TIERS
from schemas.contract import Contract, day, integer, number, polars_schema, text
from schemas.feeds import FEEDS
from schemas.metric import Metric
from schemas.table import Table
from schemas.topics import register
from warehouse import builds
from warehouse.builds import content_fingerprint
from warehouse.engine import Engine
from warehouse.lake import Lake

AREAS = tables.table("silver", "areas")


class AreaSummary(Contract):
    """topics.space_areas. Grain: one area of one tier, with its outline for maps."""

    area_code = text("区划代码", required=True)
    area_name = text("名称", required=True)
    tier = text("层级", required=True)
    parent_code = text("上级代码")
    community_count = integer("社区数", required=True, unit="个")
    grid_count = integer("网格数", required=True, unit="个")
    area_m2 = number("面积", required=True, unit="m2")
    centre_longitude = number("中心经度", required=True, unit="degree")
    centre_latitude = number("中心纬度", required=True, unit="degree")
    outline = text("轮廓", required=True, note="GeoJSON geometry")


TABLE = register(
    Table("topics", "space_areas", AreaSummary, "空间 区划", None, ("area_code",),
          "unconditional", True),
)  # fmt: skip


class AreaChange(Contract):
    """topics.space_area_changes. Grain: one code that is no more, and what its facts count for."""

    old_code = text("原代码", required=True)
    old_name = text("原名称", note="null: never delivered")
    change_kind = text("变更方式", required=True, codes=("became", "divided"))
    area_code = text("现属区划", required=True, note="of a divided area the one above its parts")
    new_codes = text("现代码", required=True, note="codes in force, separated by blanks")
    changed_on = day("变更日期", required=True, note="the last change on the way")
    named_row_count = integer(
        "涉及行数", required=True, unit="行", note="accepted rows of all feeds that name the code"
    )


CHANGES = register(
    Table("topics", "space_area_changes", AreaChange, "空间 区划变更", None, ("old_code",),
          "unconditional", True),
)  # fmt: skip


class CommunitySize(Contract):
    """topics.space_communities. Grain: one community."""

    community_code = text("社区编码", required=True)
    community_count = integer("社区数", required=True, unit="个", note="1")
    grid_count = integer("网格数", required=True, unit="个")
    area_m2 = integer("面积", required=True, unit="m2")


COMMUNITIES = register(
    Table("topics", "space_communities", CommunitySize, "空间 社区", None, ("community_code",),
          "unconditional", True),
    Metric("space_community_count", "社区数", "区划中的社区（村）", "个",
           "space_communities", "community_count", sharing="unconditional"),
    Metric("space_area_m2", "辖区面积", "社区范围的面积之和", "m2",
           "space_communities", "area_m2", sharing="unconditional"),
)  # fmt: skip


@dg.asset(**about(TABLE), deps=[list(AREAS.key)], kinds={"polars", "deltalake"})
def space_areas(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """One row per district, street and community: communities and grids in it, size, outline."""
    inputs = inputs_of(builds.content_of(lake, AREAS))
    return told(build_whole(lake, TABLE, inputs, lambda: Clean(summarise(lake.read(AREAS)))))


@dg.asset(**about(COMMUNITIES), deps=[list(TABLE.key)], kinds={"ibis", "duckdb", "deltalake"})
def space_communities(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """Size of every community; streets and the district are sums of these."""
    return told(topic_whole(lake, COMMUNITIES, [TABLE], size_communities))


def size_communities(engine: Engine) -> ir.Table:
    """Communities with their size in whole square metres."""
    return (
        engine.table(TABLE)
        .filter(_.tier == "community")
        .select(
            community_code=_.area_code,
            community_count=_.community_count,
            grid_count=_.grid_count,
            area_m2=_.area_m2.round().cast("int64"),
        )
    )


@dg.asset(**about(CHANGES), deps=[list(AREAS.key)], kinds={"polars", "deltalake"})
def space_area_changes(lake: dg.ResourceParam[Lake]) -> dg.MaterializeResult:
    """What became of areas that are no more, and how many rows that moved."""
    changes = area_changes(lake.home)
    feeds = [f.name for f in FEEDS if "community_code" in f.contract.columns()]
    arrived = [d for f in feeds for d in builds.arrived(lake, f).values()] if len(changes) else []
    inputs = inputs_of(builds.content_of(lake, AREAS), content_fingerprint(changes), *arrived)
    return told(build_whole(lake, CHANGES, inputs, lambda: Clean(_changed(lake, changes, feeds))))


def _changed(lake: Lake, changes: pl.DataFrame, feeds: list[str]) -> pl.DataFrame:
    """Former codes, what came after them, and rows that name them."""
    after = successors(changes)
    tables_of = [tables.table("bronze", feed) for feed in feeds] if after else []
    counts: Counter[str] = Counter()
    for table in tables_of:
        code = pl.col("community_code")
        named = lake.scan(table).filter(code.is_in(list(after))).group_by(code).len().collect()
        counts.update(dict(named.iter_rows()))
    delivered = lake.read(tables.table("bronze", "areas"), ["area_code", "area_name", "updated_at"])
    names = dict(delivered.sort("updated_at").select("area_code", "area_name").iter_rows())
    days = dict(changes.sort("changed_on").select("old_code", "changed_on").iter_rows())
    return pl.DataFrame(
        [
            (old, names.get(old), "became" if len(new) == 1 else "divided", _above(new),
             " ".join(new),
             days[old], counts[old])
            for old, new in sorted(after.items())
        ],
        schema=polars_schema(AreaChange), orient="row",
    )  # fmt: skip


def _above(codes: list[str]) -> str:
    """The code itself, or the smallest area that holds all of them."""
    prefixes = [codes[0][:length] for length in CODE_LENGTH.values()]
    return max((p for p in prefixes if all(c.startswith(p) for c in codes)), key=len)


def summarise(areas: pl.DataFrame) -> pl.DataFrame:
    """Count what lies below every area and write its outline as GeoJSON, to about a metre."""
    own = areas.filter(pl.col("tier").is_in(list(TIERS)))
    below = {
        tier: areas.filter(pl.col("tier") == tier)["area_code"].to_list()
        for tier in ("community", "grid")
    }
    codes = own["area_code"].to_list()

    def inside(tier: str) -> pl.Series:
        return pl.Series([sum(c.startswith(code) for c in below[tier]) for code in codes])

    shapes = shapely.set_precision(shapely.from_wkb(own["shape"].to_list()), 1e-5)
    return own.with_columns(
        community_count=inside("community"),
        grid_count=inside("grid"),
        outline=pl.Series([str(text) for text in shapely.to_geojson(shapes)]),
    )
