"""The digest of a contract changes with what it accepts, and with nothing else."""

from __future__ import annotations

from typing import Any

import dataframely as dy
import polars as pl
import pytest

from assets.deliveries import Deliveries
from assets.judgements import Rules
from quality.judged_by import contract_fingerprint
from schemas.contract import Arrival, Contract, integer, text
from schemas.feeds import BY_NAME, FEEDS
from schemas.mappings import mapping_of


def contract(
    most: int = 5, codes: tuple[str, ...] = ("a", "b"), least: int = 1, label: str = "名称",
    **more: Any,
) -> type[Contract]:  # fmt: skip
    class Row(Arrival):
        name = text(label, "name", codes=codes, note=more.get("note"))
        amount = integer("数量", "amount", least=least, required=more.get("required", False))

        @dy.rule()
        def amount_is_small(cls) -> pl.Expr:
            return pl.col("amount") < most

    return Row


@pytest.mark.parametrize(
    "change",
    [{"most": 6}, {"codes": ("a", "b", "c")}, {"codes": ("a", "c")}, {"least": 0},
     {"required": True}],
)  # fmt: skip
def test_another_rule_code_or_limit_is_another_digest(change: dict[str, Any]) -> None:
    assert contract_fingerprint(contract()) == contract_fingerprint(contract())
    assert contract_fingerprint(contract()) != contract_fingerprint(contract(**change))


@pytest.mark.parametrize("change", [{"label": "称呼"}, {"note": "as delivered"}])
def test_another_label_or_note_is_not(change: dict[str, Any]) -> None:
    assert contract_fingerprint(contract()) == contract_fingerprint(contract(**change))


def test_what_derives_columns_counts() -> None:
    class Other(contract()):
        @classmethod
        def derive(cls, frame: pl.DataFrame) -> pl.DataFrame:
            return frame.with_columns(amount=pl.col("amount") + 1)

    assert contract_fingerprint(contract()) != contract_fingerprint(Other)


def test_every_feed_has_a_digest_of_its_own() -> None:
    by_contract = {contract_fingerprint(feed.contract) for feed in FEEDS}
    assert len(by_contract) == len({feed.contract for feed in FEEDS})


def test_a_mapping_counts_for_the_files_it_is_for() -> None:
    wires = {"alarm_id": "a", "building_id": "b", "alarm_kind": "k", "alarmed_at": "t",
             "updated_at": "t"}  # fmt: skip
    document = {"feed": "fire_alarms", "files": "fire_alarms/x*", "columns": wires}
    found = [
        Rules([mapping_of(name, document | more)], Deliveries(()))
        for name, more in [("x", {}), ("y", {}), ("x", {"ignore": ["c"]}),
                           ("x", {"time_zone": "+00:00"})]
    ]  # fmt: skip
    own = [rules.fingerprint("fire_alarms", "fire_alarms/x1.csv") for rules in found]
    assert own[0] == own[1] == own[2] != own[3]
    assert len({rules.fingerprint("fire_alarms", "fire_alarms/z.csv") for rules in found}) == 1
    assert BY_NAME["fire_alarms"].day_column, "a register adds its way of delivery"
