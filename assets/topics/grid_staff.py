"""社区治理 governance: grids and who looks after them, as of the run's city day.

A post is one worker at one grid. A worker with posts at several grids is counted once as staff, in
the grid with the smallest code, so that communities add up. Workers are public staff, not
residents: their numbers are published as they are.
"""

from datetime import date

import dagster as dg
import ibis
import ibis.expr.types as ir
from ibis import _

from assets.building import about, told
from assets.timing import AsOf
from assets.topics.tabulate import topic_whole
from schemas import tables
from schemas.contract import Contract, integer, text
from schemas.grid_staff import STAFF_ROLES
from schemas.metric import Metric, Ratio
from schemas.table import Table
from schemas.topics import register
from warehouse.engine import Engine
from warehouse.lake import Lake

AREAS = tables.table("silver", "areas")
STAFF = tables.table("silver", "grid_staff")
_KINDS = {"ibis", "duckdb", "deltalake"}


class GridCount(Contract):
    """topics.governance_grids. Grain: community, as of the run's day."""

    community_code = text("社区编码", note="null: unplaced")
    grid_count = integer("网格数", required=True, unit="个")
    staffed_grid_count = integer("有人网格数", required=True, unit="个")
    unstaffed_grid_count = integer("无人网格数", required=True, unit="个")
    post_count = integer("在岗人次", required=True, unit="人次", note="worker × grid")


class GridStaffCount(Contract):
    """topics.governance_grid_staff. Grain: community × role, as of the run's day."""

    community_code = text("社区编码", note="null: unplaced")
    staff_role = text("网格员类型", required=True, codes=STAFF_ROLES)
    staff_count = integer("网格员数", required=True, unit="人", note="each worker once")


GRIDS = register(
    Table("topics", "governance_grids", GridCount, "社区治理 网格", None, ("community_code",),
          "conditional", True),
    Metric("governance_grid_count", "网格数", "区划中的网格", "个",
           "governance_grids", "grid_count"),
    Metric("governance_staffed_grid_count", "有人网格数", "数据截止日有网格员在岗的网格", "个",
           "governance_grids", "staffed_grid_count"),
    Metric("governance_unstaffed_grid_count", "无人网格数", "数据截止日无网格员在岗的网格", "个",
           "governance_grids", "unstaffed_grid_count"),
    Metric("governance_grid_post_count", "网格在岗人次",
           "数据截止日在岗的网格员按网格累计；除以网格数为每网格配备人数", "人次",
           "governance_grids", "post_count"),
    Ratio("governance_staffed_grid_share", "网格配员率", "有人网格数 ÷ 网格数", "%",
          ("governance_staffed_grid_count",), ("governance_grid_count",)),
    Ratio("governance_posts_per_grid", "每网格在岗人次", "网格在岗人次 ÷ 网格数", "人次/个",
          ("governance_grid_post_count",), ("governance_grid_count",), scale=1.0),
)  # fmt: skip

GRID_STAFF = register(
    Table("topics", "governance_grid_staff", GridStaffCount, "社区治理 网格员", None,
          ("community_code", "staff_role"), "conditional", True),
    Metric("governance_grid_staff_count", "网格员数",
           "数据截止日在岗的网格员，一人计一次，归入其编码最小的网格", "人",
           "governance_grid_staff", "staff_count"),
    Metric("governance_full_time_staff_count", "专职网格员数", "数据截止日在岗的专职网格员", "人",
           "governance_grid_staff", "staff_count", (("staff_role", ("full_time",)),)),
)  # fmt: skip


@dg.asset(**about(GRIDS), deps=[list(AREAS.key), list(STAFF.key)], kinds=_KINDS)
def governance_grids(
    lake: dg.ResourceParam[Lake], as_of: dg.ResourceParam[AsOf]
) -> dg.MaterializeResult:
    """Grids with and without staff on duty, and posts, by community."""
    day = as_of.day
    upstream = [AREAS, STAFF]
    return told(topic_whole(lake, GRIDS, upstream, lambda e: count_grids(e, day), also=(day,)))


@dg.asset(**about(GRID_STAFF), deps=[list(STAFF.key)], kinds=_KINDS)
def governance_grid_staff(
    lake: dg.ResourceParam[Lake], as_of: dg.ResourceParam[AsOf]
) -> dg.MaterializeResult:
    """Workers on duty by community and role, each of them once."""
    day = as_of.day
    return told(topic_whole(lake, GRID_STAFF, [STAFF], lambda e: count_staff(e, day), also=(day,)))


def posts_on(engine: Engine, day: date) -> ir.Table:
    """Posts held on a day."""
    is_begun = _.on_duty_from <= ibis.literal(day)
    is_left = (_.on_duty_until < ibis.literal(day)).fill_null(False)
    return engine.table(STAFF).filter(is_begun, ~is_left)


def count_grids(engine: Engine, day: date) -> ir.Table:
    """Grids, staffed or not, and posts by community; posts at unknown grids count as posts."""
    one, none = (ibis.literal(number, "int64") for number in (1, 0))
    posts = posts_on(engine, day)
    areas = engine.table(AREAS)
    staffed = posts.select("grid_code").distinct().mutate(is_staffed=one)
    grids = areas.filter(areas.tier == "grid").select(grid_code="area_code")
    parts = ibis.union(
        grids.left_join(staffed, "grid_code").select(
            community_code=_.grid_code.left(12),
            grid=one,
            staffed=_.is_staffed.fill_null(0),
            post=none,
        ),
        posts.select("community_code", grid=none, staffed=none, post=one),
    )
    return parts.group_by("community_code").aggregate(
        grid_count=_.grid.sum(),
        staffed_grid_count=_.staffed.sum(),
        unstaffed_grid_count=_.grid.sum() - _.staffed.sum(),
        post_count=_.post.sum(),
    )


def count_staff(engine: Engine, day: date) -> ir.Table:
    """Workers by community and role of their first post."""
    own = ibis.window(group_by="staff_token", order_by="grid_code")
    first = posts_on(engine, day).mutate(position=ibis.row_number().over(own))
    return (
        first.filter(_.position == 0)
        .group_by("community_code", "staff_role")
        .aggregate(staff_count=_.count())
    )
