"""The DuckDB script, first part: files to typed rows, accepted or with the rules they break."""

from __future__ import annotations

from pathlib import Path

import duckdb

from .fields import FALSE, KINDS, LISTS, TRUE, WATCH_LIST, Field, Kind
from .landing import Files, batches

BATCH_BYTES = 400 << 20
PARQUET = "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
SIZES = 'STRUCT("ImageID" VARCHAR, "Width" VARCHAR, "Height" VARCHAR)[]'
SCENES = f'STRUCT("SubImageInfoObject" {SIZES})'
# Size of the source picture, found among the sub-images by its id; mostly it is the only one.
SCENE = """"SubImageList".SubImageInfoObject AS scenes,
    CASE WHEN scenes[1].ImageID = "SourceID" THEN scenes[1]
    ELSE list_filter(scenes, lambda s: s.ImageID = "SourceID")[1] END AS scene"""
ZONE = "to_minutes((t[20] || t[21:22])::INT * 60 + (t[20] || t[24:25])::INT)"
MACROS = f"""
CREATE MACRO spaced(t) AS try_strptime(replace(t, 'T', ' '), '%Y-%m-%d %H:%M:%S');
CREATE MACRO city_time(t) AS CASE strlen(t)
  WHEN 14 THEN try_strptime(t, '%Y%m%d%H%M%S') WHEN 19 THEN spaced(t)
  WHEN 25 THEN CASE WHEN t[20:] SIMILAR TO '[+-][0-9][0-9]:[0-9][0-9]'
                    THEN spaced(t[:19]) - {ZONE} + INTERVAL 8 HOUR END
  ELSE try_strptime(replace(trim(t), 'T', ' '), ['%Y%m%d%H%M%S', '%Y-%m-%d %H:%M:%S',
    '%Y-%m-%d %H:%M:%S.%f', '%Y-%m-%d %H:%M', '%Y/%m/%d %H:%M:%S', '%Y/%m/%d %H:%M']) END;
CREATE MACRO whole(t) AS
  CASE WHEN contains(t, '.') AND TRY_CAST(t AS DOUBLE) <> TRY_CAST(t AS BIGINT) THEN NULL
  ELSE TRY_CAST(t AS BIGINT) END;
CREATE MACRO legible(t) AS
  CASE WHEN contains(t, chr(65533)) OR t[1] IN ('{{', '[') THEN NULL ELSE nullif(trim(t), '') END;
CREATE MACRO is_blank(t) AS coalesce(trim(t), '') = '';
"""


def take_in(con: duckdb.DuckDBPyConnection, files: Files, out: Path) -> None:
    """Judge every file; accepted rows go to parquet, the others to the table `quarantined`."""
    con.execute(MACROS)
    con.execute("""CREATE TABLE quarantined (feed VARCHAR, file VARCHAR, row_number BIGINT,
        item_number BIGINT, rules VARCHAR[], row VARCHAR)""")
    for short, kind in KINDS.items():
        (out / "bronze" / short).mkdir(parents=True)
        con.execute(f"""CREATE TEMP TABLE objects_{short} (file VARCHAR, line BIGINT, item BIGINT,
            trigger_time VARCHAR, is_refused BOOLEAN, o {object_type(kind)})""")
    _read_posts(con, files)
    _read_notifications(con, files)
    for short, kind in KINDS.items():
        taken = f"(SELECT *, {SCENE} FROM (SELECT * EXCLUDE o, unnest(o) FROM objects_{short}))"
        _judge(con, kind, taken, out / "bronze" / short / "messages.parquet")
        con.execute(f"DROP TABLE objects_{short}")
        for n, group in enumerate(batches(files.bare[short], BATCH_BYTES)):
            _judge(con, kind, _bare(kind, group), out / "bronze" / short / f"{n:04d}.parquet")
    con.execute(f"COPY quarantined TO '{out}/quarantined.parquet' {PARQUET}")


def wires_of(kind: Kind) -> list[str]:
    """Field names an object is read for."""
    names = dict.fromkeys(w for f in kind.fields for w in f.wires)
    return [w for w in names if w not in ("Width", "Height")]


def object_type(kind: Kind) -> str:
    """DuckDB type of one object."""
    fields = ", ".join(f'"{w}" VARCHAR' for w in wires_of(kind))
    return f'STRUCT({fields}, "SubImageList" {SCENES})'


def _bare(kind: Kind, paths: list[Path]) -> str:
    """A query over bare lines; text that is no JSON comes as a row of nulls."""
    columns = dict.fromkeys((*wires_of(kind), *WATCH_LIST), "VARCHAR") | {"SubImageList": SCENES}
    refused = " OR ".join(f'"{name}" IS NOT NULL' for name in WATCH_LIST)
    return f"""(SELECT *, filename AS file, NULL::BIGINT AS line, 1 AS item, {SCENE},
        NULL::VARCHAR AS trigger_time, {refused} AS is_refused
        FROM read_json({[str(p) for p in paths]}, format = 'newline_delimited', filename = true,
                       columns = {columns}, ignore_errors = true))"""


