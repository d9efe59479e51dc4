"""Reading ahead gives the same pieces, and no more of them than asked for."""

from __future__ import annotations

import threading

import pytest

from warehouse.readers.ahead import ahead


def test_pieces_come_in_their_order_from_another_thread():
    threads = set()

    def pieces():
        for n in range(50):
            threads.add(threading.get_ident())
            yield n

    assert list(ahead(pieces())) == list(range(50))
    assert threads.isdisjoint({threading.get_ident()})
    assert len(threads) == 1


def test_an_error_is_raised_behind_the_pieces_before_it():
    def pieces():
        yield 1
        yield 2
        raise ValueError("torn")

    met = []
    with pytest.raises(ValueError, match="torn"):
        met.extend(ahead(pieces()))
    met = []
    try:
        for one in ahead(pieces()):
            met.append(one)
    except ValueError:
        pass
    assert met == [1, 2]


def test_no_more_is_made_than_the_depth_ahead():
    made = []

    def pieces():
        for n in range(1000):
            made.append(n)
            yield n

    reading = ahead(pieces(), depth=3)
    assert next(reading) == 0
    reading.close()
    assert len(made) <= 5
