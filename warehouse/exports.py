"""Exports: releases of parquet under contract; built aside, then flipped as generations are.

`exports/<release>/<topic>/<table>/…parquet`, `<topic>/contract.odcs.yaml`, `catalogue.jsonld`,
`manifest.json`, and `_SUCCESS`, which is written last and holds the manifest's digest;
`exports/latest` points to the newest release. Files are read-only.

Not here: how the files of a table are cut (`export_files.py`), how a receiver checks a release
(`receiving.py`), what may be in it (`assets/publish.py`).
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from schemas.contract import private_columns
from schemas.dcat import Publisher, catalogue
from schemas.dictionary import english, grain
from schemas.odcs import PublishedTable, contract_of
from schemas.protection import SHARING_ZH
from schemas.published import (
    check_nothing_vanished,
    next_version,
    product_version,
    published_columns,
)
from schemas.table import Table
from warehouse.export_files import sha256_of, write_table
from warehouse.serving import CURRENT, MANIFEST, flip

LATEST = "latest"
SUCCESS = "_SUCCESS"
CATALOGUE = "catalogue.jsonld"
CONTRACT = "contract.odcs.yaml"
FORMAT = 2
"""Of `manifest.json`; a release of another one is not carried over."""
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class ExportError(Exception):
    """A release could not be built; the newest one stays. Never quotes row values."""


@dataclass(frozen=True)
class ExportedTable:
    """A table as it leaves the lake.

    Attributes:
        topic: The data product it belongs to.
        name: Its name within the topic.
        table: Its contract and sharing class.
        rows: As they may be seen outside, in the order they are to be written.
        day_column: City day its files are cut by; None: a stock, one file.
        suppressed: Cells withheld.
    """

    topic: str
    name: str
    table: Table
    rows: pl.DataFrame
    day_column: str | None = None
    suppressed: int = 0

    @property
    def label(self) -> str:
        """`<topic>.<table>`."""
        return f"{self.topic}.{self.name}"


def build_release(
    root: Path,
    release: str,
    as_of: datetime,
    exported: Sequence[ExportedTable],
    publisher: Publisher,
) -> Path:
    """Write a release beside the newest one; nothing is flipped yet.

    Args:
        root: The exports folder.
        release: Name of the release, that of its generation.
        as_of: Instant the rows speak of.
        exported: The tables.
        publisher: Whose data these are.

    Raises:
        BreakingChangeError: readers of the last release would break, unannounced.
        ExportError: a table may not be published as it is.
    """
    final = root / release
    if (final / SUCCESS).exists():
        return final
    last = manifest_of(root / LATEST)
    described = describe(exported, last)
    building = root / f".building-{release}"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    before = {entry["path"]: entry for entry in last.get("files", ())}
    files, told = [], []
    for one, about in zip(exported, described, strict=True):
        own = write_table(building, f"{one.topic}/{one.name}", one.rows, one.day_column,
                          (root / LATEST).resolve(), before)  # fmt: skip
        files += [{"table": one.label, **entry} for entry in own]
        told.append(_told(one, about, own))
    manifest = {
        "format": FORMAT,
        "release": release,
        "generation": release,
        "previous": last.get("release"),
        "as_of": as_of.isoformat(),
        "products": _products(described, last),
        "tables": told,
        "files": files,
    }
    _write_documents(building, manifest, described, as_of, publisher)
    building.rename(final)
    return final


def describe(exported: Sequence[ExportedTable], last: Mapping[str, Any]) -> list[PublishedTable]:
    """The tables of a release with their columns and versions; nothing is written.

    Args:
        exported: The tables.
        last: Manifest of the last release; empty: there is none.

    Raises:
        BreakingChangeError: readers of the last release would break, unannounced.
        ExportError: a table may not be published as it is.
    """
    before = {t["table"]: t for t in last.get("tables", ())}
    check_nothing_vanished([one.label for one in exported], list(before))
    found = []
    for one in exported:
        columns = published_columns(one.table, one.rows.schema, one.day_column)
        _check(one, [c.name for c in columns if c.required])
        version = next_version(one.label, one.table.major, columns, before.get(one.label))
        newest = one.rows[one.day_column].max() if one.day_column else None
        assert newest is None or isinstance(newest, date)
        found.append(PublishedTable(one.topic, one.name, one.table, version, columns, newest))
    return found


def _check(one: ExportedTable, required: list[str]) -> None:
    """Refuse what the classes do not allow, and rows that break the published contract."""
    if one.table.sharing == "restricted":
        raise ExportError(f"{one.label} is {SHARING_ZH['restricted']} and cannot be exported")
    direct = [c for c in private_columns(one.table.contract, "direct") if c in one.rows.columns]
    if direct:
        raise ExportError(f"{one.label}: direct identifiers cannot be exported: {direct}")
    nulls = [c for c in required if one.rows[c].null_count()]
    if nulls:
        raise ExportError(
            f"{one.label}: {', '.join(nulls)} should never be null and is. Where counts are "
            'withheld, the column\'s contract must say privacy="sensitive" or allow nulls'
        )


def _told(
    one: ExportedTable, about: PublishedTable, files: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """A table's entry in the manifest."""
    days = sorted(f["day"] for f in files if f["day"] and f["rows"])
    return {
        "table": one.label,
        "topic": one.topic,
        "name": one.name,
        "title": one.table.zh,
        "title_en": f"{one.topic}: {english(one.name)}".replace("_", " ").capitalize(),
        "grain": grain(one.table.contract),
        "folder": f"{one.topic}/{one.name}",
        "contract": f"{one.topic}/{CONTRACT}",
        "version": about.version,
        "sharing_class": one.table.sharing,
        "sharing": SHARING_ZH[one.table.sharing],
        "rows": one.rows.height,
        "suppressed": one.suppressed,
        "bytes": sum(f["bytes"] for f in files),
        "sha256": digest_of(files),
        "day_column": one.day_column,
        "first_day": days[0] if days else None,
        "last_day": days[-1] if days else None,
        "columns": [asdict(column) for column in about.columns],
    }


