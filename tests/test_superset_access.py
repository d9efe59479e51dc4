"""Nobody reaches another area's rows: every way tried on a real Superset, and every one fails."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import duckdb
import pytest
from superset_attempts import (
    ANALYST,
    ANSWERED,
    DISTRICT,
    EAST,
    EAST_MARK,
    ROWS,
    STREET,
    WEST,
    WEST_MARKS,
    Step,
    World,
)
from supersets import (
    PYTHON,
    Refused,
    Session,
    ask_bootstrap,
    cookie_session,
    serving,
    user,
)

PEOPLE = [
    user("leader", "区领导", DISTRICT),
    user("east", "街道", EAST),
    user("west", "街道", WEST),
    user("analyst", "分析员", EAST),
    user("nowhere", "街道", None),
    user("locked", "社区", f"{EAST}001"),
]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="no .venv-superset: run `make setup-superset`"),
]


def publish(home: Path) -> None:
    """Serving files of the district, both streets and nobody, cut as publication cuts them."""
    folder = home / "serving" / "g1"
    folder.mkdir(parents=True)
    for area in (DISTRICT, EAST, WEST, f"{EAST}001", "empty"):
        with duckdb.connect(str(folder / f"{area}.duckdb")) as connection:
            for table in ("metric_values", "hidden_values"):
                connection.execute(
                    f"CREATE TABLE {table} (metric_id VARCHAR, area_code VARCHAR, "
                    "area_name VARCHAR, value DOUBLE)"
                )
                own = [row for row in ROWS if row[1].startswith(area)]
                if own:
                    connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", own)
    (home / "serving" / "current").symlink_to("g1")


def uuid_of(kind: str, name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"test/{kind}/{name}"))


def panels(boards: dict[str, list[str]]) -> bytes:
    """A bundle: a dataset, and for each dashboard one chart; a second dataset on none of them."""
    files: dict[str, Any] = {"metadata.yaml": {"version": "1.0.0", "type": "assets"}}
    for table in ("metric_values", "hidden_values"):
        files[f"datasets/govlake/{table}.yaml"] = {
            "table_name": table, "schema": "main", "uuid": uuid_of("datasets", table),
            "version": "1.0.0", "database_uuid": uuid_of("databases", "any"),
        }  # fmt: skip
    for slug, roles in boards.items():
        chart = uuid_of("charts", slug)
        files[f"charts/{slug}.yaml"] = {
            "slice_name": slug, "viz_type": "table", "uuid": chart, "version": "1.0.0",
            "dataset_uuid": uuid_of("datasets", "metric_values"), "query_context": None,
            "params": {"viz_type": "table", "query_mode": "raw", "all_columns": ["area_name"]},
        }  # fmt: skip
        files[f"dashboards/{slug}.yaml"] = {
            "dashboard_title": slug, "slug": slug, "uuid": uuid_of("dashboards", slug),
            "version": "1.0.0", "roles": roles, "metadata": {},
            "position": {
                "DASHBOARD_VERSION_KEY": "v2",
                "CHART-1": {"type": "CHART", "id": "CHART-1", "children": [],
                            "meta": {"uuid": chart, "width": 4, "height": 50, "chartId": 0}},
            },
        }  # fmt: skip
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as bundle:
        for path, content in files.items():
            bundle.writestr(f"govlake/{path}", json.dumps(content, ensure_ascii=False))
    return packed.getvalue()


BOARDS = {"street": ["街道", "区领导", "分析员"], "district": ["区领导"], "gone": ["区领导"]}


def rows_of(world: World, who: str) -> list[dict[str, Any]]:
    return world.at(who).ask("/api/v1/chart/data", world.query())["result"][0]["data"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("access_home")
    publish(home)
    (home / "superset").mkdir(mode=0o700)
    (home / "superset" / "panels.zip").write_bytes(panels(BOARDS))
    logins = ask_bootstrap(home, {"do": "bootstrap", "first_users": PEOPLE})["logins"]
    with serving(home, logins) as server:
        world = World(server)
        for kind, name in (("dataset", "table_name"), ("dashboard", "slug"), ("chart", None)):
            for one in world.at("admin").ask(f"/api/v1/{kind}/")["result"]:
                key = one[name] if name else f"chart {one['slice_name']}"
                world.ids[key] = one["id"]
        west = world.at("west").ask("/api/v1/chart/data", world.query())["result"][0]
        assert all(holds(json.dumps(west), mark) for mark in WEST_MARKS)
        world.keys["west"] = west["cache_key"]
        yield world


def holds(text: str, mark: str) -> bool:
    """Whether an answer shows a mark, written out or escaped as JSON may."""
    return mark in text or json.dumps(mark)[1:-1] in text


@pytest.mark.parametrize(
    ("who", "name", "step"),
    [("east", name, step) for name, step in STREET.items()]
    + [("analyst", name, step) for name, step in ANALYST.items()],
)
def test_an_attempt_on_another_streets_rows_fails(
    world: World, who: str, name: str, step: Step
) -> None:
    path, body, *method = step(world)
    status, text = world.at(who).fetch(path, body, *method)
    assert not any(holds(text, mark) for mark in WEST_MARKS), (status, text[:500])
    if name in ANSWERED:
        assert status == 200, (status, text[:500])
    else:
        assert status in (400, 401, 403, 404, 405, 422, 500), (status, text[:500])
        assert not holds(text, EAST_MARK)


def test_there_are_enough_attempts() -> None:
    assert len(STREET) + len(ANALYST) >= 25


def test_pages_of_another_tier_do_not_open_for_a_browser_either(world: World) -> None:
    browser = cookie_session(world.server.url, "east", world.server.logins["east"])
    assert browser.ask("/api/v1/me/")["result"]["username"] == "east"
    assert browser.fetch("/superset/dashboard/street/")[0] == 200
    status, page = browser.fetch("/superset/dashboard/district/")
    assert status in (403, 404) or '"dashboard_title"' not in page
    for path in ("/sqllab/", "/users/list/", "/roles/", "/tablemodelview/list/",
                 "/databaseview/list/", "/rowlevelsecurity/list/"):  # fmt: skip
        status, page = browser.fetch(path)
        assert status in (403, 404) or "访问被拒绝" in page or "Access is Denied" in page, path


def test_the_leader_sees_all_a_street_its_own_and_a_user_without_an_area_nothing(
    world: World,
) -> None:
    def seen(who: str) -> set[str]:
        return {row["area_code"] for row in rows_of(world, who)}

    assert seen("leader") == {row[1] for row in ROWS}
    assert seen("east") == {EAST, f"{EAST}001"}
    assert seen("west") == {WEST, f"{WEST}001"}
    assert seen("nowhere") == set()
    assert seen("admin") == set()  # administering is not looking


def test_an_administrator_cannot_open_a_file_by_a_connection_of_his_own(world: World) -> None:
    admin = world.at("admin")
    made = admin.ask("/api/v1/database/", {
        "database_name": "mine", "sqlalchemy_uri": f"duckdb:///{world.west_file()}",
        "expose_in_sqllab": True,
    })  # fmt: skip
    assert admin.run_sql("SELECT count(*) AS n FROM metric_values", made["id"])["data"] == [
        {"n": 0}
    ]
    for uri in ("sqlite:////etc/passwd", "postgresql://a:b@127.0.0.1/c", "duckdb+http://x"):
        with pytest.raises(Refused):
            admin.ask("/api/v1/database/", {"database_name": f"x{uri[:6]}", "sqlalchemy_uri": uri})


def test_the_second_wall_stands_without_the_first(world: World) -> None:
    """East street's file replaced by the district's: the row rule still shows east street only."""
    folder = world.server.home / "serving" / "g1"
    own, kept = folder / f"{EAST}.duckdb", folder / "kept.duckdb"
    own.rename(kept)
    try:
        own.write_bytes((folder / f"{DISTRICT}.duckdb").read_bytes())
        assert {row["area_code"] for row in rows_of(world, "east")} == {EAST, f"{EAST}001"}
    finally:
        kept.replace(own)


def test_five_failures_lock_a_name_even_for_the_right_password(world: World) -> None:
    url, logins = world.server.url, world.server.logins
    for _ in range(5):
        with pytest.raises(Refused, match=r"^401"):
            Session(url).sign_in("locked", "wrong-Password-1")
    with pytest.raises(Refused, match=r"^401"):
        Session(url).sign_in("LOCKED", logins["locked"])
    assert cookie_session(url, "locked", logins["locked"]).fetch("/api/v1/me/")[0] == 401
    Session(url).sign_in("west", logins["west"])  # others are not locked
    fresh = ask_bootstrap(world.server.home, {"do": "reset", "username": "locked"})["logins"]
    Session(url).sign_in("locked", fresh["locked"])


def test_a_weak_password_is_refused(world: World) -> None:
    session = world.server.as_user("west")
    for weak in ("short-A1", "alllowercaseletters", "Password-1234", "Aa1Aa1Aa1Aa1"):
        assert session.fetch("/api/v1/me/", {"password": weak}, "PUT")[0] == 400, weak
    assert session.fetch("/api/v1/me/", {"password": "Lantern-River-82"}, "PUT")[0] == 200
    Session(world.server.url).sign_in("west", "Lantern-River-82")


def test_another_bundle_removes_what_left_it_and_a_dashboard_without_roles_is_refused(
    world: World,
) -> None:
    home, admin = world.server.home, world.at("admin")
    made = admin.ask("/api/v1/dashboard/", {"dashboard_title": "by hand", "published": True})
    bundle = home / "superset" / "panels.zip"
    bundle.write_bytes(panels({k: v for k, v in BOARDS.items() if k != "gone"}))
    assert ask_bootstrap(home, {"do": "bootstrap"}) == {"logins": {}}
    boards = admin.ask("/api/v1/dashboard/")["result"]
    assert {board["dashboard_title"] for board in boards} == {"street", "district", "by hand"}
    assert world.ids["street"] in {board["id"] for board in boards}
    roles = admin.ask(f"/api/v1/dashboard/{made['id']}")["result"]["roles"]
    assert [role["name"] for role in roles] == ["管理员"]
    bundle.write_bytes(panels(BOARDS | {"open": []}))
    answer = ask_bootstrap(home, {"do": "bootstrap"})
    assert "dashboards/open.yaml" in answer["error"]
    assert {row["area_code"] for row in rows_of(world, "east")} == {EAST, f"{EAST}001"}


def test_who_left_the_list_is_out_at_once_and_the_last_administrator_stays(world: World) -> None:
    api = world.at("east")
    page = cookie_session(world.server.url, "east", world.server.logins["east"])
    assert page.fetch("/api/v1/me/")[0] == api.fetch("/api/v1/me/")[0] == 200
    stay = [user("leader", "区领导", DISTRICT), user("newcomer", "街道", WEST)]
    answer = ask_bootstrap(world.server.home, {"do": "import", "users": stay, "prune": True})
    assert set(answer["logins"]) == {"newcomer"}
    assert answer["spared"] == ["admin"]
    assert "east" in answer["deactivated"]
    assert "leader" not in answer["deactivated"]
    assert page.fetch("/api/v1/me/")[0] == 401
    assert api.fetch(*STREET["a filter on the other street"](world))[0] in (401, 403)
    assert {row["area_code"] for row in rows_of(world, "leader")} == {row[1] for row in ROWS}
    world.server.logins |= answer["logins"]
    assert {row["area_code"] for row in rows_of(world, "newcomer")} == {WEST, f"{WEST}001"}
