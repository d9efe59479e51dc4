"""What to hide beside the small counts at little cost: complementary suppression.

Every reason why a small count cannot be moved far enough (`attack.proofs`) is a condition on what
is hidden: *of these cells, hide enough*. Conditions are met, the attacker tries again, and so on
until nothing is left to find. Where a table is small the conditions are met at least cost by an
integer program, elsewhere by taking the cheapest cell for its effect.

Source: cell suppression by cutting planes (capacity and bridgeless inequalities), as in Fischetti
and Salazar-González, Management Science 47 (2001).
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass, field

import numpy as np
from scipy import sparse

from quality.disclosure_control.attack import Proof
from quality.disclosure_control.knowledge import open_limits
from quality.disclosure_control.system import Numbers, System, row_count

_ALMOST = 1e-6


@dataclass(frozen=True)
class Condition:
    """Of these cells, hide so many that their effects add up to what is needed."""

    cells: Numbers
    effects: Numbers
    needed: float


@dataclass
class Cover:
    """What is hidden so far, and all that is known to be needed.

    Attributes:
        system: The table.
        limits: Lowest and highest value of each cell when all is hidden, if known already.
        low: Limits of each cell when all is hidden.
        high: The same from above.
        goal_low: Down to where a small count must be movable; raised where that cannot be had.
        goal_high: The same upwards.
        hidden: What is hidden; starts with what must be.
        conditions: All that were met by hiding something.
    """

    system: System
    limits: InitVar[tuple[Numbers, Numbers] | None] = None
    low: Numbers = field(init=False)
    high: Numbers = field(init=False)
    goal_low: Numbers = field(init=False)
    goal_high: Numbers = field(init=False)
    hidden: Numbers = field(init=False)
    conditions: list[Condition] = field(init=False, default_factory=list)

    def __post_init__(self, limits: tuple[Numbers, Numbers] | None) -> None:
        self.low, self.high = limits or open_limits(self.system)
        self.goal_low, self.goal_high = self.low.copy(), self.high.copy()
        self.hidden = self.system.is_held & self.system.is_free
        self._rows = sparse.csr_matrix(self.system.matrix)
        self._columns = sparse.csc_matrix(self.system.matrix)
        self._in_conditions: dict[int, list[int]] = {}
        self._can_move = self.system.is_free & (self.high > self.low)
        self._count = abs(self._rows) @ self.hidden.astype(float)
        self._cheapest = self._two_cheapest()

    def sums_of(self, cell: int) -> list[int]:
        """Equations a cell stands in."""
        own = self._columns
        return own.indices[own.indptr[cell] : own.indptr[cell + 1]].tolist()

    def members(self, row: int) -> tuple[Numbers, Numbers]:
        """Cells of an equation and their signs."""
        own = self._rows
        inside = slice(own.indptr[row], own.indptr[row + 1])
        return own.indices[inside], own.data[inside]

    def wanted(self, cell: int, sign: int) -> float:
        """How far a small count must be movable, up or down."""
        value = self.system.value[cell]
        return float(self.goal_high[cell] - value if sign > 0 else value - self.goal_low[cell])

    def settle_for(self, cell: int, sign: int, moved: float) -> None:
        """Ask no more of a cell than it has: no pattern can give it more."""
        goals = self.goal_high if sign > 0 else self.goal_low
        goals[cell] = self.system.value[cell] + sign * moved

    def within_sum(self, cell: int, sign: int, row: int) -> Condition | None:
        """What a single sum asks for, if a cell is to move all the way up or down."""
        cells, signs = self.members(row)
        way = -signs * signs[cells == cell][0] * sign
        return self._condition(cells, way, cell, self.wanted(cell, sign))

    def of_proof(self, proof: Proof) -> Condition | None:
        """What an attacker's reason asks for."""
        wanted = self.wanted(proof.cell, proof.sign)
        return self._condition(proof.cells, -proof.prices, proof.cell, wanted)

    def hide_near(self, cells: Numbers) -> bool:
        """Hide the cheapest of some cells that is not hidden yet; whether there was one."""
        cells = cells[self._can_move[cells] & ~self.hidden[cells]]
        if cells.size:
            self.hide(int(cells[np.argmin([self.price(cell) for cell in cells])]))
        return bool(cells.size)

    def _condition(
        self, cells: Numbers, way: Numbers, cell: int, wanted: float
    ) -> Condition | None:
        """Cells that can move the helpful way, no further than is of use.

        None: nothing is wanted, or hiding cannot help.
        """
        is_useful = (way != 0) & self._can_move[cells] & (cells != cell)
        cells, way = cells[is_useful], way[is_useful]
        value = self.system.value[cells]
        room = np.where(way > 0, self.high[cells] - value, value - self.low[cells])
        effects = np.abs(way) * room
        needed = min(wanted, np.floor(effects.sum() + _ALMOST))
        is_useful = effects > 0
        effects = np.minimum(effects[is_useful], needed)
        if needed <= 0 or not effects.size:
            return None
        return Condition(cells[is_useful], effects, needed)

    def meet(self, condition: Condition | None) -> bool:
        """Hide what a condition asks for, and what that makes necessary; whether anything was."""
        if condition is None:
            return False
        self.remember(condition)
        if self.is_met(condition):
            return False
        while not self.is_met(condition):
            is_open = ~self.hidden[condition.cells]
            missing = condition.needed - condition.effects[~is_open].sum()
            cells = condition.cells[is_open]
            effects = np.minimum(condition.effects[is_open], missing)
            price = np.array([self.price(cell) for cell in cells]) / effects
            self.hide(int(cells[np.argmin(price)]))
        return True

    def remember(self, condition: Condition) -> None:
        """Keep a condition, so that nothing it needs is published again."""
        for cell in condition.cells:
            self._in_conditions.setdefault(int(cell), []).append(len(self.conditions))
        self.conditions.append(condition)

    def is_met(self, condition: Condition) -> bool:
        """Whether enough is hidden."""
        effects = condition.effects[self.hidden[condition.cells]].sum()
        return bool(effects >= condition.needed - _ALMOST)

    def price(self, cell: int) -> float:
        """Cost of hiding a cell and the one more that each of its untouched sums will need."""
        price = self.system.weight[cell]
        for row in self.sums_of(cell):
            if self._count[row] == 0:
                best, second, which = self._cheapest[row]
                price += second if which == cell else best
        return float(price)

    def hide(self, cell: int) -> None:
        """Hide a cell; where it stands alone in a sum, hide the cheapest other one too."""
        waiting = [cell]
        while waiting:
            cell = waiting.pop()
            if self.hidden[cell]:
                continue
            self.hidden[cell] = True
            self._count[self.sums_of(cell)] += 1
            waiting += [other for row in self.sums_of(cell) if (other := self._other(row)) >= 0]

    def close(self) -> None:
        """Hide one more wherever a hidden cell stands alone in a sum."""
        for row in np.flatnonzero(self._count == 1).tolist():
            if (other := self._other(row)) >= 0:
                self.hide(other)

    def unhide(self, cell: int) -> None:
        """Publish a cell again."""
        self.hidden[cell] = False
        self._count[self.sums_of(cell)] -= 1

    def is_needed(self, cell: int) -> bool:
        """Whether a hidden cell cannot be published again, for all that is known so far."""
        self.unhide(cell)
        is_needed = any(self._other(row) >= 0 for row in self.sums_of(cell)) or not all(
            self.is_met(self.conditions[at]) for at in self._in_conditions.get(cell, ())
        )
        self.hidden[cell] = True
        self._count[self.sums_of(cell)] += 1
        return is_needed

    def conditions_on(self, cells: Numbers) -> list[Condition]:
        """Conditions that lie within some cells that hang together."""
        some = {at for cell in cells for at in self._in_conditions.get(int(cell), ())}
        return [self.conditions[at] for at in sorted(some)]

    def may_hide(self) -> Numbers:
        """Cells it may be of use to hide, and those that must be hidden."""
        return self._can_move | (self.system.is_held & self.system.is_free)

    def never_alone(self) -> sparse.csr_matrix:
        """One row per cell and sum: hidden there only if another is (bridgeless inequalities)."""
        entries: list[tuple[int, int, float]] = []
        count = 0
        for row in range(row_count(self._rows)):
            cells, _ = self.members(row)
            cells = cells[self._can_move[cells]]
            for cell in cells.tolist() if cells.size > 1 else ():
                entries += [(count, other, -1.0 if other == cell else 1.0) for other in cells]
                count += 1
        rows, columns, values = zip(*entries, strict=True) if entries else ((), (), ())
        return sparse.csr_matrix((values, (rows, columns)), shape=(count, self.hidden.size))

    def _other(self, row: int) -> int:
        if self._count[row] != 1:
            return -1
        cells, _ = self.members(row)
        cells = cells[self._can_move[cells] & ~self.hidden[cells]]
        if not cells.size:
            return -1
        return int(cells[np.argmin([self.price(cell) for cell in cells])])

    def _two_cheapest(self) -> list[tuple[float, float, int]]:
        found = []
        for row in range(row_count(self._rows)):
            cells, _ = self.members(row)
            cells = cells[self._can_move[cells]]
            weight = self.system.weight[cells]
            order = np.argsort(weight, kind="stable")[:2]
            best = float(weight[order[0]]) if order.size else 0.0
            second = float(weight[order[1]]) if order.size > 1 else best
            found.append((best, second, int(cells[order[0]]) if order.size else -1))
        return found
