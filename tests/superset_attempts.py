"""Ways to another street's rows, as requests: what `test_superset_access.py` tries.

West street's figure and name are marks that stand in no request: an answer that holds one of them
shows what it must not.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from supersets import Session, Superset

DISTRICT, EAST, WEST = "350299", "350299001", "350299002"
EAST_MARK, WEST_MARKS = "东街标记", ("西街机密", "73537")
ROWS = [
    ("case_count", DISTRICT, "全区", 90001.0),
    ("case_count", EAST, EAST_MARK, 16464.0),
    ("case_count", f"{EAST}001", "东一", 16464.0),
    ("case_count", WEST, WEST_MARKS[0], 73537.0),
    ("case_count", f"{WEST}001", "西一", 73537.0),
]


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
