"""The crosswalk of case codes against a loop over its three files."""

from __future__ import annotations

import csv

import polars as pl
import pytest

from quality.case_codes import crosswalk, national_code
from schemas import codes

NOW, OLD, OLDEST = "GB/T 47678.5", "GB/T 30428.2", "CJ/T 214"
KINDS = {"管理部件": "component", "管理事项": "matter"}

Key = tuple[str, str, str]


def lines(name: str) -> list[dict[str, str]]:
    with (codes.FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


TODAY = lines("gbt47678_5_2026_components_matters")
MATTERS = {row["code"] for row in TODAY if row["kind"] == "管理事项"}


def loop_crosswalk() -> dict[Key, str | None]:
    """Old matters by the rule (major + 5, "0", minor), then what a person wrote by hand."""
    found: dict[Key, str | None] = {}
    for row in TODAY:
        found[(NOW, KINDS[row["kind"]], row["code"])] = row["code"]
    for major in range(1, 6):
        for minor in range(100):
            code = f"{major + 5:02}0{minor:02}"
            if code in MATTERS:
                found[(OLD, "matter", f"{major:02}-{minor:02}")] = code
    for row in lines("gbt30428_2_2013_events_crosswalk"):
        found[(OLD, "matter", row["old_code"])] = row["new_code"] or None
    for row in lines("legacy_cjt214_events_crosswalk"):
        if row["code4"]:
            found[(OLDEST, "matter", row["code4"])] = row["gbt47678_code"] or None
    return found


def coded(*keys: Key) -> list[str | None]:
    columns = ["code_system", "case_kind", "source_type_code"]
    frame = pl.DataFrame(keys, schema=dict.fromkeys(columns, pl.String), orient="row")
    return national_code(frame)["type_code"].to_list()


def test_the_crosswalk_is_that_of_a_loop_over_the_files() -> None:
    found = {(a, b, c): d for a, b, c, d in crosswalk().rows()}
    assert found == loop_crosswalk()
    assert len(found) == crosswalk().height


def test_every_code_leads_to_a_code_in_force() -> None:
    in_force = {(KINDS[row["kind"]], row["code"]) for row in TODAY}
    assert {(kind, code) for (_, kind, _), code in loop_crosswalk().items() if code} <= in_force


def test_a_component_and_a_matter_of_one_number_are_kept_apart() -> None:
    names = {row["kind"]: row["name"] for row in TODAY if row["code"] == "01001"}
    assert len(names) == 2
    assert names["管理部件"] != names["管理事项"]
    keys = [(system, kind, code) for system, kind, code in loop_crosswalk() if code == "01001"]
    assert sorted(kind for _, kind, _ in keys) == ["component", "matter"]
    assert coded(*keys) == ["01001", "01001"]


def test_a_component_number_is_no_matter_of_the_old_standards() -> None:
    assert coded((OLD, "component", "01-01"), (OLDEST, "component", "0101")) == [None, None]


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ((OLD, "matter", "04-01"), "09001"),
        ((OLDEST, "matter", "0101"), "06001"),
        ((NOW, "matter", "09001"), "09001"),
        ((OLDEST, "matter", "04-01"), None),
        (("", "matter", "09001"), None),
    ],
)
def test_a_known_code_has_a_known_counterpart(key: Key, code: str | None) -> None:
    assert coded(key) == [code]


def test_order_and_number_of_rows_are_kept() -> None:
    keys = [*loop_crosswalk(), (NOW, "matter", "nothing")] * 2
    assert coded(*keys) == [loop_crosswalk().get(key) for key in keys]
