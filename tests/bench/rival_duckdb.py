"""The capture job as a bare hand-written DuckDB script, without Delta: `LANDING OUT KEY_FILE`.

The files are judged in groups of bounded size, the passages formed over groups of whole days; both
stay in memory, so nothing is spilled and nothing wide is ever sorted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb

from .duckdb_reading import PARQUET, take_in
from .fields import (
    CONFUSED,
    FULL_WIDTH,
    HALF_WIDTH,
    KINDS,
    METRICS,
    NO_PLATE,
    PLATES,
    STANDS_FOR,
)
from .landing import capture_files, places

ROWS_AT_ONCE = 1_500_000
_CLASSES = " ".join(f"WHEN regexp_full_match(p, '{regex}') THEN '{name}'" for name, regex in PLATES)
MACROS = f"""
CREATE MACRO normal(p) AS regexp_replace(
  upper(translate(p, '{FULL_WIDTH}', '{HALF_WIDTH}')), '[·•.\\s\\p{{Z}}]', '', 'g');
CREATE MACRO mended(p) AS p[1] || translate(p[2:], 'OI', '01');
CREATE MACRO looks(p) AS p[1] || translate(p[2:], '{CONFUSED}', '{STANDS_FOR}');
CREATE MACRO plate_class(p) AS CASE {_CLASSES} END;
CREATE MACRO plate_mask(p) AS CASE WHEN length(p) >= 5 THEN p[:2] || '***' || right(p, 2)
  WHEN p IS NOT NULL THEN '***' END;
