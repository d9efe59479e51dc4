"""Nobody reaches another area's rows: every way tried on a real Superset, and every one fails.

West street's figure and name are marks that stand in no request: an answer that holds one of them
shows what it must not.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

import duckdb
import pytest
from supersets import (
    PYTHON,
    Refused,
    Session,
    Superset,
    ask_bootstrap,
    cookie_session,
    serving,
    user,
)

DISTRICT, EAST, WEST = "350299", "350299001", "350299002"
EAST_MARK, WEST_MARKS = "东街标记", ("西街机密", "73537")
ROWS = [
    ("case_count", DISTRICT, "全区", 90001.0),
    ("case_count", EAST, EAST_MARK, 16464.0),
    ("case_count", f"{EAST}001", "东一", 16464.0),
    ("case_count", WEST, WEST_MARKS[0], 73537.0),
    ("case_count", f"{WEST}001", "西一", 73537.0),
]
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


@dataclass
class World:
    """The running server, people signed in, and the numbers Superset gave to things."""

    server: Superset
    sessions: dict[str, Session] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    def at(self, who: str) -> Session:
        if who not in self.sessions:
            self.sessions[who] = self.server.as_user(who)
        return self.sessions[who]

    def west_file(self) -> str:
        return str(self.server.home / "serving" / "g1" / f"{WEST}.duckdb")

    def query(self, *, board: str = "street", **changes: Any) -> dict[str, Any]:
        """A chart's request for data as its dashboard makes it, with changes of an attacker."""
        form = {"slice_id": self.ids[f"chart {board}"], "dashboardId": self.ids[board]}
        query = {"columns": ["area_code", "area_name", "value"], "row_limit": 100}
        return {
            "datasource": {"id": changes.pop("dataset", self.ids["metric_values"]),
                           "type": changes.pop("kind", "table")},
            "queries": [query | changes.pop("query", {})],
            "form_data": changes.pop("form_data", form),
            "result_format": "json", "result_type": "full", **changes,
        }  # fmt: skip


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


Step = Callable[[World], tuple[str, Any] | tuple[str, Any, str]]
DATA = "/api/v1/chart/data"
SQL = "/api/v1/sqllab/execute/"


def _sql(text: str) -> Step:
    return lambda w: (SQL, {"database_id": 1, "sql": text.replace("FILE", w.west_file())})


def _where(clause: str) -> Step:
    return lambda w: (DATA, w.query(query={"extras": {"where": clause}}))


def _column(sql: str) -> Step:
    one = {"label": "x", "sqlExpression": sql, "expressionType": "SQL"}
    return lambda w: (DATA, w.query(query={"columns": [one]}))


