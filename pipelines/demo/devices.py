"""Device register of 示范区: cameras, gates and sensors, with the faults real registers have.

Ids follow GB/T 28181 (`schemas/codes/id_layouts.csv`): 350299 00 00 type 0 serial.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from pipelines.demo.device_moves import moved_rows, note_places
from pipelines.demo.plan import Plan
from pipelines.demo.site import Site
from pipelines.demo.site_files import choose_site
from pipelines.demo.space import CENTRE, Space
from pipelines.demo.tables import spoil, with_rules, write_csv

COUNTS = {
    "camera": ("132", 380, "枪机"),
    "gate": ("121", 100, "卡口"),
    "smoke_sensor": ("134", 897, "烟感"),
    "hydrant_sensor": ("139", 11, "消火栓"),
    "broadcast": ("136", 42, "广播"),
    "lamp_post": ("140", 13, "灯杆"),
}
GHOSTS = {"camera": "35029900001320990001", "gate": "35029900001210990001"}
"""Devices that send but stand in no register."""

CHANGING_ROOM = "35029900001320990002"
"""A camera whose register row is quarantined: what it sends is set aside as well."""

UNKNOWN_COMMUNITY = "350299009099"
OLDER_EVERY, REPEATED = 9, 17
"""Every ninth device has an older version as well; one row is delivered twice."""

_PLACES = ("道路", "小区出入口", "公园", "商场", "学校门口", "楼道")


@dataclass(frozen=True)
class Register:
    """Devices that stand.

    Attributes:
        frame: One row per device as it stands in the end: device_id, device_kind, community_code,
            placed_by.
        rows: What is delivered of them at first, without planted faults.
        later: What is delivered of those that were moved.
        at_point: Community that holds the point of each of `rows`, null where none does.
        site: What else happens to them.
    """

    frame: pl.DataFrame
    rows: pl.DataFrame
    later: pl.DataFrame
    at_point: pl.Series
    site: Site

    def of(self, *kinds: str) -> pl.DataFrame:
        """Devices of some kinds, in register order."""
        return self.frame.filter(pl.col("device_kind").is_in(kinds))


def build_register(plan: Plan, space: Space) -> Register:
    """Make the register."""
    rng = plan.rng("devices")
    kind = np.concatenate([np.full(n, k) for k, (_, n, _) in COUNTS.items()])
    count = len(kind)
    community = rng.choice(len(space.community_codes), count, p=space.weights)
    points, _ = space.points(rng, community)
    code = space.community_codes[community].astype(object)
    draw = rng.random(count)
    # 85 % bring a code; of the others the point decides. Shares of the odd cases are small.
    way = np.select(
        [draw < 0.80, draw < 0.83, draw < 0.975, draw < 0.985, draw < 0.992],
        ["both", "code", "point", "unknown_code", "neither"],
        "outside",
    )
    has_point = ~np.isin(way, ["code", "neither"])
    points[way == "outside"] += np.array([0.4, 0.3])
    at_point = code.copy()
    at_point[~has_point | (way == "outside")] = None
    elsewhere = np.roll(code, 7)
    # Some codes disagree with their point, after a move: the code counts.
    moved = (way == "both") & (rng.random(count) < 0.03)
    code[moved] = elsewhere[moved]
    written = code.copy()
    written[way == "unknown_code"] = UNKNOWN_COMMUNITY
    written[np.isin(way, ["point", "neither", "outside"])] = None
    placed_by = np.select(
        [np.isin(way, ["both", "code"]), np.isin(way, ["point", "unknown_code"])],
        ["code", "point"],
        "unplaced",
    )
    truth = code.copy()
    truth[placed_by == "unplaced"] = None
    rows = _rows(plan, rng, kind, points, has_point, written)
    frame = pl.DataFrame(
        {"device_id": rows["ApeID"], "device_kind": kind, "placed_by": placed_by}
    ).with_columns(pl.Series("community_code", truth.tolist(), dtype=pl.String))
    held = pl.Series(at_point.tolist(), dtype=pl.String)
    if not plan.is_whole:
        return Register(frame, rows, rows.clear(), held, Site())
    # Only devices with one version, placed by their code, are given a part to play.
    number = np.arange(count)
    fit = np.isin(way, ["both", "code"]) & (number % OLDER_EVERY != 0) & (number != REPEATED)
    site = choose_site(plan, frame.filter(pl.Series(fit)))
    later, new_places = moved_rows(plan, space, site, rows, frame)
    frame = frame.update(new_places, on="device_id")
    return Register(frame, rows, later, held, site)


def _rows(
    plan: Plan,
    rng: np.random.Generator,
    kind: np.ndarray,
    points: np.ndarray,
    has_point: np.ndarray,
    code: np.ndarray,
) -> pl.DataFrame:
    serial = np.arange(1, len(kind) + 1)
    ids = [f"3502990000{COUNTS[k][0]}0{n:06d}" for k, n in zip(kind, serial, strict=True)]
    start = plan.all_days[0]
    lon, lat = (
        [f"{p:.6f}" if has else None for p, has in zip(points[:, axis], has_point, strict=True)]
        for axis in (0, 1)
    )
    place = np.array(_PLACES)[rng.integers(0, len(_PLACES), len(kind))]
    online = np.array(["1", "2", "9"])[rng.choice(3, len(kind), p=[0.93, 0.06, 0.01])]
    age = rng.integers(100, 2000, len(kind))
    since = rng.integers(1, 90, len(kind))
    return pl.DataFrame(
        {
            "ApeID": ids,
            "Name": [f"示范{COUNTS[k][2]}{n:04d}号" for k, n in zip(kind, serial, strict=True)],
            "DeviceKind": kind,
            "Longitude": lon,
            "Latitude": lat,
            "CommunityCode": pl.Series(code.tolist(), dtype=pl.String),
            "PlaceType": place,
            "IsOnline": online,
            "InstalledDate": [(start - timedelta(days=int(d))).isoformat() for d in age],
            "UpdatedAt": [f"{start - timedelta(days=int(d))} 09:00:00" for d in since],
        }
    )


def write_devices(plan: Plan, register: Register) -> None:
    """Write the register: older versions, the standing rows, and what was moved since."""
    rng, rows = plan.rng("devices", "files"), register.rows
    first = plan.named_day(plan.all_days[0] - timedelta(days=100))
    older = rows.gather_every(OLDER_EVERY).with_columns(
        pl.col("CommunityCode").reverse(),
        IsOnline=pl.lit("2"),
        UpdatedAt=pl.lit(f"{plan.all_days[0] - timedelta(days=100)} 09:00:00"),
    )
    write_csv(plan, "devices", f"devices-{first}.csv", with_rules(older))
    repeated = rows.slice(REPEATED, 1)
    standing = pl.concat(
        [with_rules(rows), with_rules(repeated), *_faulty(rows.slice(3, 1))]
    ).sample(fraction=1.0, shuffle=True, seed=int(rng.integers(2**31)))
    write_csv(plan, "devices", f"devices-{plan.named_day(plan.last_day)}.csv", standing)
    if len(register.later):
        write_csv(plan, "devices", "devices-moved.csv", with_rules(register.later))
    for part in (older, repeated, register.later):
        for device_id in part["ApeID"].to_list():
            plan.truth.note("superseded", feed="devices", entity_id=device_id, rows=1)
    plan.truth.add("devices", register.frame)
    note_places(plan, register.at_point, rows, older, register.later, register.frame)


def _faulty(row: pl.DataFrame) -> list[pl.DataFrame]:
    """Rows that break exactly the rules stated, on devices of their own."""
    lon, lat = f"{CENTRE[0]:.6f}", f"{CENTRE[1]:.6f}"

    def new(serial: int, rules: list[str], **values: str | None) -> pl.DataFrame:
        good = {"ApeID": f"350299000013209900{serial:02d}", "Longitude": lon, "Latitude": lat}
        return spoil(row, rules, **(good | values))

    swapped = ["latitude_is_within_range", "longitude_is_within_range"]
    return [
        new(2, ["stands_where_filming_is_allowed"], PlaceType="更衣室", ApeID=CHANGING_ROOM),
        new(3, swapped, Longitude=lat, Latitude=lon),
        new(4, swapped, Longitude=lat, Latitude=lon),
        new(5, ["device_kind_is_a_known_code"], DeviceKind="toaster"),
        new(6, ["device_id_is_well_formed"], ApeID="3502990000132099006"),
        new(7, ["longitude_is_readable"], Longitude="东经118度"),
        new(8, ["community_code_is_well_formed"], CommunityCode="35029900100"),
        new(9, ["online_code_is_a_known_code"], IsOnline="7"),
        new(10, ["updated_at_is_present"], UpdatedAt=None),
        new(11, ["installed_day_is_readable"], InstalledDate="去年"),
    ]
