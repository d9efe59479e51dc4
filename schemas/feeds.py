"""The registry of feeds: what arrives. Datasets declare their own (`datasets.py`)."""

from __future__ import annotations

from schemas.datasets import declared
from schemas.feed import CoordinateSystem, Feed, Form

FEEDS: tuple[Feed, ...] = tuple(declared("FEEDS"))

BY_NAME = {feed.name: feed for feed in FEEDS}


def sources() -> dict[str, tuple[Feed, ...]]:
    """Source → its feeds, in registry order."""
    found: dict[str, tuple[Feed, ...]] = {}
    for feed in FEEDS:
        found[feed.source] = (*found.get(feed.source, ()), feed)
    return found


def landing_folders(source: str) -> tuple[str, ...]:
    """Folders below `landing/` that belong to a source: its own name and its feeds' names."""
    return tuple(dict.fromkeys((source, *(feed.name for feed in sources()[source]))))


__all__ = ["BY_NAME", "FEEDS", "CoordinateSystem", "Feed", "Form", "landing_folders", "sources"]
