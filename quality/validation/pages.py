"""Data Docs: what was expected of every table and how it came out, as pages that open offline.

The sections are Great Expectations' own. Its page around them asks nine servers for styles and
scripts, which city networks cannot reach: ours asks none and has no script.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any, ClassVar

from quality.validation.rules import DIMENSIONS, SEVERITY_ZH, Verdict

HOME_PAGE = "index.html"
TITLE = "数据质量报告"

_STYLE = """
body{font:15px/1.6 "Noto Sans CJK SC","Microsoft YaHei",sans-serif;margin:0;color:#1d2733}
header{background:#12395f;color:#fff;padding:.8em 2em}header a{color:#cfe3f7}
main{max-width:72em;margin:1.5em auto;padding:0 2em}h1{font-size:1.3em;margin:0}
table{border-collapse:collapse;width:100%;margin:.6em 0 1.4em}
th,td{border-bottom:1px solid #d9e0e7;padding:.35em .6em;text-align:left;vertical-align:top}
th{background:#f1f5f9}h5,h6{font-size:1em;margin:1em 0 .2em}
.text-success:before,.held:before{content:"\\2713 ";color:#1a7f37}
.text-danger:before,.block:before{content:"\\2717 ";color:#c0262d}
.text-warning:before,.grade:before{content:"\\2717 ";color:#b26a00}
.note:before{content:"! ";color:#6b7785}.small{color:#5a6875;font-size:.9em}
td[class]{white-space:nowrap}summary{cursor:pointer;color:#5a6875}
.badge{background:#e6edf4;border-radius:3px;padding:0 .3em}.d-none,[hidden]{display:none}
"""


@dataclass(frozen=True)
class Entry:
    """A line of the home page.

    Attributes:
        label: `layer.name`.
        zh: What people call the table.
        at: When it speaks of.
        rows: Its rows.
        verdicts: How its expectations came out.
    """

    label: str
    zh: str
    at: str
    rows: int
    verdicts: Sequence[Verdict]


def page_name(label: str) -> str:
    """File name of a table's page."""
    return f"{label}.html"


def table_page(entry: Entry, result: Any) -> str:
    """A table's page: our verdicts in words, and Great Expectations' own sections below.

    Args:
        entry: The table and its verdicts.
        result: Great Expectations' validation result.
    """
    body = f"""<h1>{escape(entry.zh)} <span class="small">{escape(entry.label)}</span></h1>
<p class="small">数据截止 {escape(entry.at)} · {entry.rows:,} 行</p>
{_verdicts(entry.verdicts)}{_sections(result)}"""
    return _page(f"{entry.zh} · {TITLE}", body, back=True)


def _sections(result: Any) -> str:
    """Great Expectations' sections, without what they would load from elsewhere."""
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer

    document: Any = ValidationResultsPageRenderer().render(result).to_json_dict()
    parts = [
        _section_view().render({"section": section, "section_loop": {"index": n}})
        for n, section in enumerate(document["sections"], start=1)
    ]
    own = _LOADED.sub("", "\n".join(parts))
    return f"<details><summary>Great Expectations</summary>\n{own}\n</details>"


@cache
def _section_view() -> Any:
    """Its view of sections, with the template compiled once: 30 ms a page else."""
    from great_expectations.render.view.view import DefaultJinjaSectionView

    class Compiled(DefaultJinjaSectionView):
        _compiled: ClassVar[dict[str, Any]] = {}

        def _get_template(self, template_str: Any) -> Any:
            if template_str not in self._compiled:
                self._compiled[template_str] = super()._get_template(template_str)
            return self._compiled[template_str]

    return Compiled()


_LOADED = re.compile(r"<script\b.*?</script>|<link\b[^>]*>|<img\b[^>]*>|</?a\b[^>]*>", re.DOTALL)


def _verdicts(verdicts: Sequence[Verdict]) -> str:
    lines = "\n".join(
        f'<tr><td class="{_state(one)}">{"符合" if one.passed else "不符"}</td>'
        f"<td>{escape(one.zh)}</td><td>{one.dimension}</td><td>{_severity(one)}</td>"
        f"<td>{escape(one.found)}</td><td>{'' if one.passed else escape(one.remedy)}</td></tr>"
        for one in sorted(verdicts, key=lambda one: one.passed)
    )
    return f"""<table><thead><tr><th>结果</th><th>期望</th><th>维度</th><th>不符时</th><th>实际</th>
<th>处置</th></tr></thead><tbody>{lines}</tbody></table>"""


def _state(one: Verdict) -> str:
    return "held" if one.passed else one.severity


def _severity(one: Verdict) -> str:
    return SEVERITY_ZH.get(one.severity, one.severity)  # pyright: ignore[reportArgumentType]


def home_page(entries: Sequence[Entry]) -> str:
    """All tables, and how each of the six dimensions stands."""
    every = [verdict for entry in entries for verdict in entry.verdicts]
    heads = "".join(f"<th>{name}</th>" for name in DIMENSIONS)
    shares = "".join(
        f"<td>{sum(v.passed for v in own)} / {len(own)}</td>"
        for own in ([v for v in every if v.dimension == name] for name in DIMENSIONS)
    )
    lines = "\n".join(_line(entry) for entry in sorted(entries, key=lambda e: e.label))
    return _page(
        TITLE,
        f"""<h2>六个维度（符合 / 全部）</h2>
<table><thead><tr>{heads}</tr></thead><tbody><tr>{shares}</tr></tbody></table>
<h2>发布表</h2>
<table><thead><tr><th>结果</th><th>表</th><th>数据截止</th><th>行数</th><th>期望</th><th>不符</th></tr>
</thead><tbody>{lines}</tbody></table>
<p class="small">阻断发布：不切换世代，仍提供上一世代；影响质量等级：
相关数值标注等级；提示：仅供查看。</p>
""",
    )


def _line(entry: Entry) -> str:
    failed = [one for one in entry.verdicts if not one.passed]
    worst = next((s for s in SEVERITY_ZH if any(one.severity == s for one in failed)), "held")
    said = SEVERITY_ZH.get(worst, "符合")  # pyright: ignore[reportArgumentType]
    return (
        f'<tr><td class="{worst}">{said}</td>'
        f'<td><a href="{page_name(entry.label)}">{escape(entry.zh)}</a> '
        f'<span class="small">{escape(entry.label)}</span></td><td>{escape(entry.at)}</td>'
        f"<td>{entry.rows:,}</td><td>{len(entry.verdicts)}</td>"
        f"<td>{escape('；'.join(one.zh for one in failed))}</td></tr>"
    )


def _page(title: str, body: str, *, back: bool = False) -> str:
    home = f'<a href="{HOME_PAGE}">全部表</a>' if back else "Data Docs"
    return f"""<!DOCTYPE html>
<html lang="zh-CN"><head><meta charset="UTF-8"><title>{escape(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1.0">
<style>{_STYLE}</style></head>
<body><header><strong>{TITLE}</strong> · {home}</header><main>
{body}
</main></body></html>
"""


def as_json(entry: Entry) -> Mapping[str, Any]:
    """An entry to be kept; `from_json` gives it back."""
    return {**vars(entry), "verdicts": [vars(one) for one in entry.verdicts]}


def from_json(kept: Mapping[str, Any]) -> Entry:
    """What `as_json` was given."""
    return Entry(**{**kept, "verdicts": tuple(Verdict(**one) for one in kept["verdicts"])})
