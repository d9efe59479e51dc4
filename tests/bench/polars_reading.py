"""The Polars script, first part: files to typed rows, accepted or with the rules they break."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from .fields import FALSE, KINDS, LISTS, TRUE, WATCH_LIST, Field, Kind
from .landing import Files, batches

BATCH_BYTES = 250 << 20
AT = ["file", "row_number", "item_number"]
_NAIVE = pl.Datetime("us")
CITY = pl.duration(hours=8)
_SCENES = pl.Struct({"SubImageInfoObject": pl.List(
    pl.Struct({"ImageID": pl.String, "Width": pl.String, "Height": pl.String}))})  # fmt: skip
_OTHER_TIMES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M",
                "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M")  # fmt: skip
_FLAGS = dict.fromkeys(TRUE, True) | dict.fromkeys(FALSE, False)


def take_in(files: Files, out: Path) -> None:
    """Judge every file; accepted rows and quarantined ones go to parquet."""
    objects = messages(files)
    quarantined = []
    for short, kind in KINDS.items():
        to = out / "bronze" / short
        to.mkdir(parents=True)
        if objects[short]:
            quarantined.append(_judge(kind, pl.concat(objects.pop(short)), to / "messages.parquet"))
        for n, group in enumerate(batches(files.bare[short], BATCH_BYTES)):
            rows, illegible = bare(kind, group)
            quarantined += [illegible, _judge(kind, rows, to / f"{n:04d}.parquet")]
    pl.concat(quarantined).write_parquet(out / "quarantined.parquet")


def _object_type(kind: Kind) -> pl.Struct:
    names = dict.fromkeys(w for f in kind.fields for w in f.wires)
    flat = {w: pl.String for w in names if w not in ("Width", "Height")}
    return pl.Struct({**flat, "SubImageList": _SCENES})


def _lines(paths: list[Path]) -> pl.LazyFrame:
    return pl.scan_lines(paths, name="line", row_index_name="nr", include_file_paths="file")


def _first_of_file(numbers: pl.DataFrame) -> pl.Expr:
    """Number of a line within its file, from 1; the scan numbers all files through."""
    first = numbers.group_by("file").agg(pl.col("nr").min())
    start = pl.col("file").replace_strict(first["file"], first["nr"], return_dtype=pl.Int64)
    return pl.col("nr").cast(pl.Int64) - start + 1


def _whole(line: pl.Expr) -> pl.Expr:
    return line.str.starts_with("{") & line.str.ends_with("}")


def _refused(line: pl.Expr) -> pl.Expr:
    """Whether a line names a watch-list field; the few that do are looked at properly."""
    return line.str.contains('"Disposition', literal=True).and_(
        line.map_batches(lambda s: pl.Series([_holds_watch_list(t) for t in s], dtype=pl.Boolean),
                         return_dtype=pl.Boolean)
    )  # fmt: skip


def _holds_watch_list(text: str) -> bool:
    return '"Disposition' in text and any(name in json.loads(text) for name in WATCH_LIST)


def bare(kind: Kind, paths: list[Path]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Objects of bare lines, and lines that are no JSON object."""
    line = pl.col("line")
    odd = ~_whole(line) | line.str.contains('"Disposition', literal=True)
    numbers, odd_lines, rows = pl.collect_all(
        [
            _lines(paths).select("file", "nr").group_by("file").agg(pl.col("nr").min()),
            _lines(paths).filter(odd),
            _lines(paths).filter(~odd).select(
                "file", "nr", o=line.str.json_decode(_object_type(kind))
            ).unnest("o"),
        ],
        engine="streaming",
    )  # fmt: skip
    number = _first_of_file(numbers)
    odd_lines = odd_lines.filter(~_refused(line))
    illegible = odd_lines.filter(~_whole(line)).select(
        feed=pl.lit(kind.feed), file="file", row_number=number, item_number=pl.lit(1, pl.Int64),
        rules=pl.lit(["row_is_readable"]), row=pl.lit(None, pl.String),
    )  # fmt: skip
    own = rows.with_columns(
        row_number=number, item_number=pl.lit(1, pl.Int64), trigger_time=pl.lit(None, pl.String)
    )
    more = odd_lines.filter(_whole(line)).with_columns(
        row_number=number, item_number=pl.lit(1, pl.Int64), trigger_time=pl.lit(None, pl.String),
        o=line.str.json_decode(_object_type(kind)),
    )  # fmt: skip
    return pl.concat([own, more.unnest("o").select(own.columns)]).drop("nr"), illegible


