"""Finding asset modules, so that a new silver or topic table is one new file."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


def modules_in(package: str) -> list[ModuleType]:
    """Every module of a package that is not private, in name order.

    >>> [m.__name__ for m in modules_in("assets.silver")][:1]
    ['assets.silver.areas']
    """
    parent = importlib.import_module(package)
    names = sorted(
        module.name
        for module in pkgutil.iter_modules(parent.__path__)
        if not module.name.startswith("_")
    )
    return [importlib.import_module(f"{package}.{name}") for name in names]
