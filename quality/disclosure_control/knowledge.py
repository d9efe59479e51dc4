"""What is known of small counts before any other figure is published.

A hidden total below k with three parts above zero leaves each part at most k - 3, whatever is
hidden besides. Protection can only be asked for within such limits.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from quality.disclosure_control.system import Numbers, System, row_count

ROUNDS = 50


def open_limits(system: System) -> tuple[Numbers, Numbers]:
    """Limits of every cell when all that may be hidden is hidden, by following each sum in turn.

    Exact where sums form a tree, else never narrower than the truth.

    Returns:
        Lowest and highest value of each cell.
    """
    low = np.where(system.is_free, system.low, system.value)
    high = np.where(system.is_free, system.high, system.value)
    sums = _Sums(system.matrix)
    for _ in range(ROUNDS):
        narrower = sums.narrowed(low, high)
        if all(np.array_equal(a, b) for a, b in zip(narrower, (low, high), strict=True)):
            break
        low, high = narrower
    return low, high


class _Sums:
    """Equations as a list of entries: which equation, which cell; and the total of each."""

    def __init__(self, matrix: sparse.csr_matrix) -> None:
        entries = sparse.coo_matrix(matrix)
        is_total = entries.data < 0
        self.count = row_count(matrix)
        self.row, self.part = entries.row[~is_total], entries.col[~is_total]
        self.total = np.zeros(self.count, dtype=np.int64)
        self.total[entries.row[is_total]] = entries.col[is_total]

    def narrowed(self, low: Numbers, high: Numbers) -> tuple[Numbers, Numbers]:
        """One round: totals from their parts, parts from the total and the other parts."""
        low, high = low.copy(), high.copy()
        lows = np.bincount(self.row, low[self.part], self.count)
        is_open = np.isinf(high[self.part])
        highs = np.bincount(self.row, np.where(is_open, 0.0, high[self.part]), self.count)
        opens = np.bincount(self.row, is_open, self.count)
        others_low = lows[self.row] - low[self.part]
        others_high = np.where(
            opens[self.row] - is_open > 0,
            np.inf,
            highs[self.row] - np.where(is_open, 0.0, high[self.part]),
        )
        total = self.total[self.row]
        part_low, part_high = low[total] - others_high, high[total] - others_low
        np.maximum.at(low, self.total, lows)
        np.minimum.at(high, self.total, np.where(opens > 0, np.inf, highs))
        np.maximum.at(low, self.part, part_low)
        np.minimum.at(high, self.part, part_high)
        return low, high
