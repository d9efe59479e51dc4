"""silver passages: what cameras saw, each pass by one camera once, no one followed to the next.

One city day at a time: set aside what an unregistered device sent, keep one version of resent rows,
form passages, place them. Rules and their reasons: `quality/deduplicate.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import dagster as dg
import polars as pl

from assets.building import Clean, about, build_days, days_at_once, inputs_of, told
from assets.silver.devices import placements, split_unregistered
from assets.timing import CITY_DAY, days_wanted
from quality.deduplicate import face_passages as form_face_passages
from quality.deduplicate import newest_per_key
from quality.deduplicate import vehicle_passages as form_vehicle_passages
from quality.identifiers import plate_class, plate_mask, plate_normalised
from quality.tokens import tokens
from schemas import tables
from schemas.tables import Table
from warehouse import builds
from warehouse.builds import content_fingerprint
from warehouse.lake import Lake

CleanCaptures = Callable[[pl.DataFrame, pl.DataFrame, Lake], Clean]


@dataclass(frozen=True)
class Kind:
    """One kind of captured thing: its silver table, its feed, how its days are cleaned."""

    table: Table
    feed: str
    what: str
    clean: CleanCaptures


def day_inputs(lake: Lake, feed: str, known: pl.DataFrame) -> dict[str, str]:
    """What each day of a capture table is built from: its files and where devices stand."""
    devices = content_fingerprint(known)
    return {day: inputs_of(files, devices) for day, files in builds.arrived(lake, feed).items()}


def clean_faces(captures: pl.DataFrame, known: pl.DataFrame) -> Clean:
    """Passages of people, of some days.

    Args:
        captures: bronze.face_captures of the days.
        known: Registered devices with their communities.
    """
    captures, set_aside = split_captures(captures, known)
    kept = form_face_passages(captures)
    rows = kept.rows.rename({"capture_id": "passage_id"}).join(known, on="device_id", how="left")
    return Clean(rows, kept.ledger, set_aside)


def split_captures(
    captures: pl.DataFrame, known: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Captures of registered devices, and a set-aside row for every other."""
    captures = captures.with_columns(event_day="shot_day")
    return split_unregistered(captures, known, "capture_id", "shot_at")


def clean_vehicles(captures: pl.DataFrame, known: pl.DataFrame, key: bytes) -> Clean:
    """Passages of motor vehicles, of some days.

    A reading counts as read when its plate has a form of `plate_regex.csv`, or has one once O and
    I, which no plate carries, are taken for 0 and 1.

    Args:
        captures: bronze.vehicle_captures of the days.
        known: Registered devices with their communities.
        key: Token key of the passage topic.
    """
    captures, set_aside = split_captures(captures, known)
    normal = plate_normalised(pl.col("plate_number"))
    captures = captures.with_columns(
        plate=pl.when(plate_class(mended(normal)).is_not_null()).then(normal)
    ).drop("plate_number")
    kept = form_vehicle_passages(captures)
    rows = kept.rows.with_columns(plate=mended(pl.col("plate"))).with_columns(
        plate_mask=plate_mask(pl.col("plate")),
        plate_kind=plate_class(pl.col("plate")),
        token_of=pl.concat_str("device_id", "shot_day", "plate", separator="|"),
    )
    rows = rows.with_columns(plate_token=tokens(key, rows["token_of"])).drop("plate", "token_of")
    rows = rows.rename({"capture_id": "passage_id"}).join(known, on="device_id", how="left")
    return Clean(rows, kept.ledger, set_aside)


def mended(plate: pl.Expr) -> pl.Expr:
    """A plate with 0 and 1 where a camera read O and I, after the province character."""
    return pl.concat_str(
        plate.str.slice(0, 1),
        plate.str.slice(1).str.replace_all("O", "0").str.replace_all("I", "1"),
    )


def clean_nonmotors(captures: pl.DataFrame, known: pl.DataFrame) -> Clean:
    """Captures of non-motor vehicles of some days, resent copies removed.

    Args:
        captures: bronze.nonmotor_captures of the days.
        known: Registered devices with their communities.
    """
    captures, set_aside = split_captures(captures, known)
    kept = newest_per_key(captures, "capture_id", ("entered_at", "triggered_at"),
                          happened="shot_at", rule="resent_capture")  # fmt: skip
    rows = kept.rows.rename({"capture_id": "passage_id"}).join(known, on="device_id", how="left")
    return Clean(rows, kept.ledger, set_aside)


KINDS = (
    Kind(
        tables.table("silver", "face_passages"),
        "face_captures",
        "One row per passage of a person at one camera: best shot, number of shots, community.",
        lambda captures, known, _: clean_faces(captures, known),
    ),
    Kind(
        tables.table("silver", "vehicle_passages"),
        "vehicle_captures",
        "One row per passage of a motor vehicle at one camera; the plate as mask and day's token.",
        lambda captures, known, lake: clean_vehicles(captures, known, lake.home.key("passage")),
    ),
    Kind(
        tables.table("silver", "nonmotor_passages"),
        "nonmotor_captures",
        "One row per capture of a non-motor vehicle, resent copies removed; plates are not kept.",
        lambda captures, known, _: clean_nonmotors(captures, known),
    ),
)


def _passages(kind: Kind) -> dg.AssetsDefinition:
    """The asset of one kind."""
    bronze = tables.table("bronze", kind.feed)

    def passages(
        context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.MaterializeResult:
        known = placements(lake)

        def clean(days: list[date]) -> Clean:
            return kind.clean(lake.read(bronze, days=days), known, lake)

        inputs = day_inputs(lake, kind.feed, known)
        at_once = days_at_once(lake, kind.feed)
        outcome = build_days(
            lake, kind.table, inputs, clean, only=days_wanted(context), at_once=at_once
        )
        return told(outcome)

    return dg.asset(
        **{**about(kind.table, "public-security"), "description": kind.what},
        deps=[list(bronze.key), ["silver", "devices"]],
        kinds={"polars", "deltalake"},
        partitions_def=CITY_DAY,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )(passages)


face_passages, vehicle_passages, nonmotor_passages = (_passages(kind) for kind in KINDS)
