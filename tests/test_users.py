"""The list of users is read whole or refused whole; `serve` minds its children."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path

import pytest

from pipelines.errors import RunFailed
from pipelines.serving_up import Children, Door
from pipelines.superset import PYTHON_VARIABLE, demo_users, superset_python
from pipelines.users import read_users
from warehouse.home import HomeError

AREAS = ["350299", "350299001", "350299001001"]


def listed(tmp_path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    file = tmp_path / "users.csv"
    file.write_bytes("\n".join(lines).encode(encoding))
    return file


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_list_is_read_with_chinese_or_english_headings(tmp_path: Path, encoding: str) -> None:
    rows = ["zhang,张三,街道,350299001", "", "li , 李四 ,管理员,"]
    want = [
        {"username": "zhang", "display_name": "张三", "role": "街道", "area_code": "350299001"},
        {"username": "li", "display_name": "李四", "role": "管理员", "area_code": None},
    ]
    for heading in ("用户名,姓名,角色,区划代码", "Username,Display name,role,area_code"):
        file = listed(tmp_path, heading, *rows, encoding=encoding)
        assert read_users(file, AREAS) == want


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("a,甲,街道,350299001", "user name 'a'"),
        ("x y,甲,街道,350299001", "user name 'x y'"),
        ("wang,,街道,350299001", "no display name"),
        ("wang,王,局长,350299001", "choose from 区领导"),
        ("wang,王,街道,350299", "街道 needs an area code of 9 digits"),
        ("wang,王,区领导,350299001", "区领导 needs an area code of 6 digits"),
        ("wang,王,社区,", "社区 needs an area code of 12 digits"),
        ("wang,王,街道,350299009", "no serving file for area 350299009"),
        ("ZHANG,王,街道,350299001", "named twice"),
    ],
)
def test_a_faulty_line_refuses_the_whole_list_and_is_named(
    tmp_path: Path, line: str, told: str
) -> None:
    file = listed(tmp_path, "username,display_name,role,area_code", "zhang,张,街道,350299001", line)
    with pytest.raises(ValueError, match="line 3") as error:
        read_users(file, AREAS)
    assert told in str(error.value)


def test_a_list_without_a_column_or_without_users_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no column area_code"):
        read_users(listed(tmp_path, "username,display_name,role", "zhang,张,街道"), AREAS)
    with pytest.raises(ValueError, match="names no user"):
        read_users(listed(tmp_path, "username,display_name,role,area_code"), AREAS)
    with pytest.raises(ValueError, match="No such file"):
        read_users(tmp_path / "none.csv", AREAS)


def test_the_demo_has_a_user_for_each_tier_that_is_there() -> None:
    assert [(u["role"], u["area_code"]) for u in demo_users(AREAS)] == [
        ("区领导", "350299"), ("街道", "350299001"), ("社区", "350299001001"), ("分析员", "350299"),
    ]  # fmt: skip
    assert [u["role"] for u in demo_users(["350299"])] == ["区领导", "分析员"]


def test_without_supersets_environment_serve_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PYTHON_VARIABLE, str(tmp_path / "python"))
    with pytest.raises(HomeError, match="make setup-superset"):
        superset_python()


def test_a_taken_port_is_told_before_anything_starts() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(HomeError, match="--superset-port"):
            Door("127.0.0.1", taken.getsockname()[1]).check_free("--superset-port")
    assert Door("0.0.0.0", 80).url == "http://127.0.0.1:80"
    assert Door("::1", 80).url == "http://[::1]:80"


def test_children_are_stopped_however_the_block_is_left(tmp_path: Path) -> None:
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(RuntimeError, match="leaving"), Children() as children:
        for name in ("one", "two"):
            children.start(name, sleep, {}, tmp_path / f"{name}.log")
        children.check()
        processes = [process for process, _ in children.running.values()]
        raise RuntimeError("leaving")
    assert all(process.poll() is not None for process in processes)


def test_a_child_that_ends_by_itself_is_told_with_its_log(tmp_path: Path) -> None:
    with Children() as children:
        children.start("Dagster", [sys.executable, "-c", "exit(3)"], {}, tmp_path / "serve.log")
        children.running["Dagster"][0].wait(20)
        started = time.monotonic()
        with pytest.raises(RunFailed, match=r"Dagster ended by itself \(code 3\); see .*serve.log"):
            children.wait_until("http://127.0.0.1:9/", "Dagster")
        assert time.monotonic() - started < 5
