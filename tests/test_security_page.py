"""SECURITY.md: every requirement has its line, and every test it names is there."""

from __future__ import annotations

import ast
import csv
import re
from functools import cache
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
PAGE = (HOUSE / "SECURITY.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/\w+\.py)::(\w+)`", PAGE)))
STANDS = {"held", "partly", "open", "site"}


@cache
def functions_in(file: str) -> frozenset[str]:
    tree = ast.parse((HOUSE / file).read_text(encoding="utf-8"))
    return frozenset(one.name for one in tree.body if isinstance(one, ast.FunctionDef))


def controls() -> list[list[str]]:
    """Cells of the lines of the map of the law."""
    below = PAGE.split("## Controls and the law", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in below.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_every_test_it_names_is_there(file: str, name: str) -> None:
    assert name.startswith("test_")
    assert name in functions_in(file)


def test_nothing_that_looks_like_a_test_is_named_otherwise() -> None:
    assert len(NAMED) > 30
    assert len(re.findall(r"::", PAGE)) == len(re.findall(r"`tests/\w+\.py::\w+`", PAGE))


def test_every_requirement_of_the_table_has_its_line_in_order() -> None:
    table = HOUSE / "schemas" / "codes" / "law_requirements.csv"
    with table.open(encoding="utf-8", newline="") as file:
        wanted = [(row["instrument"], row["article"]) for row in csv.DictReader(file)]
    assert [(cells[0], cells[1]) for cells in controls()] == wanted


def test_what_is_held_is_shown_and_what_is_open_shows_nothing() -> None:
    for instrument, clause, control, stands, shown in controls():
        words = set(stands.split(", "))
        assert words <= STANDS, (instrument, clause)
        assert len(words & {"held", "partly", "open"}) <= 1
        assert bool(words & {"held", "partly"}) is ("::" in shown), (instrument, clause)
        assert control


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        assert (HOUSE / target).exists(), target
