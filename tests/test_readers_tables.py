"""Table readers on real files: CSV in two encodings, XLSX as offices write it, GeoJSON."""

from __future__ import annotations

import csv
import io
import json
import random
import zipfile
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from quality.judging import judge
from schemas.feeds import BY_NAME
from warehouse.readers import Chunk, UnreadableFile
from warehouse.readers.shapes import GeoJsonReader
from warehouse.readers.tables import CsvReader, XlsxReader

ID = "35029900001190000012"
HEADER = ["设备编码", "设备名称", "设备类型", "更新时间"]
RENTAL_HEADER = [
    "备案号",
    "租赁方式",
    "租赁渠道",
    "面积",
    "社区编码",
    "出租人",
    "起租日期",
    "更新时间",
]
SQUARE = {"type": "Polygon", "coordinates": [[[118, 24], [118.1, 24], [118.1, 24.1], [118, 24]]]}


def row(name: str = "东门摄像机") -> list[str]:
    return [ID, name, "camera", "2026-11-01 08:00:00"]


def area(n: int = 1, **more) -> dict:
    properties = {"area_code": f"35029900100{n}", "area_name": "示范社区", "tier": "community",
                  "updated_at": "2026-11-01 08:00:00", **more}  # fmt: skip
    return {"type": "Feature", "properties": properties, "geometry": SQUARE}


def as_csv(*rows: list[str], end: str = "\n", header: list[str] | None = None) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator=end).writerows([header or HEADER, *rows])
    return out.getvalue()


@pytest.fixture
def read(tmp_path: Path):
    def take(reader, name: str, data: bytes | str) -> tuple[pl.DataFrame, Chunk]:
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        whole = Chunk()
        frames = []
        for chunk in reader(path):
            frames += chunk.rows.values()
            whole.broken += chunk.broken
            whole.unknown += chunk.unknown
        return pl.concat(frames), whole

    return take


@pytest.fixture
def read_csv(read):
    return lambda data: read(CsvReader(BY_NAME["devices"]), "a.csv", data)


@pytest.fixture
def read_areas(read):
    return lambda data: read(GeoJsonReader(BY_NAME["areas"]), "a.geojson", data)


@pytest.fixture
def read_rentals(read, tmp_path):
    def take(*rows: list, header: list[str] | None = None) -> tuple[pl.DataFrame, Chunk]:
        path = tmp_path / "made.xlsx"
        with xlsxwriter.Workbook(path, {"default_date_format": "yyyy/m/d h:mm"}) as book:
            sheet = book.add_worksheet()
            for at, cells in enumerate([header or RENTAL_HEADER, *rows]):
                for column, cell in enumerate(cells):
                    write = sheet.write_formula if str(cell).startswith("=") else sheet.write
                    write(at, column, cell, *([None, "#N/A"] if str(cell).startswith("=") else []))
        return read(XlsxReader(BY_NAME["rentals"]), "a.xlsx", path.read_bytes())

    return take


# --- CSV ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_byte_order_marks_are_no_part_of_the_first_heading(read_csv, encoding, end):
    frame, _ = read_csv(("\ufeff" + as_csv(row(), end=end)).encode(encoding))
    assert frame["device_id"].to_list() == [ID]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_names_survive_every_encoding_rare_ones_too(read_csv, encoding, end):
    names = ["张㐂", "𠮷野", "李四"]  # the second takes four bytes in GB18030
    frame, chunk = read_csv(as_csv(*map(row, names), end=end).encode(encoding))
    assert frame["device_name"].to_list() == names
    assert frame["row_number"].to_list() == [1, 2, 3]
    assert not chunk.broken