def messages(files: Files) -> dict[str, list[pl.DataFrame]]:
    """Objects out of posts, documents and notifications, numbered within their message."""
    found: dict[str, list[pl.DataFrame]] = {short: [] for short in KINDS}
    for short, kind in KINDS.items():
        name = f"{kind.object}ListObject"
        of_list = {name: pl.Struct({f"{kind.object}Object": pl.List(_object_type(kind))})}
        documents = pl.DataFrame(
            {"line": [json.dumps(json.loads(p.read_bytes())) for p in files.documents[short]],
             "file": [str(p) for p in files.documents[short]]},
            schema={"line": pl.String, "file": pl.String},
        ).with_columns(row_number=pl.lit(1, pl.Int64))  # fmt: skip
        for lines in (_numbered_lines(files.posts[short]), documents):
            message = lines.select(
                "file", "row_number", before=pl.lit(0, pl.Int64),
                trigger_time=pl.lit(None, pl.String),
                m=pl.col("line").str.json_decode(pl.Struct(of_list)),
            ).unnest("m")  # fmt: skip
            found[short].append(_objects(message, name, kind))
    lists = {name: pl.Struct({f"{KINDS[k].object}Object": pl.List(_object_type(KINDS[k]))})
             for name, k in LISTS}  # fmt: skip
    of_note = pl.Struct({"TriggerTime": pl.String, **lists})
    of_notes = pl.Struct({"SubscribeNotificationObject": pl.List(of_note)})
    outer = pl.Struct({"SubscribeNotificationListObject": of_notes})
    notes = _numbered_lines(files.notifications).select(
        "file", "row_number",
        notes=pl.col("line").str.json_decode(outer)
        .struct.field("SubscribeNotificationListObject").struct.field("SubscribeNotificationObject"),
    ).explode("notes").unnest("notes").rename({"TriggerTime": "trigger_time"})  # fmt: skip
    lengths = [pl.col(name).struct.field(f"{KINDS[k].object}Object").list.len().fill_null(0)
               .cast(pl.Int64) for name, k in LISTS]  # fmt: skip
    total = pl.sum_horizontal(lengths)
    notes = notes.with_columns(
        notes_before=(total.cum_sum() - total).over("file", "row_number", order_by=None)
    )
    for place, (name, short) in enumerate(LISTS):
        before = pl.sum_horizontal(pl.col("notes_before"), *lengths[:place])
        found[short].append(_objects(notes.with_columns(before=before), name, KINDS[short]))
    return found


def _numbered_lines(paths: list[Path]) -> pl.DataFrame:
    """Lines of messages with their numbers, without those that hold a watch list."""
    if not paths:
        return pl.DataFrame(schema={"line": pl.String, "file": pl.String, "row_number": pl.Int64})
    lines = _lines(paths).collect(engine="streaming")
    return lines.with_columns(row_number=_first_of_file(lines)).filter(~_refused(pl.col("line")))


def _objects(messages: pl.DataFrame, name: str, kind: Kind) -> pl.DataFrame:
    """Objects of one list of every message."""
    own = messages.select(
        "file", "row_number", "before", "trigger_time",
        o=pl.col(name).struct.field(f"{kind.object}Object"),
    ).filter(pl.col("o").list.len() > 0)  # fmt: skip
    own = own.with_columns(n=pl.int_ranges(1, pl.col("o").list.len() + 1)).explode("o", "n")
    flat = own.with_columns(item_number=pl.col("before") + pl.col("n")).drop("before", "n")
    columns = [*(f.name for f in _object_type(kind).fields), *AT, "trigger_time"]
    return flat.unnest("o").select("file", *(c for c in columns if c != "file"))


def texts(kind: Kind, rows: pl.DataFrame) -> pl.DataFrame:
    """The text of every column: the first wire name present, the trigger time of the message."""
    scenes = rows["SubImageList"].struct.field("SubImageInfoObject")
    scene = scenes.list.first()
    other = (scene.struct.field("ImageID") != rows["SourceID"]).fill_null(True) & (
        scenes.list.len() > 0
    )
    if other.any():
        named = (
            rows.select("SourceID", s=scenes)
            .with_row_index("at")
            .filter(other)
            .explode("s")
            .filter(pl.col("s").struct.field("ImageID") == pl.col("SourceID"))
            .unique("at", keep="first", maintain_order=True)
        )
        joined = rows.select(at=pl.int_range(pl.len(), dtype=pl.UInt32)).join(
            named.select("at", "s"), on="at", how="left", maintain_order="left"
        )
        scene = joined["s"].zip_with(other, scene)
    rows = rows.with_columns(Width=scene.struct.field("Width"), Height=scene.struct.field("Height"))
    return rows.select(
        *AT,
        *(pl.coalesce(*f.wires, *["trigger_time"] * ("TriggerTime" in f.wires)).alias(f.name)
          for f in kind.fields),
    )  # fmt: skip


def read(field: Field, text: pl.Series) -> pl.Series:
    """Values of a column; null where the text cannot be read."""
    if field.reader == "instant":
        return _instants(text)
    text = text.str.strip_chars()
    if field.reader == "flag":
        return text.str.to_lowercase().replace_strict(_FLAGS, default=None, return_dtype=pl.Boolean)
    if field.reader == "integer":
        whole = text.cast(pl.Int64, strict=False)
        if (left := whole.is_null() & text.is_not_null()).any():
            real = text.cast(pl.Float64, strict=False)
            fits = left & (real == real.floor()).fill_null(False) & (real.abs() < 2**53)
            whole = whole.zip_with(~fits.fill_null(False), real.cast(pl.Int64, strict=False))
        return whole
    if field.reader == "number":
        real = text.cast(pl.Float64, strict=False)
        return real.zip_with(real.is_finite().fill_null(True), real.clear(len(real)))
    illegible = text.str.contains("[\x00\ufffd]|^$").fill_null(False)
    return text.set(illegible, None) if illegible.any() else text


