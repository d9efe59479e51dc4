"""The dashboards in a real browser: every panel drawn, with the numbers of the serving file."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import duckdb
import pytest
from supersets import PYTHON, Superset, ask_bootstrap, serving, user
from test_superset_smoke import CHROMIUM, CHROMIUM_ARGS

from dashboards import boards
from pipelines.boards import write_bundle
from warehouse.home import Home

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="no .venv-superset: run `make setup-superset`"),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium"),
]
PATIENCE_MS = 150_000  # a busy machine; what it took is printed
ERRORS = ".ant-alert-error, [data-test='error-message'], [data-test='loading-indicator-error']"


@pytest.fixture(scope="module")
def superset(demo_run: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    home = Home(tmp_path_factory.mktemp("boards_home"))
    home.serving.symlink_to(demo_run.serving)
    write_bundle(home)
    district = next(p.stem for p in current(home).glob("[0-9]*.duckdb") if len(p.stem) == 6)
    people = [user("leader", "区领导", district), user("admin2", "管理员", district)]
    answer = ask_bootstrap(home.root, {"do": "bootstrap", "first_users": people})
    assert "error" not in answer
    with serving(home.root, answer["logins"]) as server:
        yield server


def current(home: Home) -> Path:
    return (home.serving / "current").resolve()


class Browser:
    """One page, signed in as the leader; keeps what it asked for and how long that took."""

    def __init__(self, page: Any, superset: Superset) -> None:
        self.page, self.url = page, superset.url
        self.asked: list[Any] = []
        self.began: dict[Any, float] = {}
        self.seconds: list[float] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", self._begin)
        page.on("requestfinished", self._end)
        page.goto(f"{self.url}/login/")
        page.fill("[data-test=username-input]", "leader")
        page.fill("[data-test=password-input]", superset.logins["leader"])
        page.click("[data-test=login-button]")
        page.wait_for_url(lambda url: "/login" not in url, wait_until="commit")

    def _begin(self, request: Any) -> None:
        self.asked.append(request)
        self.began[request] = time.monotonic()

    def _end(self, request: Any) -> None:
        if "/api/v1/chart/data" in request.url:
            self.seconds.append(time.monotonic() - self.began[request])

    def open(self, path: str) -> None:
        self.page.goto(f"{self.url}{path}", wait_until="commit")
        self.settle(path)

    def settle(self, name: str) -> None:
        """Wait until every panel is drawn; off-screen ones are drawn when scrolled to."""
        started, before = time.monotonic(), len(self.seconds)
        self.page.set_viewport_size({"width": 1920, "height": 3600})
        self.page.wait_for_function(
            "() => { const all = document.querySelectorAll('.dashboard-component-chart-holder');"
            " return all.length > 5 && [...all].every(one => one.querySelector('.gl')); }"
        )
        own = sorted(self.seconds[before:])
        p95 = own[int(len(own) * 0.95)] if own else 0.0
        print(f"{name}: {len(own)} queries, p95 {p95:.2f} s, "
              f"complete after {time.monotonic() - started:.1f} s")  # fmt: skip

    def area(self) -> str:
        return self.page.locator(".gl-area-name").inner_text()


@pytest.fixture(scope="module")
def browser(superset: Superset) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        try:
            page = chromium.new_page(viewport={"width": 1920, "height": 1080}, locale="zh-CN")
            yield Browser(page, superset)
        finally:
            chromium.close()


def expected(superset: Superset, name: str, period: str) -> dict[str, str]:
    """Metric name → what a panel must show of an area; by plain SQL and Python formatting."""
    folder = current(Home(superset.home))
    file = next(p for p in folder.glob("[0-9]*.duckdb") if len(p.stem) == 6)
    with duckdb.connect(str(file), read_only=True) as connection:
        rows = connection.execute(
            """SELECT v.metric_name, v.value, v.is_withheld, m.kind FROM metric_values v
            JOIN metrics m USING (metric_id)
            WHERE v.area_name = ? AND v.is_newest AND v.period IN (?, 'as_of')
              AND length(v.area_code) = (SELECT min(length(area_code)) FROM space_areas
                                         WHERE area_name = ?)""",
            [name, period, name],
        ).fetchall()
    shown = {}
    for metric, value, withheld, kind in rows:
        figure = "—" if value is None else (
            f"{round(value):,}" if kind in ("sum", "distinct") else f"{value:,.2f}"
        )  # fmt: skip
        shown[metric] = "已隐去" if withheld else figure
    return shown


def compare(browser: Browser, superset: Superset, period: str) -> int:
    """Every number on the page is the file's; how many there were."""
    truth = expected(superset, browser.area(), period)
    cells = browser.page.evaluate(
        "() => [...document.querySelectorAll('.gl-num')].map(one => "
        "[one.querySelector('.gl-name').firstChild.textContent,"
        " one.querySelector('.gl-value').textContent])"
    )
    wrong = {name: (shown, truth.get(name)) for name, shown in cells
             if shown != truth.get(name, "无数据")}  # fmt: skip
    assert wrong == {}
    return len(cells)


