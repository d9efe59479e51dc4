"""JSON readers on real files: wire forms of GA/T 1400, NDJSON, compression, numbering."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
import zstandard

from quality.judging import Judged, judge
from schemas.contract import wire_columns
from schemas.feeds import BY_NAME, sources
from warehouse.readers import Chunk, UnreadableFile
from warehouse.readers.objects import ObjectReader

DEVICE = "35029900001190000012"
SECRET = "forbidden-value"


def _object(kind: str, subtype: str, n: int, more: dict) -> dict:
    at = f"202504010830{n % 60:02d}"
    image = f"{DEVICE}02{at}{n:05d}"
    picture = {"ImageID": image, "Type": "14", "Width": 1920, "Height": 1080, "Data": SECRET}
    return {
        f"{kind}ID": f"{image}{subtype}{n:05d}", "InfoKind": 1, "SourceID": image,
        "DeviceID": DEVICE, "LeftTopX": 100, "LeftTopY": 100, "RightBtmX": 900, "RightBtmY": 700,
        "SubImageList": {"SubImageInfoObject": [picture]}, **_times(kind, at), **more,
    }  # fmt: skip


def _times(kind: str, at: str) -> dict:
    if kind == "Face":
        return {"ShotTime": at, "FaceAppearTime": at, "FaceDisAppearTime": at}
    return {"PassTime" if kind == "MotorVehicle" else "AppearTime": at, "EntryTime": at}


def face(n: int = 1, **more) -> dict:
    return _object("Face", "06", n, {"IsSuspectedTerrorist": SECRET, "GenderCode": SECRET, **more})


def vehicle(n: int = 1, **more) -> dict:
    return _object("MotorVehicle", "02", n, {"PlateNo": "闽D00000", "HasPlate": True, **more})


def nonmotor(n: int = 1, **more) -> dict:
    return _object("NonMotorVehicle", "03", n, more)


def post(*faces: dict) -> dict:
    return {"FaceListObject": {"FaceObject": list(faces)}}


def notification(faces: object, vehicles: object = None, **more) -> dict:
    inner = {"NotificationID": "n", "TriggerTime": "20250401083500", **more,
             "MotorVehicleObjectList": {"MotorVehicleObject": vehicles},
             "FaceObjectList": {"FaceObject": faces}}  # fmt: skip
    return {"SubscribeNotificationListObject": {"SubscribeNotificationObject": [inner]}}


def as_lines(*objects: object) -> str:
    return "".join(json.dumps(o, ensure_ascii=False) + "\n" for o in objects)


class Book(Chunk):
    """All chunks of a file together."""

    def ids(self, feed: str) -> list[tuple[int, int, str]]:
        rows = self.rows.get(feed)
        return [] if rows is None else rows.select("row_number", "item_number",
                                                   next(iter(wire_columns(BY_NAME[feed].contract)))
                                                   ).rows()  # fmt: skip

    def places(self) -> list[tuple[int, int]]:
        return [(b.row_number, b.item_number) for b in self.broken]


def judged_of(book: Book, feed: str) -> Judged:
    return judge(BY_NAME[feed].contract, book.rows[feed].with_columns(file_id=pl.lit("f")))


@pytest.fixture
def read(tmp_path: Path):
    def take(data: str | bytes, name: str = "a.ndjson", source: str = "captures") -> Book:
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        book = Book()
        for chunk in ObjectReader(sources()[source])(path):
            for feed, rows in chunk.rows.items():
                book.rows[feed] = pl.concat(
                    [book.rows[feed], rows] if feed in book.rows else [rows]
                )
            book.broken += chunk.broken
            book.refused += chunk.refused
            book.dropped += chunk.dropped
            book.unknown += chunk.unknown
        assert SECRET not in str([rows.rows() for rows in book.rows.values()])
        return book

    return take


def test_a_bare_object_per_line_goes_to_the_feed_of_its_id(read):
    book = read(as_lines(face(1), vehicle(2), nonmotor(3), face(4)))
    assert book.ids("face_captures") == [(1, 1, face(1)["FaceID"]), (4, 1, face(4)["FaceID"])]
    assert book.ids("vehicle_captures") == [(2, 1, vehicle(2)["MotorVehicleID"])]
    assert book.ids("nonmotor_captures") == [(3, 1, nonmotor(3)["NonMotorVehicleID"])]
    assert book.rows["vehicle_captures"]["plate_number"].to_list() == ["闽D00000"]


def test_posts_notifications_and_bare_objects_may_stand_in_one_file(read):
    book = read(as_lines(post(face(1), face(2)), face(3), notification([face(4)], [vehicle(5)])))
    rows, vehicles = book.ids("face_captures"), book.ids("vehicle_captures")
    assert sorted((row, item) for row, item, _ in rows) == [(1, 1), (1, 2), (2, 1), (3, 1)]
    assert [(row, item) for row, item, _ in vehicles] == [(3, 2)]
    assert not book.broken


def test_the_sample_of_dirty_vehicles_gives_three_equal_rows(read):
    dirty = [
        {"PassTime": "2025-04-01 08:30:01", "HasPlate": "1", "PlateColor": "5", "Speed": "42.5"},
        {"PassTime": "2025-04-01T08:30:01+08:00", "HasPlate": "是", "PlateColor": 5, "Speed": 42.5},
        {"PassTime": "20250401083001", "HasPlate": True, "PlateColor": 5, "Speed": 42.50},
    ]
    vehicles = [vehicle(1, **one) for one in dirty]
    message = {"MotorVehicleListObject": {"MotorVehicleObject": vehicles}}
    judged = judged_of(read(json.dumps(message, indent=1), "a.json"), "vehicle_captures")
    assert judged.accepted.drop("item_number").unique().height == 1
    assert judged.quarantined.is_empty()


@pytest.mark.parametrize("message", [
    post(face(1)), [post(face(1))], [face(1)], face(1),
    {"FaceObjectList": {"FaceObject": [face(1)]}}, {"FaceListObject": {"FaceObject": face(1)}},
    notification(face(1)), {"SubscribeNotificationObject": notification([face(1)])},
])  # fmt: skip
@pytest.mark.parametrize("indent", [None, 1])
def test_every_wrapping_of_one_face_gives_that_face(read, message, indent):
    text = json.dumps(message, indent=indent)
    for name in ("a.json", "a.JSON.gz"):
        data = gzip.compress(text.encode()) if name.endswith("gz") else text
        assert read(data, name).ids("face_captures") == [(1, 1, face(1)["FaceID"])]
    if indent is None:
        assert read("\n \t\n\t " + text).ids("face_captures") == [(3, 1, face(1)["FaceID"])]


def test_notified_objects_carry_the_trigger_time_of_their_notification(read):
    book = read(json.dumps(notification([face(1)], [vehicle(2)]), indent=1), "a.json")
    assert book.rows["face_captures"]["triggered_at"].to_list() == ["20250401083500"]
    accepted = judged_of(book, "face_captures").accepted
    assert accepted["triggered_at"].dt.strftime("%H:%M").to_list() == ["00:35"]


def test_boxes_are_measured_in_the_source_picture_not_in_a_crop(read):
    one = face(1)
    crop = {"ImageID": "crop", "Width": 10, "Height": 10}
    one["SubImageList"]["SubImageInfoObject"].insert(0, crop)
    assert read(as_lines(one)).rows["face_captures"]["image_width_px"].to_list() == ["1920"]


@pytest.mark.parametrize("pack", [lambda b: b, lambda b: b"\xef\xbb\xbf" + b])
@pytest.mark.parametrize("suffix", ["", ".gz", ".zst", ".GZ"])
def test_compression_and_byte_order_marks_change_nothing(read, pack, suffix):
    data = pack(as_lines(face(1), "", face(3)).replace('""\n', "\n").encode())
    packed = {"": lambda b: b, ".gz": gzip.compress, ".zst": zstandard.compress}
    book = read(packed[suffix.lower()](data), f"a.ndjson{suffix}")
    assert [row for row, _, _ in book.ids("face_captures")] == [1, 3]
    assert not book.broken


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_packed_parts_follow_each_other_and_a_missing_end_is_noticed(read, suffix):
    pack = gzip.compress if suffix == "gz" else zstandard.compress
    data = pack(as_lines(face(1)).encode()) + pack(as_lines(face(2)).encode())
    assert len(read(data, f"a.ndjson.{suffix}").ids("face_captures")) == 2
    for damaged in (data[:-1], data[: len(data) // 2 - 9], data + b"tail"):
        with pytest.raises(UnreadableFile, match="damaged or truncated"):
            read(damaged, f"a.ndjson.{suffix}")
    with pytest.raises(UnreadableFile, match="empty"):
        read(pack(b""), f"a.ndjson.{suffix}")


@pytest.mark.parametrize("wrapped", [
    {"DispositionListObject": {"DispositionObject": [face(1)]}},
    {"DispositionNotificationObject": {"FaceObject": [face(1)]}},
    notification([face(1)], DispositionObjectList={"DispositionObject": [{"Name": SECRET}]}),
    [post(face(1)), {"DispositionObject": {"IDNumber": SECRET}}],
    face(1, DispositionObject={"Reason": SECRET}),
])  # fmt: skip
def test_a_watch_list_message_is_refused_whole_wherever_the_entry_stands(read, wrapped):
    book = read(as_lines(face(2), wrapped, face(3)))
    assert book.refused == 1
    assert sorted(row for row, _, _ in book.ids("face_captures")) == [1, 3]
    assert read(json.dumps(wrapped, indent=2), "a.json").refused == 1


def test_nothing_is_taken_from_deeper_than_watch_lists_are_sought(read):
    message: object = {**post(face(1)), "DispositionObject": {}}
    for depth in range(30):
        message = {"SubscribeNotificationObject": [message]}
        book = read(as_lines(message))
        assert book.refused == 1 or not book.rows
        assert depth > 5 or book.refused == 1


def test_forbidden_fields_are_counted_by_name_and_unknown_ones_too(read):
    book = read(as_lines(face(1, VendorScore=SECRET), post(face(2, VendorScore=SECRET))))
    assert book.dropped == Counter(IsSuspectedTerrorist=2, GenderCode=2, Data=2)
    assert book.unknown == Counter(VendorScore=2)
    book = read(as_lines(notification([face(1)], Name=SECRET, VendorNote=SECRET)))
    assert book.dropped == Counter(IsSuspectedTerrorist=1, GenderCode=1, Data=1, Name=1)
    assert book.unknown == Counter(VendorNote=1)


@pytest.mark.parametrize("field", ["TrackToken", "DeviceID", "FaceAppearTime", "LeftTopX"])
@pytest.mark.parametrize("value", [{"IDNumber": SECRET}, [SECRET], [[{"Data": SECRET}]]])
def test_a_forbidden_value_cannot_hide_below_an_allowed_field(read, field, value):
    for line in (face(1, **{field: value}), post(face(1, **{field: value}))):
        judged = judged_of(read(as_lines(line)), "face_captures")
        assert judged.accepted.is_empty()
        assert any(rule.endswith("is_readable") for rule in judged.quarantined["rules"][0])
        assert SECRET not in str(judged.quarantined.rows())
    book = read(as_lines(notification([face(1)], TriggerTime=value)))
    assert SECRET not in str(book.rows["face_captures"].rows())


@pytest.mark.parametrize("bad", [
    '{"FaceID": "1"', "[", "[1, 2", "not json", '"text"', "17", '{"FaceID":"\\ud800"}', "NaN",
    '{"FaceListObject": {"FaceObject": [', '{"FaceListObject": {"FaceObject": []}}', "\x00",
    '{"FaceListObject": 7}', '{"FaceListObject": {"FaceObject": [7]}}', "[" * 10_000,
    '{"FaceID":' * 10_000, '{"FaceListObject":' * 900 + "{}" + "}" * 900,
])  # fmt: skip
def test_a_broken_line_costs_itself_only_and_is_named_by_number(read, bad):
    book = read(as_lines(face(1)) + bad + "\n" + as_lines(face(3)))
    assert [row for row, _, _ in book.ids("face_captures")] == [1, 3]
    assert book.places() == [(2, 1)]
    assert bad not in book.broken[0].detail


def test_nesting_close_to_what_python_can_hold_is_no_crash(read):
    for depth in range(800, 1000, 2):
        inner = '{"Extra":' * depth + "1" + "}" * depth
        message = post({"FaceID": "1", "Extra": 0})
        lines = ['{"FaceListObject":' * depth + "{}" + "}" * depth,
                 json.dumps(message).replace('"Extra": 0', f'"Extra": {inner}')]  # fmt: skip
        book = read("\n".join(lines) + "\n")
        met = {row for row, *_ in (*book.places(), *book.ids("face_captures"))}
        assert met == {1, 2}


def test_items_of_a_message_are_numbered_through_its_broken_ones(read):
    message = {"FaceListObject": {"FaceObject": [face(1), 7, face(3), {"FaceID": "\ud800"}]}}
    book = read(json.dumps(message))
    assert [item for _, item, _ in book.ids("face_captures")] == [1, 3]
    assert book.places() == [(1, 2), (1, 4)]


def test_a_damaged_first_line_does_not_make_a_document_of_a_file_of_lines(read):
    book = read('{"FaceID": "35\n' + as_lines(face(2), face(3)), "a.json")
    assert [row for row, _, _ in book.ids("face_captures")] == [2, 3]
    assert book.places() == [(1, 1)]
    whole = json.dumps(post(face(1)), indent=1)
    with pytest.raises(UnreadableFile, match="neither one message nor one per line"):
        read(whole[:-9], "a.json")


def test_lines_beyond_8_mib_are_reported_wherever_they_stand(read):
    long = '{"FaceID":"' + "9" * (10 << 20) + '"}\n'
    filler = as_lines(*(face(n) for n in range(9000, 9007)))
    for before in ("", filler, filler * 1100):
        book = read(before + long + as_lines(face(5)))
        rows = before.count("\n")
        assert book.places() == [(rows + 1, 1)]
        assert "longer than 8 MiB" in book.broken[0].detail
        assert [row for row, _, _ in book.ids("face_captures")][-1] == rows + 2


def test_text_in_another_encoding_spoils_only_the_values_it_stands_in(read):
    lines = as_lines(vehicle(1)).encode() + as_lines(vehicle(2)).encode("gb18030")
    plates = read(lines + as_lines(vehicle(3)).encode()).rows["vehicle_captures"]["plate_number"]
    assert plates.to_list()[::2] == ["闽D00000"] * 2
    assert "\ufffd" in plates[1]


def test_sensor_readings_are_never_taken_for_messages(read):
    reading = {"reading_id": "r1", "device_id": DEVICE, "quantity": "smoke",
               "value": 0, "read_at": "2026-11-01 00:00:00",
               "sent_at": "2026-11-01T00:00:01+08:00"}  # fmt: skip
    odd = {**reading, "ListObject": {"x": SECRET}, "批次": 1}
    book = read(as_lines(reading, odd, [reading, 5]), source="sensor_readings")
    assert sorted((r, i) for r, i, _ in book.ids("sensor_readings")) == [(1, 1), (2, 1), (3, 1)]
    assert book.unknown == Counter({"ListObject": 1, "批次": 1})
    assert book.places() == [(3, 2)]


def test_the_reader_agrees_with_a_plain_loop_over_random_objects(read):
    rng = random.Random(7)
    wires = {c: w for c, w in wire_columns(BY_NAME["face_captures"].contract).items()
             if not {"Width", "Height"} & set(w)}  # fmt: skip
    names = sorted({n for wire in wires.values() for n in wire if not n.endswith("VehicleID")})
    values = ["x", "闽D\t\"'\\", "", 0, -7, 2**40, True, False, None, "\U0001f600", "a\u0000b"]
    objects = [{"FaceID": str(n), **{rng.choice(names): rng.choice(values) for _ in range(9)}}
               for n in range(400)]  # fmt: skip
    text = {True: "true", False: "false"}

    def plain(one: dict, wire: tuple[str, ...]) -> str | None:
        found = [one[name] for name in wire if one.get(name) is not None]
        return (text[found[0]] if isinstance(found[0], bool) else str(found[0])) if found else None

    book = read(as_lines(*objects))
    expected = [{c: plain(one, wire) for c, wire in wires.items()} for one in objects]
    assert book.rows["face_captures"].select(list(wires)).to_dicts() == expected
