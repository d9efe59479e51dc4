"""The graph as data engineers see it: groups, owners, labels, checks, sensors, partitions."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from support import govlake, write_demo_home

from assets.silver.captures import face_passages
from assets.taking_in import take_in
from assets.timing import CITY_DAY
from pipelines.definitions import defs
from schemas import tables
from schemas.contract import facts
from schemas.feeds import FEEDS
from warehouse.home import Home
from warehouse.lake import Lake


@pytest.fixture(scope="module")
def graph() -> dg.Definitions:
    return defs if isinstance(defs, dg.Definitions) else defs()


def specs(graph: dg.Definitions) -> dict[tuple[str, ...], dg.AssetSpec]:
    return {tuple(s.key.path): s for s in graph.resolve_all_asset_specs()}


def test_every_table_of_the_lake_is_an_asset_with_an_owner_and_a_group(
    graph: dg.Definitions,
) -> None:
    found = specs(graph)
    derived = ("_merges", "_set_aside")
    for table in tables.TABLES:
        if table.layer in {"quarantine", "ops"} or table.name.endswith(derived):
            continue
        spec = found[table.key]
        assert spec.group_name == table.layer
        assert spec.owners, table.label
        assert spec.kinds, table.label


def test_columns_carry_their_chinese_labels(graph: dg.Definitions) -> None:
    for key, spec in specs(graph).items():
        if (table := tables.BY_KEY.get(key)) is None:  # pyright: ignore[reportArgumentType]
            continue
        columns = spec.metadata["dagster/column_schema"].columns
        assert [c.name for c in columns] == list(table.contract.columns())
        for column in columns:
            assert facts(table.contract, column.name)["zh"] in (column.description or "")


def test_every_account_is_a_blocking_check(graph: dg.Definitions) -> None:
    checks = {
        (tuple(key.asset_key.path), key.name): spec
        for one in graph.asset_checks or []
        for key, spec in ((s.key, s) for s in one.check_specs)  # pyright: ignore[reportAttributeAccessIssue]
    }
    for feed in FEEDS:
        assert checks[("bronze", feed.name), "arrived_rows_are_accounted_for"].blocking
    for name in tables.ACCOUNTED:
        assert checks[("silver", name), "accepted_rows_are_accounted_for"].blocking
    for name in ("daily_values", "period_values"):
        assert checks[("statistics", name), "tiers_add_up"].blocking


def test_every_silver_table_is_accounted() -> None:
    # made of other silver tables or of all versions of a register, beside the table that accounts
    derived = {"device_places", "resident_periods", "rental_periods", "sensor_edges",
               "device_periods", "grid_staff_periods"}  # fmt: skip
    silver = {t.name for t in tables.TABLES if t.layer == "silver"} - derived
    assert set(tables.ACCOUNTED) == {n for n in silver if not n.endswith(("_merges", "_set_aside"))}
    feeds = [feed for feeds in tables.ACCOUNTED.values() for feed in feeds]
    assert sorted(feeds) == sorted(feed.name for feed in FEEDS)


def test_capture_days_are_partitions_backfilled_in_one_run(graph: dg.Definitions) -> None:
    for name in ("face_passages", "vehicle_passages", "nonmotor_passages", "sensor_readings"):
        asset = graph.resolve_assets_def(dg.AssetKey(["silver", name]))
        assert asset.partitions_def == CITY_DAY
        assert asset.backfill_policy == dg.BackfillPolicy.single_run()


@pytest.mark.slow
def test_the_landing_sensor_asks_until_the_file_is_taken_in(
    graph: dg.Definitions, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.sensors.resources", lambda: {"lake": Lake(home)})
    sensor = graph.resolve_sensor_def("landing")

    def asked() -> list[str | None]:
        with dg.DagsterInstance.ephemeral() as instance:
            tick = sensor.evaluate_tick(dg.build_sensor_context(instance=instance))
        return [request.run_key for request in tick.run_requests or []]

    assert asked() == []
    (home.landing / "devices").mkdir()
    (home.landing / "devices" / "new.csv").write_text("ApeID,DeviceKind,UpdatedAt\n")
    first = asked()
    assert len(first) == 1
    assert asked()[0] == first[0], "the same files in the same hour are one request"
    take_in(Lake(home), "devices")
    assert asked() == []


@pytest.mark.slow
def test_a_day_can_be_backfilled_by_itself(tmp_path: Path) -> None:
    home = write_demo_home(tmp_path / "home", days=3, scale=0.001, feeds="captures")
    govlake("run", "--home", str(home.root))
    lake, table = Lake(home), tables.table("silver", "face_passages")
    before = lake.read(table).sort("passage_id")
    lake.delete(table, "shot_day = '2026-11-18'")
    lake.delete(tables.table("ops", "builds"), "table_key = 'silver.face_passages'")
    with dg.DagsterInstance.ephemeral() as instance:
        done = dg.materialize(
            [face_passages], partition_key="2026-11-18", resources={"lake": lake},
            instance=instance,
        )  # fmt: skip
    assert done.success
    assert lake.read(table).sort("passage_id").equals(before)