def _read_posts(con: duckdb.DuckDBPyConnection, files: Files) -> None:
    """Objects of posts and of whole documents, numbered within their message."""
    for short, kind in KINDS.items():
        own = f'STRUCT("{kind.object}Object" {object_type(kind)}[])'
        for form, paths in (
            ("newline_delimited", files.posts[short]),
            ("unstructured", files.documents[short]),
        ):
            if not paths:
                continue
            _load(con, {f"{kind.object}ListObject": own}, paths, form)
            con.execute(f"""INSERT INTO objects_{short}
                SELECT file, line, generate_subscripts(objects, 1), NULL, false, unnest(objects)
                FROM (SELECT file, line, "{kind.object}ListObject"."{kind.object}Object" AS objects
                      FROM loaded)""")


def _read_notifications(con: duckdb.DuckDBPyConnection, files: Files) -> None:
    """Objects of notifications: all lists of one line are numbered through."""
    if not files.notifications:
        return
    lists = ", ".join(
        f'"{name}" STRUCT("{KINDS[k].object}Object" {object_type(KINDS[k])}[])' for name, k in LISTS
    )
    note = f'STRUCT("SubscribeNotificationObject" STRUCT("TriggerTime" VARCHAR, {lists})[])'
    _load(con, {"SubscribeNotificationListObject": note}, files.notifications, "newline_delimited")
    con.execute("""CREATE TEMP TABLE notes AS SELECT file, line, n, unnest(note) FROM (
        SELECT file, line, generate_subscripts(notes, 1) AS n, unnest(notes) AS note FROM (
          SELECT file, line, SubscribeNotificationListObject.SubscribeNotificationObject AS notes
          FROM loaded))""")
    lengths = [f'coalesce(len("{name}"."{KINDS[k].object}Object"), 0)' for name, k in LISTS]
    con.execute(f"""CREATE TEMP TABLE counted AS SELECT id, coalesce(sum(items) OVER (
          PARTITION BY file, line ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), 0)::BIGINT AS before
        FROM (SELECT rowid AS id, file, line, n, {" + ".join(lengths)} AS items FROM notes)""")
    for place, (name, k) in enumerate(LISTS):
        earlier = " + ".join(["before", *lengths[:place]])
        con.execute(f"""INSERT INTO objects_{k}
            SELECT file, line, earlier + generate_subscripts(objects, 1), trigger_time, false,
                   unnest(objects)
            FROM (SELECT file, line, "TriggerTime" AS trigger_time, {earlier} AS earlier,
                         "{name}"."{KINDS[k].object}Object" AS objects
                  FROM notes JOIN counted ON notes.rowid = id WHERE "{name}" IS NOT NULL)""")
    con.execute("DROP TABLE notes")


def _load(
    con: duckdb.DuckDBPyConnection, columns: dict[str, str], paths: list[Path], form: str
) -> None:
    """Messages and the number of their line; watch-list messages are refused whole."""
    watch = dict.fromkeys(WATCH_LIST, "VARCHAR")
    no_watch_list = " AND ".join(f'"{name}" IS NULL' for name in WATCH_LIST)
    con.execute(f"""CREATE OR REPLACE TEMP TABLE lines AS FROM read_json({[str(p) for p in paths]},
        format = '{form}', filename = true, columns = {columns | watch},
        maximum_object_size = {64 << 20})""")
    con.execute(f"""CREATE OR REPLACE TEMP VIEW loaded AS
        SELECT filename AS file, lines.rowid - start + 1 AS line, {", ".join(columns)}
        FROM lines JOIN (SELECT filename, min(rowid) AS start FROM lines GROUP BY ALL)
        USING (filename) WHERE {no_watch_list}""")


def _typed(field: Field) -> str:
    """A field's value; null where its text cannot be read or does not stand."""
    raw = f"r_{field.name}"
    spelled = f"lower(trim({raw}))"
    if field.pattern:
        digits = field.pattern[3:-1]
        value = f"CASE WHEN strlen({raw}) = {digits} THEN {raw} ELSE nullif(trim({raw}), '') END"
    else:
        value = {
            "text": f"legible({raw})",
            "integer": f"whole({raw})",
            "number": f"CASE WHEN isfinite(TRY_CAST({raw} AS DOUBLE)) THEN {raw}::DOUBLE END",
            "flag": f"CASE WHEN {spelled} IN {TRUE} THEN true WHEN {spelled} IN {FALSE} THEN false "
            "END",
            "instant": f"city_time({raw})",
        }[field.reader]
    return f"{value} AS {field.name}"


