"""The capture job as a bare Polars script, without Delta: `LANDING OUT KEY_FILE`.

Files are judged in groups of bounded size; passages are formed over groups of whole days on narrow
rows, sorted by integers only.
"""

from __future__ import annotations

import hashlib
import hmac
import sys
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

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
from .polars_reading import take_in

ROWS_AT_ONCE = 1_500_000
NARROW = ["capture_id", "device_id", "shot_day", "shot_at", "track_token", "accompany_count"]
_ZSTD = {"compression": "zstd", "compression_level": 1}


def main(landing: Path, out: Path, key: bytes) -> None:
    """Take in, judge, clean, count, serve."""
    out.mkdir(parents=True)
    district, devices = places(landing)
    known = pl.DataFrame(
        devices, schema={"device_id": pl.String, "community_code": pl.String}, orient="row"
    ).with_row_index("n")
    take_in(capture_files(landing), out)
    hours = [
        clean(short, days, known, key, out, n)
        for short in KINDS
        for n, days in enumerate(days_together(out / "bronze" / short))
    ]
    serve(pl.concat(hours), district, out)


def days_together(bronze: Path) -> list[tuple[date, date]]:
    """First and last of neighbouring days with about `ROWS_AT_ONCE` rows."""
    days = pl.scan_parquet(bronze / "*.parquet").group_by("shot_day").len().sort("shot_day")
    groups: list[tuple[date, date]] = []
    size = 0
    for day, count in days.collect().iter_rows():
        if not groups or size + count > ROWS_AT_ONCE:
            groups.append((day, day))
            size = 0
        groups[-1] = (groups[-1][0], day)
        size += count
    return groups


def clean(
    short: str, days: tuple[date, date], known: pl.DataFrame, key: bytes, out: Path, n: int
) -> pl.DataFrame:
    """Resent rows and passages of a kind over some days, with ledgers; gives the hourly counts."""
    bronze = pl.scan_parquet(out / "bronze" / short / "*.parquet").filter(
        pl.col("shot_day").is_between(*days)
    )
    if short == "face":
        size = (pl.col("right_px") - pl.col("left_px")) * (pl.col("bottom_px") - pl.col("top_px"))
        rows = bronze.select(*NARROW, size=size).collect()
    else:
        rows = bronze.drop("file", "row_number", "item_number").collect()
    is_known = rows["device_id"].is_in(known["device_id"].implode())
    set_aside = rows.filter(~is_known).select(
        event_day="shot_day", entity_id="capture_id", version_at="shot_at",
        rule=pl.lit("device_is_registered"),
    )  # fmt: skip
    rows = rows.filter(is_known)
    repeated = rows["capture_id"].is_duplicated()
    kept, superseded = newest_versions(short, bronze, rows.filter(repeated))
    rows = pl.concat([rows.filter(~repeated), kept.select(rows.columns)])
    rows = rows.join(known, on="device_id", how="left")
    if short == "face":
        passages, merged = face_passages(rows)
    elif short == "vehicle":
        passages, merged = vehicle_passages(rows, key)
    else:
        passages, merged = rows.rename({"capture_id": "passage_id"}), superseded.clear()
        passages = passages.select(
            "shot_day", "passage_id", "device_id", "community_code", "shot_at",
            "vehicle_type_code", "vehicle_colour_code",
        )  # fmt: skip
    tables = (passages, pl.concat([superseded, merged]), set_aside)
    for name, frame in zip(("passages", "merges", "set_aside"), tables, strict=True):
        (out / f"{short}_{name}").mkdir(exist_ok=True)
        frame.write_parquet(out / f"{short}_{name}" / f"{n:04d}.parquet", **_ZSTD)
    shots = {"face": "shot_count", "vehicle": "reading_count"}.get(short)
    return passages.group_by(
        "shot_day", "community_code", "device_id",
        shot_hour=(pl.col("shot_at") + pl.duration(hours=8)).dt.hour().cast(pl.Int64),
        passage_kind=pl.lit({"vehicle": "motor"}.get(short, short)),
    ).agg(
        passage_count=pl.len().cast(pl.Int64),
        shot_count=pl.col(shots).sum() if shots else pl.len().cast(pl.Int64),
    )  # fmt: skip