STREET: dict[str, Step] = {
    "a dashboard of another tier, by address": lambda w: ("/api/v1/dashboard/district", None),
    "its charts": lambda w: (f"/api/v1/dashboard/{w.ids['district']}/charts", None),
    "its datasets": lambda w: (f"/api/v1/dashboard/{w.ids['district']}/datasets", None),
    "its data": lambda w: (DATA, w.query(board="district")),
    "data in the name of no dashboard": lambda w: (DATA, w.query(form_data={})),
    "data of a dataset on no dashboard": lambda w: (DATA, w.query(dataset=w.ids["hidden_values"])),
    "a filter on the other street": lambda w: (
        DATA, w.query(query={"filters": [{"col": "area_code", "op": "==", "val": WEST}]})),
    "a filter that closes the bracket": _where("1=1) OR (1=1"),
    "a filter that is always true": _where("area_code LIKE '%' OR 1=1"),
    "a filter with a comment": _where("1=1 --"),
    "a filter with a second query": _where("1=1 UNION SELECT * FROM metric_values"),
    "a filter in the having clause": lambda w: (
        DATA, w.query(query={"extras": {"having": "1=1) OR (1=1"}})),
    "an extra filter of the old kind": lambda w: (
        DATA, w.query(form_data={"slice_id": w.ids["chart street"], "dashboardId": w.ids["street"],
                                 "extra_filters": [{"col": "area_code", "op": "in", "val": [WEST]}]
                                 })),
    "a column that is a query": _column("(SELECT string_agg(area_name, '') FROM metric_values)"),
    "a column that reads the file": _column("(SELECT content FROM read_text('/etc/hostname'))"),
    "a template that reads Python": _column("'{{ own_area.__globals__ }}'"),
    "a template that names another user": _column("'{{ current_username() }}' || area_name"),
    "a template that sets the area": _where("{% set own_area = '350299' %} 1=1"),
    "an order that is a query": lambda w: (
        DATA, w.query(query={"orderby": [[{"expressionType": "SQL", "label": "o", "sqlExpression":
              "(SELECT max(value) FROM metric_values)"}, True]]})),
    "detail rows behind a chart": lambda w: (DATA, w.query(result_type="drill_detail")),
    "samples by the chart's door": lambda w: (DATA, w.query(result_type="samples")),
    "another user's cached answer": lambda w: (f"{DATA}/{w.keys['west']}", None),
    "a stored answer asked for again": lambda w: (DATA, w.query(force=False)),
    "samples of a dataset": lambda w: (
        f"/datasource/samples?datasource_type=table&datasource_id={w.ids['metric_values']}", {}),
    "values of a column": lambda w: (
        f"/api/v1/datasource/table/{w.ids['metric_values']}/column/area_name/values/", None),
    "the old chart endpoint": lambda w: (
        "/superset/explore_json/?form_data=" + quote(json.dumps(
            {"datasource": f"{w.ids['metric_values']}__table", "viz_type": "table",
             "all_columns": ["area_name"]})), {}),
    "explore": lambda w: (
        f"/api/v1/explore/?datasource_id={w.ids['metric_values']}&datasource_type=table", None),
    "SQL Lab": _sql("SELECT * FROM metric_values"),
    "results of SQL Lab": lambda w: ("/api/v1/sqllab/results/?q=(key:abc)", None),
    "the connection": lambda w: (
        "/api/v1/database/1", {"sqlalchemy_uri": f"duckdb:///{w.west_file()}"}, "PUT"),
    "a connection of one's own": lambda w: (
        "/api/v1/database/", {"database_name": "mine", "engine": "duckdb",
                              "sqlalchemy_uri": f"duckdb:///{w.west_file()}"}),
    "tables of the connection": lambda w: ("/api/v1/database/1/tables/?q=(schema_name:main)", None),
    "an upload": lambda w: ("/api/v1/database/1/upload/", {}),
    "the dataset's query": lambda w: (
        f"/api/v1/dataset/{w.ids['metric_values']}", {"sql": "SELECT 1"}, "PUT"),
    "a dataset of one's own": lambda w: (
        "/api/v1/dataset/", {"database": 1, "schema": "main", "table_name": "hidden_values"}),
    "a chart of one's own": lambda w: (
        "/api/v1/chart/", {"slice_name": "mine", "datasource_id": w.ids["hidden_values"],
                           "datasource_type": "table"}),
    "a chart changed": lambda w: (
        f"/api/v1/chart/{w.ids['chart street']}", {"slice_name": "mine"}, "PUT"),
    "a dashboard's roles": lambda w: (
        f"/api/v1/dashboard/{w.ids['district']}", {"roles": []}, "PUT"),
    "a copy of a dashboard": lambda w: (
        f"/api/v1/dashboard/{w.ids['district']}/copy/",
        {"dashboard_title": "mine", "json_metadata": "{}"}),
    "a link to a dashboard": lambda w: (
        f"/api/v1/dashboard/{w.ids['district']}/permalink", {"urlParams": []}),
    "a filter state of a dashboard": lambda w: (
        f"/api/v1/dashboard/{w.ids['district']}/filter_state", {"value": "{}"}),
    "embedding": lambda w: (f"/api/v1/dashboard/{w.ids['district']}/embedded", None),
    "a guest token": lambda w: (
        "/api/v1/security/guest_token/",
        {"user": {"username": "leader"}, "resources": [], "rls": []}),
    "export of dashboards": lambda w: (
        f"/api/v1/dashboard/export/?q=!({w.ids['district']})", None),
    "export of everything": lambda w: ("/api/v1/assets/export/", None),
    "import of everything": lambda w: ("/api/v1/assets/import/", {}),
    "the row rules": lambda w: ("/api/v1/rowlevelsecurity/", None),
    "a row rule changed": lambda w: ("/api/v1/rowlevelsecurity/1", {"clause": "1=1"}, "PUT"),
    "the users": lambda w: ("/api/v1/security/users/", None),
    "a user of one's own": lambda w: (
        "/api/v1/security/users/", {"username": "x", "first_name": "x", "last_name": "x",
                                    "active": True, "email": "x@y.z", "roles": [1],
                                    "password": "Abcd-efgh-1234"}),
    "one's own name": lambda w: ("/api/v1/me/", {"username": "west"}, "PUT"),
    "the log": lambda w: ("/api/v1/log/", None),
    "themes": lambda w: ("/api/v1/theme/", {"theme_name": "x", "json_data": "{}"}),
    "the description of the API": lambda w: ("/swagger/v1", None),
}  # fmt: skip

