"""The capture job as a bare hand-written DuckDB script, without Delta: `LANDING OUT KEY_FILE`.

The files are judged in groups of bounded size, the passages formed over groups of whole days; both
stay in memory, so nothing is spilled and nothing wide is ever sorted.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from .fields import (
    CONFUSED,
    FALSE,
    FULL_WIDTH,
    HALF_WIDTH,
    KINDS,
    LISTS,
    METRICS,
    NO_PLATE,
    PLATES,
    STANDS_FOR,
    TRUE,
    WATCH_LIST,
    Field,
    Kind,
)
from .landing import Files, batches, capture_files, places

BATCH_BYTES = 400 << 20
ROWS_AT_ONCE = 1_500_000
PARQUET = "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
SCENES = 'STRUCT("SubImageInfoObject" STRUCT("ImageID" VARCHAR, "Width" VARCHAR, "Height" VARCHAR)[])'
SCENE = """CASE WHEN scenes[1].ImageID = "SourceID" THEN scenes[1]
           ELSE list_filter(scenes, lambda s: s.ImageID = "SourceID")[1] END"""
ZONE = "to_minutes((t[20] || t[21:22])::INT * 60 + (t[20] || t[24:25])::INT)"
MACROS = f"""
CREATE MACRO spaced(t) AS try_strptime(replace(t, 'T', ' '), '%Y-%m-%d %H:%M:%S');
CREATE MACRO city_time(t) AS CASE length(t)
  WHEN 14 THEN try_strptime(t, '%Y%m%d%H%M%S') WHEN 19 THEN spaced(t)
  WHEN 25 THEN CASE WHEN t[20:] SIMILAR TO '[+-][0-9][0-9]:[0-9][0-9]'
                    THEN spaced(t[:19]) - {ZONE} + INTERVAL 8 HOUR END
  ELSE try_strptime(replace(trim(t), 'T', ' '), ['%Y%m%d%H%M%S', '%Y-%m-%d %H:%M:%S',
       '%Y-%m-%d %H:%M:%S.%f', '%Y-%m-%d %H:%M', '%Y/%m/%d %H:%M:%S', '%Y/%m/%d %H:%M']) END;
CREATE MACRO whole(t) AS CASE WHEN contains(t, '.') AND TRY_CAST(t AS DOUBLE) <> TRY_CAST(t AS BIGINT)
  THEN NULL ELSE TRY_CAST(t AS BIGINT) END;
CREATE MACRO legible(t) AS CASE WHEN contains(t, chr(65533)) OR t[1] IN ('{{', '[')
  THEN NULL ELSE nullif(trim(t), '') END;
CREATE MACRO normal(p) AS regexp_replace(upper(translate(p, '{FULL_WIDTH}', '{HALF_WIDTH}')),
  '[·•.\\s\\p{{Z}}]', '', 'g');
CREATE MACRO mended(p) AS p[1] || translate(p[2:], 'OI', '01');
CREATE MACRO looks(p) AS p[1] || translate(p[2:], '{CONFUSED}', '{STANDS_FOR}');
CREATE MACRO plate_class(p) AS CASE {" ".join(
    f"WHEN regexp_full_match(p, '{regex}') THEN '{name}'" for name, regex in PLATES)} END;
CREATE MACRO plate_mask(p) AS CASE WHEN length(p) >= 5 THEN p[:2] || '***' || right(p, 2)
  WHEN p IS NOT NULL THEN '***' END;
