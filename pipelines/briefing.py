"""`govlake briefing`: one printable page per area, from the same file and SQL as its dashboard.

HTML with a print style sheet (A4): no well-kept PDF library is among what is installed, and no
browser runs on a server; whoever wants a PDF prints the page to one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Annotated, Any

import duckdb
import typer

from dashboards import boards, bundle
from pipelines.consoles import output
from pipelines.superset import published_areas
from warehouse.home import Home, HomeError, default_home
from warehouse.serving import serving_file

TIERS = {6: "district", 9: "street", 12: "community"}
PERIODS = ("日", "周", "月", "季", "年", "累计")
LONGEST_LIST = 20
STYLE = """
@page { size: A4; margin: 14mm 12mm; }
body { font: 10.5pt/1.45 "Noto Sans CJK SC", "Noto Sans SC", "Microsoft YaHei", sans-serif;
  color: #1c2733; margin: 0 auto; max-width: 190mm; }
h1 { font-size: 18pt; margin: 6pt 0 0; } h2 { font-size: 11.5pt; margin: 0 0 2pt;
  border-left: 3pt solid #2a86b8; padding-left: 5pt; }
.facts { color: #55697c; margin: 2pt 0 8pt; border-bottom: 1pt solid #1c2733; padding-bottom: 4pt; }
.sheet { columns: 2; column-gap: 8mm; } section { break-inside: avoid; margin-bottom: 8pt; }
table { border-collapse: collapse; width: 100%; font-size: 8.5pt; }
td, th { border-bottom: .5pt solid #c9d3dc; padding: 1.5pt 3pt; text-align: left;
  vertical-align: top; } th { color: #55697c; font-weight: 500; }
td.figure { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td:first-child { white-space: nowrap; } .why { white-space: normal; }
tr.doubtful td, tr.withheld td, tr.missing td, tr.empty td { color: #8794a0; }
.why { font-size: 7.5pt; }
"""
console = output()


def briefing(
    out: Annotated[Path, typer.Option(help="Folder to write the pages into.")],
    area: Annotated[
        str | None, typer.Option(help="Code of one area; default every area published.")
    ] = None,
    period: Annotated[str, typer.Option(help=f"One of {'、'.join(PERIODS)}.")] = "月",
    home: Annotated[Path | None, typer.Option("--home", help="Where data lives.")] = None,
) -> None:
    """Printable briefings: one HTML page per area, with the numbers of its dashboard."""
    place = Home(home.resolve() if home else default_home())
    published = published_areas(place)
    if area and area not in published:
        raise HomeError(f"area {area} is not published; `govlake sql` shows what is")
    if period not in PERIODS:
        raise HomeError(f"no period {period}; there are {'、'.join(PERIODS)}")
    out.mkdir(parents=True, exist_ok=True)
    codes = [area] if area else published
    for code in codes:
        page = page_of(place, code, period)
        (out / f"{code}.html").write_text(page, encoding="utf-8")
    console.print(f"{len(codes)} briefings in {out}")


def page_of(home: Home, code: str, period: str) -> str:
    """The briefing of an area.

    Args:
        home: A home that has published.
        code: District, street or community.
        period: One of `PERIODS`.

    Raises:
        ServingError: nothing was published, or not this area.
    """
    import assets.topics  # noqa: F401 - registers every topic table and its metrics

    file = serving_file(home.serving, code).resolve()
    with duckdb.connect(str(file), read_only=True) as connection:
        connection.execute(bundle.macros())
        (strip,) = _rows(connection, "area_strips('-', '-')", code, period)
        panels = boards.read_panels()
        board = boards.read_board(TIERS[len(code)], panels)
        values = _rows(connection, "panel_values()", code, period)
        notes = _rows(connection, "area_notes()", code, period)
        lower = _rows(
            connection, "lower_areas('-', '-')", code, period, f"metric_id = '{board.map_metric}'"
        )
    shown = [panels[one] for one in board.panel_ids() if panels[one].metrics]
    sections = [
        _section(panel.title, [row for row in values if row["panel"] == panel.id])
        for panel in shown
        if panel.kind != "trend"
    ]
    if len(code) < 12:
        sections.append(_lower(lower))
    return _page(strip, [*sections, _notes(notes)])


def _rows(
    connection: duckdb.DuckDBPyConnection, source: str, code: str, period: str, where: str = "true"
) -> list[dict[str, Any]]:
    """Rows of a macro for one area and period, in order."""
    found = connection.execute(
        f"SELECT * FROM {source} WHERE ends_with(area_title, ?) AND choice = ? AND {where}",  # nosec B608
        [f" {code}", period],
    )
    names = [column[0] for column in found.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return sorted(rows, key=lambda row: row.get("place") or 0)


def _page(strip: dict[str, Any], sections: Sequence[str]) -> str:
    name = escape(strip["area_name"])
    facts = (
        f"{strip['tier_name']} · 数据截至 {strip['as_of']} · 期间 {strip['choice']} · "
        f"世代 {strip['generation']} · 总体质量 {strip['overall']}"
        f"（良好 {strip['grade_a']}，一般 {strip['grade_b']}，存疑 {strip['grade_c']}）"
    )
    return (
        f'<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8"><title>{name} 治理简报'
        f"</title><style>{STYLE}</style></head><body><h1>{name} 治理简报</h1>"
        f'<div class="facts">{escape(facts)}</div><div class="sheet">'
        + "\n".join(sections)
        + "</div></body></html>\n"
    )


def _section(title: str, rows: Sequence[dict[str, Any]]) -> str:
    lines = "".join(_line(row) for row in rows) or '<tr><td colspan="4">无数据</td></tr>'
    return (
        f"<section><h2>{escape(title)}</h2><table><tr><th>指标</th><th>数值</th><th>环比</th>"
        f"<th>对照</th></tr>{lines}</table></section>"
    )


def _line(row: dict[str, Any]) -> str:
    why = f'<div class="why">{escape(row["reason"])}</div>' if row["reason"] else ""
    return (
        f'<tr class="{row["state"]}"><td>{escape(row["metric_name"])}{why}</td>'
        f'<td class="figure">{escape(row["shown"])} {escape(row["unit"])}</td>'
        f'<td class="figure">{escape(row["change_shown"] or "")}</td>'
        f"<td>{escape(row['above_shown'] or '')}</td></tr>"
    )


def _lower(rows: Sequence[dict[str, Any]]) -> str:
    if not rows:
        return ""
    lines = "".join(
        f'<tr class="{row["state"]}"><td>{row["place"]}</td><td>{escape(row["lower_name"])}</td>'
        f'<td class="figure">{escape(row["shown"])} {escape(row["unit"])}</td>'
        f'<td class="figure">{escape(row["change_shown"] or "")}</td></tr>'
        for row in rows
    )
    title = escape(rows[0]["map_metric"])
    return (
        f"<section><h2>下级区划 · {title}</h2><table><tr><th>名次</th><th>区划</th><th>数值</th>"
        f"<th>环比</th></tr>{lines}</table></section>"
    )


def _notes(rows: Sequence[dict[str, Any]]) -> str:
    def said() -> Iterator[str]:
        for row in [row for row in rows if row["subject"]][:LONGEST_LIST]:
            kind = "修订" if row["note_kind"] == "restated" else "未定位"
            cells = (kind, row["subject"], row["note"])
            yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"

    lines = "".join(said()) or "<tr><td>没有未定位的部分，近期没有修订。</td></tr>"
    return f"<section><h2>数据说明</h2><table>{lines}</table></section>"
