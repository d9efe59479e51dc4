"""Serving generations: one DuckDB file per area, built aside, checked, then flipped in one step.

`serving/<generation>/<area_code>.duckdb` and `serving/current`, a link that is replaced
atomically. Readers never see a file being written: a generation is a new folder. Files of areas
whose rows did not change are hard links to those of the generation before.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import polars as pl

from warehouse.builds import content_fingerprint, fingerprint
from warehouse.progress import report

KEEP_GENERATIONS = 5
BLOCK_BYTES = 16_384
CURRENT = "current"
MANIFEST = "manifest.json"
EMPTY = "empty"
"""File of the tables without a row: what a user without an area opens."""
_MEMORY = next((str(p) for p in [Path("/dev/shm")] if os.access(p, os.W_OK)), None)  # nosec B108
"""Where a file is filled: DuckDB waits for the disk many times a file, a copy of it once."""
_TEMPLATE = ".template"


class ServingError(Exception):
    """A generation could not be built or did not pass its check; the old one keeps serving."""


@dataclass(frozen=True)
class ServedTable:
    """A table as dashboards and analysts see it.

    Attributes:
        name: Table name in the file.
        zh: Comment of the table.
        rows: All rows, of every area.
        comments: Column → comment.
        scope: Code of an area → the rows that belong to it.
    """

    name: str
    zh: str
    rows: pl.DataFrame
    comments: Mapping[str, str]
    scope: Callable[[str], pl.DataFrame]


@dataclass(frozen=True)
class Generation:
    """A generation that was built.

    Attributes:
        name: Its folder.
        rebuilt: Areas whose file was written anew.
        linked: Areas whose file was carried over.
    """

    name: str
    rebuilt: list[str]
    linked: list[str]


def build_generation(
    root: Path, name: str, areas: Sequence[str], served: Sequence[ServedTable]
) -> Generation:
    """Build a generation beside the one being served; nothing is flipped yet.

    Args:
        root: The serving folder.
        name: Name of the new generation.
        areas: Area codes, one file each.
        served: The tables every file holds, cut to its area.

    Raises:
        ServingError: a file does not hold the rows it was given.
    """
    final = root / name
    before = _manifest(root / CURRENT)
    if (final / MANIFEST).exists():
        return Generation(name, [], list(areas))
    building = root / f".building-{name}"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    template = building / _TEMPLATE
    _write_template(template, served)
    with duckdb.connect(config={"threads": "1"}) as connection:
        digests, rebuilt, linked = _fill(connection, root, building, areas, served, before)
    template.chmod(0o640)
    for code in rebuilt:
        _settle(building / f"{code}.duckdb")
    template.rename(building / f"{EMPTY}.duckdb")
    (building / MANIFEST).write_text(json.dumps({"generation": name, "areas": digests}, indent=1))
    building.rename(final)
    return Generation(name, rebuilt, linked)


def _fill(
    connection: duckdb.DuckDBPyConnection,
    root: Path,
    building: Path,
    areas: Sequence[str],
    served: Sequence[ServedTable],
    before: Mapping[str, str],
) -> tuple[dict[str, str], list[str], list[str]]:
    """Write or carry over the file of every area: digests, areas rebuilt, areas linked."""
    digests: dict[str, str] = {}
    rebuilt, linked = [], []
    for done, code in enumerate(areas, start=1):
        own = [(table, table.scope(code)) for table in served]
        digests[code] = fingerprint(
            *(f"{t.name}:{t.zh}:{sorted(t.comments.items())}:{content_fingerprint(rows)}"
              for t, rows in own)
        )  # fmt: skip
        file = building / f"{code}.duckdb"
        old = root / CURRENT / f"{code}.duckdb"
        if before.get(code) == digests[code] and old.exists():
            os.link(old.resolve(), file)
            linked.append(code)
        else:
            with TemporaryDirectory(prefix="govlake-", dir=_MEMORY) as scratch:
                _write_file(connection, Path(scratch) / file.name, building / _TEMPLATE, own)
                shutil.copyfile(Path(scratch) / file.name, file)
            file.chmod(0o640)
            rebuilt.append(code)
        report("build serving files", done, len(areas))
    return digests, rebuilt, linked


def _settle(file: Path) -> None:
    """Wait until a file has reached the disk."""
    with file.open("rb") as handle:
        os.fsync(handle.fileno())


def flip(root: Path, name: str, link: str = CURRENT) -> None:
    """Point a link at a generation, atomically, and clear away old ones."""
    aside = root / f".{link}-next"
    aside.unlink(missing_ok=True)
    aside.symlink_to(name)
    aside.replace(root / link)
    others = sorted(
        (p for p in root.iterdir() if p.is_dir() and not p.is_symlink() and p.name != name),
        key=lambda p: p.stat().st_mtime,
        reverse=True,
    )
    for old in others:
        if old.name.startswith(".building-") or old in others[KEEP_GENERATIONS - 1 :]:
            shutil.rmtree(old, ignore_errors=True)


def current(root: Path) -> str | None:
    """Name of the generation being served."""
    link = root / CURRENT
    return link.resolve().name if link.is_symlink() and link.exists() else None


def serving_file(root: Path, area_code: str | None = None) -> Path:
    """The file being served for an area; without a code, that of the district.

    Raises:
        ServingError: nothing was published yet, or there is no such area.
    """
    folder = root / CURRENT
    files = sorted(folder.glob("[0-9]*.duckdb"), key=lambda p: (len(p.stem), p.stem))
    if not files:
        raise ServingError("nothing is published yet: run `govlake run` first")
    if area_code is None:
        return files[0]
    file = folder / f"{area_code}.duckdb"
    if not file.exists():
        raise ServingError(f"no serving file for area {area_code}; there are {len(files)} areas")
    return file


def _manifest(folder: Path) -> dict[str, str]:
    path = folder / MANIFEST
    return json.loads(path.read_text())["areas"] if path.exists() else {}


def _write_template(file: Path, served: Sequence[ServedTable]) -> None:
    """An empty serving file: tables with their comments, which cost more to write than the rows.

    Small blocks: with DuckDB's own 256 KiB every column of every small table would take one.
    """
    with duckdb.connect(config={"threads": "1"}) as connection:
        connection.execute(f"ATTACH '{_quoted(str(file))}' AS file (BLOCK_SIZE {BLOCK_BYTES})")
        connection.execute("USE file")
        for table in served:
            connection.register("rows", table.rows.clear().to_arrow())
            connection.execute(f'CREATE TABLE "{table.name}" AS FROM rows')
            connection.unregister("rows")
            connection.execute(f"""COMMENT ON TABLE "{table.name}" IS '{_quoted(table.zh)}'""")
            for column, comment in table.comments.items():
                connection.execute(
                    f"""COMMENT ON COLUMN "{table.name}"."{column}" IS '{_quoted(comment)}'"""
                )


def _write_file(
    connection: duckdb.DuckDBPyConnection,
    file: Path,
    template: Path,
    tables: Sequence[tuple[ServedTable, pl.DataFrame]],
) -> None:
    """Copy the template and fill it; attached, a file costs half of what opening it does."""
    shutil.copyfile(template, file)
    connection.execute(f"ATTACH '{_quoted(str(file))}' AS area")
    connection.execute("BEGIN")
    for table, rows in tables:
        if rows.height:
            connection.register("rows", rows.to_arrow())
            connection.execute(f'INSERT INTO area."{table.name}" FROM rows')
            connection.unregister("rows")
    connection.execute("COMMIT")
    counts = [f"""SELECT '{t.name}', count(*) FROM area."{t.name}\"""" for t, _ in tables]
    found = dict(connection.execute(" UNION ALL ".join(counts)).fetchall()) if counts else {}
    connection.execute("DETACH area")
    for table, rows in tables:
        if found[table.name] != rows.height:
            raise ServingError(
                f"{file.name}: {table.name} holds {found[table.name]} of {rows.height} rows"
            )


def _quoted(text: str) -> str:
    return text.replace("'", "''")
