"""The demo district: the same twice, its books close, and a plain reader finds its truth."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest
import zstandard
from landed import lines_of

from pipelines.demo import write_demo

CITY = timezone(timedelta(hours=8))
AS_OF = datetime(2026, 11, 20, 9, tzinfo=CITY)
SMALL = {"days": 3, "scale": 0.001, "as_of": AS_OF}
FEEDS = {"Face": "face", "MotorVehicle": "vehicle", "NonMotorVehicle": "nonmotor"}


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder, **SMALL)
    return folder


def truth(home: Path, table: str) -> pl.DataFrame:
    return pl.read_parquet(home / "demo" / "truth" / f"{table}.parquet")


def digests(home: Path) -> dict[str, str]:
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(home.rglob("*"))
        if path.is_file()
    }


def text_of(path: Path) -> str:
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    elif path.suffix == ".zst":
        data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return data.decode()


def objects_of(message: dict):
    """Objects of one message in document order: kind, object, trigger time of the notification."""
    if "SubscribeNotificationListObject" in message:
        inside = message["SubscribeNotificationListObject"]["SubscribeNotificationObject"]
        for notification in inside:
            for kind in FEEDS:
                for word in (f"{kind}ObjectList", f"{kind}ListObject"):
                    for thing in notification.get(word, {}).get(f"{kind}Object", []):
                        yield kind, thing, notification["TriggerTime"]
        return
    for kind in FEEDS:
        for thing in message.get(f"{kind}ListObject", {}).get(f"{kind}Object", []):
            yield kind, thing, None
        if f"{kind}ID" in message:
            yield kind, message, None


def captures(home: Path):
    """Every object in the landing folder: feed, file, row, item, object, trigger time."""
    broken = set(truth(home, "set_aside_files")["file_name"])
    for path in sorted((home / "landing" / "captures").iterdir()):
        if path.name in broken:
            continue
        text = text_of(path)
        lines = [text] if path.suffix == ".json" else text.splitlines()
        for row, line in enumerate(lines, 1):
            try:
                message = json.loads(line)
            except json.JSONDecodeError:
                yield "face_captures", path.name, row, 1, None, None
                continue
            if "DispositionNotificationListObject" in message:
                yield "captures", path.name, row, 1, message, None
            for item, (kind, thing, trigger) in enumerate(objects_of(message), 1):
                yield f"{FEEDS[kind]}_captures", path.name, row, item, thing, trigger


def table_rows(home: Path, feed: str):
    """Good rows of a CSV feed; the dumbest reading of the two encodings."""
    bad = set(truth(home, "quarantined").select("file_name", "row_number").iter_rows())
    broken = set(truth(home, "set_aside_files")["file_name"])
    for path in sorted((home / "landing" / feed).glob("*.csv")):
        data = path.read_bytes()
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("gb18030", errors="replace")
        for row, values in enumerate(csv.DictReader(io.StringIO(text)), 1):
            if path.name not in broken and (path.name, row) not in bad:
                yield values


def clock(text: str) -> datetime:
    digits = "".join(c for c in text[:19] if c.isdigit())
    return datetime.strptime(digits, "%Y%m%d%H%M%S")


def settings(home: Path, name: str) -> list[dict[str, str]]:
    with (home / "config" / "captures" / name).open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def true_time(home: Path):
    """Device, time by its clock → true time."""
    offsets = settings(home, "clock_offsets.csv")

    def true(device: str, at: datetime) -> datetime:
        for row in offsets:
            since = row["valid_from"] and clock(row["valid_from"]) > at
            until = row["valid_until"] and clock(row["valid_until"]) <= at
            if row["device_id"] == device and not since and not until:
                return at - timedelta(seconds=int(row["offset_seconds"]))
        return at

    return true


@pytest.fixture(scope="module")
def standing(home: Path):
    """Per feed: the newest copy of every object of a registered device that nothing quarantines."""
    bad = set(truth(home, "quarantined").drop("rules").iter_rows())
    registered = set(truth(home, "devices")["device_id"])
    copies: dict[str, dict[str, list]] = defaultdict(lambda: defaultdict(list))
    for feed, file, row, item, thing, trigger in captures(home):
        if feed == "captures" or (feed, file, row, item) in bad:
            continue
        if thing["DeviceID"] in registered:
            id_field = next(f"{k}ID" for k, short in FEEDS.items() if feed.startswith(short))
            newest = max(clock(t) for t in (thing.get("EntryTime"), trigger) if t)
            copies[feed][thing[id_field]].append((newest, thing))
    return {
        feed: {key: max(found, key=lambda c: c[0])[1] for key, found in by_id.items()}
        for feed, by_id in copies.items()
    }


def test_two_writes_give_the_same_bytes(home, tmp_path):
    write_demo(tmp_path, **SMALL)
    assert digests(tmp_path) == digests(home)


def test_a_second_call_writes_nothing(home):
    before = {p: p.stat().st_mtime_ns for p in home.rglob("*") if p.is_file()}
    write_demo(home, **SMALL)
    assert {p: p.stat().st_mtime_ns for p in home.rglob("*") if p.is_file()} == before


def test_a_home_with_real_feeds_is_left_alone(tmp_path):
    real = tmp_path / "landing" / "devices" / "real.csv"
    real.parent.mkdir(parents=True)
    real.write_text("ApeID\n")
    with pytest.raises(ValueError, match="never share a home"):
        write_demo(tmp_path, **SMALL)
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["real.csv"]


def test_another_demo_replaces_the_first(tmp_path):
    write_demo(tmp_path, **SMALL, feeds=["sensing"])
    summary = write_demo(tmp_path, **{**SMALL, "days": 1}, feeds=["fire_alarms"])
    found = {str(p.relative_to(tmp_path / "landing")) for p in (tmp_path / "landing").rglob("*.*")}
    assert found == set(summary.files)
    assert set(summary.rows) == {"areas", "devices", "fire_alarms"}


def test_an_unknown_feed_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no feed"):
        write_demo(tmp_path, **SMALL, feeds=["weather"])


@pytest.mark.parametrize("short", ["face", "vehicle", "nonmotor"])
def test_the_books_of_captures_close(home, short):
    feed = f"{short}_captures"

    def rows(table: str) -> int:
        return len(truth(home, table))

    arrived = truth(home, "arrived").filter(pl.col("feed") == feed)["rows"].sum()
    quarantined = truth(home, "quarantined").filter(pl.col("feed") == feed)
    kept, ledger = rows(f"{short}_passages"), truth(home, f"{short}_merges")
    moved = Counter(ledger["outcome"])
    assert moved["moved_in"] == moved["moved_out"]
    merged = len(ledger) - moved["moved_in"] - moved["moved_out"]
    assert arrived == kept + merged + rows(f"{short}_set_aside") + len(quarantined)


def test_files_hold_what_arrived(home):
    found = Counter((feed, file) for feed, file, *_ in captures(home))
    said = truth(home, "arrived").filter(pl.col("feed").str.ends_with("captures"))
    assert found == Counter({(feed, file): rows for feed, file, rows in said.iter_rows()})
    refused = truth(home, "refused")
    assert refused["rows"].sum() == sum(n for (feed, _), n in found.items() if feed == "captures")


def test_a_plain_loop_finds_the_same_face_passages(home, standing, true_time):
    tracks = defaultdict(list)
    for key, face in standing["face_captures"].items():
        at = clock(face["ShotTime"])
        box = [face[c] for c in ("LeftTopX", "LeftTopY", "RightBtmX", "RightBtmY")]
        area = (box[2] - box[0]) * (box[3] - box[1])
        track = face.get("TrackToken") or key
        true = true_time(face["DeviceID"], at)
        tracks[face["DeviceID"], at.date(), track].append((true, -area, key))
    found = {}
    for (device, _, _), shots in tracks.items():
        passages: list[list] = []
        for shot in sorted(shots):
            last = passages[-1][-1][0] if passages else None
            if last is None or shot[0] - last > timedelta(seconds=30) or shot[0].day != last.day:
                passages.append([])
            passages[-1].append(shot)
        for passage in passages:
            best = min(passage, key=lambda s: (s[1], s[0], s[2]))
            found[best[2]] = (device, best[0].date(), passage)
    said = truth(home, "face_passages")
    assert {(k, d, day, len(p)) for k, (d, day, p) in found.items()} == set(
        said.select("passage_id", "device_id", "shot_day", "shot_count").iter_rows()
    )
    merges = truth(home, "face_merges").filter(pl.col("outcome") == "merged")
    assert set(merges.select("capture_id", "merged_into").iter_rows()) == {
        (shot[2], kept) for kept, (_, _, p) in found.items() for shot in p if shot[2] != kept
    }


CONFUSED = [set("0DQO"), set("8B"), set("1TI"), set("2Z"), set("5S")]


def is_same_vehicle(a: tuple, b: tuple) -> bool:
    gap = abs((a[0] - b[0]).total_seconds())
    if a[1] is None or b[1] is None or len(a[1]) != len(b[1]):
        return False
    if a[1] == b[1]:
        return gap <= 60
    pairs = [{x, y} for x, y in zip(a[1], b[1], strict=True) if x != y]
    near = len(pairs) == 1 and any(pairs[0] <= group for group in CONFUSED)
    return near and gap <= 10 and a[2] == b[2]


def test_a_plain_loop_finds_the_same_vehicle_passages(home, standing, true_time):
    codes = settings(home, "directions.csv")
    gates = defaultdict(list)
    for key, car in standing["vehicle_captures"].items():
        plate = car["PlateNo"].upper().replace("·", "").replace(" ", "")
        plate = None if "-" in plate or plate == "无车牌" else plate
        at = true_time(car["DeviceID"], clock(car["PassTime"]))
        gates[car["DeviceID"], at.date()].append(
            (at, plate, car["LaneNo"], car["PlateReliability"], key)
        )
    found = set()
    for (device, day), readings in gates.items():
        groups: list[list] = []
        for reading in readings:
            mine = [g for g in groups if any(is_same_vehicle(reading, r) for r in g)]
            groups = [g for g in groups if g not in mine] + [sum(mine, [reading])]
        for group in groups:
            best = min(group, key=lambda r: (-r[3], r[0], r[4]))
            masked = best[1] and f"{best[1][:2]}***{best[1][-2:]}"
            own = [c for c in codes if device.startswith(c["device_prefix"])]
            longest = max(len(c["device_prefix"]) for c in own)
            code = standing["vehicle_captures"][best[4]]["Direction"]
            heading = [c["heading"] for c in own if len(c["device_prefix"]) == longest
                       and c["direction_code"] == code]  # fmt: skip
            found.add((best[4], device, day, len(group), masked, *(heading or [None])))
    said = truth(home, "vehicle_passages").drop("community_code", "clock_offset_s")
    assert found == set(said.iter_rows())


def test_a_plain_loop_finds_the_same_cases(home):
    newest = {}
    for row in sorted(table_rows(home, "grid_cases"), key=lambda r: clock(r["更新时间"])):
        newest[row["案卷号"]] = row
    states = {
        number: "cancelled" if row["作废时间"] else "closed" if row["结案时间"] else "open"
        for number, row in newest.items()
    }
    said = truth(home, "cases")
    assert states == dict(said.select("case_number", "state").iter_rows())
    days = {number: clock(row["上报时间"]).date() for number, row in newest.items()}
    assert days == dict(said.select("case_number", "report_day").iter_rows())


def test_a_plain_loop_counts_the_same_residents(home):
    """Records by person as the truth says; where they live by the best source's newest word."""
    known = {code for code in truth(home, "residents")["community_code"] if code}
    bad = set(truth(home, "quarantined").select("feed", "file_name", "row_number").iter_rows())
    person_of = {(s, r): p for s, r, p, _ in truth(home, "person_records").iter_rows()}
    best = {}
    for rank, feed in enumerate(("household", "property", "self", "visits")):
        source = f"population_{feed}"
        newest = {}
        for path in sorted((home / "landing" / source).iterdir()):
            for at, row in enumerate(lines_of(path), 1):
                if (source, path.name, at) in bad:
                    continue
                number = (row.get("公民身份号码") or "").upper()
                record = row.get("登记编号") or row.get("record_id")
                if record is None:  # the old form of a number has neither check digit nor century
                    body = number[:6] + "19" + number[6:] if len(number) == 15 else number[:17]
                    record = next(r for r in (body + c for c in "0123456789X")
                                  if (source, r) in person_of)  # fmt: skip
                said = row.get("更新时间") or row["updated_at"]
                word = (said, row.get("社区编码") or row.get("community_code"))
                newest[record] = max(newest.get(record, ("",)), word)
        for record, (said, code) in newest.items():
            person = person_of[source, record]
            word = (code in known, rank, said, code if code in known else None)
            best[person] = max(best.get(person, (False, -1)), word)
    found = Counter(word[-1] for word in best.values())
    assert found == dict(truth(home, "residents").iter_rows())