def _instants(text: pl.Series) -> pl.Series:
    """City time of the texts, most of them fourteen digits."""

    def compact(series: pl.Series) -> pl.Series:
        return series.str.to_datetime("%Y%m%d%H%M%S", time_unit="us", strict=False, cache=False)

    value = compact(text)
    value = value.zip_with((text.str.len_bytes() == 14).fill_null(True), value.clear(len(value)))
    other = (value.is_null() & text.is_not_null()).arg_true()
    if other.is_empty():
        return value
    rest = text.gather(other).str.strip_chars().str.replace("T", " ")
    zoned = rest.str.to_datetime("%Y-%m-%d %H:%M:%S%#z", time_unit="us", strict=False)
    found = zoned.to_frame("t").select(
        pl.col("t").dt.convert_time_zone("UTC").dt.replace_time_zone(None) + CITY
    ).to_series()  # fmt: skip
    for form in _OTHER_TIMES:
        if not (found.is_null() & rest.is_not_null()).any():
            break
        more = rest.str.to_datetime(form, time_unit="us", strict=False)
        found = found.zip_with(found.is_not_null(), more)
    sane = found.dt.year().is_between(1900, 2100).fill_null(True)
    return value.scatter(other, found.zip_with(sane, found.clear(len(found))))


def rules(kind: Kind) -> list[tuple[str, pl.Expr]]:
    """Every rule, with the condition under which a row breaks it; `t_…` are the texts."""
    found: list[tuple[str, pl.Expr]] = []
    for f in kind.fields:
        value, text = pl.col(f.name), pl.col(f"t_{f.name}")
        is_blank = text.fill_null("").str.strip_chars() == ""
        if f.is_required:
            found.append((f"{f.name}_is_present", value.is_null() & is_blank))
        found.append((f"{f.name}_is_readable", value.is_null() & ~is_blank))
        if f.pattern:
            found.append((f"{f.name}_is_well_formed", ~value.str.contains(f"^{f.pattern}$")))
        if f.least is not None:
            out = ~value.is_between(f.least, f.most if f.most is not None else 2**62)
            found.append((f"{f.name}_is_within_range", out))
        if f.max_length:
            found.append((f"{f.name}_is_within_length", value.str.len_chars() > f.max_length))
    capture, shot = pl.col("capture_id"), pl.col("shot_at")
    px = {c: pl.col(f"{c}_px") for c in ("left", "top", "right", "bottom")}
    width, height = (pl.col(f"image_{c}_px").fill_null(2**31) for c in ("width", "height"))
    entered = pl.coalesce("entered_at", "triggered_at")
    return [
        *found,
        ("capture_id_names_its_device", capture.str.slice(0, 20) != pl.col("device_id")),
        ("capture_id_names_its_shot_time",
         capture.str.slice(22, 14) != shot.dt.strftime("%Y%m%d%H%M%S")),
        ("is_shot_before_it_is_entered", shot > entered + pl.duration(seconds=300)),
        ("box_has_an_area", ~((px["left"] < px["right"]) & (px["top"] < px["bottom"]))),
        ("box_lies_inside_the_picture",
         ~((px["left"] >= 0) & (px["top"] >= 0) & (px["right"] <= width)
           & (px["bottom"] <= height))),
        (kind.subtype_rule, capture.str.slice(41, 2) != kind.subtype),
    ]  # fmt: skip


def typed_rows(kind: Kind, text: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Values beside their texts, and values alone."""
    typed = text.select(AT).with_columns(read(f, text[f.name]) for f in kind.fields)
    return typed.hstack([text[f.name].alias(f"t_{f.name}") for f in kind.fields]), typed


def split(kind: Kind, text: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Accepted rows with their types, and the others with the names of the rules they break."""
    frame, typed = typed_rows(kind, text)
    judged = rules(kind)
    broken = frame.select(
        pl.any_horizontal(condition.fill_null(False) for _, condition in judged)
    ).to_series()
    instants = [pl.col(f.name) - CITY for f in kind.fields if f.reader == "instant"]
    accepted = typed.filter(~broken).with_columns(*instants, shot_day=pl.col("shot_at").dt.date())
    names = pl.concat_list(pl.when(condition).then(pl.lit(rule)) for rule, condition in judged)
    return accepted, frame.filter(broken).select(
        feed=pl.lit(kind.feed), file="file", row_number="row_number", item_number="item_number",
        rules=names.list.drop_nulls().list.sort(),
        row=pl.struct(f"t_{f.name}" for f in kind.fields).struct.json_encode(),
    )  # fmt: skip


def _judge(kind: Kind, rows: pl.DataFrame, to: Path) -> pl.DataFrame:
    """Write accepted rows; give the others."""
    accepted, quarantined = split(kind, texts(kind, rows))
    accepted.write_parquet(to, compression="zstd", compression_level=1)
    return quarantined
