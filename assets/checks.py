"""Blocking checks: a table whose account does not close stops everything built on it."""

import dagster as dg

from assets.accounts import TIERED, feed_totals, open_accounts, silver_account, tiers_out
from assets.headings import unmapped_codes
from assets.site_settings import DIRECTIONS, SettingsError, directions
from quality.accounting import closes
from schemas import tables
from schemas.feeds import FEEDS
from warehouse.lake import Lake


def _arrived_rows_are_accounted_for(feed: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=["bronze", feed],
        name="arrived_rows_are_accounted_for",
        description="到达 = 接受 + 隔离 + 拒收，逐文件与表中实际行数核对（完整性）",
        blocking=True,
    )
    def check(lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
        wrong = open_accounts(lake, feed)
        return dg.AssetCheckResult(
            passed=wrong.is_empty(),
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={
                **feed_totals(lake, feed),
                "files_that_do_not_close": wrong["file_id"].to_list()[:20],
            },
        )

    return check


def _accepted_rows_are_accounted_for(name: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=["silver", name],
        name="accepted_rows_are_accounted_for",
        description="接受 + 移入 = 保留 + 合并 + 被取代 + 暂置 + 移出，逐日核对（完整性）",
        blocking=True,
    )
    def check(lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
        account = silver_account(lake, name)
        wrong = account.filter(account["missing"] != 0)
        sums = account.drop("day").sum().row(0, named=True) if account.height else {}
        return dg.AssetCheckResult(
            passed=closes(account),
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={
                **{column: int(value) for column, value in sums.items()},
                "days_that_do_not_close": [str(day) for day in wrong["day"].to_list()[:20]],
            },
        )

    return check


def _tiers_add_up(name: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=["statistics", name],
        name="tiers_add_up",
        description="社区合计 + 未定位 = 街道合计 = 区县（一致性）",
        blocking=True,
    )
    def check(lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
        wrong = tiers_out(lake, name)
        return dg.AssetCheckResult(
            passed=wrong.is_empty(),
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={"out_of_step": wrong["metric_id"].unique().to_list()},
        )

    return check


@dg.asset_check(
    asset=["silver", "vehicle_passages"],
    name="direction_codes_are_mapped",
    description="有方向代码的通行均能按站点方向表换算航向；未列入的按设备前缀与代码计数（规范性）",
)
def direction_codes_are_mapped(lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
    """Warns of direction codes the site's map says nothing about; they are never guessed."""
    try:
        known = directions(lake.home)
    except SettingsError as error:
        return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN,
                                   description=str(error))  # fmt: skip
    if known.is_empty():
        return dg.AssetCheckResult(passed=True, description=f"no map: config/{DIRECTIONS}")
    unmapped = unmapped_codes(lake, known)
    return dg.AssetCheckResult(
        passed=not unmapped,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"passages": sum(unmapped.values()), "by_device_prefix_and_code": unmapped},
    )


CHECKS = [
    direction_codes_are_mapped,
    *(_arrived_rows_are_accounted_for(feed.name) for feed in FEEDS),
    *(_accepted_rows_are_accounted_for(name) for name in tables.ACCOUNTED),
    *(_tiers_add_up(name) for name in TIERED),
]
