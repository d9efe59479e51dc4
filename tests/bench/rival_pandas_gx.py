"""The capture job as most teams write it: pandas, judged by Great Expectations: `LANDING OUT KEY`.

Every rule is an expectation; the rows that break one come back by their index.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

import great_expectations as gx
import great_expectations.expectations as gxe
import numpy as np
import pandas as pd
import zstandard

from .fields import FALSE, KINDS, LISTS, TRUE, WATCH_LIST, Field, Kind
from .landing import Files, batches, capture_files, places
from .pandas_cleaning import CITY, clean, serve

BATCH_BYTES = 250 << 20
AT = ["file", "row_number", "item_number"]
_FLAGS = dict.fromkeys(TRUE, True) | dict.fromkeys(FALSE, False)


def main(landing: Path, out: Path, key: bytes) -> None:
    """Take in, judge, clean, count, serve."""
    out.mkdir(parents=True)
    district, devices = places(landing)
    known = pd.DataFrame(devices, columns=["device_id", "community_code"])
    files = capture_files(landing)
    quarantined: list[dict[str, Any]] = []
    objects = messages(files)
    gx_context = gx.get_context(mode="ephemeral")
    gx_context.variables.progress_bars = {"globally": False}
    source = gx_context.data_sources.add_pandas("captures")
    hours = []
    for short, kind in KINDS.items():
        (out / "bronze" / short).mkdir(parents=True)
        batch_of = source.add_dataframe_asset(short).add_batch_definition_whole_dataframe("all")
        accepted = [judge(kind, objects.pop(short), batch_of, quarantined)]
        accepted += [
            judge(kind, bare(kind, group, quarantined), batch_of, quarantined)
            for group in batches(files.bare[short], BATCH_BYTES)
        ]
        rows = pd.concat(accepted, ignore_index=True)
        rows.to_parquet(out / "bronze" / short / "0.parquet", compression="zstd")
        hours.append(clean(short, rows, known, key, out))
    columns = ["feed", *AT, "rules", "row"]
    pd.DataFrame(quarantined, columns=columns).to_parquet(out / "quarantined.parquet")
    serve(pd.concat(hours), district, out)


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines of a file."""
    if path.suffix == ".zst":
        with path.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream:
            yield from enumerate(stream.read().decode().splitlines(), start=1)
        return
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as stream:
        yield from enumerate(stream, start=1)


def flat(kind: Kind, one: dict[str, Any], at: tuple[str, int, int], trigger: Any) -> list[Any]:
    """The texts of one object, in the order of the fields."""
    scenes = (one.get("SubImageList") or {}).get("SubImageInfoObject") or []
    own = next((s for s in scenes if s.get("ImageID") == one.get("SourceID")), {})
    found = []
    for field in kind.fields:
        values = [own.get(w) if w in ("Width", "Height") else one.get(w) for w in field.wires]
        value = next((v for v in values if v is not None), None)
        if value is None and "TriggerTime" in field.wires:
            value = trigger
        found.append(value if isinstance(value, str | None) else json.dumps(value))
    return [*at, *found]


def bare(kind: Kind, paths: list[Path], quarantined: list[dict[str, Any]]) -> list[list[Any]]:
    """Objects of bare lines; lines that are no JSON go to quarantine."""
    found = []
    for path in paths:
        for number, line in lines_of(path):
            try:
                one = json.loads(line)
            except ValueError:
                quarantined.append({"feed": kind.feed, "file": str(path), "row_number": number,
                                    "item_number": 1, "rules": ["row_is_readable"]})  # fmt: skip
                continue
            if not any(name in one for name in WATCH_LIST):
                found.append(flat(kind, one, (str(path), number, 1), None))
    return found


def messages(files: Files) -> dict[str, list[list[Any]]]:
    """Objects out of posts, documents and notifications, numbered within their message."""
    found: dict[str, list[list[Any]]] = {short: [] for short in KINDS}
    documents = [(str(p), 1, p.read_text()) for own in files.documents.values() for p in own]
    posts = [p for own in (*files.posts.values(), files.notifications) for p in own]
    lines = ((str(p), number, line) for p in posts for number, line in lines_of(p))
    for source in (documents, lines):
        for file, number, text in source:
            message = json.loads(text)
            if any(name in message for name in WATCH_LIST):
                continue
            notes = message.get("SubscribeNotificationListObject")
            item = 0
            for note in notes["SubscribeNotificationObject"] if notes else [message]:
                for name, short in LISTS:
                    for one in (note.get(name) or {}).get(f"{KINDS[short].object}Object") or []:
                        item += 1
                        at = (file, number, item)
                        found[short].append(flat(KINDS[short], one, at, note.get("TriggerTime")))
    return found


