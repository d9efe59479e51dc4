"""The capture job in PySpark local[2]: `LANDING OUT KEY_FILE`. Needs Java and the full PySpark."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

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
from .spark_reading import AT, bare, judge, lines, messages, session, texts, write

LEDGER = "shot_day AS event_day, capture_id AS entity_id, shot_at AS version_at"


def main(landing: Path, out: Path, key: bytes) -> None:
    """Take in, judge, clean, count, serve."""
    out.mkdir(parents=True)
    spark = session(out)
    district, devices = places(landing)
    spark.createDataFrame(devices, "device_id string, community_code string").createTempView(
        "known"
    )
    files = capture_files(landing)
    posts = [p for own in (*files.posts.values(), files.notifications) for p in own]
    documents = [p for own in files.documents.values() for p in own]
    found = messages(lines(spark, posts, out), lines(spark, documents, out, whole=True))
    quarantined = []
    for short, kind in KINDS.items():
        objects, illegible = bare(kind, lines(spark, files.bare[short], out))
        judged = judge(kind, texts(kind, objects.unionByName(found[short]))).persist()
        columns = [*AT, *(f.name for f in kind.fields), "shot_day"]
        write(judged.where("size(rules) = 0").select(columns), out / "bronze" / short)
        broken = judged.where("size(rules) > 0").withColumn("feed", F.lit(kind.feed))
        quarantined.append(illegible.unionByName(broken.select(illegible.columns)).toPandas())
        judged.unpersist()
    for short in KINDS:
        clean(spark, short, key, out)
    serve(spark, district, quarantined, out)
    gateway = spark.sparkContext._gateway
    spark.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()  # its CPU is counted with ours only once it was waited for


def clean(spark: SparkSession, short: str, key: bytes, out: Path) -> None:
    """Resent rows and passages of a kind, with their ledgers."""
    spark.read.parquet(str(out / "bronze" / short)).createOrReplaceTempView("bronze")
    columns = [f.name for f in KINDS[short].fields]
    place = columns.index("triggered_at") + 1
    content = ", ".join(
        f"{c} NULLS LAST" for c in [*columns[1:place], "shot_day", *columns[place:]]
    )
    spark.sql(f"""SELECT /*+ BROADCAST(known) */ *, row_number() OVER (PARTITION BY capture_id ORDER
        BY greatest(entered_at, triggered_at) DESC NULLS LAST, {content}) AS version
        FROM bronze JOIN known USING (device_id)""").persist().createOrReplaceTempView("versions")
    spark.sql("SELECT * FROM versions WHERE version = 1").createOrReplaceTempView("shots")
    merges = spark.sql(f"""SELECT {LEDGER}, capture_id AS merged_into, 'superseded' AS outcome,
        'resent_capture' AS rule FROM versions WHERE version > 1""")
    if short == "nonmotor":
        passages = spark.sql("SELECT *, capture_id AS passage_id FROM shots")
    else:
        passages, merged = face_passages(spark) if short == "face" else vehicle_passages(spark, key)
        merges = merges.unionByName(merged)
    write(passages.drop("plate_number", "version"), out / f"{short}_passages")
    write(merges, out / f"{short}_merges")
    write(spark.sql(f"""SELECT {LEDGER}, 'device_is_registered' AS rule
        FROM bronze ANTI JOIN known USING (device_id)"""), out / f"{short}_set_aside")  # fmt: skip
    spark.table("versions").unpersist()


def face_passages(spark: SparkSession) -> tuple[DataFrame, DataFrame]:
    """Shots of one track with gaps up to 30 s; the largest box stands, then the earliest."""
    track = "PARTITION BY device_id, shot_day, track_token ORDER BY shot_at, capture_id"
    passage = "PARTITION BY device_id, shot_day, track_token, passage"
    spark.sql(f"""SELECT *, row_number() OVER ({passage} ORDER BY
          (right_px - left_px) * (bottom_px - top_px) DESC, shot_at, capture_id) AS rank
        FROM (SELECT *, sum(is_start) OVER ({track} ROWS UNBOUNDED PRECEDING) AS passage
          FROM (SELECT *, CASE WHEN shot_at <= lag(shot_at) OVER ({track}) + INTERVAL 30 SECONDS
                          THEN 0 ELSE 1 END AS is_start
                FROM shots WHERE track_token IS NOT NULL))""").createOrReplaceTempView("ranked")
    spark.sql(f"""SELECT *, first(capture_id) OVER best AS best_id,
          min(shot_at) OVER ({passage}) AS started_at, max(shot_at) OVER ({passage}) AS ended_at,
          count(*) OVER ({passage}) AS shot_count
        FROM ranked WINDOW best AS ({passage} ORDER BY rank)""").persist().createOrReplaceTempView(
        "formed"
    )
    columns = """shot_day, capture_id AS passage_id, device_id, community_code, shot_at, {0}
        AS started_at, {1} AS ended_at, {2} AS shot_count, {3} AS is_tracked, accompany_count"""
    passages = spark.sql(f"""
        SELECT {columns.format("started_at", "ended_at", "shot_count", "true")} FROM formed
        WHERE rank = 1 UNION ALL SELECT {columns.format("shot_at", "shot_at", "1L", "false")}
        FROM shots WHERE track_token IS NULL""")
    return passages, spark.sql(f"""SELECT {LEDGER}, best_id AS merged_into, 'merged' AS outcome,
        'same_passage' AS rule FROM formed WHERE rank > 1""")


def vehicle_passages(spark: SparkSession, key: bytes) -> tuple[DataFrame, DataFrame]:
    """Readings of one plate with gaps up to 60 s, and easily confused ones beside them."""
    kinds = " ".join(f"WHEN mended RLIKE '^(?:{regex})$' THEN '{name}'" for name, regex in PLATES)
    spark.sql(f"""SELECT *, CASE {kinds} END AS plate_kind FROM (
          SELECT *, concat(left(n, 1), translate(substr(n, 2), 'OI', '01')) AS mended FROM (
            SELECT *, CASE WHEN p NOT IN {NO_PLATE} THEN p END AS n FROM (
              SELECT *, regexp_replace(upper(translate(plate_number, '{FULL_WIDTH}',
                '{HALF_WIDTH}')), '[·•.\\\\s]', '') AS p FROM shots)))""").createOrReplaceTempView(
        "read"
    )
    group = "PARTITION BY device_id, shot_day, plate ORDER BY shot_at, capture_id"
    spark.sql(f"""SELECT *, n AS plate, concat_ws('|', device_id, shot_day, n, sum(is_start) OVER (
          {group.replace("plate", "n")} ROWS UNBOUNDED PRECEDING)) AS session
        FROM (SELECT *, CASE WHEN shot_at <= lag(shot_at) OVER ({group.replace("plate", "n")})
              + INTERVAL 60 SECONDS THEN 0 ELSE 1 END AS is_start
              FROM read WHERE plate_kind IS NOT NULL)""").persist().createOrReplaceTempView(
        "sessions"
    )
    pairs = list(_joined(spark).items()) or [("", "")]
    spark.createDataFrame(pairs, "session string, first string").createOrReplaceTempView("joined")
    spark.sql("""SELECT *, first(capture_id) OVER best AS best_id,
          first(plate) OVER best AS best_plate,
          min(shot_at) OVER (PARTITION BY passage) AS started_at,
          max(shot_at) OVER (PARTITION BY passage) AS ended_at,
          count(*) OVER (PARTITION BY passage) AS reading_count
        FROM (SELECT *, coalesce(first, session) AS passage
              FROM sessions LEFT JOIN joined USING (session))
        WINDOW best AS (PARTITION BY passage ORDER BY plate_reliability DESC NULLS LAST, shot_at,
          capture_id)""").persist().createOrReplaceTempView("formed")
    inner, outer = (bytes(b ^ pad for b in key.ljust(64, b"\0")).hex() for pad in (0x36, 0x5C))
    token = f"""left(sha2(concat(X'{outer}', unhex(sha2(concat(X'{inner}',
        encode(concat_ws('|', device_id, shot_day, mended), 'UTF-8')), 256))), 256), 24)"""
    mask = "concat(left(mended, 2), '***', right(mended, 2))"
    columns = """shot_day, capture_id AS passage_id, device_id, community_code, shot_at,
        {0} AS started_at, {1} AS ended_at, {2} AS reading_count, {3} AS plate_token,
        {4} AS plate_mask, plate_kind, lane_number, direction_code, vehicle_class_code,
        vehicle_colour_code, speed_kmh"""
    own = columns.format("started_at", "ended_at", "reading_count", token, mask)
    single = columns.format("shot_at", "shot_at", "1L", "cast(NULL AS string)", "NULL")
    passages = spark.sql(f"""SELECT {own} FROM formed WHERE capture_id = best_id
        UNION ALL SELECT {single} FROM read WHERE plate_kind IS NULL""")
    return passages, spark.sql(f"""SELECT {LEDGER}, best_id AS merged_into, 'merged' AS outcome,
        CASE WHEN plate = best_plate THEN 'same_passage' ELSE 'confused_plate' END AS rule
        FROM formed WHERE capture_id <> best_id""")


def _joined(spark: SparkSession) -> dict[str, str]:
    """Session → the first session it is one with, by readings that are easily confused."""
    looks = "concat(left({0}.plate, 1), translate(substr({0}.plate, 2), '{1}', '{2}'))"
    one, other = (looks.format(side, CONFUSED, STANDS_FOR) for side in "ab")
    links = spark.sql(f"""SELECT a.session, b.session, a.plate, b.plate
        FROM sessions a JOIN sessions b
        ON a.device_id = b.device_id AND a.shot_day = b.shot_day AND a.lane_number = b.lane_number
          AND {one} = {other} AND a.plate <> b.plate
        WHERE b.shot_at BETWEEN a.shot_at AND a.shot_at + INTERVAL 10 SECONDS""").collect()
    above: dict[str, str] = {}

    def first(session: str) -> str:
        while (up := above.get(session, session)) != session:
            session = up
        return session

    for one, other, a, b in links:
        if len(a) <= 10 and sum(x != y for x, y in zip(a, b, strict=True)) == 1:
            low, high = sorted((first(one), first(other)))
            above[high] = low
    return {session: first(session) for session in above}


def serve(spark: SparkSession, district: str, quarantined: list, out: Path) -> None:
    """Hourly counts and daily values at three tiers, and one DuckDB file to serve them from."""
    parts = []
    for short, label, shots in (("face", "face", "shot_count"), ("nonmotor", "nonmotor", "1L"),
                                ("vehicle", "motor", "reading_count")):  # fmt: skip
        spark.read.parquet(str(out / f"{short}_passages")).createOrReplaceTempView(f"{short}s")
        parts.append(f"""SELECT shot_day,
            cast(hour(shot_at + INTERVAL 8 HOURS) AS bigint) AS shot_hour, community_code,
            device_id, '{label}' AS passage_kind, count(*) AS passage_count,
            sum({shots}) AS shot_count FROM {short}s GROUP BY 1, 2, 3, 4, 5""")
    spark.sql(" UNION ALL ".join(parts)).persist().createOrReplaceTempView("hours")
    own = " UNION ALL ".join(
        f"""SELECT shot_day AS value_day, '{metric}' AS metric_id, community_code,
            sum({measure}) AS v FROM hours WHERE passage_kind = '{kind}' GROUP BY 1, 2, 3"""
        for metric, kind, measure in METRICS
    )
    nowhere = f"'{district}-unplaced'"
    tiers = {
        "community": f"coalesce(community_code, {nowhere})",
        "street": f"coalesce(left(community_code, 9), {nowhere})",
        "district": f"'{district}'",
    }
    values = spark.sql(f"WITH own AS ({own}) " + " UNION ALL ".join(
        f"""SELECT value_day, metric_id, '{tier}' AS tier, {code} AS area_code,
            cast(sum(v) AS double) AS value FROM own GROUP BY 1, 2, 3, 4"""
        for tier, code in tiers.items()
    ))  # fmt: skip
    frames = {"hours": spark.table("hours").toPandas(), "daily_values": values.toPandas()}
    with duckdb.connect(out / "serving.duckdb") as serving:
        for name, frame in frames.items():
            frame.to_parquet(out / f"{name}.parquet")
            serving.execute(f"CREATE TABLE {name} AS FROM '{out}/{name}.parquet'")
        for n, frame in enumerate(quarantined):
            serving.register(f"q{n}", frame)
        union = " UNION ALL ".join(f"FROM q{n}" for n in range(len(quarantined)))
        serving.execute(f"COPY ({union}) TO '{out}/quarantined.parquet' (FORMAT parquet)")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), bytes.fromhex(Path(sys.argv[3]).read_text().strip()))
