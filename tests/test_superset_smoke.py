"""Superset's own environment works: it starts from nothing and shows the serving file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from supersets import PYTHON, Refused, Session, Superset, ask_bootstrap, serving, user

CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_ARGS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip
CASES, DISTRICT = 48_271, "350299"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="no .venv-superset: run `make setup-superset`"),
]


def publish(home: Path, generation: str, cases: int) -> Path:
    """Write a serving file and point `current` at it."""
    folder = home / "serving" / generation
    folder.mkdir(parents=True)
    file = folder / f"{DISTRICT}.duckdb"
    with duckdb.connect(str(file)) as connection:
        # The last row looks like the second in the columns shown: a query that groups loses it.
        connection.execute(f"""
            CREATE TABLE metric_values AS
            SELECT metric_id, metric_name, unit,
                   if(length(area_code) = 6, 'district', 'street') AS tier, area_code, area_name,
                   if(period_day IS NULL, 'as_of', 'day') AS period,
                   period_day IS NULL AS is_newest, value::DOUBLE AS value,
                   value IS NULL AS is_withheld
            FROM (VALUES
                ('cases', '网格案件数', '件', '{DISTRICT}', '示范区', NULL, {cases}),
                ('rate', '按期结案率', '%', '{DISTRICT}', '示范区', NULL, 93.75),
                ('tenants', '租住人数', '人', '{DISTRICT}', '示范区', NULL, NULL),
                ('cases', '网格案件数', '件', '{DISTRICT}', '示范区', '2026-11-19', 311),
                ('cases', '网格案件数', '件', '{DISTRICT}001', '东街', NULL, {cases - 9}),
                ('cases', '网格案件数', '件', '{DISTRICT}002', '西街', NULL, 9),
                ('rate_2', '按期结案率', '%', '{DISTRICT}', '示范区', NULL, 93.75)
            ) AS rows(metric_id, metric_name, unit, area_code, area_name, period_day, value)""")
    with duckdb.connect(str(folder / "empty.duckdb")) as connection:
        connection.execute(f"ATTACH '{file}' AS full_one (READ_ONLY)")
        connection.execute("CREATE TABLE metric_values AS FROM full_one.metric_values LIMIT 0")
    link = home / "serving" / ".next"
    link.symlink_to(generation)
    link.replace(home / "serving" / "current")
    return file


def totals(file: Path) -> list[dict[str, Any]]:
    """What the panel must show, by plain SQL on the serving file."""
    with duckdb.connect(str(file), read_only=True) as connection:
        found = connection.execute("""
            SELECT metric_name, area_name, period, value, unit, is_withheld FROM metric_values
            WHERE is_newest ORDER BY metric_name, area_name, period""")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def bootstrap(home: Path) -> dict[str, str]:
    people = [user("leader", "区领导", DISTRICT), user("analyst", "分析员", DISTRICT)]
    return ask_bootstrap(home, {"do": "bootstrap", "first_users": people})["logins"]


def panel(session: Session) -> list[dict[str, Any]]:
    """The rows of the panel's only chart, as its dashboard asks for them."""
    found = session.ask("/api/v1/dashboard/totals")["result"]["id"]
    (chart,) = session.ask("/api/v1/dashboard/totals/charts")["result"]
    form = chart["form_data"]
    columns = form["all_columns"]
    query = {
        "columns": columns, "row_limit": form["row_limit"],
        "filters": [{"col": "is_newest", "op": "IS TRUE", "val": None}],
        "orderby": [["metric_name", True], ["area_name", True], ["period", True]],
    }  # fmt: skip
    table, kind = form["datasource"].split("__")
    body = {
        "datasource": {"id": int(table), "type": kind}, "queries": [query],
        "form_data": {"slice_id": chart["id"], "dashboardId": found},
        "result_format": "json", "result_type": "full",
    }  # fmt: skip
    return session.ask("/api/v1/chart/data", body)["result"][0]["data"]


@pytest.fixture(scope="module")
def superset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    home = tmp_path_factory.mktemp("superset_home")
    publish(home, "g1", CASES)
    logins = bootstrap(home)
    with serving(home, logins) as server:
        yield server


