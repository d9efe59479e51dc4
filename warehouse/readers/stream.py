"""Bytes of a landing file as blocks of whole lines: plain, gzip or zstd, in bounded memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
import zstandard

from warehouse.landing import open_landed
from warehouse.readers import UnreadableFile

BLOCK_BYTES = 8 << 20
MOST_LINES = 50_000
LONGEST_LINE = 8 << 20
"""A longer line is no message of any known source; it is skipped and reported."""

# Capture messages shrink 10 to 40 times. Beyond this a file is made to fill memory or disk.
BOMB_RATIO = 300
BOMB_BYTES = 256 << 20

_SIP_BYTES = 4 << 10
"""Packed zstd bytes taken at a time: 4 KiB of a bomb unfold to 128 MiB, not to all memory."""

_LARGEST_WINDOW = 1 << 27

_DECODING_ERRORS = (gzip.BadGzipFile, zlib.error, zstandard.ZstdError, EOFError)


@dataclass
class Lines:
    """A block of whole lines.

    Attributes:
        data: The lines, each ended by a newline.
        first_number: Number of the first line in the file, from 1.
        overlong: Numbers of lines beyond `LONGEST_LINE`; they are not in `data`, which holds an
            empty line in their place.
        bytes_read: Bytes of the file as landed consumed so far.
    """

    data: bytes
    first_number: int
    overlong: list[int]
    bytes_read: int


class Readable(Protocol):
    """What blocks are read from."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end."""
        ...


class _Counted:
    """Counts what is read from the landed file and what comes out of it."""

    def __init__(self, raw: BinaryIO) -> None:
        self.raw = raw
        self.taken = 0

    def read(self, size: int = -1) -> bytes:
        data = self.raw.read(size)
        self.taken += len(data)
        return data

    def readable(self) -> bool:
        return True


class _Zstd:
    """Reads zstd frames one after another.

    The library's own stream reader ends without a word where a file was cut off: rows would be lost
    silently. This one asks every frame whether it was complete.
    """

    def __init__(self, raw: _Counted) -> None:
        self.raw = raw
        self.decompressor = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
        self.frame: zstandard.ZstdDecompressionObj | None = None
        self.packed = b""
        self.ready = b""

    def read(self, size: int) -> bytes:
        """Up to `size` unpacked bytes, fewer only at the end of the file."""
        parts, total = [self.ready], len(self.ready)
        while total < size and (packed := self.packed or self.raw.read(_SIP_BYTES)):
            self.packed = b""
            self.frame = self.frame or self.decompressor.decompressobj()
            data = self.frame.decompress(packed)
            if self.frame.eof:
                self.packed, self.frame = self.frame.unused_data, None
            parts.append(data)
            total += len(data)
        if total < size and self.frame is not None:
            raise EOFError("it ends in the middle of a frame")
        data = b"".join(parts)
        self.ready = data[size:]
        return data[:size]


@contextmanager
def opened(path: Path) -> Iterator[tuple[Readable, _Counted]]:
    """The decompressed stream of a file, by its extension, and the counter below it."""
    with open_landed(path) as raw:
        counted = _Counted(raw)
        packing = path.suffix.lower()
        if packing == ".gz":
            with gzip.GzipFile(fileobj=counted, mode="rb") as stream:  # pyright: ignore
                yield stream, counted
        elif packing == ".zst":
            yield _Zstd(counted), counted
        else:
            yield counted, counted


def blocks(path: Path, size: int = BLOCK_BYTES) -> Iterator[tuple[bytes, int]]:
    """Decompressed blocks and the landed bytes consumed so far.

    Raises:
        UnreadableFile: the file is empty, damaged, truncated, or expands out of all proportion.
    """
    total = 0
    try:
        with opened(path) as (stream, counted):
            while data := stream.read(size):
                total += len(data)
                if total > BOMB_BYTES and total > BOMB_RATIO * max(counted.taken, 1):
                    raise UnreadableFile(
                        f"expands more than {BOMB_RATIO} times (over {total >> 20} MiB): refused"
                    )
                yield data, counted.taken
    except _DECODING_ERRORS as error:
        raise UnreadableFile(f"damaged or truncated {path.suffix} file: {error}") from error
    if total == 0:
        raise UnreadableFile("the file is empty")


def lines(path: Path) -> Iterator[Lines]:
    """Blocks of whole lines of a file."""
    carry, number, skipping = b"", 1, False
    overlong: list[int] = []
    taken = 0
    for block, taken in blocks(path):
        if skipping:
            end = block.find(b"\n")
            if end < 0:
                continue
            block, skipping = block[end:], False
        data = carry + block
        # Only the first line can have begun in an earlier block and be longer than one.
        if carry and (end := data.find(b"\n")) > LONGEST_LINE:
            overlong.append(number)
            data = data[end:]
        cut = data.rfind(b"\n") + 1
        carry = data[cut:]
        if len(carry) > LONGEST_LINE:
            overlong.append(number + data.count(b"\n", 0, cut))
            carry, skipping = b"", True
        if cut:
            for part in _of_bounded_count(data[:cut]):
                yield Lines(part, number, overlong, taken)
                number += part.count(b"\n")
                overlong = []
    if carry or overlong:
        yield Lines(carry + b"\n", number, overlong, taken)


def _of_bounded_count(data: bytes) -> Iterator[bytes]:
    """Whole lines in parts of at most `MOST_LINES`: 8 MiB of `{}` would be millions of rows."""
    if data.count(b"\n") <= MOST_LINES:
        yield data
        return
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10) + 1
    cuts = [0, *ends[MOST_LINES - 1 :: MOST_LINES].tolist(), len(data)]
    for start, end in pairwise(cuts):
        if start < end:
            yield data[start:end]


def whole(path: Path, most: int) -> bytes:
    """The decompressed file at once.

    Raises:
        UnreadableFile: it is larger than `most` bytes, or not readable.
    """
    parts, total = [], 0
    for block, _ in blocks(path):
        parts.append(block)
        total += len(block)
        if total > most:
            raise UnreadableFile(
                f"larger than {most >> 20} MiB, too large to be read as one document"
            )
    return b"".join(parts)
