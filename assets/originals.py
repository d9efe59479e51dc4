"""The texts of quarantined rows, to be judged again: as they were set aside, or read anew.

A row that came through a mapping is read again from its landing file, by today's mapping: what
quarantine kept was translated by the old one, and codes it did not know were left out. All others
are judged as they were kept, which costs no reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from assets.judgements import Rules
from assets.site_mappings import Readers
from quality.mapped import BROKEN_BY_MAPPING, mapped
from schemas.contract import PROVENANCE, Contract, wire_columns
from schemas.feeds import Feed
from warehouse.home import Home
from warehouse.landing import LandedFile
from warehouse.readers import UnreadableFile

AT = list(PROVENANCE)
_MAPPING_RULE = r"_is_mapped: "


@dataclass
class Texts:
    """Rows as text.

    Attributes:
        rows: The contract's wire columns and the provenance columns.
        left: File name → why its rows cannot be judged again.
    """

    rows: pl.DataFrame
    left: dict[str, str] = field(default_factory=dict)


def kept_texts(contract: type[Contract], rows: pl.DataFrame) -> pl.DataFrame:
    """Quarantined rows as the texts they were kept as; those that never were text are left out.

    Args:
        contract: Of their feed.
        rows: `QuarantinedRow`.
    """
    form = pl.Struct(dict.fromkeys(wire_columns(contract), pl.String))
    texts = rows.filter(pl.col("row").is_not_null()).with_columns(
        pl.col("row").str.json_decode(form)
    )
    return texts.select(pl.col(name).cast(t) for name, t in _AT_TYPES.items()).hstack(
        texts.select("row").unnest("row")
    )


def as_row(contract: type[Contract]) -> pl.Expr:
    """A row's text as quarantine keeps it."""
    return pl.struct(list(wire_columns(contract))).struct.json_encode()


def texts_of(
    home: Home, rules: Rules, feed: Feed, rows: pl.DataFrame, files: Mapping[str, list[str]]
) -> Texts:
    """Quarantined rows as texts, as today's mapping gives them.

    Args:
        home: Where the landing files are.
        rules: The rules in force.
        feed: Their feed.
        rows: `QuarantinedRow`.
        files: File id → the names under which it was delivered.
    """
    through = rows["rules"].list.eval(pl.element().str.contains(_MAPPING_RULE)).list.any()
    again = {str(one) for one in rows.filter(through)["file_id"]}
    again |= {one for one in files if any(rules.mapped(feed.name, name) for name in files[one])}
    anew = pl.col("file_id").is_in(sorted(again))
    found = Texts(kept_texts(feed.contract, rows.filter(~anew)))
    parts = [found.rows]
    readable = rows.filter(anew, pl.col("row").is_not_null()).sort("file_id")
    for (file_id,), wanted in readable.group_by("file_id", maintain_order=True):
        names = files.get(str(file_id), [])
        try:
            parts.append(_read_again(_landed(home, str(file_id), names), rules, feed, wanted))
        except (UnreadableFile, OSError) as error:
            shown = names[0] if names else str(file_id)
            found.left[shown] = str(error) if isinstance(error, UnreadableFile) else "unreadable"
    found.rows = pl.concat(parts, how="diagonal")
    if BROKEN_BY_MAPPING in found.rows.columns:
        found.rows = found.rows.with_columns(pl.col(BROKEN_BY_MAPPING).fill_null([]))
    return found


def _landed(home: Home, file_id: str, names: list[str]) -> LandedFile:
    """The landing file of that digest.

    Raises:
        UnreadableFile: it is not there any more.
    """
    for name in names:
        path = home.landing / name
        if path.is_file() and not path.is_symlink():
            about = path.stat()
            file = LandedFile(path, name, about.st_size, about.st_mtime_ns)
            if file.sha256()[:32] == file_id:
                return file
    raise UnreadableFile("no longer in landing as it was: only a corrected file can mend its rows")


def _read_again(file: LandedFile, rules: Rules, feed: Feed, wanted: pl.DataFrame) -> pl.DataFrame:
    """Some rows of a landing file through today's mapping."""
    readers = Readers((feed,), rules.mappings)
    stated = rules.deliveries.of(file, (feed.name,))
    mapping = readers.mapping_of(file)
    keys = wanted.select(pl.col(name).cast(t) for name, t in _AT_TYPES.items())
    parts: list[pl.DataFrame] = []
    missing = keys.height
    for chunk in readers.of(file, stated.may_lack if stated else ())(file.path):
        texts = chunk.rows.get(feed.name)
        if texts is None:
            continue
        own = texts.with_columns(file_id=pl.lit(keys["file_id"][0])).join(keys, on=AT, how="semi")
        if mapping:
            own = mapped(mapping, own)
        parts.append(stated.seen(own) if stated else own)
        missing -= own.height
        if not missing:
            break
    return pl.concat(parts, how="diagonal")


_AT_TYPES: dict[str, pl.DataType] = {
    "file_id": pl.String(), "row_number": pl.Int64(), "item_number": pl.Int32(),
}  # fmt: skip
