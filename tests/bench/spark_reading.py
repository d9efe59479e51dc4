"""The Spark script, first part: files to typed rows, each with the names of the rules it breaks.

Hadoop reads zstd only with a native library, so those files are unpacked first.
"""

from __future__ import annotations

from pathlib import Path

import zstandard
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from .fields import FALSE, KINDS, LISTS, TRUE, WATCH_LIST, Field, Kind

AT = ["file", "row_number", "item_number"]
_BLANK = "^\\\\s*$"


def session(out: Path) -> SparkSession:
    """Two cores, files never split, so that lines can be numbered."""
    options = {
        "spark.driver.memory": "6g",
        "spark.local.dir": str(out / "spill"),
        "spark.sql.ansi.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "8",
        "spark.sql.files.maxPartitionBytes": str(1 << 30),
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    builder = SparkSession.builder.master("local[2]")
    for name, value in options.items():
        builder = builder.config(name, value)
    made = builder.getOrCreate()
    made.sparkContext.setLogLevel("ERROR")
    return made


def write(frame: DataFrame, to: Path) -> None:
    """One table as zstd parquet."""
    frame.write.option("compression", "zstd").parquet(str(to))


def lines(spark: SparkSession, paths: list[Path], out: Path, *, whole: bool = False) -> DataFrame:
    """Numbered lines of files; a whole document counts as one line."""
    plain = []
    for path in paths:
        if path.suffix == ".zst":
            unpacked = out / "unpacked" / f"{path.name}.plain"
            unpacked.parent.mkdir(exist_ok=True)
            with path.open("rb") as raw, unpacked.open("wb") as to:
                zstandard.ZstdDecompressor().copy_stream(raw, to)
            path = unpacked
        plain.append(str(path))
    if not plain:
        return spark.createDataFrame([], "file string, row_number long, line string")
    read = spark.read.text(plain, wholetext=whole).select(
        F.monotonically_increasing_id().alias("id"),
        F.regexp_extract(F.input_file_name(), r"([^/]+?)(\.plain)?$", 1).alias("file"),
        F.col("value").alias("line"),
    )
    start = F.broadcast(read.groupBy("file").agg(F.min("id").alias("start")))
    numbered = read.join(start, "file").withColumn("row_number", F.expr("id - start + 1"))
    return numbered.select("file", "row_number", "line")


def object_type(kind: Kind) -> T.StructType:
    """Spark type of one object."""
    names = dict.fromkeys(w for f in kind.fields for w in f.wires if w not in ("Width", "Height"))
    scene = T.StructType([T.StructField(n, T.StringType()) for n in ("ImageID", "Width", "Height")])
    scenes = T.StructType([T.StructField("SubImageInfoObject", T.ArrayType(scene))])
    return T.StructType(
        [T.StructField(n, T.StringType()) for n in names] + [T.StructField("SubImageList", scenes)]
    )


def listed(kind: Kind) -> T.StructType:
    """Spark type of a list of objects."""
    return T.StructType([T.StructField(f"{kind.object}Object", T.ArrayType(object_type(kind)))])


def bare(kind: Kind, read: DataFrame) -> tuple[DataFrame, DataFrame]:
    """Objects of bare lines, and lines that are no JSON."""
    watch = [T.StructField(n, T.StringType()) for n in WATCH_LIST]
    bad = T.StructField("_bad", T.StringType())
    schema = T.StructType([*object_type(kind).fields, *watch, bad])
    parsed = read.withColumn(
        "o", F.from_json("line", schema, {"columnNameOfCorruptRecord": "_bad"})
    )
    illegible = parsed.where("o._bad IS NOT NULL").select(
        F.lit(kind.feed).alias("feed"), "file", "row_number",
        F.lit(1).cast("long").alias("item_number"),
        F.array(F.lit("row_is_readable")).alias("rules"),
        F.lit(None).cast("string").alias("row"),
    )  # fmt: skip
    refused = " AND ".join(f"o.{name} IS NULL" for name in WATCH_LIST)
    objects = parsed.where(f"o._bad IS NULL AND {refused}").select(
        "file", "row_number", F.lit(1).cast("long").alias("item_number"),
        F.lit(None).cast("string").alias("trigger_time"), "o.*",
    )  # fmt: skip
    return objects.drop("_bad", *WATCH_LIST), illegible


def messages(posts: DataFrame, documents: DataFrame) -> dict[str, DataFrame]:
    """Objects out of posts, documents and notifications, numbered within their message."""
    lists = [T.StructField(name, listed(KINDS[short])) for name, short in LISTS]
    note = T.StructType([T.StructField("TriggerTime", T.StringType()), *lists])
    notes = T.StructType([T.StructField("SubscribeNotificationObject", T.ArrayType(note))])
    watch = [T.StructField(n, T.StringType()) for n in WATCH_LIST]
    outer = T.StructType([*lists, T.StructField("SubscribeNotificationListObject", notes), *watch])
    refused = " AND ".join(f"m.{name} IS NULL" for name in WATCH_LIST)
    own = ", ".join(f"'{name}', m.{name}" for name, _ in LISTS)
    read = posts.unionByName(documents).withColumn("m", F.from_json("line", outer)).where(refused)
    read = read.select("file", "row_number", F.posexplode(F.expr(
        f"""coalesce(m.SubscribeNotificationListObject.SubscribeNotificationObject,
            array(named_struct('TriggerTime', cast(NULL AS string), {own})))"""
    )).alias("n", "note"))  # fmt: skip
    lengths = [f"coalesce(size(note.{name}.{KINDS[s].object}Object), 0)" for name, s in LISTS]
    lengths = [f"greatest({length}, 0)" for length in lengths]
    earlier = Window.partitionBy("file", "row_number").orderBy("n").rowsBetween(-(2**31), -1)
    read = read.withColumn(
        "before", F.coalesce(F.sum(F.expr(" + ".join(lengths))).over(earlier), F.lit(0))
    )
    found: dict[str, DataFrame] = {}
    for place, (name, short) in enumerate(LISTS):
        before = " + ".join(["before", *lengths[:place]])
        own_list = read.select(
            "file", "row_number", F.expr(before).alias("b"),
            F.col("note.TriggerTime").alias("trigger_time"),
            F.posexplode(f"note.{name}.{KINDS[short].object}Object").alias("at", "o"),
        )  # fmt: skip
        objects = own_list.select(
            "file", "row_number", F.expr("b + at + 1").cast("long").alias("item_number"),
            "trigger_time", "o.*",
        )  # fmt: skip
        found[short] = found[short].unionByName(objects) if short in found else objects
    return found


def texts(kind: Kind, objects: DataFrame) -> DataFrame:
    """The text of every column, as `t_…`."""
    scene = F.expr("filter(SubImageList.SubImageInfoObject, s -> s.ImageID = SourceID)[0]")
    objects = objects.withColumn("scene", scene)
    columns = []
    for f in kind.fields:
        parts = [F.col(f"scene.{w}" if w in ("Width", "Height") else w) for w in f.wires]
        parts += [F.col("trigger_time")] * ("TriggerTime" in f.wires)
        columns.append(F.coalesce(*parts).alias(f"t_{f.name}"))
    return objects.select(*AT, *columns)


def read(field: Field) -> Column:
    """A field's value; null where its text cannot be read."""
    raw = f"trim(t_{field.name})"
    quoted = [", ".join(f"'{w}'" for w in words) for words in (TRUE, FALSE)]
    naive = f"try_to_timestamp(replace(left({raw}, 19), 'T', ' '), 'yyyy-MM-dd HH:mm:ss')"
    zone = f"cast(concat(substr({raw}, 20, 1), substr({raw}, 21, 2)) AS int)"
    minutes = f"cast(concat(substr({raw}, 20, 1), substr({raw}, 24, 2)) AS int)"
    value = {
        "text": f"CASE WHEN {raw} NOT RLIKE '\ufffd|^[{{\\\\[]|^$' THEN {raw} END",
        "integer": f"""CASE WHEN contains({raw}, '.') AND
            try_cast({raw} AS double) <> floor(try_cast({raw} AS double)) THEN NULL
            ELSE try_cast({raw} AS bigint) END""",
        "number": f"CASE WHEN abs(try_cast({raw} AS double)) < 1e300 THEN {raw} END",
        "flag": f"CASE WHEN lower({raw}) IN ({quoted[0]}) THEN true "
        f"WHEN lower({raw}) IN ({quoted[1]}) THEN false END",
        "instant": f"""CASE length({raw})
            WHEN 14 THEN try_to_timestamp({raw}, 'yyyyMMddHHmmss') - INTERVAL 8 HOURS
            WHEN 19 THEN {naive} - INTERVAL 8 HOURS
            WHEN 25 THEN {naive} - make_interval(0, 0, 0, 0, {zone}, {minutes}, 0) END""",
    }[field.reader]
    cast = {"number": "double"}.get(field.reader)
    return F.expr(value).cast(cast) if cast else F.expr(value)


def rules(kind: Kind) -> list[tuple[str, str]]:
    """Every rule with the condition under which a row breaks it."""
    found = []
    for f in kind.fields:
        value, blank = f.name, f"(t_{f.name} IS NULL OR t_{f.name} RLIKE '{_BLANK}')"
        if f.is_required:
            found.append((f"{f.name}_is_present", f"{value} IS NULL AND {blank}"))
        found.append((f"{f.name}_is_readable", f"{value} IS NULL AND NOT {blank}"))
        if f.pattern:
            regex = f.pattern.replace("\\d", "[0-9]")
            found.append((f"{f.name}_is_well_formed", f"NOT {value} RLIKE '^{regex}$'"))
        if f.least is not None:
            most = f.most if f.most is not None else 2**62
            found.append((f"{f.name}_is_within_range", f"{value} NOT BETWEEN {f.least} AND {most}"))
        if f.max_length:
            found.append((f"{f.name}_is_within_length", f"length({value}) > {f.max_length}"))
    most = 2**31
    return [
        *found,
        ("capture_id_names_its_device", "left(capture_id, 20) <> device_id"),
        ("capture_id_names_its_shot_time", """substr(capture_id, 23, 14) <>
            date_format(shot_at + INTERVAL 8 HOURS, 'yyyyMMddHHmmss')"""),
        ("is_shot_before_it_is_entered",
         "shot_at > coalesce(entered_at, triggered_at) + INTERVAL 300 SECONDS"),
        ("box_has_an_area", "NOT (left_px < right_px AND top_px < bottom_px)"),
        ("box_lies_inside_the_picture", f"""NOT (left_px >= 0 AND top_px >= 0
            AND right_px <= coalesce(image_width_px, {most})
            AND bottom_px <= coalesce(image_height_px, {most}))"""),
        (kind.subtype_rule, f"substr(capture_id, 42, 2) <> '{kind.subtype}'"),
    ]  # fmt: skip


def judge(kind: Kind, text: DataFrame) -> DataFrame:
    """Values, and the sorted names of the rules each row breaks (mostly none)."""
    typed = text.select("*", *(read(f).alias(f.name) for f in kind.fields))
    names = ", ".join(f"CASE WHEN {condition} THEN '{rule}' END" for rule, condition in rules(kind))
    row = F.to_json(F.struct(*(F.col(f"t_{f.name}").alias(f.name) for f in kind.fields)))
    broken = F.expr(f"array_sort(array_compact(array({names})))")
    judged = typed.withColumn("rules", broken)
    return judged.withColumns(
        {
            "row": F.when(F.size("rules") > 0, row),
            "shot_day": F.to_date(F.expr("shot_at + INTERVAL 8 HOURS")),
        }
    )
