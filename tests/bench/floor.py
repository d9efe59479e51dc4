"""The least imaginable: parse, write bronze, an integer kernel, write silver: `LANDING OUT KEY`.

No names of broken rules, no ledgers, no counts, nothing served; ties between versions of one
capture are left to chance. What other scripts cost above this is what they do beyond it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl

from .fields import KINDS, Kind
from .landing import batches, capture_files, places
from .polars_reading import BATCH_BYTES, CITY, bare, messages, rules, texts, typed_rows
from .rival_polars import sequence, vehicle_passages

SECOND = 1_000_000
NO_TRACK = -1


def main(landing: Path, out: Path, key: bytes) -> None:
    """Parse, write bronze, form passages, write silver."""
    out.mkdir(parents=True)
    _, devices = places(landing)
    known = pl.DataFrame(
        devices, schema={"device_id": pl.String, "community_code": pl.String}, orient="row"
    ).with_row_index("n")
    files = capture_files(landing)
    objects = messages(files)
    tokens: dict[str, int] = {}
    for short, kind in KINDS.items():
        (out / "bronze" / short).mkdir(parents=True)
        kept = [narrow(short, accept(kind, pl.concat(objects.pop(short)), out, "m"), known, tokens)]
        for n, group in enumerate(batches(files.bare[short], BATCH_BYTES)):
            rows = accept(kind, bare(kind, group)[0], out, f"{n:04d}")
            kept.append(narrow(short, rows, known, tokens))
        rows = pl.concat(kept)
        if short == "face":
            passages = face_passages(rows, known)
        else:
            rows = newest(rows, ["capture_id"])
            passages = vehicle_passages(rows, key)[0] if short == "vehicle" else rows.rename(
                {"capture_id": "passage_id"})  # fmt: skip
        (out / f"{short}_passages").mkdir()
        passages.write_parquet(out / f"{short}_passages" / "0.parquet", compression_level=1)


def accept(kind: Kind, rows: pl.DataFrame, out: Path, name: str) -> pl.DataFrame:
    """Typed rows that break no rule, written to bronze."""
    frame, typed = typed_rows(kind, texts(kind, rows))
    broken = pl.any_horizontal(condition.fill_null(False) for _, condition in rules(kind))
    instants = [pl.col(f.name) - CITY for f in kind.fields if f.reader == "instant"]
    accepted = typed.filter(~frame.select(broken).to_series()).with_columns(
        *instants, shot_day=pl.col("shot_at").dt.date()
    )
    to = out / "bronze" / {v: k for k, v in KINDS.items()}[kind] / f"{name}.parquet"
    accepted.write_parquet(to, compression="zstd", compression_level=1)
    return accepted


def narrow(
    short: str, rows: pl.DataFrame, known: pl.DataFrame, tokens: dict[str, int]
) -> pl.DataFrame:
    """What passages are formed from: of faces nothing but integers."""
    newest_at = pl.max_horizontal("entered_at", "triggered_at")
    rows = rows.with_columns(newest=newest_at).join(known, on="device_id")
    if short != "face":
        return rows
    for token in rows["track_token"].unique().drop_nulls():
        tokens.setdefault(token, len(tokens))
    return rows.select(
        pl.col("n").cast(pl.Int64),
        sequence().alias("seq"),
        shot=pl.col("shot_at").to_physical(),
        newest=pl.col("newest").to_physical(),
        token=pl.col("track_token").replace_strict(
            list(tokens), list(tokens.values()), default=NO_TRACK, return_dtype=pl.Int64),
        size=(pl.col("right_px") - pl.col("left_px")) * (pl.col("bottom_px") - pl.col("top_px")),
        accompany_count="accompany_count",
    )  # fmt: skip


def newest(rows: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """The newest version of every key."""
    return rows.sort("newest", descending=True, nulls_last=True, maintain_order=True).unique(
        key, keep="first", maintain_order=True
    )


def face_passages(rows: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """One sort of integers; everything after it is a pass over the sorted columns."""
    mixed = rows.select(
        pl.col("n") * 2**48 + pl.col("shot") // SECOND * 2**14 + pl.col("seq") % 16_381
    ).to_series()
    repeated = mixed.is_duplicated()
    rows = pl.concat([rows.filter(~repeated), newest(rows.filter(repeated), ["n", "shot", "seq"])])
    day = (pl.col("shot") + 8 * 3600 * SECOND) // (86_400 * SECOND)
    # A shot without a token is a track of its own: it is numbered below all tokens.
    alone = -2 - pl.int_range(pl.len())
    own = pl.when(pl.col("token") == NO_TRACK).then(alone).otherwise("token")
    rows = rows.with_columns(day=day, own=own).sort("n", "day", "own", "shot", "seq")
    column = {c: rows[c].to_numpy() for c in ("n", "day", "own", "shot", "size")}
    starts = np.empty(rows.height, bool)
    starts[:1] = True
    starts[1:] = np.diff(column["shot"]) > 30 * SECOND
    for c in ("n", "day", "own"):
        starts[1:] |= column[c][1:] != column[c][:-1]
    first = np.flatnonzero(starts)
    last = np.append(first[1:], rows.height) - 1
    # The largest box, and of equal ones the first in order, has the largest of these.
    best = np.maximum.reduceat(column["size"] * 2**26 + 2**26 - 1 - np.arange(rows.height), first)
    chosen = rows[2**26 - 1 - best % 2**26]
    instant = pl.Datetime("us")
    device, place = (known[c].gather(chosen["n"]) for c in ("device_id", "community_code"))
    seq = pl.col("seq")
    return chosen.select(
        pl.Series("device_id", device),
        pl.Series("community_code", place),
        "accompany_count",
        shot_day=(pl.col("shot").cast(instant) + CITY).dt.date(),
        shot_at=pl.col("shot").cast(instant),
        started_at=pl.Series(column["shot"][first]).cast(instant),
        ended_at=pl.Series(column["shot"][last]).cast(instant),
        shot_count=pl.Series(last - first + 1),
        is_tracked=pl.col("token") != NO_TRACK,
        passage_id=pl.concat_str(
            pl.Series(device),
            (seq // 10**12).cast(pl.String).str.zfill(2),
            (pl.col("shot").cast(instant) + CITY).dt.strftime("%Y%m%d%H%M%S"),
            (seq % 10**12).cast(pl.String).str.zfill(12),
        ),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), bytes.fromhex(Path(sys.argv[3]).read_text().strip()))
