"""CSV text cut into records: decoding, and quotes that may or may not mean what they should.

A quoted field may hold line breaks; a stray quote must not swallow the rows below it. A line break
counts as inside a field only if the record it gives is flawless and no line in between is a whole
record by itself. Not here: turning records into columns (`tables.py`).
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from warehouse.readers.stream import LONGEST_LINE, blocks

OVERLONG = '"\n'
"""Stands for a line beyond `LONGEST_LINE`; it can be no other record."""

_BLOCK_BYTES = 4 << 20
_RECORD_LINES = 50
"""A quoted field may run over so many lines; a quote still open then is a stray one."""

_QUOTED = r'"[^"]*+(?:""[^"]*+)*+"[ \t]*+'
_STRICT = rf'(?:{_QUOTED}|[^",\n]*+)'
# A quote in the middle of an unquoted field (5" pipe) is plain text, as Arrow reads it.
_LENIENT = rf'(?:{_QUOTED}|[^",\n][^,\n]*+|)'
_STRICT_RECORD = re.compile(rf"{_STRICT}(?:,{_STRICT})*+")
_LENIENT_RECORD = re.compile(rf"{_LENIENT}(?:,{_LENIENT})*+")
_FIELDS = re.compile(rf"(?:\A|,){_LENIENT}")


def records(path: Path, encoding: str | None = None) -> Iterator[tuple[list[str], int]]:
    """Non-blank records of a file, the header first, and the bytes consumed so far.

    Args:
        path: The file.
        encoding: Its encoding where that is known; else it is told from the bytes.

    Raises:
        UnreadableFile: empty, damaged, or truncated.
    """
    decoder: io.IncrementalNewlineDecoder | None = None
    cutter = _Cutter()
    taken = 0
    for block, taken in blocks(path, _BLOCK_BYTES):
        if decoder is None:
            name = encoding or encoding_of(block)
            inner = codecs.getincrementaldecoder(name)("replace")
            decoder = io.IncrementalNewlineDecoder(inner, translate=True)
        if found := cutter.feed(decoder.decode(block)):
            yield found, taken
    rest = decoder.decode(b"", final=True) if decoder else ""
    if found := cutter.feed(rest, last=True):
        yield found, taken


def field_count(record: str, *, strict: bool = False) -> int | None:
    """Fields of a record; None where its quotes do not match.

    >>> field_count('1,"a, b",'), field_count('1,"a, b'), field_count('5" pipe,2')
    (3, None, 2)
    """
    if '"' not in record:
        return record.count(",") + 1 if "\n" not in record else None
    if not (_STRICT_RECORD if strict else _LENIENT_RECORD).fullmatch(record):
        return None
    return sum(1 for _ in _FIELDS.finditer(record))


def fields(record: str) -> list[str]:
    """Fields of one record, as the header needs them.

    Raises:
        csv.Error: a field is longer than any heading.
    """
    return next(csv.reader([record.replace("\n", " ")]), [])


class _Cutter:
    """Cuts text that arrives in pieces; the first record says how many fields a record has."""

    def __init__(self) -> None:
        self.carry = ""
        self.skipping = False
        self.width: int | None = None

    def feed(self, text: str, *, last: bool = False) -> list[str]:
        """Whole records; what may still continue is kept for the next piece."""
        if self.skipping:
            end = text.find("\n")
            if end < 0:
                return []
            text, self.skipping = text[end + 1 :], False
        text = self.carry + text
        cut = len(text) if last else text.rfind("\n") + 1
        texts = text[:cut].removesuffix("\n").split("\n")
        tail = text[cut:]
        if len(texts[0]) > LONGEST_LINE:
            texts[0] = OVERLONG
        found, rest = self._join(texts, last=last)
        if len(rest) + len(tail) > LONGEST_LINE:
            found += self._join(rest.split("\n")[:-1], last=True)[0]
            rest = ""
            if len(tail) > LONGEST_LINE:
                found, tail, self.skipping = [*found, OVERLONG], "", True
        self.carry = rest + tail
        return found

    def _join(self, texts: list[str], *, last: bool) -> tuple[list[str], str]:
        found: list[str] = []
        i = 0
        while i < len(texts):
            line = texts[i]
            end = i
            if line != OVERLONG and '"' in line and field_count(line) is None:
                end = self._closing(texts, i)
                if end == len(texts) and not last and end - i < _RECORD_LINES:
                    return found, "\n".join(texts[i:]) + "\n"
                end = i if end == len(texts) else end
            record = "\n".join(texts[i : end + 1])
            if record.strip():
                found.append(record)
                self.width = self.width or _heading_count(record)
            i = end + 1
        return found, ""

    def _closing(self, texts: list[str], i: int) -> int:
        """The line that closes the quote opened on line i; i: none does; the end: not yet seen."""
        for j in range(i + 1, min(i + _RECORD_LINES, len(texts))):
            if '"' in texts[j]:
                joined = field_count("\n".join(texts[i : j + 1]), strict=True)
                if joined is not None and joined == (self.width or joined):
                    return j
            if field_count(texts[j]) == self.width:
                return i
        return len(texts) if i + _RECORD_LINES > len(texts) else i


def _heading_count(record: str) -> int:
    try:
        return len(fields(record))
    except csv.Error:
        return 1


def encoding_of(sample: bytes) -> str:
    """UTF-8 (with or without mark) where the sample is it, else GB18030, the national standard.

    Damaged lines must not turn a UTF-8 file into another: the header decides, else most lines do.

    >>> encoding_of("姓名".encode("gb18030"))
    'gb18030'
    """
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if _is_utf8(sample):
        return "utf-8"
    wide = [line for line in sample.split(b"\n") if not line.isascii()]
    readable = sum(_is_utf8(line) for line in wide)
    by_header = wide[0] == sample.split(b"\n", 1)[0] and _is_utf8(wide[0])
    return "utf-8" if by_header or readable * 2 > len(wide) else "gb18030"


def _is_utf8(sample: bytes) -> bool:
    """Whether this is UTF-8, but for a last character that may be cut off."""
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(sample)
    except UnicodeDecodeError:
        return False
    return True
