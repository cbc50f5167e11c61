"""The most energy that anybody could have delivered who knew the whole day beforehand.

A linear program in steps of five minutes, without a least current, delays or whole amperes. Each
of its simplifications favours it, so nothing that keeps the limits can deliver more.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array

from .cars import TAPER_LEAST, TAPER_WH
from .days import SiteDay, Stay
from .flows import Nodes
from .house import SLOT_S
from .phases import VOLTAGE_V

BIN_S = 300


class _Rows:
    """Rows of a sparse matrix, each with its bound."""

    def __init__(self) -> None:
        self.bounds: list[float] = []
        self._numbers: list[int] = []
        self._columns: list[int] = []
        self._values: list[float] = []

    def add(self, bound: float, terms: Iterable[tuple[int, float]]) -> None:
        for column, value in terms:
            self._numbers.append(len(self.bounds))
            self._columns.append(column)
            self._values.append(value)
        self.bounds.append(bound)

    def matrix(self, columns: int) -> coo_array:
        shape = (len(self.bounds), columns)
        return coo_array((self._values, (self._numbers, self._columns)), shape=shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One car in one bin. Its energy is a variable, and so is that of the car up to its end."""

    stay: Stay
    bin: int
    overlap_s: int
    energy: int
    so_far: int
    so_far_before: int | None

    @property
    def most_wh(self) -> float:
        return self.stay.kind.power_w * self.overlap_s / 3600


def optimal_energy_wh(day: SiteDay) -> float:
    """Return the energy that fits into a day at the most."""
    parts = list(_parts(day.stays))
    if not parts:
        return 0.0
    columns = 2 * len(parts)
    sums, limits = _Rows(), _Rows()
    highest = np.zeros(columns)
    for part in parts:
        highest[part.energy] = part.most_wh
        highest[part.so_far] = part.stay.energy_wh
        before = [] if part.so_far_before is None else [(part.so_far_before, 1.0)]
        sums.add(0.0, [(part.so_far, -1.0), (part.energy, 1.0), *before])
        # A car's own limit falls with what it still wants at the beginning of the bin.
        per_wh = part.most_wh * (1 - TAPER_LEAST) / TAPER_WH
        at_first_wh = part.most_wh * TAPER_LEAST + per_wh * part.stay.energy_wh
        if before:
            limits.add(at_first_wh, [(part.energy, 1.0), (before[0][0], per_wh)])
        else:
            highest[part.energy] = min(part.most_wh, at_first_wh)
    _add_nodes(day, parts, limits)
    goal = np.zeros(columns)
    goal[[part.energy for part in parts]] = -1.0
    solution = linprog(
        goal,
        A_ub=limits.matrix(columns).tocsr(),
        b_ub=limits.bounds,
        A_eq=sums.matrix(columns).tocsr(),
        b_eq=sums.bounds,
        bounds=np.column_stack((np.zeros(columns), highest)),
        method="highs",
    )
    if not solution.success:
        raise RuntimeError(f"no optimum: {solution.message}")
    return -float(solution.fun)


def _parts(stays: Iterable[Stay]) -> Iterator[_Part]:
    column = 0
    for stay in stays:
        before: int | None = None
        for number in range(stay.arrives_s // BIN_S, (stay.leaves_s - 1) // BIN_S + 1):
            begins_s = number * BIN_S
            overlap_s = min(stay.leaves_s, begins_s + BIN_S) - max(stay.arrives_s, begins_s)
            part = _Part(
                stay=stay,
                bin=number,
                overlap_s=overlap_s,
                energy=column,
                so_far=column + 1,
                so_far_before=before,
            )
            yield part
            before = part.so_far
            column += 2


def _add_nodes(day: SiteDay, parts: Iterable[_Part], limits: _Rows) -> None:
    """Keep what flows through each phase of each group within what is left, in each bin."""
    nodes = Nodes(day)
    terms: defaultdict[tuple[int, int], list[tuple[int, float]]] = defaultdict(list)
    for part in parts:
        a_per_wh = 3600 / BIN_S / VOLTAGE_V / part.stay.kind.lines
        for node in nodes.of(part.stay):
            terms[part.bin, node].append((part.energy, a_per_wh))
    room = {number: _room(day, nodes, number) for number, _ in terms}
    for (number, node), summands in terms.items():
        limits.add(room[number][node], summands)


def _room(day: SiteDay, nodes: Nodes, number: int) -> list[float]:
    """Return what is left at each node in the mean of a bin, A."""
    seconds = range(number * BIN_S, (number + 1) * BIN_S, SLOT_S)
    slots = [nodes.limits(day.capacity_at(second), day.house_at(second)) for second in seconds]
    return [
        sum(max(left_a, 0.0) for left_a in values) / len(slots)
        for values in zip(*slots, strict=True)
    ]
