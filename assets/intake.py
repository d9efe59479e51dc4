"""Bronze assets: one factory over the registry of feeds. The work is in `taking_in.py`."""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg

from assets.accounts import feed_totals
from assets.building import about
from assets.taking_in import Intake, take_in
from schemas import tables
from schemas.feeds import Feed, sources
from warehouse.lake import Lake


def intake_asset(source: str, feeds: tuple[Feed, ...]) -> dg.AssetsDefinition:
    """The asset that takes in one source's files and so fills the bronze tables of its feeds."""
    found = [(feed, tables.table("bronze", feed.name)) for feed in feeds]

    @dg.multi_asset(
        name=f"take_in_{source}",
        specs=[
            dg.AssetSpec(
                **about(table, "intake"),
                kinds={"duckdb", "polars", "deltalake"},
                freshness_policy=freshness(feed),
            )
            for feed, table in found
        ],
        can_subset=False,
    )
    def take_in_source(
        context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> Iterator[dg.MaterializeResult]:
        intake = take_in(lake, source)
        _tell(context, intake)
        for _, table in found:
            yield dg.MaterializeResult(
                asset_key=list(table.key), metadata=_numbers(lake, table, intake)
            )

    return take_in_source


def freshness(feed: Feed) -> dg.FreshnessPolicy:
    """The days a feed stays fresh for, as Dagster shows them.

    Dagster looks at when its landing was last read, not at the rows: red means that nobody looked.
    How old the rows are is told by the alerts (`pipelines/alert_sources.py`).
    """
    return dg.FreshnessPolicy.time_window(fail_window=timedelta(days=feed.stays_fresh_for))


def _tell(context: dg.AssetExecutionContext, intake: Intake) -> None:
    """File names, reasons and counts; never a value of a row."""
    if intake.recovered:
        context.log.warning(f"a killed run left batch {intake.recovered} half done; it was undone")
    for name, reason in (intake.set_aside | intake.refused_files).items():
        context.log.warning(f"set aside: {name}: {reason}")
    for name in intake.waiting:
        context.log.info(f"still being written, left for the next run: {name}")


def _numbers(lake: Lake, table: tables.Table, intake: Intake) -> dict[str, int]:
    name = table.name
    return {
        "dagster/row_count": feed_totals(lake, name)["accepted"],
        "files": intake.files,
        "accepted": intake.rows[f"{name} accepted"],
        "quarantined": intake.rows[f"{name} quarantined"],
        "refused": intake.rows[f"{name} refused"],
        "files_set_aside": len(intake.set_aside),
    }


INTAKE_ASSETS = [intake_asset(source, feeds) for source, feeds in sources().items()]
