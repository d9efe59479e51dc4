"""silver passages: what cameras saw, each pass by one camera once, no one followed to the next.

Some city days at a time: set aside what an unregistered device sent, put camera clocks right, keep
one version of resent rows, form passages, place them. Rules and their reasons:
`quality/deduplicate.py`; site settings: `schemas/site.py`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

import dagster as dg
import polars as pl

from assets import site_settings
from assets.building import Clean, Outcome, about, build_days, days_at_once, inputs_of, told
from assets.headings import headings_of, unmapped_codes, with_headings
from assets.silver import _clocks as clocks
from assets.silver._device_days import device_days, digests, note_device_days, within_days
from assets.silver.devices import KEYS, placed, placements, split_unregistered
from assets.timing import CITY_DAY, days_wanted
from quality.deduplicate import Kept, newest_per_key
from quality.deduplicate import face_passages as form_face_passages
from quality.deduplicate import vehicle_passages as form_vehicle_passages
from quality.identifiers import plate_class, plate_mask, plate_normalised
from quality.tokens import tokens
from schemas import tables
from schemas.contract import PROVENANCE
from schemas.feeds import BY_NAME, Feed
from schemas.tables import Table
from warehouse import builds
from warehouse.home import Home
from warehouse.lake import Lake


@dataclass(frozen=True)
class Site:
    """What this site knows of its cameras.

    Attributes:
        known: Where registered devices stood when (`placements`).
        offsets: Clocks that are off.
        directions: Direction codes by source; empty for kinds without a direction.
    """

    known: pl.DataFrame
    offsets: pl.DataFrame
    directions: pl.DataFrame


@dataclass(frozen=True)
class Kind:
    """One kind of captured thing: its silver table, its feed, how its passages are formed."""

    table: Table
    feed: Feed
    what: str
    form: Callable[[pl.DataFrame, Site, Home], Kept]
    has_direction: bool = False


def site_of(lake: Lake, kind: Kind) -> Site:
    """What matters for one kind.

    Raises:
        SettingsError: a site table breaks a rule; nothing is built then.
    """
    home = lake.home
    nothing = pl.DataFrame(schema={"device_prefix": pl.String})
    directions = site_settings.directions(home) if kind.has_direction else nothing
    return Site(placements(lake), site_settings.clock_offsets(home), directions)


def day_inputs(lake: Lake, kind: Kind, site: Site) -> dict[str, str]:
    """What each day of a capture table is built from.

    Its files; of the devices seen that day where they stood that day, how their clocks and
    directions were off; and of neighbouring days the files whose captures may belong to it.
    """
    files = builds.arrived(lake, kind.feed.name)
    seen = device_days(lake, kind.feed.name)
    crossing = clocks.crossings(seen, site.offsets)
    coming = crossing.select("device_id", event_day="to_day")
    present = pl.concat([seen, coming.select(seen.columns)]).unique() if coming.height else seen
    parts = [
        digests(within_days(present, site.known)),
        digests(within_days(seen, site.offsets)),
        digests(crossing.with_columns(event_day="to_day")),
    ]
    if not site.directions.is_empty():
        codes = headings_of(present["device_id"], site.directions)
        parts.append(digests(present.join(codes, on="device_id")))
    came_from: dict[str, list[str]] = {}
    for day, to_day in (
        crossing.select("event_day", "to_day").unique().sort("event_day").iter_rows()
    ):
        came_from.setdefault(str(to_day), []).append(files[str(day)])
    days = {*files, *came_from, *_left_behind(lake, kind, {*files, *came_from})}
    return {
        day: inputs_of(
            files.get(day, ""),
            "+".join(came_from.get(day, ())),
            *(one.get(day, "") for one in parts),
        )
        for day in sorted(days)
    }


def _left_behind(lake: Lake, kind: Kind, days: set[str]) -> list[str]:
    """Built days outside `days` that hold only what a corrected clock once moved there.

    Such a day is built again, empty. Any other day without files (its bronze has expired) is not.
    """
    built = builds.parts_of(lake, kind.table)
    others = [day for day, one in built.items() if day not in days and one.rows]
    if not others:
        return []
    held = lake.read(kind.table, ["shot_day", "clock_offset_s"],
                     days=[date.fromisoformat(day) for day in others])  # fmt: skip
    moved = held.group_by("shot_day").agg((pl.col("clock_offset_s") != 0).all()).filter(
        "clock_offset_s"
    )  # fmt: skip
    return [str(day) for day in moved["shot_day"]]


def stale_days(lake: Lake, kind: Kind) -> list[str]:
    """Days that would be rebuilt now.

    Raises:
        SettingsError: a site table breaks a rule.
    """
    return builds.stale(lake, kind.table, day_inputs(lake, kind, site_of(lake, kind)))


def clean_days(
    captures: pl.DataFrame, kind: Kind, site: Site, days: list[date], home: Home
) -> Clean:
    """Passages of some days.

    Args:
        captures: `clocks.captures_of` the days.
        kind: What they are.
        site: What is known of the cameras.
        days: The days.
        home: Holds the token key.
    """
    captures, set_aside = split_unregistered(
        captures.with_columns(event_day="shot_day"), site.known, "capture_id", "shot_at"
    )
    ledgers: list[pl.DataFrame] = []
    if site.offsets.height:
        set_aside = set_aside.filter(pl.col("event_day").is_in(days))
        captures, moves = clocks.corrected(captures, site.offsets, days)
        ledgers.append(moves)
    kept = kind.form(captures, site, home)
    rows = placed(kept.rows.rename({"capture_id": "passage_id"}), site.known, "shot_at")
    if "clock_offset_s" not in rows.columns:
        rows = rows.with_columns(clock_offset_s=pl.lit(0, pl.Int64))
    return Clean(rows, pl.concat([kept.ledger, *ledgers]), set_aside)


def form_vehicles(captures: pl.DataFrame, site: Site, home: Home) -> Kept:
    """Passages of motor vehicles; the plate as mask and day's token, the direction as heading.

    A reading counts as read when its plate has a form of `plate_regex.csv`, or has one once O and
    I, which no plate carries, are taken for 0 and 1.
    """
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
    key = home.key("passage")
    rows = rows.with_columns(plate_token=tokens(key, rows["token_of"])).drop("plate", "token_of")
    return Kept(with_headings(rows, site.directions), kept.ledger)


def mended(plate: pl.Expr) -> pl.Expr:
    """A plate with 0 and 1 where a camera read O and I, after the province character."""
    return pl.concat_str(
        plate.str.slice(0, 1),
        plate.str.slice(1).str.replace_all("O", "0").str.replace_all("I", "1"),
    )


def form_nonmotors(captures: pl.DataFrame) -> Kept:
    """Captures of non-motor vehicles, resent copies removed."""
    return newest_per_key(captures, "capture_id", ("entered_at", "triggered_at"),
                          happened="shot_at", rule="resent_capture")  # fmt: skip


_OF_CAPTURES = (*PROVENANCE, "info_kind", "source_image_id", "image_width_px", "image_height_px",
                "entered_at", "triggered_at", "appeared_at", "disappeared_at")  # fmt: skip
"""Columns a passage does not have; carried along, they cost a headline day 300 MB."""

KINDS = (
    Kind(
        tables.table("silver", "face_passages"),
        BY_NAME["face_captures"],
        "One row per passage of a person at one camera: best shot, number of shots, community.",
        lambda captures, _site, _home: form_face_passages(captures, _OF_CAPTURES),
    ),
    Kind(
        tables.table("silver", "vehicle_passages"),
        BY_NAME["vehicle_captures"],
        "One row per passage of a motor vehicle at one camera; the plate as mask and day's token.",
        form_vehicles,
        has_direction=True,
    ),
    Kind(
        tables.table("silver", "nonmotor_passages"),
        BY_NAME["nonmotor_captures"],
        "One row per capture of a non-motor vehicle, resent copies removed; plates are not kept.",
        lambda captures, _site, _home: form_nonmotors(captures),
    ),
)


def build_passages(lake: Lake, kind: Kind, only: Iterable[str] | None = None) -> Outcome:
    """Rebuild the stale days of one kind.

    Args:
        lake: The lake.
        kind: The kind.
        only: Days that may be rebuilt; None: all.

    Raises:
        SettingsError: a site table breaks a rule; nothing was built.
    """
    site = site_of(lake, kind)
    note_device_days(lake, kind.feed)
    bronze = tables.table("bronze", kind.feed.name)
    crossing = clocks.crossings(device_days(lake, kind.feed.name), site.offsets)

    def clean(days: list[date]) -> Clean:
        captures = clocks.captures_of(lake, bronze, days, crossing)
        return clean_days(captures, kind, site, days, lake.home)

    inputs = day_inputs(lake, kind, site)
    at_once = days_at_once(lake, kind.feed.name)
    return build_days(lake, kind.table, inputs, clean, only=only, at_once=at_once)


def _passages(kind: Kind) -> dg.AssetsDefinition:
    """The asset of one kind."""

    def passages(
        context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]
    ) -> dg.MaterializeResult:
        outcome = build_passages(lake, kind, days_wanted(context))
        metadata = dict(told(outcome).metadata or {})
        if kind.has_direction and (known := site_settings.directions(lake.home)).height:
            metadata["unmapped_direction_codes"] = unmapped_codes(lake, known)
        return dg.MaterializeResult(metadata=metadata)

    return dg.asset(
        **{**about(kind.table, "public-security"), "description": kind.what},
        deps=[["bronze", kind.feed.name], *KEYS],
        kinds={"polars", "deltalake"},
        partitions_def=CITY_DAY,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )(passages)


face_passages, vehicle_passages, nonmotor_passages = (_passages(kind) for kind in KINDS)