def read(field: Field, text: pd.Series) -> pd.Series:
    """Values of a column; missing where the text cannot be read."""
    text = text.str.strip()
    text = text.mask(text == "")
    if field.reader == "integer":
        value = pd.to_numeric(text, errors="coerce")
        return value.where(value == np.floor(value)).astype("Int64")
    if field.reader == "number":
        return pd.to_numeric(text, errors="coerce").replace([np.inf, -np.inf], np.nan)
    if field.reader == "flag":
        return text.str.lower().map(_FLAGS).astype("boolean")
    if field.reader == "instant":
        value = pd.to_datetime(text, format="%Y%m%d%H%M%S", errors="coerce").astype(
            "datetime64[us]"
        )
        rest = text[value.isna() & text.notna()]
        plain = pd.to_datetime(
            rest.str.replace("T", " "), format="%Y-%m-%d %H:%M:%S", errors="coerce"
        )
        value[plain.index] = plain
        rest = rest[plain.isna()]
        zoned = pd.to_datetime(rest, format="%Y-%m-%dT%H:%M:%S%z", errors="coerce", utc=True)
        value[zoned.index] = zoned.dt.tz_localize(None) + CITY
        return value
    return text.mask(text.str.contains("\ufffd|^[{\\[]", regex=True, na=False))


def judge(
    kind: Kind, objects: list[list[Any]], batch_of: Any, quarantined: list[dict[str, Any]]
) -> pd.DataFrame:
    """Accepted rows in UTC; the others go to quarantine with the rules they break."""
    names = [f.name for f in kind.fields]
    texts = pd.DataFrame(objects, columns=[*AT, *names]).astype(dict.fromkeys(names, "str"))
    rows = texts[AT].copy()
    checks: dict[str, gxe.Expectation] = {}
    helpers = {}
    for f in kind.fields:
        rows[f.name] = read(f, texts[f.name])
        blank = texts[f.name].isna() | (texts[f.name].str.strip() == "")
        helpers[f"{f.name}_is_readable"] = rows[f.name].notna() | blank
        if f.is_required:
            helpers[f"{f.name}_is_present"] = ~blank
        if f.pattern:
            checks[f"{f.name}_is_well_formed"] = gxe.ExpectColumnValuesToMatchRegex(
                column=f.name, regex=f"^{f.pattern}$")  # fmt: skip
        if f.least is not None:
            checks[f"{f.name}_is_within_range"] = gxe.ExpectColumnValuesToBeBetween(
                column=f.name, min_value=f.least, max_value=f.most)  # fmt: skip
        if f.max_length:
            checks[f"{f.name}_is_within_length"] = gxe.ExpectColumnValueLengthsToBeBetween(
                column=f.name, max_value=f.max_length)  # fmt: skip
    entered = rows["entered_at"].fillna(rows["triggered_at"])
    shot, capture = rows["shot_at"], rows["capture_id"]
    width, height = (rows[f"image_{c}_px"].fillna(2**31) for c in ("width", "height"))
    left, top, right, bottom = (rows[f"{c}_px"] for c in ("left", "top", "right", "bottom"))
    named = (capture.str[:20] == rows["device_id"]) | capture.isna() | rows["device_id"].isna()
    timed = (capture.str[22:36] == shot.dt.strftime("%Y%m%d%H%M%S")) | capture.isna() | shot.isna()
    helpers |= {
        "capture_id_names_its_device": named,
        "capture_id_names_its_shot_time": timed,
        "is_shot_before_it_is_entered":
            (shot <= entered + pd.Timedelta(seconds=300)) | shot.isna() | entered.isna(),
        "box_has_an_area": ((left < right) & (top < bottom)).fillna(True),
        "box_lies_inside_the_picture":
            ((left >= 0) & (top >= 0) & (right <= width) & (bottom <= height)).fillna(True),
        kind.subtype_rule: (capture.str[41:43] == kind.subtype) | capture.isna(),
    }  # fmt: skip
    for rule in helpers:
        checks[rule] = gxe.ExpectColumnValuesToBeInSet(column=rule, value_set=[True])
    broken = validate(rows.assign(**helpers), checks, batch_of)
    for index in sorted(broken):
        one = dict(zip(AT, texts.loc[index, AT], strict=True))
        row = texts.loc[index, names].to_json(force_ascii=False)
        quarantined.append({"feed": kind.feed, **one, "rules": sorted(broken[index]), "row": row})
    rows = rows.drop(index=list(broken))
    rows["shot_day"] = rows["shot_at"].dt.date
    for f in kind.fields:
        if f.reader == "instant":
            rows[f.name] -= CITY
    return rows


def validate(
    rows: pd.DataFrame, checks: dict[str, gxe.Expectation], batch_of: Any
) -> dict[int, list[str]]:
    """Index of a row → the rules it breaks."""
    suite = gx.ExpectationSuite(name="captures")
    for rule, check in checks.items():
        check.meta = {"rule": rule}
        suite.add_expectation(check)
    batch = batch_of.get_batch(batch_parameters={"dataframe": rows})
    complete = {"result_format": "COMPLETE", "include_unexpected_rows": False}
    broken: dict[int, list[str]] = {}
    for result in batch.validate(suite, result_format=complete).results:
        # Great Expectations swallows exceptions: they look like an unmet expectation.
        if result.exception_info.get("raised_exception") is not False:
            raise RuntimeError(f"great expectations: {result.exception_info}")
        for index in result.result.get("unexpected_index_list") or []:
            broken.setdefault(index, []).append(result.expectation_config.meta["rule"])
    return broken


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), bytes.fromhex(Path(sys.argv[3]).read_text().strip()))
