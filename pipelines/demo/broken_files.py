"""Files that cannot be read at all and must be set aside whole, each with the reason."""

from __future__ import annotations

from pipelines.demo.plan import GROUPS, Plan

_TRUNCATED = '{"FaceListObject":{"FaceObject":[{"FaceID":"3502990000132000'


def write_broken_files(plan: Plan) -> None:
    """Write the broken files of the sources that are wanted."""
    stamp = plan.named_day(plan.last_day)
    files: list[tuple[str, str, bytes, str]] = []
    if plan.feeds.intersection(GROUPS["captures"]):
        files += [
            ("captures", f"faces-{stamp}-empty.ndjson", b"", "empty"),
            ("captures", f"faces-{stamp}-torn.ndjson.gz", b"this is no gzip\n", "not gzip"),
            ("captures", f"faces-{stamp}-torn.json", _TRUNCATED.encode(), "truncated message"),
        ]
    if "grid_cases" in plan.feeds:
        header = "案卷号,来源类型\n350299X1,collector\n".encode()
        files.append(
            ("grid_cases", f"grid_cases-{stamp}-narrow.csv", header, "required columns missing")
        )
    if "rentals" in plan.feeds:
        files.append(("rentals", f"rentals-{stamp}-torn.xlsx", b"no workbook", "not a workbook"))
    for source, name, content, why in files:
        plan.landing.write(source, name, [content], raw=True)
        plan.truth.note("set_aside_files", source=source, file_name=name, why=why)