def _field_rules(f: Field) -> list[tuple[str, str]]:
    """Rules of one field, each with the condition under which a row breaks it."""
    raw, value = f"r_{f.name}", f.name
    found = [(f"{f.name}_is_present", f"{value} IS NULL AND is_blank({raw})")] * f.is_required
    if f.pattern:
        illegible = f"contains({value}, chr(65533))"
        found += [
            (f"{f.name}_is_well_formed",
             f"NOT regexp_full_match({value}, '{f.pattern}') AND NOT {illegible}"),
            (f"{f.name}_is_readable", illegible),
        ]  # fmt: skip
    else:
        unread = f"{value} IS NULL AND {raw} IS NOT NULL AND NOT is_blank({raw})"
        if f.reader == "instant":
            unread += f" OR {value} < '1900-01-01' OR {value} >= '2101-01-01'"
        found.append((f"{f.name}_is_readable", unread))
    bounds = [f"{value} < {f.least}"] * (f.least is not None)
    bounds += [f"{value} > {f.most}"] * (f.most is not None)
    if bounds:
        found.append((f"{f.name}_is_within_range", " OR ".join(bounds)))
    if f.max_length:
        found.append((f"{f.name}_is_within_length", f"length({value}) > {f.max_length}"))
    return found


def _is_broken(f: Field) -> list[str]:
    """The same conditions at less cost, for every row: some rule of the field is broken."""
    found = [f"{f.name} IS NULL"] if f.is_required else []
    if f.pattern:
        return [*found, f"NOT regexp_full_match({f.name}, '{f.pattern}')"]
    return found + [
        condition
        for rule, condition in _field_rules(f)
        if not (f.is_required and rule.endswith("_is_present"))
    ]


def _row_rules(kind: Kind) -> list[tuple[str, str]]:
    """Rules over several fields."""
    most = 2**31
    return [
        ("capture_id_names_its_device", "capture_id[:20] <> device_id"),
        ("capture_id_names_its_shot_time",
         """shot_at IS NOT NULL AND capture_id[23:36] <> CASE WHEN strlen(r_shot_at) = 14
            THEN r_shot_at ELSE strftime(shot_at, '%Y%m%d%H%M%S') END"""),
        ("is_shot_before_it_is_entered",
         "shot_at > coalesce(entered_at, triggered_at) + INTERVAL 300 SECOND"),
        ("box_has_an_area", "NOT (left_px < right_px AND top_px < bottom_px)"),
        ("box_lies_inside_the_picture",
         f"""NOT (left_px >= 0 AND top_px >= 0 AND right_px <= coalesce(image_width_px, {most})
             AND bottom_px <= coalesce(image_height_px, {most}))"""),
        (kind.subtype_rule, f"capture_id[42:43] <> '{kind.subtype}'"),
    ]  # fmt: skip


def _judge(con: duckdb.DuckDBPyConnection, kind: Kind, source: str, to: Path) -> None:
    """Type and judge one group of rows, and write both kinds of them."""
    raw = []
    for f in kind.fields:
        parts = [f'scene."{w}"' if w in ("Width", "Height") else f'"{w}"' for w in f.wires]
        parts += ["trigger_time"] * ("TriggerTime" in f.wires)
        raw.append(f"coalesce({', '.join(parts)}) AS r_{f.name}")
    row_rules = _row_rules(kind)
    rules = [rule for f in kind.fields for rule in _field_rules(f)] + row_rules
    names = ", ".join(f"CASE WHEN {condition} THEN '{rule}' END" for rule, condition in rules)
    broken = [c for f in kind.fields for c in _is_broken(f)] + [c for _, c in row_rules]
    is_broken = " OR ".join(f"coalesce({condition}, false)" for condition in broken)
    raws = [f"r_{f.name}" for f in kind.fields]
    texts = ", ".join(f"{r[2:]} := {r}" for r in raws)
    con.execute(f"""CREATE OR REPLACE TEMP TABLE batch AS
        SELECT file, line, item, is_refused, is_broken, {", ".join(f.name for f in kind.fields)},
          CASE WHEN is_broken THEN
            CASE WHEN coalesce({", ".join(raws)}) IS NULL THEN ['row_is_readable']
            ELSE list_sort(list_filter([{names}], lambda r: r IS NOT NULL)) END END AS rules,
          CASE WHEN is_broken THEN to_json(struct_pack({texts})) END AS row
        FROM (SELECT *, {is_broken} AS is_broken FROM (
          SELECT *, {", ".join(map(_typed, kind.fields))} FROM (
            SELECT file, line, item, is_refused, {", ".join(raw)} FROM {source})))""")
    starts = "(SELECT file, min(rowid) AS start FROM batch GROUP BY ALL)"
    number = "coalesce(line, batch.rowid - start + 1) AS row_number, item AS item_number"
    instants = {f.name for f in kind.fields if f.reader == "instant"}
    stored = ", ".join(
        f"{f.name} - INTERVAL 8 HOUR AS {f.name}" if f.name in instants else f.name
        for f in kind.fields
    )
    con.execute(f"""COPY (SELECT file, {number}, {stored}, shot_at::DATE AS shot_day
        FROM batch JOIN {starts} USING (file) WHERE NOT is_broken AND NOT is_refused)
        TO '{to}' {PARQUET}""")
    con.execute(f"""INSERT INTO quarantined SELECT '{kind.feed}', file, {number}, rules, row
        FROM batch JOIN {starts} USING (file) WHERE is_broken AND NOT is_refused""")
