"""Files of captures: bare lines, messages, notifications, late rows; and what they carry.

Within a message, objects count in document order: notification by notification, and in each the
faces, then the motor vehicles, then the non-motor vehicles.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date

import numpy as np
import polars as pl

from pipelines.demo.captures import (
    FAULTS,
    LATE,
    MAIN,
    NOTIFIED,
    POSTS,
    PRETTY,
    REFUSED,
    WATCH_LIST_LINE,
    Kind,
)
from pipelines.demo.clocks import DayClock
from pipelines.demo.plan import Plan

CHUNK = 40_000
FILE_ROWS = 200_000
PER_MESSAGE = 20
_FORMS = (".ndjson.zst", ".ndjson.gz", ".ndjson")


def write_files(plan: Plan, kind: Kind, day: date, rows: pl.DataFrame) -> None:
    """Write a day's bare lines, posted messages and one whole message.

    Args:
        plan: The demo.
        kind: Kind of object.
        day: City day, for the file names.
        rows: Rows to send, with texts; those for notifications and late files are left alone.
    """
    rows = rows.sort("entry_sec", "capture_id", maintain_order=True)
    main = rows.filter(pl.col("slot") == MAIN)
    for part, piece in enumerate(main.iter_slices(FILE_ROWS)):
        form = _FORMS[(day.toordinal() + part) % 3]
        if len(piece) > FILE_ROWS // 10 and form == ".ndjson":
            form = ".ndjson.zst"
        write_lines(plan, kind, f"{kind.short}s-{day:%Y%m%d}-{part + 1:02d}{form}", piece)
    posts = rows.filter(pl.col("slot") == POSTS)
    if len(posts):
        _write_posts(plan, kind, f"{kind.short}s-{day:%Y%m%d}-posts.ndjson.gz", posts)
    whole = rows.filter(pl.col("slot") == PRETTY)
    if len(whole):
        _write_whole(plan, kind, f"{kind.short}s-{day:%Y%m%d}-single.json", whole)


def write_late(plan: Plan, kind: Kind, delivered: date, rows: pl.DataFrame) -> None:
    """Write rows of an earlier day that are delivered with this day's files."""
    if len(rows):
        write_lines(plan, kind, f"{kind.short}s-late-{delivered:%Y%m%d}.ndjson", rows)


def late_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows to hold back for the next day's delivery."""
    return rows.filter(pl.col("slot") == LATE)


def write_lines(plan: Plan, kind: Kind, name: str, rows: pl.DataFrame) -> None:
    """Write one object per line."""
    plan.landing.write("captures", name, _bare_lines(kind, rows))
    _note(plan, kind, name, _numbered(rows, 1))


def _bare_lines(kind: Kind, rows: pl.DataFrame) -> Iterator[bytes]:
    for chunk in rows.iter_slices(CHUNK):
        lines = pl.DataFrame({"line": kind.render(chunk), "fault": chunk["fault"]}).select(
            pl.when(pl.col("fault") == REFUSED)
            .then(pl.lit(WATCH_LIST_LINE))
            .when(pl.col("fault") == "truncated")
            .then(pl.col("line").str.head(-40))
            .otherwise("line")
        )
        yield lines.write_csv(include_header=False, quote_style="never").encode()