def digest_of(files: Sequence[Mapping[str, Any]]) -> str:
    """SHA-256 of a table: of its lines `<sha256>  <path>`, in the order of paths."""
    lines = sorted((f["path"], f["sha256"]) for f in files)
    return hashlib.sha256("".join(f"{s}  {p}\n" for p, s in lines).encode()).hexdigest()


def _products(
    described: Sequence[PublishedTable], last: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Topic → version of its contract, with those of its tables."""
    versions: dict[str, dict[str, str]] = {}
    for one in described:
        versions.setdefault(one.topic, {})[one.name] = one.version
    before = last.get("products", {})
    return {
        topic: {"version": product_version(own, before.get(topic)), "tables": own}
        for topic, own in versions.items()
    }


def _write_documents(
    building: Path,
    manifest: dict[str, Any],
    described: Sequence[PublishedTable],
    as_of: datetime,
    publisher: Publisher,
) -> None:
    """Contracts, catalogue, manifest, and last of all the mark of success."""
    documents = []

    def write(name: str, text: str) -> str:
        path = building / name
        path.write_text(text, encoding="utf-8")
        path.chmod(path.stat().st_mode & ~0o222)
        digest = sha256_of(path)
        documents.append({"path": name, "bytes": path.stat().st_size, "sha256": digest})
        return digest

    for topic, product in manifest["products"].items():
        own = [one for one in described if one.topic == topic]
        contract = contract_of(own, product["version"], manifest["release"], as_of)
        write(f"{topic}/{CONTRACT}", yaml.dump(contract, Dumper=_Dumper, allow_unicode=True,
                                               sort_keys=False, width=100))  # fmt: skip
    write(CATALOGUE, _json(catalogue(manifest, publisher)))
    digest = write(MANIFEST, _json({**manifest, "documents": list(documents)}))
    write(SUCCESS, f"{digest}  {MANIFEST}\n")


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def manifest_of(folder: Path) -> dict[str, Any]:
    """The manifest of a release; empty where there is none, or one of another format."""
    path = folder / MANIFEST
    if not path.exists():
        return {}
    manifest = json.loads(path.read_text(encoding="utf-8"))
    return manifest if manifest.get("format") == FORMAT else {}


def releases_of(root: Path) -> list[dict[str, Any]]:
    """Manifests of the finished releases, newest first."""
    folders = [p.parent for p in root.glob(f"*/{SUCCESS}") if not p.parent.is_symlink()]
    folders.sort(key=lambda folder: (folder / SUCCESS).stat().st_mtime_ns, reverse=True)
    return [manifest for folder in folders if (manifest := manifest_of(folder))]


def flip_release(root: Path, release: str) -> None:
    """Point `latest` at a release, atomically, and clear away old ones.

    The link was once called `current`; left behind, it would hand out an old release for ever.
    """
    flip(root, release, LATEST)
    (root / CURRENT).unlink(missing_ok=True)