"""
NARROW = """capture_id, device_id, shot_day, shot_at, track_token, accompany_count,
    (right_px - left_px) * (bottom_px - top_px) AS size"""


def main(landing: Path, out: Path, key: bytes) -> None:
    """Take in, judge, clean, count, serve."""
    out.mkdir(parents=True)
    con = duckdb.connect(config={"temp_directory": str(out / "spill")})
    con.execute(MACROS)
    district, devices = places(landing)
    known = ", ".join(f"({n}, '{d}', nullif('{c or ''}', ''))" for n, (d, c) in enumerate(devices))
    con.execute(f"CREATE TABLE known AS FROM (VALUES {known}) k(n, device_id, community_code)")
    take_in(con, capture_files(landing), out)
    con.execute("""CREATE TABLE hours (shot_day DATE, shot_hour BIGINT, community_code VARCHAR,
        device_id VARCHAR, passage_kind VARCHAR, passage_count BIGINT, shot_count BIGINT)""")
    clean(con, "face", "shot_count", "face", out, face_passages)
    clean(con, "vehicle", "reading_count", "motor", out, lambda con: vehicle_passages(con, key))
    clean(con, "nonmotor", "1", "nonmotor", out, nonmotor_passages)
    serve(con, district, out)


def clean(
    con: duckdb.DuckDBPyConnection,
    short: str,
    shots: str,
    label: str,
    out: Path,
    form_passages: Callable[[duckdb.DuckDBPyConnection], None],
) -> None:
    """Resent rows and passages of a kind, some days at a time, with ledgers and hourly counts."""
    bronze = f"read_parquet('{out}/bronze/{short}/*.parquet')"
    for name in ("passages", "merges", "set_aside"):
        (out / f"{short}_{name}").mkdir()
    for n, (first, last) in enumerate(days_together(con, bronze)):
        con.execute(f"""CREATE OR REPLACE TEMP VIEW bronze AS
            FROM {bronze} WHERE shot_day BETWEEN '{first}' AND '{last}'""")
        newest_versions(con, short)
        form_passages(con)
        con.execute("""CREATE OR REPLACE TEMP TABLE set_aside AS SELECT shot_day AS event_day,
            capture_id AS entity_id, shot_at AS version_at, 'device_is_registered' AS rule
            FROM bronze ANTI JOIN known USING (device_id)""")
        for name in ("passages", "merges", "set_aside"):
            con.execute(f"COPY {name} TO '{out}/{short}_{name}/{n:04d}.parquet' {PARQUET}")
        con.execute(f"""INSERT INTO hours SELECT shot_day, hour(shot_at + INTERVAL 8 HOUR),
            community_code, device_id, '{label}', count(*), sum({shots}) FROM passages
            GROUP BY ALL""")


def days_together(con: duckdb.DuckDBPyConnection, bronze: str) -> list[tuple[date, date]]:
    """First and last of neighbouring days with about `ROWS_AT_ONCE` rows."""
    groups: list[tuple[date, date]] = []
    size = 0
    days = con.execute(f"SELECT shot_day, count(*) FROM {bronze} GROUP BY 1 ORDER BY 1").fetchall()
    for day, count in days:
        if not groups or size + count > ROWS_AT_ONCE:
            groups.append((day, day))
            size = 0
        groups[-1] = (groups[-1][0], day)
        size += count
    return groups


def newest_versions(con: duckdb.DuckDBPyConnection, short: str) -> None:
    """`shots`: one version of every capture of a registered device; `merges`: the others."""
    columns = [f.name for f in KINDS[short].fields]
    place = columns.index("triggered_at") + 1
    content = [*columns[1:place], "shot_day", *columns[place:]]
    narrow = NARROW if short == "face" else "* EXCLUDE (file, row_number, item_number)"
    # A hash is no key: it only finds the few rows that are then compared in full.
    con.execute("""CREATE OR REPLACE TEMP TABLE likely AS SELECT hash(capture_id) AS h
        FROM bronze GROUP BY h HAVING count(*) > 1""")
    con.execute(f"""CREATE OR REPLACE TEMP TABLE several AS SELECT *, row_number() OVER (
          PARTITION BY capture_id ORDER BY greatest(entered_at, triggered_at) DESC NULLS LAST,
          {", ".join(f"{c} NULLS LAST" for c in content)}) AS place
        FROM bronze SEMI JOIN known USING (device_id) WHERE hash(capture_id) IN (FROM likely)""")
    con.execute(f"""CREATE OR REPLACE TEMP TABLE shots AS SELECT *, n, community_code FROM (
          SELECT {narrow} FROM bronze WHERE hash(capture_id) NOT IN (FROM likely)
          UNION ALL SELECT {narrow} FROM (SELECT * EXCLUDE place FROM several WHERE place = 1))
        JOIN known USING (device_id)""")
    con.execute("""CREATE OR REPLACE TEMP TABLE merges AS SELECT shot_day AS event_day,
          capture_id AS entity_id, shot_at AS version_at, capture_id AS merged_into,
          'superseded' AS outcome, 'resent_capture' AS rule FROM several WHERE place > 1""")


def face_passages(con: duckdb.DuckDBPyConnection) -> None:
    """Shots of one track with gaps up to 30 s; the largest box stands, then the earliest."""
    con.execute("""CREATE OR REPLACE TEMP TABLE ordered AS FROM shots
        WHERE track_token IS NOT NULL ORDER BY n, shot_day, track_token, shot_at, capture_id""")
    # Windows without an order of their own run over the sorted table as it lies.
    con.execute("""CREATE OR REPLACE TEMP TABLE numbered AS SELECT *, row_number() OVER () AS place,
          sum(is_start::INT) OVER (ROWS UNBOUNDED PRECEDING) AS passage
        FROM (SELECT *, coalesce(n <> lag(n) OVER () OR shot_day <> lag(shot_day) OVER ()
            OR track_token <> lag(track_token) OVER ()
            OR shot_at - lag(shot_at) OVER () > INTERVAL 30 SECOND, true) AS is_start
          FROM ordered)""")
    # One number says which shot is best: the largest box, and of equal ones the first in order.
    con.execute(f"""CREATE OR REPLACE TEMP TABLE spans AS
        SELECT passage, count(*) AS shot_count,
          min(shot_at) AS started_at, max(shot_at) AS ended_at,
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
          CASE WHEN plate_class(mended(normal)) IS NOT NULL THEN normal END AS plate
        FROM (SELECT *, CASE WHEN normal(plate_number) NOT IN {NO_PLATE}
                        THEN normal(plate_number) END AS normal FROM shots)""")
    con.execute("""CREATE OR REPLACE TEMP TABLE sessions AS
        SELECT *, sum(is_start::INT) OVER (ORDER BY n, shot_day, plate, shot_at, capture_id
            ROWS UNBOUNDED PRECEDING)::BIGINT AS session
        FROM (SELECT *, coalesce(shot_at - lag(shot_at) OVER (PARTITION BY n, shot_day, plate
            ORDER BY shot_at, capture_id) > INTERVAL 60 SECOND, true) AS is_start
          FROM readings WHERE plate IS NOT NULL)""")
    joined = _joined(con)
    pairs = ", ".join(str(pair) for pair in (joined or {-1: -1}).items())
    con.execute(f"CREATE OR REPLACE TEMP TABLE joined AS FROM (VALUES {pairs}) j(session, first)")
    con.execute("""CREATE OR REPLACE TEMP TABLE ranked AS SELECT *,
          first_value(capture_id) OVER best AS best_id, first_value(plate) OVER best AS best_plate,
          min(shot_at) OVER (PARTITION BY passage) AS started_at,
          max(shot_at) OVER (PARTITION BY passage) AS ended_at,
          count(*) OVER (PARTITION BY passage) AS reading_count
        FROM (SELECT *, coalesce(first, session) AS passage
              FROM sessions LEFT JOIN joined USING (session))
        WINDOW best AS (PARTITION BY passage ORDER BY plate_reliability DESC NULLS LAST, shot_at,
          capture_id)""")
    inner, outer = (bytes(b ^ pad for b in key.ljust(64, b"\0")).hex() for pad in (0x36, 0x5C))
    token = f"""sha256(from_hex('{outer}') || from_hex(sha256(from_hex('{inner}')
        || encode(device_id || '|' || shot_day || '|' || mended(plate)))))[:24]"""
    kept = "lane_number, direction_code, vehicle_class_code, vehicle_colour_code, speed_kmh"
    con.execute(f"""CREATE OR REPLACE TEMP TABLE passages AS
        SELECT shot_day, capture_id AS passage_id, device_id, community_code, shot_at, started_at,
          ended_at, reading_count, {token} AS plate_token, plate_mask(mended(plate)) AS plate_mask,
          plate_class(mended(plate)) AS plate_kind, {kept} FROM ranked WHERE capture_id = best_id
        UNION ALL SELECT shot_day, capture_id, device_id, community_code, shot_at, shot_at, shot_at,
          1, NULL, NULL, NULL, {kept} FROM readings WHERE plate IS NULL""")
    con.execute("""INSERT INTO merges SELECT shot_day, capture_id, shot_at, best_id, 'merged',
        CASE WHEN plate = best_plate THEN 'same_passage' ELSE 'confused_plate' END
        FROM ranked WHERE capture_id <> best_id""")


def _joined(con: duckdb.DuckDBPyConnection) -> dict[int, int]:
    """Session → the first session it is one with, by readings that are easily confused."""
    links = con.execute("""SELECT DISTINCT a.session, b.session FROM sessions a JOIN sessions b
        ON a.n = b.n AND a.shot_day = b.shot_day AND a.lane_number = b.lane_number
          AND looks(a.plate) = looks(b.plate) AND a.plate <> b.plate
        WHERE b.shot_at - a.shot_at BETWEEN INTERVAL 0 SECOND AND INTERVAL 10 SECOND
          AND length(a.plate) <= 10 AND hamming(a.plate, b.plate) = 1""").fetchall()
    above: dict[int, int] = {}

    def first(session: int) -> int:
        while (up := above.get(session, session)) != session:
            session = up
        return session

    for one, other in links:
        low, high = sorted((first(one), first(other)))
        above[high] = low
    return {session: first(session) for session in above}


def nonmotor_passages(con: duckdb.DuckDBPyConnection) -> None:
    """Every capture that stands is a passage."""
    con.execute("""CREATE OR REPLACE TEMP TABLE passages AS
        SELECT shot_day, capture_id AS passage_id, device_id, community_code, shot_at,
               vehicle_type_code, vehicle_colour_code FROM shots""")


def serve(con: duckdb.DuckDBPyConnection, district: str, out: Path) -> None:
    """Daily values at three tiers, and one file to serve them from."""
    own = " UNION ALL ".join(
        f"""SELECT shot_day AS value_day, '{metric}' AS metric_id, community_code,
            sum({measure}) AS value FROM hours WHERE passage_kind = '{kind}' GROUP BY ALL"""
        for metric, kind, measure in METRICS
    )
    nowhere = f"'{district}-unplaced'"
    tiers = {
        "community": f"coalesce(community_code, {nowhere})",
        "street": f"coalesce(community_code[:9], {nowhere})",
        "district": f"'{district}'",
    }
    values = " UNION ALL ".join(
        f"""SELECT value_day, metric_id, '{tier}' AS tier, {code} AS area_code,
            sum(value)::DOUBLE AS value FROM own GROUP BY ALL"""
        for tier, code in tiers.items()
    )
    con.execute(f"CREATE TABLE daily_values AS WITH own AS ({own}) {values}")
    con.execute(f"ATTACH '{out}/serving.duckdb' AS serving")
    for name in ("hours", "daily_values"):
        con.execute(f"CREATE TABLE serving.{name} AS FROM {name}")
        con.execute(f"COPY {name} TO '{out}/{name}.parquet' {PARQUET}")
    con.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), bytes.fromhex(Path(sys.argv[3]).read_text().strip()))