def _write_posts(plan: Plan, kind: Kind, name: str, rows: pl.DataFrame) -> None:
    def pieces() -> Iterator[bytes]:
        before, after = f'{{"{kind.name}ListObject":{{"{kind.name}Object":[', "]}}"
        for chunk in rows.iter_slices(CHUNK):  # CHUNK is a multiple of PER_MESSAGE
            number = pl.Series(np.arange(len(chunk)) // PER_MESSAGE)
            messages = (
                pl.DataFrame({"line": kind.render(chunk), "number": number})
                .group_by("number", maintain_order=True)
                .agg(pl.col("line").str.join(","))
                .select(pl.concat_str(pl.lit(before), "line", pl.lit(after)))
            )
            yield messages.write_csv(include_header=False, quote_style="never").encode()

    plan.landing.write("captures", name, pieces())
    _note(plan, kind, name, _numbered(rows, PER_MESSAGE))


def _write_whole(plan: Plan, kind: Kind, name: str, rows: pl.DataFrame) -> None:
    objects = [json.loads(text) for text in kind.render(rows).to_list()]
    message = {f"{kind.name}ListObject": {f"{kind.name}Object": objects}}
    plan.landing.write_text("captures", name, json.dumps(message, ensure_ascii=False, indent=1))
    _note(plan, kind, name, _numbered(rows, max(1, len(rows))))


def _numbered(rows: pl.DataFrame, per_line: int) -> pl.DataFrame:
    at = np.arange(len(rows))
    return rows.select("fault").with_columns(
        row_number=pl.Series(at // per_line + 1), item_number=pl.Series(at % per_line + 1)
    )


def _note(plan: Plan, kind: Kind, name: str, rows: pl.DataFrame) -> None:
    refused = int((rows["fault"] == REFUSED).sum())
    plan.truth.arrive(kind.feed, name, len(rows) - refused)
    plan.truth.refuse("captures", name, refused)
    bad = rows.filter(pl.col("fault").is_not_null() & (pl.col("fault") != REFUSED))
    for row, item, fault in bad.select("row_number", "item_number", "fault").iter_rows():
        plan.truth.quarantine(kind.feed, name, row, FAULTS[fault], item)


def write_notifications(plan: Plan, clock: DayClock, sent: list[tuple[Kind, pl.DataFrame]]) -> None:
    """Write one file of notifications that carries several kinds of objects.

    Args:
        plan: The demo.
        clock: The day.
        sent: Kind and its rows with texts, in document order of the lists of a notification.
    """
    rows = [
        (kind, frame.filter(pl.col("slot") == NOTIFIED).sort("sec", "capture_id"))
        for kind, frame in sent
    ]
    most = max((len(frame) for _, frame in rows), default=0)
    if not most:
        return
    count = -(-most // 12)
    name = f"notifications-{clock.day:%Y%m%d}.ndjson.zst"
    lines = list(_notification_lines(clock, rows, count))
    plan.landing.write("captures", name, [(line + "\n").encode() for line in lines])
    for kind, frame in rows:
        # Only good rows are sent this way, so nothing of it can stand in quarantine.
        plan.truth.arrive(kind.feed, name, len(frame))


def _notification_lines(
    clock: DayClock, rows: list[tuple[Kind, pl.DataFrame]], count: int
) -> Iterator[str]:
    """Two notifications per line; every second one without entry times in its objects."""
    texts, seconds = [], []
    for kind, frame in rows:
        number = _spread(len(frame), count)
        keep_entry = pl.Series(number % 2 == 1) & frame["has_entry"]
        frame = frame.with_columns(entry=pl.when(keep_entry).then("entry"))
        texts.append(np.array_split(np.array(kind.render(frame).to_list(), dtype=object), count))
        seconds.append(np.array_split(frame["sec"].to_numpy(), count))
    waiting: list[str] = []
    for n in range(count):
        latest = max(int(part[n].max()) for part in seconds if len(part[n]))
        parts = [(kind, part[n]) for (kind, _), part in zip(rows, texts, strict=True)]
        waiting.append(_notification(clock, n, latest + 30, parts))
        if len(waiting) == 2 or n == count - 1:
            inside = ",".join(waiting)
            yield (
                '{"SubscribeNotificationListObject":{"SubscribeNotificationObject":'
                f"[{inside}]}}}}"
            )
            waiting = []


def _spread(rows: int, parts: int) -> np.ndarray:
    """Number of the part each row falls into, as `numpy.array_split` cuts."""
    return np.repeat(np.arange(parts), [len(p) for p in np.array_split(np.arange(rows), parts)])


def _notification(
    clock: DayClock, number: int, trigger: int, parts: list[tuple[Kind, np.ndarray]]
) -> str:
    at = clock.text(np.array([trigger]))[0]
    said = clock.text(np.array([trigger]), number % 3)[0]
    lists = []
    for kind, objects in parts:
        if len(objects) == 0:
            continue
        # Some platforms use the name of the direct post inside notifications.
        word = "ListObject" if number % 4 == 3 and kind.name == "Face" else "ObjectList"
        lists.append(f'"{kind.name}{word}":{{"{kind.name}Object":[{",".join(objects)}]}}')
    return (
        f'{{"NotificationID":"35029900000004{at}{number % 100_000:05d}",'
        f'"SubscribeID":"350299000000032026010100000000001","Title":"demo",'
        f'"TriggerTime":"{said}","ExecuteOperation":1,{",".join(lists)}}}'
    )