ANALYST: dict[str, Step] = {
    "plain": _sql("SELECT * FROM metric_values"),
    "queries of others": lambda w: ("/api/v1/query/", None),
    "a file by its name": _sql("SELECT * FROM 'FILE'"),
    "a file attached": _sql("ATTACH 'FILE' AS w"),
    "a file attached, then read": _sql("ATTACH 'FILE' AS w (READ_ONLY); FROM w.metric_values"),
    "read_csv": _sql("SELECT * FROM read_csv('/etc/passwd')"),
    "read_text": _sql("SELECT * FROM read_text('FILE')"),
    "read_blob": _sql("SELECT * FROM read_blob('FILE')"),
    "parquet": _sql("SELECT * FROM read_parquet('s3://bucket/x.parquet')"),
    "a listing": _sql("SELECT * FROM glob('/**')"),
    "a copy": _sql("COPY metric_values TO '/tmp/out.csv'"),
    "an export": _sql("EXPORT DATABASE '/tmp/out'"),
    "an extension": _sql("INSTALL httpfs"),
    "an extension loaded": _sql("LOAD httpfs"),
    "the lock": _sql("SET lock_configuration = false"),
    "the wall": _sql("SET enable_external_access = true"),
    "a table": _sql("CREATE TABLE t AS SELECT 1"),
    "a change": _sql("UPDATE metric_values SET area_code = '350299002'"),
    "the environment": _sql("SELECT getenv('GOVLAKE_HOME')"),
    "a template": _sql("SELECT '{{ own_area.__globals__ }}' FROM metric_values"),
    "rows behind a dataset": lambda w: (DATA, w.query(form_data={})),
    "a hidden dataset": lambda w: (
        DATA, w.query(form_data={}, dataset=w.ids["hidden_values"])),
    "the connection": lambda w: (
        "/api/v1/database/1", {"sqlalchemy_uri": f"duckdb:///{w.west_file()}"}, "PUT"),
    "a connection tested": lambda w: (
        "/api/v1/database/test_connection/", {"sqlalchemy_uri": f"duckdb:///{w.west_file()}"}),
    "an upload": lambda w: ("/api/v1/database/1/upload/", {}),
}  # fmt: skip

# Answered, and rightly: with rows of the own area or none at all.
ANSWERED = {
    "a filter on the other street", "a filter that is always true",
    "an extra filter of the old kind", "a template that names another user",
    "a template that sets the area", "detail rows behind a chart", "samples by the chart's door",
    "a stored answer asked for again", "plain", "rows behind a dataset", "a hidden dataset",
    "queries of others", "a filter with a comment",
}  # fmt: skip


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
