"""Blocking checks: a table whose account does not close stops everything built on it."""

import dagster as dg

from assets.accounts import feed_totals, open_accounts, silver_account
from quality.accounting import tiers_out_of_step
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
        description="接受 = 保留 + 合并 + 被取代 + 暂置，逐日核对（完整性）",
        blocking=True,
    )
    def check(lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
        account = silver_account(lake, name)
        wrong = account.filter(account["missing"] != 0)
        sums = account.drop("day").sum().row(0, named=True) if account.height else {}
        return dg.AssetCheckResult(
            passed=wrong.is_empty(),
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
        wrong = tiers_out_of_step(lake.read(tables.table("statistics", name)))
        return dg.AssetCheckResult(
            passed=wrong.is_empty(),
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={"out_of_step": wrong["metric_id"].unique().to_list()},
        )

    return check


CHECKS = [
    *(_arrived_rows_are_accounted_for(feed.name) for feed in FEEDS),
    *(_accepted_rows_are_accounted_for(name) for name in tables.ACCOUNTED),
    *(_tiers_add_up(name) for name in ("daily_values", "current_values")),
]
