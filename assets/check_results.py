"""Checks that failed without blocking, by the feeds whose numbers they touch."""

from collections import defaultdict

import dagster as dg
from dagster import AssetCheckKey, AssetCheckSpec, DagsterInstance
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

from assets.checks import CHECKS
from assets.expectation_checks import EXPECTATION_CHECKS
from assets.grading import Failed
from assets.lineage import feeds_of
from assets.space_checks import SPACE_CHECKS
from schemas import tables


def failed_checks(instance: DagsterInstance) -> Failed:
    """Feed → what did not hold when it was last checked, in Chinese.

    Args:
        instance: Remembers how checks went.
    """
    specs = _that_do_not_block()
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(specs))
    found: dict[str, set[str]] = defaultdict(set)
    for key, record in latest.items():
        if record.status == AssetCheckExecutionRecordStatus.FAILED:
            said = (specs[key].description or key.name).split("；", 1)[0]
            for feed in _feeds(key.asset_key):
                found[feed].add(said)
    return {feed: tuple(sorted(said)) for feed, said in sorted(found.items())}


def _that_do_not_block() -> dict[AssetCheckKey, AssetCheckSpec]:
    return {
        spec.key: spec
        for one in (*CHECKS, *SPACE_CHECKS, *EXPECTATION_CHECKS)
        for spec in one.check_specs
        if not spec.blocking
    }


def _feeds(asset: dg.AssetKey) -> tuple[str, ...]:
    layer, name = asset.path
    if layer == "bronze":
        return (name,)
    table = tables.BY_KEY.get((layer, name))
    return feeds_of(table) if table else ()
