"""What the bare scripts share, for none of it is what is measured: file names and device places.

Not here: reading, judging or cleaning captures. Every rival does that by itself.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import shapely

KINDS = ("face", "vehicle", "nonmotor")
_MAGIC = {".gz": b"\x1f\x8b", ".zst": b"\x28\xb5\x2f\xfd"}
_UNPACKED = {".gz": 11, ".zst": 12}  # roughly how many times captures shrink

DEVICE_KINDS = {"camera", "gate", "smoke_sensor", "hydrant_sensor", "water_sensor", "broadcast",
                "lamp_post"}  # fmt: skip
NO_FILMING = {"宿舍", "客房", "浴室", "更衣室", "卫生间", "母婴室"}


@dataclass
class Files:
    """Readable capture files by what they hold: bare lines and posts of a kind, mixed messages."""

    bare: dict[str, list[Path]] = field(default_factory=lambda: {k: [] for k in KINDS})
    posts: dict[str, list[Path]] = field(default_factory=lambda: {k: [] for k in KINDS})
    documents: dict[str, list[Path]] = field(default_factory=lambda: {k: [] for k in KINDS})
    notifications: list[Path] = field(default_factory=list)
    set_aside: list[Path] = field(default_factory=list)


def capture_files(landing: Path) -> Files:
    """Sort the capture files by their names; damaged ones are set aside whole."""
    files = Files()
    for path in sorted((landing / "captures").iterdir()):
        with path.open("rb") as stream:
            head = stream.read(4)
        if not head or not head.startswith(_MAGIC.get(path.suffix, b"")):
            files.set_aside.append(path)
            continue
        if path.name.startswith("notifications-"):
            files.notifications.append(path)
            continue
        kind = next(k for k in KINDS if path.name.startswith(f"{k}s-"))
        if path.suffix != ".json":
            (files.posts if "-posts." in path.name else files.bare)[kind].append(path)
        elif _is_json(path):
            files.documents[kind].append(path)
        else:
            files.set_aside.append(path)
    return files


def batches(paths: list[Path], most_bytes: int) -> list[list[Path]]:
    """Files in groups of about so many unpacked bytes."""
    groups: list[list[Path]] = []
    size = 0
    for path in paths:
        own = path.stat().st_size * _UNPACKED.get(path.suffix, 1)
        if not groups or size + own > most_bytes:
            groups.append([])
            size = 0
        groups[-1].append(path)
        size += own
    return groups


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return False
    return True


def places(landing: Path) -> tuple[str, list[tuple[str, str | None]]]:
    """The district, and its registered devices with their communities.

    A device is placed by its code where that is known, else by its point, else not at all.
    """
    areas = _areas(landing)
    district = next(code for code, tier, _ in areas if tier == "district")
    shapes = {code: shape for code, tier, shape in areas if tier == "community"}
    codes = sorted(shapes)
    tree = shapely.STRtree([shapes[code] for code in codes])
    newest: dict[str, tuple[datetime, dict[str, str]]] = {}
    for path in sorted((landing / "devices").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                at = _device_fault_free(row)
                if at and (row["ApeID"] not in newest or at > newest[row["ApeID"]][0]):
                    newest[row["ApeID"]] = at, row
    found: list[tuple[str, str | None]] = []
    for device_id, (_, row) in newest.items():
        place = row["CommunityCode"] if row["CommunityCode"] in shapes else None
        if place is None and row["Longitude"] and row["Latitude"]:
            point = shapely.Point(float(row["Longitude"]), float(row["Latitude"]))
            hits = tree.query(point, predicate="intersects")
            place = min((codes[hit] for hit in hits), default=None)
        found.append((device_id, place))
    return district, sorted(found)


def _areas(landing: Path) -> list[tuple[str, str, shapely.Geometry]]:
    rows = []
    for path in sorted((landing / "areas").glob("*.geojson")):
        for feature in json.loads(path.read_text())["features"]:
            own = feature["properties"]
            code = own.get("area_code") or own.get("code")
            tier = own.get("tier") or own.get("level")
            rows.append((code, tier, shapely.from_geojson(json.dumps(feature["geometry"]))))
    return rows


def _device_fault_free(row: dict[str, str]) -> datetime | None:
    """When a register row was written, if it breaks none of the register's rules."""
    try:
        updated = datetime.fromisoformat(row["UpdatedAt"])
        if row["InstalledDate"]:
            date.fromisoformat(row["InstalledDate"])
        lon, lat = float(row["Longitude"] or 100), float(row["Latitude"] or 30)
    except (TypeError, ValueError):
        return None
    community, filming = row["CommunityCode"], row["DeviceKind"] in ("camera", "gate")
    holds = (
        len(row["ApeID"]) == 20 and row["ApeID"].isdigit(),
        row["DeviceKind"] in DEVICE_KINDS,
        73 <= lon <= 136 and 3 <= lat <= 54,
        not community or (len(community) == 12 and community.isdigit()),
        row["IsOnline"] in ("", "1", "2", "9"),
        not (filming and row["PlaceType"] in NO_FILMING),
        len(row["Name"]) <= 100 and len(row["PlaceType"]) <= 40,
    )
    return updated if all(holds) else None