@pytest.mark.parametrize("damage", [b"\xff\xfe\x80", b"\xc4\n\xc4", bytes(range(128, 256)) * 9])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_damaged_bytes_never_change_how_the_other_lines_are_decoded(read_csv, damage, encoding):
    head, *lines = as_csv(row(), row("plain"), row()).encode(encoding).splitlines(keepends=True)
    frame, chunk = read_csv(head + lines[0] + damage + b"\n" + lines[1] + lines[2])
    assert frame["device_name"].to_list() == ["东门摄像机", "plain", "东门摄像机"]
    assert chunk.broken


def test_quoted_fields_may_hold_line_breaks_commas_and_quotes(read_csv):
    names = ["一\n二", '他说"好",走', "", "a,b\n\n\nc", '"']
    frame, chunk = read_csv(as_csv(*map(row, names), end="\r\n"))
    assert frame["device_name"].to_list() == [name or None for name in names]
    assert not chunk.broken


@pytest.mark.parametrize("stray", [f'{ID},"x,camera,2026', f'"{ID},x,camera,2026', '"', '""",'])
@pytest.mark.parametrize("second", ['y",z', '"', f'{ID},y",camera,2026-11-01 08:00:00,'])
def test_a_stray_quote_costs_one_row_only_even_if_another_follows(read_csv, stray, second):
    good = as_csv(row("a"), row("b,c"), header=row("d\ne"))
    frame, chunk = read_csv(as_csv(row("1")) + stray + "\n" + good + second + "\n" + good)
    assert frame["device_name"].to_list() == ["1", *["d\ne", "a", "b,c"] * 2]
    assert [b.row_number for b in chunk.broken] == [2, 6]


def test_two_stray_quotes_do_not_make_one_field_of_the_rows_between(read_csv):
    rows = as_csv(row("a"), row("b"), header=row("c"))
    frame, chunk = read_csv(as_csv() + f'{ID},"x\n' + rows + 'y",camera,2026-11-01\n' + rows)
    assert frame["device_name"].to_list() == ["c", "a", "b"] * 2
    frame, chunk = read_csv(as_csv() + '"x\n' + as_csv(header=row(",y")))
    assert frame["device_name"].to_list() == [",y"]
    assert len(chunk.broken) == 1


def test_a_quote_inside_an_unquoted_field_is_text(read_csv):
    frame, chunk = read_csv(as_csv() + ",".join(row('5"管')) + "\n")
    assert frame["device_name"].to_list() == ['5"管']
    assert not chunk.broken


def test_short_and_long_rows_are_set_aside_beside_their_neighbours(read_csv):
    frame, chunk = read_csv(as_csv(row("a"), row()[:3], [*row(), "x"], [], ["x"], row("b")))
    assert frame["row_number"].to_list() == [1, 5]
    assert [b.row_number for b in chunk.broken] == [2, 3, 4]
    assert "4 columns" in chunk.broken[0].detail


def test_lines_beyond_8_mib_cost_themselves_only(read_csv):
    long, longer = "x" * (10 << 20), "x" * (14 << 20)
    for bad in (long, f'"{long}', *(f"{x},{','.join(row()[1:])}" for x in (long, longer))):
        frame, chunk = read_csv(as_csv(row("a")) + bad + "\n" + ",".join(row("b")) + "\n")
        assert frame["device_name"].to_list() == ["a", "b"]
        assert "longer than 8 MiB" in chunk.broken[0].detail


def test_the_first_of_two_columns_with_one_name_counts(read_csv):
    frame, _ = read_csv(as_csv([*row("first"), "second"], header=[*HEADER, "设备名称"]))
    assert frame["device_name"].to_list() == ["first"]


def test_an_english_and_a_chinese_heading_of_one_column_fill_each_other(read_csv):
    frame, _ = read_csv(as_csv([*row("中"), ""], [*row(""), "en"], header=[*HEADER, "Name"]))
    assert frame["device_name"].to_list() == ["中", "en"]


