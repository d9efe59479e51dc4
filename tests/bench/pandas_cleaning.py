"""The pandas script, second part: resent rows, passages, counts, serving."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

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

CITY = pd.Timedelta(hours=8)
LEDGER = ["event_day", "entity_id", "version_at", "merged_into", "outcome", "rule"]


def clean(
    short: str, rows: pd.DataFrame, known: pd.DataFrame, key: bytes, out: Path
) -> pd.DataFrame:
    """Resent rows and passages of a kind, with their ledgers; gives the hourly counts."""
    ledger = {"shot_day": "event_day", "capture_id": "entity_id", "shot_at": "version_at"}
    is_known = rows["device_id"].isin(known["device_id"])
    set_aside = rows.loc[~is_known, list(ledger)].rename(columns=ledger)
    set_aside["rule"] = "device_is_registered"
    columns = [f.name for f in KINDS[short].fields]
    place = columns.index("triggered_at") + 1
    content = [*columns[1:place], "shot_day", *columns[place:]]
    rows = rows[is_known].assign(newest=rows[["entered_at", "triggered_at"]].max(axis=1))
    repeated = rows["capture_id"].duplicated(keep=False)
    several = rows[repeated].sort_values(
        ["capture_id", "newest", *content], ascending=[True, False, *[True] * len(content)]
    )
    is_first = ~several["capture_id"].duplicated()
    superseded = several.loc[~is_first, list(ledger)].rename(columns=ledger)
    superseded = superseded.assign(
        merged_into=superseded["entity_id"], outcome="superseded", rule="resent_capture"
    )
    rows = pd.concat([rows[~repeated], several[is_first]]).merge(known, on="device_id", how="left")
    form_passages = {"face": face_passages, "vehicle": lambda r: vehicle_passages(r, key)}
    if short in form_passages:
        passages, merged = form_passages[short](rows)
        merged = merged.rename(columns=ledger).assign(outcome="merged")[LEDGER]
        superseded = pd.concat([superseded[LEDGER], merged])
    else:
        passages = rows
    passages = passages.rename(columns={"capture_id": "passage_id"})
    tables = {"passages": passages, "merges": superseded, "set_aside": set_aside}
    for name, table in tables.items():
        (out / f"{short}_{name}").mkdir()
        table.to_parquet(out / f"{short}_{name}" / "0.parquet", compression="zstd", index=False)
    shots = {"face": "shot_count", "vehicle": "reading_count"}.get(short)
    hours = passages.assign(
        shot_hour=(passages["shot_at"] + CITY).dt.hour.astype("int64"),
        shots=passages[shots] if shots else 1,
    ).groupby(["shot_day", "shot_hour", "community_code", "device_id"], dropna=False)
    counted = hours["shots"].agg(["size", "sum"]).reset_index()
    counted["passage_kind"] = {"vehicle": "motor"}.get(short, short)
    return counted.rename(columns={"size": "passage_count", "sum": "shot_count"})


def starts_of(rows: pd.DataFrame, group: list[str], seconds: int) -> pd.Series:
    """Number of the run of rows of one group without a longer gap; rows are sorted."""
    is_start = (rows["shot_at"] - rows["shot_at"].shift()) > pd.Timedelta(seconds=seconds)
    for column in group:
        is_start |= rows[column] != rows[column].shift()
    return is_start.cumsum()


def face_passages(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Shots of one track with gaps up to 30 s; the largest box stands, then the earliest."""
    rows = rows.assign(
        size=(rows["right_px"] - rows["left_px"]) * (rows["bottom_px"] - rows["top_px"])
    )
    group = ["device_id", "shot_day", "track_token"]
    shots = rows[rows["track_token"].notna()].sort_values([*group, "shot_at", "capture_id"])
    shots["passage"] = starts_of(shots, group, 30)
    spans = shots.groupby("passage")["shot_at"].agg(["min", "max", "size"])
    spans.columns = ["started_at", "ended_at", "shot_count"]
    ranked = shots.drop(columns="size").assign(box=shots["size"]).sort_values(
        ["passage", "box", "shot_at", "capture_id"], ascending=[True, False, True, True]
    )  # fmt: skip
    is_best = ~ranked["passage"].duplicated()
    best = ranked[is_best].merge(spans, left_on="passage", right_index=True)
    merged = ranked[~is_best].merge(
        best[["passage", "capture_id"]].rename(columns={"capture_id": "merged_into"}), on="passage"
    )
    single = rows[rows["track_token"].isna()]
    single = single.assign(started_at=single["shot_at"], ended_at=single["shot_at"], shot_count=1)
    passages = pd.concat([best.assign(is_tracked=True), single.assign(is_tracked=False)])
    kept = ["shot_day", "capture_id", "device_id", "community_code", "shot_at", "started_at",
            "ended_at", "shot_count", "is_tracked", "accompany_count"]  # fmt: skip
    return passages[kept], merged.assign(rule="same_passage")


