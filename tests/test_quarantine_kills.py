"""A replay that is killed leaves what was before, or what comes after, and nothing between."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from repair_homes import closes, judge_strictly, judged_again, put_cases

from assets.replaying import recover_all
from assets.taking_in import take_in
from schemas import tables
from schemas.replays import JUDGEMENTS, REPLAYS
from warehouse import journal
from warehouse.lake import Lake


class Killed(BaseException):
    """Stands for a kill: nothing after it is done."""


@pytest.mark.parametrize("point", range(8))
def test_a_replay_killed_at_any_commit_is_undone_or_done(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, point: int
) -> None:
    judge_strictly(monkeypatch)
    put_cases(lake.home)
    take_in(lake, "grid_cases")
    monkeypatch.undo()
    done, commit = 0, Lake.commit

    def until(self: Lake, table: tables.Table, action: object) -> None:
        nonlocal done
        if done == point:
            raise Killed
        done += 1
        commit(self, table, action)  # pyright: ignore

    monkeypatch.setattr(Lake, "commit", until)
    is_killed = False
    try:
        judged_again(lake)
    except Killed:
        is_killed = True
    monkeypatch.undo()
    assert is_killed == (point < 6), "bronze, quarantine twice, three books"
    other = Lake(lake.home)
    recover_all(other)
    assert closes(other, "grid_cases") == ((5, 1, 4) if is_killed else (5, 2, 3))
    judged_again(other)
    assert closes(other, "grid_cases") == (5, 2, 3)
    assert other.read(REPLAYS).height == 1
    assert other.read(JUDGEMENTS).height == 2
    assert not list((lake.home.lake / "ops" / "_journal").glob("*.json"))


def test_a_replay_killed_after_its_last_commit_stands(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_strictly(monkeypatch)
    put_cases(lake.home)
    take_in(lake, "grid_cases")
    monkeypatch.undo()

    def killed(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(journal, "end", killed)
    with pytest.raises(Killed):
        judged_again(lake)
    monkeypatch.undo()
    assert recover_all(lake) == []
    assert closes(lake, "grid_cases") == (5, 2, 3)
    assert judged_again(lake) == ({}, {}, {})


_KILLS_ITSELF = """
import os, signal, sys
from repair_homes import judged_again
from warehouse.home import Home
from warehouse.lake import Lake
from pathlib import Path
left, commit = [int(sys.argv[2])], Lake.commit
def until(self, table, action):
    commit(self, table, action)
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
Lake.commit = until
judged_again(Lake(Home(Path(sys.argv[1]))))
"""


def test_kill_minus_nine_leaves_before_or_after(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_strictly(monkeypatch)
    put_cases(lake.home)
    take_in(lake, "grid_cases")
    monkeypatch.undo()
    point = random.Random().randrange(6)
    path = f"{Path(__file__).parent}:{Path(__file__).parent.parent}"
    done = subprocess.run(
        [sys.executable, "-c", _KILLS_ITSELF, str(lake.home.root), str(point)],
        env={**os.environ, "PYTHONPATH": path}, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    take_in(lake, "grid_cases")  # the next run of anything puts the tables back
    assert closes(lake, "grid_cases") == ((5, 2, 3) if point == 5 else (5, 1, 4)), point
    judged_again(lake)
    assert closes(lake, "grid_cases") == (5, 2, 3), point
