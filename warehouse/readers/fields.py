"""Fields of JSON object lines as text columns, by DuckDB: only those a contract names.

The names of all other fields are counted, their values never extracted (`schemas/protection.py`).
What is rare (a line that is no object, a nested value, a picture that is not the first of its list)
costs a second look at just those lines. Not here: finding the objects (`objects.py`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

import duckdb
import polars as pl
import pyarrow as pa

from schemas import protection
from schemas.feeds import BY_NAME, Feed
from warehouse.readers import Broken, Chunk, Naming, usual_naming
from warehouse.readers.messages import ID_FIELDS
from warehouse.readers.texts import UNREADABLE, count_name, field_name

# A box is given in the pixels of the source picture, which is found among the sub-images by its id;
# mostly it is the first. Crops travel beside it under ids of their own.
_PICTURE = ("Width", "Height")
_SUB_IMAGES = (
    '"SubImageList":{"SubImageInfoObject":'
    '[{"ImageID":"VARCHAR","Width":"VARCHAR","Height":"VARCHAR"}]}'
)
_COUNTED_IMAGES = 2


@dataclass(frozen=True)
class _Queries:
    """What DuckDB is asked about the lines of a feed; the lines are the table `block`."""

    values: str
    other_picture: str
    is_object: str


class FieldReader:
    """Reads object lines; one per thread, for it owns a DuckDB connection."""

    def __init__(self, naming: Naming | None = None) -> None:
        """`naming`: the names of every feed read here; none: those of each feed's contract."""
        self._given = naming
        self.connection = duckdb.connect()
        self.connection.execute("SET threads = 1; SET preserve_insertion_order = true")

    def read(self, lines: pa.Table, feed: Feed, chunk: Chunk) -> None:
        """Add the rows of some lines to a chunk, and the names of the fields not read.

        Args:
            lines: `line`, `row_number`, `item_number`, and `trigger_time` of the message around it.
            feed: The feed the objects belong to.
            chunk: Takes rows, broken rows, and counts of names.
        """
        naming = self._given or usual_naming(feed)
        queries = _queries(feed.name, tuple(naming.wires.items()))
        texts = self._ask(queries.values, lines)
        texts = self._with_picture(texts, lines, queries)
        numbers = pl.from_arrow(lines.select(["row_number", "item_number", "trigger_time"]))
        assert isinstance(numbers, pl.DataFrame)
        rows = _as_columns(texts, numbers, naming)
        empty = texts.select(pl.all_horizontal(pl.all().is_null())).to_series()
        if empty.any():
            rows = self._without_others(rows, lines, empty, queries, feed, chunk)
        if rows.height:
            before = chunk.rows.get(feed.name)
            chunk.rows[feed.name] = rows if before is None else pl.concat([before, rows])
        self._count_names(lines, texts, feed, naming, chunk)

    def _ask(self, query: str, lines: pa.Table) -> pl.DataFrame:
        self.connection.register("block", lines)
        try:
            frame = pl.from_arrow(self.connection.execute(query).to_arrow_table())
        finally:
            self.connection.unregister("block")
        assert isinstance(frame, pl.DataFrame)
        return frame

    def _with_picture(
        self, texts: pl.DataFrame, lines: pa.Table, queries: _Queries
    ) -> pl.DataFrame:
        """Width and height of the source picture, wherever in the list it stands."""
        if "image_id" not in texts.columns:
            return texts
        is_first = (pl.col("image_id") == pl.col("SourceID")).fill_null(value=False)
        texts = texts.with_columns(
            [pl.when(is_first).then(pl.col(name)).alias(name) for name in _PICTURE]
        )
        elsewhere = texts.select(~is_first & (pl.col("image_count") > 1)).to_series()
        if not elsewhere.fill_null(value=False).any():
            return texts
        found = self._ask(queries.other_picture, lines.filter(elsewhere.to_arrow()))
        places = elsewhere.arg_true()
        return texts.with_columns([texts[name].scatter(places, found[name]) for name in _PICTURE])

    def _without_others(
        self,
        rows: pl.DataFrame,
        lines: pa.Table,
        empty: pl.Series,
        queries: _Queries,
        feed: Feed,
        chunk: Chunk,
    ) -> pl.DataFrame:
        """Rows less those whose line is no JSON object; of these, only the length is told."""
        asked = self._ask(queries.is_object, lines.filter(empty.to_arrow()))
        places = empty.arg_true().filter(~asked["is_object"])
        lost = rows.select("row_number", "item_number")[places]
        lengths = asked.filter(~pl.col("is_object"))["length"]
        for (row, item), length in zip(lost.iter_rows(), lengths, strict=True):
            chunk.broken.append(Broken(feed.name, row, item, describe(length)))
        stands = pl.Series([True]).new_from_index(0, rows.height).scatter(places, False)
        return rows.filter(stands)

    def _count_names(
        self, lines: pa.Table, texts: pl.DataFrame, feed: Feed, naming: Naming, chunk: Chunk
    ) -> None:
        """Count the names of fields nobody reads: forbidden ones, and those no contract knows."""
        names = self._ask(_names_query(feed.object_name is not None), lines)
        if "image_count" in texts.columns:
            long_lists = (texts["image_count"] > _COUNTED_IMAGES).fill_null(value=False)
            if long_lists.any():
                more = self._ask(_MORE_NAMES, lines.filter(long_lists.to_arrow()))
                names = pl.concat([names, more])
        wanted = naming.wanted | naming.ignored
        forbidden, known = protection.dropped_fields(), protection.known_fields()
        is_ga1400 = feed.object_name is not None
        for together, times in names.iter_rows():
            for name in together.split(_SEPARATOR) if together else ():
                if name in wanted:
                    continue
                if is_ga1400 and name in forbidden:
                    chunk.dropped[name] += times
                elif not is_ga1400 or name not in known:
                    count_name(chunk.unknown, field_name(name), times)


