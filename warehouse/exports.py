"""Exports: parquet and a manifest for downstream systems; releases flip like generations.

`exports/<release>/<topic>/<table>/data.parquet` and `manifest.json` (rows, sha256, schema version,
as-of); `exports/current` points to the newest release. A file whose rows did not change is a hard
link.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from warehouse.builds import content_fingerprint
from warehouse.serving import CURRENT, MANIFEST

SCHEMA_VERSION = "1.0.0"


@dataclass(frozen=True)
class ExportedTable:
    """A table as downstream systems get it."""

    topic: str
    name: str
    zh: str
    sharing: str
    rows: pl.DataFrame
    comments: Mapping[str, str]


def build_release(
    root: Path, release: str, as_of: datetime, exported: Sequence[ExportedTable]
) -> Path:
    """Write a release beside the current one; nothing is flipped yet."""
    final = root / release
    if (final / MANIFEST).exists():
        return final
    building = root / f".building-{release}"
    shutil.rmtree(building, ignore_errors=True)
    old = root / CURRENT
    before = _entries(old)
    entries = []
    for table in exported:
        path = building / table.topic / table.name / "data.parquet"
        path.parent.mkdir(parents=True)
        name = path.relative_to(building).as_posix()
        content = content_fingerprint(table.rows)
        was = before.get(name)
        if was and was["content"] == content and (old / name).exists():
            os.link((old / name).resolve(), path)
            sha256 = was["sha256"]
        else:
            table.rows.write_parquet(path, compression="zstd", compression_level=3)
            with path.open("rb") as handle:
                sha256 = hashlib.file_digest(handle, "sha256").hexdigest()
        entries.append(_entry(table, name, content, sha256))
    manifest = {
        "release": release,
        "schema_version": SCHEMA_VERSION,
        "as_of": as_of.isoformat(),
        "files": entries,
    }
    (building / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1))
    building.rename(final)
    return final


def _entry(table: ExportedTable, name: str, content: str, sha256: str) -> dict[str, Any]:
    return {
        "path": name,
        "table": f"{table.topic}.{table.name}",
        "title": table.zh,
        "sharing": table.sharing,
        "rows": table.rows.height,
        "sha256": sha256,
        "content": content,
        "columns": [
            {"name": column, "type": str(dtype), "title": table.comments.get(column, column)}
            for column, dtype in table.rows.schema.items()
        ],
    }


def _entries(folder: Path) -> dict[str, dict[str, Any]]:
    path = folder / MANIFEST
    if not path.exists():
        return {}
    manifest = json.loads(path.read_text())
    if manifest["schema_version"] != SCHEMA_VERSION:
        return {}
    return {entry["path"]: entry for entry in manifest["files"]}
