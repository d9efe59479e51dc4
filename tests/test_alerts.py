"""What people are told, and when: against a plain loop, and with real runs and a real server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from receivers import Web, web_server
from test_landing import case_file, put
from typer.testing import CliRunner

from assets.taking_in import take_in
from assets.timing import AsOf
from pipelines.alert_book import Book, Condition, load, save
from pipelines.alert_settings import AlertSettings, Webhook
from pipelines.alert_sources import JOBS_ZH, stale_feeds, watched_checks, watched_jobs
from pipelines.alerts import Ticked, tick
from pipelines.cli import app
from pipelines.definitions import defs
from quality.grading import FeedState
from schemas.feeds import FEEDS
from warehouse.home import Home, HomeError
from warehouse.lake import Lake

NOW = datetime(2026, 11, 20, 1, tzinfo=UTC)
AS_OF = AsOf(datetime(2026, 11, 19, 16, tzinfo=UTC))
TO = AlertSettings((Webhook("w", url="http://x/"),), repeat_hours=3)
keys = st.sets(st.sampled_from(["run/a", "check/b", "stale/c"]))


def told(book: Book) -> list[tuple[str, str]]:
    return [(one.act, one.key) for one in book.outbox]


@given(st.lists(keys, max_size=12))
def test_told_once_again_after_some_hours_and_once_when_it_is_over(hours: list[set[str]]) -> None:
    book, expected = Book(), []
    for hour, wrong in enumerate(hours):
        book.note(
            [Condition(k, "error", k) for k in sorted(wrong)], TO, NOW + timedelta(hours=hour)
        )
        expected.append(sorted(told(book)))
        book.outbox.clear()  # the channel takes everything
    for key in ("run/a", "check/b", "stale/c"):
        last: int | None = None
        for hour, wrong in enumerate(hours):
            mine = [act for act, of in expected[hour] if of == key]
            if key in wrong and last is None:
                assert mine == ["problem"]
                last = hour
            elif key in wrong and hour - last >= 3:  # type: ignore[operator]
                assert mine == ["still"]
                last = hour
            elif key not in wrong and last is not None:
                assert mine == ["recovered"]
                last = None
            else:
                assert mine == []


def test_mild_things_are_not_told_and_graver_ones_at_once() -> None:
    book, mild = Book(), Condition("stale/c", "note", "c")
    book.note([mild], TO, NOW)
    book.note([], TO, NOW)
    assert told(book) == []
    book.note([replace(mild, severity="warning")], TO, NOW)
    book.note([replace(mild, severity="error")], TO, NOW)
    book.note([replace(mild, severity="note")], TO, NOW)  # milder, but not over
    assert told(book) == [("problem", "stale/c"), ("still", "stale/c")]


def test_what_could_not_be_looked_at_is_not_over() -> None:
    book = Book()
    book.note([Condition("stale/c", "error", "c"), Condition("run/a", "error", "a")], TO, NOW)
    book.note([], TO, NOW, unknown={"stale"})
    assert told(book)[2:] == [("recovered", "run/a")]
    assert set(book.open) == {"stale/c"}


def test_a_channel_that_is_away_gets_everything_but_old_repeats(home: Home) -> None:
    book, wrong = Book(), [Condition("run/a", "error", "a")]
    for hours in (0, 3, 6, 9):
        book.note(wrong, TO, NOW + timedelta(hours=hours))
    book.note([], TO, NOW + timedelta(hours=10))
    save(home, book)
    assert load(home) == book
    assert told(book) == [("problem", "run/a"), ("still", "run/a"), ("recovered", "run/a")]
    assert book.forget_others([]) == 3


def test_a_damaged_book_is_named(home: Home) -> None:
    home.alerts.mkdir()
    (home.alerts / "book.json").write_text('{"open": {}}')
    with pytest.raises(HomeError, match="damaged"):
        load(home)


def test_a_feed_is_old_one_day_after_its_days_are_over() -> None:
    def keys(newest: date | None, days: int) -> list[str]:
        state = FeedState("网格案件", 9, 0, frozenset(), newest, True, days)
        return [one.key for one in stale_feeds({"grid_cases": state}, AS_OF)]

    last = AS_OF.last_day
    assert keys(last - timedelta(days=2), 2) == []
    assert keys(last - timedelta(days=3), 2) == ["stale/grid_cases"]
    assert keys(None, 2) == [], "a feed the site does not have"


def test_every_feed_has_its_days_as_a_freshness_policy() -> None:
    graph = defs if isinstance(defs, dg.Definitions) else defs()
    specs = {tuple(s.key.path): s for s in graph.resolve_all_asset_specs()}
    for feed in FEEDS:
        policy: Any = specs["bronze", feed.name].freshness_policy
        assert policy.fail_window.to_timedelta() == timedelta(days=feed.stays_fresh_for)


def test_every_job_and_check_of_the_graph_is_watched() -> None:
    graph = defs if isinstance(defs, dg.Definitions) else defs()
    checks: Any = graph.asset_checks
    assert set(watched_checks()) == {spec.key for one in checks for spec in one.check_specs}
    jobs = {job.name for job in graph.resolve_all_job_defs()}
    assert jobs <= set(watched_jobs())
    assert set(JOBS_ZH) == set(watched_jobs()), "each has a Chinese name"


# With real runs of Dagster and a real web server.


@pytest.fixture
def web(home: Home) -> Iterator[Web]:
    home.config.mkdir()
    with web_server() as web:
        (home.config / "alerts.yaml").write_text(f"webhooks: [{{name: w, url: '{web.url}'}}]\n")
        yield web


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def ticked(lake: Lake, web: Web, instance: dg.DagsterInstance) -> Callable[..., list[Any]]:
    """Ticks once; what was told by it."""

    def go(as_of: AsOf = AS_OF, now: datetime = NOW) -> list[Any]:
        before = len(web.alerts) if web.status == 200 else 0
        assert isinstance(tick(lake, instance, as_of, now), Ticked)
        return web.alerts[before:]

    return go


def run(instance: dg.DagsterInstance, name: str, *, fails: bool) -> None:
    @dg.op(name="step_of_it")
    def step() -> None:
        if fails:
            raise ValueError("身份证 350299200001010011")

    @dg.job(name=name)
    def job() -> None:
        step()

    assert job.execute_in_process(instance=instance, raise_on_error=False).success is not fails


def test_a_failed_run_is_told_once_then_its_recovery(
    ticked: Callable[..., list[Any]], web: Web, instance: dg.DagsterInstance
) -> None:
    run(instance, "take_in", fails=False)
    assert ticked() == []
    run(instance, "take_in", fails=True)
    assert ticked() == [("problem", "run/take_in")]
    run(instance, "take_in", fails=True)
    assert ticked() == []
    assert ticked(now=NOW + timedelta(hours=24)) == [("still", "run/take_in")]
    run(instance, "take_in", fails=False)
    assert ticked() == [("recovered", "run/take_in")]
    assert ticked() == []
    said = json.dumps(web.posted, ensure_ascii=False)
    assert "step_of_it" in said
    assert "350299200001010011" not in said


def test_a_failure_mended_between_two_ticks_is_told_with_its_recovery(
    ticked: Callable[..., list[Any]], instance: dg.DagsterInstance
) -> None:
    assert ticked() == []
    run(instance, "take_in", fails=True)
    run(instance, "take_in", fails=False)
    assert ticked() == [("problem", "run/take_in"), ("recovered", "run/take_in")]
    assert ticked() == []


def test_a_refresh_that_fails_before_it_publishes_blocks_the_publication(
    ticked: Callable[..., list[Any]], instance: dg.DagsterInstance
) -> None:
    run(instance, "refresh", fails=True)
    assert ticked() == [("problem", "run/refresh"), ("problem", "publication/blocked")]
    run(instance, "refresh", fails=False)
    assert sorted(ticked()) == [("recovered", "publication/blocked"), ("recovered", "run/refresh")]


def test_a_pin_is_told_without_its_reason(
    ticked: Callable[..., list[Any]], web: Web, home: Home
) -> None:
    pin = home.serving / "pinned.json"
    pin.write_text(json.dumps({"generation": "g1", "reason": "张三来电", "since": "2026"}))
    assert ticked() == [("problem", "publication/pinned")]
    assert "张三" not in json.dumps(web.posted, ensure_ascii=False)
    pin.unlink()
    assert ticked() == [("recovered", "publication/pinned")]


@pytest.mark.parametrize(
    ("asset", "name", "blocking"),
    [
        ("daily_values", "tiers_add_up", True),
        ("vehicle_passages", "direction_codes_are_mapped", False),
    ],
)
def test_a_check_that_fails_is_told_and_one_under_way_changes_nothing(
    ticked: Callable[..., list[Any]], web: Web, instance: dg.DagsterInstance,
    asset: str, name: str, blocking: bool,
) -> None:  # fmt: skip
    layer = "statistics" if blocking else "silver"

    def check(passed: bool | None) -> None:
        @dg.asset(key=[layer, asset])
        def made() -> None:
            if passed is None:
                raise ValueError  # so its check is planned and never made

        @dg.asset_check(asset=made, name=name, blocking=blocking)
        def checked() -> dg.AssetCheckResult:
            return dg.AssetCheckResult(passed=bool(passed))

        dg.materialize([made, checked], instance=instance, raise_on_error=False)

    def about_it() -> list[str]:
        return [act for act, key in ticked() if key == f"check/{layer}.{asset}/{name}"]

    check(passed=True)
    assert about_it() == []
    check(passed=False)
    assert about_it() == ["problem"]
    check(passed=None)
    assert about_it() == []
    check(passed=True)
    assert about_it() == ["recovered"]
    severity = {
        one["severity"] for body in web.posted for one in body["alerts"] if name in one["key"]
    }
    assert severity == {"error" if blocking else "warning"}


def test_an_old_feed_is_told_by_its_rows_and_recovers_with_newer_ones(
    ticked: Callable[..., list[Any]], lake: Lake
) -> None:
    put(lake.home, "grid_cases/a.csv", case_file({}))
    take_in(lake, "grid_cases")
    later = AsOf(datetime(2099, 1, 1, tzinfo=UTC))
    assert ticked(later) == [("problem", "stale/grid_cases")]
    assert ticked(later) == []
    assert ticked(AS_OF) == [("recovered", "stale/grid_cases")]


def test_nothing_is_lost_while_the_receiver_is_down_and_no_run_fails(
    ticked: Callable[..., list[Any]], web: Web, lake: Lake, instance: dg.DagsterInstance
) -> None:
    web.status = 503
    run(instance, "take_in", fails=True)
    assert ticked() == []
    run(instance, "take_in", fails=False)
    assert ticked() == []
    assert load(lake.home).channels["w"]["error"] == "answered 503"
    assert "SECRET" not in (lake.home.alerts / "book.json").read_text()
    listed = CliRunner().invoke(app, ["alerts", "list", "--home", str(lake.home.root)]).output
    assert listed.splitlines()[:2] == [
        "nothing is wrong that people were told of",
        f"w: never used, 2 waiting, failed {listed.split('failed ')[1][:16]}: answered 503",
    ]
    assert "waiting for w: 【已恢复·严重】作业“读取”（take_in）运行失败" in listed
    web.status = 200
    assert ticked() == [("problem", "run/take_in"), ("recovered", "run/take_in")]
    assert load(lake.home).outbox == []


def test_the_sensor_ticks_and_asks_for_no_run(
    web: Web, lake: Lake, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.alerts.resources", lambda: {"lake": lake, "as_of": AS_OF})
    graph = defs if isinstance(defs, dg.Definitions) else defs()
    sensor = graph.resolve_sensor_def("alerts")
    run(instance, "refresh", fails=True)
    seen = sensor.evaluate_tick(dg.build_sensor_context(instance=instance))
    assert (seen.run_requests or [], seen.skip_message) == ([], "2 sent, 0 waiting")
    (lake.home.config / "alerts.yaml").unlink()
    seen = sensor.evaluate_tick(dg.build_sensor_context(instance=instance))
    assert "nobody is told" in (seen.skip_message or "")
