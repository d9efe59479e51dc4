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
from schemas import tables
from warehouse import builds
from warehouse.builds import content_fingerprint
from warehouse.lake import Lake

DEVICES = ["silver", "devices"]
UNREGISTERED = "device_is_registered"

FACES = tables.table("silver", "face_passages")
FACE_CAPTURES = tables.table("bronze", "face_captures")


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


def day_inputs(lake: Lake, feed: str, known: pl.DataFrame) -> dict[str, str]:
    """What each day of a capture table is built from: its files and where devices stand."""
    devices = content_fingerprint(known)
    return {
        day: inputs_of(files, devices) for day, files in builds.arrived(lake, feed).items()
    }


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