def test_missing_columns_are_named_and_unknown_ones_reported(read_csv):
    with pytest.raises(UnreadableFile, match="ApeID、UpdatedAt"):
        read_csv(as_csv(["x", "camera"], header=["设备名称", "设备类型"]))
    _, chunk = read_csv(as_csv([*row(), "secret"], header=[*HEADER, "责任人"]))
    assert dict(chunk.unknown) == {"责任人": 1}


def test_a_header_alone_is_a_file_without_rows(read_csv):
    frame, chunk = read_csv(as_csv())
    assert (frame.height, chunk.broken) == (0, [])
    assert judge(
        BY_NAME["devices"].contract, frame.with_columns(file_id=pl.lit("f"))
    ).accepted.is_empty()


@pytest.mark.parametrize(("data", "reason"), [
    ("", "empty"), ("\n \n", "blank"), ("x" * (1 << 20), "header"), ("," * 5000, "5,001 columns"),
])  # fmt: skip
def test_what_is_no_table_is_refused_with_a_reason(read_csv, data, reason):
    with pytest.raises(UnreadableFile, match=reason):
        read_csv(data)


def test_the_reader_agrees_with_pythons_own_on_well_formed_files(read_csv):
    rng = random.Random(5)
    pieces = ["a", "张", " ", ",", '"', "\n", "\n\n", "1", "\u3000"]
    names = ["".join(rng.choices(pieces, k=rng.randrange(1, 9))) for _ in range(2000)]
    frame, chunk = read_csv(as_csv(*map(row, names)))
    expected = [r[1] for r in csv.reader(io.StringIO(as_csv(*map(row, names))))][1:]
    assert frame["device_name"].to_list() == expected
    assert not chunk.broken


# --- XLSX -----------------------------------------------------------------------------------------


def rental(n: object = "R1", **more) -> list:
    cells = {"id": n, "way": 1, "channel": "2", "area": 20.5, "community": 350299001001,
             "name": "王", "starts": datetime(2026, 1, 2), "updated": datetime(2026, 11, 1, 8, 30),
             **more}  # fmt: skip
    return list(cells.values())


def test_dates_and_numbers_arrive_as_the_sheet_shows_them(read_rentals):
    frame, _ = read_rentals(rental(), rental("R2", starts="2026/1/2", updated="2026-11-01 08:30"))
    judged = judge(BY_NAME["rentals"].contract, frame.with_columns(file_id=pl.lit("f")))
    assert judged.quarantined.is_empty()
    assert judged.accepted.drop("rental_id", "row_number").unique().height == 1
    assert judged.accepted["community_code"][0] == "350299001001"
    assert str(judged.accepted["updated_at"][0]) == "2026-11-01 00:30:00+00:00"


def test_empty_rows_are_skipped_and_keep_their_numbers(read_rentals):
    frame, _ = read_rentals(rental("a"), [], ["  "], rental("b"))
    assert frame["row_number"].to_list() == [1, 4]


def test_a_failed_formula_is_unreadable_not_empty(read_rentals):
    frame, _ = read_rentals(rental("a", area="=NA()"), rental("b", area=""))
    judged = judge(BY_NAME["rentals"].contract, frame.with_columns(file_id=pl.lit("f")))
    assert judged.accepted["rental_id"].to_list() == ["b"]
    assert judged.quarantined["rules"].to_list() == [["area_m2_is_readable"]]


def test_a_workbook_names_its_missing_and_unknown_columns(read_rentals):
    with pytest.raises(UnreadableFile, match="租赁渠道、更新时间"):
        read_rentals(["a", "1"], header=["备案号", "租赁方式"])
    _, chunk = read_rentals([*rental(), "x"], header=[*RENTAL_HEADER, "备注"])
    assert dict(chunk.unknown) == {"备注": 1}


def repacked(data: bytes, sheet) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", 8) as new:
        for name in old.namelist():
            text = old.read(name)
            new.writestr(name, sheet(text) if "sheet1.xml" in name else text)
    return out.getvalue()


