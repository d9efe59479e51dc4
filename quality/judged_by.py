"""What decides how rows of a feed are judged, as a digest: another digest, another verdict perhaps.

A rule is told by what it computes (its expression, with the codes it knows), so that another word
in a comment or a rule of another feed changes nothing.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator
from functools import cache
from types import FunctionType

import polars as pl

from quality import judging, mapped, reading
from schemas import city_time
from schemas.contract import Contract, facts, row_rules

_SHARED = (reading, judging, mapped, city_time)
"""What every feed's rows go through: a change there concerns all of them."""


@cache
def contract_fingerprint(contract: type[Contract]) -> str:
    """Digest of everything that decides which texts a contract accepts."""
    digest = hashlib.sha256()
    for part in _parts(contract):
        digest.update(part + b"\x1f")
    return digest.hexdigest()[:32]


def _parts(contract: type[Contract]) -> Iterator[bytes]:
    for name, column in contract.columns().items():
        reader = facts(contract, name).get("reader")
        yield f"{name} {column.dtype} {column.nullable} {reader}".encode()
        for rule, holds in column.validation_rules(pl.col(name)).items():
            yield rule.encode()
            yield holds.meta.serialize()
    for rule in row_rules(contract):
        yield rule.encode()
        yield getattr(contract, rule).validation_fn(contract).meta.serialize()
    for source in sorted(_sources(contract.derive.__func__, set())):
        yield source.encode()
    for module in _SHARED:
        yield inspect.getsource(module).encode()


def _sources(function: FunctionType, met: set[str]) -> set[str]:
    """Source of a function and of those of its own module it calls."""
    if function.__qualname__ not in met:
        met.add(function.__qualname__)
        names = (function.__globals__.get(name) for name in function.__code__.co_names)
        own = [
            one for one in names
            if isinstance(one, FunctionType) and one.__module__ == function.__module__
        ]  # fmt: skip
        found = {inspect.getsource(function)}
        return found.union(*(_sources(one, met) for one in own))
    return set()
