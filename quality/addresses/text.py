"""One spelling for address texts, before their levels are read.

Half-width capitals, no blanks, remarks in brackets apart, numbers in Arabic digits where a number
stands (三号楼, 二单元四〇一), never inside names (三明市, 五一路). 甲乙丙 in a number, 附 between
two numbers and the 号 of 五号路 become private characters, so that later steps see them at once.

Not here: which part of the text is which level, see `quality.addresses.parts`.
"""

from __future__ import annotations

import re
from typing import Final

import polars as pl

STEMS: Final = "甲乙丙丁戊己庚辛壬癸"
_PRIVATE_STEM: Final = {stem: chr(0xE0A0 + n) for n, stem in enumerate(STEMS)}
_PRIVATE_ANNEX: Final = "\ue0aa"  # 附 between two numbers
PRIVATE_NUMBER: Final = "\ue0b0"  # 号 that is part of a road's name
NUMBER_CLASS: Final = r"0-9A-Z\-\x{E0A0}-\x{E0AA}"
"""Inside of a character class: what numbers of doors, buildings and rooms are written with."""
NUMBER_CHARACTERS: Final = "".join(
    [*"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-", *_PRIVATE_STEM.values(), _PRIVATE_ANNEX]
)
PUBLIC: Final = {p: s for s, p in _PRIVATE_STEM.items()} | {
    _PRIVATE_ANNEX: "附",
    PRIVATE_NUMBER: "号",
}
"""Private characters and what they stand for."""