def test_what_is_no_sensible_workbook_is_refused_with_a_reason(read, read_rentals, tmp_path):
    read_rentals(rental())
    data = (tmp_path / "a.xlsx").read_bytes()
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("hello.txt", "hi")
    bomb = repacked(data, lambda t: t.replace(b"<sheetData>", b" " * (600 << 20) + b"<sheetData>"))
    lying = bytearray(bomb)
    at = lying.rfind(b"sheet1.xml") - 46 - len("xl/worksheets/") + 24
    lying[at : at + 4] = (100).to_bytes(4, "little")
    assert zipfile.ZipFile(io.BytesIO(lying)).getinfo("xl/worksheets/sheet1.xml").file_size == 100
    for bad, reason in (
        (b"", "not readable"), (b"PK\x03\x04 no", "not readable"),
        (zipped.getvalue(), "not readable"),
        (data[:-40], "not readable"), (data.replace(b"<", b"["), "not readable"),
        (repacked(data, lambda t: t.replace(b'r="A2"', b'r="XFD1048576"')), "spans more"),
        (repacked(data, lambda t: t.replace(b'r="A2"', b'r="ZZZZZZ99999999999"')), "spans more"),
        (repacked(data, lambda t: b"<x/>"), "empty"), (bomb, "expands"), (bytes(lying), "expands"),
    ):  # fmt: skip
        with pytest.raises(UnreadableFile, match=reason):
            read(XlsxReader(BY_NAME["rentals"]), "b.xlsx", bad)


# --- GeoJSON --------------------------------------------------------------------------------------


def test_shapes_that_cannot_be_read_are_quarantined_and_no_features_set_aside(read_areas):
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    shapes = [bow, {"type": "Polygon"}, {}, [], 5, {"type": "Point", "coordinates": [1e400, 2]},
              {"type": "Point", "coordinates": [float("nan"), 2]}]  # fmt: skip
    bad = [{**area(3), "geometry": shape} for shape in shapes]
    others = [7, None, {"type": "Feature"}, {"type": "Feature", "properties": [1]}]
    features = [area(1), *others, *bad, area(2)]
    frame, chunk = read_areas(json.dumps({"features": features}))
    judged = judge(BY_NAME["areas"].contract, frame.with_columns(file_id=pl.lit("f")))
    assert judged.accepted["row_number"].to_list() == [1, len(features)]
    assert judged.quarantined["rules"].to_list() == [["shape_is_readable"]] * len(bad)
    assert [b.row_number for b in chunk.broken] == [2, 3, 4, 5]


def test_nested_and_half_texts_under_a_known_name_are_unreadable(read_areas):
    deep = json.loads("[" * 300 + "]" * 300)
    values = [{"a": "secret"}, ["secret"], "\ud800", deep]
    odd = [area(2, area_name=value, **{"x\ud800": "secret"}) for value in values]
    frame, chunk = read_areas(json.dumps({"features": [area(1), *odd]}))
    judged = judge(BY_NAME["areas"].contract, frame.with_columns(file_id=pl.lit("f")))
    assert judged.accepted.height == 1
    assert judged.quarantined["rules"].to_list() == [["area_name_is_readable"]] * 4
    assert "secret" not in str(judged.quarantined.rows())
    assert dict(chunk.unknown) == {"x": 1}


@pytest.mark.parametrize("data", ["", "{}", "[]", "null", '{"features": []}', '{"features": 3}',
                                  "[" * 100_000, '{"features": [1', b"\xff\xfe\x00"])  # fmt: skip
def test_what_is_no_feature_collection_is_refused(read_areas, data):
    with pytest.raises(UnreadableFile):
        read_areas(data)
    with pytest.raises(UnreadableFile, match="area_code、updated_at"):
        read_areas(json.dumps({"features": [{"properties": {"name": "x", "tier": "grid"},
                                             "geometry": SQUARE}]}))  # fmt: skip
