"""Known good rows of five feeds, and ways to damage them: the material of `test_reader_fuzz.py`."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from datetime import datetime

import xlsxwriter
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from schemas.feeds import BY_NAME, sources
from warehouse.readers.objects import ObjectReader
from warehouse.readers.shapes import GeoJsonReader
from warehouse.readers.tables import CsvReader, XlsxReader

EXAMPLES = int(os.environ.get("GOVLAKE_FUZZ_EXAMPLES", "60"))


def fuzz(examples: int = EXAMPLES) -> settings:
    """Settings of a fuzz test: the same files every time unless a number of them was asked for."""
    return settings(max_examples=examples, deadline=None, database=None, print_blob=True,
                    derandomize="GOVLAKE_FUZZ_EXAMPLES" not in os.environ,
                    suppress_health_check=list(HealthCheck))  # fmt: skip


# --- damage ---------------------------------------------------------------------------------------

ODD_JSON = [
    "null", "true", "[]", "{}", '""', "NaN", "-Infinity", "1e400", "-1e-400", "-0", "0x1", "1.",
    "01", "'x'", r'"\ud800"', r'"\udc00\ud800"', r'"\u0000"', '"\x00"', '"\x1f"', "undefined",
    '{"Data":"x"}', '[[{"a":1}]]', '{"type":"Point","coordinates":[1e308,-1e308]}',
    '{"type":"Point","coordinates":["x"]}', '{"type":"Point","coordinates":[NaN,1]}',
    '{"type":"Polygon","coordinates":[[[0,0],[1,1],[1,0],[0,1],[0,0]]]}',
    '{"type":"GeometryCollection","geometries":[{"type":"GeometryCollection","geometries":[]}]}',
]  # fmt: skip
HUGE = {"9": "", "[": "]", '{"a":': "}", '"长': '"'}  # beginning of a value → its end
ODD_TEXT = [
    "", " ", "\ufffd", "\x00", "x\x00", "\u202e", "\ufeff", "nan", "-inf", "1e999", "1_000",
    "-9223372036854775809", "9" * 60, "١٢٣", "２０２６１１０１００００００", "20260230000000",
    "00000000000000", "99999999999999", "2026-13-45 99:99:99", "2026年13月1日", "2026/1/1 1:00",
    "9999-12-31T23:59:59.999999999+14:00", "0001-01-01T00:00:00-99:99", "2026-11-01 23:59:60",
    "2026-11-01T08:00:00+08:60", "1900-01-01 00:00:00.1234567890", "2026-11-01 24:00:00", "=1+1",
    '"', '"a\nb', ",,,", "\r",
]  # fmt: skip
ODD_BYTES = [
    b"\x00", b"\xff\xfe", b"\xc3(", b"\x80", b"\xed\xa0\x80", b"\xc4\n\xc4", b"\x810", b'"', b"\\",
    b",", b"{", b"[", b"}", b"\n", b"\r", b"\r\n", b'"Disposition', b'ListObject"', b"\xef\xbb\xbf",
    b"\xe2\x80\xa8", "长\u3000".encode(), "\U00020bb7".encode("gb18030"),
]  # fmt: skip

odd_text = st.sampled_from(ODD_TEXT) | st.text(max_size=30)
huge = st.builds(
    lambda start, times, closed: start * times + ("1" + HUGE[start] * times) * closed,
    st.sampled_from(list(HUGE)), st.sampled_from([60, 400, 900, 10_000]), st.booleans(),
)  # fmt: skip
odd_json = st.sampled_from(ODD_JSON) | huge | odd_text.map(json.dumps) | st.integers().map(str)
odd_bytes = st.sampled_from(ODD_BYTES) | st.binary(max_size=40)


@st.composite
def damaged(draw, piece: bytes) -> bytes:
    """A piece truncated, with bytes put in, put over or taken out, in another encoding, or junk."""
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(piece)))
        cut = draw(st.sampled_from([0, 0, 1, 2, 9, 40, 10**9]))
        piece = piece[:at] + draw(odd_bytes) + piece[at + cut :]
    return draw(st.sampled_from([piece] * 8 + [piece.decode("utf-8", "replace").encode("utf-16")]))


@st.composite
def odd_object(draw, fields: dict) -> bytes:
    """A JSON object some of whose fields hold odd values, are missing, or stand there twice."""
    texts = [(json.dumps(name), json.dumps(value)) for name, value in fields.items()]
    for at in draw(st.lists(st.integers(0, len(texts) - 1), min_size=1, max_size=4)):
        name = texts[at][0]
        odd = (name, draw(odd_json))
        instead = draw(st.sampled_from(["odd", "odd", "odd", "none", "odd first", "odd last"]))
        texts[at] = odd if instead == "odd" else ("", "") if instead == "none" else texts[at]
        texts += [odd] if instead == "odd last" else []
        texts = [odd, *texts] if instead == "odd first" else texts
    return "{{{}}}".format(",".join(f"{n}:{v}" for n, v in texts if n)).encode("utf-8", "replace")


def between(good: list[bytes], bad: st.SearchStrategy[bytes]) -> st.SearchStrategy:
    """Good pieces by position (more than damaged ones), damaged pieces as they are, mixed."""
    one = st.tuples(st.permutations(range(len(good))), st.lists(bad, min_size=1, max_size=4))
    return one.map(lambda d: [x for i, b in enumerate(d[1]) for x in (d[0][i], b)] + [d[0][-1]])


# --- good rows ------------------------------------------------------------------------------------

DEVICE, DAY = "35029900001190000012", "2026-11-01 08:00:00"
KINDS = {"Face": ("06", "ShotTime"), "MotorVehicle": ("02", "PassTime"),
         "NonMotorVehicle": ("03", "AppearTime")}  # fmt: skip


def capture(kind: str, n: int) -> dict:
    subtype, time = KINDS[kind]
    image = f"{DEVICE}0220261101080000{n:05d}"[:41]
    picture = {"ImageID": image, "Width": 1920, "Height": 1080, "Data": "…", "Type": "14"}
    own = {"TrackToken": f"t{n}"} if kind == "Face" else {"PlateNo": "闽D00000", "HasPlate": "1"}
    return {f"{kind}ID": f"{image}{subtype}{n:05d}", "DeviceID": DEVICE, "SourceID": image,
            "InfoKind": 1, "LeftTopX": 1, "LeftTopY": 1, "RightBtmX": 9, "RightBtmY": 9, **own,
            "EntryTime": "20261101080001", "SubImageList": {"SubImageInfoObject": [picture]},
            time: "20261101080000", "GenderCode": "1"}  # fmt: skip


def post(kind: str, *found: object) -> dict:
    return {f"{kind}ListObject": {f"{kind}Object": list(found)}}


def notification(**lists: object) -> dict:
    inner = {"TriggerTime": "20261101080002", **lists}
    return {"SubscribeNotificationListObject": {"SubscribeNotificationObject": [inner]}}


def reading(n: int) -> dict:
    return {"reading_id": f"读{n}", "device_id": DEVICE, "quantity": "smoke", "analog_type": 2,
            "value": n, "read_at": DAY, "sent_at": "20261101080000", "note": "n"}  # fmt: skip


def area(n: int) -> dict:
    shape = {"type": "Polygon", "coordinates": [[[118, 24], [119, 24], [119, 25], [118, 24]]]}
    properties = {"area_code": f"35029900100{n}", "area_name": f"第{n}社区", "tier": "community",
                  "parent_code": "350299001", "updated_at": DAY, "x": 1}  # fmt: skip
    return {"type": "Feature", "properties": properties, "geometry": shape}


HEADER = ["设备编码", "设备名称", "设备类型", "经度", "安装日期", "更新时间"]
NAMES = ["东门", "a,b", '说"好"', "上\n下", "𠮷", ""]
RENTALS = ["备案号", "租赁方式", "面积", "租赁渠道", "租住人数", "起租日期", "更新时间"]


def device(n: int, name: str) -> list[str]:
    return [f"3502990000119000{n:04d}", name, "camera", "118.1", "2026-01-02", DAY]


def rental(n: int) -> list:
    return [f"R{n}", 1, 20.5, "2", n, datetime(2026, 1, 2), datetime(2026, 11, 1, 8)]


def csv_line(cells: list[str]) -> str:
    quoted = ['"{}"'.format(c.replace('"', '""')) if set(c) & set('",\n\r') else c for c in cells]
    return ",".join(quoted)


def as_bytes(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def workbook(rows: list[list]) -> bytes:
    out = io.BytesIO()
    options = {"nan_inf_to_errors": True, "default_date_format": "yyyy/m/d h:mm"}
    with xlsxwriter.Workbook(out, {"in_memory": True, **options}) as book:
        sheet = book.add_worksheet()
        for at, cells in enumerate([RENTALS, *rows]):
            sheet.write_row(at, 0, cells)
    return out.getvalue()


CSV_ENCODINGS = ("utf-8", "utf-8-sig", "gb18030")
CAPTURES, AREAS = ObjectReader(sources()["captures"]), GeoJsonReader(BY_NAME["areas"])
READINGS = ObjectReader(sources()["sensor_readings"])
DEVICES, BOOKS = CsvReader(BY_NAME["devices"]), XlsxReader(BY_NAME["rentals"])
GOOD: dict[str, list] = {
    "ga1400": [as_bytes(x) for x in (
        capture("Face", 1), capture("MotorVehicle", 2), capture("NonMotorVehicle", 3),
        post("Face", capture("Face", 4), capture("Face", 5)), [capture("Face", 6)],
        notification(MotorVehicleObjectList={"MotorVehicleObject": capture("MotorVehicle", 7)},
                     FaceObjectList={"FaceObject": [capture("Face", 8)]}))],
    "ndjson": [as_bytes(reading(n)) for n in range(6)],
    "geojson": [as_bytes(area(n)) for n in range(6)],
    "xlsx": [rental(n) for n in range(6)],
    **{f"csv {e}": [csv_line(device(n, x)).encode(e.removesuffix("-sig"))
                    for n, x in enumerate(NAMES)] for e in CSV_ENCODINGS},
}  # fmt: skip


def lines_of(pieces: list[bytes]) -> bytes:
    return b"".join(piece + b"\n" for piece in pieces)


_FILES: dict[str, Callable] = {
    "ga1400": lambda pieces: (CAPTURES, "a.ndjson", lines_of(pieces)),
    "ndjson": lambda pieces: (READINGS, "a.ndjson", lines_of(pieces)),
    "geojson": lambda pieces: (AREAS, "a.json", b'{"features":[%s]}' % b",".join(pieces)),
    "xlsx": lambda pieces: (BOOKS, "a.xlsx", workbook(pieces)),
    **{f"csv {e}": (lambda pieces, e=e: (
        DEVICES, "a.csv", lines_of([csv_line(HEADER).encode(e), *pieces])))
       for e in CSV_ENCODINGS},
}  # fmt: skip


def file_of(form: str, pieces: list) -> tuple[Callable, str, bytes]:
    """Reader, file name and bytes of a file of good pieces (by position) and damaged ones."""
    return _FILES[form]([GOOD[form][p] if isinstance(p, int) else p for p in pieces])


# --- odd pieces of each form ----------------------------------------------------------------------

odd_capture = st.sampled_from([capture(kind, 99) for kind in KINDS]).flatmap(odd_object)
WRAPPINGS = [
    b'{"FaceListObject":{"FaceObject":[%s]}}', b"[%s]", b"%s", b'{"FaceListObject":%s}',
    b'{"TriggerTime":%s,"FaceObjectList":{"FaceObject":{"FaceID":"1"}}}',
    b'{"DispositionObject":%s}', b'[{"FaceListObject":{"DispositionListObject":%s}}]',
]  # fmt: skip
odd_value = odd_json.map(lambda text: text.encode("utf-8", "replace"))
odd_message = st.builds(lambda one, wrapping: wrapping % one, odd_capture | odd_value,
                        st.sampled_from(WRAPPINGS))  # fmt: skip
odd_area = odd_object(area(9)) | odd_value | st.builds(
    lambda properties, shape: b'{"properties":%s,"geometry":%s}' % (properties, shape),
    odd_object(area(9)["properties"]), odd_value,
)  # fmt: skip
odd_cell = odd_text | st.floats() | st.integers(-(10**300), 10**300).map(float) | st.booleans() | (
    st.datetimes(datetime(1900, 1, 1), datetime(9999, 12, 31)) | st.just("=NA()") | st.none()
)  # fmt: skip

BOOK = workbook(GOOD["xlsx"])
with zipfile.ZipFile(io.BytesIO(BOOK)) as _archive:
    PARTS = {name: _archive.read(name) for name in _archive.namelist()}


def packed(parts: dict[str, bytes]) -> bytes:
    """A workbook of its parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return out.getvalue()
