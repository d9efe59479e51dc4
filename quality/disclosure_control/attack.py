"""The attacker: what can be worked out of hidden cells from published ones, by linear programming.

The attacker's problem of statistical disclosure control: find the smallest and the largest value a
hidden cell may have, given every published cell, every sum, and that counts are whole numbers
within what is known of them. A bound counts only with a witness: a table of whole numbers, checked
in whole numbers, that agrees with all that is published. Cells that touch through hidden cells
only are attacked together, all such groups in one program.

Source: the attacker's (or auditing) problem, as in Fischetti and Salazar-González, Management
Science 47 (2001), and Hundepool et al., Statistical Disclosure Control (2012), chapter 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, sparse
from scipy.sparse import csgraph

from quality.disclosure_control.system import Numbers, System, row_count

FAR = 1e6
"""How far a count of k or more is followed upwards: beyond it, it counts as unlimited."""
_NEAR_WHOLE = 1e-6
_NEAR_ZERO = 1e-7


@dataclass(frozen=True)
class Reach:
    """How far each cell can be moved, as witnessed; published cells not at all.

    For a small count whose limits were not reached, the witnessed bound is the exact one.
    """

    lower: Numbers
    upper: Numbers


@dataclass(frozen=True)
class Proof:
    """Why a cell cannot be moved further: prices of the sums, from the dual program.

    Attributes:
        cell: The cell.
        sign: +1 if it was moved up, -1 down.
        moved: How far it could be moved by the linear program, whole or not.
        cells: All cells of the sums it was attacked through, hidden or not.
        prices: How much it would help to move each of them up (if negative) or down.
    """

    cell: int
    sign: int
    moved: float
    cells: Numbers
    prices: Numbers


def reach(
    system: System,
    hidden: Numbers,
    targets: Numbers,
    wanted: tuple[Numbers, Numbers],
) -> Reach:
    """Move target cells until they reach the wanted limits or can be moved no further.

    Args:
        system: The table.
        hidden: Which cells are hidden.
        targets: Which cells to attack; those that are not hidden stay where they are.
        wanted: Lower and upper value at which a cell need not be followed further.
    """
    lower, upper = system.value.copy(), system.value.copy()
    field = _Field.of(system, hidden)
    cells = field.cells
    down = targets[cells] & (lower > wanted[0])[cells]
    up = targets[cells] & (upper < wanted[1])[cells]
    turn = 0
    while down.any() or up.any():
        waiting, first = np.unique(field.group[down | up], return_index=True)
        chosen = np.flatnonzero(down | up)[first]
        sign = np.where(up[chosen] & ~(down[chosen] & (turn % 2 == 1)), 1, -1)
        goal = np.where((np.arange(cells.size) + turn) % 2 == 0, 1.0, -1.0)
        goal = np.where(up & down, goal, up * 1.0 - down * 1.0)
        # The chosen cell of each group goes first, whatever the others gain by it.
        span = (wanted[1] - wanted[0])[cells]
        goal = np.where(np.isfinite(span), goal, 0.0)
        gained = np.where(goal != 0, span, 0.0)
        goal[chosen] = sign * (2 + np.bincount(field.group, gained, field.groups)[waiting])
        moved = field.solve(goal, waiting).moved
        at = system.value[cells] + moved
        lower[cells], upper[cells] = np.minimum(lower[cells], at), np.maximum(upper[cells], at)
        up[chosen[sign > 0]] = False
        down[chosen[sign < 0]] = False
        down &= lower[cells] > wanted[0][cells]
        up &= upper[cells] < wanted[1][cells]
        turn += 1
    return Reach(lower, np.where(upper >= system.value + FAR, np.inf, upper))


def proofs(
    system: System, hidden: Numbers, cells: Numbers, sign: int, *, per_group: int
) -> list[Proof]:
    """Attack some cells, each alone, and give the reasons why they stop.

    Args:
        system: The table.
        hidden: Which cells are hidden.
        cells: Hidden cells.
        sign: +1: move them up; -1: down.
        per_group: Of cells that hang together, so many are attacked, one after the other.
    """
    field = _Field.of(system, hidden)
    result: list[Proof] = []
    for _ in range(per_group):
        if not cells.size:
            break
        first, some = field.attacked_alone(cells, sign)
        result += some
        cells = np.delete(cells, first)
    return result


@dataclass(frozen=True)
class _Solved:
    moved: Numbers
    relaxed: Numbers
    duals: Numbers


@dataclass(frozen=True)
class _Field:
    """Hidden cells, the equations they stand in, and the groups that hang together."""

    system: System
    cells: Numbers
    matrix: sparse.csr_matrix
    group: Numbers
    row_group: Numbers
    groups: int

    @classmethod
    def of(cls, system: System, hidden: Numbers) -> _Field:
        cells = np.flatnonzero(hidden)
        matrix = sparse.csr_matrix(system.matrix[:, cells])
        both = sparse.bmat([[None, matrix], [matrix.T, None]], format="csr")
        groups, label = csgraph.connected_components(both, directed=False)
        rows = row_count(matrix)
        return cls(system, cells, matrix, label[rows:], label[:rows], groups)

    def attacked_alone(self, cells: Numbers, sign: int) -> tuple[Numbers, list[Proof]]:
        """Attack the first cell of each group; which of the cells they were, and the proofs."""
        place = np.searchsorted(self.cells, cells)
        waiting, first = np.unique(self.group[place], return_index=True)
        goal = np.zeros(self.cells.size)
        goal[place[first]] = sign
        found = self.solve(goal, waiting)
        result = []
        for at, group in zip(first, waiting, strict=True):
            rows = self.rows_of(group)
            own = self.system.matrix[rows]
            used = np.unique(own.indices)
            prices = -(own.T @ found.duals[rows])[used]
            prices[used == cells[at]] -= sign
            prices[np.abs(prices) < _NEAR_ZERO] = 0.0
            moved = float(found.relaxed[place[at]] * sign)
            result.append(Proof(int(cells[at]), sign, moved, used, prices))
        return first, result

    def rows_of(self, group: int) -> Numbers:
        return np.flatnonzero(self.row_group == group)

    def solve(self, goal: Numbers, groups: Numbers) -> _Solved:
        """Move cells the way of their goals; moves of whole numbers, checked."""
        is_in = np.zeros(self.groups, dtype=bool)
        is_in[groups] = True
        columns, rows = np.flatnonzero(is_in[self.group]), np.flatnonzero(is_in[self.row_group])
        own = self.matrix[rows][:, columns]
        low, high = self._limits(columns)
        moved, relaxed = np.zeros(self.cells.size), np.zeros(self.cells.size)
        duals = np.zeros(row_count(self.matrix))
        found = optimize.linprog(
            -goal[columns],
            A_eq=own if rows.size else None,
            b_eq=np.zeros(rows.size) if rows.size else None,
            bounds=np.column_stack([low, high]),
            method="highs-ds",
        )
        if found.status != 0:
            raise RuntimeError(f"the attacker's program was not solved: {found.message}")
        relaxed[columns] = found.x
        if rows.size:
            duals[rows] = found.eqlin.marginals
        whole = np.round(found.x)
        is_bent = np.abs(whole - found.x) > _NEAR_WHOLE
        for group in np.unique(self.group[columns][is_bent]):
            own_columns = self.group[columns] == group
            whole[own_columns] = self._whole(goal, columns[own_columns], self.rows_of(group))
        moved[columns] = whole
        is_kept = not np.any(own @ whole) and np.all((whole >= low) & (whole <= high))
        if not is_kept:
            raise RuntimeError("a witness does not agree with what is published")
        return _Solved(moved, relaxed, duals)

    def _limits(self, columns: Numbers) -> tuple[Numbers, Numbers]:
        cells = self.cells[columns]
        value = self.system.value[cells]
        return self.system.low[cells] - value, np.minimum(self.system.high[cells] - value, FAR)

    def _whole(self, goal: Numbers, columns: Numbers, rows: Numbers) -> Numbers:
        """The same for one group by integer programming: fractions protect nobody."""
        found = optimize.milp(
            -goal[columns],
            constraints=(self.matrix[rows][:, columns], 0.0, 0.0),
            bounds=self._limits(columns),
            integrality=np.ones(columns.size),
            options={"mip_rel_gap": 0.0},
        )
        if found.x is None:
            raise RuntimeError(f"the attacker's program was not solved: {found.message}")
        return np.round(found.x)