def with_plates(rows: pd.DataFrame) -> pd.DataFrame:
    """`plate`: in one spelling, missing where it has no known form; `mended`; `plate_kind`."""
    plate = rows["plate_number"].str.translate(str.maketrans(FULL_WIDTH, HALF_WIDTH)).str.upper()
    plate = plate.str.replace(r"[·•.\s]", "", regex=True)
    plate = plate.mask(plate.isin(NO_PLATE))
    mended = plate.str[:1] + plate.str[1:].str.translate(str.maketrans("OI", "01"))
    kind = pd.Series(None, index=rows.index, dtype="str")
    for name, regex in PLATES:
        kind = kind.mask(kind.isna() & mended.str.fullmatch(regex).fillna(False).astype(bool), name)
    is_read = kind.notna()
    return rows.assign(plate=plate.where(is_read), mended=mended.where(is_read), plate_kind=kind)


def vehicle_passages(rows: pd.DataFrame, key: bytes) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Readings of one plate with gaps up to 60 s, and easily confused ones beside them."""
    rows = with_plates(rows)
    group = ["device_id", "shot_day", "plate"]
    read = rows[rows["plate"].notna()].sort_values([*group, "shot_at", "capture_id"])
    read["session"] = starts_of(read, group, 60)
    joined = _joined(read)
    read["passage"] = read["session"].map(joined).fillna(read["session"]).astype("int64")
    read = read.sort_values(
        ["passage", "plate_reliability", "shot_at", "capture_id"],
        ascending=[True, False, True, True],
    )
    spans = read.groupby("passage").agg(
        started_at=("shot_at", "min"),
        ended_at=("shot_at", "max"),
        reading_count=("shot_at", "size"),
    )
    is_best = ~read["passage"].duplicated()
    best = read[is_best].merge(spans, left_on="passage", right_index=True)
    merged = read[~is_best].merge(
        best[["passage", "capture_id", "plate"]].rename(
            columns={"capture_id": "merged_into", "plate": "best_plate"}
        ),
        on="passage",
    )
    same = merged["plate"] == merged["best_plate"]
    merged["rule"] = np.where(same, "same_passage", "confused_plate")
    best["plate_mask"] = best["mended"].str[:2] + "***" + best["mended"].str[-2:]
    text = best["device_id"] + "|" + best["shot_day"].astype(str) + "|" + best["mended"]
    best["plate_token"] = [hmac.digest(key, t.encode(), hashlib.sha256).hex()[:24] for t in text]
    single = rows[rows["plate"].isna()]
    single = single.assign(started_at=single["shot_at"], ended_at=single["shot_at"],
                           reading_count=1)  # fmt: skip
    return pd.concat([best, single]).drop(columns=["plate", "mended", "plate_number"]), merged


def _joined(read: pd.DataFrame) -> dict[int, int]:
    """Session → the first session it is one with, by readings that are easily confused."""
    looks = read["plate"].str[:1] + read["plate"].str[1:].str.translate(
        str.maketrans(CONFUSED, STANDS_FOR)
    )
    group = ["device_id", "shot_day", "lane_number", "looks"]
    lane = read.assign(looks=looks)[[*group, "session", "plate", "shot_at"]].dropna()
    near = lane.merge(lane, on=group)
    gap = near["shot_at_y"] - near["shot_at_x"]
    near = near[
        (near["plate_x"] != near["plate_y"])
        & gap.between(pd.Timedelta(0), pd.Timedelta(seconds=10))
    ]
    above: dict[int, int] = {}

    def first(session: int) -> int:
        while (up := above.get(session, session)) != session:
            session = up
        return session

    pairs = near[["session_x", "session_y", "plate_x", "plate_y"]].itertuples(index=False)
    for one, other, a, b in pairs:
        if len(a) <= 10 and sum(x != y for x, y in zip(a, b, strict=True)) == 1:
            low, high = sorted((first(one), first(other)))
            above[high] = low
    return {session: first(session) for session in above}


def serve(hours: pd.DataFrame, district: str, out: Path) -> None:
    """Daily values at three tiers, and one DuckDB file to serve them from."""
    parts = []
    for metric, kind, measure in METRICS:
        own = hours[hours["passage_kind"] == kind]
        own = own.groupby(["shot_day", "community_code"], dropna=False)[measure].sum().reset_index()
        nowhere = f"{district}-unplaced"
        tiers = {
            "community": own["community_code"].fillna(nowhere),
            "street": own["community_code"].str[:9].fillna(nowhere),
            "district": pd.Series(district, index=own.index),
        }
        for tier, code in tiers.items():
            summed = own.groupby(["shot_day", code.rename("area_code")])[measure].sum()
            parts.append(summed.rename("value").reset_index().assign(metric_id=metric, tier=tier))
    values = pd.concat(parts).rename(columns={"shot_day": "value_day"})
    values["value"] = values["value"].astype(float)
    with duckdb.connect(out / "serving.duckdb") as serving:
        for name, frame in (("hours", hours), ("daily_values", values)):
            frame.to_parquet(out / f"{name}.parquet", compression="zstd", index=False)
            serving.execute(f"CREATE TABLE {name} AS FROM '{out}/{name}.parquet'")
