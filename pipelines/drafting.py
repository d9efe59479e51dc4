"""`govlake map`: a mapping drafted from a sample, as YAML to be read and mended by a person."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from assets.site_mappings import FOLDER
from quality.drafting import Draft, draft, known_codes
from schemas.contract import facts
from schemas.feeds import BY_NAME, Feed
from schemas.mappings import FORMS
from warehouse.home import Home
from warehouse.landing import mapped_form_of
from warehouse.readers import UnreadableFile
from warehouse.readers.records import field_count, fields, records
from warehouse.readers.stream import lines, whole
from warehouse.readers.texts import scalar
from warehouse.readers.workbooks import first_sheet

SAMPLE_ROWS = 5_000
_LARGEST_SAMPLE = 256 << 20


class DraftError(ValueError):
    """No draft can be made; the message says why and what to do."""


def drafted(feed_name: str, sample: Path) -> str:
    """The YAML text of a draft.

    Args:
        feed_name: A feed of the registry.
        sample: A file of the supplier's.

    Raises:
        DraftError: no such feed, or the file cannot be read.
    """
    feed = BY_NAME.get(feed_name)
    if feed is None or feed.object_name:
        known = ", ".join(name for name, one in BY_NAME.items() if not one.object_name)
        raise DraftError(f"no feed {feed_name!r} that can be mapped; known: {known}")
    if not sample.is_file():
        raise DraftError(f"{sample}: no such file")
    form = mapped_form_of(sample, FORMS)
    if form is None:
        raise DraftError(f"{sample.name}: not one of: {', '.join(FORMS)}")
    try:
        rows = _SAMPLES[form](sample)
    except UnreadableFile as error:
        raise DraftError(f"{sample.name}: {error}") from error
    return as_yaml(feed, draft(feed, rows), sample.stem)


def save_draft(home: Home, name: str, text: str) -> Path:
    """Write a draft among the site's mappings.

    Raises:
        DraftError: the name is no file name, or there is such a mapping already.
    """
    path = home.config / FOLDER / f"{name}.yaml"
    if not name.isidentifier() and not name.replace("-", "_").isidentifier():
        raise DraftError(f"{name!r}: a mapping's name has letters, digits, - and _")
    if path.exists():
        raise DraftError(f"{path.name} is there already: choose another name, or take it away")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def as_yaml(feed: Feed, found: Draft, name: str) -> str:
    """A draft as the text of a mapping file, with remarks where a person has to decide."""
    out = [
        f"# {feed.zh}: drafted from a sample; read it, mend it, and put it into config/mappings/",
        f"feed: {feed.name}",
        f"files: {_quoted(f'{feed.source}/{name}*')}",
        "columns:",
    ]  # fmt: skip
    for column, (source, why) in found.columns.items():
        out.append(f"  {column}: {_quoted(source)}  # {facts(feed.contract, column)['zh']}, {why}")
    for column in found.missing:
        zh = facts(feed.contract, column)["zh"]
        out.append(f"  # {column}: ?  # {zh}: REQUIRED, not found; or give it under constants")
    out += [f"  # {column}: ?  # {facts(feed.contract, column)['zh']}" for column in found.open]
    if found.codes:
        out.append("values:  # their value: ours; what is not listed is quarantined by name")
        for column, odd in found.codes.items():
            own = known_codes(feed, column)
            out.append(f"  {column}:  # ours: {', '.join(own)}")
            out += [f"    {_quoted(one)}: {one}" for one in own]
            out += [f"    # {_quoted(value)}: ?" for value in odd]
    if found.time_formats:
        out.append("time_formats:")
        out += [f"  - {_quoted(form)}" for form in found.time_formats]
    if found.unplaced:
        out.append("ignore:  # could not be placed")
        out += [f"  - {_quoted(name)}" for name in found.unplaced]
    return "\n".join(out) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _csv(path: Path) -> pl.DataFrame:
    found: list[str] = []
    for block, _ in records(path):
        found += block
        if len(found) > SAMPLE_ROWS:
            break
    if not found:
        raise UnreadableFile("the file holds nothing but blank lines")
    names = _distinct(fields(found[0]))
    whole_rows = [r for r in found[1 : SAMPLE_ROWS + 1] if field_count(r) == len(names)]
    return _frame(names, list(csv.reader(whole_rows)))


def _xlsx(path: Path) -> pl.DataFrame:
    sheet = first_sheet(path)
    names = _distinct([str(v) if v is not None else "" for v in sheet.row(0)])
    return _frame(names, [list(row) for row in sheet.slice(1, SAMPLE_ROWS).iter_rows()])


def _ndjson(path: Path) -> pl.DataFrame:
    found: list[dict[str, Any]] = []
    for block in lines(path):
        for line in islice(block.data.split(b"\n"), SAMPLE_ROWS):
            try:
                one = json.loads(line) if line.strip() else None
            except ValueError:
                continue
            if isinstance(one, dict):
                found.append(one)
        break
    return _from_objects(found)


def _geojson(path: Path) -> pl.DataFrame:
    try:
        document = json.loads(whole(path, _LARGEST_SAMPLE).decode("utf-8-sig", "replace"))
        features = [one["properties"] for one in document["features"][:SAMPLE_ROWS]]
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableFile(f"not readable as GeoJSON: {type(error).__name__}") from error
    return _from_objects(features).with_columns(geometry=pl.lit(None, pl.String))


def _from_objects(found: list[dict[str, Any]]) -> pl.DataFrame:
    if not found:
        raise UnreadableFile("no JSON object in it")
    names = list(dict.fromkeys(name for one in found for name in one))
    return _frame(names, [[scalar(one.get(name)) for name in names] for one in found])


def _frame(names: list[str], rows: Sequence[Sequence[str | None]]) -> pl.DataFrame:
    width = len(names)
    return pl.DataFrame(
        [row for row in rows if len(row) == width],
        schema=dict.fromkeys(names, pl.String),
        orient="row",
    )


def _distinct(names: list[str]) -> list[str]:
    """Headings that can name columns; a repeated or empty one counts once."""
    found: list[str] = []
    for n, name in enumerate(names):
        plain = name.strip().strip("\ufeff")
        found.append(plain if plain and plain not in found else f" {n}")
    return found


_SAMPLES = {"csv": _csv, "xlsx": _xlsx, "ndjson": _ndjson, "geojson": _geojson}

__all__ = ["DraftError", "as_yaml", "drafted", "save_draft"]
