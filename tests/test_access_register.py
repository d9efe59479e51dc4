"""The access register: every act once, none for too long, and no row seen before it is written."""

from __future__ import annotations

import getpass
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from rich.console import Console

import assets.access
from assets.access import add_acts, expire, record, since
from pipelines import restricted
from pipelines.restricted import parsed, show_restricted, tables_of, without_constants
from schemas.access import ACCESS, KEPT_DAYS
from warehouse.home import Home
from warehouse.lake import Lake

NOW = datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def act(number: int, action: str = "open_dashboard", **other: Any) -> dict[str, Any]:
    return {
        "at": (NOW + timedelta(seconds=number)).isoformat(), "number": number, "username": "zhang",
        "action": action, "path": "/superset/dashboard/street/", "area_code": "350299001",
        "target": "street", "chart": None,
    } | other  # fmt: skip


def test_acts_read_twice_stand_once(lake: Lake) -> None:
    acts = [act(1), act(2, "sign_in", path="/login/", target=None), act(3, "run_sql")]
    assert add_acts(lake, acts[:2]) == 2
    assert add_acts(lake, acts) == 1
    rows = lake.read(ACCESS).sort("at")
    assert rows["surface"].to_list() == ["dashboards", "sign_in", "dashboards"]
    assert rows["target"].to_list() == ["street", None, "street"]
    assert lake.version(ACCESS) == 2
    assert add_acts(lake, acts) == 0
    assert lake.version(ACCESS) == 2, "nothing new is no commit"


def test_reading_a_chart_stands_once_an_hour(lake: Lake) -> None:
    at = NOW.replace(minute=0, second=0)
    reads = [
        act(n, "read_chart", chart="案件", at=(at + timedelta(minutes=20 * n)).isoformat())
        for n in range(6)
    ]
    assert add_acts(lake, reads) == 2
    assert add_acts(lake, [*reads, reads[0] | {"chart": "其他"}]) == 1


def test_acts_without_a_word_for_them_are_left_out(lake: Lake) -> None:
    assert add_acts(lake, [act(1, "ChartRestApi.get_list")]) == 0
    assert not lake.exists(ACCESS)


def test_the_log_is_read_again_from_a_while_before_the_latest_act(lake: Lake) -> None:
    oldest = datetime.now(UTC) - timedelta(days=KEPT_DAYS)
    assert abs(since(lake) - oldest) < timedelta(minutes=1)
    add_acts(lake, [act(0)])
    assert since(lake) == NOW.replace(tzinfo=UTC) - assets.access.OVERLAP
    # a look by the command says nothing of how far Superset's log was read
    record(lake, username="root", tables=["bronze.areas"], query="", reason="")
    assert since(lake) == NOW.replace(tzinfo=UTC) - assets.access.OVERLAP


def test_acts_expire_after_180_days(lake: Lake) -> None:
    days = {age: (NOW - timedelta(days=age)).isoformat() for age in (0, 179, 182, 400)}
    add_acts(lake, [act(n, at=at) for n, at in enumerate(days.values())])
    assert expire(lake) == 2
    assert expire(lake) == 0
    assert lake.read(ACCESS).height == 2


def shown(home: Home, query: str, reason: str | None) -> str:
    console = Console(file=io.StringIO(), width=200)
    show_restricted(home, query, reason, console, csv=False)
    return console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]


def test_restricted_rows_are_shown_after_the_look_is_written(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    add_acts(lake, [act(1, target="a board")])
    query = "SELECT a.target FROM ops.access a WHERE a.target LIKE 'a b%' -- 张三"
    assert "a board" in shown(lake.home, query, "核对访问记录")
    (row,) = lake.read(ACCESS).filter(pl.col("surface") == "command").to_dicts()
    assert row["action"] == "read_restricted"
    assert row["username"] == getpass.getuser()
    assert row["target"] == "ops.access"
    assert row["reason"] == "核对访问记录"
    assert "a b%" not in json.dumps(row, default=str, ensure_ascii=False)
    assert "张三" not in row["part"]


@pytest.mark.parametrize("reason", [None, "", "  看看  "])
def test_without_a_reason_nothing_is_read_and_nothing_written(
    lake: Lake, reason: str | None
) -> None:
    with pytest.raises(ValueError, match="--reason"):
        shown(lake.home, "FROM bronze.areas", reason)
    assert not lake.exists(ACCESS)


def test_a_register_that_cannot_be_written_shows_no_row(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(restricted, "record", fails)
    monkeypatch.setattr(restricted, "Engine", lambda *_: pytest.fail("rows were read"))
    with pytest.raises(OSError, match="disk full"):
        shown(lake.home, "FROM bronze.areas", "核对区划边界")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM 'x.parquet'",
        "FROM glob('*')",
        "SELECT * FROM bronze.areas, read_text('/etc/hostname')",
        "SELECT (SELECT max(content) FROM read_text('/etc/hostname')) FROM bronze.areas",
        "SELECT * FROM areas",
        "SELECT * FROM bronze.nothing",
        "SELECT 1",
        "DROP TABLE bronze.areas",
        "ATTACH 'x' AS y",
        "COPY (FROM bronze.areas) TO 'x.csv'",
        "FROM bronze.areas; FROM bronze.devices",
        "SELECT FROM WHERE",
    ],
)
def test_only_tables_of_the_lake_can_be_asked(query: str) -> None:
    with pytest.raises(ValueError, match=r"lake|SELECT|readable"):
        tables_of(parsed(query))


def test_common_table_expressions_and_joins_name_their_tables() -> None:
    query = "WITH a AS (FROM bronze.areas) SELECT * FROM a JOIN bronze.devices USING (file_id)"
    assert set(tables_of(parsed(query))) == {"bronze.areas", "bronze.devices"}


def test_constants_leave_a_query_before_it_is_kept() -> None:
    query = (
        "SELECT * FROM bronze.residents WHERE id IN ('350102199001011234', 'x') LIMIT 7 /* 张 */"
    )
    plain = without_constants(parsed(query))
    assert not any(word in plain for word in ("3501", "'x'", "7", "张"))