def test_the_district_is_drawn_whole_and_its_numbers_are_the_files(
    browser: Browser, superset: Superset
) -> None:
    browser.open("/superset/dashboard/district/?standalone=1")
    page = browser.page
    panels = boards.read_board("district", boards.read_panels()).panel_ids()
    assert page.locator(".gl").count() == len(panels)
    assert page.locator(ERRORS).count() == 0
    assert compare(browser, superset, "week") > 30
    text = page.locator(".grid-content").first.inner_text()
    leftover = {w for w in re.findall(r"[A-Za-z]{4,}", text) if not w.startswith("g0")}
    assert leftover == set(), "English words"
    assert page.locator(".gl-area").count() == 2 * page.locator(".gl-tagvalue").count() > 0


def test_a_click_on_the_map_leads_down_and_a_click_on_a_row_further_and_back_up(
    browser: Browser, superset: Superset
) -> None:
    page = browser.page
    name = page.locator("g.gl-tag, text.gl-tag").first.text_content()
    page.locator("g.gl-wall a").first.click()
    page.wait_for_url(re.compile("/dashboard/street/"))
    browser.settle("street")
    assert browser.area() == name
    assert compare(browser, superset, "week") > 30
    assert page.locator(".gl-above").count() > 10, "no comparison with the district"

    row = page.locator(".gl-ranking .gl-wall a").first
    lower = row.inner_text()
    row.click()
    page.wait_for_url(re.compile("/dashboard/community/"))
    browser.settle("community")
    assert browser.area() == lower
    assert "周" in unquote(page.locator(".gl-facts").inner_text())
    compare(browser, superset, "week")

    page.locator(".gl-crumbs .gl-wall a").first.click()
    page.wait_for_url(re.compile("/dashboard/district/"))
    browser.settle("district again")


def test_the_office_page_is_light(browser: Browser) -> None:
    browser.open("/superset/dashboard/district-office/")
    colour = browser.page.evaluate(
        "() => getComputedStyle(document.querySelector('.dashboard-component-chart-holder'))"
        ".backgroundColor"
    )
    assert colour == "rgb(255, 255, 255)"
    assert browser.page.locator(".gl-office:visible").count() > 0
    assert browser.page.locator(".gl-wall:visible").count() == 0


def test_a_wall_asks_again_after_five_minutes(browser: Browser) -> None:
    browser.page.clock.install()
    browser.open("/superset/dashboard/district/?standalone=1")
    before = len(browser.seconds)
    browser.page.clock.fast_forward(330_000)
    deadline = time.monotonic() + 60
    while len(browser.seconds) == before and time.monotonic() < deadline:
        browser.page.wait_for_timeout(500)
    assert len(browser.seconds) > before


def test_nothing_was_asked_of_another_machine(browser: Browser) -> None:
    outside = {(r.url, r.failure) for r in browser.asked
               if not r.url.startswith((browser.url, "data:", "blob:"))}  # fmt: skip
    assert {failure for _, failure in outside} <= {"csp"}, outside


def test_what_was_changed_by_hand_is_reported_and_put_back(superset: Superset) -> None:
    admin = superset.as_user("admin2")
    charts = admin.ask("/api/v1/chart/?q=(page_size:500)")["result"]
    (one,) = [c for c in charts if c["slice_name"] == "消防"][:1]
    admin.ask(f"/api/v1/chart/{one['id']}", {"slice_name": "改名"}, "PUT")
    found = ask_bootstrap(superset.home, {"do": "diff"})["differences"]
    assert [(d["kind"], d["difference"]) for d in found] == [("图表", "slice_name differs")]
    assert ask_bootstrap(superset.home, {"do": "bootstrap"}) == {"logins": {}}
    again = admin.ask("/api/v1/chart/?q=(page_size:500)")["result"]
    assert {(c["id"], c["slice_name"]) for c in again} == {
        (c["id"], c["slice_name"]) for c in charts
    }
