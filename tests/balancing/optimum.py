"""What is best, worked out by a solver: slow, and by other means than the product's own."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from custom_components.balanz.balancing.claims import Claim

LEVELS_AT_ONCE = 3
"""How many levels one program settles: more make it larger, fewer make more of them."""
PER_AMPERE = 10
"""Steps are whole or tenth amperes; counted in tenths, all numbers are whole."""

type Matrix = NDArray[np.float64]


def max_min_currents(claims: Sequence[Claim], room: Sequence[float]) -> list[float]:
    """Return the weighted lexicographic max-min currents, A, where all minimums fit.

    One linear program for each level: raise all that still rise, in proportion to their weights,
    as far as it goes, and hold those at that level whose constraint has a price there. For then
    each optimal solution leaves them there.
    """
    costs = _costs(claims, len(room))
    weights = np.array([claim.weight for claim in claims])
    least = np.array([claim.minimum_a for claim in claims])
    most = np.array([claim.maximum_a for claim in claims])
    rising = np.ones(len(claims), dtype=bool)
    while rising.any():
        # The last variable is the level; no current that rises is below its part of it.
        at_level = np.hstack([-np.diag(rising.astype(float)), (weights * rising)[:, None]])
        solved = linprog(
            np.append(np.zeros(len(claims)), -1.0),
            A_ub=np.vstack([np.hstack([costs, np.zeros((len(room), 1))]), at_level]),
            b_ub=np.append(np.array(room), np.zeros(len(claims))),
            bounds=[*zip(least, most, strict=True), (0.0, None)],
            method="highs",
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )
        if not solved.success:
            raise ArithmeticError(solved.message)
        held = rising & (solved.ineqlin.marginals[len(room) :] < -1e-7)
        least[held] = most[held] = np.clip(solved.x[-1] * weights, least, most)[held]
        rising &= ~held
    return [float(current_a) for current_a in least]


def max_min_steps(claims: Sequence[Claim], room: Sequence[float]) -> list[float]:
    """Return the lexicographic max-min currents in whole steps, A, where all minimums fit.

    The poorest gets as much as can be, then the next poorest, and so on. That is to have as many
    as possible above each level in turn, the lowest level first; weights do not count.
    """
    steps = _Steps(claims)
    rows = [LinearConstraint(steps.costs(len(room)), ub=steps.tenths_above_minimum(room))]
    if (rungs := steps.rungs()).size:
        rows.append(LinearConstraint(rungs, ub=0.0))
    taken = np.zeros(steps.count)
    levels = steps.levels()
    while levels:
        chunk, levels = levels[:LEVELS_AT_ONCE], levels[LEVELS_AT_ONCE:]
        if any(level @ taken < level.sum() for level in chunk):
            ranks = [float((len(claims) + 1) ** rank) for rank in reversed(range(len(chunk)))]
            solved = milp(
                -sum(rank * level for rank, level in zip(ranks, chunk, strict=True)),
                integrality=np.ones(steps.count),
                bounds=Bounds(0.0, 1.0),
                constraints=rows,
                options={"mip_rel_gap": 0.0},
            )
            if not solved.success:
                raise ArithmeticError(solved.message)
            taken = np.round(solved.x)
        rows += [LinearConstraint(level, lb=float(level @ taken)) for level in chunk]
    return steps.currents_a(taken)


def most_admitted(claims: Sequence[Claim], room: Sequence[float]) -> int:
    """Return how many could have their minimum at once, whoever that is."""
    minimums = np.array([claim.minimum_a for claim in claims])
    possible = [all(room[number] >= 0 for number, _ in claim.way) for claim in claims]
    solved = milp(
        -np.ones(len(claims)),
        integrality=np.ones(len(claims)),
        bounds=Bounds(0.0, np.array(possible, dtype=float)),
        constraints=[
            LinearConstraint(_costs(claims, len(room)) * minimums, ub=np.maximum(room, 0.0))
        ],
        options={"mip_rel_gap": 0.0},
    )
    if not solved.success:
        raise ArithmeticError(solved.message)
    return round(float(-solved.fun))


def _costs(claims: Sequence[Claim], limits: int) -> Matrix:
    """What one ampere of each claim costs at each limit."""
    costs = np.zeros((limits, len(claims)))
    for column, claim in enumerate(claims):
        for number, units in claim.way:
            costs[number, column] += units
    return costs


class _Steps:
    """One variable, 0 or 1, for each step of each claim above its minimum."""

    def __init__(self, claims: Sequence[Claim]) -> None:
        self._claims = claims
        self._owners = [
            (position, step)
            for position, claim in enumerate(claims)
            for step in range(round((claim.maximum_a - claim.minimum_a) / claim.step_a))
        ]
        self.count = len(self._owners)

    def costs(self, limits: int) -> Matrix:
        """What each step costs at each limit, in tenths of an ampere."""
        tenths = np.array([round(claim.step_a * PER_AMPERE) for claim in self._claims])
        positions = [position for position, _ in self._owners]
        costs: Matrix = (_costs(self._claims, limits) * tenths)[:, positions]
        return costs

    def tenths_above_minimum(self, room: Sequence[float]) -> Matrix:
        minimums = np.array([claim.minimum_a for claim in self._claims])
        left = np.array(room) - _costs(self._claims, len(room)) @ minimums
        tenths: Matrix = np.floor(left * PER_AMPERE + 1e-4)
        return tenths

    def rungs(self) -> Matrix:
        """No step before the one below it."""
        numbers = {owner: number for number, owner in enumerate(self._owners)}
        rungs = []
        for (position, step), number in numbers.items():
            if step > 0:
                rung = np.zeros(self.count)
                rung[number], rung[numbers[position, step - 1]] = 1.0, -1.0
                rungs.append(rung)
        return np.array(rungs)

    def levels(self) -> list[Matrix]:
        """For each current that somebody could stop at, the steps that lead above it."""
        spans = [
            (self._tenths(position, step), self._tenths(position, step + 1))
            for position, step in self._owners
        ]
        return [
            np.array([float(low <= level < high) for low, high in spans])
            for level in sorted({low for low, _ in spans})
        ]

    def currents_a(self, taken: Matrix) -> list[float]:
        currents_a = [claim.minimum_a for claim in self._claims]
        for (position, _), is_taken in zip(self._owners, taken, strict=True):
            currents_a[position] += self._claims[position].step_a * is_taken
        return [round(float(current_a), 3) for current_a in currents_a]

    def _tenths(self, position: int, step: int) -> int:
        claim = self._claims[position]
        return round((claim.minimum_a + step * claim.step_a) * PER_AMPERE)
