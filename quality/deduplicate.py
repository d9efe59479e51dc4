"""De-duplication: resent rows, passages of people, passages of vehicles, newest versions.

Everything here works on the rows of one city day (or of one register) and depends on nothing but
their content: ties are broken by content, never by the order of arrival. Passages are cut at
midnight, which keeps days independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from quality.identifiers import confusion_canonical, differs_in_one_character
from schemas.contract import PROVENANCE

FACE_GAP = pl.duration(seconds=30)
"""Shots of one track at one camera no further apart than this are one passage."""
PLATE_GAP_SECONDS = 60
CONFUSED_GAP_SECONDS = 10


@dataclass(frozen=True)
class Kept:
    """Rows that stand, and a ledger row for every other.

    Attributes:
        rows: The rows that stand.
        ledger: `entity_id, version_at, merged_into, outcome, rule`.
    """

    rows: pl.DataFrame
    ledger: pl.DataFrame


def newest_per_key(
    rows: pl.DataFrame, key: str, versions: tuple[str, ...], *, happened: str, rule: str
) -> Kept:
    """Keep the newest version of every key.

    Versions of the same instant are ordered by their remaining columns, so the winner never depends
    on the order files arrived in.

    Args:
        rows: Rows in any order.
        key: Column that names one real-world thing; no nulls.
        versions: Instants of which the latest says how new a row is.
        happened: Instant that goes to the ledger as the row's own time.
        rule: Name under which the others are superseded.

    Returns:
        One row per key, same columns; a ledger row for every other.
    """
    repeated = _repeated(rows[key])
    if not repeated.any():
        return Kept(rows, _ledger(rows.clear(), key, happened, pl.col(key), "superseded", rule))
    several = rows.filter(repeated)
    content = [c for c in rows.columns if c not in {key, *PROVENANCE}]
    newest = pl.max_horizontal(versions).alias("_newest")
    several = several.with_columns(newest).sort(
        [key, "_newest", *content],
        descending=[False, True, *[False] * len(content)],
        nulls_last=True,
    )
    is_first = several[key].is_first_distinct()
    kept = pl.concat([rows.filter(~repeated), several.filter(is_first).drop("_newest")])
    ledger = _ledger(several.filter(~is_first), key, happened, pl.col(key), "superseded", rule)
    return Kept(kept, ledger)


def _repeated(keys: pl.Series) -> pl.Series:
    """Which keys occur more than once. A hash is no key: it only finds the few to be compared."""
    likely = keys.hash().is_duplicated()
    places = likely.arg_true()
    return likely.scatter(places, keys.gather(places).is_duplicated()) if len(places) else likely


def face_passages(captures: pl.DataFrame, without: Sequence[str] = ()) -> Kept:
    """People's passages at single cameras.

    Args:
        captures: Bronze rows of face captures of one city day whose device is registered.
        without: Columns that only tell versions of a capture apart: passages do not carry them.

    Returns:
        One row per passage with the best shot's columns and `started_at`, `ended_at`, `shot_count`,
        `is_tracked`. The best shot has the largest box, then the earliest time, then the smallest
        id. The camera's track token is gone.
    """
    own = newest_per_key(captures, "capture_id", ("entered_at", "triggered_at"),
                         happened="shot_at", rule="resent_capture")  # fmt: skip
    rows = own.rows.drop(without, strict=False)
    tracked = rows.filter(pl.col("track_token").is_not_null())
    shots = _in_track_order(tracked)
    size = (pl.col("right_px") - pl.col("left_px")) * (pl.col("bottom_px") - pl.col("top_px"))
    spans = shots.group_by("passage").agg(
        started_at=pl.col("shot_at").first(),
        ended_at=pl.col("shot_at").last(),
        shot_count=pl.len().cast(pl.Int64),
        # The first of the largest: shots lie in the order of time and id.
        best_place=pl.col("place").get(size.arg_max()),
    )
    is_best = pl.repeat(False, shots.height, eager=True).scatter(spans["best_place"], True)
    best = shots.filter(is_best).drop("place")
    others = shots.filter(~is_best).join(
        best.select("passage", best_id="capture_id"), on="passage", how="left"
    )
    single = rows.filter(pl.col("track_token").is_null()).with_columns(
        started_at="shot_at", ended_at="shot_at", shot_count=pl.lit(1, pl.Int64),
        is_tracked=pl.lit(False),
    )  # fmt: skip
    rows = best.join(spans, on="passage", how="left").with_columns(is_tracked=pl.lit(True))
    merged = _ledger(others, "capture_id", "shot_at", pl.col("best_id"), "merged", "same_passage")
    return Kept(
        pl.concat([rows.select(single.columns), single]).drop("track_token"),
        pl.concat([own.ledger, merged]),
    )


def _in_track_order(tracked: pl.DataFrame) -> pl.DataFrame:
    """Shots by camera, day, track, time and id, with `place` and the number of their `passage`.

    Numbers stand for equal texts while sorting, which costs a quarter; ids are compared only where
    two shots of a track have one time.
    """
    by = ["device", "shot_day", "track", "shot_at"]
    keys = tracked.select(
        pl.col("device_id").cast(pl.Categorical).to_physical().alias("device"),
        "shot_day",
        pl.col("track_token").cast(pl.Categorical).to_physical().alias("track"),
        "shot_at",
    ).with_row_index("place")
    keys = keys.sort(by)
    same = pl.all_horizontal([pl.col(c) == pl.col(c).shift() for c in by])
    is_tied = keys.select((same | same.shift(-1)).fill_null(False)).to_series()
    if is_tied.any():
        ids = tracked["capture_id"].gather(keys["place"].filter(is_tied))
        rank = pl.zeros(keys.height, pl.UInt32, eager=True).scatter(
            is_tied.arg_true(), ids.rank("ordinal").cast(pl.UInt32)
        )
        keys = keys.with_columns(rank.alias("rank")).sort([*by, "rank"])
    is_other = pl.any_horizontal([pl.col(c) != pl.col(c).shift() for c in by[:3]])
    starts = is_other | (pl.col("shot_at") - pl.col("shot_at").shift() > FACE_GAP)
    passage = keys.select(starts.fill_null(True).cum_sum()).to_series()
    return tracked[keys["place"]].with_columns(
        passage.alias("passage"), pl.int_range(pl.len(), dtype=pl.UInt32).alias("place")
    )


def vehicle_passages(captures: pl.DataFrame) -> Kept:
    """Motor vehicles' passages at single cameras.

    Args:
        captures: Bronze rows of one city day whose device is registered, with `plate` (normalised,
            null where not read).

    Returns:
        One row per passage with the most reliable reading's columns (then the earliest, then the
        smallest id) and `started_at`, `ended_at`, `reading_count`. Unread plates stay single.
    """
    own = newest_per_key(captures, "capture_id", ("entered_at", "triggered_at"),
                         happened="shot_at", rule="resent_capture")  # fmt: skip
    unread = own.rows.filter(pl.col("plate").is_null())
    read = own.rows.filter(pl.col("plate").is_not_null()).sort(
        ["device_id", "shot_day", "plate", "shot_at", "capture_id"]
    )
    read = read.with_columns(session=_plate_sessions(read)).with_row_index("at")
    read = read.with_columns(passage=_joined(read))
    ranked = read.drop("at", "session").sort(
        ["passage", "plate_reliability", "shot_at", "capture_id"],
        descending=[False, True, False, False],
        nulls_last=True,
    )
    spans = ranked.group_by("passage").agg(
        started_at=pl.col("shot_at").min(),
        ended_at=pl.col("shot_at").max(),
        reading_count=pl.len().cast(pl.Int64),
    )
    is_best = ranked["passage"].is_first_distinct()
    best = ranked.filter(is_best)
    others = ranked.filter(~is_best).join(
        best.select("passage", best_id="capture_id", best_plate="plate"), on="passage", how="left"
    )
    rule = (
        pl.when(pl.col("plate") == pl.col("best_plate"))
        .then(pl.lit("same_passage"))
        .otherwise(pl.lit("confused_plate"))
    )
    merged = _ledger(others, "capture_id", "shot_at", pl.col("best_id"), "merged", rule)
    unread = unread.with_columns(
        started_at="shot_at", ended_at="shot_at", reading_count=pl.lit(1, pl.Int64)
    )
    rows = best.join(spans, on="passage", how="left").select(unread.columns)
    return Kept(pl.concat([rows, unread]), pl.concat([own.ledger, merged]))


def _plate_sessions(read: pl.DataFrame) -> pl.Series:
    """Number of the run of equal plates at a device with gaps up to a minute; `read` is sorted."""
    group = ["device_id", "shot_day", "plate"]
    starts = pl.any_horizontal([pl.col(c) != pl.col(c).shift() for c in group]) | (
        pl.col("shot_at") - pl.col("shot_at").shift() > pl.duration(seconds=PLATE_GAP_SECONDS)
    )
    return read.select(starts.fill_null(True).cum_sum().alias("session") - 1).to_series()


def _joined(read: pl.DataFrame) -> pl.Series:
    """Passage of every reading: sessions joined by readings of the other that are easily confused.

    Pairs are looked for among readings of one lane whose plates have the same confusion class,
    within ten seconds, at growing distance until no pair is near enough.
    """
    sessions = int(read["session"].max() or 0) + 1 if read.height else 0  # pyright: ignore[reportArgumentType]
    if sessions == 0:
        return pl.Series("passage", [], dtype=pl.Int64)
    lane = read.select(
        "session", "plate", "device_id", "shot_day", "lane_number", "shot_at", "capture_id",
        looks=confusion_canonical(pl.col("plate")),
    ).filter(pl.col("lane_number").is_not_null())  # fmt: skip
    group = ["device_id", "shot_day", "lane_number", "looks"]
    lane = lane.sort([*group, "shot_at", "capture_id"])
    pairs: list[pl.DataFrame] = []
    distance = 1
    while True:
        near = lane.with_columns(
            other=pl.col("session").shift(distance),
            other_plate=pl.col("plate").shift(distance),
            near=pl.all_horizontal([pl.col(c) == pl.col(c).shift(distance) for c in group])
            & (pl.col("shot_at") - pl.col("shot_at").shift(distance)
               <= pl.duration(seconds=CONFUSED_GAP_SECONDS)),
        ).filter("near")  # fmt: skip
        if near.is_empty():
            break
        pairs.append(
            near.filter(differs_in_one_character(pl.col("plate"), pl.col("other_plate"))).select(
                "session", "other"
            )
        )
        distance += 1
    links = pl.concat(pairs) if pairs else pl.DataFrame({"session": [], "other": []})
    graph = coo_array(
        (np.ones(links.height), (links["session"].to_numpy(), links["other"].to_numpy())),
        shape=(sessions, sessions),
    )
    _, labels = connected_components(graph, directed=False)
    return pl.Series("passage", labels.astype(np.int64)[read["session"].to_numpy()])


def _ledger(
    rows: pl.DataFrame, key: str, happened: str, into: pl.Expr, outcome: str, rule: str | pl.Expr
) -> pl.DataFrame:
    day = pl.col("event_day") if "event_day" in rows.columns else pl.lit(None, pl.Date)
    return rows.select(
        event_day=day,
        entity_id=pl.col(key),
        version_at=pl.col(happened),
        merged_into=into,
        outcome=pl.lit(outcome),
        rule=pl.lit(rule) if isinstance(rule, str) else rule,
    )