def describe(length: int) -> str:
    """What is said of text that is no object; the text itself could hold anything."""
    return f"not readable as a JSON object ({length} characters)"


def _as_columns(texts: pl.DataFrame, numbers: pl.DataFrame, naming: Naming) -> pl.DataFrame:
    """Contract columns from wire names, each from the first name that has a value.

    A list or object where a value should stand comes as its JSON text, forbidden fields inside
    included: it is replaced.
    """
    texts = texts.hstack(numbers)
    own = set(texts.columns)
    columns = {}
    for column, wires in naming.wires.items():
        parts = [w for w in wires if w in own]
        parts += ["trigger_time"] * ("TriggerTime" in wires)
        if len(parts) > 1:  # mostly the first has all values, or the second none
            parts = parts[:1] if not texts[parts[0]].null_count() else [
                part for n, part in enumerate(parts)
                if not n or texts[part].null_count() < texts.height
            ]  # fmt: skip
        columns[column] = pl.coalesce(parts) if parts else pl.lit(None, pl.String)
    rows = texts.select(**columns, row_number="row_number", item_number="item_number")
    nested = rows.select(
        (pl.col(c).str.starts_with("{") | pl.col(c).str.starts_with("[")).any() for c in columns
    ).row(0)
    spoilt = [pl.col(c) for c, is_nested in zip(columns, nested, strict=True) if is_nested]
    return rows.with_columns(
        pl.when(c.str.contains(r"^[\[{]")).then(pl.lit(UNREADABLE)).otherwise(c).name.keep()
        for c in spoilt
    )


_SEPARATOR = "\x1f"


def _names_query(is_ga1400: bool) -> str:
    paths = ["$"]
    if is_ga1400:
        paths += [f"$.SubImageList.SubImageInfoObject[{n}]" for n in range(_COUNTED_IMAGES)]
    return f"""
        SELECT names, count(*)::BIGINT AS times FROM (
          SELECT array_to_string(flatten(TRY(json_keys(line, {paths}))), chr(31)) AS names
          FROM block)
        GROUP BY names"""


_MORE_NAMES = f"""
    SELECT array_to_string(flatten(keys[{_COUNTED_IMAGES + 1}:]), chr(31)) AS names,
           count(*)::BIGINT AS times
    FROM (SELECT TRY(json_keys(line, '$.SubImageList.SubImageInfoObject[*]')) AS keys FROM block)
    GROUP BY names"""


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@cache
def _queries(feed_name: str, naming: tuple[tuple[str, tuple[str, ...]], ...]) -> _Queries:
    """One parse per line; a field that is not there, and a line that is no object, give nulls."""
    feed = BY_NAME[feed_name]
    wires = dict.fromkeys(w for _, wire in naming for w in wire)
    # The id fields of other kinds of objects are not asked for.
    own = [w for w in wires if ID_FIELDS.get(w, feed.object_name) == feed.object_name]
    nested = [w for w in own if feed.object_name and w in _PICTURE]
    flat = [w for w in own if w not in nested]
    fields = [f'{json.dumps(name)}:"VARCHAR"' for name in flat] + [_SUB_IMAGES] * bool(nested)
    structure = "{" + ",".join(fields).replace("'", "''") + "}"
    parsed = f"(SELECT TRY(json_transform(line, '{structure}')) AS o FROM block)"
    columns = [f"o.{quoted} AS {quoted}" for quoted in map(_identifier, flat)]
    if nested:
        parsed = f"""(SELECT o, o.SubImageList.SubImageInfoObject AS images, images[1] AS image
                      FROM {parsed})"""
        columns += [f'image."{name}" AS "{name}"' for name in nested]
        columns += ["image.ImageID AS image_id", "len(images) AS image_count"]
    scene = "list_filter(images, lambda s: s.ImageID = o.SourceID)[1]"
    return _Queries(
        f"SELECT {', '.join(columns)} FROM {parsed}",
        f"SELECT {', '.join(f'{scene}.{name} AS {name}' for name in nested)} FROM {parsed}",
        f"""SELECT o IS NOT NULL AND left(ltrim(line, ' ' || chr(9) || chr(13)), 1) = '{{'
                AS is_object, length(line) AS length
            FROM (SELECT TRY(json_transform(line, '{structure}')) AS o, line FROM block)""",
    )


__all__ = ["FieldReader", "describe"]