"""  # fmt: skip


def main(landing: Path, out: Path, key: bytes) -> None:
    """Take in, judge, clean, count, serve."""
    out.mkdir(parents=True)
    con = duckdb.connect(config={"temp_directory": str(out / "spill")})
    con.execute(MACROS)
    district, devices = places(landing)
    con.execute("CREATE TABLE known (n INTEGER, device_id VARCHAR, community_code VARCHAR)")
    con.executemany("INSERT INTO known VALUES (?, ?, ?)",
                    [(n, *device) for n, device in enumerate(devices)])  # fmt: skip
    con.execute("CREATE TABLE quarantined (feed VARCHAR, file VARCHAR, row_number BIGINT,"
                "item_number BIGINT, rules VARCHAR[], row VARCHAR)")  # fmt: skip
    files = capture_files(landing)
    read_messages(con, files)
    for short, kind in KINDS.items():
        (out / "bronze" / short).mkdir(parents=True)
        judge(con, kind, f"(SELECT *, {scene_of('o')} FROM (SELECT * EXCLUDE o, unnest(o) FROM objects_{short}))", "messages", out / "bronze" / short)  # noqa: E501
        for n, group in enumerate(batches(files.bare[short], BATCH_BYTES)):
            judge(con, kind, bare(kind, group), f"{n:04d}", out / "bronze" / short)
    con.execute(f"COPY quarantined TO '{out}/quarantined.parquet' {PARQUET}")
    con.execute("CREATE TABLE hours (shot_day DATE, shot_hour BIGINT, community_code VARCHAR,"
                "device_id VARCHAR, passage_kind VARCHAR, passage_count BIGINT, shot_count BIGINT)")  # fmt: skip
    clean(con, "face", face_passages, out)
    clean(con, "vehicle", lambda con: vehicle_passages(con, key), out)
    clean(con, "nonmotor", nonmotor_passages, out)
    serve(con, district, out)


def wires_of(kind: Kind) -> list[str]:
    """Field names an object is read for."""
    return [w for w in dict.fromkeys(w for f in kind.fields for w in f.wires)
            if w not in ("Width", "Height")]  # fmt: skip


def scene_of(_: str) -> str:
    """Size of the source picture, found among the sub-images by its id."""
    return f'"SubImageList".SubImageInfoObject AS scenes, {SCENE} AS scene'


def structure(kind: Kind) -> str:
    """DuckDB type of one object."""
    fields = ", ".join(f'"{w}" VARCHAR' for w in wires_of(kind))
    return f'STRUCT({fields}, "SubImageList" {SCENES})'


def bare(kind: Kind, paths: list[Path]) -> str:
    """A query over bare lines; text that is no JSON comes as a row of nulls."""
    columns = {w: "VARCHAR" for w in (*wires_of(kind), *WATCH_LIST)} | {"SubImageList": SCENES}
    refused = " OR ".join(f'"{name}" IS NOT NULL' for name in WATCH_LIST)
    return f"""(SELECT *, filename AS file, NULL::BIGINT AS line, 1 AS item, {scene_of('')},
        NULL::VARCHAR AS trigger_time, {refused} AS is_refused
        FROM read_json({[str(p) for p in paths]}, format = 'newline_delimited', filename = true,
                       columns = {columns}, ignore_errors = true))"""


def read_messages(con: duckdb.DuckDBPyConnection, files: Files) -> None:
    """Objects out of posts, documents and notifications, numbered within their message."""
    lists = ", ".join(f'"{name}" STRUCT("{KINDS[k].object}Object" {structure(KINDS[k])}[])'
                      for name, k in LISTS)  # fmt: skip
    note = f'STRUCT("SubscribeNotificationObject" STRUCT("TriggerTime" VARCHAR, {lists})[])'
    for short, kind in KINDS.items():
        con.execute(f"CREATE TEMP TABLE objects_{short} (file VARCHAR, line BIGINT, item BIGINT,"
                    f"trigger_time VARCHAR, is_refused BOOLEAN, o {structure(kind)})")  # fmt: skip
        own = f'STRUCT("{kind.object}Object" {structure(kind)}[])'
        for form, paths in (("newline_delimited", files.posts[short]),
                            ("unstructured", files.documents[short])):  # fmt: skip
            if not paths:
                continue
            load(con, {f"{kind.object}ListObject": own}, paths, form)
            con.execute(f"""INSERT INTO objects_{short}
                SELECT file, line, item, NULL, false, objects[item] FROM (
                  SELECT file, line, objects, unnest(range(1, len(objects) + 1)) AS item FROM (
                    SELECT *, "{kind.object}ListObject"."{kind.object}Object" AS objects
                    FROM loaded))""")
    if not files.notifications:
        return
    load(con, {"SubscribeNotificationListObject": note}, files.notifications, "newline_delimited")
    con.execute("""CREATE TEMP TABLE notes AS SELECT file, line, n, unnest(notes[n]) FROM (
        SELECT file, line, notes, unnest(range(1, len(notes) + 1)) AS n FROM (SELECT *,
          SubscribeNotificationListObject.SubscribeNotificationObject AS notes FROM loaded))""")
    lengths = [f'coalesce(len("{name}"."{KINDS[k].object}Object"), 0)' for name, k in LISTS]
    for at, (name, k) in enumerate(LISTS):
        earlier = " + ".join(["before", *lengths[:at]])
        con.execute(f"""INSERT INTO objects_{k}
            SELECT file, line, {earlier} + item, "TriggerTime", false, objects[item] FROM (
              SELECT *, unnest(range(1, len(objects) + 1)) AS item FROM (
                SELECT *, "{name}"."{KINDS[k].object}Object" AS objects,
                  coalesce(sum({" + ".join(lengths)}) OVER (PARTITION BY file, line ORDER BY n
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::BIGINT AS before
                FROM notes))""")


def load(con: duckdb.DuckDBPyConnection, columns: dict[str, str], paths: list[Path], form: str) -> None:
    """Messages and the number of their line; watch-list messages are refused whole."""
    watch = {name: "VARCHAR" for name in WATCH_LIST}
    ok = " AND ".join(f'"{name}" IS NULL' for name in WATCH_LIST)
    con.execute(f"""CREATE OR REPLACE TEMP TABLE lines AS SELECT * FROM read_json(
        {[str(p) for p in paths]}, format = '{form}', filename = true, columns = {columns | watch},
        maximum_object_size = {64 << 20})""")
    con.execute(f"""CREATE OR REPLACE TEMP VIEW loaded AS
        SELECT filename AS file, lines.rowid - start + 1 AS line, {", ".join(f'"{c}"' for c in columns)}
        FROM lines JOIN (SELECT filename, min(rowid) AS start FROM lines GROUP BY ALL) USING (filename)
        WHERE {ok}""")


def typed(field: Field) -> str:
    """A field's value; null where its text cannot be read."""
    raw = f"r_{field.name}"
    spelled = f"lower(trim({raw}))"
    value = {
        "text": f"trim({raw})" if field.pattern else f"legible({raw})",
        "integer": f"whole({raw})",
        "number": f"(CASE WHEN isfinite(TRY_CAST({raw} AS DOUBLE)) THEN {raw}::DOUBLE END)",
        "flag": f"CASE WHEN {spelled} IN {TRUE} THEN true WHEN {spelled} IN {FALSE} THEN false END",
        "instant": f"city_time({raw})",
    }[field.reader]
    return f"{value} AS {field.name}"


def rules(kind: Kind) -> list[tuple[str, str]]:
    """Every rule with the condition under which a row breaks it; null means unbroken."""
    found = []
    for f in kind.fields:
        value, is_blank = f.name, f"coalesce(trim(r_{f.name}), '') = ''"
        unread = f"{value} IS NULL AND NOT {is_blank}"
        if f.reader == "instant":
            unread = f"({unread}) OR {value} NOT BETWEEN '1900-01-01' AND '2100-12-31 23:59:59.999999'"
        if f.is_required:
            found.append((f"{f.name}_is_present", is_blank))
        if f.pattern:
            found.append((f"{f.name}_is_readable", f"contains({value}, chr(65533))"))
            found.append((f"{f.name}_is_well_formed", f"""NOT regexp_full_match({value}, '{f.pattern}')
                AND NOT contains({value}, chr(65533)) AND {value} <> ''"""))
        else:
            found.append((f"{f.name}_is_readable", unread))
        bounds = [f"{value} < {f.least}"] * (f.least is not None)
        bounds += [f"{value} > {f.most}"] * (f.most is not None)
        if bounds:
            found.append((f"{f.name}_is_within_range", " OR ".join(bounds)))
        if f.max_length:
            found.append((f"{f.name}_is_within_length", f"length({value}) > {f.max_length}"))
    return [
        *found,
        ("capture_id_names_its_device", "capture_id[:20] <> device_id"),
        ("capture_id_names_its_shot_time", """capture_id[23:36] <> CASE WHEN shot_at IS NULL THEN NULL
            WHEN length(r_shot_at) = 14 THEN r_shot_at ELSE strftime(shot_at, '%Y%m%d%H%M%S') END"""),
        ("is_shot_before_it_is_entered",
         "shot_at > coalesce(entered_at, triggered_at) + INTERVAL 300 SECOND"),
        ("box_has_an_area", "NOT (left_px < right_px AND top_px < bottom_px)"),
        ("box_lies_inside_the_picture", f"""NOT (left_px >= 0 AND top_px >= 0
            AND right_px <= coalesce(image_width_px, {2**31})
            AND bottom_px <= coalesce(image_height_px, {2**31}))"""),
        (kind.subtype_rule, f"capture_id[42:43] <> '{kind.subtype}'"),
    ]  # fmt: skip


def judge(con: duckdb.DuckDBPyConnection, kind: Kind, source: str, name: str, to: Path) -> None:
    """Type and judge one group of rows; accepted ones go to parquet, others to quarantine."""
    raw = []
    for f in kind.fields:
        parts = [f'scene."{w}"' if w in ("Width", "Height") else f'"{w}"' for w in f.wires]
        parts += ["trigger_time"] * ("TriggerTime" in f.wires)
        raw.append(f"coalesce({', '.join(parts)}) AS r_{f.name}")
    judged = rules(kind)
    is_broken = " OR ".join(f"coalesce({condition}, false)" for _, condition in judged)
    names = ", ".join(f"CASE WHEN {condition} THEN '{rule}' END" for rule, condition in judged)
    raws = [f"r_{f.name}" for f in kind.fields]
    columns = ", ".join(f.name for f in kind.fields)
    con.execute(f"""CREATE OR REPLACE TEMP TABLE batch AS
        SELECT file, line, item, is_refused, is_broken, {columns}, CASE WHEN is_broken
          THEN CASE WHEN coalesce({", ".join(raws)}) IS NULL THEN ['row_is_readable']
               ELSE list_sort(list_filter([{names}], lambda r: r IS NOT NULL)) END END AS rules,
          CASE WHEN is_broken THEN to_json(struct_pack({", ".join(f"{r[2:]} := {r}" for r in raws)}))
          END AS row
        FROM (SELECT *, {is_broken} AS is_broken FROM (SELECT *, {", ".join(map(typed, kind.fields))}
          FROM (SELECT file, line, item, is_refused, {", ".join(raw)} FROM {source})))""")
    starts = "(SELECT file, min(rowid) AS start FROM batch GROUP BY ALL)"
    instants = {f.name for f in kind.fields if f.reader == "instant"}
    stored = ", ".join(f"{f.name} - INTERVAL 8 HOUR AS {f.name}" if f.name in instants else f.name
                       for f in kind.fields)  # fmt: skip
    con.execute(f"""COPY (SELECT file, coalesce(line, batch.rowid - start + 1) AS row_number,
          item AS item_number, {stored}, shot_at::DATE AS shot_day
        FROM batch JOIN {starts} USING (file) WHERE NOT is_broken AND NOT is_refused)
        TO '{to}/{name}.parquet' {PARQUET}""")
    con.execute(f"""INSERT INTO quarantined SELECT '{kind.feed}', file,
          coalesce(line, batch.rowid - start + 1), item, rules, row
        FROM batch JOIN {starts} USING (file) WHERE is_broken AND NOT is_refused""")


def clean(con, short: str, form_passages, out: Path) -> None:
    """Resent rows and passages of a kind, some days at a time, with their ledgers and counts."""
    bronze = f"read_parquet('{out}/bronze/{short}/*.parquet')"
    kind = KINDS[short]
    for name in ("passages", "merges", "set_aside"):
        (out / f"{short}_{name}").mkdir()
    days = con.execute(f"SELECT shot_day, count(*) FROM {bronze} GROUP BY 1 ORDER BY 1").fetchall()
    groups: list[list] = []
    size = 0
    for day, count in days:
        if not groups or size + count > ROWS_AT_ONCE:
            groups.append([])
            size = 0
        groups[-1].append(day)
        size += count
    columns = [f.name for f in kind.fields]
    at = columns.index("triggered_at") + 1
    content = [*columns[1:at], "shot_day", *columns[at:]]
    newest = "greatest(entered_at, triggered_at)"
    for n, group in enumerate(groups):
        con.execute(f"""CREATE OR REPLACE TEMP VIEW bronze AS SELECT * FROM {bronze}
            WHERE shot_day BETWEEN '{group[0]}' AND '{group[-1]}'""")
        if short == "face":
            narrow = """capture_id, device_id, shot_day, shot_at, track_token, accompany_count,
                (right_px - left_px) * (bottom_px - top_px) AS size"""
        else:
            narrow = "* EXCLUDE (file, row_number, item_number)"
        # A hash is no key: it only finds the few rows that are then compared in full.
        con.execute("""CREATE OR REPLACE TEMP TABLE likely AS SELECT hash(capture_id) AS h
            FROM bronze GROUP BY h HAVING count(*) > 1""")
        con.execute(f"""CREATE OR REPLACE TEMP TABLE several AS SELECT *, row_number() OVER (
            PARTITION BY capture_id ORDER BY {newest} DESC NULLS LAST,
            {", ".join(f"{c} NULLS LAST" for c in content)}) AS place
            FROM bronze SEMI JOIN known USING (device_id)
            WHERE hash(capture_id) IN (FROM likely)""")
        con.execute(f"""CREATE OR REPLACE TEMP TABLE shots AS SELECT *, n, community_code FROM (
              SELECT {narrow} FROM bronze WHERE hash(capture_id) NOT IN (FROM likely)
              UNION ALL SELECT {narrow} FROM (SELECT * EXCLUDE place FROM several WHERE place = 1))
            JOIN known USING (device_id)""")
        con.execute("""CREATE OR REPLACE TEMP TABLE merges AS SELECT shot_day AS event_day,
            capture_id AS entity_id, shot_at AS version_at, capture_id AS merged_into,
            'superseded' AS outcome, 'resent_capture' AS rule FROM several WHERE place > 1""")
        form_passages(con)
        con.execute(f"""COPY (SELECT shot_day AS event_day, capture_id AS entity_id,
            shot_at AS version_at, 'device_is_registered' AS rule FROM bronze
            ANTI JOIN known USING (device_id)) TO '{out}/{short}_set_aside/{n:04d}.parquet' {PARQUET}""")
        for name in ("passages", "merges"):
            con.execute(f"COPY {name} TO '{out}/{short}_{name}/{n:04d}.parquet' {PARQUET}")
        shots, label = {"face": ("shot_count", "face"), "vehicle": ("reading_count", "motor"),
                        "nonmotor": ("1", "nonmotor")}[short]  # fmt: skip
        con.execute(f"""INSERT INTO hours SELECT shot_day, hour(shot_at + INTERVAL 8 HOUR),
            community_code, device_id, '{label}', count(*), sum({shots})
            FROM passages GROUP BY ALL""")


def face_passages(con: duckdb.DuckDBPyConnection) -> None:
    """Shots of one track with gaps up to 30 s; the largest box stands, then the earliest."""
    con.execute("""CREATE OR REPLACE TEMP TABLE ordered AS SELECT * FROM shots
        WHERE track_token IS NOT NULL ORDER BY n, shot_day, track_token, shot_at, capture_id""")
    # Windows without a frame of their own run over the sorted table as it lies.
    con.execute("""CREATE OR REPLACE TEMP TABLE numbered AS SELECT *, row_number() OVER () AS place,
          sum(is_start::INT) OVER (ROWS UNBOUNDED PRECEDING) AS passage
        FROM (SELECT *, coalesce(n <> lag(n) OVER () OR shot_day <> lag(shot_day) OVER ()
            OR track_token <> lag(track_token) OVER ()
            OR shot_at - lag(shot_at) OVER () > INTERVAL 30 SECOND, true) AS is_start FROM ordered)""")
    con.execute(f"""CREATE OR REPLACE TEMP TABLE spans AS SELECT passage, min(shot_at) AS started_at,
          max(shot_at) AS ended_at, count(*) AS shot_count,
          {2**40} - max(size::HUGEINT * {2**40} + {2**40} - place) % {2**40} AS place
        FROM numbered GROUP BY passage""")
    con.execute("""CREATE OR REPLACE TEMP TABLE best AS SELECT spans.*, capture_id AS passage_id,
          device_id, shot_day, shot_at, community_code, accompany_count
        FROM spans JOIN numbered USING (place)""")
    con.execute("""CREATE OR REPLACE TEMP TABLE passages AS
        SELECT shot_day, passage_id, device_id, community_code, shot_at, started_at, ended_at,
               shot_count, true AS is_tracked, accompany_count FROM best
        UNION ALL SELECT shot_day, capture_id, device_id, community_code, shot_at, shot_at, shot_at,
               1, false, accompany_count FROM shots WHERE track_token IS NULL""")
    con.execute("""INSERT INTO merges SELECT numbered.shot_day, capture_id, numbered.shot_at,
        passage_id, 'merged', 'same_passage' FROM numbered JOIN best USING (passage)
        WHERE numbered.place <> best.place""")


def vehicle_passages(con: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Readings of one plate with gaps up to 60 s, and easily confused ones beside them."""
    con.execute(f"""CREATE OR REPLACE TEMP TABLE readings AS SELECT * EXCLUDE normal,
          CASE WHEN plate_class(mended(normal)) IS NOT NULL THEN normal END AS plate FROM (
            SELECT *, CASE WHEN normal(plate_number) NOT IN {NO_PLATE} THEN normal(plate_number) END
            AS normal FROM shots)""")
    con.execute("""CREATE OR REPLACE TEMP TABLE sessions AS
        SELECT *, sum(is_start::INT) OVER (ORDER BY n, shot_day, plate, shot_at, capture_id
            ROWS UNBOUNDED PRECEDING)::BIGINT AS session
        FROM (SELECT *, coalesce(shot_at - lag(shot_at) OVER (PARTITION BY n, shot_day, plate
            ORDER BY shot_at, capture_id) > INTERVAL 60 SECOND, true) AS is_start
          FROM readings WHERE plate IS NOT NULL)""")
    links = con.execute("""SELECT DISTINCT a.session, b.session FROM sessions a JOIN sessions b
        ON a.n = b.n AND a.shot_day = b.shot_day AND a.lane_number = b.lane_number
          AND looks(a.plate) = looks(b.plate) AND a.plate <> b.plate
        WHERE b.shot_at >= a.shot_at AND b.shot_at - a.shot_at <= INTERVAL 10 SECOND
          AND length(a.plate) <= 10 AND hamming(a.plate, b.plate) = 1""").fetchall()
    root: dict[int, int] = {}

    def find(one: int) -> int:
        while (up := root.get(one, one)) != one:
            one = up
        return one

    for one, other in links:
        root[max(find(one), find(other))] = min(find(one), find(other))
    con.execute("CREATE OR REPLACE TEMP TABLE roots (session BIGINT, joined BIGINT)")
    if root:
        con.executemany("INSERT INTO roots VALUES (?, ?)", [(one, find(one)) for one in root])
    con.execute("""CREATE OR REPLACE TEMP TABLE ranked AS SELECT *,
          first_value(capture_id) OVER best AS best_id, first_value(plate) OVER best AS best_plate,
          min(shot_at) OVER (PARTITION BY passage) AS started_at,
          max(shot_at) OVER (PARTITION BY passage) AS ended_at,
          count(*) OVER (PARTITION BY passage) AS reading_count
        FROM (SELECT *, coalesce(joined, session) AS passage FROM sessions LEFT JOIN roots USING (session))
        WINDOW best AS (PARTITION BY passage ORDER BY plate_reliability DESC NULLS LAST, shot_at,
          capture_id)""")
    inner, outer = (bytes(b ^ pad for b in key.ljust(64, b"\0")).hex() for pad in (0x36, 0x5C))
    token = f"""sha256(from_hex('{outer}') || from_hex(sha256(from_hex('{inner}')
        || encode(device_id || '|' || shot_day || '|' || mended(plate)))))[:24]"""
    kept = """lane_number, direction_code, vehicle_class_code, vehicle_colour_code, speed_kmh"""
    con.execute(f"""CREATE OR REPLACE TEMP TABLE passages AS
        SELECT shot_day, capture_id AS passage_id, device_id, community_code, shot_at, started_at,
          ended_at, reading_count, {token} AS plate_token, plate_mask(mended(plate)) AS plate_mask,
          plate_class(mended(plate)) AS plate_kind, {kept} FROM ranked WHERE capture_id = best_id
        UNION ALL SELECT shot_day, capture_id, device_id, community_code, shot_at, shot_at, shot_at, 1,
          NULL, NULL, NULL, {kept} FROM readings WHERE plate IS NULL""")
    con.execute("""INSERT INTO merges SELECT shot_day, capture_id, shot_at, best_id, 'merged',
        CASE WHEN plate = best_plate THEN 'same_passage' ELSE 'confused_plate' END
        FROM ranked WHERE capture_id <> best_id""")


def nonmotor_passages(con: duckdb.DuckDBPyConnection) -> None:
    """Every capture that stands is a passage."""
    con.execute("""CREATE OR REPLACE TEMP TABLE passages AS SELECT shot_day, capture_id AS passage_id,
        device_id, community_code, shot_at, vehicle_type_code, vehicle_colour_code FROM shots""")


def serve(con: duckdb.DuckDBPyConnection, district: str, out: Path) -> None:
    """Daily values at three tiers, and one file to serve them from."""
    own = " UNION ALL ".join(
        f"""SELECT shot_day AS value_day, '{metric}' AS metric_id, community_code, sum({measure}) AS value
            FROM hours WHERE passage_kind = '{kind}' GROUP BY ALL""" for metric, kind, measure in METRICS
    )  # fmt: skip
    nowhere = f"'{district}-unplaced'"
    tiers = {"community": f"coalesce(community_code, {nowhere})",
             "street": f"coalesce(community_code[:9], {nowhere})", "district": f"'{district}'"}  # fmt: skip
    con.execute(f"CREATE TABLE daily_values AS WITH own AS ({own}) " + " UNION ALL ".join(
        f"""SELECT value_day, metric_id, '{tier}' AS tier, {code} AS area_code,
            sum(value)::DOUBLE AS value FROM own GROUP BY ALL""" for tier, code in tiers.items()
    ))  # fmt: skip
    con.execute(f"ATTACH '{out}/serving.duckdb' AS serving")
    for name in ("hours", "daily_values"):
        con.execute(f"CREATE TABLE serving.{name} AS FROM {name}")
        con.execute(f"COPY {name} TO '{out}/{name}.parquet' {PARQUET}")
    con.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), bytes.fromhex(Path(sys.argv[3]).read_text().strip()))
