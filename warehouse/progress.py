"""Who is told how far long work has come. Silent unless somebody listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[str, float, float], None]
_listeners: list[Listener] = []


def report(task: str, done: float, total: float) -> None:
    """Tell the listeners that `done` of `total` of a task is done."""
    for listener in _listeners:
        listener(task, done, total)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send reports to a listener for a while."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