@pytest.fixture(scope="module")
def leader(superset: Superset) -> Session:
    return superset.as_user("leader")


def test_its_secrets_are_generated_and_kept_by_their_owner_only(superset: Superset) -> None:
    folder = superset.home / "superset"
    assert folder.stat().st_mode & 0o777 == 0o700
    for name in ("secret_key", "superset.db", "areas.json"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600, name
    assert set(superset.logins) == {"admin", "leader", "analyst"}
    assert min(len(password) for password in superset.logins.values()) >= 16
    for file in folder.rglob("*"):  # told once, kept as hashes
        if file.is_file():
            assert not any(p.encode() in file.read_bytes() for p in superset.logins.values()), file
    assert not (superset.home / "nobody").exists(), "something was written outside its home"
    with pytest.raises(Refused, match=r"^401"):
        Session(superset.url).sign_in("admin", "admin")


def test_the_panel_gives_the_numbers_of_the_serving_file(
    superset: Superset, leader: Session
) -> None:
    expected = totals(superset.home / "serving" / "g1" / f"{DISTRICT}.duckdb")
    assert CASES in [row["value"] for row in expected if row["metric_name"] == "网格案件数"]
    assert panel(leader) == expected


def test_sql_lab_can_neither_write_nor_read_files_nor_lift_the_lock(superset: Superset) -> None:
    analyst = superset.as_user("analyst")
    assert analyst.run_sql("SELECT count(*) AS n FROM metric_values")["data"] == [{"n": 7}]
    for sql, reason in {
        "SELECT * FROM read_text('/etc/hostname')": "disabled",
        "DELETE FROM metric_values": "DML_NOT_ALLOWED",
        "SET enable_external_access = true": "locked",
    }.items():
        with pytest.raises(Refused, match=reason):
            analyst.run_sql(sql)


def test_a_new_generation_is_shown_at_once(superset: Superset, leader: Session) -> None:
    before = panel(leader)
    file = publish(superset.home, "g2", CASES + 1)
    try:
        assert panel(leader) == totals(file) != before
    finally:
        publish(superset.home, "g3", CASES)


def test_a_second_bootstrap_keeps_logins_and_doubles_nothing(
    superset: Superset, leader: Session
) -> None:
    before = panel(leader)
    assert bootstrap(superset.home) == {}
    assert panel(superset.as_user("leader")) == before


@pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium: the panel is not drawn")
def test_the_panel_is_drawn_in_a_browser_with_the_number_on_it(
    superset: Superset, tmp_path: Path
) -> None:
    from playwright.sync_api import expect, sync_playwright

    asked: list[Any] = []
    with sync_playwright() as play:
        play.selectors.set_test_id_attribute("data-test")
        browser = play.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 800}, locale="zh-CN")
            page.set_default_timeout(40_000)
            page.on("request", lambda request: asked.append(request))
            page.goto(f"{superset.url}/login/")
            expect(page.get_by_test_id("login-button")).to_have_text(re.compile(r"登\s*录"))
            page.screenshot(path=tmp_path / "sign_in.png")
            page.get_by_test_id("username-input").fill("leader")
            page.get_by_test_id("password-input").fill(superset.logins["leader"])
            page.get_by_test_id("login-button").click()
            page.wait_for_url(lambda url: "/login" not in url)
            page.goto(f"{superset.url}/superset/dashboard/totals/?standalone=1")
            expect(page.get_by_text(f"{CASES:,}", exact=True)).to_be_visible(timeout=40_000)
            expect(page.get_by_text("93.75", exact=True)).to_have_count(2)
            page.screenshot(path=tmp_path / "panel.png")
            # what the page wanted from elsewhere never left it: its own policy refused ("csp")
            outside = {
                (request.url, request.failure)
                for request in asked
                if not request.url.startswith((superset.url, "data:", "blob:"))
            }
        finally:
            browser.close()
    assert {failure for _, failure in outside} <= {"csp"}, outside
