"""Checking a release as its receiver does: from the folder alone, without a lake or a network.

Not here: how a release is made (`exports.py`). A digest tells damage and haste, not forgery:
whoever can change a file can change its digest too, so the way a release travels must be trusted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from schemas.published import physical_type
from warehouse.export_files import sha256_of
from warehouse.exports import FORMAT, SUCCESS, digest_of
from warehouse.serving import MANIFEST

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class Checked:
    """What checking a release found.

    Attributes:
        release: Its name; empty where there is no manifest.
        as_of: Instant its rows speak of, ISO.
        tables: How many tables it holds.
        files: How many data files were checked.
        rows: Rows in them, by their own count.
        bytes: Size of all files listed.
        problems: One sentence each; none: the release is whole.
    """

    release: str = ""
    as_of: str = ""
    tables: int = 0
    files: int = 0
    rows: int = 0
    bytes: int = 0
    problems: list[str] = field(default_factory=list)


def check_release(folder: Path) -> Checked:
    """Check a release: complete, unchanged, nothing added, and as its contracts say.

    Args:
        folder: A release, or a link to one.
    """
    found = Checked()
    root = folder.resolve()
    manifest = _manifest(root, found)
    if manifest is None:
        return found
    found.release, found.as_of = manifest["release"], manifest["as_of"]
    found.tables = len(manifest["tables"])
    listed = [*manifest["documents"], *manifest["files"]]
    whole = {entry["path"] for entry in listed if _is_whole(root, entry, found)}
    found.bytes = sum(entry["bytes"] for entry in listed)
    _check_extra(root, {entry["path"] for entry in listed}, found)
    for table in manifest["tables"]:
        own = [entry for entry in manifest["files"] if entry["table"] == table["table"]]
        columns = _contracted(root, table, found) if table["contract"] in whole else None
        _check_table(root, table, own, whole, columns, found)
    return found


def _manifest(root: Path, found: Checked) -> dict[str, Any] | None:
    """The manifest; None where it cannot be told from it what the release should hold."""
    if not root.is_dir():
        found.problems.append(f"missing: {root} is not a folder")
        return None
    success, path = root / SUCCESS, root / MANIFEST
    if not path.is_file():
        found.problems.append(f"missing: {MANIFEST}: is {root} a release?")
        return None
    if not success.is_file():
        found.problems.append(f"missing: {SUCCESS}: it was not copied to its end; fetch it again")
    elif success.read_text(encoding="utf-8").split() != [sha256_of(path), MANIFEST]:
        found.problems.append(f"changed: {MANIFEST} is not the one {SUCCESS} was written for")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        form = manifest["format"]
    except (ValueError, KeyError, TypeError):
        found.problems.append(f"changed: {MANIFEST} cannot be read")
        return None
    if form != FORMAT:
        found.problems.append(
            f"unknown: {MANIFEST} is of format {form}, this command reads {FORMAT}: "
            "use the govlake it came with"
        )
        return None
    return manifest


def _is_whole(root: Path, entry: Mapping[str, Any], found: Checked) -> bool:
    """Whether a listed file is there and holds what was written."""
    name = entry["path"]
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        found.problems.append(f"outside: {name} does not lie in the release")
        return False
    path = root / name
    if not path.is_file():
        found.problems.append(f"missing: {name}")
        return False
    size = path.stat().st_size
    if size != entry["bytes"]:
        found.problems.append(f"changed: {name} has {size} bytes, not {entry['bytes']}")
        return False
    if sha256_of(path) != entry["sha256"]:
        found.problems.append(f"changed: {name} has another sha256")
        return False
    return True


def _check_extra(root: Path, listed: set[str], found: Checked) -> None:
    """Files nobody listed would be read with the others by whoever opens their folder."""
    there = {p.relative_to(root).as_posix() for p in root.rglob("*") if not p.is_dir()}
    found.problems += [f"extra: {name}" for name in sorted(there - listed - {MANIFEST, SUCCESS})]


def _contracted(
    root: Path, table: Mapping[str, Any], found: Checked
) -> list[dict[str, Any]] | None:
    """The columns a table's contract promises; None where it does not name the table."""
    text = (root / table["contract"]).read_text(encoding="utf-8")
    contract = yaml.load(text, Loader=_Loader)  # nosec B506
    for one in contract.get("schema", ()):
        if one["name"] == table["name"]:
            told = {c["property"]: c["value"] for c in one.get("customProperties", ())}
            if told.get("schemaVersion") != table["version"]:
                found.problems.append(
                    f"contract: {table['table']} is version {table['version']}, "
                    f"its contract says {told.get('schemaVersion')}"
                )
            return one["properties"]
    found.problems.append(f"contract: {table['contract']} does not name {table['name']}")
    return None


def _check_table(
    root: Path,
    table: Mapping[str, Any],
    files: Sequence[Mapping[str, Any]],
    whole: set[str],
    columns: list[dict[str, Any]] | None,
    found: Checked,
) -> None:
    """Rows and columns of a table's files, as far as they are whole."""
    rows = 0
    for entry in files:
        found.files += 1
        if entry["path"] not in whole:
            continue
        path = root / entry["path"]
        try:
            about = pq.read_metadata(path)
        except pa.ArrowInvalid:
            found.problems.append(f"changed: {entry['path']} is not a parquet file")
            continue
        rows += about.num_rows
        if about.num_rows != entry["rows"]:
            found.problems.append(
                f"rows: {entry['path']} holds {about.num_rows}, the manifest says {entry['rows']}"
            )
        if columns is not None:
            _check_columns(path, entry["path"], about, columns, found)
    found.rows += rows
    if whole.issuperset(entry["path"] for entry in files):
        if rows != table["rows"]:
            found.problems.append(
                f"rows: {table['table']} holds {rows}, the manifest says {table['rows']}"
            )
        if digest_of(files) != table["sha256"]:
            found.problems.append(f"changed: {table['table']}: files are not those it was made of")


def _check_columns(
    path: Path,
    name: str,
    about: pq.FileMetaData,
    columns: Sequence[Mapping[str, Any]],
    found: Checked,
) -> None:
    """A file's columns, types and required values beside its contract."""
    own = [c for c in columns if not c.get("partitioned")]
    wanted = {c["name"]: c["physicalType"] for c in own}
    there = {n: _type(t) for n, t in pl.read_parquet_schema(path).items()}
    if list(there.items()) != list(wanted.items()):
        odd = [f"{n} is {there.get(n, 'not there')}, contract: {wanted.get(n, 'not there')}"
               for n in {**wanted, **there} if there.get(n) != wanted.get(n)]  # fmt: skip
        found.problems.append(f"contract: {name}: {'; '.join(odd) or 'columns in another order'}")
        return
    for column in own:
        if column["required"] and (nulls := _nulls(about, column["name"])):
            found.problems.append(
                f"contract: {name}: {column['name']} is required and null in {nulls} rows"
            )


def _type(dtype: pl.DataType) -> str:
    try:
        return physical_type(dtype)
    except TypeError:  # govlake publishes none of it, a stranger's file may hold any
        return str(dtype)


def _nulls(about: pq.FileMetaData, column: str) -> int:
    """Nulls in a column, as the file's own statistics count them."""
    place = about.schema.names.index(column)
    chunks = (about.row_group(g).column(place).statistics for g in range(about.num_row_groups))
    return sum(s.null_count for s in chunks if s is not None and s.has_null_count)
