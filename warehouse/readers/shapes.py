"""GeoJSON feature collections: properties by name, the geometry as text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from schemas.feeds import Feed
from warehouse.readers import Broken, Chunk, MissingColumns, Naming, UnreadableFile, usual_naming
from warehouse.readers.stream import whole
from warehouse.readers.texts import UNREADABLE, count_name, field_name, scalar

LARGEST_DOCUMENT = 512 << 20


class GeoJsonReader:
    """Reads one feature collection of one feed."""

    def __init__(self, feed: Feed, naming: Naming | None = None) -> None:
        self.feed = feed
        self.naming = naming or usual_naming(feed)

    def __call__(self, path: Path) -> Iterator[Chunk]:
        """One chunk with every feature.

        Raises:
            UnreadableFile: not GeoJSON, or no feature carries a required property.
        """
        features = _features(path)
        chunk = Chunk(bytes_read=path.stat().st_size)
        wires = self.naming.wires
        texts: dict[str, list[str | None]] = {column: [] for column in wires}
        numbers: list[int] = []
        met: set[str] = set()
        for number, feature in enumerate(features, start=1):
            values = _values(feature)
            if values is None:
                chunk.broken.append(Broken(self.feed.name, number, 1, "not a GeoJSON feature"))
                continue
            met.update(values)
            numbers.append(number)
            for column, wire in wires.items():
                texts[column].append(next((values[w] for w in wire if values.get(w)), None))
        missing = [c for c in self.naming.required if met.isdisjoint(wires[c])]
        if missing and numbers:
            raise MissingColumns("properties", [wires[c][0] for c in missing], missing)
        for name in sorted(met - self.naming.wanted - self.naming.ignored):
            count_name(chunk.unknown, field_name(name))
        chunk.rows[self.feed.name] = pl.DataFrame(
            texts, schema=dict.fromkeys(wires, pl.String)
        ).with_columns(
            row_number=pl.Series(numbers, dtype=pl.Int64), item_number=pl.lit(1, pl.Int32)
        )
        yield chunk


def _features(path: Path) -> list[Any]:
    text = whole(path, LARGEST_DOCUMENT).decode("utf-8-sig", "replace")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableFile(f"not readable as GeoJSON: {str(error)[:80]}") from error
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or not features:
        raise UnreadableFile("not a GeoJSON feature collection with features")
    return features


def _values(feature: Any) -> dict[str, str] | None:
    """Property → text, with the geometry as GeoJSON text."""
    if not isinstance(feature, dict) or not isinstance(feature.get("properties"), dict):
        return None
    properties = feature["properties"].items()
    values = {name: text for name, value in properties if (text := scalar(value)) is not None}
    if feature.get("geometry") is not None:
        values["geometry"] = _geometry_text(feature["geometry"])
    return values


def _geometry_text(geometry: Any) -> str:
    try:
        return json.dumps(geometry)
    except RecursionError:
        return UNREADABLE