def newest_versions(
    short: str, bronze: pl.LazyFrame, several: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Of every capture sent more than once the newest version, and the ledger of the others."""
    ids = several.select("capture_id").unique()
    wide = bronze.join(ids.lazy(), on="capture_id", how="semi").collect()
    columns = [f.name for f in KINDS[short].fields]
    place = columns.index("triggered_at") + 1
    content = [*columns[1:place], "shot_day", *columns[place:]]
    wide = wide.with_columns(
        newest=pl.max_horizontal("entered_at", "triggered_at"),
        size=(pl.col("right_px") - pl.col("left_px")) * (pl.col("bottom_px") - pl.col("top_px")),
    ).sort(["capture_id", "newest", *content], nulls_last=True,
           descending=[False, True, *[False] * len(content)])  # fmt: skip
    is_first = wide["capture_id"].is_first_distinct()
    ledger = merge_rows(wide.filter(~is_first), pl.col("capture_id"), "superseded",
                        pl.lit("resent_capture"))  # fmt: skip
    return wide.filter(is_first), ledger


def merge_rows(rows: pl.DataFrame, into: pl.Expr, outcome: str, rule: pl.Expr) -> pl.DataFrame:
    """Ledger rows."""
    return rows.select(event_day="shot_day", entity_id="capture_id", version_at="shot_at",
                       merged_into=into, outcome=pl.lit(outcome), rule=rule)  # fmt: skip


def sequence() -> pl.Expr:
    """What of an id is not already its device and second, as an integer of the same order."""
    capture = pl.col("capture_id")
    return pl.concat_str(capture.str.slice(20, 2), capture.str.slice(36, 12)).cast(pl.Int64)


def face_passages(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Shots of one track with gaps up to 30 s; the largest box stands, then the earliest."""
    is_tracked = pl.col("track_token").is_not_null()
    token = pl.col("track_token").cast(pl.Categorical).to_physical().cast(pl.Int64)
    day = (pl.col("shot_day") - pl.col("shot_day").min()).dt.total_days()
    shots = rows.filter(is_tracked).with_columns(
        track=(pl.col("n").cast(pl.Int64) * 1000 + day) * 2**32 + token, seq=sequence()
    ).sort("track", "shot_at", "seq")  # fmt: skip
    starts = (pl.col("track") != pl.col("track").shift()) | (
        pl.col("shot_at") - pl.col("shot_at").shift() > pl.duration(seconds=30)
    )
    shots = shots.with_row_index("at").with_columns(
        passage=starts.fill_null(True).cum_sum(),
        # The largest box, and of equal ones the first in order, has the largest of these.
        best=pl.col("size") * 2**26 + 2**26 - 1 - pl.col("at"),
    )
    if (shots.height and not 0 < shots["size"].max() < 2**36) or shots.height >= 2**26:  # type: ignore
        raise OverflowError("boxes or days too large for one integer")
    spans = shots.group_by("passage", maintain_order=True).agg(
        started_at=pl.col("shot_at").first(),
        ended_at=pl.col("shot_at").last(),
        shot_count=pl.len().cast(pl.Int64),
        best=pl.col("best").max(),
    )
    chosen = spans.select(2**26 - 1 - pl.col("best") % 2**26).to_series()
    best = shots.select(
        "shot_day", "device_id", "community_code", "shot_at", "accompany_count",
        passage_id="capture_id",
    )[chosen]  # fmt: skip
    columns = ["shot_day", "passage_id", "device_id", "community_code", "shot_at", "started_at",
               "ended_at", "shot_count", "is_tracked", "accompany_count"]  # fmt: skip
    passages = best.hstack(spans.select("started_at", "ended_at", "shot_count"))
    single = rows.filter(~is_tracked).with_columns(
        started_at="shot_at", ended_at="shot_at", shot_count=pl.lit(1, pl.Int64),
        is_tracked=pl.lit(False), passage_id="capture_id",
    )  # fmt: skip
    stands_for = best["passage_id"].gather(shots["passage"] - 1)
    other = shots.select("shot_day", "capture_id", "shot_at").with_columns(best_id=stands_for)
    other = other.filter(pl.col("capture_id") != pl.col("best_id"))
    merged = merge_rows(other, pl.col("best_id"), "merged", pl.lit("same_passage"))
    tracked = passages.with_columns(is_tracked=pl.lit(True)).select(columns)
    return pl.concat([tracked, single.select(columns)]), merged


def with_plates(rows: pl.DataFrame) -> pl.DataFrame:
    """`plate`: in one spelling, null where it has no known form; `plate_kind` once mended."""
    wide = dict(zip(FULL_WIDTH, HALF_WIDTH, strict=True))
    plate = pl.col("plate_number").str.replace_many(wide).str.to_uppercase()
    plate = plate.str.replace_all(r"[·•.\s]", "")
    rows = rows.with_columns(plate=pl.when(~plate.is_in(NO_PLATE)).then(plate))
    tail = pl.col("plate").str.slice(1).str.replace_all("O", "0").str.replace_all("I", "1")
    rows = rows.with_columns(mended=pl.concat_str(pl.col("plate").str.slice(0, 1), tail))
    kinds = (pl.when(pl.col("mended").str.contains(f"^(?:{regex})$")).then(pl.lit(name))
             for name, regex in PLATES)  # fmt: skip
    rows = rows.with_columns(plate_kind=pl.coalesce(kinds))
    is_read = pl.col("plate_kind").is_not_null()
    return rows.with_columns(pl.when(is_read).then(c).alias(c) for c in ("plate", "mended"))


def vehicle_passages(rows: pl.DataFrame, key: bytes) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Readings of one plate with gaps up to 60 s, and easily confused ones beside them."""
    rows = with_plates(rows)
    group = ["n", "shot_day", "plate"]
    read = rows.filter(pl.col("plate").is_not_null()).sort(*group, "shot_at", "capture_id")
    starts = pl.any_horizontal(pl.col(c) != pl.col(c).shift() for c in group) | (
        pl.col("shot_at") - pl.col("shot_at").shift() > pl.duration(seconds=60)
    )
    read = read.with_columns(session=starts.fill_null(True).cum_sum() - 1)
    read = read.with_columns(passage=joined(read))
    read = read.sort("passage", "plate_reliability", "shot_at", "capture_id",
                     descending=[False, True, False, False], nulls_last=True)  # fmt: skip
    read = read.with_columns(
        best_id=pl.col("capture_id").first().over("passage"),
        best_plate=pl.col("plate").first().over("passage"),
        started_at=pl.col("shot_at").min().over("passage"),
        ended_at=pl.col("shot_at").max().over("passage"),
        reading_count=pl.len().over("passage").cast(pl.Int64),
    )
    is_best = pl.col("capture_id") == pl.col("best_id")
    rule = pl.when(pl.col("plate") == pl.col("best_plate")).then(pl.lit("same_passage"))
    merged = merge_rows(read.filter(~is_best), pl.col("best_id"), "merged",
                        rule.otherwise(pl.lit("confused_plate")))  # fmt: skip
    single = rows.filter(pl.col("plate").is_null()).with_columns(
        started_at="shot_at", ended_at="shot_at", reading_count=pl.lit(1, pl.Int64)
    )
    best = read.filter(is_best).select(*single.columns)
    passages = pl.concat([best, single]).rename({"capture_id": "passage_id"})
    text = passages.select(pl.concat_str("device_id", "shot_day", "mended", separator="|"))
    tokens = [t and hmac.digest(key, t.encode(), hashlib.sha256).hex()[:24]
              for t in text.to_series()]  # fmt: skip
    mask = pl.concat_str(pl.col("mended").str.head(2), pl.lit("***"), pl.col("mended").str.tail(2))
    return passages.select(
        "shot_day", "passage_id", "device_id", "community_code", "shot_at", "started_at",
        "ended_at", "reading_count", pl.Series("plate_token", tokens, dtype=pl.String),
        mask.alias("plate_mask"), "plate_kind", "lane_number", "direction_code",
        "vehicle_class_code", "vehicle_colour_code", "speed_kmh",
    ), merged  # fmt: skip


def joined(read: pl.DataFrame) -> pl.Series:
    """Passage of every reading: sessions joined where readings of a lane are easily confused."""
    sessions = int(read["session"].max()) + 1 if read.height else 0  # type: ignore[arg-type]
    looks = pl.concat_str(
        pl.col("plate").str.head(1),
        pl.col("plate").str.slice(1).str.replace_many(list(CONFUSED), list(STANDS_FOR)),
    )
    lane = read.select("session", "plate", "n", "shot_day", "lane_number", "shot_at", looks=looks)
    group = ["n", "shot_day", "lane_number", "looks"]
    gap = pl.col("shot_at_2") - pl.col("shot_at")
    near = lane.drop_nulls("lane_number").join(lane, on=group, suffix="_2").filter(
        pl.col("plate") != pl.col("plate_2"),
        gap.is_between(pl.duration(), pl.duration(seconds=10)),
    )  # fmt: skip
    links = [
        (one, other)
        for one, other, a, b in near.select("session", "session_2", "plate", "plate_2").iter_rows()
        if len(a) <= 10 and sum(x != y for x, y in zip(a, b, strict=True)) == 1
    ]
    at = np.array(links, dtype=np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(at.shape[1]), (at[0], at[1])), shape=(sessions, sessions))
    labels = connected_components(graph, directed=False)[1] if sessions else np.empty(0)
    return pl.Series(labels.astype(np.int64)[read["session"].to_numpy()])


def serve(hours: pl.DataFrame, district: str, out: Path) -> None:
    """Daily values at three tiers, and one DuckDB file to serve them from."""
    own = pl.concat(
        hours.filter(pl.col("passage_kind") == kind)
        .group_by("community_code", value_day="shot_day", metric_id=pl.lit(metric))
        .agg(value=pl.col(measure).sum().cast(pl.Float64))
        for metric, kind, measure in METRICS
    )
    nowhere = pl.lit(f"{district}-unplaced")
    tiers = {
        "community": pl.col("community_code").fill_null(nowhere),
        "street": pl.col("community_code").str.head(9).fill_null(nowhere),
        "district": pl.lit(district),
    }
    values = pl.concat(
        own.group_by("value_day", "metric_id", tier=pl.lit(tier), area_code=code).agg(
            pl.col("value").sum()
        )
        for tier, code in tiers.items()
    )
    with duckdb.connect(out / "serving.duckdb") as serving:
        for name, frame in (("hours", hours), ("daily_values", values)):
            frame.write_parquet(out / f"{name}.parquet", **_ZSTD)
            serving.execute(f"CREATE TABLE {name} AS FROM '{out}/{name}.parquet'")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), bytes.fromhex(Path(sys.argv[3]).read_text().strip()))
