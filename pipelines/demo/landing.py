"""Hand-over of demo files: written under a temporary name, then renamed, as a source system would.

Not here: what the files say (`faces.py`, `cases.py`, …), what should become of it (`truth.py`).
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable
from pathlib import Path
from typing import IO, cast

import zstandard


class Landing:
    """Writes below `HOME/landing` and remembers what it wrote.

    Attributes:
        files: Path below `landing/` → size in bytes, in order of writing.
    """

    def __init__(self, home: Path) -> None:
        self.folder = home / "landing"
        self.files: dict[str, int] = {}

    def write(self, source: str, name: str, chunks: Iterable[bytes], *, raw: bool = False) -> None:
        """Write one file, compressed as its extension says.

        Args:
            source: Landing folder.
            name: File name; `.gz` and `.zst` are compressed.
            chunks: Content, piece by piece, so that a large file never stands in memory.
            raw: Write the bytes as they are, whatever the extension (for planted broken files).
        """
        path = self.folder / source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        with part.open("wb") as file:
            _copy(chunks, file, "" if raw else path.suffix)
        part.replace(path)
        self.files[f"{source}/{name}"] = path.stat().st_size

    def write_text(self, source: str, name: str, text: str, encoding: str = "utf-8") -> None:
        """Write one small text file."""
        self.write(source, name, [text.encode(encoding)])


def _copy(chunks: Iterable[bytes], file: IO[bytes], suffix: str) -> None:
    if suffix == ".gz":
        # No name and no time in the header: the same demo gives the same bytes.
        with gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=3, mtime=0) as out:
            for chunk in chunks:
                out.write(chunk)
    elif suffix == ".zst":
        with zstandard.ZstdCompressor(level=3).stream_writer(file, closefd=False) as out:
            for chunk in chunks:
                out.write(chunk)
    else:
        for chunk in chunks:
            cast(io.BufferedWriter, file).write(chunk)
