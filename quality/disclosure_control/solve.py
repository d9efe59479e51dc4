"""Hide, attack, hide more, until the attacker finds nothing: a loop around `attack` and `cover`."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import optimize, sparse
from scipy.sparse import csgraph

from quality.disclosure_control.attack import proofs, reach
from quality.disclosure_control.cover import Condition, Cover
from quality.disclosure_control.system import Numbers, System, row_count

EXACT_CELLS: Final = 400
"""Up to so many cells that hang together, the cheapest pattern is sought by integer programming."""
EXACT_CELLS_IN_ALL: Final = 3_000
"""Smallest tables first, until so many cells were looked at: bounds the time."""
_NODES: Final = 2_000
_ROUNDS: Final = 20
_REASONS: Final = 4
_ALMOST: Final = 1e-6


def hidden_cells(system: System, *, exact_cells: int = EXACT_CELLS) -> Numbers:
    """What to hide, small counts included, so that every small count keeps its open limits.

    Args:
        system: The table.
        exact_cells: Size of connected tables up to which the cheapest pattern is sought.
    """
    cover = Cover(system)
    within_sums(cover)
    until_safe(cover)
    prune(cover)
    until_safe(cover)
    spent = 0
    for part in sorted(parts(system, exact_cells), key=lambda part: (part.size, part[0])):
        if (cover.hidden & ~system.is_held)[part].any():
            spent += part.size
            if spent > EXACT_CELLS_IN_ALL:
                break
            cover.hidden[part] = cheapest(cover, part)
    return cover.hidden


def within_sums(cover: Cover) -> None:
    """Give every small count room within each single sum it stands in."""
    for cell in np.flatnonzero(cover.system.is_small & cover.hidden).tolist():
        for row in cover.sums_of(cell):
            for sign in (1, -1):
                cover.meet(cover.within_sum(cell, sign, row))
    cover.close()


def until_safe(cover: Cover) -> None:
    """Attack and hide more until no small count can be narrowed.

    What is safe stays safe when more is hidden, so only what failed is attacked again.
    """
    targets = cover.system.is_small & cover.hidden
    while targets.any():
        targets = attacked(cover, targets, mend=True)


def attacked(cover: Cover, targets: Numbers, *, mend: bool) -> Numbers:
    """Which targets can be narrowed; the reasons become conditions.

    Args:
        cover: What is hidden, and why.
        targets: Small counts to attack.
        mend: Hide what the reasons ask for; else they are only kept.
    """
    system, value = cover.system, cover.system.value
    found = reach(system, cover.hidden, targets, (cover.goal_low, cover.goal_high))
    unsafe = {
        1: np.flatnonzero(targets & (found.upper < cover.goal_high)),
        -1: np.flatnonzero(targets & (found.lower > cover.goal_low)),
    }
    reasons = [
        proof
        for sign, cells in unsafe.items()
        if cells.size
        for proof in proofs(system, cover.hidden, cells, sign, per_group=_REASONS)
    ]
    asked = [cover.of_proof(proof) for proof in reasons]
    was_met = [one is None or cover.is_met(one) for one in asked]
    for proof, condition, is_met in zip(reasons, asked, was_met, strict=True):
        if condition is not None and not is_met:
            cover.meet(condition) if mend else cover.remember(condition)
        elif proof.moved < cover.wanted(proof.cell, proof.sign) - _ALMOST:
            # No pattern gives more than this.
            cover.settle_for(proof.cell, proof.sign, np.floor(proof.moved + _ALMOST))
        elif not (mend and cover.hide_near(proof.cells)):
            # Lost to whole numbers, and nothing is left to hide.
            reached = (found.upper if proof.sign > 0 else found.lower)[proof.cell]
            cover.settle_for(proof.cell, proof.sign, abs(reached - value[proof.cell]))
    is_unsafe = np.zeros_like(targets)
    is_unsafe[np.concatenate(list(unsafe.values()))] = True
    return is_unsafe


def prune(cover: Cover) -> None:
    """Publish again, dearest first, what no known condition needs."""
    spare = np.flatnonzero(cover.hidden & ~cover.system.is_held)
    for cell in spare[np.argsort(-cover.system.weight[spare], kind="stable")]:
        if not cover.is_needed(int(cell)):
            cover.unhide(int(cell))


def parts(system: System, largest: int) -> list[Numbers]:
    """Cells that hang together by sums, zeros and fixed cells apart; those groups not too large."""
    cells = np.flatnonzero(system.is_free)
    matrix = system.matrix[:, cells]
    both = sparse.bmat([[None, matrix], [matrix.T, None]], format="csr")
    label = csgraph.connected_components(both, directed=False)[1][row_count(matrix) :]
    order = np.argsort(label, kind="stable")
    groups = np.split(cells[order], np.flatnonzero(np.diff(label[order])) + 1)
    return [group for group in groups if 1 < group.size <= largest]


def cheapest(cover: Cover, part: Numbers) -> Numbers:
    """The pattern of one small part at least cost; the one found so far if that is proven best.

    Args:
        cover: A safe pattern.
        part: Cells that hang together.

    Returns:
        What to hide of the part.
    """
    so_far = cover.hidden[part]
    own = Cover(system_part(cover.system, part), (cover.low[part], cover.high[part]))
    own.goal_low, own.goal_high = cover.goal_low[part], cover.goal_high[part]
    small = own.system.is_small & own.hidden
    for cell in np.flatnonzero(small).tolist():
        for row in own.sums_of(cell):
            for sign in (1, -1):
                if (condition := own.within_sum(cell, sign, row)) is not None:
                    own.remember(condition)
    place = {int(cell): at for at, cell in enumerate(part)}
    for condition in cover.conditions_on(part):
        inside = np.array([place[int(cell)] for cell in condition.cells])
        own.remember(Condition(inside, condition.effects, condition.needed))
    cost, best = own.system.weight[so_far].sum(), so_far
    goals = own.goal_low.copy(), own.goal_high.copy()
    for _ in range(_ROUNDS):
        found = least_cost(own)
        if found is None or own.system.weight[found].sum() >= cost - _ALMOST:
            return best
        own.hidden = found
        is_unsafe = attacked(own, small, mend=False)
        if not is_unsafe.any():
            return found
        if not all(map(np.array_equal, goals, (own.goal_low, own.goal_high))):
            return best
    return best


def least_cost(cover: Cover) -> Numbers | None:
    """The cheapest pattern that meets all conditions; None: not found within the limit of nodes."""
    system = cover.system
    sizes = [one.cells.size for one in cover.conditions]
    row = np.repeat(np.arange(len(sizes)), sizes)
    column = np.concatenate([np.zeros(0, dtype=int), *(one.cells for one in cover.conditions)])
    effect = np.concatenate([np.zeros(0), *(one.effects for one in cover.conditions)])
    met = sparse.csr_matrix((effect, (row, column)), shape=(len(sizes), system.value.size))
    needed = np.array([one.needed for one in cover.conditions])
    rows = [(met, needed - _ALMOST, np.inf), (cover.never_alone(), 0.0, np.inf)]
    found = optimize.milp(
        np.where(system.is_held, 0.0, system.weight),
        constraints=[one for one in rows if row_count(one[0])],
        bounds=(system.is_held.astype(float), cover.may_hide().astype(float)),
        integrality=np.ones(system.value.size),
        options={"node_limit": _NODES, "mip_rel_gap": 1e-6},
    )
    return None if found.status != 0 else found.x > 0.5


def system_part(system: System, cells: Numbers) -> System:
    """Some cells that hang together, and the sums they stand in.

    The others in these sums are fixed; they need not be there, because only movements count.
    """
    matrix = system.matrix[:, cells]
    matrix = matrix[np.flatnonzero(np.diff(matrix.indptr))]
    return System(
        ids=system.ids.gather(cells),
        matrix=sparse.csr_matrix(matrix),
        **{
            name: getattr(system, name)[cells]
            for name in ("value", "low", "high", "is_small", "is_free", "is_held", "weight")
        },
    )
