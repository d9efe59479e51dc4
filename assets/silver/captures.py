"""silver passages: what cameras saw, each pass by one camera once, no one followed to the next.

One city day at a time: set aside what an unregistered device sent, keep one version of resent rows,
form passages, place them. Rules and their reasons: `quality/deduplicate.py`.
"""

from datetime import date

import dagster as dg
import polars as pl

from assets.building import Clean, about, build_days, inputs_of, told
from assets.silver.devices import placements
from assets.timing import CITY_DAY
from quality.deduplicate import face_passages as form_face_passages
from quality.deduplicate import newest_per_key
from quality.deduplicate import vehicle_passages as form_vehicle_passages
from quality.identifiers import plate_class, plate_mask, plate_normalised
from quality.tokens import tokens
from schemas import tables
from warehouse import builds
from warehouse.builds import content_fingerprint
from warehouse.lake import Lake

DEVICES = ["silver", "devices"]
UNREGISTERED = "device_is_registered"

FACES = tables.table("silver", "face_passages")
FACE_CAPTURES = tables.table("bronze", "face_captures")
VEHICLES = tables.table("silver", "vehicle_passages")
VEHICLE_CAPTURES = tables.table("bronze", "vehicle_captures")
NONMOTORS = tables.table("silver", "nonmotor_passages")
NONMOTOR_CAPTURES = tables.table("bronze", "nonmotor_captures")

CAPTURES = {FACES: "face_captures", VEHICLES: "vehicle_captures", NONMOTORS: "nonmotor_captures"}


@dg.asset(
    **about(FACES, "public-security"),
    deps=[list(FACE_CAPTURES.key), DEVICES],
    kinds={"polars", "deltalake"},
    partitions_def=CITY_DAY,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def face_passages(
    context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]
) -> dg.MaterializeResult:
    """One row per passage of a person at one camera: best shot, number of shots, community."""
    known = placements(lake)

    def clean(day: date) -> Clean:
        return clean_faces(lake.read(FACE_CAPTURES, days=[day]), known)

    inputs = day_inputs(lake, "face_captures", known)
    return told(build_days(lake, FACES, inputs, clean, context.partition_keys))


@dg.asset(
    **about(VEHICLES, "public-security"),
    deps=[list(VEHICLE_CAPTURES.key), DEVICES],
    kinds={"polars", "deltalake"},
    partitions_def=CITY_DAY,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def vehicle_passages(
    context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]
) -> dg.MaterializeResult:
    """One row per passage of a motor vehicle at one camera; the plate as mask and day's token."""
    known, key = placements(lake), lake.home.key("passage")

    def clean(day: date) -> Clean:
        return clean_vehicles(lake.read(VEHICLE_CAPTURES, days=[day]), known, key)

    inputs = day_inputs(lake, "vehicle_captures", known)
    return told(build_days(lake, VEHICLES, inputs, clean, context.partition_keys))


@dg.asset(
    **about(NONMOTORS, "public-security"),
    deps=[list(NONMOTOR_CAPTURES.key), DEVICES],
    kinds={"polars", "deltalake"},
    partitions_def=CITY_DAY,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def nonmotor_passages(
    context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]
) -> dg.MaterializeResult:
    """One row per capture of a non-motor vehicle, resent copies removed; plates are not kept."""
    known = placements(lake)

    def clean(day: date) -> Clean:
        return clean_nonmotors(lake.read(NONMOTOR_CAPTURES, days=[day]), known)

    inputs = day_inputs(lake, "nonmotor_captures", known)
    return told(build_days(lake, NONMOTORS, inputs, clean, context.partition_keys))


def day_inputs(lake: Lake, feed: str, known: pl.DataFrame) -> dict[str, str]:
    """What each day of a capture table is built from: its files and where devices stand."""
    devices = content_fingerprint(known)
    return {day: inputs_of(files, devices) for day, files in builds.arrived(lake, feed).items()}


def clean_faces(captures: pl.DataFrame, known: pl.DataFrame) -> Clean:
    """Passages of one day.

    Args:
        captures: bronze.face_captures of the day.
        known: Registered devices with their communities.
    """
    captures, set_aside = split_unregistered(captures, known)
    kept = form_face_passages(captures)
    rows = kept.rows.rename({"capture_id": "passage_id"}).join(known, on="device_id", how="left")
    return Clean(rows, kept.ledger, set_aside)


def split_unregistered(
    captures: pl.DataFrame, known: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of registered devices, and a set-aside row for every other."""
    own = captures.join(known.select("device_id"), on="device_id", how="semi")
    others = captures.join(known.select("device_id"), on="device_id", how="anti")
    return own, others.select(
        entity_id="capture_id", version_at="shot_at", rule=pl.lit(UNREGISTERED)
    )


def clean_vehicles(captures: pl.DataFrame, known: pl.DataFrame, key: bytes) -> Clean:
    """Passages of motor vehicles of one day.

    A reading counts as read when its plate has a form of `plate_regex.csv`, or has one once O and
    I, which no plate carries, are taken for 0 and 1.

    Args:
        captures: bronze.vehicle_captures of the day.
        known: Registered devices with their communities.
        key: Token key of the passage topic.
    """
    captures, set_aside = split_unregistered(captures, known)
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
    """Captures of non-motor vehicles of one day, resent copies removed.

    Args:
        captures: bronze.nonmotor_captures of the day.
        known: Registered devices with their communities.
    """
    captures, set_aside = split_unregistered(captures, known)
    kept = newest_per_key(captures, "capture_id", ("entered_at", "triggered_at"),
                          happened="shot_at", rule="resent_capture")  # fmt: skip
    rows = kept.rows.rename({"capture_id": "passage_id"}).join(known, on="device_id", how="left")
    return Clean(rows, kept.ledger, set_aside)
