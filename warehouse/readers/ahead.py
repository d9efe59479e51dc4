"""Reading ahead: one thread reads and parses while another judges and writes.

DuckDB and decompression let go of Python's lock, so the two really run side by side.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

DEPTH = 2
"""Pieces made beforehand at most; each is a block of lines, so memory stays bounded."""

Piece = TypeVar("Piece")


def ahead(pieces: Iterable[Piece], depth: int = DEPTH) -> Generator[Piece, None, None]:
    """The same pieces in the same order, made in a thread of their own.

    What making them raises is raised here, at its place.
    """
    end = object()
    iterator = iter(pieces)
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as pool:
        waiting = deque(pool.submit(next, iterator, end) for _ in range(depth))
        try:
            while (one := waiting.popleft().result()) is not end:
                waiting.append(pool.submit(next, iterator, end))
                yield one  # pyright: ignore[reportReturnType]
        finally:
            pool.shutdown(cancel_futures=True)