_WIDTHS: Final = (
    {chr(ord(c) + 0xFEE0): c.upper() for c in map(chr, range(0x21, 0x7F))}
    | {c: c.upper() for c in "abcdefghijklmnopqrstuvwxyz"}
    | dict.fromkeys("/\\／＼—–‐‑−－~～〜_＿", "-")
    | dict.fromkeys("【〔［[〈《", "(")
    | dict.fromkeys("】〕］]〉》", ")")
    | dict.fromkeys("＃♯№", "#")
    | dict.fromkeys(" \t\r\n\u3000\xa0，,、；;。．.：:·•“”\"'|｜", " ")
)
_DIGIT: Final = {c: n for n, cs in enumerate(
    ("零〇○", "一壹", "二贰两", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖")
) for c in cs}  # fmt: skip
_UNITS: Final = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_N: Final = "[" + "".join([*_DIGIT, *_UNITS, "廿"]) + "]"
_S: Final = f"[{STEMS}]"
# What a number stands before; the words after it would make it part of a name (五号路, 三门峡).
_ROAD: Final = "[路街巷线弄]|大[道街]"
_AFTER: Final = (
    rf"(?=号(?!{_ROAD})|幢|栋|座|单元|梯|门(?=$|[0-9(-]|{_N})|[层楼](?![村镇乡路街巷社里上下])|室|"
    rf"房(?!产|屋|地)|户|组|生产队|村民小组|小组|[弄巷]|#|-)"
)
_RULES: Final = tuple((frozenset(only), re.compile(pattern), new) for only, pattern, new in (
    (STEMS, rf"({_S})(?=栋|幢|座|号|单元|梯|室|-|[0-9])|"
            rf"(?<=[0-9])({_S})(?=号|栋|幢|座|室|单元|楼|-|$)", lambda m: _PRIVATE_STEM[m[0]]),
    ("第", r"第(?=[0-9])", ""),
    ("#", r"(?<=[路街巷弄道])([0-9A-Z]+)#(?!楼)", r"\1号"),
    ("#", r"#(?=楼)", "号"),
    ("#", r"#(?=栋|幢|座)", ""),
    ("#", r"(?<=[0-9A-Z])#(?![0-9A-Z])", "号楼"),
    ("号", r"号(?=栋|幢|座)", ""),
    ("#", r"(?<=[0-9A-Z])#(?=[0-9A-Z])", "-"),
    ("#", r"#", ""),
    ("之", r"([0-9]+)号?之([0-9]+)号?", r"\1-\2号"),
    ("附", r"([0-9]+)号?附([0-9]+)号?", rf"\1{_PRIVATE_ANNEX}\2号"),
    (STEMS, rf"([0-9]+)号({_S})(?=$|[^栋幢座号单\u4e00-\u9fff])",
     lambda m: f"{m[1]}{_PRIVATE_STEM[m[2]]}号"),
    ("层楼F", r"(?:负|地下|(?<=[号楼栋幢座元])-|^-)([0-9])(?=层|楼|F)", r"B\1"),
    ("号", rf"(?<=[0-9])号(?={_ROAD})", PRIVATE_NUMBER),
    ("F", r"(?<=[0-9])F(?=[0-9]{3})", "层"),
    ("期区", r"(?<![0-9A-Z-])[1-9](?=[期区])", lambda m: "零一二三四五六七八九"[int(m[0])]),
))  # fmt: skip
_NUMERALS: Final = re.compile(
    rf"{_N}+{_AFTER}|(?<=号之){_N}+|(?<=[号楼栋幢座元层室之附-]){_N}+(?![^-])|"
    rf"(?<!{_N})[零〇○一二三四五六七八九]{{3,4}}$"
)
_IRREGULAR: Final = (
    rf"{_N}(?:[号幢栋座单梯门层楼室房户组生村小弄巷#\-]|$)|"
    r"[#附负之甲乙丙丁戊己庚辛壬癸]|地下|-[0-9][层楼F]|第[0-9]|[0-9]F[0-9]{3}|[1-9][期区]|"
    r"[0-9]号(?:[路街巷线弄]|大[道街])"
)


def chinese_number(text: str) -> str:
    """A number written in Chinese, in digits: by value with 十百千, else digit by digit.

    >>> [chinese_number(text) for text in ("十二", "二〇一", "一百零二", "廿三", "一百二")]
    ['12', '201', '102', '23', '120']
    """
    text = text.replace("廿", "二十")
    if not any(c in _UNITS for c in text):
        return "".join(str(_DIGIT[c]) for c in text)
    total, digit, unit = 0, 0, 10
    for c in text:
        if c in _UNITS:
            unit = _UNITS[c]
            total += (digit or (0 if total else 1)) * unit
            digit = 0
        else:
            digit = _DIGIT[c]
            unit = 10 if digit == 0 else unit
    # 一百二 says 120, 一百零二 and 十二 end in ones
    return str(total + digit * (unit // 10 if unit > 10 else 1))


def _in_digits(match: re.Match[str]) -> str:
    text = match[0]
    following = match.string[match.end() : match.end() + 1]
    if following in ("弄", "巷") and not any(c in _UNITS for c in text) and len(text) > 1:
        return text  # 五一巷 is a name, 十二巷 a number
    return chinese_number(text)


def _regular(text: str) -> str:
    text = _NUMERALS.sub(_in_digits, text)
    for only, pattern, new in _RULES:
        if not only.isdisjoint(text):
            text = pattern.sub(new, text)
    return text


def spelled(texts: pl.Series) -> pl.DataFrame:
    """Texts in one spelling, remarks apart.

    Args:
        texts: Addresses as written, distinct if speed matters.

    Returns:
        `text` (private characters inside, see above) and `remark` (what stood in brackets), both
        null where there is nothing.
    """
    text, blank = pl.col("text"), r"(?-u:\b) +(?-u:\b)"  # only between ASCII digits and letters
    frame = (
        texts.alias("text").to_frame()
        .with_columns(text.str.replace_all(r"[\x{E000}-\x{F8FF}]", "").str.replace_many(_WIDTHS))
        .with_columns(
            remark=pl.when(text.str.contains("(", literal=True)).then(
                text.str.extract_all(r"\([^()]*\)?").list.eval(
                    pl.element().str.strip_chars("() ")
                ).list.join(" ").str.strip_chars()
            ),
            text=text.str.replace_all(r"\([^()]*\)?|\)", " "),
        )
        .with_columns(
            text.str.strip_chars(" -").str.replace_all(blank, "-")
            .str.replace_all(" ", "", literal=True)
        )
    )  # fmt: skip
    text_only = frame["text"]
    odd = text_only.str.contains(_IRREGULAR).fill_null(False)
    if odd.any():
        mended = pl.Series([_regular(t) for t in text_only.filter(odd).to_list()], dtype=pl.String)
        text_only = text_only.scatter(odd.arg_true(), mended)
    return frame.select(
        pl.when(text_only != "").then(text_only).alias("text"),
        pl.when(pl.col("remark") != "").then("remark").alias("remark"),
    )


def public(expr: pl.Expr) -> pl.Expr:
    """Text without private characters."""
    return expr.str.replace_many(PUBLIC)
